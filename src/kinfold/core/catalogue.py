"""Tables of what a room offers, each part loaded when it is asked for."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kinfold.core.errors import MissingExtra, UnknownName, did_you_mean


@dataclass(frozen=True, slots=True)
class Entry:
    """One part of a room.

    Args:
        name: What it is called on the command line.
        place: `module:attribute`.
        summary: One line for lists.
        extra: The optional dependency group that it needs, or None.
    """

    name: str
    place: str
    summary: str
    extra: str | None = None

    def load(self) -> Any:
        """The part itself.

        Raises:
            MissingExtra: A library of its extra is not installed.
        """
        module, _, attribute = self.place.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if self.extra is None or (error.name or "").startswith("kinfold"):
                raise
            raise MissingExtra(
                f"'{self.name}' needs {error.name}, which is not installed: pip install 'kinfold[{self.extra}]'."
            ) from error


class Catalogue:
    """The entries of one room, with those that other packages add under the entry-point group `kinfold.<room>`."""

    def __init__(self, room: str, *entries: Entry) -> None:
        self.room = room
        self._own = {entry.name: entry for entry in entries}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._all().values())

    def __contains__(self, name: object) -> bool:
        return name in self._all()

    def __getitem__(self, name: str) -> Any:
        """The part of this name, loaded.

        Raises:
            UnknownName: There is none; the text suggests the nearest.
            MissingExtra: It needs a library that is not installed.
        """
        return self.entry(name).load()

    def entry(self, name: str) -> Entry:
        """The line of this name, nothing loaded."""
        entries = self._all()
        if name not in entries:
            raise UnknownName(
                f"{self.room} has no '{name}'.{did_you_mean(name, entries)} There are: {', '.join(entries)}."
            )
        return entries[name]

    def _all(self) -> dict[str, Entry]:
        found = dict(self._own)
        for point in importlib.metadata.entry_points(group=f"kinfold.{self.room}"):
            found.setdefault(point.name, Entry(point.name, point.value, f"from {point.value.partition(':')[0]}"))
        return found
