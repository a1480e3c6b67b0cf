"""Which dimension and which penalty: settings of a method for users and items, judged by what was held out."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from kinfold.choose import Quality, Search, Trial, best, halving, rungs, told
from kinfold.choose.report import shown
from kinfold.core.errors import BadData, BadOption, did_you_mean
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report
from kinfold.core.shapes import Interactions
from kinfold.prepare.split import How, Split
from kinfold.recipes.items import METHODS, learned
from kinfold.recipes.words import configured

DIMS = (32, 64, 128, 256)
FACTORS = (0.3, 1, 3)  # of the penalty that a method has by default
ERRORS = ("rmse", "mae")


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a search found.

    Args:
        method: What was learned by.
        best: Its options that did best, with those that stood still: `items(met, method=method, **best)`.
        report: The quality of the best; tables of quality along the curve and of all that was tried.
        trials: All that was judged.
    """

    method: str
    best: dict[str, Any]
    report: Report
    trials: tuple[Trial, ...]


def tune(
    interactions: Any,
    *,
    user: str | None = None,
    item: str | None = None,
    weight: str | None = None,
    time: str | None = None,
    method: str = "als",
    repeated: Literal["sum", "last"] | None = None,
    on_bad: Literal["raise", "skip"] = "raise",
    encoding: str = "utf-8",
    split: How | str = "random",
    metric: str | None = None,
    eta: int = 3,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
    **options: Any,
) -> Tuned:
    """Chooses the dimension, the penalty and other options of a method by what they are worth on a part held out.

    Settings are all combinations of the values. They are halved: all are learned for few epochs, the best 1/eta of each
    rung for more, the last for all. A method without epochs learns each of them once. Then the curve is completed: all
    dimensions with the other options that did best, and with the smallest penalty, where one that is too large is seen
    to learn by heart.

    Args:
        interactions: As for `items`.
        user: Column of the users; `user` by default.
        item: Column of the items; `item` by default.
        weight: Column of how strongly they met; each counts as 1 where it is left out.
        time: Column of when: numbers or dates.
        method: als, bpr, ease, svd, item2vec, sasrec or funksvd.
        repeated: As for `items`.
        on_bad: What is done at a row without user or item, or with a bad weight or time: raise, or skip and count it.
        encoding: Of files of text.
        split: What is held out to judge by: random, time, user or leave-last.
        metric: What is judged: recall, ndcg, map, mrr or hit at a length, as ndcg@20, which is the default; by funksvd
            rmse, the default, or mae.
        eta: Of a rung's settings 1/eta go on.
        seed: Of everything random.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of the epochs that are done.
        **options: Fields of the learner, each a value or a list of values to try. By default `dim` is 32, 64, 128 and
            256, and `regularization` 0.3, 1 and 3 times that of the method; a single value stands still.

    Raises:
        BadFile: A file is missing or cannot be read.
        BadData: A row is bad; the interactions cannot be split so; or no setting could be learned.
        BadOption: The learner has no such option, one is out of range, there are fewer than two settings, or the metric
            is none.

    Example:
        >>> met = {f"u{n}": ["tea", "rye", "jam"] if n % 2 else ["ham", "cod", "egg"] for n in range(40)}
        >>> tune(met, dim=(2, 4), regularization=(0.01, 0.1), metric="recall@2").best["dim"]
        2
    """
    from kinfold.prepare.split import split as parted
    from kinfold.sources.interactions import read

    grid = grid_of(method, options)
    settings = [dict(zip(grid, each, strict=True)) for each in itertools.product(*grid.values())]
    learners = [configured(METHODS, method, each) for each in settings]
    if len(settings) < 2:
        raise BadOption("there is one setting, so nothing to choose; give an option several values, as dim=(32, 64).")
    measure = Measure.of(metric, method)
    axis = next((name for name in ("dim", "regularization") if len(grid.get(name, ())) > 1), "")
    unit = "epochs" if len(grid.get("epochs", ())) < 2 else "epochs at most"
    search = Search(grid, measure.name, measure.larger, axis, axis != "regularization", unit)
    met = interactions
    if not isinstance(met, Interactions):
        met = read(interactions, user=user, item=item, weight=weight, time=time, on_bad=on_bad, encoding=encoding)
    parts = parted(met, split, seed=seed)
    epochs = max(getattr(each, "epochs", 1) for each in learners)
    bench = _Bench(method, parts, measure, repeated, epochs, seed, threads, progress)
    steps = rungs(len(settings), epochs, eta=eta)
    progress.start("halve", sum(count * budget for count, budget in steps), "epochs")
    trials = halving(settings, bench.judge, budget=epochs, eta=eta, larger=measure.larger)
    if all(math.isnan(each.quality.value) for each in trials if each.budget == epochs):
        raise BadData(f"no setting could be learned on all of the budget; {bench.failed[-1]}")
    lines = _lines(best(trials, larger=measure.larger).setting, search)
    beside = _beside(bench, trials, lines, search)
    trials += beside
    first = best(trials, larger=measure.larger)
    report = told(f"Tuning · {method}", search, trials, first, lines)
    halved = ", ".join(f"{count} × {budget}" for count, budget in steps)
    sizes = f"{len(parts.train):,} of {len(met):,} interactions"
    then = f"; then {len(beside)} × {epochs} along {axis}" if beside else ""
    notes = [
        *report.notes,
        f"learned from {sizes}, judged by {len(parts.test):,}, split: {split}.",
        *([f"settings × epochs: {halved}{then}."] if len(steps) > 1 else []),
        f"the best of {len(settings)} settings looks a little better here than it is; judge it by another part.",
        *dict.fromkeys(bench.failed),
    ]
    return Tuned(method, dict(first.setting), dataclasses.replace(report, notes=notes), tuple(trials))


def grid_of(method: str, options: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The values of each option of a method that are tried, `dim` first; one value stands still.

    Raises:
        UnknownName: There is no such method.
        BadOption: It has no such option, or one has no value.
    """
    learner = configured(METHODS, method, {})
    given = {name: _values(name, value) for name, value in options.items()}
    fields = [field.name for field in dataclasses.fields(learner)]
    usual: dict[str, list[Any]] = {}
    if "dim" in fields:
        usual["dim"] = list(DIMS)
    if "regularization" in fields:
        usual["regularization"] = [float(f"{factor * learner.regularization:.3g}") for factor in FACTORS]
    grid = {**usual, **given}
    configured(METHODS, method, {name: values[0] for name, values in grid.items()})
    return grid


def _values(name: str, value: Any) -> list[Any]:
    several = isinstance(value, Iterable) and not isinstance(value, str)
    found = [each.item() if hasattr(each, "item") else each for each in (value if several else [value])]
    if not found:
        raise BadOption(f"{name} has no value to try; give at least one, or leave it out.")
    return list(dict.fromkeys(found))


class Measure(NamedTuple):
    """What settings are judged by.

    Args:
        name: As reports call it: ndcg@20, rmse.
        k: Length of the lists; None for errors of ratings.
    """

    name: str
    k: int | None

    @property
    def larger(self) -> bool:
        """Whether a larger value is a better one."""
        return self.k is not None

    @classmethod
    def of(cls, name: str | None, method: str) -> Measure:
        """The measure of this name, or the one that suits the method.

        Raises:
            BadOption: There is no such measure for it.
        """
        from kinfold.kernels.ranked import METRICS

        if method == "funksvd":
            name = name or ERRORS[0]
            if name not in ERRORS:
                near = did_you_mean(name, ERRORS)
                raise BadOption(f"funksvd is not judged by '{name}'.{near} There are: {', '.join(ERRORS)}.")
            return cls(name, None)
        name = name or "ndcg@20"
        kind, _, k = name.partition("@")
        if kind not in METRICS:
            near = did_you_mean(kind, METRICS)
            raise BadOption(
                f"the metric '{name}' is unknown.{near} There are: {', '.join(METRICS)}, as metric='ndcg@20'."
            )
        if not k.isdecimal() or int(k) < 1:
            raise BadOption(
                f"the metric '{name}' has no length of the lists; give one of at least 1: metric='{kind}@20'."
            )
        return cls(f"{kind}@{int(k)}", int(k))


class _Bench:
    """Learns a setting from the one part and judges it by the other; remembers what could not be learned."""

    def __init__(
        self,
        method: str,
        parts: Split,
        measure: Measure,
        repeated: Literal["sum", "last"] | None,
        epochs: int,
        seed: int,
        threads: int | None,
        progress: Progress,
    ) -> None:
        self.method, self.parts, self.measure, self.repeated = method, parts, measure, repeated
        self.epochs, self.seed, self.threads, self.progress = epochs, seed, threads, progress
        self.failed: list[str] = []

    def judge(self, setting: Mapping[str, Any], budget: int) -> Quality:
        learner = self._within(configured(METHODS, self.method, setting), budget)
        try:
            how: dict[str, Any] = {"seed": self.seed, "threads": self.threads}
            space = learned(self.method, learner, self.parts.train, self.repeated, **how)
        except (BadOption, BadData) as error:
            self.failed.append(f"{_shown(setting)}: {error}")
            return Quality(math.nan)
        finally:
            self.progress.advance(budget)
        held, train = self._reports(space)
        found = held[self.measure.name]
        return Quality(found.value, found.low, found.high, found.n, train[self.measure.name].value)

    def _within(self, learner: Any, budget: int) -> Any:
        """The learner with the share of its own epochs that a budget is of all of them."""
        if not hasattr(learner, "epochs"):
            return learner
        return dataclasses.replace(learner, epochs=max(1, round(learner.epochs * budget / self.epochs)))

    def _reports(self, space: Any) -> tuple[Report, Report]:
        """By what was held out, and by what was learned from."""
        from kinfold.measure.fit import fitted
        from kinfold.measure.ranking import retrieval
        from kinfold.measure.rating import ratings

        train = self.parts.train
        if self.measure.k is None:
            same = Split(train, train, train)
            return ratings(space, self.parts, seed=self.seed), ratings(space, same, seed=self.seed)
        ks = (self.measure.k,)
        return retrieval(space, self.parts, ks=ks, seed=self.seed), fitted(space, train, ks=ks, seed=self.seed)


def _lines(chosen: Mapping[str, Any], search: Search) -> list[Mapping[str, Any]]:
    """Settings that curves begin from: what did best, and the same with the smallest penalty."""
    weakest = {**chosen, "regularization": min(search.grid.get("regularization", [None]))}
    apart = search.axis == "dim" and "regularization" in search.grid and weakest != chosen
    return [chosen, weakest] if apart else [chosen]


def _beside(bench: _Bench, trials: Sequence[Trial], lines: Sequence[Mapping[str, Any]], search: Search) -> list[Trial]:
    """What the lines lack on the whole budget."""
    if not search.axis:
        return []
    known = [each.setting for each in trials if each.budget == bench.epochs]
    wanted = [{**line, search.axis: value} for line in lines for value in search.grid[search.axis]]
    missing = [each for each in wanted if each not in known]
    bench.progress.start("compare", len(missing) * bench.epochs, "epochs")
    return [Trial(each, None, bench.epochs, bench.judge(each, bench.epochs)) for each in missing]


def _shown(setting: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {shown(value)}" for name, value in setting.items())
