"""word2vec's binary files: a line `rows dim`, then records of key, space, float32 × dim (little-endian).

Line feeds before a key are dropped, since some writers end a record with one and others do not. Tolerated, and noted
on the card: another number of rows than the header says, bytes behind the last row, keys that are not UTF-8, a key
twice (the first row counts), rows with NaN or infinity (left out). Refused: a file that ends within one of its rows
(unless `on_bad="skip"`, which keeps the whole ones) and a number of coordinates that the records do not have.

Source: word2vec.c of Mikolov et al. 2013.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.errors import BadData
from kinfold.core.space import Space
from kinfold.core.streams import COMPRESSED, bare_name, open_bytes
from kinfold.io.format import Format, check_choice, check_dim, chosen, created, header_of, row_blocks, writable_names
from kinfold.io.gather import NOT_FINITE, UNREADABLE, Gatherer
from kinfold.io.lines import is_text

NAME = "word2vec-binary"

_CHUNK = 8 << 20
# word2vec cuts its own at 99 bytes; what is longer than this is no key but the middle of some row.
_LONGEST_NAME = 10_000
_LONGEST_HEADER = 200


def read(
    path: str | os.PathLike[str], *, bad_bytes: str = "replace", on_bad: str = "raise", group: str = "word"
) -> Space:
    """A Space from the file, which may be packed (.gz .bz2 .xz .zst).

    Args:
        path: The file.
        bad_bytes: Keys that are not UTF-8: "replace" or "ignore" what is not, or "strict" to refuse.
        on_bad: A file that ends within a row: "raise", or "skip" to keep the rows before it.
        group: What the rows are called.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: No such file, or a damaged one; names the byte.
    """
    check_choice("bad_bytes", bad_bytes, ("replace", "ignore", "strict"))
    check_choice("on_bad", on_bad, ("raise", "skip"))
    path = Path(path)
    with open_bytes(path) as stream:
        line = stream.readline(_LONGEST_HEADER)
        header = header_of(line) if line.endswith(b"\n") else None
        if header is None:
            raise BadData(f"{path} line 1: {line[:60]!r} is not the header `rows dim` of a word2vec binary file.")
        declared, dim = header
        check_dim(dim, f"{path} line 1")
        gatherer = Gatherer(path, NAME, dim, expected=_expected(path, declared, dim, len(line)), bad_bytes=bad_bytes)
        notes = _read_records(stream, gatherer, len(line), declared, on_bad)
    return gatherer.finish(group=group, declared=declared, notes=notes)


def write(space: Space, path: str | os.PathLike[str], *, group: str | None = None, replace: str | None = None) -> None:
    """Writes one group, a line feed behind each row as word2vec's own tool does.

    Args:
        space: What to write.
        path: The file; packed where it ends in .gz, .bz2, .xz or .zst.
        group: The group to write, the first where none is named.
        replace: Stands in place of spaces and line ends in keys, which the format cannot hold; None refuses them.

    Raises:
        BadFile: It cannot be written.
        BadData: A key cannot be written.
    """
    space = chosen(space, group)
    names = writable_names(space.keys, Path(path), (" ", "\n"), replace)
    with created(path) as stream:
        stream.write(f"{len(space)} {space.dim}\n".encode())
        for part, block in row_blocks(space, names):
            starts = np.arange(0, block.nbytes + 1, 4 * space.dim, dtype=np.int64)
            little = pa.py_buffer(block.astype("<f4", copy=False))
            rows = pa.Array.from_buffers(pa.large_binary(), len(block), [None, pa.py_buffer(starts), little])
            ends = pa.array([b"\n"] * len(block), pa.large_binary())
            keyed = pc.binary_join_element_wise(part.cast(pa.large_binary()), rows, pa.scalar(b" ", pa.large_binary()))
            records = pc.binary_join_element_wise(keyed, ends, pa.scalar(b"", pa.large_binary()))
            _, offsets, data = records.buffers()
            stop = int(np.frombuffer(offsets, np.int64)[len(block)])
            stream.write(memoryview(data)[:stop])


def recognizes(path: Path, head: bytes) -> bool:
    """A header of two integers, and no text behind it."""
    line, feed, rest = head.partition(b"\n")
    header = header_of(line)
    if not feed or header is None:
        return False
    return not is_text(rest, header[1]) if rest else bare_name(path).lower().endswith(".bin")


FORMAT = Format(read, write, recognizes, (".bin",))


def _expected(path: Path, declared: int, dim: int, begins: int) -> int:
    """Rows there can be: what the header says, but no more than the bytes of the file hold.

    Raises:
        BadData: Not even one row fits into the file.
    """
    record = 4 * dim + 1
    if path.suffix.lower() in COMPRESSED:
        return min(declared, _CHUNK // record) + 1
    holds = (os.path.getsize(path) - begins) // record
    if declared and not holds:
        raise BadData(
            f"{path} line 1: the header says {declared:,} rows of {dim:,} numbers, but a row takes {record:,} bytes "
            f"and only {os.path.getsize(path) - begins:,} follow. The file is cut short or of another format."
        )
    # Each chunk asks for room for as many rows as it could hold; memory that is never filled is never taken.
    return min(declared, holds) + (_CHUNK + 2 * _LONGEST_NAME) // record + 4


def _read_records(stream: BinaryIO, gatherer: Gatherer, begins: int, declared: int, on_bad: str) -> tuple[str, ...]:
    from kinfold.kernels.records import take_records

    dim, path = gatherer.dim, gatherer.path
    head = _LONGEST_NAME + 1 + 4 * dim
    buffer = np.empty(2 * head + _CHUNK, np.uint8)
    left, place, records = 0, begins, 0
    while True:
        got = _fill(stream, buffer[left:])
        data = buffer[: left + got]
        room = gatherer.room(len(data) // (4 * dim + 1) + 1)
        starts, stops, finite, used = take_records(data, dim, _LONGEST_NAME, room)
        if not records:
            _refuse_misaligned(path, data, starts, stops, dim)
        if used < 0:
            # Behind the rows that the header counts, anything may stand.
            if records + len(starts) < declared or not declared:
                raise BadData(
                    f"{path} byte {place - 1 - used:,}: no key ends within {_LONGEST_NAME:,} bytes. The header's "
                    f"{dim:,} numbers a row do not fit this file, or it is damaged."
                )
            used, got = -1 - used, 0
        before = records
        names = gatherer.names(
            data, starts[finite], stops[finite], lambda i, s=starts[finite], p=place: f"byte {p + int(s[i]):,}"
        )
        gatherer.keep(names)
        gatherer.counts[NOT_FINITE] += int(np.count_nonzero(~finite))
        records = before + len(starts)
        place += used
        left = len(data) - used
        buffer[:left] = data[used:].copy()
        if not got:
            break
    return _remainder(bytes(buffer[:left]), gatherer, records, declared, place, on_bad)


def _fill(stream: BinaryIO, buffer: np.ndarray) -> int:
    """Reads until the buffer is full or the file ends; the bytes that were read."""
    got = 0
    view: Any = memoryview(buffer.data)
    while got < len(buffer):
        more = stream.readinto(view[got:])  # type: ignore[attr-defined]
        if not more:
            break
        got += more
    return got


def _remainder(
    rest: bytes, gatherer: Gatherer, records: int, declared: int, place: int, on_bad: str
) -> tuple[str, ...]:
    """What stands behind the last whole record: nothing, a cut record, or something else."""
    rest = rest.lstrip(b"\n")
    if not rest:
        return ()
    if records >= declared:
        return (f"{len(rest):,} bytes behind the last row were left out",)
    if on_bad == "raise":
        raise BadData(
            f"{gatherer.path} byte {place:,}: the file ends within row {records + 1:,} of {declared:,}. "
            'Fetch it again, or pass on_bad="skip" to keep the whole rows.'
        )
    gatherer.counts[UNREADABLE] += 1
    return ()


def _refuse_misaligned(path: Path, data: np.ndarray, starts: np.ndarray, stops: np.ndarray, dim: int) -> None:
    """Does nothing unless the first keys begin with the last numbers of the row before them.

    That is how a file looks whose rows are longer than its header says: the search for the next space finds the next
    row all the same, and nothing else would tell.
    """
    spans = list(zip(starts[1:100].tolist(), stops[1:100].tolist(), strict=True))
    keys = [bytes(data[start:stop]) for start, stop in spans if stop - start > 4]
    if len(spans) < 8 or len(keys) < 0.9 * len(spans):
        return
    heads = np.abs(np.frombuffer(b"".join(key[:4] for key in keys), "<f4"))
    numbers = np.count_nonzero((heads == 0) | ((heads > 1e-10) & (heads < 1e10)))
    controls = sum(any(byte < 9 or 13 < byte < 32 for byte in key[:4]) for key in keys)
    if numbers > 0.75 * len(keys) and controls > 0.1 * len(keys):
        raise BadData(
            f"{path}: the keys begin with bytes of numbers ({keys[0][:20]!r}), so rows are longer than the {dim:,} "
            "numbers that the header says. Correct the header, or name another format."
        )
