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
from kinfold.kernels.sparse import product

# How common a token is that counts half: where its frequency is guessed by its rank, and where it is counted.
_BY_RANK, _BY_COUNT = 1e-4, 1e-3

# Steps of the conjugate gradients, and what is added to the squares of the least squares, of their mean.
_STEPS, _RIDGE = 6, 1e-3


@dataclass(frozen=True, slots=True)
class Distill:
    """Rows of tokens such that their means stand for texts as a transformer sees them.

    Each token has the transformer's row x of it as a text of its own, less the mean, in the directions U in which they
    differ most, and frequent ones count less:

        row(t) = a / (a + p(t)) (x(t) - mean x) U

    Where its rows y of whole texts are given too, weights g and a linear map M are learned, and that map's largest
    directions U are those of the texts:

        row(t) = g(t) a / (a + p(t)) x(t) M U ,
        sum over texts |mean of their g a / (a + p) x M - y|² + pull sum over tokens (g - 1)² |a / (a + p) x M|²

    M by least squares, then g by conjugate gradients, then M again: so few numbers that some thousand texts of any kind
    tell them, which rows of tokens by themselves would need far more for.

    Args:
        dim: Coordinates of a row, at most as many as the transformer's; 0 takes those as they are.
        smoothing: The a above: a token of this probability counts half; 0 counts all alike. By default .001 where
            tokens are counted, and .0001 where p is guessed by Zipf's law, from the order of the vocabulary.
        pull: How strongly weights are held where they were, where texts are learned from.

    Raises:
        BadOption: A field outside its range.

    Source:
        model2vec (Tulkens, van Dongen 2024); SIF: Arora, Liang, Ma 2017; learning from whole texts: tokenlearn.
    """

    dim: int = 256
    smoothing: float | None = None
    pull: float = 0.1

    def __post_init__(self) -> None:
        if self.dim < 0:
            raise BadOption(f"dim is {self.dim}; it is at least 1, or 0 for the coordinates of the transformer.")
        if self.smoothing is not None and not 0 <= self.smoothing < np.inf:
            raise BadOption(f"smoothing is {self.smoothing}; it is above 0, or 0 for no weights.")
        if not 0 < self.pull < np.inf:
            raise BadOption(f"pull is {self.pull}; it is above 0.")

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
        rows = tokens.rows.dense().astype(np.float32)
        known = np.asarray(rows.any(axis=1))
        most = min(tokens.dim, int(known.sum()))
        if self.dim > most:
            raise BadOption(
                f"dim is {self.dim}, but {int(known.sum()):,} tokens of {tokens.dim} coordinates have no more than "
                f"{most}; take a smaller dim, or dim=0 for rows as they are."
            )
        weights = self._weights(known, counts)[:, None]
        if texts is not None and wanted is not None:
            full = np.flatnonzero(np.diff(texts.starts) > 0)
            if not len(full):
                raise BadData(f"none of the {len(texts):,} texts has a token that this model knows.")
            means = _Means(texts.take(full), len(rows), many(threads))
            rows = self._taught(rows * weights, means, wanted[full].astype(np.float32), progress)
            seen = means.of(rows)
        else:
            if self.dim:
                rows[known] -= rows[known].mean(axis=0, dtype=np.float64).astype(np.float32)
            seen, rows = rows, rows * weights
        made = rows @ _directions(seen, self.dim) if self.dim else rows
        card = dataclasses.replace(tokens.card, frame=born(tokens.card.method, made))
        return dataclasses.replace(tokens, rows=Rows(made), card=card)

    def _weights(self, known: np.ndarray, counts: np.ndarray | None) -> np.ndarray:
        """What each token's row is multiplied with (tokens,)."""
        if self.smoothing == 0:
            return np.ones(len(known), np.float32)
        if counts is None:
            # model2vec begins with the second rank.
            shares = np.zeros(len(known))
            shares[known] = 1 / np.arange(2, known.sum() + 2)
        else:
            # None is impossible for not having been met.
            shares = counts + 0.5
        smoothing = self.smoothing or (_BY_RANK if counts is None else _BY_COUNT)
        weights: np.ndarray = smoothing / (smoothing + shares / shares.sum())
        return weights.astype(np.float32)

    def _taught(self, rows: np.ndarray, means: _Means, wanted: np.ndarray, progress: Progress) -> np.ndarray:
        """Rows (n, of) that bring the means of texts near to what is wanted (texts, of)."""
        progress.start("learn", _STEPS + 2, "steps")
        made = rows @ _mapped(means.of(rows), wanted)
        progress.advance(1)
        sizes = np.einsum("ij,ij->i", made, made)

        def along(texts: np.ndarray) -> np.ndarray:
            """How far each token's row points where texts do (n,)."""
            found: np.ndarray = np.einsum("ij,ij->i", means.back(texts), made)
            return found

        weights = np.ones(len(rows), np.float32)
        rest = along(wanted - means.of(made))
        way, left = rest.copy(), float(rest @ rest)
        for _ in range(_STEPS):
            bent = along(means.of(made * way[:, None])) + np.float32(self.pull) * sizes * way
            far = np.float32(left / max(float(way @ bent), 1e-30))
            weights += far * way
            rest -= far * bent
            now = float(rest @ rest)
            way = rest + np.float32(now / max(left, 1e-30)) * way
            left = now
            progress.advance(1)
        rows = rows * weights[:, None]
        taught: np.ndarray = rows @ _mapped(means.of(rows), wanted)
        progress.advance(1)
        return taught


class _Means:
    """Means of the tokens of texts, of any rows of the tokens.

    Args:
        texts: None of them empty.
        tokens: How many there are.
        threads: How many add up rows at once.
    """

    def __init__(self, texts: Sequences, tokens: int, threads: int) -> None:
        lengths = np.diff(texts.starts)
        order = np.argsort(texts.ids, kind="stable")
        self._texts, self._threads = texts, threads
        self._shares = np.repeat((1 / lengths).astype(np.float32), lengths)
        self._starts = np.searchsorted(texts.ids[order], np.arange(tokens + 1))
        self._owners = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)[order]
        self._theirs = self._shares[order]

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Of each text (texts, dim) of rows (tokens, dim)."""
        return product(self._texts.starts, self._texts.ids, self._shares, rows, self._threads)

    def back(self, rows: np.ndarray) -> np.ndarray:
        """Sums (tokens, dim) over the texts of each token of rows (texts, dim), by its share in each."""
        return product(self._starts, self._owners, self._theirs, rows, self._threads)


def _mapped(given: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The matrix (of, of) that brings rows (texts, of) nearest to what is wanted."""
    square = given.T @ given
    square[np.diag_indices(len(square))] += _RIDGE * np.trace(square) / len(square) + np.float32(1e-30)
    found: np.ndarray = np.linalg.solve(square, given.T @ wanted)
    return found


def _directions(rows: np.ndarray, dim: int) -> np.ndarray:
    """The directions (of, dim) in which rows are longest, each with the sign that makes its largest entry positive."""
    wide = rows.astype(np.float64)
    _, found = np.linalg.eigh(wide.T @ wide)
    found = found[:, ::-1][:, :dim]
    signs = np.sign(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])])
    directions: np.ndarray = (found * signs).astype(np.float32)
    return directions
