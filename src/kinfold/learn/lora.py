"""Small matrices that learn in the place of large ones, and become part of them in the end.

Source:
    Hu et al. 2021 (arXiv 2106.09685).
"""

from __future__ import annotations

import math
from typing import Any

import torch

from kinfold.core.errors import BadData

# What is learned is scaled by this, whatever the rank is.
_SCALE = 2.0


class Low:
    """Adds up · down to the matrices of a model; nothing else in it learns until `merge`.

    Args:
        body: A model of the transformers library.
        rank: Of the product.

    Raises:
        BadData: The model has no matrix of the kind that is known here.
    """

    def __init__(self, body: Any, rank: int) -> None:
        for each in body.parameters():
            each.requires_grad_(False)
        self._held: list[tuple[Any, Any, Any, Any]] = []
        for name, layer in list(body.named_modules()):
            if not isinstance(layer, torch.nn.Linear) or "pooler" in name:
                continue
            down = torch.nn.Parameter(torch.empty(rank, layer.in_features, device=layer.weight.device))
            torch.nn.init.kaiming_uniform_(down, a=math.sqrt(5))
            up = torch.nn.Parameter(torch.zeros(layer.out_features, rank, device=layer.weight.device))
            layer.register_parameter("lora_down", down)
            layer.register_parameter("lora_up", up)
            # A hook keeps the layer what it is to the rest of the library.
            hook = layer.register_forward_hook(
                lambda _, given, made, down=down, up=up: made + (given[0] @ down.T @ up.T) * _SCALE
            )
            self._held.append((layer, down, up, hook))
        if not self._held:
            raise BadData(f"{type(body).__name__} has no linear layers to learn beside; leave lora out.")

    def merge(self) -> None:
        """Adds what was learned to the matrices, which are then all that there is."""
        for layer, down, up, hook in self._held:
            hook.remove()
            with torch.no_grad():
                layer.weight += (up @ down) * _SCALE
            del layer.lora_down, layer.lora_up
        self._held.clear()
