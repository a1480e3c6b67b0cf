"""fastText's models: `.bin`, and `.ftz`, whose rows are product codes; unsupervised ones and classifiers.

Read are versions 12 and 11, and the files without a version of before 2017 (but `</s>`, the end of a text, has no
n-grams in any of them, as in later versions). They become a Space of words that have parts (docs/architecture.md):
the words' vectors, the n-grams' buckets that hold something, the labels, without the `__label__` that all of them
begin with. Codes stay codes; only words that are means of several rows, and labels, are float32 beside them.

A label's row is its output row, except under the hierarchical softmax: there `context` has the nodes of the tree, as in
the file, and a label's row is half the signed sum of the nodes on its path, the gradient of its log-probability by the
text's row where that row is zero.

Tolerated, and noted on the card: bytes behind the model, words that are not UTF-8 (their vectors are those of the
original bytes, while a word that is asked for is always taken as UTF-8), words that are the same once they are repaired
(the first counts), n-grams that the header tells of without a bucket for them. Refused: a file that ends before its
last number, sizes that contradict each other, a classifier without labels, a pruned model that is not quantized,
numbers that are NaN or infinite.

Written is version 12, which fastText itself and others load: float32, or product codes where the name ends in `.ftz`.
Rows that a Space has are what counts: where a word is not the mean of its own row and its n-grams, it is given the own
row that makes it so. Learning rate and seed have no place in these files.

Source: fastText 0.9.2 (Bojanowski et al. 2017, Joulin et al. 2016), and the files themselves.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.card import Card, born
from kinfold.core.codes import Codes
from kinfold.core.columns import lists_of, to_arrow
from kinfold.core.errors import BadData
from kinfold.core.keys import Keys
from kinfold.core.metric import Metric
from kinfold.core.rows import Rows
from kinfold.core.space import Space
from kinfold.core.streams import open_bytes
from kinfold.io.cursor import Cursor
from kinfold.io.fasttext_dictionary import PREFIX, read_dictionary
from kinfold.io.fasttext_header import MAGIC, Header, is_old, read_header
from kinfold.io.fasttext_input import Coded, Dense, Input, label_rows, read_context
from kinfold.io.fasttext_matrix import read_flag
from kinfold.io.fasttext_write import write
from kinfold.io.format import Format, check_choice
from kinfold.io.gather import DUPLICATE, moved_up, without_repeats

NAME = "fasttext"


def read(path: str | os.PathLike[str], *, bad_bytes: str = "replace", threads: int | None = None) -> Space:
    """A Space from the file, which may be packed (.gz .bz2 .xz .zst).

    Args:
        path: The file.
        bad_bytes: Words that are not UTF-8: "replace" or "ignore" what is not, or "strict" to refuse.
        threads: How many add up n-grams at once; by default one a processor.

    Returns:
        The groups `word`, `ngram` and, of a classifier, `label`; attributes `count`, `context` and, where words have
        n-grams, `own`.

    Raises:
        BadFile: Nothing is there, or it cannot be read.
        BadData: No such file, or a damaged one; names the place.
    """
    check_choice("bad_bytes", bad_bytes, ("replace", "ignore", "strict"))
    path = Path(path)
    with open_bytes(path) as stream:
        cursor = Cursor(path, stream)
        header, version, notes = read_header(cursor)
        known = read_dictionary(cursor, header, version, bad_bytes)
        coded = read_flag(cursor, "whether the model is quantized") if version else False
        if known.kept is not None and not coded:
            raise BadData(
                f"{path}: the model is pruned but not quantized, which fastText refuses as well (its issue #332); "
                "fetch the newer file from where it came."
            )
        model: Input = (Coded if coded else Dense)(cursor, header, known)
        context = read_context(cursor, header, known, version, coded)
        if cursor.some(np.empty(1, np.uint8)):
            notes = (*notes, "bytes behind the model were left out")
    rows = model.finish(label_rows(path, header, known, context), threads)
    labels, prefix = _without_prefix(known.names.slice(known.words))
    told = {
        "file": path.name,
        "format": NAME,
        "version": str(version) if version else "none",
        **({"label prefix": prefix} if len(labels) else {}),
        "text": {"tokenizer": "ascii", "lower": False},
        "tokens": known.tokens,
        "tokens per rate update": header.rate_update,
        **{what: count for what, count in known.told.items() if count},
    }
    made = _Made(known.names.slice(0, known.words), labels, model.numbers, known.counts, rows, model.own, context)
    distinct = _distinct(made)
    told[DUPLICATE] = len(made.rows) - len(distinct.rows)
    if told[DUPLICATE] and header.loss == "hierarchical":
        notes = (*notes, "without the rows left out, the output rows are no longer those of the softmax's tree")
    if notes:
        told["notes"] = list(notes)
    return _space(header, distinct, told, pruned=known.kept is not None)


def recognizes(path: Path, head: bytes) -> bool:
    """The magic bytes, or arguments and sizes as they stand in older files."""
    return head.startswith(MAGIC) or is_old(head)


FORMAT = Format(read, write, recognizes, (".ftz",), "all")


class _Made(NamedTuple):
    """What a file becomes: words, n-grams by their buckets, labels; counts of words and labels; rows of all."""

    words: pa.LargeStringArray
    labels: pa.LargeStringArray
    numbers: np.ndarray
    counts: np.ndarray
    rows: Rows
    own: np.ndarray | None
    context: np.ndarray


def _distinct(made: _Made) -> _Made:
    """The first row of each word and of each label, the others left out in place."""
    words, ngrams = len(made.words), len(made.numbers)
    of_words, of_labels = without_repeats(made.words), without_repeats(made.labels)
    if len(of_words) == words and len(of_labels) == len(made.labels):
        return made
    kept = np.concatenate([of_words, np.arange(words, words + ngrams), of_labels + words + ngrams])
    values = made.rows.values
    return _Made(
        made.words.take(to_arrow(of_words)),
        made.labels.take(to_arrow(of_labels)),
        made.numbers,
        made.counts[np.concatenate([of_words, of_labels + words])],
        Rows(values.take(kept) if isinstance(values, Codes) else moved_up(values, kept)),
        None if made.own is None else moved_up(made.own, of_words),
        moved_up(made.context, of_labels if len(made.labels) else of_words),
    )


def _space(header: Header, made: _Made, told: dict[str, Any], pruned: bool) -> Space:
    words, ngrams, labels = len(made.words), len(made.numbers), len(made.labels)
    counts = [to_arrow(made.counts[:words]), pa.nulls(ngrams, pa.int64()), to_arrow(made.counts[words:])]
    total = len(made.rows)
    table = {
        "count": pa.concat_arrays(counts),
        "context": lists_of(made.context, words + ngrams if labels else 0, total),
    }
    if made.own is not None:
        table["own"] = lists_of(made.own, 0, total)
    numbers = to_arrow(made.numbers.astype(np.int64)).cast(pa.large_string())
    names = pa.concat_arrays([made.words, numbers, made.labels])
    groups = {"word": words}
    if ngrams or header.max_n:
        groups["ngram"] = ngrams
    if labels:
        groups["label"] = labels
    parameters: dict[str, Any] = dataclasses.asdict(header)
    del parameters["rate_update"]
    if labels:
        del parameters["mode"]
    if pruned:
        parameters["pruned"] = True
    card = Card(born(header.method, made.rows.values), header.method, parameters, data=told)
    # Texts are compared to labels by the dot product.
    metric = Metric.DOT if labels else Metric.COSINE
    return Space(Keys.trusted(names, groups), made.rows, metric, card, pa.table(table))


def _without_prefix(labels: pa.LargeStringArray) -> tuple[pa.LargeStringArray, str]:
    """The labels as they are meant, and what all of them begin with: `__label__` or nothing."""
    if not len(labels) or not pc.all(pc.match_substring_regex(labels, f"^{PREFIX}.")).as_py():
        return labels, ""
    return pc.utf8_slice_codeunits(labels, len(PREFIX)), PREFIX
