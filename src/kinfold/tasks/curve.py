"""What knowing language is worth: accuracy with few and with many labels, by counts, word vectors and a transformer."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinfold.core.errors import BadData, BadOption
from kinfold.core.progress import Progress, quiet
from kinfold.core.report import Finding, Report, Table
from kinfold.core.shapes import Items
from kinfold.sources.labeled import PREFIX
from kinfold.sources.labeled import read as read_labeled
from kinfold.sources.text import BadBytes
from kinfold.tasks.probed import Asked
from kinfold.tasks.rows import of_texts, opened
from kinfold.tasks.targets import Targets, targets

_SAMPLES = 1000
_WORD = r"(?u)\w+|[^\w\s]"
_STEPS = 60  # of fine-tuning, at least: few texts are seen more often
_EMPTY = "a curve is of texts that have one label each; some here have several."


@dataclass(frozen=True, eq=False)
class CountedClassifier(Asked):
    """Texts are told by which words they have: TF-IDF and logistic regression.

    Args:
        names: The labels (L,).
        weigh: Texts become rows.
        model: Rows become probabilities of those labels that training had.
    """

    names: Sequence[str]
    weigh: Any
    model: Any

    @property
    def labels(self) -> list[str]:
        """The labels (L,)."""
        return list(self.names)

    @property
    def training(self) -> Report:
        """Nothing is told of training."""
        return Report("training")

    def chances(self, items: Items[Any], *, threads: int | None = None, progress: Progress = quiet) -> Any:
        """The probabilities of all labels for some texts."""
        from kinfold.tasks.classify import Chances

        texts = list(items.raw)
        made = np.zeros((len(texts), len(self.names)), np.float32)
        if texts:
            made[:, self.model.classes_] = self.model.predict_proba(self.weigh.transform(texts))
        return Chances(iter([made]))


def counted(items: Items[Any], *, grams: int = 2, strength: float | None = None) -> CountedClassifier:
    """Learns labels from TF-IDF of words, with logarithms of counts.

    Args:
        items: Texts with one label each.
        grams: Words that stand together and are counted as one, at most.
        strength: The inverse penalty; by default chosen of 1, 10 and 100 by cross-validation.

    Raises:
        BadData: All texts have the same label, or one has several.
    """
    given = targets(items)
    if given.several:
        raise BadData(_EMPTY)
    return _counted(given.texts, given.wanted, given.names, grams, strength)


def _counted(
    texts: Sequence[str], wanted: np.ndarray, names: Sequence[str], grams: int, strength: float | None
) -> CountedClassifier:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    weigh = TfidfVectorizer(token_pattern=_WORD, ngram_range=(1, grams), sublinear_tf=True)
    rows = weigh.fit_transform(texts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        counts = np.bincount(wanted)
        if strength is None and counts[counts > 0].min() >= 3:
            strength = max(
                (1.0, 10.0, 100.0),
                key=lambda each: float(
                    cross_val_score(LogisticRegression(C=each, max_iter=500), rows, wanted, cv=3).mean()
                ),
            )
        model = LogisticRegression(C=strength or 10.0, max_iter=1000).fit(rows, wanted)
    return CountedClassifier(names, weigh, model)


class _Remembered:
    """An encoder whose rows of some texts are made once."""

    def __init__(
        self, model: Any, texts: Sequence[str], threads: int | None, progress: Progress, **states: Any
    ) -> None:
        made = opened(model, **states)
        distinct = list(dict.fromkeys(texts))
        self._rows, _ = of_texts(made, distinct, threads=threads, progress=progress)
        self._ids = {text: at for at, text in enumerate(distinct)}
        self.frame, self.dim = made.frame, made.dim

    def vectors(self, texts: Sequence[str], **how: Any) -> np.ndarray:
        """Rows (n, dim) float32."""
        rows: np.ndarray = self._rows[[self._ids[text] for text in texts]]
        return rows


def curve(
    source: Any,
    test: Any,
    *,
    model: Any,
    words: Any = None,
    tune: bool = True,
    pooling: str | None = None,
    layers: int | None = None,
    shares: Sequence[float] = (0.01, 0.1, 1.0),
    draws: int = 3,
    text: str = "text",
    label: str = "label",
    prefix: str = PREFIX,
    bad_bytes: BadBytes = "replace",
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = quiet,
    **options: Any,
) -> Report:
    """Accuracy on a test with growing shares of the labels, by four methods.

    Args:
        source: Labeled texts, as of `classify.train`; each has one label.
        test: Others, on which all are judged.
        model: The folder of a transformer, or another encoder of texts.
        words: Vectors of words, whose mean a probe is learned on; supervised fastText by default.
        tune: Whether the model is fine-tuned as well, which takes a transformer's folder.
        pooling: Of the frozen model's rows; as of `classify.train`.
        layers: How many of its last layers are in them.
        shares: Of the labels.
        draws: How often a share below 1 is drawn.
        text: Column of the texts.
        label: Column of the labels.
        prefix: What a label in a line begins with.
        bad_bytes: What happens to bytes that are not UTF-8.
        seed: Of what is drawn and learned.
        threads: How many work at once; as many as there are processors by default.
        progress: Told of how far the work is.
        **options: Fields of `learn.heads.Head`, for fine-tuning.

    Returns:
        A finding for each method and share: the mean accuracy over draws, with an interval that resamples draws and
        texts. A table of the shares and methods.

    Raises:
        BadFile: A file or the model is missing.
        BadData: A text has several labels, or there are fewer than two labels.
        BadOption: A share outside 0..1, or fewer than one draw.
        MissingExtra: A library that the model needs is not installed.
    """
    if not shares or min(shares) <= 0 or max(shares) > 1 or draws < 1:
        raise BadOption(f"shares are {list(shares)} and draws {draws}; they are above 0 and at most 1, and at least 1.")
    reading: dict[str, Any] = {"text": text, "label": label, "prefix": prefix, "bad_bytes": bad_bytes}
    given = targets(read_labeled(source, **reading))
    if given.several:
        raise BadData(_EMPTY)
    held = targets(read_labeled(test, **reading), given.names, False)
    running: dict[str, Any] = {"seed": seed, "threads": threads, "progress": progress}
    every = [*given.texts, *held.texts]
    frozen = _Remembered(model, every, threads, progress, pooling=pooling, layers=layers)
    vectors = None if words is None else _Remembered(words, every, threads, progress)
    methods: dict[str, Any] = {
        "TF-IDF": functools.partial(_by_counts),
        "fastText" if vectors is None else "word vectors": functools.partial(_by_words, vectors, running),
        "frozen": functools.partial(_by_rows, frozen, running),
    }
    if tune:
        methods["fine-tuned"] = functools.partial(_by_tuning, model, options, running)
    rng = np.random.default_rng(seed)
    findings, rows, notes = [], [], list(given.notes)
    for share in sorted(shares):
        parts = [_drawn(given, share, rng) for _ in range(draws if share < 1 else 1)]
        row: list[Any] = [len(parts[0].texts)]
        for name, learn in methods.items():
            right = np.stack([_right(learn(part), held) for part in parts])
            low, high = _interval(right, seed)
            findings.append(
                Finding(f"{len(parts[0].texts):,} labels", float(right.mean()), low, high, right.size, "", name)
            )
            row.append(float(right.mean()))
        rows.append(row)
    notes.append(
        f"accuracy on {len(held.texts):,} texts; a share below 1 was drawn {draws} times, and intervals resample draws "
        "and texts."
    )
    table = Table("Accuracy", ("labels", *methods), rows)
    return Report("Learning curve", sorted(findings, key=lambda each: list(methods).index(each.group)), [table], notes)


def _by_counts(part: Targets) -> Any:
    return _counted(part.texts, part.wanted, part.names, 2, None)


def _by_words(vectors: _Remembered | None, running: dict[str, Any], part: Targets) -> Any:
    from kinfold.tasks.classify import train

    if vectors is not None:
        return _by_rows(vectors, running, part)
    # An epoch of few texts is soon over.
    epochs = min(200, max(10, math.ceil(30_000 / max(1, len(part.texts)))))
    labels = [part.names[at] for at in part.wanted]
    return train(part.texts, labels, epochs=epochs, learning_rate=0.3, **running)


def _by_rows(frozen: _Remembered, running: dict[str, Any], part: Targets) -> Any:
    from kinfold.learn.probe import Probe
    from kinfold.tasks.probed import probe

    return probe(part, frozen, Probe(), **running)


def _by_tuning(model: Any, options: dict[str, Any], running: dict[str, Any], part: Targets) -> Any:
    from kinfold.learn.heads import Head
    from kinfold.tasks.probed import tune

    head = Head(**options)
    batch = min(head.batch, max(8, len(part.texts) // 8))
    steps = -(-len(part.texts) // batch)
    epochs = max(head.epochs, math.ceil(_STEPS / steps))
    return tune(part, None, model, Head(**{**options, "batch": batch, "epochs": epochs}), **running)


def _drawn(given: Targets, share: float, rng: np.random.Generator) -> Targets:
    """A share of the texts of each label, one at least."""
    if share >= 1:
        return given
    kept = []
    for label in range(len(given.names)):
        some = rng.permutation(np.flatnonzero(given.wanted == label))
        kept.append(some[: max(1, round(share * len(some)))])
    places = np.sort(np.concatenate(kept))
    counts = np.bincount(given.wanted[places], minlength=len(given.names))
    return given._replace(texts=[given.texts[at] for at in places], wanted=given.wanted[places], counts=counts)


def _right(model: Any, held: Targets) -> np.ndarray:
    """Whether the likeliest label of each text is its own (n,) float64."""
    names = list(model.labels)
    blocks = list(model.chances(Items(held.texts)).blocks)
    told = np.concatenate([each.argmax(axis=1) for each in blocks])
    return np.array([names[at] == held.names[wanted] for at, wanted in zip(told, held.wanted, strict=True)], np.float64)


def _interval(right: np.ndarray, seed: int) -> tuple[float, float]:
    """Of the mean of (draws, n): draws and texts are both resampled."""
    rng = np.random.default_rng(seed)
    draws, count = right.shape
    values = [
        right[rng.integers(0, draws, draws)].mean(axis=0)[rng.integers(0, count, count)].mean() for _ in range(_SAMPLES)
    ]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
