"""The lines of a text file."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.shapes import Block
from kinfold.core.streams import COMPRESSED, open_bytes

# Small enough for the caches, large enough that Python's part of the work is nothing.
_BLOCK = 1 << 19
_HEAD = 1 << 16
_OTHER_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
# Text has hardly any NUL; every second byte of UTF-16 without a mark is one, and so are many of a binary file.
_NULS = 1 / 64


class Lines:
    """Texts that are the lines of a file; in blocks, a line's end belongs to its text.

    Args:
        path: Of the file, compressed or not.
        bad_bytes: `replace`, `ignore` or `strict`.
        told: Called with lines that are not UTF-8, the byte of the file where they begin, and how many lines are
            before them.
    """

    def __init__(self, path: Path, bad_bytes: str, told: Callable[[bytes, int, int], None] | None = None) -> None:
        self.path = path
        self._bad_bytes = bad_bytes
        self._told = told

    @property
    def size(self) -> int | None:
        """Bytes of the file; None where it is compressed."""
        return None if self.path.suffix.lower() in COMPRESSED else self.path.stat().st_size

    def is_text(self) -> bool:
        """Whether the file begins as a text that can be read here does."""
        with open_bytes(self.path) as file:
            return not what_else(file.read(_HEAD))

    def blocks(self) -> Iterator[Block]:
        """The lines, some megabytes at a time; a longer line is a block by itself.

        Raises:
            BadData: The file is not text, is damaged, or has bytes that are not UTF-8 and must not.
        """
        place = lines = 0
        for chunk in self._chunks():
            clean = self._utf8(chunk, place, lines)
            place += len(chunk)
            if not clean:  # all of it was ignored
                continue
            data = np.frombuffer(clean, np.uint8)
            ends = np.flatnonzero(data == ord("\n")) + 1
            if not clean.endswith(b"\n"):
                ends = np.append(ends, len(data))
            lines += len(ends)
            yield Block(data, ends)

    def __iter__(self) -> Iterator[str]:
        for block in self.blocks():
            lines = block.data.tobytes().decode().split("\n")
            if not lines[-1]:  # what follows the last line's end is none
                lines.pop()
            for line in lines:
                yield line.removesuffix("\r")

    def _chunks(self) -> Iterator[bytes]:
        """Whole lines, of _BLOCK bytes or one line more."""
        with open_bytes(self.path) as file:
            parts: list[bytes] = []
            chunk = file.read(_BLOCK)
            refuse_other(self.path, chunk)
            while chunk:
                cut = chunk.rfind(b"\n") + 1
                if cut:
                    yield b"".join([*parts, chunk[:cut]])
                    parts = []
                if cut < len(chunk):
                    parts.append(chunk[cut:])
                chunk = file.read(_BLOCK)
            if parts:
                yield b"".join(parts)

    def _utf8(self, chunk: bytes, place: int, lines: int) -> bytes:
        if chunk.isascii():
            return chunk
        if place == 0 and chunk.startswith(codecs.BOM_UTF8):
            chunk = chunk.removeprefix(codecs.BOM_UTF8)
            place = len(codecs.BOM_UTF8)
        try:
            chunk.decode()
        except UnicodeDecodeError as error:
            if self._told is not None:
                self._told(chunk, place, lines)
            if self._bad_bytes == "strict":
                line = lines + chunk.count(b"\n", 0, error.start) + 1
                raise not_utf8(self.path, chunk[error.start], place + error.start, line) from error
            return chunk.decode("utf-8", self._bad_bytes).encode()
        return chunk


def what_else(head: bytes) -> str:
    """What a file that begins with these bytes is, where it is not UTF-8 text; else nothing."""
    for mark, name in _OTHER_MARKS:
        if head.startswith(mark):
            return name
    head = head[:_HEAD]
    return "not text" if head.count(0) > len(head) * _NULS else ""


def refuse_other(path: Path, head: bytes) -> None:
    """Does nothing where a file begins as UTF-8 text.

    Raises:
        BadData: It is UTF-16, UTF-32 or not text.
    """
    other = what_else(head)
    if other == "not text":
        raise BadData(
            f"{path}: {head[:_HEAD].count(0):,} of its first {len(head[:_HEAD]):,} bytes are NUL: not UTF-8 text. "
            f"If it is UTF-16, convert it: iconv -f UTF-16LE -t UTF-8 {path.name} > utf8.txt"
        )
    if other:
        raise BadData(
            f"{path}: is {other}; text is read as UTF-8. Convert it: iconv -f {other} -t UTF-8 {path.name} > utf8.txt"
        )


def not_utf8(
    path: Path, byte: int, place: int, line: int, way: str = "pass bad_bytes='replace' or 'ignore'"
) -> BadData:
    """The error of a byte that is not UTF-8; places from 0, lines from 1."""
    return BadData(
        f"{path} line {line:,}: the byte 0x{byte:02x} at {place:,} is not UTF-8. Convert the file, or {way}."
    )
