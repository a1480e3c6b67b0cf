"""Why two things are near: their similarity as a sum over dimensions, and over the parts of their rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kinfold.core.errors import BadData, BadOption, MissingExtra, UnknownName
from kinfold.core.metric import Metric
from kinfold.core.nearest import among, one_side
from kinfold.core.report import Finding, Report, Table
from kinfold.core.shapes import Items
from kinfold.core.space import Space
from kinfold.encode import ENCODERS
from kinfold.encode import encoder as encoder_of
from kinfold.encode.terms import Linear, Terms
from kinfold.transform.autoencoder import FEATURE, activations

_REST, _UNTOLD = "(all else)", "(what features leave)"
_ENDS = 3
# Characters of a text that name it.
_LONGEST = 40
# How near a row of a Space must be to what its encoder gives for its text now, as a cosine.
_SAME = 0.999


class Thing(NamedTuple):
    """One of the two that are compared.

    Args:
        name: What it is called.
        row: (dim,) float64.
        terms: What the row is the sum of, None where it is no sum.
        group: Of a key; None for a text.
    """

    name: str
    row: np.ndarray
    terms: Terms | None
    group: str | None


def decomposition(
    thing: Any, *keys: str, texts: Sequence[str] = (), encoder: Any = None, text: str = "text", k: int = 10
) -> Report:
    """The score of two things as a sum: over dimensions, and over pairs of their parts.

    With rows a = sum_i s_i and b = sum_j t_j, by the inner product the score is the sum of a_d b_d over dimensions, and
    of s_i . t_j over pairs of parts; by the cosine both are divided by |a| |b|. By `l2` it is -|a - b|, the sum of
    -(a_d - b_d)² / |a - b|, and of -(a - b) . s_i / |a - b| and (a - b) . t_j / |a - b| over the parts of each. These
    sums are exact; nothing is estimated.

    Parts are character n-grams of words by fastText, words and n-grams of texts by `supervised`, words of pooled texts,
    tokens of static models and of transformers with a pooling that is linear (these know the text around them), and
    features, where the Space has some by a sparse autoencoder, with what they leave.

    Args:
        thing: A Space; or an encoder, with two texts.
        *keys: Keys of the Space; keys and texts are two together. Words that it has not may be its encoder's.
        texts: Texts, which the encoder gives rows.
        encoder: Of texts; by default that of the Space, or plain means of its words where it has none.
        text: The attribute of the texts that keys stand for, where the Space has such.
        k: Lines of each table, the largest first; what is left is one more, so that each table adds up to the score.

    Returns:
        `score`, `largest dimensions` (how much of it the k largest come to) and tables: where there are parts, Pairs of
        parts and the parts of each thing; and Dimensions.

    Raises:
        UnknownKey: A key is that of no row.
        BadOption: These are not two things, or `k` below 1.
        BadData: A text has no row, or a row is not finite.
        FrameMismatch: The encoder is not of the Space.

    Source:
        Bojanowski et al. 2017 (arXiv 1607.04606; which n-grams make words alike).

    Example:
        >>> space = Space.of(["cat", "dog"], [[3, 4], [4, 3]])
        >>> found = decomposition(space, "cat", "dog")
        >>> round(found["score"].value, 2), found.tables[0].rows[0][:4]
        (0.96, ['0', 0.6, 0.8, 0.48])
    """
    if len(keys) + len(texts) != 2:
        raise BadOption(
            f"a similarity is of two things: name two keys, two texts, or one of each; keys named: "
            f"{len(keys)}, texts: {len(texts)}."
        )
    if k < 1:
        raise BadOption(f"k is {k}; it must be at least 1.")
    space = thing if isinstance(thing, Space) else None
    notes: list[str] = []
    made_by = _Encoder(thing if space is None else encoder, space, notes)
    if space is None and keys:
        raise BadOption("keys are of a Space; an encoder alone compares two texts.")
    a, b = (
        *(_key(space, key, text, made_by, notes) for key in keys if space is not None),
        *(made_by.text(each) for each in texts),
    )
    metric, a, b = _measured(space, made_by, a, b, notes)
    score, over, pairs = _sums(metric, a, b)
    tables = [] if pairs is None else _parts(metric, a, b, pairs, k)
    tables.append(_dimensions(space, a, b, over, k, metric))
    largest = np.sort(np.abs(over))[::-1][:k]
    order = np.argsort(-np.abs(over), kind="stable")[:k]
    findings = [
        Finding("score", score, n=len(over)),
        Finding("largest dimensions", float(over[order].sum()), n=len(largest)),
    ]
    return Report(
        f"Why {a.name} and {b.name} are near, by {metric.value}", findings, tables, list(dict.fromkeys(notes))
    )


class _Encoder:
    """What gives texts and unseen words their rows, found when it is needed."""

    def __init__(self, given: Any, space: Space | None, notes: list[str]) -> None:
        self._given, self._space, self._notes = given, space, notes
        self.metric: Metric | None = None

    @property
    def of_texts(self) -> Any:
        """The encoder of texts; plain means of words where the Space has no other."""
        if self._given is not None and not isinstance(self._given, str):
            return self._given
        assert self._space is not None
        if isinstance(self._given, str):
            return encoder_of(self._space, self._given)
        if self._space.card.method == "supervised":
            return ENCODERS["bag"](self._space)
        own = self.own
        if own is not None and getattr(own, "things", "texts") == "texts":
            return own
        self._notes.append("Texts are plain means of the rows of their words (pooled).")
        return ENCODERS["pooled"](self._space)

    @property
    def own(self) -> Any:
        """The encoder of the Space's method, None where there is none."""
        assert self._space is not None
        try:
            return encoder_of(self._space)
        except (UnknownName, BadData, MissingExtra, OSError):
            return None

    def text(self, text: str) -> Thing:
        """A text with its row."""
        made_by = self.of_texts
        made = made_by.encode(Items([text]))
        if self._space is not None:
            self._space.same_frame(made)
        elif self.metric is None:
            self.metric = made.metric
        if not len(made):
            raise BadData(f"the text '{_short(text)}' has no row: nothing in it is known.")
        row, terms = _whole(made.rows.take(0), made_by, text, self._notes)
        return Thing(_short(text), row, terms, None)


def _key(space: Space, key: str, text: str, made_by: _Encoder, notes: list[str]) -> Thing:
    """A key with its row, and with parts where it is a word that has some, or stands for a text that is there."""
    own = made_by.own if key not in space and "ngram" in space.groups else None
    if own is not None and getattr(own, "things", "") == "words":
        row, terms = _whole(own.encode(Items([key])).rows.take(0), own, key, notes)
        return Thing(key, row, terms, "word")
    at = space.keys.row(key)
    group, row = space.keys.group_of(at), space.rows.take(at)
    encoder, called = None, space.keys[at]
    if group == "word" and "ngram" in space.groups:
        encoder = ENCODERS["subword"](space)
    elif space.card.method == "transformer" and space.table is not None and text in space.table.column_names:
        told = space.attribute(text)[at].as_py()
        if isinstance(told, str):
            encoder, called = made_by.of_texts, told
    if encoder is None and FEATURE in space.groups and group != FEATURE:
        return Thing(key, row.astype(np.float64), _features(space, at, group), group)
    row, terms = _whole(row, encoder, called, notes)
    return Thing(key, row, terms, group)


def _features(space: Space, at: int, group: str) -> Terms | None:
    """The features of a row, and what they leave of it; None where they are not of its group."""
    features, part = space.group(FEATURE), space.group(group)
    code = activations(features, part, np.array([at - space.groups[group].start]))
    held = code.features[0][code.features[0] >= 0].astype(np.int64)
    row = space.rows.take(at).astype(np.float64)
    length = 1.0 if space.metric is Metric.L2 else float(np.linalg.norm(row))
    found = length * code.values[0][: len(held), None] * features.rows.take(held)
    names = [features.keys[each] for each in held.tolist()]
    return Terms([*names, _UNTOLD], np.vstack([found, row - found.sum(axis=0)]))


def _whole(row: np.ndarray, made_by: Any, thing: str, notes: list[str]) -> tuple[np.ndarray, Terms | None]:
    """The row as the sum of its parts, where it is one."""
    if not isinstance(made_by, Linear):
        return row.astype(np.float64), None
    try:
        terms = made_by.terms(thing)
    except BadData as error:
        notes.append(str(error))
        return row.astype(np.float64), None
    whole = terms.rows.sum(axis=0)
    lengths = float(np.linalg.norm(row) * np.linalg.norm(whole))
    if lengths and float(row @ whole) < _SAME * lengths:
        notes.append(
            f"'{_short(thing)}': its row is not what its encoder gives now, so that it is told by dimensions alone."
        )
        return row.astype(np.float64), None
    if getattr(made_by, "contextual", False):
        notes.append("Tokens know the text around them: a part is of a token where it stands, not of the word alone.")
    return whole, terms


def _measured(
    space: Space | None, made_by: _Encoder, a: Thing, b: Thing, notes: list[str]
) -> tuple[Metric, Thing, Thing]:
    """How the two are compared, and their rows as they are compared."""
    for each in (a, b):
        if not np.isfinite(each.row).all():
            raise BadData(f"the row of '{each.name}' holds a number that is NaN or infinite; learn it again.")
    metric = made_by.metric if space is None else space.metric
    assert metric is not None
    if space is None or not one_side(space, a.group, b.group):
        return metric, a, b
    biases = int(space.card.data.get("biases", 0))
    notes.append(
        f"Two rows of '{a.group}' are compared by cosine, as in nearest" + (", without biases." * bool(biases) or ".")
    )
    dim = space.dim - biases
    a, b = (
        each._replace(
            row=each.row[:dim],
            terms=None if each.terms is None else Terms(each.terms.names, each.terms.rows[:, :dim]),
        )
        for each in (a, b)
    )
    return Metric.COSINE, a, b


def _sums(metric: Metric, a: Thing, b: Thing) -> tuple[float, np.ndarray, Any]:
    """The score, its terms over dimensions (dim,), and over parts.

    These are (parts of a, parts of b), or by l2 a vector for each side; None where neither is a sum.
    """
    has_parts = a.terms is not None or b.terms is not None
    s, t = (each.row[None] if each.terms is None else each.terms.rows for each in (a, b))
    if metric is Metric.L2:
        apart = a.row - b.row
        length = float(np.linalg.norm(apart))
        scale = 1 / length if length else 0.0
        return -length, -(apart**2) * scale, ((-s @ apart * scale, t @ apart * scale) if has_parts else None)
    scale = 1.0
    if metric is Metric.COSINE:
        lengths = float(np.linalg.norm(a.row) * np.linalg.norm(b.row))
        scale = 1 / lengths if lengths else 0.0
    over = a.row * b.row * scale
    return float(over.sum()), over, (s @ t.T * scale if has_parts else None)


def _dimensions(space: Space | None, a: Thing, b: Thing, over: np.ndarray, k: int, metric: Metric) -> Table:
    order = np.argsort(-np.abs(over), kind="stable")[:k]
    left, right = (
        each.row / (np.linalg.norm(each.row) or 1) if metric is Metric.COSINE else each.row for each in (a, b)
    )
    ends = _ends(space, a, b, order) if space is not None else [""] * len(order)
    rows: list[list[Any]] = [
        [str(at), float(left[at]), float(right[at]), float(over[at]), keys]
        for at, keys in zip(order.tolist(), ends, strict=True)
    ]
    if len(over) > len(order):
        rows.append([f"(all {len(over) - len(order):,} others)", None, None, float(over.sum() - over[order].sum()), ""])
    columns = ["dimension", a.name, b.name, "part", "largest there"]
    if space is None:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return Table("Dimensions", columns, rows)


def _ends(space: Space, a: Thing, b: Thing, order: np.ndarray) -> list[str]:
    """The keys at the end of each dimension at which the two, or the farther out of them, are."""
    home = next((each.group for each in (a, b) if each.group is not None), None)
    home = home or next(iter(space.groups))
    out = np.where(np.abs(a.row[order]) > np.abs(b.row[order]), a.row[order], b.row[order])
    queries = np.zeros((len(order), space.dim), np.float32)
    queries[np.arange(len(order)), order] = np.where(out < 0, -1, 1)
    asked = dataclasses.replace(space, metric=Metric.COSINE if space.metric is Metric.COSINE else Metric.DOT)
    _, rows = asked.topk(queries, min(_ENDS, len(space)), among(space, home, None))
    return [", ".join(space.keys[row] for row in line.tolist() if row >= 0) for line in rows]


def _parts(metric: Metric, a: Thing, b: Thing, pairs: Any, k: int) -> list[Table]:
    names = [[each.name] if each.terms is None else each.terms.names for each in (a, b)]
    tables = []
    if metric is not Metric.L2:
        order = np.argsort(-np.abs(pairs), axis=None, kind="stable")[:k]
        lines, columns = np.unravel_index(order, pairs.shape)
        rows: list[list[Any]] = [
            [names[0][line], names[1][column], float(pairs[line, column])]
            for line, column in zip(lines.tolist(), columns.tolist(), strict=True)
        ]
        if pairs.size > len(order):
            rest = float(pairs.sum() - pairs[lines, columns].sum())
            rows.append([f"(all {pairs.size - len(order):,} others)", "", rest])
        tables.append(Table("Pairs of parts", (a.name, b.name, "part"), rows))
        pairs = pairs.sum(axis=1), pairs.sum(axis=0)
    for each, told, values in zip((a, b), names, pairs, strict=True):
        if each.terms is not None:
            tables.append(_of_one(each.name, told, values, k))
    return tables


def _of_one(name: str, names: list[str], values: np.ndarray, k: int) -> Table:
    order = np.argsort(-np.abs(values), kind="stable")[:k]
    rows: list[list[Any]] = [[names[at], float(values[at])] for at in order.tolist()]
    if len(values) > len(order):
        rows.append([_REST, float(values.sum() - values[order].sum())])
    return Table(f"Parts of {name}", ("part of it", "part"), rows)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
