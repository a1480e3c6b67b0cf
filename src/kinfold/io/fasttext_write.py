"""A Space as a model that fastText loads; `kinfold.io.fasttext` says what is promised."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from kinfold.core.codes import Codes
from kinfold.core.columns import matrix_of, one_array
from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import utf8
from kinfold.core.parts import mean
from kinfold.core.space import Space
from kinfold.core.streams import bare_name
from kinfold.io.fasttext_dictionary import packed_dictionary
from kinfold.io.fasttext_input import is_turned
from kinfold.io.fasttext_matrix import packed_coded, packed_shape, refuse_non_finite
from kinfold.io.fasttext_model import Model, entries_of, label_order, model_of, tokens_of
from kinfold.io.format import created

_KEPT = ("count", "own", "context")
_BLOCK_BYTES = 8 << 20
# By which a mean of float32 rows may differ from one that was added up in another order, beside numbers around 1.
_CLOSE = 1e-6


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
    model = model_of(space, group)
    order = label_order(model)
    names, counts = entries_of(model, order, path, replace)
    words = names.slice(0, len(model.words))
    coded = _codes(model, words, path, threads) if bare_name(path).lower().endswith(".ftz") else None
    kept = _kept(model)
    if kept is not None and coded is None:
        raise BadOption(
            f"{path}: this model is pruned, and fastText reads those as .ftz only, since a mean leaves out the "
            "n-grams that are not there. Write it to a name that ends in .ftz."
        )
    with created(path) as stream:
        stream.write(model.header.packed())
        for piece in packed_dictionary(names, counts, len(words), tokens_of(model, counts), kept):
            stream.write(piece)
        for piece in _dense(model, words, path, threads) if coded is None else (b"\1", *packed_coded(coded)):
            stream.write(piece)
        for piece in _output(model, order):
            stream.write(piece)
    cut = space.card.data.get("text", {})
    tokenizer, lower = cut.get("tokenizer", "whitespace"), bool(cut.get("lower"))
    if tokenizer not in ("ascii", "whitespace") or lower:
        how = f"'{tokenizer}'{', lower-cased' if lower else ''}"
        model.notes.append(
            f"This Space's texts were cut by {how}, and those of this format are cut at white space alone: "
            "cut a text so before it is told, or learn with the tokenizer 'whitespace'."
        )
    lost = [name for name in (space.table.column_names if space.table is not None else ()) if name not in _KEPT]
    model.notes.append(f"The format has no place for {', '.join(['seed, learning rate and reports', *lost])}.")
    return tuple(model.notes)


def _kept(model: Model) -> np.ndarray | None:
    """The bucket of each row of n-grams (m,) int64, of a pruned model."""
    if model.parts is None or not model.parts.pruned:
        return None
    kept = np.empty(len(model.parts.numbers), np.int64)
    kept[model.parts.order] = model.parts.numbers
    return kept


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


def _dense(model: Model, names: pa.LargeStringArray, path: Path, threads: int | None) -> Iterator[bytes]:
    """The input matrix: own rows of words, then all buckets, those without a row as zeros."""
    yield b"\0"
    yield packed_shape(len(model.words) + model.header.buckets, model.header.dim)
    for block in _own_rows(model, names, path, threads):
        yield block.astype("<f4", copy=False).tobytes()
    parts = model.parts
    step = max(1, _BLOCK_BYTES // (4 * model.header.dim))
    for start in range(0, model.header.buckets, step):
        assert parts is not None
        block = np.zeros((min(step, model.header.buckets - start), model.header.dim), "<f4")
        first, last = np.searchsorted(parts.numbers, [start, start + len(block)])
        block[parts.numbers[first:last] - start] = parts.rows.take(parts.order[first:last])
        yield block.tobytes()


def _own_rows(model: Model, names: pa.LargeStringArray, path: Path, threads: int | None) -> Iterator[np.ndarray]:
    words, parts = model.words, model.parts
    if parts is None or not parts.longest:
        for _, block in words.rows.blocks():
            yield block
        return
    own = _attribute(words, "own")
    other = 0
    for sums in parts.sums(*utf8(names), threads):
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


def _codes(model: Model, names: pa.LargeStringArray, path: Path, threads: int | None) -> Codes:
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
            for sums in parts.sums(*utf8(names), threads)
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


def _output(model: Model, order: np.ndarray) -> Iterator[bytes]:
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
