"""Every error that Kinfold raises on purpose, each also the builtin that a caller would expect."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class KinfoldError(Exception):
    """What all of Kinfold's own errors have in common."""

    def __str__(self) -> str:
        # KeyError would show the repr of its argument, quotes and all.
        return str(self.args[0]) if self.args else ""


class UnknownKey(KinfoldError, KeyError):
    """No row has this name, or more than one group has it."""


class UnknownName(KinfoldError, KeyError):
    """A catalogue, a group or an attribute has no entry of this name."""


class BadData(KinfoldError, ValueError):
    """Data that cannot be used as it is; the text names the place and the way out."""


class BadOption(KinfoldError, ValueError):
    """An option outside its range, or one that does not go with another."""


class BadFile(KinfoldError, OSError):
    """A file that is missing, cannot be read or cannot be written."""


class FrameMismatch(KinfoldError, ValueError):
    """Rows of two coordinate systems were about to be compared."""


class ShapeMismatch(KinfoldError, TypeError):
    """A learner was given another shape than the one that it takes."""


class MissingExtra(KinfoldError, ImportError):
    """A library that an optional part needs is not installed."""


def did_you_mean(name: str, among: Iterable[str]) -> str:
    """`" Did you mean 'x'?"` for the nearest of the names, or nothing; reads at most 200,000 of them."""
    near = []
    for position, other in enumerate(among):
        if position >= 200_000:
            break
        if abs(len(other) - len(name)) <= 2 and other[:1].lower() == name[:1].lower():
            near.append(other)
    match = difflib.get_close_matches(name, near[:20_000], n=1, cutoff=0.6)
    return f" Did you mean '{match[0]}'?" if match else ""
