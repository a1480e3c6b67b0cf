"""SASRec: what comes next in a sequence, by causal attention over what came before."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card, born
from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData, BadOption, MissingExtra
from kinfold.core.keys import Keys
from kinfold.core.layers import LAYERS, layout, names
from kinfold.core.metric import Metric
from kinfold.core.options import falling, whole
from kinfold.core.progress import Progress, quiet
from kinfold.core.protocols import takes
from kinfold.core.report import Report
from kinfold.core.rows import Rows
from kinfold.core.shapes import Sequences, describe
from kinfold.core.space import Space
from kinfold.core.threads import many
from kinfold.learn.history import Callback, History
from kinfold.learn.passes import generator

if TYPE_CHECKING:
    from kinfold.learn.attention import Network


@dataclass(frozen=True, slots=True)
class SASRec:
    """What comes next in a sequence: a state is made of what came before by causal attention, and scores all keys.

    Every key of a sequence but the first is learned once an epoch, as the one that is to score highest among all keys,
    or among some that are drawn for each batch and stand for all (softmax). States need torch to be learned, not to be
    used: the Space holds the whole network as rows of the group `layer`, and `encode.FoldIn` gives histories their
    states. The same seed gives the same bytes with the same number of threads.

    Args:
        dim: Coordinates of a row.
        epochs: Passes over the sequences.
        learning_rate: Of Adam, at the start.
        final_rate: At the end; the rate falls linearly.
        blocks: Of attention, one after another.
        heads: Parts that a row is cut into, each of which attends for itself.
        length: Keys that a state looks back on, at most; a longer sequence is learned in pieces.
        wide: Width of the inner layer of a block, in multiples of dim.
        dropout: Share of the numbers within the network that are set to 0 while it learns.
        negatives: Keys drawn for each batch, shared by all its places; where there are no more than twice as many
            keys, all are taken.
        noise_exponent: Power of the counts that they are drawn by; 0 draws all alike.
        batch: Sequences, or pieces of such, that are learned at once.

    Raises:
        BadOption: A field outside its range, or training diverged.
        BadData: No sequence has two keys.
        MissingExtra: torch is not installed.
        ShapeMismatch: The data are not Sequences.

    Source:
        Kang, McAuley 2018 (arXiv 1808.09781); how far back instead of which place: Shaw et al. 2018 (arXiv
        1803.02155); softmax over many negatives instead of one: Klenitskiy, Vasilev 2023 (arXiv 2309.07602), Petrov,
        Macdonald 2023 (arXiv 2308.07192).

    Example:
        >>> SASRec(dim=8, heads=3)
        Traceback (most recent call last):
        kinfold.core.errors.BadOption: dim is 8, which 3 heads cannot share; choose a multiple of heads.
    """

    takes: ClassVar[type] = Sequences

    dim: int = 64
    epochs: int = 20
    learning_rate: float = 2e-3
    final_rate: float = 0.0
    blocks: int = 2
    heads: int = 2
    length: int = 50
    wide: int = 1
    dropout: float = 0.5
    negatives: int = 512
    noise_exponent: float = 0.5
    batch: int = 128

    def __post_init__(self) -> None:
        whole(self, dim=(2, 4096), epochs=(1, 100_000), blocks=(1, 64), heads=(1, 256), length=(1, 10_000))
        whole(self, wide=(1, 16), negatives=(1, 1_000_000), batch=(1, 100_000))
        falling(self.learning_rate, self.final_rate)
        if self.dim % self.heads:
            raise BadOption(f"dim is {self.dim}, which {self.heads} heads cannot share; choose a multiple of heads.")
        if not 0 <= self.dropout <= 0.9:
            raise BadOption(f"dropout is {self.dropout!r}; it is a share from 0 to 0.9.")
        if not 0 <= self.noise_exponent <= 2:
            raise BadOption(f"noise_exponent is {self.noise_exponent!r}; it is a power from 0 to 2.")

    def fit(
        self,
        data: Sequences,
        *,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
        callback: Callback | None = None,
    ) -> Space:
        """Learns rows for the keys of some sequences, and the network that gives sequences theirs.

        Args:
            data: The sequences, each in order.
            seed: Of the first rows, the batches, what is dropped and what is drawn.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of every batch.
            callback: Called after each epoch, in the calling thread.

        Returns:
            A Space of the groups of the keys and `layer`, by the metric dot, with the attribute `count` of the keys.
        """
        takes(self, data)
        counts = data.counts
        starts, stops = pieces(data.starts, self.length + 1)
        if not len(starts):
            raise BadData("no sequence has two keys, so nothing comes next; there is nothing to learn from.")
        if LAYERS in data.keys.groups:
            raise BadData(
                f"keys are of the group '{LAYERS}', which is that of the network; name their group otherwise."
            )
        try:
            import torch
        except ModuleNotFoundError as error:
            raise MissingExtra(
                "sasrec learns by torch, which is not installed: pip install 'kinfold[deep]'."
            ) from error
        before = torch.get_num_threads()
        torch.set_num_threads(many(threads))
        try:
            network, report = self._learn(data, counts, starts, stops, seed, progress, callback)
        finally:
            torch.set_num_threads(before)
        return self._space(data, counts, network, seed, report)

    def _learn(
        self,
        data: Sequences,
        counts: np.ndarray,
        starts: np.ndarray,
        stops: np.ndarray,
        seed: int,
        progress: Progress,
        callback: Callback | None,
    ) -> tuple[Network, Report]:
        import torch

        network = self._begun(len(data.keys), seed)
        adam = torch.optim.Adam([network.items, network.layers], lr=self.learning_rate, fused=True)
        total, steps = int((stops - starts - 1).sum()), self.epochs * -(-len(starts) // self.batch)
        noise = _noise(counts, self.noise_exponent)
        history = History(total, "keys", "nats", callback)
        progress.start("learn", self.epochs * total, "keys")
        step = 0
        for epoch in range(self.epochs):
            began, summed = time.perf_counter(), 0.0
            draw = generator(seed, epoch, 2)
            for some in batches(stops - starts, self.batch, draw):
                adam.param_groups[0]["lr"] = self.learning_rate + (self.final_rate - self.learning_rate) * step / steps
                ids, lengths = together(data.ids, starts[some], stops[some])
                loss = self._loss(network, torch.from_numpy(ids), torch.from_numpy(lengths), noise, draw)
                adam.zero_grad()
                loss.backward()
                adam.step()
                step += 1
                learned, mean = int(lengths.sum()) - len(some), loss.item()
                summed += mean * learned
                progress.advance(learned, loss=mean)
            if not np.isfinite(summed):
                raise BadOption(f"training diverged in epoch {epoch + 1}; take a smaller learning_rate.")
            history.add(summed / total, time.perf_counter() - began, lambda: network.items.detach().numpy())
        return network, history.report()

    def _begun(self, keys: int, seed: int) -> Network:
        """The network before it has learned: small random rows, matrices that keep the size of what they multiply."""
        from kinfold.learn.attention import Network

        draw = generator(seed, 0)
        items = draw.standard_normal((keys, self.dim), dtype=np.float32) * np.float32(_FIRST)
        rows = self._layout
        parts = []
        for name, count in rows.items():
            part = draw.standard_normal((count, self.dim), dtype=np.float32)
            if name.endswith(("scale", "shift")):
                part[:] = name.endswith("scale")
            elif name.endswith("distance"):
                part *= np.float32(_FIRST)
            else:
                part *= np.float32(0.5 / np.sqrt(self.dim if name.endswith("widen") else count))
            parts.append(part)
        return Network(items, np.concatenate(parts), rows, self.blocks, self.heads, self.dropout)

    def _loss(self, network: Network, ids: Any, lengths: Any, noise: np.ndarray, draw: np.random.Generator) -> Any:
        import torch

        seen = lengths - 1
        real = torch.arange(ids.shape[1] - 1) < seen[:, None]
        states = network.states(ids[:, :-1], draw)[real]
        targets = ids[:, 1:][real]
        if len(network.items) <= 2 * self.negatives:
            return network.loss(states, targets)
        others = np.searchsorted(np.cumsum(noise), draw.random(self.negatives)).clip(max=len(noise) - 1)
        stands = -np.log(np.maximum(noise[others], 1e-30) * self.negatives).astype(np.float32)
        return network.loss(states, targets, torch.from_numpy(others), torch.from_numpy(stands))

    @property
    def _layout(self) -> dict[str, int]:
        return layout(self.dim, self.blocks, self.length, self.wide)

    def _space(self, data: Sequences, counts: np.ndarray, network: Network, seed: int, report: Report) -> Space:
        layers = names(self._layout)
        rows = Rows(np.concatenate([each.detach().numpy() for each in (network.items, network.layers)]))
        rows.refuse_non_finite("what was learned")
        groups = {**{name: len(each) for name, each in data.keys.groups.items()}, LAYERS: len(layers)}
        keys = Keys.trusted(pa.concat_arrays([data.keys.names, pa.array(layers, pa.large_string())]), groups)
        table = pa.table({"count": pa.concat_arrays([to_arrow(counts), pa.nulls(len(layers), pa.int64())])})
        card = Card(
            born("sasrec", rows.values), "sasrec", dataclasses.asdict(self), seed, describe(data), reports=(report,)
        )
        return Space(keys, rows, Metric.DOT, card, table)


_FIRST = 0.02  # deviation of the first rows, before they are scaled by the root of dim


def _noise(counts: np.ndarray, exponent: float) -> np.ndarray:
    """How probable each key is to be drawn (n,) float64; those that do not occur are not."""
    powers = np.where(counts > 0, np.maximum(counts, 1).astype(np.float64) ** exponent, 0)
    found: np.ndarray = powers / powers.sum()
    return found


def pieces(starts: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Where sequences, or the pieces that they are cut into, begin and end: (m,) int64 both.

    Pieces are cut from the end; each begins with the last key of the one before it, so that every key but the first of
    a sequence comes next once. Sequences of fewer than two keys are left out.

    Args:
        starts: Of the sequences (n + 1,) int64.
        longest: Keys of a piece, at least 2.
    """
    new = np.maximum(np.diff(starts) - 1, 0)
    count = -(-new // (longest - 1))
    owners = np.repeat(np.arange(len(new)), count)
    number = np.arange(len(owners)) - np.repeat(np.cumsum(count) - count, count)
    stops = starts[owners + 1] - number * (longest - 1)
    return np.maximum(starts[owners], stops - longest), stops


def batches(lengths: np.ndarray, size: int, draw: np.random.Generator) -> Iterator[np.ndarray]:
    """Batches (m,) of things that are about as long, in random order; which of one length are together is drawn."""
    order = np.lexsort((draw.random(len(lengths)), lengths))
    for start in draw.permutation(np.arange(0, len(order), size)).tolist():
        yield order[start : start + size]


def together(ids: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pieces (n, longest) int64 with zeros behind their ends, and their lengths (n,) int64."""
    lengths = stops - starts
    places = np.arange(lengths.max())
    inside = places < lengths[:, None]
    found = np.zeros(inside.shape, np.int64)
    found[inside] = ids[(starts[:, None] + places)[inside]]
    return found, lengths
