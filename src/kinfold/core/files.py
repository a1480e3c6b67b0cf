"""Outputs that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kinfold.core.errors import BadFile


def existing(path: str | os.PathLike[str]) -> Path:
    """The path, once it is known to be a readable file or folder.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
    """
    found = Path(path)
    if not found.exists():
        raise BadFile(f"{found}: no such file or folder.")
    if not os.access(found, os.R_OK):
        raise BadFile(f"{found}: cannot be read; check its permissions.")
    return found


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a temporary path; what was written there becomes `path` only if the block ends well.

    The bytes are on the disk before the name is: file fsync, rename, folder fsync.

    Raises:
        BadFile: The folder does not exist or cannot be written.
    """
    refuse_unwritable(path)
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise BadFile(f"{target}: cannot be written ({error.strerror}).") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _sync(temporary)
        os.chmod(temporary, 0o666 & ~_umask())
        try:
            os.replace(temporary, target)
        except OSError as error:
            raise BadFile(f"{target}: cannot be written ({error.strerror}).") from error
        _sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def refuse_unwritable(path: str | os.PathLike[str]) -> None:
    """Says before long work that its result could not be written.

    Raises:
        BadFile: It is a folder, or its folder does not exist or cannot be written.
    """
    target = Path(path)
    if target.is_dir():
        raise BadFile(f"{target}: is a folder; name a file in it.")
    if not target.parent.is_dir():
        raise BadFile(f"{target}: cannot be written (there is no folder {target.parent}).")
    if not os.access(target.parent, os.W_OK):
        raise BadFile(f"{target}: cannot be written (its folder does not let us).")


@contextlib.contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Like `whole_file` for a folder, which must not exist yet or be empty.

    Raises:
        BadFile: The folder exists and holds something, or its parent cannot be written.
    """
    target = Path(path)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BadFile(f"{target}: exists already; name another folder or remove it first.")
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    except OSError as error:
        raise BadFile(f"{target}: cannot be written ({error.strerror}).") from error
    try:
        yield temporary
        for file in temporary.rglob("*"):
            _sync(file)
        os.chmod(temporary, 0o777 & ~_umask())
        os.replace(temporary, target)
        _sync(target.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
