"""Whole transformers learn labels: a head on the network, for texts or for tokens, and cross-entropy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kinfold.core.errors import BadData, BadOption, MissingExtra
from kinfold.core.progress import Progress, quiet
from kinfold.core.threads import many
from kinfold.io.checkpoint import Checkpoint
from kinfold.learn.finetune import device_of, optimizer, seeded, set_rate, together

# What takes no part in the loss, as torch has it.
IGNORED = -100
# Batches whose texts are sorted by length together: their order stays one of chance.
_SORTED = 32
_TOLD = 64  # texts that are told at once

Kind = str  # "text" or "token"


class Tuned(NamedTuple):
    """What was learned.

    Args:
        model: Of the transformers library, as it was after the best epoch.
        epochs: Of each the loss, the value on what was held out, and texts a second.
        best: The best epoch, from 1.
        held: Scores of what was held out, (labels,) or (tokens, labels) float32 each.
    """

    model: Any
    epochs: list[tuple[float, float, float]]
    best: int
    held: list[np.ndarray]


@dataclass(frozen=True, slots=True)
class Head:
    """Fine-tuning: the network and a new head learn together, and the epoch that is best on a held-out part is kept.

    Texts of about one length are in a batch, in an order of chance. AdamW; the rate rises, then falls linearly to 0.

    Args:
        epochs: How often all texts are seen.
        learning_rate: The highest.
        batch: Texts of a step.
        warmup: Share of all steps in which the rate rises.
        decay: Of the weights.
        max_length: Tokens of a text that are read, with the special ones; no more than the model has places for.
        clip: The longest gradient.

    Raises:
        BadOption: An option outside its range.

    Source:
        Devlin et al. 2019 (arXiv 1810.04805); Mosbach et al. 2021 (arXiv 2006.04884: what makes it stable).
    """

    epochs: int = 3
    learning_rate: float = 5e-5
    batch: int = 32
    warmup: float = 0.1
    decay: float = 0.01
    max_length: int = 128
    clip: float = 1.0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch", 1), ("max_length", 8)):
            if getattr(self, name) < least:
                raise BadOption(f"{name} is {getattr(self, name)}; it is at least {least}.")
        if not 0 < self.learning_rate < 1:
            raise BadOption(f"learning_rate is {self.learning_rate}; it is above 0 and below 1.")
        if not 0 <= self.warmup < 1 or self.decay < 0 or self.clip <= 0:
            raise BadOption(
                f"warmup is {self.warmup}, decay {self.decay}, clip {self.clip}; they are a share below 1, "
                "a number of at least 0, and one above 0."
            )

    def fit(
        self,
        checkpoint: Checkpoint,
        texts: Sequence[np.ndarray],
        targets: Sequence[Any] | np.ndarray,
        labels: Sequence[str],
        held: Sequence[np.ndarray],
        judge: Callable[[list[np.ndarray]], float],
        *,
        kind: Kind = "text",
        padding: int = 0,
        device: str | None = None,
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = quiet,
    ) -> Tuned:
        """Learns labels.

        Args:
            checkpoint: The model that is begun with.
            texts: Ids of the tokens of each (L,) int32, with special ones.
            targets: The label of each text (n,) int64, or which labels it has (n, L) bool; for tokens a list of (L,)
                int64, `IGNORED` where none is wanted.
            labels: Their names.
            held: Texts that are not learned from.
            judge: What scores of these are worth; more is better.
            kind: `text` or `token`: what has labels.
            padding: The id that fills up.
            device: As torch names it; by default a GPU where there is one.
            seed: Of the head's first weights, of dropout and of the order.
            threads: How many work at once; as many as there are processors by default.
            progress: Told of every batch.

        Raises:
            BadData: The loss is no number.
            BadFile: The model cannot be loaded.
            MissingExtra: torch or transformers is not installed.
        """
        from kinfold.io.torch_model import using

        torch = _torch()
        place = device_of(device)
        several = kind == "text" and np.ndim(targets) == 2
        rng = np.random.default_rng(seed)
        with using(many(threads)), seeded(seed):
            model = headed(checkpoint, kind, labels, several).to(place)
            adam = optimizer(model.named_parameters(), self.learning_rate, self.decay)
            steps = self.epochs * -(-len(texts) // self.batch)
            progress.start("fine-tune", self.epochs * len(texts), "texts")
            step, best, kept, told = 0, 0, {}, []
            epochs: list[tuple[float, float, float]] = []
            for epoch in range(1, self.epochs + 1):
                model.train()
                began, total = time.perf_counter(), 0.0
                for some in _batches(np.array([len(each) for each in texts]), self.batch, rng):
                    set_rate(adam, self.learning_rate, step, steps, self.warmup)
                    value = _loss(model, [texts[at] for at in some], targets, some, several, padding, place)
                    if not bool(torch.isfinite(value)):
                        raise BadData(
                            f"the loss is no number in epoch {epoch}; take a smaller learning_rate than "
                            f"{self.learning_rate}."
                        )
                    value.backward()
                    torch.nn.utils.clip_grad_norm_(model.parameters(), self.clip)
                    adam.step()
                    adam.zero_grad(set_to_none=True)
                    total += float(value.detach()) * len(some)
                    step += 1
                    progress.advance(len(some), loss=float(value.detach()))
                speed = len(texts) / (time.perf_counter() - began)
                scores = told_by(model, held, kind, padding)
                worth = judge(scores)
                # Of equal ones the later, which has seen more; and the last where nothing is held out.
                if not epochs or worth >= max(each[1] for each in epochs):
                    best, told = epoch, scores
                    kept = {name: each.detach().clone() for name, each in model.state_dict().items()}
                epochs.append((total / len(texts), worth, speed))
            model.load_state_dict(kept)
            model.eval()
        return Tuned(model, epochs, best, told)


def headed(checkpoint: Checkpoint, kind: Kind, labels: Sequence[str] | None = None, several: bool = False) -> Any:
    """A model with a head: a new one where labels are named, else the one that its folder has.

    Raises:
        BadData: The transformers library has no such head for this family.
        BadFile: The model cannot be loaded.
        MissingExtra: torch or transformers is not installed.
    """
    _torch()
    import transformers

    from kinfold.io.torch_model import load

    heads = {"text": "AutoModelForSequenceClassification", "token": "AutoModelForTokenClassification"}
    config: dict[str, Any] = {}
    if labels is not None:
        config = {"num_labels": len(labels), "id2label": dict(enumerate(labels))}
        config["label2id"] = {name: at for at, name in enumerate(labels)}
        if kind == "text":
            config["problem_type"] = f"{'multi' if several else 'single'}_label_classification"
    return load(checkpoint, head=getattr(transformers, heads[kind]), **config)


def told_by(model: Any, texts: Sequence[np.ndarray], kind: Kind, padding: int) -> list[np.ndarray]:
    """Scores of texts (labels,), or of their tokens (tokens, labels), float32."""
    torch = _torch()
    found: list[np.ndarray] = [np.zeros(0, np.float32)] * len(texts)
    model.eval()
    place = str(next(model.parameters()).device)
    order = np.argsort([-len(each) for each in texts], kind="stable")
    with torch.inference_mode():
        for start in range(0, len(order), _TOLD):
            some = order[start : start + _TOLD]
            ids, inside = together([texts[at] for at in some], padding, place)
            scores = model(input_ids=ids, attention_mask=inside).logits.float().cpu().numpy()
            for at, row in zip(some.tolist(), scores, strict=True):
                found[at] = row if kind == "text" else row[: len(texts[at])]
    return found


def divide(model: Any, temperature: float, labels: int) -> None:
    """Divides the scores of a model by a number, in the weights of its last layer: whoever loads it has them so."""
    torch = _torch()
    layers = [each for each in model.modules() if isinstance(each, torch.nn.Linear) and each.out_features == labels]
    with torch.no_grad():
        for each in layers[-1].parameters():
            each.div_(temperature)


def _loss(
    model: Any,
    texts: list[np.ndarray],
    targets: Sequence[Any] | np.ndarray,
    some: np.ndarray,
    several: bool,
    padding: int,
    place: str,
) -> Any:
    import torch.nn.functional as functional
    from torch import from_numpy

    ids, inside = together(texts, padding, place)
    scores = model(input_ids=ids, attention_mask=inside).logits
    if isinstance(targets, np.ndarray):
        wanted = from_numpy(targets[some].astype(np.float32 if several else np.int64)).to(place)
        if several:
            return functional.binary_cross_entropy_with_logits(scores, wanted)
        return functional.cross_entropy(scores, wanted)
    wanted = np.full(tuple(ids.shape), IGNORED, np.int64)
    for line, at in enumerate(some.tolist()):
        wanted[line, : len(targets[at])] = targets[at]
    flat = from_numpy(wanted.reshape(-1)).to(place)
    return functional.cross_entropy(scores.reshape(len(flat), -1), flat, ignore_index=IGNORED)


def _batches(lengths: np.ndarray, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """All texts once (m,) int64 in batches of about one length, in an order of chance."""
    drawn = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(drawn), size * _SORTED):
        some = drawn[start : start + size * _SORTED]
        some = some[np.argsort(lengths[some], kind="stable")]
        batches += [some[first : first + size] for first in range(0, len(some), size)]
    for at in rng.permutation(len(batches)).tolist():
        yield batches[at]


def _torch() -> Any:
    try:
        import torch
        import transformers  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"fine-tuning needs {error.name}, which is not installed: pip install 'kinfold[deep]'."
        ) from error
    return torch
