"""Labels of texts by a linear probe on frozen rows, and by a whole network that was fine-tuned."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card
from kinfold.core.errors import BadData, FrameMismatch
from kinfold.core.hits import Hits
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report, Table
from kinfold.core.rows import Rows
from kinfold.core.shapes import Items
from kinfold.core.space import Space
from kinfold.core.threads import many
from kinfold.io.head_write import head_of, note_of, write
from kinfold.learn.calibrate import chances, temperature
from kinfold.learn.heads import Head, divide, headed, told_by
from kinfold.learn.probe import Probe
from kinfold.tasks.rows import of_texts, opened, place_of, states_of
from kinfold.tasks.targets import Targets, judged, parted, training

METHOD = "probe"
# Texts that are told at a time.
_BLOCK = 4096


class Asked:
    """What every classifier can be asked."""

    def predict(
        self,
        texts: Any,
        k: int = 1,
        threshold: float = 0.0,
        *,
        threads: int | None = None,
        progress: Progress = quiet,
    ) -> list[Hits]:
        """The likeliest labels of texts; as of the function `predict`."""
        from kinfold.tasks.classify import Classifier, predict

        told: Classifier = self  # type: ignore[assignment]
        return predict(told, texts, k, threshold, threads=threads, progress=progress)

    def evaluate(self, source: Any, labels: Any = None, **options: Any) -> Report:
        """How often the labels of texts are told right; as of the function `evaluate`."""
        from kinfold.tasks.classify import Classifier, evaluate

        told: Classifier = self  # type: ignore[assignment]
        return evaluate(told, source, labels, **options)


@dataclass(frozen=True, eq=False)
class ProbeClassifier(Asked):
    """Texts are told by linear weights on the rows that a model gives them.

    Args:
        space: The group `label`: weights in the frame of the model's rows, and the attribute `bias`.
        model: What encodes texts; by default the model that the card names.

    Raises:
        BadData: The Space is no probe, or its card names no model.
        FrameMismatch: The model is no longer the one whose rows it was learned on.
    """

    space: Space
    model: Any = None

    def __post_init__(self) -> None:
        if self.space.card.method != METHOD or "label" not in self.space.groups:
            raise BadData(
                f"this Space, by {self.space.card.method}, is no probe; `kinfold classify --model` learns one."
            )
        if self.encoder.frame != self.space.frame:
            raise FrameMismatch(
                f"this probe was learned on rows in the frame {self.space.frame}, and the model gives rows in "
                f"{self.encoder.frame}. Pass the model that it was learned with, or learn the probe again."
            )

    @functools.cached_property
    def encoder(self) -> Any:
        """What gives texts their rows."""
        place = self.model if self.model is not None else self.space.card.parameters.get("model")
        if not place:
            raise BadData("this probe does not know its model's folder; pass it: model=…")
        told = self.space.card.parameters
        return opened(place) if self.model is not None else opened(place, told.get("pooling"), told.get("layers"))

    @property
    def labels(self) -> list[str]:
        """The labels (L,), frequent ones first."""
        return list(self.space.keys.group("label"))

    @property
    def training(self) -> Report:
        """What was told of training."""
        return next((each for each in self.space.card.reports if each.title == "training"), Report("training"))

    def with_report(self, report: Report) -> ProbeClassifier:
        """The same with a report on its card."""
        return replace(self, space=self.space.with_report(report), model=self.encoder)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the Space, which is all of it but the model.

        Raises:
            BadFile: The folder cannot be written.
        """
        self.space.save(path)

    def chances(self, items: Items[Any], *, threads: int | None = None, progress: Progress = quiet) -> Any:
        """The probabilities of all labels for some texts."""
        from kinfold.tasks.classify import Chances

        texts = list(items.raw)
        rows, empty = of_texts(self.encoder, texts, threads=threads, progress=progress)
        notes = [f"{empty:,} of {len(texts):,} texts have no word that the model knows."] if empty else []
        return Chances(self._blocks(rows), notes)

    def _blocks(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        group = self.space.group("label")
        weights, bias = group.rows.dense(), np.asarray(group.attribute("bias"), np.float32)
        each = self.space.card.parameters.get("loss") == "one-vs-rest"
        for start in range(0, len(rows), _BLOCK):
            yield chances(rows[start : start + _BLOCK] @ weights.T + bias, each)


@dataclass(frozen=True, eq=False)
class TunedClassifier(Asked):
    """Texts are told by a transformer with a head.

    Args:
        model: Of the transformers library, with a head for texts.
        checkpoint: Its folder, or that of the model that it was begun with.
        note: How it was learned.
    """

    model: Any
    checkpoint: Any
    note: dict[str, Any]

    @staticmethod
    def open(path: str | os.PathLike[str]) -> TunedClassifier:
        """A folder that `kinfold classify --fine-tune` or the transformers library wrote.

        Raises:
            BadFile: Nothing is there, or it cannot be read.
            BadData: The folder has no head for texts.
            MissingExtra: torch or transformers is not installed.
        """
        from kinfold.io.checkpoint import read

        checkpoint = read(path)
        if head_of(checkpoint.body) != "text":
            raise BadData(
                f"{path}: this model has no head that labels texts; `kinfold classify --model {path} --fine-tune` "
                "learns one."
            )
        return TunedClassifier(headed(checkpoint, "text"), checkpoint, note_of(path))

    @property
    def labels(self) -> list[str]:
        """The labels (L,)."""
        names = self.model.config.id2label
        return [str(names[at]) for at in range(len(names))]

    @property
    def training(self) -> Report:
        """What was told of training; nothing for a folder from elsewhere."""
        told = self.note.get("training")
        return Report.from_dict(told) if told else Report("training")

    def with_report(self, report: Report) -> TunedClassifier:
        """The same with a report in its note."""
        return replace(self, note={**self.note, "report": report.to_dict()})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a folder that the transformers library loads as AutoModelForSequenceClassification.

        Raises:
            BadFile: The folder holds something, or cannot be written.
        """
        write(self.model, self.checkpoint, self.note, path)

    def chances(self, items: Items[Any], *, threads: int | None = None, progress: Progress = quiet) -> Any:
        """The probabilities of all labels for some texts."""
        from kinfold.io.torch_model import using
        from kinfold.tasks.classify import Chances

        texts = list(items.raw)
        for place, text in enumerate(texts):
            if not isinstance(text, str):
                raise BadData(f"text {place:,} is {type(text).__name__}; texts are strings.")
        ids = self._pieces.ids(texts)
        each = self.model.config.problem_type == "multi_label_classification"

        def blocks() -> Iterator[np.ndarray]:
            with using(many(threads)):
                for start in range(0, len(ids), _BLOCK):
                    some = ids[start : start + _BLOCK]
                    yield chances(np.stack(told_by(self.model, some, "text", self._pieces.padding)), each)
                    progress.advance(len(some))

        progress.start("classify", len(ids), "texts")
        return Chances(blocks())

    @functools.cached_property
    def _pieces(self) -> Any:
        from kinfold.prepare.pieces import Pieces

        return Pieces(self.checkpoint, int(self.note.get("max_length") or self.checkpoint.max_length))


def probe(
    given: Targets,
    model: Any,
    learner: Probe,
    *,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
    **states: Any,
) -> ProbeClassifier:
    """A linear probe on the rows that a model gives texts; `states` are `pooling` and `layers` of a transformer.

    Raises:
        BadFile: The model is missing.
        BadData: It encodes no texts.
    """
    made = opened(model, **states)
    rows, empty = of_texts(made, given.texts, threads=threads, progress=progress)
    found = learner.fit(rows, given.wanted, len(given.names), seed=seed, threads=threads, progress=progress)
    notes = [*given.notes]
    if empty:
        notes.append(f"{empty:,} of {len(given.texts):,} texts have no word that the model knows; their rows are zero.")
    table = Table("Penalties", ("strength", "held-out loss"), [list(each) for each in found.tried])
    told = training(found.scores, given.wanted[found.held], found.temperature, [table], notes, seed)
    parameters = {
        "model": place_of(model, made),
        **states_of(made),
        "loss": "one-vs-rest" if given.several else "softmax",
        "strength": found.strength,
        "temperature": found.temperature,
        "folds": learner.folds,
    }
    card = Card(made.frame, METHOD, parameters, seed, {"texts": given.read, "labeled": len(given.texts)}, (), (told,))
    attributes = pa.table({"bias": pa.array(found.bias), "count": pa.array(given.counts)})
    space = Space(Keys(given.names, "label"), Rows(found.rows), Metric.DOT, card, attributes)
    return ProbeClassifier(space, made)


def tune(
    given: Targets,
    held: Targets | None,
    model: Any,
    learner: Head,
    *,
    device: str | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
) -> TunedClassifier:
    """A whole transformer that learns labels.

    Args:
        given: What is learned from.
        held: What the best epoch and the temperature are chosen on; by default a tenth of `given`.
        model: The folder of a transformer, or a hub's name.
        learner: How it learns.
        device: As torch names it.
        seed: Of everything random.
        threads: How many work at once.
        progress: Told of every batch.

    Raises:
        BadFile: The model is missing.
        BadData: It has no such head, or a text is no string.
        MissingExtra: torch or transformers is not installed.
    """
    from kinfold.io.checkpoint import read
    from kinfold.prepare.pieces import Pieces

    checkpoint = read(model)
    pieces = Pieces(checkpoint, min(learner.max_length, checkpoint.max_length))
    texts, wanted, notes = given.texts, given.wanted, list(given.notes)
    if held is None:
        learned, out = parted(wanted, seed)
        held_texts, held_wanted = [texts[at] for at in out], wanted[out]
        texts, wanted = [texts[at] for at in learned], wanted[learned]
    else:
        held_texts, held_wanted = held.texts, held.wanted
        notes += held.notes
    ids, held_ids = pieces.ids(texts), pieces.ids(held_texts)

    def judge(scores: list[np.ndarray]) -> float:
        return judged(np.stack(scores), held_wanted) if scores else 0.0

    how: dict[str, Any] = {"padding": pieces.padding, "device": device, "seed": seed, "threads": threads}
    found = learner.fit(checkpoint, ids, wanted, given.names, held_ids, judge, **how, progress=progress)
    scores = np.stack(found.held) if found.held else np.zeros((0, len(given.names)), np.float32)
    warm = temperature(scores, held_wanted)
    divide(found.model, warm, len(given.names))
    rows = [[epoch, *numbers] for epoch, numbers in enumerate(found.epochs, 1)]
    table = Table("Epochs", ("epoch", "loss", "held out", "texts a second"), rows)
    notes.append(f"epoch {found.best} of {len(rows)} was the best on {len(held_ids):,} texts that were held out.")
    told = training(scores, held_wanted, warm, [table], notes, seed)
    note = {
        "method": "fine-tune",
        "model": str(Path(checkpoint.path).absolute()),
        "max_length": pieces.max_length,
        "temperature": warm,
        "seed": seed,
        "parameters": {name: getattr(learner, name) for name in learner.__slots__},
        "data": {"texts": given.read, "labeled": len(given.texts), "held": len(held_ids)},
        "training": told.to_dict(),
    }
    return TunedClassifier(found.model, checkpoint, note)
