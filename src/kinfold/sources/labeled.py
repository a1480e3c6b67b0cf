"""Texts and their labels, as Items: lines that hold both, tables, frames, or texts and labels apart."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import to_arrow, to_numpy
from kinfold.core.errors import BadData, BadFile, UnknownName, did_you_mean
from kinfold.core.files import existing
from kinfold.core.shapes import Block, Blocks, Items
from kinfold.sources.columns import FileColumn, of_frame
from kinfold.sources.lines import Lines
from kinfold.sources.strings import Strings
from kinfold.sources.tables import frame_table, is_table
from kinfold.sources.text import BadBytes
from kinfold.sources.text import read as read_text

PREFIX = "__label__"


def read(
    source: Any,
    labels: Any = None,
    *,
    text: str = "text",
    label: str = "label",
    prefix: str = PREFIX,
    bad_bytes: BadBytes = "replace",
) -> Items[Any]:
    """Texts with labels: any number of them, so that a text may have several or none.

    Args:
        source: A table (.jsonl, .ndjson, .csv, .tsv, .parquet) or a frame with columns of texts and labels; a file of
            lines, or an iterable of strings, that hold their labels (`__label__warm some text`); with `labels`,
            whatever `text.read` reads.
        labels: One a text, in order: strings or numbers, lists of them for texts with several, None where there is
            none.
        text: Column of the texts.
        label: Column of the labels, or of lists of labels.
        prefix: What a label in a line begins with, which is no part of the label; where it is empty, the first token of
            a line is its label.
        bad_bytes: What happens to bytes that are not UTF-8: replace (by U+FFFD), ignore, or strict (an error).

    Returns:
        Items with the texts and, as `labels`, a list of strings for each of them.

    Raises:
        BadFile: The file is missing or cannot be read.
        BadData: No text has a label, or the file is damaged.
        UnknownName: A table has no such column.

    Example:
        >>> items = read(["__label__sea the waves", "__label__land __label__farm the hay"])
        >>> list(items.raw), items.labels.to_pylist()
        (['the waves', 'the hay'], [['sea'], ['land', 'farm']])
    """
    if labels is not None:
        return _labeled(read_text(source, column=text, bad_bytes=bad_bytes).raw, _given(labels), "")
    if isinstance(source, str | os.PathLike):
        path = existing(source)
        if path.is_dir():
            raise BadFile(f"{path}: is a folder; name a file of labeled texts in it.")
        if is_table(path):
            column = LabelColumn(path, label, bad_bytes)
            return _labeled(FileColumn(path, text, bad_bytes), column.labels(), f"{path}, column '{label}': ")
        return _within(Lines(path, bad_bytes), prefix, f"{path}: ")
    if (frame := frame_table(source)) is not None:
        if label not in frame.column_names:
            near = did_you_mean(label, frame.column_names)
            raise UnknownName(f"the frame has no column '{label}'.{near} It has: {', '.join(frame.column_names)}.")
        found = lists(frame[label], f"the column '{label}'")
        return _labeled(of_frame(frame, text), found, f"the column '{label}': ")
    if isinstance(source, bytes | dict) or not isinstance(source, Iterable):
        raise BadData(f"labeled texts cannot be read from {type(source).__name__}; give a path, a frame or strings.")
    return _within(Strings(source if isinstance(source, list | tuple) else list(source), bad_bytes), prefix, "")


class LabeledTexts:
    """Texts that hold their labels, without them.

    Args:
        texts: What is read.
        prefix: What a label begins with; empty where the first token of each text is its label.
    """

    def __init__(self, texts: Blocks, prefix: str) -> None:
        self._texts = texts
        self._prefix = np.frombuffer(prefix.encode(), np.uint8)

    @property
    def size(self) -> int | None:
        """Bytes of all texts with their labels, where that is known."""
        size: int | None = getattr(self._texts, "size", None)
        return size

    def blocks(self) -> Iterator[Block]:
        """The texts without their labels, some megabytes at a time."""
        for block in self._texts.blocks():
            yield self.parted(block)[0]

    def __iter__(self) -> Iterator[str]:
        for block in self.blocks():
            start = 0
            for end in block.ends.tolist():
                yield block.data[start:end].tobytes().decode().removesuffix("\n").removesuffix("\r")
                start = end

    def labels(self) -> pa.LargeListArray:
        """The labels of each text."""
        parts = [self.parted(block)[1] for block in self._texts.blocks()]
        return pa.concat_arrays([*parts, pa.array([], pa.large_list(pa.large_string()))])

    def parted(self, block: Block) -> tuple[Block, pa.LargeListArray]:
        """Texts of a block without their labels, and the labels of each."""
        from kinfold.kernels._jit import plain
        from kinfold.kernels.labels import most_labels, part

        data, ends, prefix = plain(block.data), plain(block.ends), plain(self._prefix)
        rest, labels = np.empty_like(data), np.empty_like(data)
        rest_ends, counts = np.empty_like(ends), np.empty(len(ends), np.int64)
        starts = np.zeros(1 + most_labels(len(data), len(ends), len(prefix)), np.int64)
        size, label_size, count = part(data, ends, prefix, rest, rest_ends, labels, starts[1:], counts)
        buffers = [None, pa.py_buffer(starts[: count + 1]), pa.py_buffer(labels[:label_size].copy())]
        names = pa.Array.from_buffers(pa.large_string(), count, buffers)
        return Block(rest[:size], rest_ends), _lists(counts, names)


class LabelColumn(FileColumn):
    """The labels in one column of a table: strings, numbers, or lists of them; a missing one is no label."""

    def labels(self) -> pa.LargeListArray:
        """The labels of each row.

        Raises:
            BadData: The table is damaged.
        """
        kind = pa.list_(pa.string()) if self._type == "VARCHAR[]" else pa.string()
        return lists(pa.chunked_array(self._arrays(), kind), f"{self.path}: the column '{self._column}'")

    def _read_as(self, kind: str) -> str:
        if kind.startswith(("STRUCT", "MAP", "UNION", "JSON", "BLOB")) or kind.count("[") > 1:
            raise BadData(
                f"{self.path}: the column '{self._column}' is {kind}; labels are strings, numbers or lists of them."
            )
        return "VARCHAR[]" if kind.endswith("]") else "VARCHAR"


def lists(values: pa.Array | pa.ChunkedArray, what: str) -> pa.LargeListArray:
    """Labels as lists of strings: of strings or numbers one each, of nothing none.

    Raises:
        BadData: They are neither strings nor numbers nor lists of these.
    """
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    try:
        if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
            counts = to_numpy(pc.fill_null(pc.list_value_length(array), 0)).astype(np.int64)
            names = array.flatten().cast(pa.large_string())
            owners = np.repeat(np.arange(len(counts)), counts)
        else:
            names = array.cast(pa.large_string())
            counts, owners = np.ones(len(names), np.int64), np.arange(len(names))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadData(f"{what}: {array.type} are no labels; labels are strings, numbers or lists of them.") from error
    kept = pc.fill_null(pc.not_equal(names, ""), False)
    counts = np.bincount(owners[to_numpy(kept).astype(bool)], minlength=len(counts))
    return _lists(counts, names.filter(kept))


def _given(labels: Any) -> pa.LargeListArray:
    """Labels that are a series, an array or an iterable."""
    if isinstance(labels, str | bytes | dict) or not isinstance(labels, Iterable):
        raise BadData(f"labels are one a text, in a list or a series, not {type(labels).__name__}.")
    try:
        array = labels.to_arrow() if hasattr(labels, "to_arrow") else labels
        if not isinstance(array, pa.Array | pa.ChunkedArray):
            array = pa.array(list(labels), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise BadData(f"these labels are of several types ({error}); map str over them first.") from error
    return lists(array, "these labels")


def _within(texts: Lines | Strings, prefix: str, where: str) -> Items[Any]:
    found = LabeledTexts(texts, prefix)
    way_out = (
        f" A label begins with '{prefix}'; where the first word of each line is its label, pass an empty prefix, and "
        "where labels stand apart, pass them or name their column."
    )
    return _labeled(found, found.labels(), where, way_out if prefix else "")


def _labeled(raw: Any, labels: pa.LargeListArray, where: str, way_out: str = "") -> Items[Any]:
    if not len(labels.flatten()):
        raise BadData(f"{where}none of the {len(labels):,} texts has a label.{way_out}")
    return Items(raw, labels=labels)


def _lists(counts: np.ndarray, names: pa.LargeStringArray) -> pa.LargeListArray:
    return pa.LargeListArray.from_arrays(to_arrow(np.append(0, np.cumsum(counts)).astype(np.int64)), names)
