"""Users and items beside implicit: how fast an epoch is at which loss, how fast all are served, and how good it ranks.

Speed is measured on interactions made from a seed, 60,000 users × 12,000 items with some 5 million lognormal entries,
and on gowalla; both sides have the same objective (confidence 10, penalty 0.01 for all), whose value is computed for
what each of them learned. implicit is given one BLAS thread, as it asks for, and two of its own. Quality is measured on
held-out fifths of what each user met; for each method the same number of settings is tried on a fifth of the training
part, and the best one is learned anew and judged.

    python benchmarks/items.py              everything, an hour
    python benchmarks/items.py --speed      only how fast, some ten minutes; what else was measured stays
    python benchmarks/items.py --quality    only how good, in the same way
    python benchmarks/items.py --small      a minute, as a check
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import io
import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sparse
from _measure import DATA, RESULTS, record

import kinfold as kf
from kinfold.core.keys import Keys
from kinfold.core.rows import Rows
from kinfold.core.shapes import Counts, Interactions
from kinfold.core.space import Space
from kinfold.learn import ALS, BPR, EASE
from kinfold.prepare.interactions import matrix
from kinfold.prepare.split import Split, split
from kinfold.sources.interactions import read
from kinfold.tasks.recommend import recommend

CONFIDENCE, PENALTY, EPOCHS = 10.0, 0.01, 6
FOLDER = DATA / "interactions"


def made(users: int, items: int, entries: int, seed: int = 0) -> Counts:
    """Interactions of lognormal users and items."""
    rng = np.random.default_rng(seed)
    by, of = rng.lognormal(0, 1, users), rng.lognormal(0, 1.4, items)
    pairs = rng.choice(users, entries, p=by / by.sum()), rng.choice(items, entries, p=of / of.sum())
    found = sparse.csr_array((np.ones(entries, np.float32), pairs), shape=(users, items))
    found.sum_duplicates()
    found.data[:] = 1
    names = (Keys([str(each) for each in range(count)], group) for count, group in ((users, "user"), (items, "item")))
    return Counts(*names, found)


def one_blas_thread() -> Any:
    """What implicit asks for."""
    import threadpoolctl

    return threadpoolctl.threadpool_limits(1, "blas")


def objective(rows: np.ndarray, columns: np.ndarray, met: sparse.csr_array) -> float:
    """What both minimize, an entry."""
    rows, columns = rows.astype(np.float64), columns.astype(np.float64)
    total = np.einsum("ij,jk,ik->", rows, columns.T @ columns, rows) + PENALTY * ((rows**2).sum() + (columns**2).sum())
    for start in range(0, len(rows), 2000):
        part = met[start : start + 2000].tocoo()
        scores = np.einsum("ij,ij->i", rows[start + part.coords[0]], columns[part.coords[1]])
        total += (CONFIDENCE * (scores - 1) ** 2 - scores**2).sum()
    return float(total / met.nnz)


def als_speed(counts: Counts, dim: int, exact: bool, rounds: int) -> dict[str, Any]:
    """Seconds an epoch of both, in turn, and the losses that they reach."""
    from implicit.als import AlternatingLeastSquares

    shared: dict[str, Any] = {"regularization": PENALTY, "frequency": 0.0, "confidence": CONFIDENCE}
    ours = ALS(
        dim=dim,
        epochs=EPOCHS,
        unobserved=1.0,
        objective="unobserved",
        solver="cholesky" if exact else "gradients",
        **shared,
    )
    found: dict[str, list[float]] = {"kinfold": [], "implicit": []}
    losses: dict[str, float] = {}
    met = sparse.csr_matrix(counts.values)
    for seed in range(rounds):
        ends = [time.perf_counter()]
        space = ours.fit(counts, seed=seed, threads=2, callback=lambda _, ends=ends: ends.append(time.perf_counter()))
        found["kinfold"].append(median(np.diff(ends)[1:]))
        users, items = (space.group(name).rows.dense() for name in ("user", "item"))
        losses["kinfold"] = objective(users, items, counts.values)
        seconds: list[float] = []
        with one_blas_thread():
            options = {"alpha": CONFIDENCE, "use_cg": not exact, "use_gpu": False, "num_threads": 2}
            model = AlternatingLeastSquares(
                factors=dim, regularization=PENALTY, iterations=EPOCHS, random_state=seed, **options
            )
            model.fit(met, show_progress=False, callback=lambda *each, seconds=seconds: seconds.append(each[1]))
        found["implicit"].append(median(seconds[1:]))
        losses["implicit"] = objective(model.user_factors, model.item_factors, counts.values)
        print(
            f"  als {dim} {'cholesky' if exact else 'cg'}", {k: round(v[-1], 3) for k, v in found.items()}, flush=True
        )
    return {"seconds": found, "ratio": _ratio(found), "loss": losses}


def bpr_speed(counts: Counts, dim: int, rounds: int) -> dict[str, Any]:
    """Pairs a second of both, in turn."""
    from implicit.bpr import BayesianPersonalizedRanking

    met = sparse.csr_matrix(counts.values)
    found: dict[str, list[float]] = {"kinfold": [], "implicit": []}
    for seed in range(rounds):
        ends = [time.perf_counter()]
        BPR(dim=dim, epochs=EPOCHS).fit(
            counts, seed=seed, threads=2, callback=lambda _, ends=ends: ends.append(time.perf_counter())
        )
        found["kinfold"].append(3 * met.nnz / median(np.diff(ends)[1:]))
        began = time.perf_counter()
        with one_blas_thread():
            BayesianPersonalizedRanking(
                factors=dim - 1, iterations=EPOCHS, num_threads=2, use_gpu=False, random_state=seed
            ).fit(met, show_progress=False)
        found["implicit"].append(EPOCHS * met.nnz / (time.perf_counter() - began))
        print(f"  bpr {dim}", {k: round(v[-1] / 1e6, 2) for k, v in found.items()}, flush=True)
    return {"pairs_per_second": found, "ratio": 1 / _ratio(found)}


def serving(met: Interactions, dim: int, rounds: int) -> dict[str, Any]:
    """Seconds for the 20 best new items of all users of both, in turn; implicit with one BLAS thread and with two."""
    from implicit.als import AlternatingLeastSquares

    space = kf.items(met, dim=dim, epochs=2)
    values = sparse.csr_matrix(matrix(met).values)
    model = AlternatingLeastSquares(factors=dim, iterations=2, num_threads=2, use_gpu=False)
    with one_blas_thread():
        model.fit(values, show_progress=False)
    everyone = np.arange(values.shape[0])

    def theirs() -> None:
        model.recommend(everyone, values, N=20, filter_already_liked_items=True)

    def alone() -> None:
        with one_blas_thread():
            theirs()

    contenders: dict[str, Callable[[], Any]] = {
        "kinfold": lambda: recommend(space, k=20),
        "implicit, 1 BLAS thread": alone,
        "implicit": theirs,
    }
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds + 1):
        for name, serve in contenders.items():
            began = time.perf_counter()
            serve()
            found[name].append(time.perf_counter() - began)
    seconds = {name: median(each[1:]) for name, each in found.items()}
    print("  serving", seconds, flush=True)
    return {"seconds": seconds, "users": len(everyone), "items": values.shape[1]}


def scaling(dim: int, small: bool) -> dict[str, Any]:
    """Seconds an epoch for a quarter, half and all of some 20 million entries, 138,000 × 27,000."""
    scale = 50 if small else 1
    whole = made(138_000 // scale, 27_000 // scale, 20_500_000 // scale, seed=1)
    found = {}
    for share in (4, 2, 1):
        values = whole.values.copy()
        keep = np.random.default_rng(0).random(values.nnz) < 1 / share
        values.data *= keep
        values.eliminate_zeros()
        ends = [time.perf_counter()]
        ALS(dim=dim, epochs=4).fit(
            dataclasses.replace(whole, values=values),
            threads=2,
            callback=lambda _, ends=ends: ends.append(time.perf_counter()),
        )
        found[str(values.nnz)] = median(np.diff(ends)[1:])
        print("  scaling", values.nnz, round(found[str(values.nnz)], 2), flush=True)
    return {"seconds_an_epoch": found}


def memory(dim: int) -> dict[str, float]:
    """Peak bytes of a process that reads gowalla and learns."""
    import subprocess
    import sys

    script = (
        "import sys; sys.path.insert(0, 'benchmarks'); from _measure import peak_memory; import kinfold as kf;"
        f"kf.items({str(FOLDER / 'gowalla' / 'train.txt.gz')!r}, dim={dim}, epochs=2); print(peak_memory())"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {"peak_bytes": float(ran.stdout)}


# Quality: each method is a set of settings, and a way to learn rows by one of them.

# The two of one objective, which differ by less than their first rows make them: the mean of three seeds.
SEEDED = ("ALS", "irspack iALS")
SHARES = (8.0, 16.0)  # weight of all pairs beside that of all entries


class Known(NamedTuple):
    """What is known of interactions: users and items that take part, and the weight of all entries."""

    users: int
    items: int
    total: float

    @classmethod
    def of(cls, met: Interactions, weighting: str) -> Known:
        values = _weighed(met, weighting)
        return cls(len(np.unique(met.user_ids)), len(np.unique(met.item_ids)), float(values.sum(dtype=np.float64)))

    def unobserved(self, share: float) -> float:
        """The weight of a pair where all pairs weigh so many times as much as all entries."""
        return share * self.total / (self.users * self.items)


PENALTIES = (0.0025, 0.005, 0.01)


def ials_settings(known: Known) -> list[dict[str, Any]]:
    """Of the objective that Kinfold and irspack share, whose best corner depends on the density."""
    weights = [known.unobserved(share) for share in SHARES]
    return grid(dim=(64, 256), regularization=PENALTIES, unobserved=weights)


def implicit_settings(known: Known) -> list[dict[str, Any]]:
    """The same corners in implicit's terms: entries weigh alpha, pairs 1, and the penalty is alike for all rows."""
    of_a_row = 2 * known.total / (known.users + known.items)
    found = []
    for dim, penalty, share in itertools.product((64, 256), PENALTIES, SHARES):
        unobserved = known.unobserved(share)
        plain = penalty * of_a_row * (1 + share) / unobserved
        found.append({"factors": dim, "alpha": 1 + 1 / unobserved, "regularization": plain})
    return found


def grid(**values: Iterable[Any]) -> list[dict[str, Any]]:
    """All combinations."""
    return [dict(zip(values, each, strict=True)) for each in itertools.product(*values.values())]


def kinfold(method: str, **fixed: Any) -> Callable[..., tuple[Space, Split]]:
    """Learns by Kinfold."""

    def learn(parts: Split, **options: Any) -> tuple[Space, Split]:
        if method != "als":  # which has a word for it
            parts = _unweighted(parts)
        return kf.items(parts.train, method=method, **fixed, **options), parts

    return learn


def irspack(parts: Split, *, weighting: str, dim: int, regularization: float, unobserved: float, seed: int = 0) -> Any:
    """Learns by irspack's iALS, with the solver and the epochs of its defaults."""
    from irspack.recommenders import IALSRecommender

    met, history = (sparse.csr_matrix(_weighed(part, weighting)) for part in (parts.train, parts.history))
    how = {"train_epochs": 16, "n_threads": 2, "random_seed": seed}
    model = IALSRecommender(met, n_components=dim, alpha0=unobserved, reg=regularization, nu=1.0, **how)
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        model.learn()
    users = model.get_user_embedding()
    new = np.flatnonzero(np.diff(history.indptr))
    if parts.history is not parts.train:
        users[new] = model.compute_user_embedding(history[new])
    return _rows(parts, users, model.get_item_embedding())


def implicit_als(parts: Split, *, weighting: str, **options: Any) -> Any:
    """Learns by implicit's ALS."""
    from implicit.als import AlternatingLeastSquares

    met, history = (sparse.csr_matrix(_weighed(part, weighting)) for part in (parts.train, parts.history))
    with one_blas_thread():
        model = AlternatingLeastSquares(iterations=16, num_threads=2, use_gpu=False, random_state=0, **options)
        model.fit(met, show_progress=False)
        users = model.user_factors.copy()
        if parts.history is not parts.train:
            new = np.flatnonzero(np.diff(history.indptr))
            users[new] = model.recalculate_user(new, history[new])
    return _rows(parts, users, model.item_factors)


def implicit_bpr(parts: Split, **options: Any) -> Any:
    """Learns by implicit's BPR; users who are new, whom it cannot place, are folded in by Kinfold."""
    from implicit.bpr import BayesianPersonalizedRanking

    with one_blas_thread():
        model = BayesianPersonalizedRanking(num_threads=2, use_gpu=False, random_state=0, **options)
        model.fit(sparse.csr_matrix(_weighed(parts.train, "one")), show_progress=False)
    if parts.history is parts.train:
        return _rows(parts, model.user_factors, model.item_factors)
    parts = _unweighted(parts)
    shell = kf.items(parts.train, method="bpr", dim=model.item_factors.shape[1], epochs=1)
    rows = np.concatenate([model.user_factors, model.item_factors]).astype(np.float32)
    return dataclasses.replace(shell, rows=Rows(rows)), parts


def _unweighted(parts: Split) -> Split:
    train, history, test = (dataclasses.replace(part, weights=None) for part in parts)
    return Split(train, train if parts.history is parts.train else history, test)


def _weighed(part: Interactions, weighting: str) -> sparse.csr_array:
    values = matrix(part).values
    values.data[:] = np.log1p(values.data) if weighting == "log" else 1
    return values


def _rows(parts: Split, users: np.ndarray, items: np.ndarray) -> tuple[Space, Split]:
    """Rows of another library as a Space, and a split whose users all have rows in it."""
    shell = kf.items(parts.train, dim=2, epochs=1, weighting="one")
    rows = np.concatenate([users, items]).astype(np.float32)
    return dataclasses.replace(shell, rows=Rows(rows)), Split(parts.history, parts.history, parts.test)


def methods(met: Interactions, weighting: str) -> dict[str, tuple[Iterable[dict[str, Any]], Callable[..., Any]]]:
    """Twelve settings for each."""
    known = Known.of(met, weighting)
    ease = (30, 60, 100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000)
    return {
        "ALS": (ials_settings(known), kinfold("als", weighting=weighting)),
        "irspack iALS": (ials_settings(known), functools.partial(irspack, weighting=weighting)),
        "implicit ALS": (implicit_settings(known), functools.partial(implicit_als, weighting=weighting)),
        "BPR": (
            grid(regularization=(0.005, 0.01, 0.02), noise_exponent=(0.0, 0.5), learning_rate=(0.05, 0.1)),
            kinfold("bpr", dim=128),
        ),
        "implicit BPR": (
            grid(learning_rate=(0.01, 0.03, 0.1), regularization=(0.001, 0.01), iterations=(100, 300), factors=(127,)),
            implicit_bpr,
        ),
        "EASE": (grid(regularization=ease), kinfold("ease")),
    }


def quality(parts: Split, how: str, weighting: str, few: bool) -> dict[str, Any]:
    """The best setting of each method on a part of the training part, and what it is worth on the test part."""
    tuning = split(parts.train, how, users=0.2, seed=7)
    found: dict[str, Any] = {}
    for name, (settings, learn) in methods(tuning.train, weighting).items():
        if name == "EASE" and len(parts.train.items) > 20_000:
            continue
        tried = []
        for options in list(settings)[:: 4 if few else 1]:
            report = kf.measure.retrieval(*learn(tuning, **options), ks=(20,))
            tried.append((report["ndcg@20"].value, options))
        best = max(tried, key=lambda each: each[0])[1]
        report = kf.measure.retrieval(*learn(parts, **best), ks=(20,))
        reports = [report]
        if name in SEEDED:
            reports += [kf.measure.retrieval(*learn(parts, **best, seed=seed), ks=(20,)) for seed in (1, 2)]
        found[name] = {"setting": best, "tried": tried}
        for metric in ("recall@20", "ndcg@20"):
            values = [each[metric].value for each in reports]
            low, high = report[metric].low, report[metric].high
            found[name][metric] = {"value": float(np.mean(values)), "seeds": values, "low": low, "high": high}
        if name == "ALS":
            popular = next(row for row in report.tables[0].rows if row[0] == "popular")
            found["popular"] = {"recall@20": {"value": popular[2]}, "ndcg@20": {"value": popular[3]}}
        print(f"  {name}:", {each: found[name][each] for each in ("recall@20", "ndcg@20")}, best, flush=True)
    return found


def datasets() -> dict[str, tuple[Split, str, str]]:
    """What is judged on, how the part to tune by is held out, and what an entry weighs."""
    found = {}
    for name, folder in (("ml-1m", "ml-1m/split"), ("gowalla", "gowalla")):
        both = read([FOLDER / folder / "train.txt.gz", FOLDER / folder / "test.txt.gz"])
        size = len(read(FOLDER / folder / "train.txt.gz"))
        train, test = both.take(np.arange(size)), both.take(np.arange(size, len(both)))
        found[name] = Split(train, train, test), "random", "one"
    plays = read(FOLDER / "lastfm-2k" / "user_artists.dat.gz", user="1", item="2", weight="3")
    found["lastfm-2k"] = split(plays, "user", users=0.2, seed=5), "user", "log"
    return found


def cold(few: bool) -> dict[str, Any]:
    """A fifth of ml-1m's movies is withheld from training; what features say of them, ranked among themselves."""
    import pyarrow as pa

    folder = FOLDER / "ml-1m"
    met = read([folder / "split" / "train.txt.gz", folder / "split" / "test.txt.gz"])
    numbers = dict(line.split()[::-1] for line in (folder / "split" / "item_map.txt").read_text().splitlines() if line)
    films = {line.split("::")[0]: line.split("::") for line in (folder / "movies.dat").open(encoding="latin-1")}
    told = [films[numbers[key]] for key in met.items]
    table = pa.table(
        {"item": met.items.names, "title": [each[1] for each in told], "genres": [each[2].strip() for each in told]}
    )
    found: dict[str, Any] = {}
    for columns in (["genres:|"], ["title:words"], ["genres:|", "title:words"]):
        values: dict[str, list[float]] = {}
        for seed in range(1 if few else 3):
            withheld = np.random.default_rng(seed).random(len(met.items)) < 0.2
            train, test = met.take(~withheld[met.item_ids]), met.take(withheld[met.item_ids])
            space = kf.items(train, dim=64, weighting="one", seed=seed, item_table=table, item_features=columns)
            report = kf.measure.retrieval(space, Split(train, train, test), ks=(20,), where="count = 0")
            for name, _, recall, ndcg, *_ in report.tables[0].rows:
                name = "features" if name == "als" else name
                values.setdefault(f"{name} recall@20", []).append(recall)
                values.setdefault(f"{name} ndcg@20", []).append(ndcg)
            values.setdefault("low", []).append(report["recall@20"].low)
            values.setdefault("high", []).append(report["recall@20"].high)
        found[", ".join(columns)] = {name: float(np.mean(each)) for name, each in values.items()}
        print("  cold", columns, found[", ".join(columns)], flush=True)
    return found


def _ratio(found: dict[str, list[float]]) -> float:
    return median(theirs / ours for ours, theirs in zip(found["kinfold"], found["implicit"], strict=True))


# What the README shows of all lines.
FIRST = ("ALS, 3 steps of conjugate gradients, 128 d", "ALS, exact, 64 d", "BPR, 128 d", "20 best", "recall@20, ml-1m")


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    """Lines of a table, those of the README first."""
    lines = [*(speed_lines(results) if "als" in results else ()), *quality_lines(results)]
    rows = [dict(zip(("measured", "kinfold", "beside", "ratio"), line, strict=True)) for line in lines]
    return sorted(rows, key=lambda row: not row["measured"].startswith(FIRST))


def speed_lines(results: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """How fast."""
    for what, title in (("als", "ALS, 3 steps of conjugate gradients"), ("cholesky", "ALS, exact")):
        for dim, found in results[what].items():
            own, other = (
                f"{median(found['seconds'][name]):.2f} s, loss {found['loss'][name]:.3f}"
                for name in ("kinfold", "implicit")
            )
            measured = f"{title}, {dim} d, an epoch of 5 M entries"
            yield measured, own, f"implicit 0.7 {other}", f"{found['ratio']:.1f}×"
    for dim, found in results["bpr"].items():
        own, other = (
            f"{median(found['pairs_per_second'][name]) / 1e6:.1f} M pairs/s" for name in ("kinfold", "implicit")
        )
        yield f"BPR, {dim} d, gowalla", own, f"implicit 0.7 {other}", f"{found['ratio']:.1f}×"
    seconds = results["serving"]["seconds"]
    best = min(seconds["implicit"], seconds["implicit, 1 BLAS thread"])
    measured = f"20 best new items for {results['serving']['users']:,} users"
    yield measured, f"{seconds['kinfold']:.2f} s", f"implicit 0.7 {best:.2f} s", f"{best / seconds['kinfold']:.1f}×"
    yield "EASE, ml-1m", f"{results['ease']['seconds']:.1f} s", "", ""
    epochs = results["scaling"]["seconds_an_epoch"]
    told = ", ".join(f"{int(entries) / 1e6:.1f} M in {each:.2f} s" for entries, each in epochs.items())
    yield "ALS, 128 d, an epoch of a quarter, half and all of the entries", told, "", ""
    yield "memory, gowalla, 128 d", f"{results['memory']['peak_bytes'] / 1e6:,.0f} MB", "", ""


def quality_lines(results: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """How good."""
    for columns, found in list(results.get("cold", {}).items())[-1:]:
        own, drawn, popular = (found[f"{name} recall@20"] for name in ("features", "random", "popular"))
        measured = f"recall@20 of movies that nobody met, ml-1m, by {columns}"
        told = f"{own:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
        beside = f"random {drawn:.3f}, popular (none is) {popular:.3f}"
        yield measured, told, beside, f"{own / max(drawn, popular):.1f}×"
    for name, found in results.get("quality", {}).items():
        for metric in ("recall@20", "ndcg@20"):
            own = found["ALS"][metric]
            others = ", ".join(f"{each} {found[each][metric]['value']:.3f}" for each in found if each != "ALS")
            told = f"ALS {own['value']:.3f} [{own['low']:.3f}, {own['high']:.3f}]"
            yield f"{metric}, {name}, tuned alike", told, others, ""


def speed(small: bool, rounds: int) -> dict[str, Any]:
    """All that is timed."""
    counts = made(6_000, 1_200, 300_000) if small else made(60_000, 12_000, 5_300_000)
    for solver in ("gradients", "cholesky"):
        ALS(dim=8, epochs=1, solver=solver).fit(counts, threads=2)  # loads what was compiled
    gowalla = read(FOLDER / "gowalla" / "train.txt.gz")
    movies = matrix(read(FOLDER / "ml-1m" / "split" / "train.txt.gz"))
    began = time.perf_counter()
    EASE().fit(movies)
    ease = time.perf_counter() - began
    return {
        "ease": {"seconds": ease},
        "als": {str(dim): als_speed(counts, dim, False, rounds) for dim in (64, 128, 256)},
        "cholesky": {str(dim): als_speed(counts, dim, True, 1) for dim in (64, 128)},
        "bpr": {str(dim): bpr_speed(matrix(gowalla), dim, rounds) for dim in (64, 128)},
        "serving": serving(gowalla, 64, rounds),
        "scaling": scaling(128, small),
        "memory": memory(128),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--quality", action="store_true")
    arguments = parser.parse_args()
    small = arguments.small
    name = "items_small" if small else "items"
    path = RESULTS / f"{name}.json"
    results: dict[str, Any] = json.loads(path.read_text())["results"] if path.exists() else {}
    if not arguments.quality:
        results |= speed(small, 1 if small else arguments.rounds)
    if not arguments.speed:
        results["cold"] = cold(small)
        results["quality"] = {name: quality(*each, small) for name, each in datasets().items()}
    results["summary"] = summary(results)
    record(name, results)


if __name__ == "__main__":
    main()
