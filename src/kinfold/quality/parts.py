"""Files of texts, some at a time: the lines, a column of a table, or sentences whose words have tags."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from kinfold.core.shapes import Block
from kinfold.quality.fields import Broken, Rows, lines_of, whole


class Some(NamedTuple):
    """Some texts of a file.

    Args:
        places: The line or row of each (n,) int64.
        block: Their bytes.
        labels: Of each, or None.
        groups: Whom or where each is from, or None.
    """

    places: np.ndarray
    block: Block
    labels: Sequence[str | None] | None = None
    groups: Sequence[str | None] | None = None


class Part(NamedTuple):
    """A file, as its texts.

    Args:
        name: Of the file.
        unit: `line` or `row`: what places are.
        read: Gives the texts from the beginning, and tells what is broken.
    """

    name: str
    unit: str
    read: Callable[[Broken], Iterator[Some]]


def of_lines(path: Path, prefix: str | None = None) -> Part:
    """The lines of a file; with labels before them where a prefix is given, empty where the first word is the label."""

    def read(broken: Broken) -> Iterator[Some]:
        from kinfold.sources.labeled import LabeledTexts

        lines = lines_of(path, broken)
        done = 0
        for block in whole(broken, lines.blocks()):
            count = len(block.ends)
            places = np.arange(done + 1, done + count + 1)
            done += count
            if prefix is None:
                yield Some(places, block)
            else:
                texts, labels = LabeledTexts(lines, prefix).parted(block)
                yield Some(places, texts, [" ".join(each) if each else None for each in labels.to_pylist()])

    return Part(str(path), "line", read)


def of_column(path: Path, text: str, label: str | None, group: str | None) -> Part:
    """A column of a table."""

    def read(broken: Broken) -> Iterator[Some]:
        from kinfold.sources.strings import text_blocks

        rows = Rows(path)
        rows.broken = broken
        for batch in rows.batches():
            begin = 0
            labels, groups = (
                None if name is None or name not in batch.columns else batch.columns[name].to_pylist()
                for name in (label, group)
            )
            for block in text_blocks(batch.columns[text]):
                some = slice(begin, begin + len(block.ends))
                begin = some.stop
                yield Some(
                    batch.places[some], block, *(None if each is None else each[some] for each in (labels, groups))
                )

    return Part(str(path), Rows(path).unit, read)


def of_tags(path: Path) -> Part:
    """Sentences whose words have tags: the words are the text, the tags its label."""

    def read(broken: Broken) -> Iterator[Some]:
        from kinfold.sources.conll import parsed
        from kinfold.sources.strings import text_blocks

        found: list[tuple[int, str, str]] = []

        def some() -> Iterator[Some]:
            places = np.array([place for place, _, _ in found], np.int64)
            begin = 0
            for block in text_blocks(pa.array([text for _, text, _ in found], pa.large_string())):
                part = slice(begin, begin + len(block.ends))
                begin = part.stop
                yield Some(places[part], block, [tags for _, _, tags in found[part]])
            found.clear()

        every = whole(broken, iter(lines_of(path, broken)))
        lines = ((str(number), line) for number, line in enumerate(every, 1))
        for place, sentence in parsed(lines, path):
            if isinstance(sentence, str):
                broken.add("lines that are no word and tag", f"{path} line {int(place):,}", sentence)
                continue
            words, tags = sentence
            found.append((int(place), " ".join(words), " ".join(tags)))
            if len(found) >= 10_000:
                yield from some()
        yield from some()

    return Part(str(path), "line", read)
