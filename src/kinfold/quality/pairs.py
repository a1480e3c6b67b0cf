"""Pairs of texts: broken rows, pairs that stand twice or contradict each other, scores, and what splits share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.errors import BadData, BadFile
from kinfold.core.report import Table
from kinfold.quality.fields import Broken, lines_of
from kinfold.quality.issue import SHOWN, Example, Issue
from kinfold.quality.parts import Part, Some
from kinfold.quality.texts import TextCheck

_BATCH = 20_000
_SAME_SCORE = 0.9


def check_pairs(
    paths: Sequence[Path], splits: Sequence[int], columns: Sequence[Mapping[str, str]], **how: Any
) -> tuple[list[Issue], list[Table], list[str]]:
    """Looks at pairs of texts, in one file or several splits."""
    parts = [_part(path, named) for path, named in zip(paths, columns, strict=True)]
    check = TextCheck(parts, splits, things="pairs", classes=False, **how)
    issues, tables = check.run()
    more, scores = _pairs(parts, splits)
    return [*issues, *more], [*tables, *scores], check.notes


def _part(path: Path, named: Mapping[str, str]) -> Part:
    """A file of pairs: both texts between a tab are the text, the score is its label."""

    def read(broken: Broken) -> Iterator[Some]:
        from kinfold.sources.strings import text_blocks

        held: list[tuple[int, str, str | None]] = []

        def some() -> Iterator[Some]:
            begin = 0
            for block in text_blocks(pa.array([text for _, text, _ in held], pa.large_string())):
                part = held[begin : begin + len(block.ends)]
                begin += len(part)
                yield Some(np.array([place for place, _, _ in part]), block, [score for _, _, score in part])
            held.clear()

        for place, left, right, score in _rows(path, named, broken):
            held.append((place, f"{left}\t{right}", score))
            if len(held) >= _BATCH:
                yield from some()
        yield from some()

    return Part(str(path), "line", read)


def _rows(path: Path, named: Mapping[str, str], broken: Broken) -> Iterator[tuple[int, str, str, str | None]]:
    """The place, the texts and the score of each row that has them; what is wrong with others is told."""
    from kinfold.sources.text_pairs import Columns, checked, rows

    given = Columns(**{name: named[name] for name in ("left", "right", "score") if name in named})
    try:
        if path.suffix.lower() != ".parquet":
            for _ in lines_of(path, broken).blocks():  # what is not UTF-8 is told
                pass
        for row in rows(path, given):
            place = int("".join(each for each in row.place.rsplit(" ", 1)[-1] if each.isdecimal()) or 0)
            try:
                good = checked(row)
                if good.right is None:
                    raise ValueError("it has one text only")
            except ValueError as error:
                broken.add("rows that are no pair", f"{path} line {place:,}", str(error))
                continue
            texts = (each.encode("utf-8", "replace").decode().replace("\t", " ") for each in (good.left, good.right))
            yield place, *texts, None if good.score is None else f"{good.score:g}"
    except (BadData, BadFile) as error:
        broken.file = str(error)


def _pairs(parts: Sequence[Part], splits: Sequence[int]) -> tuple[list[Issue], list[Table]]:
    """What pairs have that texts alone have not."""
    same: list[Example] = []
    turned: list[Example] = []
    alike = single = total = reversed_ = later = shared = 0
    shared_shown: list[Example] = []
    seen: dict[int, tuple[int, int]] = {}
    left_side: set[int] = set()
    scores: dict[float, int] = {}
    for number, (part, split) in enumerate(zip(parts, splits, strict=True)):
        for some in part.read(Broken()):
            begin = 0
            labels = some.labels or []
            data = some.block.data.tobytes()
            for place, end, label in zip(some.places.tolist(), some.block.ends.tolist(), labels, strict=True):
                left, _, right = data[begin:end].decode().partition("\t")
                begin = end
                total += 1
                where = f"{part.name} {part.unit} {place:,}"
                if label is not None:
                    scores[float(label)] = scores.get(float(label), 0) + 1
                single += " " not in left and " " not in right
                if left.lower() == right.lower():
                    alike += 1
                    if len(same) < SHOWN:
                        same.append(Example(where, left if label is None else f"score {label}: {left}"))
                forth, back = hash((left, right)), hash((right, left))
                if left != right and back in seen:
                    reversed_ += 1
                    if len(turned) < SHOWN:
                        other, there = seen[back]
                        earlier = f"{parts[other].name} {part.unit} {there:,}"
                        turned.append(Example(f"{where} = {earlier}", f"{left} | {right}"))
                seen.setdefault(forth, (number, place))
                if split == 0:
                    left_side.update((hash(left), hash(right)))
                else:
                    later += 1
                    if hash(left) in left_side or hash(right) in left_side:
                        shared += 1
                        if len(shared_shown) < SHOWN:
                            shared_shown.append(Example(where, left if hash(left) in left_side else right))
    # Of words, in two languages or scored, some are the same and rightly so.
    scored, listed = bool(scores), single > total / 2
    best = max(scores, default=0.0)
    issues = [
        Issue(
            "pairs of a text with itself" if not scored else "pairs of a text with itself that are scored",
            "note" if scored or listed else "warning",
            alike,
            total,
            same,
            f"their score should be the highest, {best:g}"
            if scored
            else "fine in a dictionary, where some words are the same in both languages; else leave them out"
            if listed
            else "leave them out: they teach nothing",
        ),
        Issue(
            "pairs that stand twice the other way round", "note", reversed_, total, turned, "leave one of the two out"
        ),
        Issue(
            "pairs of later files with a text that the first has",
            "note",
            shared,
            later,
            shared_shown,
            "fine where pairs are new; for an honest judgment of unseen texts leave them out",
        ),
    ]
    if not scores:
        return issues, []
    value, often = max(scores.items(), key=lambda each: each[1])
    count = sum(scores.values())
    if often >= _SAME_SCORE * count and count > 1:
        shown = [Example(parts[0].name, f"score {value:g}: {often:,} of {count:,}")]
        issues.append(
            Issue("pairs of one and the same score", "warning", often, count, shown, "they tell nothing apart")
        )
    values = np.array(sorted(scores))
    weights = np.array([scores[each] for each in values.tolist()])
    edges = np.linspace(values[0], values[-1], 6) if len(values) > 6 else None
    rows: list[list[Any]]
    if edges is None:
        rows = [[f"{each:g}", scores[each], scores[each] / count] for each in values.tolist()]
    else:
        held, _ = np.histogram(values, edges, weights=weights)
        rows = [
            [f"{low:g} to {high:g}", int(each), each / count]
            for low, high, each in zip(edges, edges[1:], held, strict=False)
        ]
    return issues, [Table("Scores", ("score", "pairs", "share"), rows)]
