"""How often each key occurs, in a file of its own: lines of `key count`.

Source: word2vec's `-save-vocab`; GloVe's vocab_count.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import to_numpy
from kinfold.core.errors import BadData
from kinfold.core.space import Space
from kinfold.io.format import created
from kinfold.io.names import read_names


def read_counts(path: Path, bad_bytes: str, counts: Counter[str]) -> tuple[pa.LargeStringArray, pa.Int64Array]:
    """The keys of a file and how often each occurs.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: A line does not end in a count, or is not UTF-8 and bad bytes are refused.
    """
    lines = read_names(path, bad_bytes, counts)
    parts = pc.extract_regex(lines, r"(?s)^(?P<key>.*)[ \t](?P<count>\d{1,18})$")
    odd = np.flatnonzero(to_numpy(parts.is_null()))
    if len(odd):
        raise BadData(
            f"{path} line {odd[0] + 1:,}: {lines[int(odd[0])].as_py()[:40]!r} is no key and a count behind a space."
        )
    return parts.field("key").cast(pa.large_string()), parts.field("count").cast(pa.int64())


def with_counts(space: Space, path: str | os.PathLike[str] | None, bad_bytes: str) -> Space:
    """The Space with the attribute `count` of its keys' counts; null where the file has none.

    Args:
        space: What was read.
        path: The file, or None to leave the Space as it is.
        bad_bytes: Keys that are not UTF-8: "replace" or "ignore" what is not, or "strict" to refuse.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: A line does not end in a count.
    """
    if path is None:
        return space
    names, counts = read_counts(Path(path), bad_bytes, Counter())
    # Of a key that stands twice, the first count is found.
    found = counts.take(pc.index_in(space.keys.names, value_set=names))
    space = space.with_attribute("count", found)
    if not found.null_count:
        return space
    note = f"{found.null_count:,} keys have no count in {Path(path).name}"
    data = {**space.card.data, "notes": [*space.card.data.get("notes", ()), note]}
    return dataclasses.replace(space, card=dataclasses.replace(space.card, data=data))


@contextlib.contextmanager
def counts_beside(space: Space, names: pa.LargeStringArray, path: str | os.PathLike[str] | None) -> Iterator[None]:
    """Writes the counts of the keys that have one, if the block ends well; nothing where no path is given.

    Args:
        space: With the attribute `count`.
        names: The keys as they are written beside.
        path: The file, or None.

    Raises:
        BadFile: It cannot be written.
        BadData: The Space has no counts.
    """
    if path is None:
        yield
        return
    counts = None if space.table is None or "count" not in space.table.column_names else space.attribute("count")
    if counts is None or not pa.types.is_integer(counts.type):
        raise BadData(f"{path}: this Space has no attribute `count` of whole numbers to write there.")
    with created(path) as stream:
        yield
        for start in range(0, len(names), 65_536):
            texts = counts.slice(start, 65_536).cast(pa.large_string()).combine_chunks()
            lines = pc.binary_join_element_wise(names.slice(start, 65_536), texts, pa.scalar(" ", pa.large_string()))
            stream.write("\n".join([*lines.drop_null().to_pylist(), ""]).encode())
