"""A transformer with its pooling and the layers behind it, as gradients go through it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from kinfold.io.checkpoint import Checkpoint, Dense
from kinfold.io.torch_model import load
from kinfold.learn.finetune import together
from kinfold.prepare.pieces import Pieces

# Tokens of a batch from which nothing is asked back, filled up to the longest.
_TOKENS = 1024
_ACTIVATIONS = {
    "Identity": lambda rows: rows,
    "Tanh": torch.tanh,
    "ReLU": torch.relu,
    "GELU": functional.gelu,
    "Sigmoid": torch.sigmoid,
}


class TextNetwork:
    """Texts become rows, and gradients of the rows become gradients of the weights.

    Args:
        checkpoint: The model that is begun with.
        device: As torch names it.
        precision: Of the products: float32, or bfloat16 where that is safe (autocast); weights are float32.
        max_length: Tokens of a text that are read; as the model says by default.

    Raises:
        BadFile: A file of the model is missing.
        BadData: The model cannot be loaded, or its tokenizer is that of another one.
        MissingExtra: A library that it needs is not installed.
    """

    def __init__(
        self, checkpoint: Checkpoint, device: str, precision: str = "float32", max_length: int | None = None
    ) -> None:
        self.checkpoint = checkpoint
        self.device, self.precision = device, precision
        self.pieces = Pieces(checkpoint, max_length or checkpoint.max_length)
        self.body = load(checkpoint).to(device)
        self.layers = [_linear(step).to(device) for step in checkpoint.after if isinstance(step, Dense)]
        self._prompt = checkpoint.prompts.get(checkpoint.default_prompt or "", "")
        self._passed = 0
        if self._prompt and not checkpoint.include_prompt:
            self._passed = len(self.pieces.ids([self._prompt])[0]) - len(self.pieces.special[1])

    @property
    def dim(self) -> int:
        """Coordinates of a row."""
        if self.layers:
            return int(self.layers[-1].out_features)
        return self.checkpoint.hidden * len(self.checkpoint.pooling)

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """All weights, by name."""
        layers = (layer.named_parameters(f"layer.{number}") for number, layer in enumerate(self.layers))
        return itertools.chain(self.body.named_parameters(), *layers)

    def train(self, learns: bool = True) -> None:
        """Whether numbers are dropped at random, as while it learns."""
        for each in (self.body, *self.layers):
            each.train(learns)

    def ids(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The tokens' ids of each text (L,) int32."""
        return self.pieces.ids([self._prompt + text for text in texts] if self._prompt else texts)

    def rows(self, ids: Sequence[np.ndarray]) -> Any:
        """Rows (n, dim) float32, a tensor, of texts that go through the network at once."""
        tokens, inside = together(ids, self.pieces.padding, self.device)
        kind = torch.device(self.device).type
        with torch.autocast(kind, torch.bfloat16, enabled=self.precision == "bfloat16"):
            states = self.body(input_ids=tokens, attention_mask=inside.long()).last_hidden_state
        states = states.float()
        if self._passed:
            inside = inside.clone()
            inside[:, : self._passed] = False
        parts = [_pooled(name, states, inside) for name in self.checkpoint.pooling]
        rows = torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
        layers = iter(self.layers)
        for step in self.checkpoint.after:
            rows = (
                functional.normalize(rows)
                if isinstance(step, str)
                else _ACTIVATIONS[step.activation](next(layers)(rows))
            )
        return rows

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Rows (n, dim) float32 as they will be once it has learned: nothing is dropped."""
        self.train(False)
        ids = self.ids(texts)
        made = np.empty((len(ids), self.dim), np.float32)
        with torch.inference_mode():
            for some in short_first(ids, _TOKENS):
                made[some] = self.rows([ids[at] for at in some]).cpu().numpy()
        return made

    def state(self) -> dict[str, Any]:
        """A copy of all weights that learn, by name."""
        return {
            name: each.detach().to("cpu", copy=True) for name, each in self.named_parameters() if each.requires_grad
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Takes weights that `state` gave."""
        with torch.no_grad():
            for name, each in self.named_parameters():
                if name in state:
                    each.copy_(state[name])

    def learned(self) -> Checkpoint:
        """What stands behind the transformer now, as a folder says it."""
        layers = iter(self.layers)
        after: list[str | Dense] = []
        for step in self.checkpoint.after:
            if isinstance(step, str):
                after.append(step)
                continue
            layer = next(layers)
            bias = None if layer.bias is None else layer.bias.detach().cpu().numpy()
            after.append(Dense(layer.weight.detach().cpu().numpy(), bias, step.activation))
        return dataclasses.replace(self.checkpoint, after=after, max_length=self.pieces.max_length)


def short_first(ids: Sequence[np.ndarray], tokens: int, most: int | None = None) -> Iterator[np.ndarray]:
    """Which texts (m,) go through the network together: of about one length, so that little is filled up.

    Args:
        ids: Of the texts.
        tokens: Of a batch, filled up to the longest.
        most: Texts of a batch.
    """
    lengths = np.array([len(each) for each in ids])
    order = np.argsort(lengths, kind="stable")
    first = 0
    while first < len(order):
        # The longest of those that are taken stands at their end.
        sizes = lengths[order[first:]] * np.arange(1, len(order) - first + 1)
        size = max(1, int(np.searchsorted(sizes, tokens, side="right")))
        size = min(size, most or size)
        yield order[first : first + size]
        first += size


def _pooled(name: str, states: Any, inside: Any) -> Any:
    """Rows (n, hidden) of states (n, L, hidden), of those tokens (n, L) that are inside."""
    held = inside.unsqueeze(-1).float()
    if name == "cls":
        return states[torch.arange(len(states)), inside.float().argmax(1)]
    if name == "lasttoken":
        places = torch.arange(inside.shape[1], device=inside.device)
        return states[torch.arange(len(states)), (places * inside).argmax(1)]
    if name == "max":
        return states.masked_fill(~inside.unsqueeze(-1), -torch.inf).amax(1)
    if name == "weightedmean":
        held = held * torch.arange(1, inside.shape[1] + 1, device=inside.device).view(1, -1, 1)
        return (states * held).sum(1) / held.sum(1).clamp(min=1e-9)
    counts = held.sum(1).clamp(min=1)
    return (states * held).sum(1) / (counts.sqrt() if name == "mean_sqrt_len_tokens" else counts)


def _linear(step: Dense) -> Any:
    out, inner = step.weight.shape
    layer = torch.nn.Linear(inner, out, bias=step.bias is not None)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(step.weight))
        if step.bias is not None:
            layer.bias.copy_(torch.from_numpy(step.bias))
    return layer
