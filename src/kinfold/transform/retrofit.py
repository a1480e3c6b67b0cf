"""Retrofit: rows of pairs that a lexicon knows move towards each other."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinfold.core.card import born
from kinfold.core.errors import BadOption
from kinfold.core.intervals import of_mean
from kinfold.core.metric import Metric, units
from kinfold.core.report import Finding, Report, missing_words
from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.sources.pairs import read
from kinfold.transform.links import Links, linked

# Pairs that the report looks at.
_JUDGED = 2000


@dataclass(frozen=True, slots=True)
class Retrofit:
    """Rows move towards the rows that a lexicon pairs them with, and stay near to what they were.

    A row becomes the mean of what it was, by the weight alpha, and of its partners, by the weight beta for all of them
    together, again and again. Where the metric is cosine, directions are averaged, and every row keeps its length. Rows
    without a partner stay as they are. The frame is a new one, since rows have moved.

    Args:
        pairs: Words that mean the same: a file (`sources.pairs`), a mapping, a list, or Pairs; what is on the left and
            what is on the right makes no difference.
        iterations: Rounds; after ten, rows hardly move.
        alpha: Weight of what a row was.
        beta: Weight of its partners together, shared among them by the weights of the pairs where they have some.
        weighted: Whether the last field of every line of the pairs is a weight.
        group: Whose keys; the first group where it is None.
        lower: Whether the pairs are lower-cased; by default where all keys are in lower case.

    Raises:
        BadOption: A field outside its range.
        BadData: No pair has two rows, or a line is no pair.
        BadFile: The file of pairs is not there, or cannot be read.
        UnknownName: There is no such group.

    Source:
        Faruqui et al. 2015 (arXiv 1411.4166), all rows of a round at once.

    Example:
        >>> space = Space.of(["glad", "happy", "sad"], [[1, 0], [0, 1], [-1, 0]])
        >>> fitted = Retrofit(pairs=[("glad", "happy")]).apply(space)
        >>> space.nearest("glad", k=1)[0][1] < fitted.nearest("glad", k=1)[0][1]
        True
    """

    pairs: Any
    iterations: int = 10
    alpha: float = 1.0
    beta: float = 1.0
    weighted: bool = False
    group: str | None = None
    lower: bool | None = None

    def __post_init__(self) -> None:
        value = self.iterations
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= 10_000:
            raise BadOption(f"iterations is {value!r}; it is a whole number from 1 to 10,000.")
        if not (0 < self.alpha < np.inf and 0 < self.beta < np.inf):
            raise BadOption(f"alpha is {self.alpha!r} and beta {self.beta!r}; both are finite numbers above 0.")

    def apply(self, space: Space) -> Space:
        """The Space with moved rows; the attribute `own` of words made of n-grams is left out, since it told of others.

        Raises:
            BadData: No pair has two rows, or a row is not finite.
        """
        links = linked(space, space, read(self.pairs, weighted=self.weighted), group=self.group, lower=self.lower)
        links = _without_direction(links).at_least(1, "Retrofitting")
        space.rows.refuse_non_finite("rows to be retrofitted")
        moved, places = np.unique(links.rows, return_inverse=True)
        before = space.rows.take(moved)
        after = self._settled(units(before) if space.metric is Metric.COSINE else before, places.reshape(-1, 2), links)
        if space.metric is Metric.COSINE:
            after = units(after) * space.rows.norms[moved][:, None]
        values = space.rows.dense().copy()
        values[moved] = after
        step = {
            **{field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "pairs"},
            "pairs": os.path.basename(self.pairs) if isinstance(self.pairs, str | os.PathLike) else "given",
            "links": len(links),
            "moved": len(moved),
        }
        card = space.card.then("retrofit", frame=born("retrofit", after), **step)
        table = space.table
        if table is not None and "own" in table.column_names:
            table = table.drop_columns("own") if table.num_columns > 1 else None
        fitted = dataclasses.replace(space, rows=Rows(values), card=card, table=table)
        return fitted.with_report(_report(space, fitted, links, len(moved)))

    def _settled(self, rows: np.ndarray, ends: np.ndarray, links: Links) -> np.ndarray:
        """The rows (m, dim) float32 after all rounds; `ends` (links, 2) are numbers of these rows."""
        import scipy.sparse as sparse

        from kinfold.kernels.sparse import product

        weights = np.ones(len(ends), np.float32) if links.weights is None else links.weights
        both = np.concatenate([ends, ends[:, ::-1]])
        shape = len(rows), len(rows)
        graph = sparse.coo_array((np.tile(weights, 2), (both[:, 0], both[:, 1])), shape).tocsr()
        total = np.asarray(graph.sum(axis=1), np.float64)
        # Each row of the graph sums to beta / (alpha + beta); what a row was has the rest.
        scale = np.divide(self.beta / (self.alpha + self.beta), total, out=np.zeros_like(total), where=total > 0)
        shares = (graph.data * np.repeat(scale, np.diff(graph.indptr))).astype(np.float32)
        stays = (1 - scale * total).astype(np.float32)[:, None] * rows
        starts, columns = graph.indptr.astype(np.int64), graph.indices.astype(np.int32)
        now = rows
        for _ in range(self.iterations):
            now = product(starts, columns, shares, now, os.cpu_count() or 1) + stays
        return now


def _without_direction(links: Links) -> Links:
    """The links whose ends are two rows, each once, whichever end comes first."""
    ends, first = np.unique(np.sort(links.rows, axis=1), axis=0, return_index=True)
    apart = ends[:, 0] != ends[:, 1]
    weights = None if links.weights is None else links.weights[first[apart]]
    return dataclasses.replace(links, rows=ends[apart], weights=weights)


def _report(before: Space, after: Space, links: Links, moved: int) -> Report:
    """How near the pairs were and are, and how near pairs are that nobody asked for."""
    order = np.random.default_rng(0).permutation(len(links))[:_JUDGED]
    pairs = links.rows[order]
    findings = [links.coverage, Finding("moved rows", moved, n=len(before))]
    chance = np.stack([pairs[:, 0], np.roll(pairs[:, 1], 1)], axis=1)
    for group, space, some in (("before", before, pairs), ("after", after, pairs), ("shuffled", after, chance)):
        left, right = (units(space.rows.take(column)) for column in some.T)
        cosines = np.einsum("ij,ij->i", left, right)
        low, high = of_mean(cosines)
        findings.append(Finding("cosine", float(cosines.mean()), low, high, len(cosines), group=group))
    return Report("Retrofitting", findings, [missing_words(links.missing[0] + links.missing[1], "pairs")])
