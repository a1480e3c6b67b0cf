"""Tag: spans in sentences, by a tagger that was trained on tagged ones and is judged on others."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from kinfold.core.errors import BadData, BadOption, did_you_mean
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report
from kinfold.core.tags import Marked, Tagged
from kinfold.io.head_write import head_of
from kinfold.sources.conll import Word, words_of
from kinfold.sources.conll import read as read_tagged
from kinfold.sources.text import BadBytes
from kinfold.tasks.spans import decoded, judge
from kinfold.tasks.taggers import METHOD, ChainTagger, TunedTagger, chain, kinds_of
from kinfold.tasks.taggers import tune as tuned

_ARROW = b"ARROW1"  # how the file of a Space begins


class Span(NamedTuple):
    """A span of a text.

    Args:
        text: Its words as they stand there.
        type: What it is.
        begin: Where it begins, in characters.
        end: Where it ends.
        probability: That exactly this is a span of this type.
    """

    text: str
    type: str
    begin: int
    end: int
    probability: float


class Tagger(Protocol):
    """What gives words scores of tags; `predict` and `evaluate` do the rest."""

    @property
    def tags(self) -> Sequence[str]:
        """The tags (T,) in IOB2."""

    def scores(
        self, sentences: Sequence[Sequence[str]], *, threads: int | None = None, progress: Progress = quiet
    ) -> list[np.ndarray]:
        """Logarithms of probabilities (words, T) float32 of each sentence's words."""


def train(
    source: Any,
    *,
    model: Any,
    tune: bool = False,
    layers: int | None = None,
    dev: Any = None,
    device: str | None = None,
    prefix: str = "",
    on_bad: Literal["raise", "skip"] = "raise",
    bad_bytes: BadBytes = "replace",
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
    **options: Any,
) -> ChainTagger | TunedTagger:
    """Learns to find spans in sentences from sentences whose words have tags.

    Args:
        source: As of `sources.conll.read`: a file of lines of a word and its tag, or .jsonl; or pairs of words and
            tags.
        model: What gives words rows: the folder of a transformer (the state of each word in its sentence), or static
            vectors, which are the same wherever a word stands. A chain is learned on the rows of a word and of its
            neighbors, which stay as they are.
        tune: Whether the model, a transformer's folder, learns as a whole instead.
        layers: How many of a transformer's last layers stand side by side in a word's row; 1 by default.
        dev: Tagged sentences on which the best epoch is chosen; by default a tenth of `source` is held out.
        device: For fine-tuning, as torch names it; by default a GPU where there is one.
        prefix: What each word begins with that is no part of it, such as `en:`.
        on_bad: raise an error at a line that is none, or skip and count it.
        bad_bytes: What happens to bytes that are not UTF-8: replace, ignore or strict (an error).
        seed: Of everything random.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.
        **options: Fields of `learn.probe.Probe`; to fine-tune those of `learn.heads.Head`: `epochs`, `learning_rate`,
            `batch` …

    Raises:
        BadFile: The file or the model is missing or cannot be read.
        BadData: A line is broken, or no sentence has a span.
        BadOption: The learner has no such option, or it is out of range.
        MissingExtra: A library that the model needs is not installed.

    Example:
        >>> from kinfold.core.space import Space
        >>> words = Space.of(["in", "Rome", "Paris", "sun"], [[0, 1], [1, 0], [1, 0.1], [0, 0.9]], group="word")
        >>> known = [(["in", "Rome"], ["O", "B-PLACE"]), (["in", "sun"], ["O", "O"])] * 9
        >>> [(span.text, span.type) for span in predict(train(known, model=words), ["sun in Paris"])[0]]
        [('Paris', 'PLACE')]
    """
    from kinfold.learn.heads import Head
    from kinfold.learn.probe import Probe

    kind: Any = Head if tune else Probe
    known = [field.name for field in dataclasses.fields(kind)]
    for name in options:
        if name not in known:
            raise BadOption(
                f"{kind.__name__.lower()} has no option '{name}'.{did_you_mean(name, known)} It has: "
                f"{', '.join(sorted(known))}."
            )
    if not tune:
        options = {"folds": 3, **options}
    learner = kind(**options)
    if dev is not None and not tune:
        raise BadOption("a chain chooses its penalty by cross-validation; dev goes with fine-tuning.")
    if layers is not None and tune:
        raise BadOption("layers are of frozen rows; fine-tuning reads the last one.")
    reading: dict[str, Any] = {"prefix": prefix, "on_bad": on_bad, "bad_bytes": bad_bytes}
    running: dict[str, Any] = {"seed": seed, "threads": threads, "progress": progress}
    given = read_tagged(source, **reading)
    if not tune:
        return chain(given, model, learner, **running, layers=layers)
    held = None if dev is None else read_tagged(dev, **reading)
    return tuned(given, held, model, learner, device=device, **running)


def is_tagger(path: str | os.PathLike[str]) -> bool:
    """Whether a file or folder is that of a tagger; it may be damaged all the same.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: The file of a Space is damaged.
    """
    if Path(path).is_dir():
        return head_of(path) == "token"
    from kinfold.core.files import existing
    from kinfold.core.space import Space

    with existing(path).open("rb") as stream:
        if stream.read(len(_ARROW)) != _ARROW:
            return False
    return Space.open(path).card.method == METHOD


def open(path: str | os.PathLike[str], model: Any = None) -> ChainTagger | TunedTagger:
    """A saved tagger.

    Args:
        path: What `save` wrote, or a folder of the transformers library with a head for tokens.
        model: What gives words rows for a chain; by default the model that it was learned with.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: It is no tagger.
        FrameMismatch: A chain's model is no longer the one that it was learned with.
    """
    from kinfold.io import open as open_any

    return TunedTagger.open(path) if Path(path).is_dir() else ChainTagger(open_any(path), model)


def predict(
    tagger: Tagger, texts: Any, threshold: float = 0.0, *, threads: int | None = None, progress: Progress = quiet
) -> list[list[Span]]:
    """The spans of texts.

    Args:
        tagger: Trained.
        texts: Strings, which are cut into words, or lists of words; places in those are as if blanks stood between.
        threshold: Only spans of at least this probability.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.

    Raises:
        BadData: A text is neither.
        BadOption: A threshold outside 0..1.
    """
    if not 0 <= threshold <= 1:
        raise BadOption(f"threshold is {threshold}; it is a probability from 0 to 1.")
    if isinstance(texts, str | bytes | Mapping):
        raise BadData("texts are a list of strings, or of lists of words; put one in a list.")
    cut = [_cut(text, place) for place, text in enumerate(texts)]
    full = [at for at, (_, words) in enumerate(cut) if words]
    sentences = [[word.text for word in cut[at][1]] for at in full]
    told = decoded(tagger.tags, tagger.scores(sentences, threads=threads, progress=progress))
    found: list[list[Span]] = [[] for _ in cut]
    for at, each in zip(full, told, strict=True):
        text, words = cut[at]
        for (kind, first, last), chance in zip(each.spans, each.chances.tolist(), strict=True):
            begin, end = words[first].begin, words[last - 1].end
            if chance >= threshold:
                found[at].append(Span(text[begin:end], kind, begin, end, chance))
    return found


def _cut(text: Any, place: int) -> tuple[str, list[Word]]:
    if isinstance(text, str):
        return text, words_of(text)
    if not isinstance(text, Sequence) or not all(isinstance(word, str) and word for word in text):
        raise BadData(f"text {place:,} is neither a string nor a list of words.")
    words, begin = [], 0
    for word in text:
        words.append(Word(word, begin, begin + len(word)))
        begin += len(word) + 1
    return " ".join(text), words


def evaluate(
    tagger: Tagger,
    source: Any,
    *,
    seen: Collection[str] | None = None,
    prefix: str = "",
    on_bad: Literal["raise", "skip"] = "raise",
    bad_bytes: BadBytes = "replace",
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
) -> Report:
    """How many spans of sentences are found exactly.

    Args:
        tagger: Trained.
        source: Tagged sentences, as of `train`.
        seen: The words of training: spans with another one are judged apart, too.
        prefix: As of `train`.
        on_bad: As of `train`.
        bad_bytes: As of `train`.
        seed: Of the intervals, which resample the sentences.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.

    Returns:
        As of `spans.judge`.

    Raises:
        BadFile: The file is missing or cannot be read.
        BadData: A line is broken.
    """
    given = read_tagged(source, prefix=prefix, on_bad=on_bad, bad_bytes=bad_bytes)
    told = decoded(tagger.tags, tagger.scores(given.words, threads=threads, progress=progress))
    name = Path(source).name if isinstance(source, str | os.PathLike) else ""
    spans: list[list[Marked]] = [each.spans for each in told]
    report = judge(given.tags, spans, given.words, name=name, seen=seen, seed=seed)
    unknown = sorted(set(kinds_of(given.tags)) - {tag[2:] for tag in tagger.tags})
    notes = [*report.notes]
    if unknown:
        notes.append(f"training had no span of the types {', '.join(unknown)}: these count as missed.")
    if given.skipped:
        notes.append(f"{given.skipped:,} broken lines were skipped.")
    return dataclasses.replace(report, notes=notes)


def vocabulary(source: Tagged | Any, **reading: Any) -> set[str]:
    """The words of tagged sentences, for `seen`."""
    given = source if isinstance(source, Tagged) else read_tagged(source, **reading)
    return {word for sentence in given.words for word in sentence}
