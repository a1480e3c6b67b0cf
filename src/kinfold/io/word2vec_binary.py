"""word2vec's binary files: a line `rows dim`, then records of key, space, float32 × dim (little-endian).

Line feeds before a key are dropped, since some writers end a record with one and others do not. Tolerated, and noted
on the card: another number of rows than the header says, bytes behind the last row, keys that are not UTF-8, a key
twice (the first row counts), rows with NaN or infinity (left out). Refused: a file that ends within one of its rows
(unless `on_bad="skip"`, which keeps the whole ones) and a number of coordinates that the records do not have.

Source: word2vec.c of Mikolov et al. 2013.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.errors import BadData
from kinfold.core.space import Space
from kinfold.core.streams import COMPRESSED, bare_name, open_bytes
from kinfold.io.format import Format, check_choice, check_dim, chosen, created, header_of, row_blocks, writable_names
from kinfold.io.gather import NOT_FINITE, UNREADABLE, Gatherer
from kinfold.io.lines import is_text
from kinfold.io.order import in_order
from kinfold.io.texts import data_of
from kinfold.io.vocabulary import counts_beside, with_counts

NAME = "word2vec-binary"

_CHUNK = 8 << 20
# word2vec cuts its own at 99 bytes; what is longer than this is no key but the middle of some row.
_LONGEST_NAME = 10_000
_LONGEST_HEADER = 200


def read(
    path: str | os.PathLike[str],
    *,
    bad_bytes: str = "replace",
    on_bad: str = "raise",
    group: str = "word",
    vocabulary: str | os.PathLike[str] | None = None,
    threads: int | None = None,
) -> Space:
    """A Space from the file, which may be packed (.gz .bz2 .xz .zst).

    Args:
        path: The file.
        bad_bytes: Keys that are not UTF-8: "replace" or "ignore" what is not, or "strict" to refuse.
        on_bad: A file that ends within a row: "raise", or "skip" to keep the rows before it.
        group: What the rows are called.
        vocabulary: A file of lines `key count`, which become the attribute `count`.
        threads: Blocks copied at a time; by default one a processor.

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
        records = _Records(stream, gatherer, len(line), declared)
        for block, finite in in_order(records.blocks(), _copied, threads):
            names = gatherer.names(
                block.data, block.starts[finite], block.stops[finite], lambda i, b=block, f=finite: b.place(f, i)
            )
            gatherer.keep(names, block.rows if finite.all() else block.rows[finite])
            gatherer.counts[NOT_FINITE] += int(np.count_nonzero(~finite))
        notes = _remainder(records, gatherer, on_bad)
    return with_counts(gatherer.finish(group=group, declared=declared, notes=notes), vocabulary, bad_bytes)


def write(
    space: Space,
    path: str | os.PathLike[str],
    *,
    group: str | None = None,
    replace: str | None = None,
    vocabulary: str | os.PathLike[str] | None = None,
) -> None:
    """Writes one group, a line feed behind each row as word2vec's own tool does.

    Args:
        space: What to write.
        path: The file; packed where it ends in .gz, .bz2, .xz or .zst.
        group: The group to write, the first where none is named.
        replace: Stands in place of spaces and line ends in keys, which the format cannot hold; None refuses them.
        vocabulary: Where the attribute `count` is written too, in lines of `key count`.

    Raises:
        BadFile: It cannot be written.
        BadData: A key cannot be written.
    """
    space = chosen(space, group)
    names = writable_names(space.keys, Path(path), (" ", "\n"), replace)
    with counts_beside(space, names, vocabulary), created(path) as stream:
        stream.write(f"{len(space)} {space.dim}\n".encode())
        for part, block in row_blocks(space, names):
            starts = np.arange(0, block.nbytes + 1, 4 * space.dim, dtype=np.int64)
            little = pa.py_buffer(block.astype("<f4", copy=False))
            rows = pa.Array.from_buffers(pa.large_binary(), len(block), [None, pa.py_buffer(starts), little])
            ends = pa.array([b"\n"] * len(block), pa.large_binary())
            keyed = pc.binary_join_element_wise(part.cast(pa.large_binary()), rows, pa.scalar(b" ", pa.large_binary()))
            stream.write(data_of(pc.binary_join_element_wise(keyed, ends, pa.scalar(b"", pa.large_binary()))))


def recognizes(path: Path, head: bytes) -> bool:
    """A header of two integers, and no text behind it."""
    line, feed, rest = head.partition(b"\n")
    header = header_of(line)
    if not feed or header is None:
        return False
    return not is_text(rest, header[1]) if rest else bare_name(path).lower().endswith(".bin")


FORMAT = Format(read, write, recognizes, (".bin",))


def _expected(path: Path, declared: int, dim: int, begins: int) -> int:
    """Rows that there can be at most, by the bytes of the file; for a packed one, those of the first block.

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
    return holds


class _Block(NamedTuple):
    """Some whole records.

    Args:
        data: Bytes that they stand in.
        begins: Where in the file those begin.
        starts: Of the keys.
        stops: And their ends; a row begins one byte behind.
        rows: Where the rows go, float32 (n, dim).
    """

    data: np.ndarray
    begins: int
    starts: np.ndarray
    stops: np.ndarray
    rows: np.ndarray

    def place(self, finite: np.ndarray, record: int) -> str:
        """Where in the file one of the records that are finite stands."""
        return f"byte {self.begins + int(self.starts[finite][record]):,}"


def _copied(block: _Block) -> tuple[_Block, np.ndarray]:
    from kinfold.kernels.records import copy_rows

    return block, copy_rows(block.data, block.stops + 1, block.rows)


class _Records:
    """Finds the records of a file, block by block; what is read of it is mapped, or unpacked into a buffer.

    Args:
        stream: Behind the header.
        gatherer: Where the rows go.
        begins: Bytes of the header.
        declared: Rows that it says.
    """

    def __init__(self, stream: BinaryIO, gatherer: Gatherer, begins: int, declared: int) -> None:
        self.declared = declared
        self.found = 0
        self.place = begins
        self.rest = np.zeros(0, np.uint8)
        self._stream = stream
        self._gatherer = gatherer
        plain = gatherer.path.suffix.lower() not in COMPRESSED
        self._mapped = np.memmap(gatherer.path, np.uint8, "r").view(np.ndarray) if plain else None

    def blocks(self) -> Iterator[_Block]:
        """One after another.

        Raises:
            BadData: Where a key should be, there is none.
        """
        from kinfold.kernels.records import scan_records

        path, dim = self._gatherer.path, self._gatherer.dim
        whole = False
        while not whole:
            data, whole = self._window(2 * (_LONGEST_NAME + 1 + 4 * dim) + _CHUNK)
            starts, stops, used = scan_records(data, dim, _LONGEST_NAME)
            if not self.found:
                _refuse_misaligned(path, data, starts, stops, dim)
            if used < 0:
                # Behind the rows that the header counts, anything may stand.
                if self.found + len(starts) < self.declared or not self.declared:
                    raise BadData(
                        f"{path} byte {self.place - 1 - used:,}: no key ends within {_LONGEST_NAME:,} bytes. The "
                        f"header's {dim:,} numbers a row do not fit this file, or it is damaged."
                    )
                used, whole = -1 - used, True
            begins = self.place
            self.found += len(starts)
            self.place += used
            self.rest = data[used:]
            yield _Block(data, begins, starts, stops, self._gatherer.claim(len(starts)))

    def behind(self) -> int:
        """Bytes of the file from the present place on."""
        if self._mapped is not None:
            return len(self._mapped) - self.place
        behind = len(self.rest)
        while more := self._stream.read(_CHUNK):
            behind += len(more)
        return behind

    def _window(self, size: int) -> tuple[np.ndarray, bool]:
        """Bytes from the present place, and whether they go to the file's end."""
        if self._mapped is not None:
            data = self._mapped[self.place : self.place + size]
            return data, self.place + len(data) == len(self._mapped)
        data = np.empty(size, np.uint8)
        data[: len(self.rest)] = self.rest
        got = _fill(self._stream, data[len(self.rest) :])
        return data[: len(self.rest) + got], len(self.rest) + got < size


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


def _remainder(records: _Records, gatherer: Gatherer, on_bad: str) -> tuple[str, ...]:
    """What stands behind the last whole record: nothing, a cut record, or something else."""
    feeds = len(records.rest) - len(bytes(records.rest).lstrip(b"\n"))
    behind = records.behind() - feeds
    if not behind:
        return ()
    if records.found >= records.declared:
        return (f"{behind:,} bytes behind the last row were left out",)
    if on_bad == "raise":
        raise BadData(
            f"{gatherer.path} byte {records.place:,}: the file ends within row {records.found + 1:,} of "
            f'{records.declared:,}. Fetch it again, or pass on_bad="skip" to keep the whole rows.'
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
