"""Fine-tuning of text encoders: what goes together comes near, what does not goes away."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card, born
from kinfold.core.errors import BadData, BadOption, MissingExtra
from kinfold.core.metric import Metric
from kinfold.core.options import whole
from kinfold.core.progress import Progress, quiet
from kinfold.core.protocols import takes
from kinfold.core.report import Finding, Report, Table
from kinfold.core.shapes import TextPairs, describe
from kinfold.core.threads import many
from kinfold.io.checkpoint import Checkpoint
from kinfold.learn.cached import through
from kinfold.learn.finetune import device_of, optimizer, seeded, set_rate
from kinfold.learn.numbered import Numbered
from kinfold.learn.passes import generator
from kinfold.learn.tuned import Tuned

if TYPE_CHECKING:
    from kinfold.learn.text_network import TextNetwork

LOSSES = ("softmax", "cosent", "cosine", "triplet", "simcse")
DEFAULTS = {"pairs": "softmax", "triplets": "softmax", "scored": "cosent", "texts": "simcse"}
KEEP = ("last", "best")
PRECISIONS = ("float32", "bfloat16")

# Given what makes rows of texts, says what they are worth; the first finding is what the best epoch is chosen by.
Judge = Callable[[Callable[[Sequence[str]], np.ndarray]], Report]

_STEEPEST = 1.0  # norm of a step's gradients, at most


@dataclass(frozen=True, slots=True)
class Contrast:
    """Trains a transformer further, so that its rows say of texts what pairs of them say.

    The data decide how: pairs that go together by a softmax over the batch, with hard negatives where there are some;
    pairs with a score by the order of their cosines; mere texts by what dropout makes of them (SimCSE). Every batch is
    sorted by length, so that little is filled up. The same seed and number of threads give the same weights.

    Args:
        loss: softmax (each to its own among all of the batch), cosent (scores by their order), cosine (scores as
            numbers), triplet (nearer than its negative by a margin) or simcse; by default what suits the data.
        epochs: Passes over the data.
        batch: Pairs of a step; 64 by default, or all where there are fewer.
        small_batch: Texts for which memory is taken at once; a larger batch is embedded in such pieces first, and goes
            through the network again for its gradients (GradCache). By default the batch as it is.
        learning_rate: The highest; 2e-5 by default, and 2e-4 with lora.
        warmup: Share of the steps in which the rate rises; then it falls linearly to 0.
        decay: Of the weights.
        temperature: What similarities are divided by in softmax and simcse, 0.05 by default, and in cosent, 0.2: there
            a lower one heeds little but the few pairs that people and the model see most differently. By default 1
            where a model's rows are compared by inner products.
        margin: By how much cosine a triplet's negative is to be farther.
        dims: Coordinates of which the first so many are to serve by themselves (Matryoshka), as 256,128,64; the whole
            row is always among them.
        dim_weights: Of each of dims, as 1,1,2; 1 by default.
        mine: Negatives for each pair that the model itself finds near among all that is on the right; it finds them
            once, before it learns.
        mine_skip: Nearest ones that are passed over, since they may well be right.
        mine_below: Share of the similarity of its own pair that a mined negative has at most.
        lora: Rank of small matrices that learn in the place of all weights, and are added to them in the end; 0 for
            none.
        max_length: Tokens of a text that are read; by default as the model says.
        keep: last, or best: the epoch that was judged best.
        precision: float32, or bfloat16 for the products.
        device: As torch names it; by default a GPU where there is one.

    Raises:
        BadOption: A field outside its range or one that does not suit the data, or training diverged.
        BadData: There are too few texts, or all are the same.
        MissingExtra: torch or transformers is not installed.
        ShapeMismatch: The data are not TextPairs.

    Source:
        Reimers, Gurevych 2019 (arXiv 1908.10084); softmax: Henderson et al. 2017 (arXiv 1705.00652); cached batches:
        Gao et al. 2021 (arXiv 2101.06983); simcse: Gao, Yao, Chen 2021 (arXiv 2104.08821); Matryoshka: Kusupati et al.
        2022 (arXiv 2205.13147); mined negatives: Moreira et al. 2024 (arXiv 2407.15831); LoRA: Hu et al. 2021 (arXiv
        2106.09685).

    Example:
        >>> Contrast(loss="softmix")
        Traceback (most recent call last):
        kinfold.core.errors.BadOption: loss is 'softmix'; it is one of softmax, cosent, cosine, triplet, simcse.
    """

    takes: ClassVar[type] = TextPairs

    loss: str | None = None
    epochs: int = 1
    batch: int | None = None
    small_batch: int | None = None
    learning_rate: float | None = None
    warmup: float = 0.1
    decay: float = 0.01
    temperature: float | None = None
    margin: float = 0.2
    dims: str | Sequence[int] | None = None
    dim_weights: str | Sequence[float] | None = None
    mine: int = 0
    mine_skip: int = 0
    mine_below: float = 0.95
    lora: int = 0
    max_length: int | None = None
    keep: str = "last"
    precision: str = "float32"
    device: str | None = None

    def __post_init__(self) -> None:
        whole(self, epochs=(1, 10_000), mine=(0, 100), mine_skip=(0, 100_000), lora=(0, 4096))
        for name, least in (("batch", 2), ("small_batch", 1), ("max_length", 4)):
            if getattr(self, name) is not None:
                whole(self, **{name: (least, 1_000_000)})
        for name, known in (("loss", LOSSES), ("keep", KEEP), ("precision", PRECISIONS)):
            value = getattr(self, name)
            if value not in known and not (name == "loss" and value is None):
                raise BadOption(f"{name} is {value!r}; it is one of {', '.join(known)}.")
        for name, value, most in (("learning_rate", self.learning_rate, 1.0), ("temperature", self.temperature, 100.0)):
            if value is not None and not 0 < value <= most:
                raise BadOption(f"{name} is {value!r}; it is above 0 and at most {most:g}.")
        for name, most in (("warmup", 1.0), ("decay", 1.0), ("margin", 2.0), ("mine_below", 1.0)):
            if not 0 <= getattr(self, name) <= most:
                raise BadOption(f"{name} is {getattr(self, name)!r}; it is from 0 to {most:g}.")
        dims, weights = self._dims, _numbers("dim_weights", self.dim_weights, float)
        if any(dim < 1 for dim in dims) or any(not 0 < weight < np.inf for weight in weights):
            raise BadOption("dims are whole numbers from 1 on, and dim_weights are above 0.")
        if weights and len(weights) != len(dims):
            raise BadOption(f"dim_weights are one for each of dims, not {len(weights)} for {len(dims)}.")

    def fit(
        self,
        data: TextPairs,
        model: Checkpoint,
        *,
        judge: Judge | None = None,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
    ) -> Tuned:
        """Trains a model further.

        Args:
            data: Pairs of texts, or texts.
            model: What is begun with, as `io.checkpoint.read` gives it; it is left as it is.
            judge: Asked before the first epoch and after each.
            seed: Of the batches and of what is dropped.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of every step.

        Returns:
            The model with its report, `training`.
        """
        takes(self, data)
        self._suits(data, model)
        try:
            from kinfold.io.torch_model import using
            from kinfold.learn.lora import Low
            from kinfold.learn.text_network import TextNetwork
        except ModuleNotFoundError as error:
            raise MissingExtra(
                f"encoders are trained by {error.name}, which is not installed: pip install 'kinfold[deep]'."
            ) from error
        with using(many(threads)), seeded(seed):
            network = TextNetwork(model, device_of(self.device), self.precision, self.max_length)
            whole_dim = network.dim
            if any(dim > whole_dim for dim in self._dims):
                raise BadOption(f"dims are {self._dims}, and rows of this model have {whole_dim} coordinates.")
            numbered = Numbered.of(data)
            notes = []
            if self.mine:
                numbered, told = self._mined(numbered, network, progress)
                notes.append(told)
            low = Low(network.body, self.lora) if self.lora else None
            report = self._learn(numbered, network, judge, seed, progress)
            if low is not None:
                low.merge()
            frame = born("contrast", network.encode(numbered.texts.slice(0, 64).to_pylist()))
        parameters = {**dataclasses.asdict(self), "loss": self._loss(data), "model": str(model.path)}
        told_report = dataclasses.replace(report, notes=(*report.notes, *notes))
        card = Card(frame, "contrast", parameters, seed, describe(data), reports=(told_report,))
        return Tuned(network.body, network.learned(), card)

    @property
    def _dims(self) -> list[int]:
        return _numbers("dims", self.dims, int)

    def _loss(self, data: TextPairs) -> str:
        return self.loss or DEFAULTS[data.kind]

    def _suits(self, data: TextPairs, model: Checkpoint) -> None:
        """Does nothing where the loss, the data and the batch go together."""
        loss = self._loss(data)
        fits = {
            "softmax": ("pairs", "triplets"),
            "triplet": ("pairs", "triplets") if self.mine else ("triplets",),
            "simcse": ("texts",),
            "cosent": ("scored",),
            "cosine": ("scored",),
        }[loss]
        if data.kind not in fits:
            lacks = {
                "softmax": "pairs of texts without a score",
                "triplet": "a third column, what does not go with the first, or mine=1",
                "simcse": "texts alone",
                "cosent": "pairs of texts with a score",
                "cosine": "pairs of texts with a score",
            }[loss]
            raise BadOption(
                f"the loss {loss} needs {lacks}, and these are {data.kind}; leave loss out to have what suits them."
            )
        if self.mine and data.kind not in ("pairs", "triplets"):
            raise BadOption(
                f"negatives are mined for pairs that go together, and these are {data.kind}; leave mine out."
            )
        if len(data) < 2:
            raise BadData(f"there are {len(data)} pairs or texts to learn from; it takes at least 2.")
        if self.batch is not None and self.batch > len(data):
            raise BadOption(
                f"batch is {self.batch:,}, and there are {len(data):,} pairs; choose batch={len(data)} or less."
            )
        if self.max_length is not None and self.max_length > model.max_length:
            raise BadOption(f"max_length is {self.max_length}, and the model reads {model.max_length} tokens at most.")
        if data.scores is not None and data.scores.min() == data.scores.max():
            raise BadData(f"all {len(data):,} scores are {data.scores[0]:g}; nothing says which pair is more alike.")

    def _learn(
        self, data: Numbered, network: TextNetwork, judge: Judge | None, seed: int, progress: Progress
    ) -> Report:
        import torch

        rate = self.learning_rate or (2e-4 if self.lora else 2e-5)
        adam = optimizer(network.named_parameters(), rate, self.decay)
        learning = [each for _, each in network.named_parameters() if each.requires_grad]
        size = min(self.batch or 64, len(data.left))
        steps = self.epochs * len(list(_batches(len(data.left), size, generator(seed, 0))))
        before = None if judge is None else judge(network.encode)
        told: list[tuple[float, float, Report | None]] = []
        best: tuple[float, int, Any] | None = None
        progress.start("tune", self.epochs * len(data.left), "pairs")
        step = 0
        for epoch in range(self.epochs):
            network.train()
            began, summed, seen = time.perf_counter(), 0.0, 0
            for some in _batches(len(data.left), size, generator(seed, epoch)):
                set_rate(adam, rate, step, steps, self.warmup)
                adam.zero_grad(set_to_none=True)
                loss = self._step(network, data, some)
                if not np.isfinite(loss):
                    raise BadOption(
                        f"training diverged in epoch {epoch + 1}: the loss is {loss}; take a smaller learning_rate."
                    )
                torch.nn.utils.clip_grad_norm_(learning, _STEEPEST)
                adam.step()
                step += 1
                summed, seen = summed + loss * len(some), seen + len(some)
                progress.advance(len(some), loss=loss)
            seconds = time.perf_counter() - began
            report = None if judge is None else judge(network.encode)
            told.append((summed / seen, seen / seconds, report))
            if report is not None and self.keep == "best":
                value = next(iter(report)).value
                if best is None or value > best[0]:
                    best = value, epoch + 1, network.state()
        if best is not None and best[1] < self.epochs:
            network.restore(best[2])
        return _report(told, before, None if best is None else best[1])

    def _step(self, network: TextNetwork, data: Numbered, some: np.ndarray) -> float:
        """Adds the gradients of a batch; gives its loss."""
        texts, loss = self._batch(data, some, network.checkpoint.metric is Metric.DOT)
        distinct, places = np.unique(texts, return_inverse=True)
        if data.right is None:  # each goes through the network twice, and each time something else is dropped
            distinct, places = np.concatenate([texts, texts]), np.arange(2 * len(texts))
        ids = network.ids(data.texts.take(pa.array(distinct)).to_pylist())
        dims = [*self._dims] if network.dim in self._dims or not self._dims else [network.dim, *self._dims]
        if dims:
            from kinfold.learn.losses import nested

            weights = _numbers("dim_weights", self.dim_weights, float) or [1.0] * len(self._dims)
            loss = nested(loss, dims, [1.0] * (len(dims) - len(weights)) + weights)
        return through(network, ids, lambda rows: loss(rows[places]), self.small_batch)

    def _batch(self, data: Numbered, some: np.ndarray, dot: bool) -> tuple[np.ndarray, Callable[[Any], Any]]:
        """The texts (m,) of some pairs, by number, and the loss of their rows."""
        import torch

        from kinfold.learn import losses

        temperature = self.temperature or (1.0 if dot else 0.05 if data.scores is None else 0.2)
        left, count = data.left[some], len(some)
        if data.right is None:
            same = torch.from_numpy(_without_own(left[:, None] == left[None, :]))

            def twice(rows: Any) -> Any:
                scores = losses.between(rows[:count], rows[count:], dot) / temperature
                return losses.softmax(scores, same.to(rows.device))

            return left, twice
        right = data.right[some]
        if data.scores is not None:
            scores = torch.from_numpy(data.scores[some].astype(np.float32))
            exact = self.loss == "cosine"

            def scored(rows: Any) -> Any:
                cosines, wanted = losses.alike(rows[:count], rows[count:], dot), scores.to(rows.device)
                return losses.regression(cosines, wanted) if exact else losses.cosent(cosines, wanted, temperature)

            return np.concatenate([left, right]), scored
        negatives, owners = data.negatives_of(some)
        texts = np.concatenate([left, right, negatives])
        if self.loss == "triplet":

            def apart(rows: Any) -> Any:
                own = losses.alike(rows[owners], rows[count + owners], dot)
                other = losses.alike(rows[owners], rows[2 * count :], dot)
                # A batch may have no negative at all where mining found none.
                return losses.triplet(own, other, self.margin) if len(owners) else (rows * 0).sum()

            return texts, apart
        refused = torch.from_numpy(_without_own(data.belongs(left, texts[count:])))

        def among(rows: Any) -> Any:
            scores = losses.between(rows[:count], rows[count:], dot) / temperature
            return losses.softmax(scores, refused.to(rows.device))

        return texts, among

    def _mined(self, data: Numbered, network: TextNetwork, progress: Progress) -> tuple[Numbered, str]:
        from kinfold.learn.mining import hard_negatives

        assert data.right is not None
        progress.start("mine", None, "texts")
        dot = network.checkpoint.metric is Metric.DOT
        found, starts = hard_negatives(
            data.left,
            data.right,
            lambda some: network.encode(data.texts.take(pa.array(some)).to_pylist()),
            count=self.mine,
            skip=self.mine_skip,
            below=self.mine_below,
            dot=dot,
        )
        count = len(data.left)
        told = f"mined {len(found):,} negatives, {len(found) / count:.2f} a pair"
        if data.negatives is not None:  # behind those that were given
            lists = [
                np.concatenate([data.negatives[a:b], found[c:d]])
                for a, b, c, d in zip(data.starts[:-1], data.starts[1:], starts[:-1], starts[1:], strict=True)
            ]
            starts = np.concatenate([[0], np.cumsum([len(each) for each in lists])])
            found = np.concatenate(lists)
        return data._replace(negatives=found, starts=starts), told


def _batches(count: int, size: int, draw: np.random.Generator) -> Iterator[np.ndarray]:
    """All numbers below count once, in random order; a last batch of one, which says nothing, is left out."""
    order = draw.permutation(count)
    for first in range(0, count, size):
        if count - first > 1:
            yield order[first : first + size]


def _without_own(same: np.ndarray) -> np.ndarray:
    """The same (n, m) with False where a text meets its own."""
    own = np.arange(len(same))
    same[own, own] = False
    return same


def _numbers(name: str, given: Any, kind: Callable[[Any], Any]) -> list[Any]:
    """Numbers between commas, or a list of them."""
    try:
        return [kind(each) for each in (given.split(",") if isinstance(given, str) else given or ())]
    except (TypeError, ValueError) as error:
        raise BadOption(f"{name} is {given!r}; it is numbers between commas, as 256,128,64.") from error


def _report(told: list[tuple[float, float, Report | None]], before: Report | None, kept: int | None) -> Report:
    """`training`: the last loss, what it was worth before and after, and a table of the epochs."""
    number = len(told) if kept is None else kept
    loss, _, judged = told[number - 1]
    findings = [Finding("loss", loss)]
    names = [] if before is None else [each.name for each in before]
    if before is not None and judged is not None:
        findings += [dataclasses.replace(each, group="before") for each in before]
        findings += [dataclasses.replace(each, group="after") for each in judged]
    rows: list[list[Any]] = [] if before is None else [[0, None, None, *(each.value for each in before)]]
    for epoch, (loss, speed, report) in enumerate(told, 1):
        rows.append([epoch, loss, speed, *([] if report is None else [each.value for each in report])])
    notes = [] if kept is None else [f"kept epoch {kept} of {len(told)}, the best"]
    return Report("training", findings, [Table("epochs", ("epoch", "loss", "pairs per second", *names), rows)], notes)
