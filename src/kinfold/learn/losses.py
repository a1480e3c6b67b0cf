"""How far the rows of texts are from where they should be; tensors in, a scalar tensor out.

Cosines are taken of rows of any length. Where a model was trained for inner products, `alike` takes these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional


def softmax(scores: Any, refused: Any | None = None) -> Any:
    """Each text is to be nearest to its own among all candidates: the mean cross-entropy.

    Args:
        scores: (n, m) of the texts and the candidates, m >= n, divided by the temperature; the own one of text i is i.
        refused: (n, m) bool, candidates that belong to a text as well and are no negatives of it.

    Source:
        Henderson et al. 2017 (arXiv 1705.00652); van den Oord, Li, Vinyals 2018 (arXiv 1807.03748).
    """
    if refused is not None:
        scores = scores.masked_fill(refused, -torch.inf)
    return functional.cross_entropy(scores, torch.arange(len(scores), device=scores.device))


def cosent(cosines: Any, scores: Any, temperature: float) -> Any:
    """Pairs that people find more alike are to have the larger cosine: log(1 + Σ exp((cos_j - cos_i) / t)), i above j.

    Args:
        cosines: Of the pairs (n,).
        scores: Of the pairs (n,), of any scale.
        temperature: What differences of cosines are divided by.

    Source:
        Su 2022 (kexue.fm/archives/8847).
    """
    apart = (cosines[None, :] - cosines[:, None]) / temperature
    apart = apart[scores[:, None] > scores[None, :]]
    return torch.logsumexp(torch.cat([apart.new_zeros(1), apart]), 0)


def regression(cosines: Any, scores: Any) -> Any:
    """The cosine of a pair is to be its score: the mean of squares.

    Args:
        cosines: Of the pairs (n,).
        scores: Of the pairs (n,), between -1 and 1.

    Source:
        Reimers, Gurevych 2019 (arXiv 1908.10084).
    """
    return functional.mse_loss(cosines, scores)


def triplet(near: Any, far: Any, margin: float) -> Any:
    """What belongs to a text is to be nearer than what does not, by a margin: mean of max(0, far - near + margin).

    Args:
        near: Cosines (m,) of texts and what belongs to them.
        far: Cosines (m,) of the same texts and what does not.
        margin: How much nearer.

    Source:
        Schroff, Kalenichenko, Philbin 2015 (arXiv 1503.03832), with cosines for distances.
    """
    return functional.relu(far - near + margin).mean()


def nested(loss: Callable[[Any], Any], dims: Sequence[int], weights: Sequence[float]) -> Callable[[Any], Any]:
    """A loss of rows (n, dim) that asks the same of their first coordinates alone (Matryoshka).

    Args:
        loss: Of rows.
        dims: How many coordinates each time.
        weights: Of each.

    Source:
        Kusupati et al. 2022 (arXiv 2205.13147).
    """
    return lambda rows: sum(weight * loss(rows[:, :dim]) for dim, weight in zip(dims, weights, strict=True))


def alike(left: Any, right: Any, dot: bool) -> Any:
    """How alike rows are (n,), each with its own: the cosine, or the inner product."""
    return (left * right).sum(1) if dot else functional.cosine_similarity(left, right)


def between(left: Any, right: Any, dot: bool) -> Any:
    """How alike rows are (n, m), all with all."""
    return left @ right.T if dot else functional.normalize(left) @ functional.normalize(right).T
