"""States of tokens by kernels of our own, without torch: models of BERT's kind, on a processor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinfold.core.errors import BadData
from kinfold.io.checkpoint import OFFSET_FAMILIES, Checkpoint
from kinfold.io.tensors import Tensor

KINDS = ("float32", "bfloat16", "int8")

_BERT = {
    "query": "encoder.layer.{}.attention.self.query",
    "key": "encoder.layer.{}.attention.self.key",
    "value": "encoder.layer.{}.attention.self.value",
    "out": "encoder.layer.{}.attention.output.dense",
    "first norm": "encoder.layer.{}.attention.output.LayerNorm",
    "widen": "encoder.layer.{}.intermediate.dense",
    "narrow": "encoder.layer.{}.output.dense",
    "second norm": "encoder.layer.{}.output.LayerNorm",
}
_MPNET = _BERT | {
    "query": "encoder.layer.{}.attention.attn.q",
    "key": "encoder.layer.{}.attention.attn.k",
    "value": "encoder.layer.{}.attention.attn.v",
    "out": "encoder.layer.{}.attention.attn.o",
    "first norm": "encoder.layer.{}.attention.LayerNorm",
}
_DISTILBERT = {
    "query": "transformer.layer.{}.attention.q_lin",
    "key": "transformer.layer.{}.attention.k_lin",
    "value": "transformer.layer.{}.attention.v_lin",
    "out": "transformer.layer.{}.attention.out_lin",
    "first norm": "transformer.layer.{}.sa_layer_norm",
    "widen": "transformer.layer.{}.ffn.lin1",
    "narrow": "transformer.layer.{}.ffn.lin2",
    "second norm": "transformer.layer.{}.output_layer_norm",
}
# What the parts of a layer are called, by family.
_NAMES = {
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "camembert": _BERT,
    "mpnet": _MPNET,
    "distilbert": _DISTILBERT,
}
# Tokens of a batch: what one core's cache holds the states of.
_TOKENS = 240


def suits(checkpoint: Checkpoint, kind: str) -> bool:
    """Whether the kernels know such a model, and this processor such numbers."""
    from kinfold.kernels.transformer import BFLOATS, BLOCK, BYTES, PANEL

    there = {"float32": True, "bfloat16": BFLOATS and not has_matrices(), "int8": BYTES}
    if checkpoint.family not in _NAMES or not there.get(kind):
        return False
    config, sizes = checkpoint.config, _sizes(checkpoint.config)
    head = sizes.width // max(1, sizes.heads)
    plain = config.get("position_embedding_type", "absolute") == "absolute" and not config.get("is_decoder")
    plain = plain and config.get("hidden_act", config.get("activation", "gelu")) == "gelu"
    whole = head * sizes.heads == sizes.width and head % PANEL == 0 and sizes.inner % PANEL == 0
    whole = whole and (kind != "int8" or (sizes.width % BLOCK == 0 and sizes.inner % BLOCK == 0))
    return bool(plain and whole and sizes.width and sizes.layers and not config.get("sinusoidal_pos_embds"))


def has_matrices() -> bool:
    """Whether this processor multiplies whole matrices of bfloat16 (AMX), which torch knows how to use."""
    import llvmlite.binding

    return bool(llvmlite.binding.get_host_cpu_features().get("amx-bf16"))


@dataclass(frozen=True)
class _Sizes:
    """Of a model: width of a state, heads, layers, width within a layer."""

    width: int
    heads: int
    layers: int
    inner: int


def _sizes(config: Mapping[str, Any]) -> _Sizes:
    names = (
        ("hidden_size", "dim"),
        ("num_attention_heads", "n_heads"),
        ("num_hidden_layers", "n_layers"),
        ("intermediate_size", "hidden_dim"),
    )
    found = [config.get(new, config.get(old, 0)) for new, old in names]
    return _Sizes(*(each if isinstance(each, int) else 0 for each in found))


class KernelNetwork:
    """A model of BERT's kind.

    Args:
        checkpoint: Its folder.
        kind: Of the matrices, one of `KINDS`; states are float32.

    Raises:
        BadData: The weights are not those that its configuration promises.
    """

    tokens = _TOKENS
    side_by_side = True  # batches may run at once, each on a thread of its own

    def __init__(self, checkpoint: Checkpoint, kind: str = "float32") -> None:
        self._sizes = _sizes(checkpoint.config)
        self._held = _Held(checkpoint)
        self._numbers = kind
        self._eps = np.float32(checkpoint.config.get("layer_norm_eps", 1e-12))
        self._offset = 0
        if checkpoint.family in OFFSET_FAMILIES:
            told = checkpoint.config.get("pad_token_id")
            # MPNet's is 1 in the library's code, whatever its configuration says.
            self._offset = 1 + (told if isinstance(told, int) and checkpoint.family != "mpnet" else 1)
        names = _NAMES[checkpoint.family]
        width = self._sizes.width
        self._words = self._held.matrix("embeddings.word_embeddings.weight", (None, width))
        self._positions = self._held.matrix("embeddings.position_embeddings.weight", (None, width))
        self._norm = self._held.norm("embeddings.LayerNorm", width)
        self._kind = np.zeros(width, np.float32)
        if self._held.has("embeddings.token_type_embeddings.weight"):
            self._kind = self._held.matrix("embeddings.token_type_embeddings.weight", (None, width))[0].copy()
        self._layers = [self._layer(names, number) for number in range(self._sizes.layers)]
        self._last = checkpoint.layers
        self._distances = self._relative(checkpoint)
        self._rooms = threading.local()
        self._zeros = np.zeros(max(64, width), np.float32)

    def states(self, ids: np.ndarray, starts: np.ndarray, threads: int = 1) -> np.ndarray:
        """The last states (total, width) float32 of tokens; as of `TorchNetwork.states`, on this thread alone."""
        from kinfold.kernels.transformer import attend, embed, norm

        room = self._room(len(ids), int(np.diff(starts).max()))
        x, rows = room.x, len(ids)
        places = np.arange(rows, dtype=np.int64) - np.repeat(starts[:-1], np.diff(starts)) + self._offset
        embed(ids, places, self._words, self._positions, self._kind, *self._norm, self._eps, x)
        size = self._sizes.width // self._sizes.heads
        starts = np.ascontiguousarray(starts, np.int64)
        kept = []
        for number, layer in enumerate(self._layers, 1):
            self._product(layer.qkv, x, rows, room.qkv, room)
            attend(room.qkv, starts, size, self._distances, room.keys, room.scores, self._zeros, room.context)
            self._product(layer.out, room.context, rows, room.y, room)
            norm(room.y, x, rows, *layer.first, self._eps)
            self._product(layer.widen, x, rows, room.inner, room, gelu=True)
            self._product(layer.narrow, room.inner, rows, room.y, room)
            norm(room.y, x, rows, *layer.second, self._eps)
            if number > len(self._layers) - self._last:
                kept.append(x[:rows].copy())
        return np.concatenate(kept, axis=1) if self._last > 1 else kept[0]

    def _product(
        self, weights: _Weights, x: np.ndarray, rows: int, out: np.ndarray, room: _Room, *, gelu: bool = False
    ) -> None:
        from kinfold.kernels.transformer import product, product_bfloats, product_bytes

        if self._numbers == "float32":
            product(x, rows, weights.panels, weights.columns, gelu, out)
            return
        held = room.held[: x.size].reshape(x.shape)
        if self._numbers == "int8":
            product_bytes(x, rows, weights.panels, weights.columns, gelu, held, room.scales, room.line, out)
        else:
            product_bfloats(x, rows, weights.panels, weights.columns, gelu, held, out)

    def _layer(self, names: Mapping[str, str], number: int) -> _Layer:
        width, inner, held = self._sizes.width, self._sizes.inner, self._held
        named = {part: name.format(number) for part, name in names.items()}
        three = [held.linear(named[part], width, width) for part in ("query", "key", "value")]
        # The scores of attention are divided by the root of a head's size: once, here.
        share = np.float32((width // self._sizes.heads) ** -0.5)
        three[0] = (three[0][0] * share, three[0][1] * share)
        return _Layer(
            self._packed(np.concatenate([each for each, _ in three]), np.concatenate([each for _, each in three])),
            self._packed(*held.linear(named["out"], width, width)),
            held.norm(named["first norm"], width),
            self._packed(*held.linear(named["widen"], inner, width)),
            self._packed(*held.linear(named["narrow"], width, inner)),
            held.norm(named["second norm"], width),
        )

    def _packed(self, weights: np.ndarray, bias: np.ndarray) -> _Weights:
        from kinfold.kernels.transformer import pack, pack_bfloats, pack_bytes

        if self._numbers == "int8":
            return _Weights(*pack_bytes(weights, bias))
        return _Weights(pack(weights) if self._numbers == "float32" else pack_bfloats(weights), bias)

    def _relative(self, checkpoint: Checkpoint) -> np.ndarray:
        """What MPNet adds to scores by the distance of key and query (heads, 2 n + 1)."""
        name = "encoder.relative_attention_bias.weight"
        if checkpoint.family != "mpnet":
            return np.zeros((0, 0), np.float32)
        buckets = self._held.matrix(name, (None, self._sizes.heads))
        most = len(self._positions) + 64
        distance = np.arange(-most, most + 1)
        found: np.ndarray = np.ascontiguousarray(buckets[_bucket(distance, len(buckets))].T)
        return found

    def _room(self, tokens: int, longest: int) -> _Room:
        """Memory of the calling thread for so many tokens."""
        room: _Room | None = getattr(self._rooms, "room", None)
        if room is None or room.tokens < tokens or room.longest < longest:
            before = (0, 0) if room is None else (room.tokens, room.longest)
            room = _Room.of(max(tokens, self.tokens, before[0]), max(longest, before[1]), self._sizes, self._numbers)
            self._rooms.room = room
        return room


def _bucket(distance: np.ndarray, buckets: int, farthest: int = 128) -> np.ndarray:
    """The bucket of a distance: each of the near ones its own, far ones by their logarithm, as T5 has it."""
    half = buckets // 2
    found: np.ndarray = np.where(distance > 0, half, 0)
    size = np.abs(distance)
    exact = half // 2
    far = np.log(np.maximum(size, 1) / exact) / np.log(farthest / exact) * (half - exact)
    found += np.where(size < exact, size, np.minimum(exact + far.astype(np.int64), half - 1))
    return found


@dataclass(frozen=True)
class _Weights:
    """Panels of a matrix; and its bias, or in bytes what `pack_bytes` tells of its columns."""

    panels: np.ndarray
    columns: np.ndarray


@dataclass(frozen=True)
class _Layer:
    qkv: _Weights
    out: _Weights
    first: tuple[np.ndarray, np.ndarray]
    widen: _Weights
    narrow: _Weights
    second: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class _Room:
    """Memory for the states of a batch, padded to whole tiles."""

    tokens: int
    longest: int
    x: np.ndarray
    y: np.ndarray
    qkv: np.ndarray
    context: np.ndarray
    inner: np.ndarray
    keys: np.ndarray
    scores: np.ndarray
    held: np.ndarray
    scales: np.ndarray
    line: np.ndarray

    @staticmethod
    def of(tokens: int, longest: int, sizes: _Sizes, kind: str) -> _Room:
        """Zeros for so many tokens, of texts of at most so many, and for what a product holds in numbers of a kind."""
        from kinfold.kernels.transformer import PANEL

        # A tile of rows and a panel of keys may reach behind the last token.
        rows, width = tokens + PANEL, sizes.width
        wide = max(width, sizes.inner)
        across = -(-longest // PANEL) * PANEL
        head = width // sizes.heads
        zeros: Callable[..., np.ndarray] = lambda *shape: np.zeros(shape, np.float32)  # noqa: E731
        return _Room(
            tokens,
            longest,
            zeros(rows, width),
            zeros(rows, width),
            zeros(rows, 3 * width),
            zeros(rows, width),
            zeros(rows, sizes.inner),
            zeros(across * head),
            zeros(PANEL * across),
            np.zeros(0 if kind == "float32" else rows * wide, np.uint8 if kind == "int8" else np.uint16),
            zeros(rows),
            zeros(wide),
        )


class _Held:
    """The tensors of a checkpoint by their bare names, in float32."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._path = checkpoint.body
        self._tensors: dict[str, Tensor] = {}
        for name, tensor in checkpoint.weights().items():
            bare = name.removeprefix(f"{checkpoint.family.replace('xlm-', '').replace('camembert', 'roberta')}.")
            bare = bare.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
            self._tensors[bare] = tensor

    def has(self, name: str) -> bool:
        """Whether there is such a tensor."""
        return name in self._tensors

    def matrix(self, name: str, shape: tuple[int | None, ...]) -> np.ndarray:
        """A tensor of this shape, float32; memory-mapped where it is so in the file.

        Raises:
            BadData: There is none, or of another shape.
        """
        held = self._tensors.get(name)
        fits = held is not None and len(held.shape) == len(shape)
        if held is None or not fits or any(b not in (None, a) for a, b in zip(held.shape, shape, strict=True)):
            there = "none" if held is None else f"one of {held.shape}"
            raise BadData(f"{self._path}: its weights should hold '{name}' {shape}, but there is {there}.")
        from kinfold.kernels._jit import plain

        values = held.numbers()
        found: np.ndarray = values if isinstance(values, np.ndarray) else values[:]
        return plain(np.ascontiguousarray(found, np.float32))

    def linear(self, name: str, out: int, into: int) -> tuple[np.ndarray, np.ndarray]:
        """Weight (out, in) and bias (out,)."""
        return self.matrix(f"{name}.weight", (out, into)), self.matrix(f"{name}.bias", (out,)).copy()

    def norm(self, name: str, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Scale and shift (width,) both."""
        return self.matrix(f"{name}.weight", (width,)).copy(), self.matrix(f"{name}.bias", (width,)).copy()
