"""The network of sasrec in torch. Random numbers are numpy's, so that torch's own state is left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional

EPSILON = 1e-6  # in norms, as `encode/sequential.py` has it


class Network:
    """States of histories, each from itself and what came before.

    Args:
        items: Rows of the items (n, dim) float32; also what states are compared with.
        layers: Rows of all other matrices, as `core/layers.py` lays them out.
        layout: Their names and rows.
        blocks: How many.
        heads: Parts that a row is cut into; each attends for itself.
        dropout: Share of the numbers that are set to 0 while it learns.
    """

    def __init__(
        self, items: np.ndarray, layers: np.ndarray, layout: dict[str, int], blocks: int, heads: int, dropout: float
    ) -> None:
        self.items = torch.from_numpy(items).requires_grad_()
        self.layers = torch.from_numpy(layers).requires_grad_()
        self._layout, self._blocks, self._heads = layout, blocks, heads
        # A byte is drawn for each number: that is many times faster than what torch draws.
        self._least = round(256 * dropout)

    def states(self, ids: Any, draw: np.random.Generator | None = None) -> Any:
        """States (n, t, dim) of histories (n, t) int64, t at most `length`, padded at the end.

        What lies behind a history is seen by none of its places. Without `draw` nothing is dropped.
        """
        weights = dict(zip(self._layout, self.layers.split(list(self._layout.values())), strict=True))
        (count, longest), dim = ids.shape, self.items.shape[1]
        x = self._dropped(functional.embedding(ids, self.items) * dim**0.5, draw)
        later = torch.full((longest, longest), -torch.inf).triu(1)
        for number in range(self._blocks):
            own = f"block{number}."
            part = {name.removeprefix(own): each for name, each in weights.items() if name.startswith(own)}
            y = _norm(x, part["before.scale"], part["before.shift"])
            query, key, value = (
                (y @ part[name]).view(count, longest, self._heads, -1).transpose(1, 2)
                for name in ("query", "key", "value")
            )
            far = part["distance"][:longest].flip(0).view(longest, self._heads, -1).permute(1, 2, 0)
            scores = query @ key.transpose(-1, -2) + _slanted(query @ far)
            scores = scores * (dim // self._heads) ** -0.5 + later
            y = self._dropped(scores.softmax(-1), draw) @ value
            x = x + self._dropped(y.transpose(1, 2).reshape(count, longest, dim) @ part["output"], draw)
            y = _norm(x, part["between.scale"], part["between.shift"])
            y = self._dropped(torch.relu(y @ part["widen"].T), draw)
            x = x + self._dropped(y @ part["narrow"], draw)
        return _norm(x, weights["last.scale"], weights["last.shift"])

    def loss(self, states: Any, targets: Any, others: Any | None = None, stands: Any | None = None) -> Any:
        """Mean of -log p of what came next (m,), among all items or among it and some others.

        Args:
            states: (m, dim).
            targets: Rows of the items that came next (m,) int64.
            others: Rows of items that were drawn (negatives,) int64, or None for all items.
            stands: Logarithm of how many items each of the others stands for (negatives,).
        """
        if others is None:
            return functional.cross_entropy(states @ self.items.T, targets)
        # Σ over all items of exp(score), as the drawn ones estimate it.
        scores = states @ functional.embedding(others, self.items).T + stands
        scores = scores.masked_fill(others == targets[:, None], -torch.inf)
        own = (states * functional.embedding(targets, self.items)).sum(1, keepdim=True)
        return (torch.cat([own, scores], 1).logsumexp(1) - own[:, 0]).mean()

    def _dropped(self, x: Any, draw: np.random.Generator | None) -> Any:
        if draw is None or not self._least:
            return x
        drawn = np.frombuffer(draw.bytes(x.numel()), np.uint8).reshape(x.shape)
        kept = np.float32(256 / (256 - self._least))
        return x * torch.from_numpy(np.where(drawn >= self._least, kept, np.float32(0)))


def _slanted(products: Any) -> Any:
    """Of products (…, t, t) with distances t - 1 to 0 those with the distances of places, which end at the diagonal.

    Row i moves left by t - 1 - i; what comes in from the right is behind the place and of no account.
    """
    longest = products.shape[-1]
    found = functional.pad(products, (1, 0)).reshape(*products.shape[:-2], longest + 1, longest)
    return found[..., 1:, :]


def _norm(x: Any, scale: Any, shift: Any) -> Any:
    return functional.layer_norm(x, (x.shape[-1],), scale[0], shift[0], EPSILON)
