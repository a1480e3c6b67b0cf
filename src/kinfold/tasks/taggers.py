"""What finds spans: a chain over frozen rows of words and their neighbors, and a whole network that was fine-tuned."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kinfold.core.card import Card
from kinfold.core.errors import BadData, FrameMismatch
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report, Table
from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.core.tags import Tagged
from kinfold.core.threads import many
from kinfold.io.head_write import head_of, note_of, write
from kinfold.learn.calibrate import temperature
from kinfold.learn.heads import IGNORED, Head, divide, headed, told_by
from kinfold.learn.probe import Probe
from kinfold.prepare.windows import central, windows
from kinfold.tasks.rows import of_words, opened, place_of, states_of
from kinfold.tasks.spans import allowed, decoded, f1
from kinfold.tasks.targets import training

METHOD = "chain"
_HELD = 0.1
# What a tag scores that a word cannot have, a logarithm.
_NEVER = -20.0


class Tagging:
    """What every tagger can be asked."""

    def predict(self, texts: Any, threshold: float = 0.0, **options: Any) -> Any:
        """The spans of texts; as of the function `tag.predict`."""
        from kinfold.tasks.tag import Tagger, predict

        told: Tagger = self  # type: ignore[assignment]
        return predict(told, texts, threshold, **options)

    def evaluate(self, source: Any, *, seen: Collection[str] | None = None, **options: Any) -> Report:
        """How many spans of sentences are found exactly; as of the function `tag.evaluate`."""
        from kinfold.tasks.tag import Tagger, evaluate

        told: Tagger = self  # type: ignore[assignment]
        return evaluate(told, source, seen=seen, **options)


@dataclass(frozen=True, eq=False)
class ChainTagger(Tagging):
    """Words are told by linear weights on the rows of the word before, of the word, and of the word behind it.

    Args:
        space: The group `label`: weights of each tag, three times as wide as rows, and the attribute `bias`.
        model: What gives words rows; by default the model that the card names.

    Raises:
        BadData: The Space is no chain, or its card names no model.
        FrameMismatch: The model is no longer the one whose rows it was learned on.
    """

    space: Space
    model: Any = None

    def __post_init__(self) -> None:
        if self.space.card.method != METHOD or "label" not in self.space.groups:
            raise BadData(f"this Space, by {self.space.card.method}, is no tagger; `kinfold tag` learns one.")
        frame = self.space.card.parameters.get("frame")
        if self.encoder.frame != frame:
            raise FrameMismatch(
                f"this tagger was learned on rows in the frame {frame}, and the model gives rows in "
                f"{self.encoder.frame}. Pass the model that it was learned with, or learn the tagger again."
            )

    @functools.cached_property
    def encoder(self) -> Any:
        """What gives words their rows."""
        place = self.model if self.model is not None else self.space.card.parameters.get("model")
        if not place:
            raise BadData("this tagger does not know its model's folder; pass it: model=…")
        told = self.space.card.parameters
        return opened(place) if self.model is not None else opened(place, told.get("pooling"), told.get("layers"))

    @property
    def tags(self) -> list[str]:
        """The tags (T,) in IOB2."""
        return list(self.space.keys.group("label"))

    @property
    def training(self) -> Report:
        """What was told of training."""
        return next((each for each in self.space.card.reports if each.title == "training"), Report("training"))

    def with_report(self, report: Report) -> ChainTagger:
        """The same with a report on its card."""
        return replace(self, space=self.space.with_report(report), model=self.encoder)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the Space, which is all of it but the model.

        Raises:
            BadFile: The folder cannot be written.
        """
        self.space.save(path)

    def scores(
        self, sentences: Sequence[Sequence[str]], *, threads: int | None = None, progress: Progress = quiet
    ) -> list[np.ndarray]:
        """Logarithms of probabilities (words, T) float32 of each sentence's words."""
        from scipy.special import log_softmax

        rows, _ = of_words(self.encoder, sentences, threads=threads, progress=progress)
        group = self.space.group("label")
        weights, bias = group.rows.dense().T, np.asarray(group.attribute("bias"), np.float32)
        return [log_softmax(beside(each) @ weights + bias, axis=1).astype(np.float32) for each in rows]


def beside(rows: np.ndarray) -> np.ndarray:
    """Rows (words, 3 dim) of the word before, the word, and the word behind it; zeros where there is none."""
    none = np.zeros((1, rows.shape[1]), rows.dtype)
    return np.hstack([np.vstack([none, rows[:-1]]), rows, np.vstack([rows[1:], none])])[: len(rows)]


@dataclass(frozen=True, eq=False)
class TunedTagger(Tagging):
    """Words are told by a transformer with a head, at the first token of each.

    Args:
        model: Of the transformers library, with a head for tokens.
        checkpoint: Its folder, or that of the model that it was begun with.
        note: How it was learned.

    Raises:
        BadData: The labels of its head are no tags.
    """

    model: Any
    checkpoint: Any
    note: dict[str, Any]

    def __post_init__(self) -> None:
        from kinfold.core.tags import is_tag

        bad = next((tag for tag in self.tags if not (is_tag(tag) and tag[0] in "OBI")), None)
        if bad is not None or "O" not in self.tags:
            raise BadData(
                f"{self.checkpoint.path}: its label {bad!r} is no tag of IOB2 (O, B-TYPE, I-TYPE); "
                "`kinfold tag --fine-tune` learns such a model."
            )

    @staticmethod
    def open(path: str | os.PathLike[str]) -> TunedTagger:
        """A folder that `kinfold tag --fine-tune` or the transformers library wrote.

        Raises:
            BadFile: Nothing is there, or it cannot be read.
            BadData: The folder has no head for tokens, or its labels are no tags.
            MissingExtra: torch or transformers is not installed.
        """
        from kinfold.io.checkpoint import read

        checkpoint = read(path)
        if head_of(checkpoint.body) != "token":
            raise BadData(
                f"{path}: this model has no head that tags words; `kinfold tag --model {path} --fine-tune` learns one."
            )
        return TunedTagger(headed(checkpoint, "token"), checkpoint, note_of(path))

    @property
    def tags(self) -> list[str]:
        """The tags (T,) in IOB2."""
        names = self.model.config.id2label
        return [str(names[at]) for at in range(len(names))]

    @property
    def training(self) -> Report:
        """What was told of training; nothing for a folder from elsewhere."""
        told = self.note.get("training")
        return Report.from_dict(told) if told else Report("training")

    def with_report(self, report: Report) -> TunedTagger:
        """The same with a report in its note."""
        return replace(self, note={**self.note, "report": report.to_dict()})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a folder that the transformers library loads as AutoModelForTokenClassification.

        Raises:
            BadFile: The folder holds something, or cannot be written.
        """
        write(self.model, self.checkpoint, self.note, path)

    def scores(
        self, sentences: Sequence[Sequence[str]], *, threads: int | None = None, progress: Progress = quiet
    ) -> list[np.ndarray]:
        """Logarithms of probabilities (words, T) float32 of each sentence's words."""
        from kinfold.io.torch_model import using

        cut = Windows(self._pieces, sentences)
        progress.start("tag", len(sentences), "sentences")
        with using(many(threads)):
            found = told_by(self.model, cut.ids, "token", self._pieces.padding)
        progress.advance(len(sentences))
        return [_logarithms(each, self.tags) for each in cut.of_words(found, len(self.tags))]

    @functools.cached_property
    def _pieces(self) -> Any:
        from kinfold.prepare.pieces import Pieces

        return Pieces(self.checkpoint, int(self.note.get("max_length") or self.checkpoint.max_length))


class Windows:
    """Sentences as ids of tokens, as many at a time as a model reads, and which token speaks for each word.

    Args:
        pieces: The tokenizer.
        sentences: Words of each.
    """

    def __init__(self, pieces: Any, sentences: Sequence[Sequence[str]]) -> None:
        begins, ends = pieces.special
        inner = max(1, pieces.max_length - len(begins) - len(ends))
        self.ids: list[np.ndarray] = []
        # Of each sentence: its number of words, those that have a token, and window and place of each.
        self.firsts: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]] = []
        for words in sentences:
            ids, owner = pieces.of_words(words)
            spans = windows(owner, inner) if len(ids) else []
            known, tokens = np.unique(owner, return_index=True)
            known, tokens = known[known >= 0], tokens[known >= 0]
            which = central(spans, tokens) if len(tokens) else np.zeros(0, np.int64)
            inside = tokens - np.array([first for first, _ in spans] or [0])[which] + len(begins)
            self.firsts.append((len(words), known, which + len(self.ids), inside))
            self.ids += [np.concatenate([begins, ids[first:last], ends]) for first, last in spans]

    def targets(self, wanted: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The tag of each token of each window (L,) int64: `IGNORED` but for those that speak for a word."""
        made = [np.full(len(each), IGNORED, np.int64) for each in self.ids]
        for tags, (_, known, which, inside) in zip(wanted, self.firsts, strict=True):
            for word, window, place in zip(known.tolist(), which.tolist(), inside.tolist(), strict=True):
                made[window][place] = tags[word]
        return made

    def of_words(self, scores: Sequence[np.ndarray], tags: int) -> list[np.ndarray]:
        """Scores (words, tags) float32 of each sentence of those of tokens; NaN for words without a token."""
        found = []
        for words, known, which, inside in self.firsts:
            made = np.full((words, tags), np.nan, np.float32)
            for word, window, place in zip(known.tolist(), which.tolist(), inside.tolist(), strict=True):
                made[word] = scores[window][place]
            found.append(made)
        return found


def _logarithms(scores: np.ndarray, tags: Sequence[str]) -> np.ndarray:
    """Logarithms of probabilities of scores (words, T); a word without a token is outside."""
    from scipy.special import log_softmax

    none = np.isnan(scores).all(axis=1)
    scores = np.where(none[:, None], _NEVER, scores)
    scores[none, list(tags).index("O")] = 0.0
    found: np.ndarray = log_softmax(scores, axis=1).astype(np.float32)
    return found


def chain(
    given: Tagged,
    model: Any,
    learner: Probe,
    *,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
    **states: Any,
) -> ChainTagger:
    """A chain on the rows that a model gives words; of a transformer, `states` may tell how many `layers`.

    Raises:
        BadFile: The model is missing.
        BadData: No sentence has a span, or the model gives no rows.
    """
    made = opened(model, **states)
    tags, wanted, counts, notes = _numbered(given)
    rows, empty = of_words(made, given.words, threads=threads, progress=progress)
    features = np.concatenate([beside(each) for each in rows])
    lengths = [len(each) for each in rows]
    owners = np.repeat(np.arange(len(rows)), lengths)
    targets = np.concatenate(wanted)
    found = learner.fit(features, targets, len(tags), owners, seed=seed, threads=threads, progress=progress)
    if empty:
        notes.append(f"{empty:,} of {len(features):,} words have no row in the model; theirs are zero.")
    table = Table("Penalties", ("strength", "held-out loss"), [list(each) for each in found.tried])
    told = training(found.scores, targets[found.held], found.temperature, [table], notes, seed)
    parameters = {
        "model": place_of(model, made),
        **states_of(made),
        "frame": made.frame,
        "strength": found.strength,
        "temperature": found.temperature,
        "folds": learner.folds,
    }
    data = {"sentences": len(given), "words": len(features), "scheme": given.scheme, "skipped": given.skipped}
    card = Card(f"{METHOD}-{made.frame}", METHOD, parameters, seed, data, (), (told,))
    attributes = pa.table({"bias": pa.array(found.bias), "count": pa.array(counts)})
    return ChainTagger(Space(Keys(tags, "label"), Rows(found.rows), Metric.DOT, card, attributes), made)


def tune(
    given: Tagged,
    held: Tagged | None,
    model: Any,
    learner: Head,
    *,
    device: str | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
) -> TunedTagger:
    """A whole transformer that learns tags.

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
        BadData: No sentence has a span, or the model has no such head.
        MissingExtra: torch or transformers is not installed.
    """
    from kinfold.io.checkpoint import read
    from kinfold.prepare.pieces import Pieces

    checkpoint = read(model)
    pieces = Pieces(checkpoint, min(learner.max_length, checkpoint.max_length))
    tags, _, _, notes = _numbered(given)
    if held is None:
        given, held = _parted(given, seed)
    ids = {tag: at for at, tag in enumerate(tags)}
    cut, held_cut = Windows(pieces, given.words), Windows(pieces, held.words)
    targets = cut.targets([np.array([ids[tag] for tag in each], np.int64) for each in given.tags])
    # A type that only the held-out part has is none that can be told.
    known = [np.array([ids.get(tag, IGNORED) for tag in each], np.int64) for each in held.tags]

    def judge(scores: list[np.ndarray]) -> float:
        words = [_logarithms(each, tags) for each in held_cut.of_words(scores, len(tags))]
        return f1(held.tags, [each.spans for each in decoded(tags, words)])

    how: dict[str, Any] = {"padding": pieces.padding, "device": device, "seed": seed, "threads": threads}
    found = learner.fit(checkpoint, cut.ids, targets, tags, held_cut.ids, judge, kind="token", **how, progress=progress)
    scores = np.concatenate([np.zeros((0, len(tags)), np.float32), *found.held])
    wanted = np.concatenate([np.zeros(0, np.int64), *held_cut.targets(known)])
    scores, wanted = scores[wanted >= 0], wanted[wanted >= 0]
    warm = temperature(scores, wanted)
    divide(found.model, warm, len(tags))
    rows = [[epoch, *numbers] for epoch, numbers in enumerate(found.epochs, 1)]
    table = Table("Epochs", ("epoch", "loss", "held-out F1", "sentences a second"), rows)
    notes.append(f"epoch {found.best} of {len(rows)} was the best on {len(held):,} sentences that were held out.")
    told = training(scores, wanted, warm, [table], notes, seed)
    note = {
        "method": "fine-tune",
        "model": str(Path(checkpoint.path).absolute()),
        "max_length": pieces.max_length,
        "temperature": warm,
        "seed": seed,
        "parameters": {name: getattr(learner, name) for name in learner.__slots__},
        "data": {"sentences": len(given), "held": len(held), "scheme": given.scheme, "skipped": given.skipped},
        "training": told.to_dict(),
    }
    return TunedTagger(found.model, checkpoint, note)


def kinds_of(tags: Sequence[Sequence[str]]) -> Counter[str]:
    """How many spans of each type there are."""
    return Counter(tag[2:] for each in tags for tag in each if tag.startswith("B-"))


def _numbered(given: Tagged) -> tuple[list[str], list[np.ndarray], np.ndarray, list[str]]:
    """All tags, those of each sentence as numbers, how often each is there, and what is to be said."""
    kinds = kinds_of(given.tags)
    if not kinds:
        raise BadData(f"none of the {len(given):,} sentences has a span; there is nothing to learn.")
    tags = allowed(sorted(kinds, key=lambda each: (-kinds[each], each)))
    ids = {tag: at for at, tag in enumerate(tags)}
    wanted = [np.array([ids[tag] for tag in each], np.int64) for each in given.tags]
    counts = np.bincount(np.concatenate(wanted), minlength=len(tags))
    notes = []
    alone = [kind for kind in kinds if kinds[kind] == 1]
    if alone:
        some = ", ".join(f"'{kind}'" for kind in alone[:5]) + (" …" if len(alone) > 5 else "")
        notes.append(f"{len(alone):,} of {len(kinds):,} types have one example only ({some}).")
    if given.skipped:
        notes.append(f"{given.skipped:,} broken lines were skipped.")
    return tags, wanted, counts, notes


def _parted(given: Tagged, seed: int) -> tuple[Tagged, Tagged]:
    """What is learned from, and a tenth of the sentences that is held out."""
    drawn = np.random.default_rng(seed).permutation(len(given))
    out = np.sort(drawn[: max(1, round(_HELD * len(given)))]) if len(given) > 1 else drawn[:0]
    rest = np.setdiff1d(drawn, out)

    def part(some: np.ndarray) -> Tagged:
        return replace(given, words=[given.words[at] for at in some], tags=[given.tags[at] for at in some])

    return part(rest), part(out)
