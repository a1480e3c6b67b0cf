"""How a long piece of work tells how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of every stage of a piece of work, from any thread."""

    def start(self, stage: str, total: float | None = None, unit: str = "") -> None:
        """A stage begins; `total` units of work, or None where that is not known."""

    def advance(self, amount: float, **numbers: float) -> None:
        """`amount` more units are done; `numbers` are shown beside (loss, rate …)."""


class Quiet:
    """Says nothing."""

    def start(self, stage: str, total: float | None = None, unit: str = "") -> None:
        """Nothing."""

    def advance(self, amount: float, **numbers: float) -> None:
        """Nothing."""


quiet = Quiet()
