"""The documentation that every Python environment has: the docstrings of what is installed in it."""

from __future__ import annotations

import ast
import gc
import inspect
import os
import re
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from kinfold.core.errors import BadData, BadOption
from kinfold.core.files import existing
from kinfold.core.shapes import Block, Items
from kinfold.sources.strings import Strings

_LEFT_OUT = {"test", "tests", "testing", "idlelib", "lib2to3", "_vendor", "vendored", "site-packages", "dist-packages"}
# A longer file is data that was written as Python.
_LONGEST = 2 << 20

_DIRECTIVE = re.compile(r"\s*\.\. (?:[\w:+-]+::.*|_.*:.*|\[.*)")
_ROLE = re.compile(r":[\w:+-]+:`~?\.?([^`<]*?)\s*(?:<[^`]*>)?`")
_FIELD = re.compile(r"^\s*:(?:param|type|return|returns|rtype|raises|arg|ivar|var|cvar)\b\s*([^:]*):", re.MULTILINE)
_LINK = re.compile(r"<?https?://\S+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_CODE = re.compile(r"[=(){}\[\]<>|+*/\\#;@]")


def read(folders: Iterable[str | os.PathLike[str]] | None = None, *, limit: int | None = 3_000_000) -> Items[str]:
    """Docstrings of modules, classes and functions as Items; the code is parsed and never run.

    Each docstring is a text, and one that stands in several places is taken once. Examples of code, tables and markup
    are left out, and so are the packages' tests and files that do not parse (`raw.unreadable` counts these). The order
    does not depend on the machine.

    Args:
        folders: Where to look for `.py` files; by default the standard library and site-packages.
        limit: Most words; from more, docstrings are taken evenly. None takes all.

    Returns:
        Items whose `raw` reads the files when it is first used, and keeps the texts.

    Raises:
        BadFile: A folder is missing.
        BadOption: The limit is too small.
        BadData: The folders hold no docstring (while they are read).

    Example:
        >>> import ast
        >>> items = read([Path(ast.__file__).parent / "json"])
        >>> any("JSON" in text for text in items.raw)
        True
    """
    if limit is not None and limit < 1:
        raise BadOption(f"limit={limit} is too small; it is at least 1.")
    if folders is None:
        places = sysconfig.get_paths()
        folders = dict.fromkeys(
            places[name] for name in ("stdlib", "purelib", "platlib") if Path(places[name]).is_dir()
        )
    return Items(Docstrings([existing(each) for each in folders], limit))


class Docstrings:
    """Texts of the docstrings below some folders, read at first use."""

    def __init__(self, folders: list[Path], limit: int | None) -> None:
        self._folders = folders
        self._limit = limit
        self._texts: list[str] | None = None
        self.unreadable = 0

    def blocks(self) -> Iterator[Block]:
        """The texts, some megabytes at a time.

        Raises:
            BadData: There is none.
        """
        return Strings(self).blocks()

    def __iter__(self) -> Iterator[str]:
        if self._texts is None:
            self._texts = self._read()
        return iter(self._texts)

    def _read(self) -> list[str]:
        texts: dict[str, int] = {}
        running = gc.isenabled()
        gc.disable()  # syntax trees have no cycles, and looking for some takes half of the time
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what the parser thinks of other people's escapes
                for file in _python_files(self._folders):
                    for text in self._of_file(file):
                        texts.setdefault(text, text.count(" ") + text.count("\n") + 1)
        finally:
            if running:
                gc.enable()
        if not texts:
            raise BadData(f"there is no docstring below {', '.join(map(str, self._folders))}.")
        return list(_evenly(texts, self._limit))

    def _of_file(self, path: Path) -> Iterator[str]:
        try:
            source = path.read_bytes() if path.stat().st_size <= _LONGEST else b""
            if b'"""' not in source and b"'''" not in source:
                return
            tree = ast.parse(source)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            self.unreadable += 1
            return
        for docstring in _docstrings(tree):
            text = clean(docstring)
            if text:
                yield text


def clean(docstring: str) -> str:
    r"""The prose of a docstring: no examples, tables, markup or links; empty where there is none.

    Example:
        >>> clean("Adds :class:`Spam`.\n\n>>> add(1)\n2\n\n====  ====\nmore")
        'Adds Spam.\nmore'
    """
    text = _LINK.sub(" ", _FIELD.sub(r"\1 ", _ROLE.sub(r"\1", inspect.cleandoc(docstring))))
    kept = []
    example = False
    for line in text.replace("``", "").replace("`", "").replace("**", "").split("\n"):
        bare = line.strip()
        # An example lasts to the next empty line: what it prints stands below it.
        example = bool(bare) and (example or bare.startswith((">>>", "In [", "$ ")))
        if bare and not example and not _DIRECTIVE.match(line) and _is_prose(bare):
            kept.append(bare)
    return "\n".join(kept)


def _is_prose(line: str) -> bool:
    """Whether letters outweigh signs: not an underline, a row of a table, or code."""
    letters = sum(map(len, _WORD.findall(line)))
    return 2 * letters >= len(line.replace(" ", "")) and 10 * len(_CODE.findall(line)) <= len(line)


def _docstrings(tree: ast.Module) -> Iterator[str]:
    """Of the module, and of classes and functions in it; expressions are not searched, which is most of a tree."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        body = getattr(node, "body", [])
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
            first = body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                yield first.value.value
        inner = [*body, *getattr(node, "orelse", []), *getattr(node, "handlers", []), *getattr(node, "finalbody", [])]
        waiting.extend(each for each in reversed(inner) if hasattr(each, "body"))


def _python_files(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_file():
            yield folder
            continue
        for place, inner, files in os.walk(folder):
            inner[:] = sorted(
                each for each in inner if each not in _LEFT_OUT and not each.startswith((".", "__pycache__"))
            )
            yield from (Path(place, each) for each in sorted(files) if each.endswith(".py"))


def _evenly(texts: dict[str, int], limit: int | None) -> Iterator[str]:
    """All texts, or so many of them, spread over the whole, that their words are at most the limit."""
    total = sum(texts.values())
    share = 1.0 if limit is None else min(1.0, limit / total)
    taken = passed = 0
    for text, words in texts.items():
        passed += words
        if share == 1.0 or taken + words <= share * passed:
            taken += words
            yield text
