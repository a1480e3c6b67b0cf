"""Which format a file is of: by its content when reading, by its ending when writing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kinfold.core.catalogue import Catalogue
from kinfold.core.errors import BadData, BadOption
from kinfold.core.files import existing
from kinfold.core.streams import bare_name, open_bytes
from kinfold.io.checkpoint import is_checkpoint

_HEAD = 1 << 16

# First bytes of files that people take for vectors, and what to do with them.
_FOREIGN = {
    b"\x80": "a Python pickle, but none of gensim's; what else it is, let its own library save it in word2vec's format",
    b"PK": "a zip archive; unpack it first",
    b"\x89HDF": "an HDF5 file; save its matrix as .npy with a file of keys beside it",
    b"\x1f\x8b": "a gzip archive; give it a name that ends in .gz",
    b"BZh": "a bzip2 archive; give it a name that ends in .bz2",
    b"\xfd7zXZ": "an xz archive; give it a name that ends in .xz",
    b"\x28\xb5\x2f\xfd": "a zstd archive; give it a name that ends in .zst",
}


def format_of(path: str | os.PathLike[str], formats: Catalogue) -> str:
    """The name of the format that recognizes a file.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: No format recognizes it.
    """
    found = existing(path)
    head = b""
    if not found.is_dir():
        with open_bytes(found) as stream:
            head = stream.read(_HEAD)
    for entry in formats:
        if entry.load().recognizes(found, head):
            return entry.name
    names = ", ".join(entry.name for entry in formats)
    if is_checkpoint(found):
        raise BadData(
            f"{found}: is the folder of a transformer, which has no vectors yet; give texts rows by it: "
            f"kinfold encode texts.jsonl --model {found} -o texts.arrow, or kinfold.encoder({str(found)!r})."
        )
    if found.is_dir():
        raise BadData(f"{found}: a folder, but of no known format. Name a file in it, or the format: {names}.")
    if not head:
        raise BadData(f"{found}: is empty. Vectors are read from files of these formats: {names}.")
    what = next((text for magic, text in _FOREIGN.items() if head.startswith(magic)), None)
    seems = f"seems to be {what}" if what else f"begins with {head[:24]!r}, as none of the known formats does"
    raise BadData(f"{found}: {seems}. Name the format if it is one of these: {names}.")


def format_for(path: str | os.PathLike[str], formats: Catalogue) -> str:
    """The name of the format that a file's ending stands for.

    Raises:
        BadOption: It stands for none.
    """
    name = bare_name(Path(path)).lower()
    known: dict[str, str] = {}
    for entry in formats:
        for ending in entry.load().endings:
            known.setdefault(ending, entry.name)
    for ending, format in known.items():
        if name.endswith(ending):
            return format
    endings = ", ".join(f"{ending} ({format})" for ending, format in known.items())
    raise BadOption(f"{Path(path).name}: its ending stands for no format; name one, or use one of {endings}.")


def writer_of(name: str, formats: Catalogue) -> Callable[..., Any]:
    """The writer of a format.

    Raises:
        BadOption: Files of it are only read.
        UnknownName: There is no such format.
    """
    writer: Callable[..., Any] | None = formats[name].write
    if writer is None:
        written = ", ".join(entry.name for entry in formats if entry.load().write is not None)
        raise BadOption(f"files of the format {name} are only read. Written are: {written}.")
    return writer
