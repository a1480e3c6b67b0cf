"""Classify: labels for texts, by a classifier that was trained on labeled ones and is judged on others."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from kinfold.core.columns import matrix_of
from kinfold.core.errors import BadData, BadOption, did_you_mean
from kinfold.core.hits import Hits
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Report
from kinfold.core.shapes import Items
from kinfold.core.space import Space
from kinfold.encode.bag import Bag
from kinfold.sources.labeled import PREFIX
from kinfold.sources.labeled import read as read_labeled
from kinfold.sources.text import BadBytes
from kinfold.sources.text import read as read_text
from kinfold.tasks.probed import METHOD, Asked, ProbeClassifier, TunedClassifier, probe
from kinfold.tasks.probed import tune as tuned
from kinfold.tasks.targets import targets
from kinfold.tasks.verdict import check, judge, ranked

# Probabilities of one block, some 16 MB.
_BLOCK = 1 << 22


class Chances(NamedTuple):
    """What a classifier makes of texts.

    Args:
        blocks: Probabilities (texts, labels) float32 of all texts, some at a time.
        notes: What is to be said about the texts.
    """

    blocks: Iterator[np.ndarray]
    notes: Sequence[str] = ()


class Classifier(Protocol):
    """What gives texts probabilities of labels; `predict` and `evaluate` do the rest."""

    @property
    def labels(self) -> Sequence[str]:
        """The labels (L,)."""

    def chances(self, items: Items[Any], *, threads: int | None = None, progress: Progress = quiet) -> Chances:
        """The probabilities of all labels for some texts."""


@dataclass(frozen=True, eq=False)
class TextClassifier(Asked):
    """Texts are compared with the rows of labels, in a Space by `learn.Supervised` or of a supervised fastText model.

    Args:
        space: With the groups `word` and `label`.
        text: How texts are cut into words, as of `encode.bag.Bag`.

    Raises:
        BadData: The Space has no words or no labels, or its card names no loss.
    """

    space: Space
    text: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        lacking = {"word", "label"} - set(self.space.groups)
        if lacking or str(self.space.card.parameters.get("loss")) not in _CHANCES:
            raise BadData(
                f"this Space, by {self.space.card.method}, is no classifier of texts: it has the groups "
                f"{', '.join(self.space.groups)}, where a classifier has word and label. `kinfold classify` trains one."
            )

    @staticmethod
    def open(path: str | os.PathLike[str]) -> TextClassifier:
        """A saved classifier, memory-mapped.

        Raises:
            BadFile: Nothing is there, or it cannot be read.
            BadData: It is not the file of a Space, or not of a classifier.
        """
        from kinfold.io import open as open_any

        return TextClassifier(open_any(path))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the Space, which is all of it.

        Raises:
            BadFile: The folder cannot be written.
        """
        self.space.save(path)

    @functools.cached_property
    def labels(self) -> list[str]:
        """The labels (L,), frequent ones first; fastText's `__label__` is no part of them."""
        names = list(self.space.keys.group("label"))
        if all(name.startswith(PREFIX) for name in names):
            return [name.removeprefix(PREFIX) for name in names]
        return names

    @property
    def training(self) -> Report:
        """What was told of training."""
        return next((each for each in self.space.card.reports if each.title == "training"), Report("training"))

    def with_report(self, report: Report) -> TextClassifier:
        """The same with a report on its card."""
        return dataclasses.replace(self, space=self.space.with_report(report))

    def chances(self, items: Items[Any], *, threads: int | None = None, progress: Progress = quiet) -> Chances:
        """The probabilities of all labels for some texts.

        Those of one-vs-all and of negative sampling are of each label by itself, and do not add up to 1.
        """
        made = self._bag.means(items, threads=threads, progress=progress)
        unknown = int((made.known == 0).sum())
        notes = []
        if unknown:
            nothing = f"{int((made.words == 0).sum()):,} of them no word at all"
            notes.append(f"{unknown:,} of {len(made.rows):,} texts have no word that was learned, {nothing}.")
        return Chances(self._blocks(made.rows), notes)

    def _blocks(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        chances = _CHANCES[self.space.card.parameters["loss"]]
        step = max(1, _BLOCK // max(1, len(self._outputs)))
        for start in range(0, len(rows), step):
            yield chances(self, rows[start : start + step] @ self._outputs.T)

    @functools.cached_property
    def _bag(self) -> Bag:
        return Bag(self.space, self.text)

    @functools.cached_property
    def _outputs(self) -> np.ndarray:
        """What a text is compared to: the rows of the labels, or those of the nodes of their tree."""
        labels = self.space.group("label")
        if self.space.card.parameters["loss"] != "hierarchical":
            return labels.rows.dense()
        nodes = matrix_of(labels.attribute("context"), self.space.dim)
        if len(nodes) < len(labels) - 1:
            raise BadData(
                f"the tree of {len(labels):,} labels has rows of {len(nodes):,} nodes only (attribute context); "
                "train the classifier again."
            )
        return nodes[: max(1, len(labels) - 1)]

    @functools.cached_property
    def _tree(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        from kinfold.kernels.supervised import label_tree

        counts = self.space.group("label").attribute("count")
        if counts.null_count:
            raise BadData("the tree of the labels needs the count of each; train the classifier again.")
        return label_tree(np.asarray(counts, np.int64))


Trained = TextClassifier | ProbeClassifier | TunedClassifier


def open(path: str | os.PathLike[str], model: Any = None) -> Trained:
    """A saved classifier: by fastText, a probe, or the folder of a transformer with a head.

    Args:
        path: What `save` wrote; or a fastText model, or a folder of the transformers library.
        model: What encodes texts for a probe; by default the model that it was learned with.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: It is no classifier.
        FrameMismatch: A probe's model is no longer the one that it was learned with.
    """
    from kinfold.io import open as open_any
    from kinfold.io.checkpoint import is_checkpoint

    if is_checkpoint(path):
        return TunedClassifier.open(path)
    space = open_any(path)
    return ProbeClassifier(space, model) if space.card.method == METHOD else TextClassifier(space)


def train(
    source: Any,
    labels: Any = None,
    *,
    model: Any = None,
    start: Any = None,
    tune: bool = False,
    pooling: str | None = None,
    layers: int | None = None,
    dev: Any = None,
    device: str | None = None,
    text: str = "text",
    label: str = "label",
    prefix: str = PREFIX,
    tokenizer: Literal["words", "whitespace", "ascii"] | Callable[[str], list[str]] = "words",
    lower: bool | None = None,
    bad_bytes: BadBytes = "replace",
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
    **options: Any,
) -> Any:
    """Learns to tell the labels of texts from labeled ones: by supervised fastText, or with a model of texts.

    With a model, and where a text has several labels, each is told by itself; else one of them is. Probabilities are
    calibrated on what was held out, and `training` tells what that did.

    Args:
        source: A file of labeled texts (`__label__warm some text` a line, or .jsonl, .csv, .tsv, .parquet), a frame,
            strings that hold their labels; or, with `labels`, any texts.
        labels: One a text, in order: strings or numbers, lists of them for texts with several, None where there is
            none.
        model: What gives texts rows: the folder of a transformer or of a static model, a Space that an encoder
            opens, or one of words. A linear probe is learned on its rows, which stay as they are.
        start: Word vectors that supervised fastText begins with: a Space, or a file in any format. They give the
            dimension, and rows to words that no labeled text has.
        tune: Whether the model, a transformer's folder, learns as a whole instead.
        pooling: How a transformer's states become the row of a probe, as `mean+max`; by default as the model says.
        layers: How many of its last layers stand side by side in that row; 1 by default. What a text is about is in the
            last one, how it is said often in those before.
        dev: Labeled texts on which the best epoch is chosen; by default a tenth of `source` is held out.
        device: For fine-tuning, as torch names it; by default a GPU where there is one.
        text: Column of the texts.
        label: Column of the labels.
        prefix: What a label in a line begins with; where it is empty, the first word of a line is its label.
        tokenizer: words (Unicode words), whitespace, ascii (white space of ASCII alone), or a function from text to
            tokens.
        lower: Whether tokens are lower-cased; by default only with the tokenizer `words`.
        bad_bytes: What happens to bytes that are not UTF-8: replace, ignore or strict (an error).
        seed: Of everything random.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.
        **options: Fields of `learn.Supervised`: `dim`, `epochs`, `word_ngrams` …; with a model those of
            `learn.probe.Probe`: `folds`, `strengths`; or of `learn.heads.Head`: `epochs`, `learning_rate`, `batch` …

    Returns:
        A TextClassifier, a ProbeClassifier or a TunedClassifier; all have `labels`, `predict`, `evaluate`, `training`
        and `save`.

    Raises:
        BadFile: The file or the model is missing or cannot be read.
        BadData: There are no labels, or all texts have the same one; or the file is damaged.
        BadOption: The learner has no such option, or it is out of range.
        UnknownName: A table has no such column.
        MissingExtra: A library that the model needs is not installed.

    Example:
        >>> classifier = train(["sun and sea", "snow and ice"] * 20, ["summer", "winter"] * 20, dim=8, epochs=20)
        >>> classifier.predict(["the sea"])[0].keys
        ['summer']
    """
    reading: dict[str, Any] = {"text": text, "label": label, "prefix": prefix, "bad_bytes": bad_bytes}
    running: dict[str, Any] = {"seed": seed, "threads": threads, "progress": progress}
    if model is None:
        if tune or dev is not None:
            raise BadOption("fine-tuning begins with a transformer, whose folder has to be named: model=…")
        if pooling is not None or layers is not None:
            raise BadOption("pooling and layers are of a transformer, whose folder has to be named: model=…")
        cutting = {"tokenizer": tokenizer, "lower": lower}
        begin = None if start is None else _begin(start)
        if begin is not None:
            options = {"dim": begin.space.dim, **options}
        learner = _learner("supervised", options)
        return _supervised(read_labeled(source, labels, **reading), cutting, learner, {**running, "start": begin})
    if start is not None:
        raise BadOption("start is for supervised fastText; a model brings vectors of its own.")
    if tokenizer != "words" or lower is not None:
        raise BadOption("a model cuts texts as it was trained to; tokenizer and lower are of supervised fastText.")
    learner = _learner("head" if tune else "probe", options)
    if dev is not None and not tune:
        raise BadOption("a probe chooses its penalty by cross-validation; dev goes with fine-tuning.")
    if tune and (pooling is not None or layers is not None):
        raise BadOption("pooling and layers are of frozen rows; fine-tuning reads the last layer.")
    given = targets(read_labeled(source, labels, **reading))
    if not tune:
        return probe(given, model, learner, **running, pooling=pooling, layers=layers)
    held = None if dev is None else targets(read_labeled(dev, **reading), given.names, given.several)
    return tuned(given, held, model, learner, device=device, **running)


def _begin(vectors: Any) -> Any:
    from kinfold.io import open as open_any
    from kinfold.learn.start import Start

    return Start(vectors if isinstance(vectors, Space) else open_any(vectors))


def _learner(name: str, options: dict[str, Any]) -> Any:
    """The learner with these options.

    Raises:
        BadOption: It has no such option, or one is out of range.
    """
    from kinfold.learn.heads import Head
    from kinfold.learn.probe import Probe
    from kinfold.learn.supervised import Supervised

    kind: Any = {"supervised": Supervised, "probe": Probe, "head": Head}[name]
    known = [field.name for field in dataclasses.fields(kind)]
    for each in options:
        if each not in known:
            raise BadOption(
                f"{name} has no option '{each}'.{did_you_mean(each, known)} It has: {', '.join(sorted(known))}."
            )
    return kind(**options)


def _supervised(
    items: Items[Any], cutting: Mapping[str, Any], learner: Any, running: Mapping[str, Any]
) -> TextClassifier:
    """Learned by supervised fastText."""
    from kinfold.prepare.tokens import labeled

    how = {name: running[name] for name in ("threads", "progress")}
    space = learner.fit(labeled(items, **cutting, **how), **running)
    tokenizer = cutting["tokenizer"]
    cut = {"tokenizer": tokenizer if isinstance(tokenizer, str) else "own", "lower": cutting["lower"]}
    card = dataclasses.replace(space.card, data={**space.card.data, "text": cut})
    return TextClassifier(dataclasses.replace(space, card=card), dict(cutting))


def predict(
    classifier: Classifier,
    texts: Any,
    k: int = 1,
    threshold: float = 0.0,
    *,
    threads: int | None = None,
    progress: Progress = quiet,
) -> list[Hits]:
    """The likeliest labels of texts.

    Args:
        classifier: Trained.
        texts: What `sources.text.read` takes: strings, lists of words, the lines of a file; or Items.
        k: Labels wanted for each text.
        threshold: Only labels of at least this probability.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.

    Returns:
        Hits of each text: labels, and their probabilities as scores. A text without any known word gets what such texts
        get: what is common in training.

    Raises:
        BadOption: `k` below 1, or a threshold outside 0..1.
        BadData: The texts are no texts.
    """
    check(k, threshold)
    items = texts if isinstance(texts, Items) else read_text(texts)
    names = list(classifier.labels)
    found = ranked(classifier.chances(items, threads=threads, progress=progress).blocks, k)
    hits = []
    for ids, scores in zip(found.ids, found.scores, strict=True):
        kept = (ids >= 0) & (scores >= threshold)
        hits.append(Hits([names[at] for at in ids[kept]], scores[kept], ids[kept]))
    return hits


def evaluate(
    classifier: Classifier,
    source: Any,
    labels: Any = None,
    *,
    k: Sequence[int] = (1, 5),
    threshold: float | None = None,
    text: str = "text",
    label: str = "label",
    prefix: str = PREFIX,
    bad_bytes: BadBytes = "replace",
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
) -> Report:
    """How often the labels of texts are told right.

    Args:
        classifier: Trained.
        source: Labeled texts, as of `train`.
        labels: As of `train`.
        k: Depths: precision and recall of the k likeliest labels of each text.
        threshold: Only labels of at least this probability count as told; by default the likeliest one does.
        text: Column of the texts.
        label: Column of the labels.
        prefix: As of `train`.
        bad_bytes: As of `train`.
        seed: Of the intervals, which resample the texts.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.

    Returns:
        As of `verdict.judge`.

    Raises:
        BadFile: The file is missing or cannot be read.
        BadData: No text has a label, there is not one label a text, or the file is damaged.
        BadOption: A depth below 1, or a threshold outside 0..1.
        UnknownName: A table has no such column.
    """
    items = read_labeled(source, labels, text=text, label=label, prefix=prefix, bad_bytes=bad_bytes)
    told = classifier.chances(items, threads=threads, progress=progress)
    name = Path(source).name if isinstance(source, str | os.PathLike) else ""
    report = judge(classifier.labels, items, told.blocks, name=name, k=k, threshold=threshold, seed=seed)
    return dataclasses.replace(report, notes=[*report.notes, *told.notes])


def _softmax(classifier: TextClassifier, scores: np.ndarray) -> np.ndarray:
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def _each(classifier: TextClassifier, scores: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    chances: np.ndarray = expit(scores)
    return chances


def _along_tree(classifier: TextClassifier, scores: np.ndarray) -> np.ndarray:
    from kinfold.kernels.supervised import leaf_chances

    return leaf_chances(scores, *classifier._tree)


_CHANCES: dict[str, Callable[[TextClassifier, np.ndarray], np.ndarray]] = {
    "softmax": _softmax,
    "one-vs-all": _each,
    "negative": _each,
    "hierarchical": _along_tree,
}
