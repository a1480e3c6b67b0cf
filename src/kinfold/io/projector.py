r"""TensorBoard's embedding projector: `tensor.tsv`, a row a line, and `metadata.tsv`, a key a line in the same order.

The metadata of `x_tensor.tsv` is `x_metadata.tsv`; of any other `x.tsv`, `x.metadata.tsv`. It has a header only where
it has two columns or more; the first one is the key, the others become attributes (int64 or float64 where all of a
column are such numbers, else strings). Tabs, line ends and backslashes in cells are written as \t, \n, \r and \\ and
read so.

Source: the projector's documentation, https://github.com/tensorflow/tensorboard
"""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import to_arrow, to_numpy
from kinfold.core.errors import BadData, BadFile
from kinfold.core.space import Space
from kinfold.core.streams import bare_name, open_bytes
from kinfold.io.blocks import line_blocks
from kinfold.io.format import Format, attribute_names, check_choice, check_dim, chosen, created
from kinfold.io.gather import Gatherer
from kinfold.io.lines import first_lines, numbers_at_end, read_lines, rows_expected
from kinfold.io.names import read_names
from kinfold.io.texts import lines_of

NAME = "projector"

_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_PLAIN = {escaped: plain for plain, escaped in _ESCAPES.items()}


def read(
    path: str | os.PathLike[str],
    *,
    metadata: str | os.PathLike[str] | None = None,
    bad_bytes: str = "replace",
    on_bad: str = "raise",
    group: str = "row",
    threads: int | None = None,
) -> Space:
    """A Space from both files, which may be packed (.gz .bz2 .xz .zst).

    Args:
        path: The tensor's file, or a folder with `tensor.tsv` and `metadata.tsv`.
        metadata: The keys' file; by default the one beside the tensor's.
        bad_bytes: Keys that are not UTF-8: "replace" or "ignore" what is not, or "strict" to refuse.
        on_bad: Lines that are not numbers: "raise" or "skip".
        group: What the rows are called.
        threads: Blocks parsed at a time; by default one a processor.

    Raises:
        BadFile: One of the files is missing or cannot be read.
        BadData: A line is no row of numbers, or there are not as many keys as rows.
    """
    check_choice("bad_bytes", bad_bytes, ("replace", "ignore", "strict"))
    check_choice("on_bad", on_bad, ("raise", "skip"))
    path = Path(path)
    path = path / "tensor.tsv" if path.is_dir() else path
    beside = Path(metadata) if metadata is not None else metadata_beside(path)
    if not beside.exists():
        raise BadFile(f"{beside}: no such file; the keys of {path.name} are read from it. Or pass metadata=….")
    with open_bytes(path) as stream:
        blocks = line_blocks(stream, path)
        first = next(blocks, b"")
        lines = first_lines(first, 1)
        # The first field is a number too: a name is put before it, as lines of other formats have one.
        dim = numbers_at_end(b"\t" + lines[0], b"\t") if lines else 0
        if dim == 0 and lines:
            raise BadData(
                f"{path} line 1: {lines[0][:40]!r} does not end in a number; a row has numbers and tabs only."
            )
        check_dim(max(dim, 1), f"{path} line 1")
        gatherer = Gatherer(
            path, NAME, max(dim, 1), expected=rows_expected(path, first, max(dim, 1)), bad_bytes=bad_bytes
        )
        places = read_lines(
            itertools.chain([first] if first else [], blocks),
            gatherer,
            first_line=1,
            on_bad=on_bad,
            separator="\t",
            named=False,
            threads=threads,
        )
    columns = _metadata(beside, bad_bytes, gatherer, len(places) + sum(gatherer.counts.values()))
    kept = to_arrow(places)
    names = columns.pop(next(iter(columns))).take(kept)
    gatherer.rename(names.cast(pa.large_string()))
    table = pa.table({name: _typed(column.take(kept)) for name, column in columns.items()}) if columns else None
    return gatherer.finish(group=group, table=table)


def write(space: Space, path: str | os.PathLike[str], *, group: str | None = None) -> None:
    """Writes one group and those of its attributes that are text or single numbers.

    Args:
        space: What to write.
        path: The tensor's file; the keys go to the metadata's file beside it.
        group: The group to write, the first where none is named.

    Raises:
        BadFile: One of the files cannot be written.
        BadData: There is no row: the format has no place to say how long rows are.
    """
    space = chosen(space, group)
    if not len(space):
        raise BadData(
            f"{path}: a projector file cannot be empty; write word2vec text, whose header says the dimension."
        )
    columns: dict[str, Any] = {"key": space.keys.names}
    for name in space.table.column_names if space.table is not None else ():
        column = space.attribute(name)
        if not pa.types.is_nested(column.type) and not pa.types.is_binary(column.type):
            columns[name] = pc.fill_null(pc.cast(column, pa.large_string()), "").combine_chunks()
    with created(path) as tensor, created(metadata_beside(Path(path))) as metadata:
        for lines in lines_of(space, None, "\t"):
            tensor.write(lines)
        if len(columns) > 1:
            metadata.write(
                ("\t".join(_escaped(pa.array(list(columns), pa.large_string())).to_pylist()) + "\n").encode()
            )
        for start in range(0, len(space), 65_536):
            cells = [_escaped(column.slice(start, 65_536)) for column in columns.values()]
            lines = pc.binary_join_element_wise(*cells, pa.scalar("\t", pa.large_string()))
            metadata.write("\n".join([*lines.to_pylist(), ""]).encode())


def recognizes(path: Path, head: bytes) -> bool:
    """A folder with the two files, or lines of numbers and tabs in a file with metadata beside it or called tensor."""
    if path.is_dir():
        return (path / "tensor.tsv").exists()
    lines = first_lines(head, 3)
    name = bare_name(path).lower()
    if not lines or not name.endswith(".tsv") or not ("tensor" in name or metadata_beside(path).exists()):
        return False
    fields = lines[0].count(b"\t") + 1
    return len(lines) == 1 or numbers_at_end(b"\t" + lines[0], b"\t") == fields


def metadata_beside(path: Path) -> Path:
    """Where the keys of a tensor's file are."""
    name = path.name
    if "tensor" in name:
        return path.with_name("metadata".join(name.rsplit("tensor", 1)))
    bare = bare_name(path)
    stem, dot, ending = bare.rpartition(".")
    return path.with_name(f"{stem}.metadata.{ending}{name[len(bare) :]}" if dot else f"{name}.metadata.tsv")


FORMAT = Format(read, write, recognizes, ("tensor.tsv",), keeps="attributes")


def _metadata(path: Path, bad_bytes: str, gatherer: Gatherer, rows: int) -> dict[str, pa.Array]:
    """The columns, the key's first."""
    lines = read_names(path, bad_bytes, gatherer.counts)
    if len(lines) not in (rows, rows + 1):
        raise BadData(f"{path}: {len(lines):,} lines do not go with the {rows:,} rows of {gatherer.path.name}.")
    cells = pc.split_pattern(lines, "\t")
    widths = to_numpy(pc.list_value_length(cells))
    width = int(widths[0]) if len(widths) else 1
    if len(odd := np.flatnonzero(widths != width)):
        raise BadData(f"{path} line {odd[0] + 1:,}: has {widths[odd[0]]} columns where the first line has {width}.")
    flat = _unescaped(cells.flatten())
    names = ["key", *(f"column {place}" for place in range(2, width + 1))]
    if len(lines) == rows + 1:
        key, *others = flat.slice(0, width).to_pylist()
        names, flat = [key, *attribute_names(others, key)], flat.slice(width)
    every = np.arange(rows) * width
    return {name: flat.take(to_arrow(every + place)) for place, name in enumerate(names)}


def _typed(column: pa.Array) -> pa.Array:
    for pattern, kind in ((r"^[+-]?\d{1,18}$", pa.int64()), (r"^[+-]?\d+\.?\d*([eE][+-]?\d+)?$", pa.float64())):
        if len(column) and pc.all(pc.match_substring_regex(column, pattern)).as_py():
            return column.cast(kind)
    return column


def _escaped(column: pa.Array) -> pa.Array:
    for plain, escaped in _ESCAPES.items():
        column = pc.replace_substring(column, plain, escaped)
    return column


def _unescaped(column: pa.Array) -> pa.Array:
    odd = pc.match_substring(column, "\\")
    if not pc.any(odd).as_py():
        return column
    plain = [re.sub(r"\\[\\tnr]", lambda found: _PLAIN[found.group()], cell) for cell in column.filter(odd).to_pylist()]
    return pc.replace_with_mask(column, odd, pa.array(plain, pa.large_string()))
