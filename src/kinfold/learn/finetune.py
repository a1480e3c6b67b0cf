"""What all that trains a transformer has in common: batches of texts, the optimizer and its rate, the precision."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kinfold.core.errors import BadOption


def device_of(wanted: str | None) -> str:
    """The device that is named, or a GPU where there is one, or the processor.

    Raises:
        BadOption: It is not there.
    """
    import torch

    if wanted is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=wanted)
    except (RuntimeError, AssertionError) as error:
        raise BadOption(f"device={wanted!r} is not there ({str(error).splitlines()[0]}).") from error
    return wanted


def together(ids: Sequence[np.ndarray], padding: int, device: str) -> tuple[Any, Any]:
    """Ids (n, longest) int64 and which of them are tokens (n, longest), as tensors."""
    import torch

    lengths = np.array([len(each) for each in ids])
    inside = np.arange(lengths.max()) < lengths[:, None]
    padded = np.full(inside.shape, padding, np.int64)
    padded[inside] = np.concatenate(ids)
    return torch.from_numpy(padded).to(device), torch.from_numpy(inside).to(device)


def optimizer(parameters: Any, rate: float, decay: float) -> Any:
    """AdamW over named parameters that learn; biases and the scales of norms do not decay.

    Args:
        parameters: `model.named_parameters()`, or several of such, chained.
        rate: The highest learning rate; the group's `scale` is what `set_rate` multiplies by the schedule.
        decay: Of the weights.
    """
    import torch

    named = [(name, each) for name, each in parameters if each.requires_grad]
    flat = [each for _, each in named if each.ndim < 2]
    deep = [each for _, each in named if each.ndim >= 2]
    groups = [{"params": deep, "weight_decay": decay}, {"params": flat, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=rate, fused=True)


def set_rate(adam: Any, rate: float, step: int, steps: int, warmup: float) -> None:
    """Sets the learning rate: rises for a share of all steps, then falls linearly to 0."""
    rising = max(1, round(warmup * steps))
    part = (step + 1) / rising if step < rising else (steps - step) / max(1, steps - rising)
    for group in adam.param_groups:
        group["lr"] = rate * group.get("scale", 1.0) * part


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Everything random of torch from a seed, and as it was before afterwards."""
    import torch

    before = torch.random.get_rng_state()
    torch.manual_seed(seed & (2**63 - 1))
    try:
        yield
    finally:
        torch.random.set_rng_state(before)
