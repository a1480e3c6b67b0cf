"""Gradients of a loss of many texts at once, in the memory of few.

Source:
    Gao et al. 2021 (arXiv 2101.06983).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from kinfold.learn.text_network import TextNetwork

# That go through the network at once, filled up: few on a processor, where what is filled up costs as much as the rest.
_TOKENS = {"cpu": 512, "cuda": 32_768}


def through(
    network: TextNetwork, ids: Sequence[np.ndarray], loss: Callable[[Any], Any], small: int | None = None
) -> float:
    """Adds the gradients of a loss of the rows of texts; gives the loss.

    Args:
        network: The model.
        ids: Of the texts.
        loss: Of all rows (n, dim).
        small: Texts at once. With fewer than there are, rows are made without what gradients need, the loss says what
            each row's gradient is, and every piece goes through the network again to hand it on, with the same numbers
            dropped (GradCache): the result is the same, and memory that of a piece.
    """
    import torch

    from kinfold.learn.text_network import short_first

    tokens = _TOKENS["cpu" if torch.device(network.device).type == "cpu" else "cuda"]
    pieces = list(short_first(ids, tokens, small))
    order = torch.from_numpy(np.argsort(np.concatenate(pieces))).to(network.device)
    given = [[ids[at] for at in some] for some in pieces]
    if small is None or len(ids) <= small:
        value = loss(torch.cat([network.rows(each) for each in given])[order])
        value.backward()
        return float(value.item())
    states, parts = [], []
    with torch.no_grad():
        for each in given:
            states.append(_random(network.device))
            parts.append(network.rows(each))
    rows = torch.cat(parts)[order].requires_grad_()
    value = loss(rows)
    value.backward()
    after = _random(network.device)
    for some, each, state in zip(pieces, given, states, strict=True):
        _set_random(network.device, state)
        (network.rows(each) * rows.grad[torch.from_numpy(some).to(network.device)]).sum().backward()
    _set_random(network.device, after)
    return float(value.item())


def _random(device: str) -> Any:
    import torch

    return torch.cuda.get_rng_state(device) if torch.device(device).type == "cuda" else torch.get_rng_state()


def _set_random(device: str, state: Any) -> None:
    import torch

    if torch.device(device).type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
