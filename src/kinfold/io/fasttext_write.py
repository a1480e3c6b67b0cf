"""A Space as a model that fastText loads; `kinfold.io.fasttext` says what is promised."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.codes import Codes
from kinfold.core.columns import matrix_of, one_array, to_arrow, to_numpy
from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys, utf8
from kinfold.core.parts import Parts, Sums, mean
from kinfold.core.space import Space
from kinfold.core.streams import bare_name
from kinfold.io.fasttext_header import LOSSES, MODES, PREFIX, Header, packed_dictionary
from kinfold.io.fasttext_input import is_turned
from kinfold.io.fasttext_matrix import packed_coded, packed_shape, refuse_non_finite
from kinfold.io.format import chosen, created, writable_names

_GROUPS = ("word", "ngram", "label")
_KEPT = ("count", "own", "context")
_BLOCK_BYTES = 8 << 20
# By which a mean of float32 rows may differ from one that was added up in another order, beside numbers around 1.
_CLOSE = 1e-6


@dataclass(frozen=True, slots=True)
class _Model:
    """What is written: words and, of a Space of words that have parts, their n-grams and labels."""

    space: Space
    words: Space
    labels: Space | None
    parts: Parts | None
    header: Header
    notes: list[str] = field(default_factory=list)


def write(
    space: Space,
    path: str | os.PathLike[str],
    *,
    group: str | None = None,
    replace: str | None = None,
    threads: int | None = None,
) -> tuple[str, ...]:
    """Writes a model of version 12: words, n-grams and labels, or the words of any other Space without n-grams.

    Args:
        space: What to write.
        path: The file; its rows are product codes where it ends in .ftz; packed where that is followed by .gz, .bz2,
            .xz or .zst.
        group: A group to write as words without n-grams; by default the whole Space, or its first group.
        replace: Stands in place of NUL in keys, which the format cannot hold; None refuses them.
        threads: How many add up n-grams at once; by default one a processor.

    Returns:
        Notes on what the file has not of the Space.

    Raises:
        BadFile: It cannot be written.
        BadData: A key cannot be written, or the rows cannot be written as codes.
        BadOption: Rows that are not codes to .ftz, or a pruned model to another file.
    """
    path = Path(path)
    model = _model_of(space, group)
    order = _label_order(model)
    names, counts = _entries(model, order, path, replace)
    coded = _codes(model, path, threads) if bare_name(path).lower().endswith(".ftz") else None
    pruned = bool(model.parts is not None and model.parts.pruned)
    if pruned and coded is None:
        raise BadOption(
            f"{path}: this model is pruned, and fastText reads those as .ftz only, since a mean leaves out the "
            "n-grams that are not there. Write it to a name that ends in .ftz."
        )
    kept = _buckets(model.space) if pruned else None
    with created(path) as stream:
        stream.write(model.header.packed())
        for piece in packed_dictionary(names, counts, len(model.words), _tokens(model, counts), kept):
            stream.write(piece)
        for piece in _dense(model, path, threads) if coded is None else (b"\1", *packed_coded(coded)):
            stream.write(piece)
        for piece in _output(model, order):
            stream.write(piece)
    lost = [name for name in (space.table.column_names if space.table is not None else ()) if name not in _KEPT]
    model.notes.append(f"The format has no place for {', '.join(['seed, learning rate and reports', *lost])}.")
    return tuple(model.notes)


def _model_of(space: Space, group: str | None) -> _Model:
    whole = group is None and next(iter(space.groups)) == "word" and set(space.groups) <= set(_GROUPS)
    if not whole:
        words = chosen(space, group)
        return _Model(words, words, None, None, _header(words, None, None))
    told = space.card.parameters
    labels = space.group("label") if "label" in space.groups and len(space.groups["label"]) else None
    # N-grams of words count as rows of zeros where none was met, so that their buckets are written all the same.
    lacking = "ngram" not in space.groups
    hashed = labels is not None and not told.get("max_n") and _whole(told, "word_ngrams", 1) > 1
    parts = None if lacking and not hashed else Parts.of(space)
    model = _Model(space, space.group("word"), labels, parts, _header(space, labels, parts))
    if lacking and told.get("max_n"):
        model.notes.append("The Space has no group 'ngram': words were written without n-grams.")
    return model


def _header(space: Space, labels: Space | None, parts: Parts | None) -> Header:
    told = space.card.parameters
    mode = told.get("mode") if told.get("mode") in MODES.values() else "skipgram"
    loss = told.get("loss") if told.get("loss") in LOSSES.values() else None
    subsample = told.get("subsample", 1e-4)
    return Header(
        dim=space.dim,
        window=_whole(told, "window", 5),
        epochs=_whole(told, "epochs", 5),
        min_count=_whole(told, "min_count", 1),
        negatives=_whole(told, "negatives", 5),
        word_ngrams=_whole(told, "word_ngrams", 1) if parts is not None else 1,
        loss=loss or ("negative" if labels is None else "softmax"),
        mode=str(mode) if labels is None else "supervised",
        buckets=0 if parts is None else parts.buckets,
        min_n=_whole(told, "min_n", 0),
        max_n=0 if parts is None else parts.longest,
        rate_update=_whole(space.card.data, "tokens per rate update", 100),
        subsample=float(subsample) if isinstance(subsample, int | float) and 0 <= subsample <= 1 else 1e-4,
    )


def _whole(told: Any, name: str, default: int) -> int:
    value = told.get(name, default)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31 else default


def _label_order(model: _Model) -> np.ndarray:
    """Labels in the order of the file: under the hierarchical softmax, that of their tree."""
    if model.labels is None:
        return np.zeros(0, np.int64)
    if model.header.loss == "hierarchical":
        return np.argsort(-_counts(model.labels), kind="stable")
    return np.arange(len(model.labels))


def _entries(
    model: _Model, order: np.ndarray, path: Path, replace: str | None
) -> tuple[pa.LargeStringArray, np.ndarray]:
    """Names and counts of words, then of labels."""
    names = [writable_names(model.words.keys, path, ("\0",), replace, empty=True)]
    counts = [_counts(model.words)]
    if model.labels is not None:
        labels = writable_names(model.labels.keys, path, ("\0",), replace, empty=True).take(to_arrow(order))
        prefix = str(model.space.card.data.get("label prefix", PREFIX))
        if prefix and not pc.all(pc.starts_with(labels, prefix)).as_py():
            start, nothing = (pa.scalar(each, pa.large_string()) for each in (prefix, ""))
            labels = pc.binary_join_element_wise(start, labels, nothing)
        names.append(labels)
        counts.append(_counts(model.labels)[order])
        twice = pc.index_in(labels, names[0]).drop_null()
        if len(twice):
            raise BadData(
                f"{path}: '{names[0][twice[0].as_py()]}' is a word and a label, which one file of fastText cannot hold."
            )
    return pa.concat_arrays(names), np.concatenate(counts)


def _counts(space: Space) -> np.ndarray:
    """The attribute `count` (n,) int64; 1 for each key where there is none."""
    if space.table is None or "count" not in space.table.column_names:
        return np.ones(len(space), np.int64)
    column = one_array(space.attribute("count"))
    if not pa.types.is_integer(column.type):
        return np.ones(len(space), np.int64)
    return np.maximum(to_numpy(pc.fill_null(column, 0)).astype(np.int64), 0)


def _tokens(model: _Model, counts: np.ndarray) -> int:
    """What was read in training, as the card tells."""
    told = model.space.card.data
    known = [told[name] for name in ("read", "tokens") if isinstance(told.get(name), int)]
    return int(known[0]) if known else int(counts[: len(model.words)].sum())


def _buckets(space: Space) -> np.ndarray:
    return to_numpy(space.group("ngram").keys.names.cast(pa.int64()))


def _sums(words: Keys, parts: Parts, threads: int | None) -> Iterator[Sums]:
    yield from parts.sums(*utf8(words.names), threads)


def _attribute(space: Space, name: str) -> np.ndarray | None:
    """A list of `dim` numbers for every key (n, dim) float32; None where there is no such attribute."""
    if space.table is None or name not in space.table.column_names:
        return None
    column = one_array(space.attribute(name))
    if not any(kind(column.type) for kind in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)):
        return None
    try:
        matrix = matrix_of(column, space.dim)
    except BadData:
        return None
    return matrix if len(matrix) == len(space) else None


def _dense(model: _Model, path: Path, threads: int | None) -> Iterator[bytes]:
    """The input matrix: own rows of words, then all buckets, those without a row as zeros."""
    yield b"\0"
    yield packed_shape(len(model.words) + model.header.buckets, model.header.dim)
    for block in _own_rows(model, path, threads):
        yield block.astype("<f4", copy=False).tobytes()
    parts = model.parts
    step = max(1, _BLOCK_BYTES // (4 * model.header.dim))
    for start in range(0, model.header.buckets, step):
        assert parts is not None
        block = np.zeros((min(step, model.header.buckets - start), model.header.dim), "<f4")
        first, last = np.searchsorted(parts.numbers, [start, start + len(block)])
        block[parts.numbers[first:last] - start] = parts.rows.take(parts.order[first:last])
        yield block.tobytes()


def _own_rows(model: _Model, path: Path, threads: int | None) -> Iterator[np.ndarray]:
    words, parts = model.words, model.parts
    if parts is None or not parts.longest:
        for _, block in words.rows.blocks():
            yield block
        return
    own = _attribute(words, "own")
    other = 0
    for sums in _sums(words.keys, parts, threads):
        rows = words.rows.take(slice(sums.start, sums.stop))
        with np.errstate(over="ignore", invalid="ignore"):
            made = rows * (sums.counted + 1).astype(np.float32)[:, None] - sums.rows
        if own is not None:
            stored = own[sums.start : sums.stop]
            same = _alike(mean(stored, sums), rows)
            made = np.where(same[:, None], stored, made)
            other += int(np.count_nonzero(~same))
        refuse_non_finite(path, made, sums.start, "the words' own rows")
        yield made
    if other:
        model.notes.append(
            f"{other:,} words are not the mean of the attribute 'own' and their n-grams; "
            "their own rows were made such that they are."
        )


def _alike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Which rows (n, dim) are the same but for rounding (n,)."""
    near: np.ndarray = np.abs(one - other).max(axis=1) <= _CLOSE * (1 + np.abs(other).max(axis=1))
    return near


def _codes(model: _Model, path: Path, threads: int | None) -> Codes:
    """The input matrix as codes: own rows of words, then the n-grams' rows in the order of the dictionary.

    Raises:
        BadOption: The rows are not codes.
        BadData: A bucket has no row, or the words are not what their codes make of them.
    """
    values, words, parts = model.space.rows.values, len(model.words), model.parts
    dense = "Write float32 with format='fasttext' and a name that ends in .bin."
    if not isinstance(values, Codes):
        raise BadOption(f"{path}: .ftz files hold product codes, and these rows are {values.dtype}. {dense}")
    own = values.slice(0, words).beneath()
    alike = (_alike(own[start : start + len(block)], block) for start, block in model.words.rows.blocks())
    if parts is not None and parts.longest:
        alike = (
            _alike(mean(own[sums.start : sums.stop], sums), model.words.rows.take(slice(sums.start, sums.stop)))
            for sums in _sums(model.words.keys, parts, threads)
        )
    if not all(each.all() for each in alike):
        raise BadData(f"{path}: words are not the mean of what their codes and those of their n-grams say. {dense}")
    rows = np.arange(words)
    if parts is not None:
        ngrams = np.arange(len(parts.numbers)) if parts.pruned else parts.order
        if not parts.pruned and len(ngrams) < parts.buckets:
            raise BadData(
                f"{path}: {parts.buckets - len(ngrams):,} of {parts.buckets:,} buckets have no row, and codes have "
                f"none for zeros. {dense}"
            )
        rows = np.concatenate([rows, ngrams + model.space.groups["ngram"].start])
    if len(rows) * values.codes.shape[1] >= 1 << 31:
        raise BadData(f"{path}: fastText counts bytes of codes up to 2^31, and these are more. {dense}")
    return values.beneath().take(rows)


def _output(model: _Model, order: np.ndarray) -> Iterator[bytes]:
    """The output matrix: the attribute `context`, else the labels' rows, else zeros."""
    header, group = model.header, model.labels or model.words
    matrix = _attribute(group, "context")
    if matrix is None and model.labels is not None and header.loss != "hierarchical":
        matrix = model.labels.rows.dense()
    if model.labels is not None and matrix is not None and header.loss != "hierarchical":
        matrix = matrix[order]
    if matrix is None:
        model.notes.append("The Space has no output rows (attribute 'context'): they were written as zeros.")
    yield b"\0"
    yield packed_shape(len(group), header.dim)
    step = max(1, _BLOCK_BYTES // (4 * header.dim))
    for start in range(0, len(group), step):
        some = min(step, len(group) - start)
        block = np.zeros((some, header.dim), np.float32) if matrix is None else matrix[start : start + some]
        yield (-block if is_turned(header) else block).astype("<f4", copy=False).tobytes()
