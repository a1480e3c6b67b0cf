"""Bytes of a file, whatever it is compressed with."""

from __future__ import annotations

import io
import lzma
import os
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from kinfold.core.errors import BadData, BadFile
from kinfold.core.files import existing

COMPRESSED = (".gz", ".bz2", ".xz", ".zst")

_BUFFER = 1 << 20
# A zstd block of 4 bytes may stand for 128 KiB: small bites bound what a hostile file can unfold at once.
_BITE = 4096


def open_bytes(path: str | os.PathLike[str]) -> BinaryIO:
    """Opens a file for reading; one that ends in .gz, .bz2, .xz or .zst is decompressed on the way.

    Reading from it raises BadData, which names the file, where the archive is damaged or cut short.

    Raises:
        BadFile: Nothing is there, it is a folder, or it cannot be read.
    """
    found = existing(path)
    if found.is_dir():
        raise BadFile(f"{found}: is a folder; name a file in it.")
    try:
        plain = open(found, "rb", buffering=_BUFFER)  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise BadFile(f"{found}: cannot be read ({error.strerror}).") from error
    if found.suffix.lower() not in COMPRESSED:
        return plain
    return cast(BinaryIO, io.BufferedReader(_Unpacked(found, plain), _BUFFER))


def bare_name(path: str | os.PathLike[str]) -> str:
    """The file's name without the ending that only says how it is compressed: `a.vec.gz` is `a.vec`."""
    name = Path(path).name
    stem, ending = os.path.splitext(name)
    return stem if ending.lower() in COMPRESSED else name


class _Unpacked(io.RawIOBase):
    """Decompressed bytes, with every library's own error turned into one that names the file."""

    def __init__(self, path: Path, plain: BinaryIO) -> None:
        super().__init__()
        self._path = path
        self._plain = plain
        self._inner = _unpacker(path, plain)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        try:
            data = self._inner.read(len(view))
        except (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
            raise BadData(
                f"{self._path}: the {self._path.suffix} archive is damaged or cut short ({error}); fetch it again."
            ) from error
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._plain.close()
        super().close()


def _unpacker(path: Path, plain: BinaryIO) -> BinaryIO:
    ending = path.suffix.lower()
    if ending == ".gz":
        import gzip

        return cast(BinaryIO, gzip.GzipFile(fileobj=plain, mode="rb"))
    if ending == ".bz2":
        import bz2

        return cast(BinaryIO, bz2.BZ2File(plain))
    if ending == ".xz":
        return cast(BinaryIO, lzma.LZMAFile(plain))
    return cast(BinaryIO, _Zstandard(plain))


class _Zstandard:
    """Frames one after another. The library's own reader takes a cut file for a whole one; this one does not."""

    def __init__(self, plain: BinaryIO) -> None:
        import zstandard

        self._new = zstandard.ZstdDecompressor().decompressobj
        self._error = zstandard.ZstdError
        self._plain = plain
        self._frame = self._new()
        self._begun = False
        self._any = False
        self._ready = memoryview(b"")
        self._rest = b""

    def read(self, size: int) -> memoryview:
        while not len(self._ready):
            data = self._rest or self._plain.read(_BITE)
            self._rest = b""
            if not data:
                if self._begun or not self._any:
                    raise EOFError("the file ends before its last frame does")
                break
            self._begun = self._any = True
            try:
                self._ready = memoryview(self._frame.decompress(data))
            except self._error as error:
                raise EOFError(str(error)) from error
            if self._frame.eof:
                self._rest = self._frame.unused_data
                self._frame = self._new()
                self._begun = False
        part, self._ready = self._ready[:size], self._ready[size:]
        return part


def packed(path: str | os.PathLike[str], ending: str) -> BinaryIO:
    """Opens a file for writing; what is written is compressed as the ending says, .gz .bz2 .xz .zst or nothing."""
    ending = ending.lower()
    if ending == ".gz":
        import gzip

        return cast(BinaryIO, gzip.open(path, "wb", compresslevel=6))
    if ending == ".bz2":
        import bz2

        return cast(BinaryIO, bz2.open(path, "wb"))
    if ending == ".xz":
        return cast(BinaryIO, lzma.open(path, "wb"))
    if ending == ".zst":
        import zstandard

        return cast(BinaryIO, zstandard.open(path, "wb"))
    return open(path, "wb", buffering=_BUFFER)
