"""What a learner tells of its epochs, while it learns and on the card."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kinfold.core.report import Finding, Report, Table


class Epoch(NamedTuple):
    """What a callback is told after each epoch.

    Args:
        number: From 1.
        loss: Mean of the epoch, over scores in nats (0.693 is what guessing costs) or over entries as the learner
            defines it.
        per_second: Tokens of the data, before subsampling, or entries.
        rows: The vectors as they are now (n, dim) float32; not copied where they need not be.
    """

    number: int
    loss: float
    per_second: float
    rows: np.ndarray


Callback = Callable[[Epoch], None]


class History:
    """The epochs of a fit.

    Args:
        count: Things that an epoch goes over.
        things: What they are: words, entries.
        unit: Of the loss.
        callback: Told of every epoch.
        n: Observations that the loss rests on; the things by default.
    """

    def __init__(
        self, count: int, things: str, unit: str = "", callback: Callback | None = None, n: int | None = None
    ) -> None:
        self._count, self._things, self._unit, self._callback = count, things, unit, callback
        self._n = count if n is None else n
        self._rows: list[list[float]] = []

    def add(self, loss: float, seconds: float, rows: Callable[[], np.ndarray]) -> None:
        """One more epoch; `rows` gives the vectors, and is asked only where somebody is told."""
        self._rows.append([len(self._rows) + 1, loss, self._count / seconds])
        if self._callback is not None:
            self._callback(Epoch(len(self._rows), loss, self._count / seconds, rows()))

    def report(self) -> Report:
        """`training`: the last loss, and a table of the epochs."""
        table = Table("epochs", ("epoch", "loss", f"{self._things} per second"), self._rows)
        return Report("training", (Finding("loss", self._rows[-1][1], n=self._n, unit=self._unit),), (table,))
