"""How near two rows are. A larger score is nearer, whatever the metric."""

from __future__ import annotations

from enum import StrEnum


class Metric(StrEnum):
    """`cosine`: of the angle. `dot`: inner product. `l2`: minus the Euclidean distance."""

    COSINE = "cosine"
    DOT = "dot"
    L2 = "l2"
