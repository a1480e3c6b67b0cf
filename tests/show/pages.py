"""What the tests of pages share: a strict look at the HTML, and a browser where there is one."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

# Looks at the boxes of all texts: gives their number and, in words, which overlap or are cut off.
FAULTS = Path(__file__).with_name("faults.js").read_text("utf-8")
VOID = {"meta", "input", "link", "br", "img", "hr"}
HOSTILE = "</script><script>alert(1)</script>"


class Page(HTMLParser):
    """Refuses tags that do not match; keeps scripts, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.scripts: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "script":
            self.scripts.append((dict(attrs).get("type", ""), ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            kind, text = self.scripts[-1]
            self.scripts[-1] = (kind, text + data)
        elif self.open and self.open[-1] != "style":
            self.text += data

    @property
    def data(self) -> dict[str, Any]:
        """The map's own."""
        (text,) = [text for kind, text in self.scripts if kind == "application/json"]
        found: dict[str, Any] = json.loads(text)
        return found


def unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def no_browser() -> str:
    """Why there is no browser to test with; empty where there is one."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(missing)} not installed" if missing else ""


def until(check: Callable[[], Any]) -> None:
    """Waits until something is so."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.02)
    raise AssertionError("nothing came within 20 s")
