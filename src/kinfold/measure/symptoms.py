"""What is said of one group of a Space: each part looks at something else, and says in words what it means."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.columns import one_array, to_numpy
from kinfold.core.frequency import counts
from kinfold.core.intervals import of_mean, of_share
from kinfold.core.metric import Metric, units
from kinfold.core.report import Finding, Table, number, percent
from kinfold.measure.hubness import Hubness, skew
from kinfold.measure.intrinsic import levina_bickel, two_nn
from kinfold.measure.spectrum import Spectrum, drawn, kept
from kinfold.measure.stability import overlap
from kinfold.measure.survey import Survey

# What a reading says of it: nothing to do, worth a look, or something to do.
FINE, LOOK, ACT = "fine", "look", "act"

_LISTED = 20
_NEIGHBORS = 20  # that the intrinsic dimension reads
# Rows that are asked for their nearest among all, and multiplications that this may take.
_QUERIES, _FEWEST, _WORK = 2000, 200, 3e11
# Rows whose neighbors are compared before and after rows are shortened.
_SHORTENED = 1000
_KEEPING = 0.95
# Of what random rows are apart: what rounding can make of rows that are the same.
_ROUNDED = 1e-5
# From there on a k-occurrence is called skewed: Feldbauer, Flexer 2019.
_SKEWED = 1.4
_BANDS = 10


@dataclass(slots=True)
class Told:
    """What is said of a group, as it is found.

    Args:
        group: Its name where there are several, else empty.
        seed: Of everything random.
    """

    group: str
    seed: int
    findings: list[Finding] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    readings: list[list[str]] = field(default_factory=list)

    def find(
        self, name: str, value: float, low: float | None = None, high: float | None = None, n: int | None = None
    ) -> None:
        """Adds a finding; what is not a number is left out."""
        if not np.isnan(value):
            self.findings.append(Finding(name, float(value), low, high, n, group=self.group))

    def tabulate(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Adds a table, where it has a row."""
        if rows:
            self.tables.append(Table(f"{title} · {self.group}" if self.group else title, columns, rows))

    def read(self, about: str, verdict: str, reading: str, advice: str = "") -> None:
        """Adds what something means, and what to do."""
        self.readings.append([f"{self.group} · {about}" if self.group else about, verdict, reading, advice])

    def note(self, text: str) -> None:
        """Adds a note."""
        self.notes.append(f"{self.group}: {text}" if self.group else text)


def broken(told: Told, surveyed: Survey) -> None:
    """Rows that are not finite, of zeros, the same as another; coordinates that say nothing."""
    count = len(surveyed.finite)
    wrong, zeros = np.flatnonzero(~surveyed.finite), np.flatnonzero(surveyed.zero)
    again = np.flatnonzero((surveyed.owner != np.arange(count)) & ~surveyed.zero)
    told.find("rows", count)
    for name, found in (("rows not finite", wrong), ("rows of zeros", zeros), ("rows like another", again)):
        told.find(name, len(found), n=count)
    told.find("constant coordinates", surveyed.constant, n=surveyed.space.dim)
    keys = surveyed.space.keys
    told.tabulate("Rows not finite", ("key",), [[keys[row]] for row in wrong[:_LISTED].tolist()])
    told.tabulate("Rows of zeros", ("key",), [[keys[row]] for row in zeros[:_LISTED].tolist()])
    owners, sizes = np.unique(surveyed.owner[again], return_counts=True)
    largest = np.lexsort((owners, -sizes))[:_LISTED]
    told.tabulate(
        "Rows that are the same",
        ("rows", "first", "others"),
        [
            [
                int(sizes[at]) + 1,
                keys[int(owners[at])],
                ", ".join(keys[row] for row in again[surveyed.owner[again] == owners[at]][:5].tolist()),
            ]
            for at in largest.tolist()
        ],
    )
    good = not len(wrong) and not len(zeros) and not surveyed.constant
    said = "All rows are finite" if not len(wrong) else f"{len(wrong):,} of {count:,} rows hold NaN or infinity"
    said += f", {len(zeros):,} are zeros" if len(zeros) else ", none is zero"
    if surveyed.constant:
        said += f"; {surveyed.constant:,} of {surveyed.space.dim:,} coordinates are the same in every row"
    advice = []
    if len(wrong):
        advice.append("Learn again with a smaller learning rate, or leave these keys out: no search finds them.")
    if len(zeros):
        advice.append("Rows of zeros are near to nothing; leave their keys out (kinfold restrict --where).")
    if surveyed.constant:
        advice.append("Constant coordinates cost room and tell nothing; a smaller dim does as well.")
    told.read("rows", FINE if good else ACT if len(wrong) else LOOK, f"{said}.", " ".join(advice))
    if len(again):
        told.read(
            "same rows",
            LOOK,
            f"{len(again):,} rows are the same as another in every coordinate, in {len(owners):,} sets.",
            "Rows that were never learned are often the same; what stands twice is left out by kinfold dedup.",
        )


def untrained(told: Told, surveyed: Survey) -> None:
    """Rows that look as if nothing had been learned of them."""
    count = len(surveyed.finite)
    often = counts(surveyed.space)
    context = _untouched(surveyed)
    # Why, the surest first.
    reasons = [("it occurs 0 times", often == 0 if often is not None else np.zeros(count, np.bool_))]
    reasons.append(("no coordinate is beyond ±1/dim, where learners begin", surveyed.small))
    if context is not None:
        reasons.append(("its output row (context) is still zero", context))
    found = np.zeros(count, np.bool_)
    for _, which in reasons:
        found |= which
    told.find("rows never trained", int(np.count_nonzero(found)), n=count)
    rows = np.flatnonzero(found)
    if not len(rows):
        return
    told.tabulate(
        "Rows that look untrained",
        ("key", "why"),
        [
            [surveyed.space.keys[row], "; ".join(why for why, which in reasons if which[row])]
            for row in rows[:_LISTED].tolist()
        ],
    )
    kinds = ", ".join(
        f"{np.count_nonzero(which):,} since {why.replace('its output row', 'the output row')}"
        for why, which in reasons
        if which.any()
    )
    told.read(
        "training",
        LOOK,
        f"{len(rows):,} of {count:,} rows look as if they had never been trained: {kinds}.",
        "Leave rare keys out (kinfold restrict --min-count, or a larger --min-count when learning), or train longer.",
    )


def dimension(told: Told, surveyed: Survey, spectrum: Spectrum, points: np.ndarray, k: int) -> None:
    """How many dimensions the variance fills, and what fewer of them would keep."""
    dim = spectrum.dim
    most, nearly = spectrum.carrying(0.9), spectrum.carrying(0.99)
    told.find("effective rank", spectrum.effective_rank, n=spectrum.count)
    told.find("participation ratio", spectrum.participation, n=spectrum.count)
    told.find("dimensions with 90 % of variance", most, n=dim)
    told.find("dimensions with 99 % of variance", nearly, n=dim)
    said = f"{most:,} of {dim:,} dimensions carry 90 % of the variance, {nearly:,} carry 99 %"
    dims = [2**power for power in range(1, 16) if 2**power < dim]
    if not dims or len(points) <= k + 1:
        told.read("dimension", FINE, f"{said}.")
        return
    asked = drawn(np.arange(len(points)), _SHORTENED, told.seed)
    shares = kept(spectrum, points, asked, dims, k, surveyed.space.metric)
    intervals = [of_mean(each, seed=told.seed) for each in shares]
    told.tabulate(
        f"Nearest {k} kept by fewer dimensions",
        ("dimensions", "neighbors kept", "low", "high", "variance"),
        [
            [each, float(share.mean()), *ends, spectrum.explained(each)]
            for each, share, ends in zip(dims, shares, intervals, strict=True)
        ],
    )
    means = shares.mean(axis=1)
    at = int(np.argmax(means >= _KEEPING)) if (means >= _KEEPING).any() else len(dims) - 1
    low, high = intervals[at]
    told.find(f"neighbors kept by {dims[at]:,} dimensions", float(means[at]), low, high, len(asked))
    said += f"; {dims[at]:,} would keep {percent(means[at])} of neighbors"
    fewer = means[at] >= _KEEPING
    advice = (
        f"A dim of {dims[at]:,} does nearly as well in {percent(dims[at] / dim, 0)} of the room; "
        "kinfold dimension tells more."
        if fewer
        else "No coordinate is idle; kinfold dimension tells whether more would do better."
    )
    told.read("dimension", LOOK if fewer else FINE, f"{said}.", advice)


def neighbors(told: Told, surveyed: Survey, near: float) -> None:
    """Of rows drawn, the nearest among all: on how many dimensions they lie, and whether some are nearly the same."""
    taking = surveyed.taking
    room = max(len(taking) * surveyed.space.dim, 1)
    asked = drawn(taking, int(min(_QUERIES, max(_FEWEST, _WORK / room))), told.seed)
    k = min(_NEIGHBORS, len(taking) - 1)
    cosine = surveyed.space.metric is Metric.COSINE
    space = surveyed.space if cosine else dataclasses.replace(surveyed.space, metric=Metric.L2)
    among = None if len(taking) == len(space) else taking
    vectors = surveyed.space.rows.take(asked)
    _, found = space.topk(vectors, k + 1, among)
    own = found == asked[:, None]
    own[:, -1] |= ~own.any(axis=1)
    found = found[~own].reshape(len(asked), k)
    distances = _distances(surveyed, asked, found)
    order = np.argsort(distances, axis=1, kind="stable")
    found, distances = (np.take_along_axis(each, order, axis=1) for each in (found, distances))
    told.note(
        f"Nearest rows: {len(asked):,} of {len(taking):,}"
        f"{'' if len(asked) == len(taking) else f', drawn with seed {told.seed}'}, each compared with all."
    )
    # By cosine (1 - near) is half a squared distance; else it is a share of what random rows are apart.
    typical = 2.0 if cosine else 2 * _variance(surveyed)
    if k >= 2:
        # What is only apart by rounding tells no dimension.
        _intrinsic(told, np.where(distances > _ROUNDED * np.sqrt(typical), distances, 0), surveyed.space.dim)
    alike = np.flatnonzero(distances[:, 0] ** 2 <= (1 - near) * typical)
    low, high = of_share(len(alike), len(asked))
    every = len(asked) == len(taking)
    share = len(alike) / len(asked)
    ends = (None, None) if every else (low, high)
    told.find("rows with a near-duplicate", share, ends[0], ends[1], len(asked))
    keys = surveyed.space.keys
    first = alike[np.argsort(distances[alike, 0], kind="stable")]
    pairs = {tuple(sorted((int(asked[at]), int(found[at, 0])))): float(distances[at, 0]) for at in first.tolist()}
    told.tabulate(
        "Nearly the same",
        ("key", "other", "cosine" if cosine else "distance"),
        [
            [keys[one], keys[other], 1 - apart**2 / 2 if cosine else apart]
            for (one, other), apart in list(pairs.items())[:_LISTED]
        ],
    )
    limit = f"a cosine of {near:g}" if cosine else f"{percent(np.sqrt(1 - near), 0)} of the distance of random rows"
    beyond = "" if every else f" [{percent(low, 2)} to {percent(high, 2)} of all]"
    told.read(
        "near-duplicates",
        FINE if share < 0.01 else LOOK,
        f"{len(alike):,} of {len(asked):,} rows have another within {limit}{beyond}.",
        "" if share < 0.01 else "kinfold dedup lists them and keeps one of each; spellings of one thing are usual.",
    )


def isotropy(told: Told, surveyed: Survey, spectrum: Spectrum, points: np.ndarray) -> None:
    """How evenly the dimensions are filled, and whether all rows point the same way."""
    told.find("isoscore", spectrum.isoscore, n=spectrum.count)
    even = f"IsoScore is {number(spectrum.isoscore)} (1: variance fills all dimensions alike, 0: one)"
    if surveyed.space.metric is Metric.L2:
        if spectrum.dim > 1:
            told.read("isotropy", FINE, f"{even}.")
        return
    if surveyed.space.metric is Metric.COSINE:
        mean, count = surveyed.mean, surveyed.count
    else:
        directions = units(points[np.einsum("ij,ij->i", points, points) > 0]).astype(np.float64)
        mean, count = directions.sum(axis=0) / max(len(directions), 1), len(directions)
    if count < 2:
        return
    square = float(mean @ mean)
    # The mean over pairs of two different rows.
    cosine = (count * square - 1) / (count - 1)
    told.find("mean cosine of two rows", cosine, n=count)
    said = f"Two random rows have a cosine of {cosine:.3f} on average"
    advice = ""
    if cosine > 0.1:
        largest = int(np.argmax(mean**2))
        alone = float(mean[largest] ** 2 / square)
        told.find("share of the common direction in one coordinate", alone, n=spectrum.dim)
        said += f": all share a direction that makes up {percent(square, 0)} of them"
        if alone > 0.2:
            said += f", {percent(alone, 0)} of it in coordinate {largest}"
        advice = "Subtract the mean row from all: what is left of a cosine then tells rows apart."
    verdict = FINE if cosine <= 0.1 else LOOK if cosine <= 0.4 else ACT
    told.read("isotropy", verdict, f"{said}. {even}." if spectrum.dim > 1 else f"{said}.", advice)


def hubs(told: Told, surveyed: Survey, points: np.ndarray, at: np.ndarray, k: int) -> None:
    """Rows that are among the nearest of very many, and those that are among those of none."""
    found = Hubness.of(points, k, surveyed.space.metric)
    count = len(points)
    values = {}
    for name, occurrences in (("", found.occurrences), (" by CSLS", found.corrected)):
        value, low, high = skew(occurrences, seed=told.seed)
        none = int(np.count_nonzero(occurrences == 0))
        values[name] = value, none / count
        told.find(f"skewness of {k}-occurrence{name}", value, low, high, count)
        told.find(f"antihubs{name}", none / count, *of_share(none, count), count)
    order = np.argsort(-found.occurrences, kind="stable")[:_LISTED]
    told.tabulate(
        "Hubs",
        ("key", f"among the {k} nearest of", "by CSLS"),
        [
            [surveyed.space.keys[int(at[place])], int(found.occurrences[place]), int(found.corrected[place])]
            for place in order.tolist()
            if found.occurrences[place] > 2 * k
        ],
    )
    (skewed, alone), (left, fewer) = values[""], values[" by CSLS"]
    top = surveyed.space.keys[int(at[order[0]])]
    hub = int(found.occurrences[order[0]])
    said = (
        f"The k-occurrence has a skewness of {number(skewed)}: '{top}' is among the {k} nearest of {hub:,} rows "
        f"({k} on average), and {percent(alone)} of rows are near to none"
    )
    better = f"by CSLS it is {number(left)}, and {percent(fewer)} are near to none"
    bad = skewed > _SKEWED
    advice = ""
    if bad:
        other = "subtract the mean row first" if surveyed.space.metric is Metric.COSINE else "compare by cosine"
        advice = f"Rank by CSLS, or {other}." if left < skewed / 1.5 else f"{other.capitalize()}."
    told.read("hubs", FINE if not bad else LOOK if skewed < 3 else ACT, f"{said}; {better}.", advice)
    if count < len(surveyed.taking):
        told.note(
            f"Hubs and dimensions: {count:,} of {len(surveyed.taking):,} rows, drawn with seed {told.seed}, among "
            "each other; among all, hubs are larger."
        )


def norms(told: Told, surveyed: Survey) -> None:
    """Whether frequent keys have longer rows."""
    often = counts(surveyed.space)
    if often is None:
        return
    good = np.flatnonzero(surveyed.finite & (often > 0))
    lengths = surveyed.space.rows.norms[good].astype(np.float64)
    often = often[good]
    if len(good) < 10 or np.ptp(often) == 0 or np.ptp(lengths) <= 1e-4 * lengths.max():
        return
    value = spearman(often, lengths)
    # Bonett, Wright 2000.
    wide = 1.96 * np.sqrt((1 + value**2 / 2) / (len(good) - 3))
    low, high = np.tanh(np.arctanh(np.clip(value, -0.999999, 0.999999)) + wide * np.array([-1, 1]))
    told.find("norm against count (Spearman)", value, float(low), float(high), len(good))
    order = np.argsort(often, kind="stable")
    bands = [each for each in np.array_split(order, min(_BANDS, len(order) // 5)) if len(each)]
    told.tabulate(
        "Norm by frequency",
        ("count from", "to", "rows", "median norm"),
        [[float(often[each[0]]), float(often[each[-1]]), len(each), float(np.median(lengths[each]))] for each in bands],
    )
    longer = "longer" if value > 0 else "shorter"
    strong = abs(value) > 0.5 and surveyed.space.metric is not Metric.COSINE
    said = f"Frequent keys have {longer} rows" if abs(value) > 0.3 else "Norms hardly follow frequency"
    told.read(
        "norms",
        LOOK if strong else FINE,
        f"{said} (Spearman {number(value)}).",
        "Norms count in this metric, so that frequency does; compare by cosine where it should not." if strong else "",
    )


def beside(told: Told, one: Survey, name: str, other: Survey, k: int, sample: int) -> None:
    """Whether another Space puts the same rows near each other."""
    found = overlap(one, other, k, sample=sample, seed=told.seed)
    if found is None:
        told.note(f"{name} shares fewer than 3 keys that can be compared; nothing is said of it.")
        return
    mean = float(found.shares.mean())
    low, high = of_mean(found.shares, seed=told.seed)
    told.find(f"nearest {found.k} shared with {name}", mean, low, high, len(found.shares))
    told.note(
        f"Beside {name}: {found.both:,} keys are in both; {len(found.asked):,} of {len(found.among):,} of these, "
        f"drawn with seed {told.seed}, compared among them. By chance {percent(found.chance, 2)} would be shared."
    )
    keys, often = one.space.keys, counts(one.space)
    frequency = np.zeros(len(found.asked)) if often is None else often[found.among[found.asked]]
    order = np.lexsort((-frequency, found.shares))[:_LISTED]

    def named(places: np.ndarray) -> str:
        return ", ".join(keys[int(found.among[place])] for place in places[:4].tolist())

    told.tabulate(
        f"Moved most, beside {name}",
        ("key", "shared", "nearest here", "nearest there"),
        [
            [
                keys[int(found.among[found.asked[at]])],
                float(found.shares[at]),
                named(found.here[at]),
                named(found.there[at]),
            ]
            for at in order.tolist()
        ],
    )
    said = f"{percent(mean, 0)} of the {found.k} nearest are the same in {name}"
    if often is not None and np.ptp(frequency) > 0 and np.ptp(found.shares) > 0 and len(frequency) >= 10:
        with_count = spearman(frequency, found.shares)
        told.find(f"count against shared with {name} (Spearman)", with_count, n=len(frequency))
        if with_count > 0.2:
            said += "; rare keys move most"
    verdict = FINE if mean >= 0.6 else LOOK if mean >= 0.3 else ACT
    advice = "" if verdict == FINE else "What is said of single neighbors holds for this run alone; more data or more "
    told.read("stability", verdict, f"{said}.", advice and advice + "epochs, or a smaller dim, make runs agree.")


def spearman(one: np.ndarray, other: np.ndarray) -> float:
    """The rank correlation of two columns (n,), neither of which is constant."""
    from scipy.stats import rankdata

    first, second = (rankdata(each) - (len(each) + 1) / 2 for each in (one, other))
    return float(first @ second / np.sqrt((first @ first) * (second @ second)))


def _intrinsic(told: Told, distances: np.ndarray, dim: int) -> None:
    count = len(distances)
    value, low, high = two_nn(distances[:, 0], distances[:, 1])
    told.find("intrinsic dimension (TwoNN)", value, low, high, count)
    other, least, most = levina_bickel(distances, seed=told.seed)
    told.find(f"intrinsic dimension (MLE, {distances.shape[1]} nearest)", other, least, most, count)
    if np.isnan(value):
        return
    told.read(
        "intrinsic dimension",
        FINE,
        f"Where rows are near each other they lie on about {number(value)} dimensions "
        f"({number(low)} to {number(high)})"
        + (f", or {number(other)} a little farther out" if not np.isnan(other) else "")
        + f", of {dim:,} coordinates.",
    )


def _distances(surveyed: Survey, asked: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Euclidean distances (q, k) of rows as they are compared, from differences, which lose nothing to rounding."""
    distances = np.empty(found.shape)
    for start in range(0, len(asked), 256):
        some = slice(start, start + 256)
        near = surveyed.points(found[some].ravel()).reshape(*found[some].shape, -1).astype(np.float64)
        apart = near - surveyed.points(asked[some])[:, None, :]
        distances[some] = np.sqrt(np.einsum("qkd,qkd->qk", apart, apart))
    return distances


def _variance(surveyed: Survey) -> float:
    """Of all coordinates together."""
    if surveyed.products is not None:
        return float(np.trace(surveyed.products) - surveyed.mean @ surveyed.mean)
    squares = surveyed.space.rows.norms[surveyed.finite].astype(np.float64) ** 2
    return float(squares.mean() - surveyed.mean @ surveyed.mean)


def _untouched(surveyed: Survey) -> np.ndarray | None:
    """Keys whose output rows are still zeros, as they begin (n,) bool; None where nothing tells."""
    space = surveyed.space
    card = space.card
    if card.parameters.get("loss", "negative") != "negative" or space.table is None:
        return None
    if "context" not in space.table.column_names:
        return None
    column = one_array(space.attribute("context"))
    if not pa.types.is_large_list(column.type) or not pa.types.is_float32(column.type.value_type):
        return None
    ends = to_numpy(column.offsets) if len(column) else np.zeros(1, np.int64)
    filled = np.zeros(len(column), np.bool_)
    step = max(1, (1 << 21) // max(1, space.dim))
    values = column.values
    for start in range(0, len(column), step):
        stop = min(start + step, len(column))
        part = to_numpy(values.slice(int(ends[start]), int(ends[stop] - ends[start])))
        marks = np.concatenate([[0], np.cumsum(part != 0)])
        places = ends[start : stop + 1] - ends[start]
        filled[start:stop] = np.diff(marks[places]) > 0
    return np.asarray(~filled & (np.diff(ends) > 0))
