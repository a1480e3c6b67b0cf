"""What a Space of users and items ranks first, and what it was learned from: how closely it was fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.histories import Sides
from kinfold.core.intervals import of_mean
from kinfold.core.report import Finding, Report
from kinfold.core.shapes import Interactions
from kinfold.core.space import Space
from kinfold.encode.foldin import FoldIn
from kinfold.kernels.ranked import METRICS
from kinfold.measure.ranking import Asked, _by_rows, _judged, _matrix


def fitted(space: Space, train: Interactions, *, ks: Sequence[int] = (10, 20), seed: int = 0) -> Report:
    """How well the items that a Space ranks first are those that it was learned from.

    All items are ranked for each user, and those that it met count as found: other than in `retrieval`, where they are
    left out. Where this rises and `retrieval` falls, the Space learns by heart.

    Args:
        space: Users and items.
        train: What it was learned from.
        ks: Lengths of the lists; the last is the longest.
        seed: Of the intervals, which resample users.

    Returns:
        For each k recall (hits / min(k, met)), ndcg, map, mrr and hit rate, with intervals.

    Raises:
        BadData: No user met an item that the Space has.
        BadOption: A k below 1.
    """
    import scipy.sparse as sparse

    if not ks or min(ks) < 1:
        raise BadOption(f"ks are {list(ks)}; each is at least 1.")
    ks = sorted(ks)
    sides = Sides.of(space)
    things = space.group(sides.items)
    met = _matrix(train, things.keys.rows(train.items), len(things))
    asked = np.flatnonzero(np.diff(met.indptr))
    if sides.users is not None:
        rows = space.group(sides.users).keys.rows(train.users)
        asked = asked[rows[asked] >= 0]
    if not len(asked):
        raise BadData("no user of these interactions met an item that the Space has; give those of its training.")
    met = met[asked]
    vectors = FoldIn(space).rows(met) if sides.users is None else space.group(sides.users).rows.take(rows[asked])
    nothing = sparse.csr_array(met.shape, dtype=np.float32)
    popularity = np.bincount(met.indices, minlength=met.shape[1])
    everyone = Asked(asked, vectors, nothing, met, popularity)
    judged = _judged(_by_rows(things, everyone, ks[-1]), everyone, ks)
    findings = []
    for k in ks:
        for metric in METRICS:
            values = judged.users[metric, k]
            low, high = of_mean(values, seed=seed)
            findings.append(Finding(f"{metric}@{k}", float(values.mean()), low, high, len(values)))
    note = (
        f"{len(asked):,} users who met {met.nnz:,} items, all of them learned from; all {len(things):,} items ranked."
    )
    return Report(f"Fit · {space.card.method}", findings, (), [note])
