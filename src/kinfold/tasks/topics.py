"""Topics: what texts are about, as clusters of their rows with the words that tell one from another."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from kinfold.core.columns import one_array, to_numpy
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.core.intervals import of_mean
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Finding, Report, Table
from kinfold.core.shapes import Items, Sequences
from kinfold.core.space import Space
from kinfold.search.bm25 import texts_of
from kinfold.tasks.search import GROUPS
from kinfold.transform.clusters import Clusters, central_keys, means
from kinfold.transform.silhouettes import silhouettes

if TYPE_CHECKING:
    import scipy.sparse as sparse

# Numbers of topics that are tried where none is given, and the rows that they are tried on.
_TRIED = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 22, 27, 33, 40, 50)
_ROWS = 10_000
_SAMPLE = 10_000
# A word that fewer texts of a topic have names none, unless the topic is small.
_LEAST = 3
_LITTLE = 0.05
_NAMED, _EXAMPLES = 3, 5


@dataclass(frozen=True, slots=True)
class Topic:
    """What some texts are about.

    Args:
        number: From 0, the largest first.
        name: Its first words.
        words: Those that tell it from the others, the best first.
        scores: Of the words.
        texts: How many texts.
        coherence: How much more often than by chance its words are in one text, from -1 to 1 (NPMI).
        silhouette: How well it is apart, from -1 to 1; NaN where there is one topic only.
        examples: Keys of the texts at its center, the nearest first.
    """

    number: int
    name: str
    words: Sequence[str]
    scores: Sequence[float]
    texts: int
    coherence: float
    silhouette: float
    examples: Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class Topics:
    """Texts with their topics.

    Args:
        space: With the attributes `topic` and `topic_name`.
        topics: The largest first.
        report: How coherent they are, and how well apart.
        text: The attribute that holds the texts.
        group: Whose topics they are.
    """

    space: Space
    topics: Sequence[Topic]
    report: Report
    text: str
    group: str


def topics(
    space: Space,
    k: int | None = None,
    *,
    text: str = "text",
    group: str | None = None,
    name: str = "topic",
    words: int = 10,
    phrases: bool = True,
    restarts: int = 3,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
) -> Topics:
    """Finds what texts are about: clusters of their rows (k-means), named by what their words have of their own.

    With p(w|t) the share of a word in the words of a topic, p(w) that in all words, p(t) that of the topic's words in
    all, f(w) how often the word is there and A the mean number of words of a topic, a word counts for a topic

        p(w|t) ln(1 + A / f(w)) max(0, ln(p(w|t) / p(w)) / -ln p(t))²

    the last factor of which is 1 for a word of this topic alone, and 0 for one that is as frequent everywhere.

    Args:
        space: Texts, with their rows.
        k: How many topics; by default the fewest of 2 to 50, and to the root of the number of texts, whose mean
            silhouette is not below the interval of the best.
        text: The attribute that holds the texts.
        group: Whose rows; by default the documents, the chunks, or else the first group.
        name: Of the attribute of numbers; the one of names is called `<name>_name`.
        words: How many tell of a topic.
        phrases: Whether pairs of words that belong together count as one.
        restarts: Times that k-means begins anew; the best fit counts.
        seed: Of clusters, samples and intervals.
        threads: How many cut texts at once; as many as there are processors by default.
        progress: Told of the stages.

    Returns:
        The Space with the two attributes, the topics, and a Report: `silhouette`, `coherence` (NPMI of the words, by
        the texts that have both), `diversity` (the share of the topics' words that are of one topic only), and, where
        k was chosen, what each k would have had.

    Raises:
        UnknownName: There is no such group.
        BadData: There are no texts, or none of them has a word.
        BadOption: More topics than texts, or an option outside its range.

    Source:
        Grootendorst 2022 (arXiv 2203.05794; class-based TF-IDF); Bouma 2009 (NPMI); Röder, Both, Hinneburg 2015
        (coherence); Rousseeuw 1987 (silhouettes).

    Example:
        >>> texts = ["a red rose", "a rose in red", "the red rose", "a fast car", "the car is fast", "fast old car"]
        >>> rows = [[1, 0], [1, 0.1], [1, 0.2], [0, 1], [0.1, 1], [0.2, 1]]
        >>> space = Space.of(range(6), rows, group="document").with_attribute("text", texts)
        >>> [each.texts for each in topics(space).topics]
        [3, 3]
    """
    if words < 1:
        raise BadOption(f"words is {words}; a topic is told by at least 1.")
    named = group or next((each for each in GROUPS if each in space.groups), None)
    part = space.group(named)
    group = next(iter(part.groups))
    texts = _texts(part, text)
    tried = None
    if k is None:
        k, tried = _best(part, seed, progress)
    found = Clusters(k, restarts=restarts, seed=seed, group=group, name=name).apply(space)
    home = found.keys.range_of(group)
    owners = to_numpy(one_array(found.attribute(name)).slice(home.start, len(home))).astype(np.int64)
    part = found.group(group)
    told = _told(part, owners, texts, words, phrases, seed, threads, progress)
    labels = pa.nulls(len(found), pa.large_string()).to_pylist()
    labels[home.start : home.stop] = [told.topics[owner].name for owner in owners.tolist()]
    found = found.with_attribute(f"{name}_name", pa.array(labels, pa.large_string()))
    report = _report(told, texts, part, tried, seed)
    return Topics(found.with_report(report), told.topics, report, text, group)


class _Told(NamedTuple):
    topics: list[Topic]
    silhouettes: np.ndarray


def _told(
    part: Space,
    owners: np.ndarray,
    texts: pa.LargeStringArray,
    words: int,
    phrases: bool,
    seed: int,
    threads: int | None,
    progress: Progress,
) -> _Told:
    from kinfold.prepare.phrases import join
    from kinfold.prepare.tokens import sequences

    count = int(owners.max()) + 1
    data = sequences(Items(texts.to_pylist()), min_count=1, keep_empty=True, threads=threads, progress=progress)
    if not len(data.keys):
        raise BadData(f"none of the {len(texts):,} texts has a word, so that nothing tells what they are about.")
    if phrases:
        data = join(data, min_count=5, joiner=" ")
    names = data.keys.names.to_pylist()
    has = _has(data)
    scores = _scores(data, has, owners, count)
    best = [_first(line, words) for line in scores]
    coherences = [_coherence(has, some) for some in best]
    sizes = np.bincount(owners, minlength=count)
    centers = means(part, owners, count)
    drawn = np.arange(len(part))
    if len(drawn) > _SAMPLE:
        drawn = np.sort(np.random.default_rng(seed).choice(len(part), _SAMPLE, replace=False))
    apart = silhouettes(part, owners, centers, sizes, drawn) if count > 1 else np.full(len(drawn), np.nan)
    examples = central_keys(part, owners, centers, _EXAMPLES)
    found = []
    for at in range(count):
        own = apart[owners[drawn] == at]
        chosen = [names[word] for word in best[at].tolist()]
        found.append(
            Topic(
                at,
                ", ".join(chosen[:_NAMED]) or f"topic {at}",
                chosen,
                scores[at, best[at]].tolist(),
                int(sizes[at]),
                coherences[at],
                float(own.mean()) if len(own) else math.nan,
                examples[at],
            )
        )
    return _Told(_apart(found), apart)


def _best(part: Space, seed: int, progress: Progress) -> tuple[int, Table]:
    """The fewest topics whose mean silhouette is not below the interval of the best, and those of all tried."""
    rng = np.random.default_rng(seed)
    some = part
    if len(part) > _ROWS:
        some = part.take(np.sort(rng.choice(len(part), _ROWS, replace=False)))
    tried = [k for k in _TRIED if k <= max(2, math.isqrt(len(some))) and k < len(some)]
    progress.start("choose k", len(tried), "k")
    lines: list[list[Any]] = []
    for k in tried:
        found = Clusters(k, restarts=2, seed=seed).apply(some)
        owners = to_numpy(one_array(found.attribute("cluster"))).astype(np.int64)
        count = int(owners.max()) + 1
        sizes = np.bincount(owners, minlength=count)
        if count > 1:
            apart = silhouettes(some, owners, means(some, owners, count), sizes, np.arange(len(some)))
            lines.append([k, float(apart.mean()), *of_mean(apart, seed=seed)])
        progress.advance(1)
    least = max(lines, key=lambda line: line[1])[2] if lines else 0.0
    best = next((k for k, apart, *_ in lines if apart >= least), 1)
    return best, Table("Topics tried", ("topics", "silhouette", "low", "high"), lines)


def _texts(part: Space, text: str) -> pa.LargeStringArray:
    try:
        return texts_of(part, text)
    except UnknownName as error:
        raise BadData(f"{error} Topics are named by words of texts: name the attribute that holds them.") from error


def _has(data: Sequences) -> sparse.csr_array:
    """Which words each text has (texts, words), 1 or nothing."""
    import scipy.sparse as sparse

    shape = (len(data), len(data.keys))
    has = sparse.csr_array((np.ones(len(data.ids), np.int32), np.array(data.ids), np.array(data.starts)), shape)
    has.sum_duplicates()
    has.data[:] = 1
    return has


def _scores(data: Sequences, has: sparse.csr_array, owners: np.ndarray, count: int) -> np.ndarray:
    """What each word says of each topic (topics, words) float32, 0 for those that name none."""
    import scipy.sparse as sparse

    of_token = np.repeat(owners, np.diff(data.starts))
    entries = (np.ones(len(of_token), np.int64), (of_token, data.ids))
    within = sparse.coo_array(entries, (count, len(data.keys))).toarray()
    total = within.sum(axis=0)
    lengths = np.maximum(within.sum(axis=1, keepdims=True), 1)
    share, overall = within / lengths, total / max(int(total.sum()), 1)
    scores = share * np.log1p(lengths.mean() / np.maximum(total, 1))
    if count > 1:
        above = np.log(np.maximum(share, 1e-30) / np.maximum(overall, 1e-30))
        scores *= np.maximum(0, above / np.maximum(np.log(lengths.sum() / lengths), 1e-9)) ** 2
    # A word of one text only says what that text is about.
    spread = sparse.csr_array((np.ones(len(owners), np.int32), (owners, np.arange(len(owners)))), (count, len(owners)))
    having = (spread @ has).toarray()
    least = np.minimum(_LEAST, np.maximum(1, np.bincount(owners, minlength=count) // 10))
    numeric = np.array([not any(each.isalpha() for each in name) for name in data.keys.names.to_pylist()])
    scores[(having < least[:, None]) | numeric] = 0
    found: np.ndarray = scores.astype(np.float32)
    return found


def _first(scores: np.ndarray, k: int) -> np.ndarray:
    order = np.argsort(-scores, kind="stable")[:k]
    # What says so little beside the first word is there by chance.
    order = order[scores[order] > _LITTLE * scores[order[:1]]]
    found: np.ndarray = order[scores[order] > 0]
    return found


def _coherence(has: sparse.csr_array, words: np.ndarray) -> float:
    """The mean NPMI of pairs of words, by the texts that have them; NaN where there is one word only."""
    if len(words) < 2:
        return math.nan
    held = has[:, words].astype(np.float64)
    both = (held.T @ held).toarray() / has.shape[0]
    single = np.diag(both)
    one, other = np.triu_indices(len(words), 1)
    joint = both[one, other]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.log(joint / (single[one] * single[other])) / -np.log(joint)
    # Never together is -1, and together in all texts, which log cannot tell, is 1.
    values = np.where(joint <= 0, -1.0, np.where(joint >= 1, 1.0, values))
    return float(values.mean())


def _apart(found: list[Topic]) -> list[Topic]:
    """No two topics have one name: attributes and maps tell them by it."""
    names = [each.name for each in found]
    return [
        dataclasses.replace(each, name=f"{each.name} ({each.number})") if names.count(each.name) > 1 else each
        for each in found
    ]


def _report(told: _Told, texts: pa.LargeStringArray, part: Space, tried: Table | None, seed: int) -> Report:
    found = told.topics
    findings = [Finding("topics", len(found), n=len(part))]
    if len(found) > 1:
        low, high = of_mean(told.silhouettes, seed=seed)
        apart = float(told.silhouettes.mean())
        findings.append(Finding("silhouette", apart, low, high, len(told.silhouettes)))
    coherent = np.array([each.coherence for each in found if math.isfinite(each.coherence)])
    if len(coherent):
        low, high = of_mean(coherent, seed=seed)
        findings.append(Finding("coherence", float(coherent.mean()), low, high, len(coherent)))
    words = [word for each in found for word in each.words]
    if words:
        once = sum(words.count(word) == 1 for word in words)
        findings.append(Finding("diversity", once / len(words), n=len(words)))
    lines = []
    for each in found:
        at = part.keys.row(each.examples[0], next(iter(part.groups)))
        example = " ".join(texts[at].as_py().split())
        shown = example if len(example) <= 100 else example[:99] + "…"
        lines.append([each.number, each.texts, each.coherence, each.silhouette, ", ".join(each.words), shown])
    columns = ("topic", "texts", "coherence", "silhouette", "words", "at the center")
    tables = [Table("Topics", columns, lines), *([] if tried is None else [tried])]
    notes = [
        "Coherence is the mean NPMI of a topic's words: 1 always together, 0 as often as by chance, -1 never. "
        "A silhouette of 1 is apart, 0 between two topics."
    ]
    if tried is not None:
        notes.append(
            f"{len(found)} topics are the fewest whose silhouette is not below the interval of the best of those "
            "tried; -k takes another number."
        )
    return Report("Topics", findings, tables, notes)
