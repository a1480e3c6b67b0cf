"""One-file pages: parts of the folder `page` put together, with data that can do no harm."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from kinfold.core.files import whole_file

_PAGE = Path(__file__).parent / "page"


def escape(value: object) -> str:
    """Text that is safe between tags and in quoted attributes."""
    return html.escape(_printable(str(value)), quote=True)


def part(name: str) -> str:
    """The text of one file of the folder `page`."""
    return (_PAGE / name).read_text("utf-8")


def fill(name: str, **values: str) -> str:
    """A template of the folder `page` with its `$names` filled in; what is filled in is not read again."""
    return Template(part(name)).substitute(values)


def data(values: Any) -> str:
    """A block of JSON for a page's own scripts: no tag can begin or end in it."""
    text = json.dumps(_clean(values), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # < would let "</script>" end the block; the two separators end a line in old script parsers.
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f'<script type="application/json">{text}</script>'


def packed(array: np.ndarray, kind: str) -> str:
    """The bytes of an array as base64, in a little-endian type such as `<u2`."""
    return base64.b64encode(np.ascontiguousarray(array, kind).tobytes()).decode("ascii")


def page(title: str, body: str, *, styles: Sequence[str], scripts: Sequence[str] = ()) -> str:
    """A whole page that needs no network, and whose policy forbids any: only its own script may run.

    Args:
        title: Plain text.
        body: HTML, escaped already.
        styles: Files of the folder `page`, inlined in order.
        scripts: The same, for scripts; they share one scope of their own.
    """
    style = "\n".join(part(name) for name in styles)
    script = '(() => {\n"use strict";\n' + "\n".join(part(name) for name in scripts) + "})();\n" if scripts else ""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return fill(
        "page.html",
        title=escape(title),
        policy=f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'",
        style=style,
        body=body,
        script=f"<script>{script}</script>" if scripts else "",
    )


def save(text: str, path: str | os.PathLike[str]) -> None:
    """Writes a page, whole or not at all.

    Raises:
        BadFile: The folder does not exist or cannot be written.
    """
    with whole_file(path) as temporary:
        temporary.write_text(text, "utf-8", errors="replace", newline="\n")


def _printable(text: str) -> str:
    # A lone surrogate cannot be written, and control characters are not allowed in HTML.
    return "".join(
        each
        if each in "\n\t" or (each >= " " and not "\x7f" <= each < "\xa0" and not "\ud800" <= each <= "\udfff")
        else "\ufffd"
        for each in text
    )


def _clean(value: Any) -> Any:
    """Plain JSON types: what is not finite becomes null, as JSON has no word for it."""
    if isinstance(value, dict):
        return {str(name): _clean(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
