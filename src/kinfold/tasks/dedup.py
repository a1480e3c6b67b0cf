"""Dedup: texts that say again what another one says, word for word or nearly so, are left out.

Example:
    >>> texts = ["A cat sat on the mat.", "a cat  sat on the mat.", "Dogs bark at night."]
    >>> of_texts(texts).kept.tolist()
    [0, 2]
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import to_numpy
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.core.files import whole_file
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric, units
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Finding, Report, Table
from kinfold.core.shapes import Items
from kinfold.core.space import Space
from kinfold.kernels import minhash
from kinfold.kernels.near import joined, near_pairs
from kinfold.search.bm25 import texts_of
from kinfold.tasks.search import GROUPS

Keep = Literal["first", "longest"]
# More rows are compared with the nearest that an index finds, not with all others.
_COMPARED = 200_000
_NEAREST = 32
_JOINED = 1 << 20
# What rounding takes from the cosine of two equal rows.
_ROUNDING = 1e-6
_STEPS = (1.0, 0.99, 0.98, 0.97, 0.96, 0.95, 0.93, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
# Groups and pairs that a report shows, and pairs of keys that a card holds.
_SHOWN, _REMEMBERED = 15, 1000
_CUT = 100


@dataclass(frozen=True, slots=True, eq=False)
class Deduped:
    """Which texts stay, and which of them each other one repeats.

    Args:
        keys: Names of all texts.
        owners: For each text the one that stays for it, itself where it stays (n,) int64.
        similarities: To that one: the cosine, or the Jaccard similarity; 1 for itself (n,) float32.
        exact: Whether it is the same, word for word, as one before it (n,) bool.
        texts: Of each, None where there are none.
        report: What was found.
        space: The rows that stay, where there are rows.
    """

    keys: Keys
    owners: np.ndarray
    similarities: np.ndarray
    exact: np.ndarray
    texts: pa.LargeStringArray | None
    report: Report
    space: Space | None = None

    @property
    def kept(self) -> np.ndarray:
        """The texts that stay (m,) int64, ascending."""
        return np.flatnonzero(self.owners == np.arange(len(self.owners)))

    def groups(self) -> Iterator[dict[str, Any]]:
        """Of each text that stays for others: its key and text, and those of the others, as plain JSON types."""
        for kept, some in _groups(self.owners):
            others = [
                {**self._told(at), "similarity": float(self.similarities[at]), "exact": bool(self.exact[at])}
                for at in some.tolist()
            ]
            yield {**self._told(kept), "dropped": others}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the groups, one a line of JSON, whole or not at all.

        Raises:
            BadFile: The folder cannot be written.
        """
        with whole_file(path) as temporary, open(temporary, "w", encoding="utf-8", errors="replace") as file:
            file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in self.groups())

    def _told(self, at: int) -> dict[str, Any]:
        told = {"key": self.keys[at]}
        return told if self.texts is None else {**told, "text": self.texts[at].as_py()}


def dedup(
    space: Space,
    *,
    threshold: float = 0.95,
    exact: bool = False,
    keep: Keep = "first",
    text: str = "text",
    group: str | None = None,
    threads: int | None = None,
    progress: Progress = quiet,
) -> Deduped:
    """Leaves out the texts of a Space whose rows are nearly those of another, or which are the same word for word.

    Up to 200,000 rows are all compared with each other, a block at a time; of more, each with the 32 nearest that an
    index finds. What is near to a text that is near to a third is one group with it. Rows of zeros are near to none.

    Args:
        space: The texts.
        threshold: Cosine from which two texts are the same.
        exact: Only texts that are the same word for word, but for case, white space and the form of characters.
        keep: The first of each group stays, or the longest.
        text: The attribute that holds the texts; without it, rows alone tell.
        group: Whose rows; by default the documents, the chunks, or else the first group.
        threads: How many work at once on an index; as many as there are processors by default.
        progress: Told of the stages.

    Returns:
        What was found; its Space has all other groups as they were, and its card tells what was dropped.

    Raises:
        BadOption: The threshold is not above 0 and at most 1, or `keep` is neither.
        BadData: There are no texts where they are needed, or a row holds a number that is not finite.
        UnknownName: There is no such group.
    """
    _check(threshold, keep)
    named = group or next((each for each in GROUPS if each in space.groups), None)
    part = space.group(named)
    texts = _texts(part, text, needed=exact or keep == "longest" or text != "text")
    same = np.arange(len(part)) if texts is None else _same(texts)
    owners, best, index = same, np.where(np.bincount(same, minlength=len(part))[same] > 1, 1.0, np.nan), None
    if not exact:
        part.rows.refuse_non_finite("dedup")
        some = np.flatnonzero((same == np.arange(len(part))) & (part.rows.norms > 0))
        found, nearest, index = _near(part, some, threshold, threads, progress)
        owners = some_owners(same, some, found)
        best = np.maximum(np.where(np.isnan(best), -np.inf, best), _spread(nearest, some, same, len(part)))
    owners = _chosen(owners, texts, keep)
    vectors = part.rows
    similarities = np.ones(len(part), np.float32)
    for begin in range(0, len(part), 4096):
        at = np.arange(begin, min(begin + 4096, len(part)))
        at = at[(owners[at] != at) & ~((same[at] == same[owners[at]]) & (texts is not None))]
        similarities[at] = np.einsum("ij,ij->i", units(vectors.take(at)), units(vectors.take(owners[at])))
    what = {"threshold": None if exact else threshold, "keep": keep, "compared by": index or "rows"}
    repeated = same != np.arange(len(part))
    report = _report(part.keys, owners, similarities, repeated, best, texts, "cosine", what)
    made = Deduped(part.keys, owners, similarities, repeated, texts, report)
    return dataclasses.replace(made, space=_kept(space, part, made, what).with_report(report))


def of_texts(
    texts: Items[str] | Iterable[str],
    *,
    threshold: float = 0.7,
    exact: bool = False,
    keep: Keep = "first",
    shingle: int = 3,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
) -> Deduped:
    """Leaves out texts without rows that share most runs of words with another, or are the same word for word.

    Texts that agree in a part of their MinHash signatures are compared exactly; one pair in some 200 whose similarity
    is just at the threshold is overlooked. Texts without a word stay.

    Args:
        texts: Strings, or Items of them.
        threshold: Jaccard similarity, of the sets of runs of words, from which two texts are the same.
        exact: Only texts that are the same word for word, but for case, white space and the form of characters.
        keep: The first of each group stays, or the longest.
        shingle: Words of a run.
        seed: Of the signatures.
        threads: How many cut texts at once; as many as there are processors by default.
        progress: Told of the stages.

    Raises:
        BadOption: The threshold is not above 0 and at most 1, `keep` is neither, or `shingle` is below 1.
        BadData: There are no texts.

    Source:
        Broder 1997.
    """
    _check(threshold, keep)
    if shingle < 1:
        raise BadOption(f"shingle is {shingle}; a run is of at least 1 word.")
    items = Items.of(texts)
    column = _column(items.raw)
    if not len(column):
        raise BadData("there are no texts to compare; give at least one.")
    same = _same(column)
    owners, best = same, np.where(np.bincount(same, minlength=len(column))[same] > 1, 1.0, 0.0)
    similarities = np.ones(len(column), np.float32)
    if not exact:
        from kinfold.prepare.tokens import sequences

        some = np.flatnonzero(same == np.arange(len(column)))
        strings = Items(column.take(pa.array(some)).to_pylist())
        data = sequences(strings, min_count=1, keep_empty=True, threads=threads, progress=progress)
        hashes, starts = minhash.shingles(np.asarray(data.ids), data.starts, shingle)
        pairs = minhash.candidates(hashes, starts, threshold, seed)
        jaccard = minhash.jaccard(hashes, starts, pairs)
        nearest = np.zeros(len(some))
        for side in pairs.T:
            np.maximum.at(nearest, side, jaccard)
        near = pairs[jaccard >= threshold - _ROUNDING]
        owners = some_owners(same, some, joined(np.arange(len(some)), near[:, 0], near[:, 1]))
        best = np.maximum(best, _spread(nearest, some, same, len(column)))
    owners = _chosen(owners, column, keep)
    if not exact:
        place = np.full(len(column), -1)
        place[some] = np.arange(len(some))
        at = np.flatnonzero(same != same[owners])
        similarities[at] = minhash.jaccard(hashes, starts, np.stack([place[same[at]], place[same[owners[at]]]], axis=1))
    keys = items.keys if items.keys is not None else Keys([str(at) for at in range(len(column))], "document")
    what = {"threshold": None if exact else threshold, "keep": keep, "compared by": f"runs of {shingle} words"}
    repeated = same != np.arange(len(column))
    measure = f"Jaccard similarity of runs of {shingle} words"
    report = _report(keys, owners, similarities, repeated, best, column, measure, what)
    return Deduped(keys, owners, similarities, repeated, column, report)


def normalized(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Texts in lower case, in one form of characters (NFKC), their white space one space each."""
    found = pc.utf8_lower(pc.utf8_normalize(texts, "NFKC"))
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(found, r"[\s\p{Z}]+", " "))


def some_owners(same: np.ndarray, some: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The groups of all things, where some of those that stand for others fall into groups of their own.

    Args:
        same: What stands for each thing (n,).
        some: Things that stand for themselves (m,), ascending.
        found: The group of each of these (m,), named by the place of its first among them.
    """
    to = np.arange(len(same))
    to[some] = some[found]
    found_of: np.ndarray = to[same]
    return found_of


def _texts(part: Space, text: str, needed: bool) -> pa.LargeStringArray | None:
    try:
        return texts_of(part, text)
    except UnknownName as error:
        if needed:
            raise BadData(
                f"{error} The texts themselves are needed here; name the attribute that holds them."
            ) from error
        return None


def _column(raw: Any) -> pa.LargeStringArray:
    strings = list(raw)
    for place, each in enumerate(strings):
        if each is not None and not isinstance(each, str):
            raise BadData(f"text {place:,} is {type(each).__name__}; texts are strings.")
    clean = [(each or "").encode("utf-8", "replace").decode() for each in strings]
    return pa.array(clean, pa.large_string())


def _same(texts: pa.LargeStringArray) -> np.ndarray:
    """The first text that is the same word for word (n,) int64; empty ones are like no other."""
    plain = normalized(texts)
    codes = to_numpy(plain.dictionary_encode().indices.cast(pa.int64()))
    _, first, which = np.unique(codes, return_index=True, return_inverse=True)
    own = np.arange(len(codes))
    empty = np.asarray(pc.equal(plain, ""))
    return np.where(empty, own, first[which]).astype(np.int64) if len(codes) else own


def _near(
    part: Space, some: np.ndarray, threshold: float, threads: int | None, progress: Progress
) -> tuple[np.ndarray, np.ndarray, str | None]:
    """Groups of some rows (m,), the cosine of each to its nearest (m,), and the index that told."""
    owners, nearest = np.arange(len(some)), np.full(len(some), -np.inf, np.float32)
    progress.start("compare", len(some), "texts")
    if len(some) <= _COMPARED:
        rows = units(part.rows.take(some))
        waiting: list[tuple[np.ndarray, np.ndarray]] = []
        for first, second, _ in near_pairs(rows, threshold - _ROUNDING, nearest, progress.advance):
            waiting.append((first, second))
            # Joining reads all groups once, so that many pairs are joined at a time.
            if sum(len(each) for each, _ in waiting) >= _JOINED:
                owners, waiting = _join(owners, waiting), []
        owners = _join(owners, waiting)
        return owners, nearest, None
    from kinfold.search import build

    alike = dataclasses.replace(part.take(some), metric=Metric.COSINE)
    index = build(alike, "hnsw", **({} if threads is None else {"threads": threads}))
    for start, block in alike.rows.blocks():
        scores, found = index.search(block, _NEAREST + 1)
        own = found == np.arange(start, start + len(block))[:, None]
        scores = np.where(own | (found < 0), -np.inf, scores)
        nearest[start : start + len(block)] = scores.max(axis=1)
        line, place = np.nonzero(scores >= threshold - _ROUNDING)
        owners = joined(owners, line + start, found[line, place])
        progress.advance(len(block))
    return owners, nearest, "hnsw"


def _join(owners: np.ndarray, pairs: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    return joined(owners, *map(np.concatenate, zip(*pairs, strict=True))) if pairs else owners


def _spread(nearest: np.ndarray, some: np.ndarray, same: np.ndarray, count: int) -> np.ndarray:
    """What was found of some rows, for all that they stand for; -inf where nothing was."""
    every = np.full(count, -np.inf)
    every[some] = nearest
    spread: np.ndarray = every[same]
    return spread


def _chosen(owners: np.ndarray, texts: pa.LargeStringArray | None, keep: str) -> np.ndarray:
    """Groups named by the one that stays."""
    if keep == "first" or texts is None:
        return owners
    lengths = to_numpy(pc.utf8_length(texts).cast(pa.int64()))
    order = np.lexsort((np.arange(len(owners)), -lengths, owners))
    begins = np.flatnonzero(np.diff(owners[order], prepend=-1))
    longest = np.arange(len(owners))
    longest[owners[order[begins]]] = order[begins]
    named: np.ndarray = longest[owners]
    return named


def _groups(owners: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """What stays, and what does not, of groups of several, in the order of what stays."""
    others = np.flatnonzero(owners != np.arange(len(owners)))
    order = others[np.argsort(owners[others], kind="stable")]
    kept, begins = np.unique(owners[order], return_index=True)
    yield from zip(kept.tolist(), np.split(order, begins[1:]), strict=False)


def _kept(space: Space, part: Space, made: Deduped, what: dict[str, Any]) -> Space:
    home = space.keys.range_of(next(iter(part.groups)))
    rows = np.concatenate([np.arange(home.start), made.kept + home.start, np.arange(home.stop, len(space))])
    pairs = [[part.keys[at], part.keys[kept]] for kept, some in _groups(made.owners) for at in some.tolist()]
    told = {**what, "kept": len(made.kept), "of": len(part), "dropped": pairs[:_REMEMBERED]}
    found = space.take(rows) if len(rows) < len(space) else space
    return dataclasses.replace(found, card=found.card.then("dedup", **told))


def _report(
    keys: Keys,
    owners: np.ndarray,
    similarities: np.ndarray,
    repeated: np.ndarray,
    best: np.ndarray,
    texts: pa.LargeStringArray | None,
    measure: str,
    what: dict[str, Any],
) -> Report:
    count = len(owners)
    groups = list(_groups(owners))
    dropped = sum(len(some) for _, some in groups)
    findings = [
        Finding("kept", count - dropped, n=count),
        Finding("dropped", dropped, n=count),
        Finding("dropped, the same word for word", int(np.count_nonzero(repeated)), n=count),
        Finding("groups", len(groups), n=count),
    ]

    def told(at: int) -> str:
        line = keys[at] if texts is None else " ".join(texts[at].as_py().split())
        return line if len(line) <= _CUT else line[: _CUT - 1] + "…"

    largest = sorted(groups, key=lambda each: (-len(each[1]), each[0]))[:_SHOWN]
    tables = []
    if groups:
        lines = [[len(some) + 1, float(similarities[some].min()), keys[at], told(at)] for at, some in largest]
        tables.append(Table("The largest groups", ("texts", "least similar", "kept", "text"), lines))
        others = np.concatenate([some for _, some in groups])
        near = others[similarities[others] < 1 - _ROUNDING]
        if len(near):
            least = near[np.argsort(similarities[near], kind="stable")[:_SHOWN]]
            lines = [[float(similarities[at]), told(int(owners[at])), told(at)] for at in least.tolist()]
            tables.append(Table("Dropped, the least similar first", ("similarity", "kept", "dropped"), lines))
    notes = [f"By {measure}; {', '.join(f'{name} {value}' for name, value in what.items() if value is not None)}."]
    if what["threshold"] is not None and count > 1:
        steps = [(step, int(np.count_nonzero(best >= step - _ROUNDING))) for step in _STEPS]
        rows = [[step, some, some / count] for step, some in steps]
        tables.append(Table("Nearest other text", ("at least so similar", "texts", "share"), rows))
        notes.append(
            "Texts in a group may be less similar to the kept one than the threshold, where others are between them. "
            "Where the shares of nearest texts hardly change from one step to the next, a threshold divides best."
        )
    return Report("Duplicates", findings, tables, notes)


def _check(threshold: float, keep: str) -> None:
    if not 0 < threshold <= 1:
        raise BadOption(f"threshold is {threshold}; it is above 0 and at most 1.")
    if keep not in ("first", "longest"):
        raise BadOption(f"keep is '{keep}'; it is first or longest.")
