"""A static encoder out of a transformer: a row a token, and a text is their mean."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from kinfold.core.card import born
from kinfold.core.errors import BadData, BadOption
from kinfold.core.progress import Progress, quiet
from kinfold.core.rows import Rows
from kinfold.core.shapes import Sequences
from kinfold.core.space import Space
from kinfold.core.threads import many

# How common a token is that counts half: where its frequency is guessed by its rank, and where it is counted.
_BY_RANK, _BY_COUNT = 1e-4, 1e-3


@dataclass(frozen=True, slots=True)
class Distill:
    """Rows of tokens such that their means stand for texts as a transformer sees them.

    Each token has the transformer's row x of it as a text of its own, less the mean, in the directions U in which they
    differ most, and frequent ones count less:

        row(t) = a / (a + p(t)) (x(t) - mean x) U

    Where the transformer's rows y of whole texts are given too, rows are then moved so that means come near them, as
    far as that is worth the way (least squares, by conjugate gradients):

        sum over texts |mean of their rows - (y - mean y) U|² + pull sum over tokens |row - s row before|²

    with the one s that brings the means before to the size of the y.

    Args:
        dim: Coordinates of a row, at most as many as the transformer's; 0 takes those as they are.
        smoothing: The a above: a token of this probability counts half; 0 counts all alike. By default .001 where
            tokens are counted, and .0001 where p is guessed by Zipf's law, from the order of the vocabulary.
        pull: How strongly rows are held where they were.
        iterations: Steps of the conjugate gradients.

    Raises:
        BadOption: A field outside its range.

    Source:
        model2vec (Tulkens, van Dongen 2024); SIF: Arora, Liang, Ma 2017; going on with texts: tokenlearn.
    """

    dim: int = 256
    smoothing: float | None = None
    pull: float = 0.3
    iterations: int = 10

    def __post_init__(self) -> None:
        if self.dim < 0:
            raise BadOption(f"dim is {self.dim}; it is at least 1, or 0 for the coordinates of the transformer.")
        if self.smoothing is not None and not 0 <= self.smoothing < np.inf:
            raise BadOption(f"smoothing is {self.smoothing}; it is above 0, or 0 for no weights.")
        if not 0 < self.pull < np.inf:
            raise BadOption(f"pull is {self.pull}; it is above 0.")
        if self.iterations < 1:
            raise BadOption(f"iterations is {self.iterations}; it is at least 1.")

    def fit(
        self,
        tokens: Space,
        counts: np.ndarray | None = None,
        texts: Sequences | None = None,
        wanted: np.ndarray | None = None,
        *,
        threads: int | None = None,
        progress: Progress = quiet,
    ) -> Space:
        """The tokens with other rows, in a frame of their own.

        Args:
            tokens: The transformer's rows of tokens; a zero row, which the unknown token has, stays one.
            counts: How often each is met (tokens,), or None.
            texts: Texts as ids of the tokens, or None.
            wanted: The transformer's rows of those texts (texts, dim).
            threads: How many add up rows at once; as many as there are processors by default.
            progress: Told of the steps.

        Raises:
            BadOption: Rows have fewer coordinates than `dim`, or there are not so many tokens.
        """
        rows = tokens.rows.dense().astype(np.float64)
        known = rows.any(axis=1)
        if self.dim > min(tokens.dim, int(known.sum())):
            raise BadOption(
                f"dim is {self.dim}, but {int(known.sum()):,} tokens of {tokens.dim} coordinates have no more than "
                f"{min(tokens.dim, int(known.sum()))}; take a smaller dim, or dim=0 for rows as they are."
            )
        turned = np.eye(tokens.dim)
        if self.dim:
            rows[known] -= rows[known].mean(axis=0)
            turned = _directions(rows, self.dim)
        made = ((rows @ turned) * self._weights(known, counts)[:, None]).astype(np.float32)
        if texts is not None and wanted is not None:
            full = np.flatnonzero(np.diff(texts.starts) > 0)
            if not len(full):
                raise BadData(f"none of the {len(texts):,} texts has a token that this model knows.")
            target = wanted[full] - (wanted[full].mean(axis=0) if self.dim else 0)
            made = self._nearer(made, texts.take(full), (target @ turned).astype(np.float32), many(threads), progress)
            made[~known] = 0
        card = dataclasses.replace(tokens.card, frame=born(tokens.card.method, made))
        return dataclasses.replace(tokens, rows=Rows(made), card=card)

    def _weights(self, known: np.ndarray, counts: np.ndarray | None) -> np.ndarray:
        """What each token's row is multiplied with (tokens,)."""
        if self.smoothing == 0:
            return np.ones(len(known))
        if counts is None:
            # model2vec begins with the second rank.
            shares = np.zeros(len(known))
            shares[known] = 1 / np.arange(2, known.sum() + 2)
        else:
            # None is impossible for not having been met.
            shares = counts + 0.5
        smoothing = self.smoothing or (_BY_RANK if counts is None else _BY_COUNT)
        weights: np.ndarray = smoothing / (smoothing + shares / shares.sum())
        return weights

    def _nearer(
        self, rows: np.ndarray, texts: Sequences, wanted: np.ndarray, threads: int, progress: Progress
    ) -> np.ndarray:
        """Rows that bring the means of texts near to what is wanted."""
        from kinfold.kernels.sparse import product

        lengths = np.diff(texts.starts)
        shares = np.repeat((1 / lengths).astype(np.float32), lengths)
        order = np.argsort(texts.ids, kind="stable")
        back = np.searchsorted(texts.ids[order], np.arange(len(rows) + 1))
        owners = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)[order]
        turned = shares[order]

        def means(of: np.ndarray) -> np.ndarray:
            return product(texts.starts, texts.ids, shares, of, threads)

        def shared(of: np.ndarray) -> np.ndarray:
            return product(back, owners, turned, of, threads)

        before = means(rows)
        size = float((before * wanted).sum() / max(float((before * before).sum()), 1e-30))
        moved = np.zeros_like(rows)
        rest = shared(wanted - before * np.float32(size))
        way, left = rest.copy(), float(np.vdot(rest, rest))
        progress.start("learn", self.iterations, "steps")
        for _ in range(self.iterations):
            if left <= 0:
                break
            bent = shared(means(way)) + np.float32(self.pull) * way
            far = np.float32(left / float(np.vdot(way, bent)))
            moved += far * way
            rest -= far * bent
            now = float(np.vdot(rest, rest))
            way = rest + np.float32(now / left) * way
            left = now
            progress.advance(1)
        return rows * np.float32(size) + moved


def _directions(rows: np.ndarray, dim: int) -> np.ndarray:
    """The directions (of, dim) in which rows differ most, each with the sign that makes its largest entry positive."""
    _, found = np.linalg.eigh(rows.T @ rows)
    found = found[:, ::-1][:, :dim]
    signs = np.sign(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])])
    directions: np.ndarray = found * signs
    return directions
