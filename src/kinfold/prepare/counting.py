"""How sequences become the counts that a learner of counts asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kinfold.core.progress import Progress, quiet
from kinfold.core.shapes import Counts, Sequences
from kinfold.prepare.cooccurrence import check, count
from kinfold.prepare.weighting import ppmi


@dataclass(frozen=True, slots=True)
class Counting:
    """What is counted in sequences, and how counts are weighted; a learner's `counting` is what its method wants.

    Args:
        window: Neighbors on each side that count as context.
        weighting: flat counts each neighbor as 1, harmonic as 1 / distance.
        ppmi: Whether counts become positive pointwise mutual information.

    Raises:
        BadOption: `window` or `weighting` is not one that `cooccurrence.count` knows.

    Example:
        >>> from kinfold.core.shapes import Items
        >>> from kinfold.prepare.tokens import sequences
        >>> data = sequences(Items(["a b c"]), min_count=1, threads=1)
        >>> print(Counting(window=2, weighting="harmonic", ppmi=False).of(data, threads=1).values.toarray())
        [[0.  1.  0.5]
         [1.  0.  1. ]
         [0.5 1.  0. ]]
    """

    window: int = 5
    weighting: Literal["flat", "harmonic"] = "flat"
    ppmi: bool = True

    def __post_init__(self) -> None:
        check(self.window, self.weighting)

    def of(self, data: Sequences, *, threads: int | None = None, progress: Progress = quiet) -> Counts:
        """The counts of some sequences."""
        counts = count(data, window=self.window, weighting=self.weighting, threads=threads, progress=progress)
        return ppmi(counts) if self.ppmi else counts
