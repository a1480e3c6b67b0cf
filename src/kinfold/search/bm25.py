"""Texts by the words that they share with a query: BM25 over an inverted index."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.columns import one_array, to_numpy
from kinfold.core.errors import BadData, BadOption
from kinfold.core.keys import Keys
from kinfold.core.nearest import checked_k
from kinfold.core.shapes import Items, Sequences
from kinfold.core.space import Space

if TYPE_CHECKING:
    import scipy.sparse as sparse

# Texts that the fingerprint looks at.
_LOOKED_AT = 4096


@dataclass(frozen=True, slots=True, eq=False)
class BM25:
    """The words of a Space's texts, each with the texts that hold it and what it counts there.

    With f the times that a word is in a text, |d| the words of the text, n the texts that have the word, N all texts:

        ln(1 + (N - n + 1/2) / (n + 1/2)) f / (f + k1 (1 - b + b |d| / mean |d|))

    Args:
        space: Whose texts they are.
        keys: The words.
        starts: (words + 1,) int64; word w is in the texts `rows[starts[w]:starts[w + 1]]`.
        rows: Rows of the Space (entries,) int32, ascending for each word.
        weights: What the word counts in each (entries,) float32.
        parameters: How it was built.

    Source:
        Robertson, Zaragoza 2009; the form of Lucene, as Kamphuis et al. 2020 have it.

    Example:
        >>> space = Space.of(["a", "b"], [[1, 0], [0, 1]]).with_attribute("text", ["The cat sat.", "A dog barked."])
        >>> BM25.build(space).search(["cats, a dog"], 1)[1].tolist()
        [[1]]
    """

    name: ClassVar[str] = "bm25"

    space: Space
    keys: Keys
    starts: np.ndarray
    rows: np.ndarray
    weights: np.ndarray
    parameters: Mapping[str, Any]

    @classmethod
    def build(
        cls,
        space: Space,
        text: str = "text",
        *,
        group: str | None = None,
        k1: float = 1.2,
        b: float = 0.75,
        tokenizer: Literal["words", "whitespace", "ascii"] = "words",
        lower: bool | None = None,
        threads: int | None = None,
    ) -> BM25:
        """The index over the texts of a group.

        Args:
            space: Has the texts.
            text: The attribute that holds them.
            group: Whose; the first group where it is None.
            k1: How much it counts that a word is there more than once; 0 for not at all.
            b: How much the length of a text counts, from 0 to 1.
            tokenizer: How texts are cut, as of `prepare.tokens`.
            lower: Whether tokens are lower-cased; None does so for `words` only.
            threads: How many work at once; as many as there are processors by default.

        Raises:
            UnknownName: There is no such attribute or group.
            BadData: The attribute holds no texts.
            BadOption: `k1` or `b` is out of its range.
        """
        if not 0 <= k1 < 1000 or not 0 <= b <= 1:
            raise BadOption(f"k1 is {k1} and b is {b}; k1 is at least 0, and b from 0 to 1.")
        from kinfold.prepare.tokens import sequences

        part = space.group(group)
        texts = texts_of(part, text)
        first = space.keys.range_of(next(iter(part.groups))).start
        cut: dict[str, Any] = {"tokenizer": tokenizer, "lower": lower}
        data = sequences(Items(texts.to_pylist()), min_count=1, keep_empty=True, threads=threads, **cut)
        told = {"text": text, "group": next(iter(part.groups)), "k1": k1, "b": b, **cut, "texts": fingerprint(texts)}
        weighed = _weighed(_counted(data), k1, b).T.tocsr()
        rows = weighed.indices.astype(np.int32) + np.int32(first)
        return cls(space, data.keys, weighed.indptr.astype(np.int64), rows, weighed.data, told)

    @classmethod
    def open(cls, path: str | os.PathLike[str], space: Space) -> BM25:
        """A saved index, for the Space that it was built from.

        Raises:
            BadFile: Nothing is there, or it cannot be read.
            BadData: It is no such file, is damaged, or belongs to other rows or texts.
            FrameMismatch: The Space is in another frame.
        """
        from kinfold.search.file import read_index
        from kinfold.search.index import damaged

        header, arrays = read_index(path, space)
        told = header["parameters"]
        try:
            if header["index"] != cls.name:
                raise BadData(f"{path}: an index of the kind {header['index']}, not bm25; name it with --index.")
            ends, data = arrays["ends"].astype(np.int64), arrays["words"]
            names = pa.Array.from_buffers(pa.large_string(), len(ends) - 1, [None, *map(pa.py_buffer, (ends, data))])
            names.validate(full=True)
            starts, rows, weights = arrays["starts"].astype(np.int64), arrays["rows"], arrays["weights"]
            _fits(starts, len(names), len(rows))
            if len(weights) != len(rows) or (len(rows) and not 0 <= rows.min() <= rows.max() < len(space)):
                raise ValueError("a word is in a text that is not there")
            texts = texts_of(space.group(told["group"]), told["text"])
        except (KeyError, ValueError, TypeError, pa.ArrowInvalid) as error:
            if isinstance(error, BadData):
                raise
            raise damaged(str(path), f"it is not what an index of words has ({error})") from error
        if told["texts"] != fingerprint(texts):
            raise BadData(f"{path}: an index over other texts than those of this Space. Delete it, or build it anew.")
        return cls(space, Keys.trusted(names, "word"), starts, rows, weights, told)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one file beside the Space, whole or not at all; the texts themselves are not in it.

        Raises:
            BadFile: The folder cannot be written.
        """
        from kinfold.search.file import write_index

        write_index(path, self)

    def arrays(self) -> dict[str, np.ndarray]:
        """What is saved."""
        names = one_array(self.keys.names)
        _, offsets, data = names.buffers()
        ends = np.frombuffer(offsets, np.int64, len(names) + 1, 8 * names.offset) if len(names) else np.zeros(1, "i8")
        words = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]] if len(names) else np.zeros(0, np.uint8)
        return {
            "words": words,
            "ends": ends - ends[0],
            "starts": self.starts,
            "rows": self.rows,
            "weights": self.weights,
        }

    def search(
        self, queries: Sequence[str], k: int = 10, *, among: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k texts that score best for each query; one that shares no word with it is not found.

        Args:
            queries: Texts.
            k: Texts wanted.
            among: Ascending rows (m,) int64 to choose from; all where it is None.

        Returns:
            Scores (q, k) float32 and rows of the Space (q, k) int64, best first, equal scores by row; -inf and -1
            fill up where fewer are found.
        """
        k = checked_k(k)
        scores, found = np.full((len(queries), k), -np.inf, np.float32), np.full((len(queries), k), -1, np.int64)
        for place, (rows, values) in enumerate(self.matches(queries, among)):
            best = first(values, k)
            scores[place, : len(best)], found[place, : len(best)] = values[best], rows[best]
        return scores, found

    def matches(
        self, queries: Sequence[str], among: np.ndarray | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Of each query all texts that share a word with it: rows (m,) int64, ascending, and scores (m,) float32."""
        allowed = None
        if among is not None:
            allowed = np.zeros(len(self.space), np.bool_)
            allowed[among] = True
        from kinfold.kernels.postings import scores

        for words, times in self._asked(queries):
            summed = scores(self.starts, self.rows, self.weights, words, times, len(self.space))
            found = np.flatnonzero(summed if allowed is None else summed * allowed)
            yield found, summed[found]

    def _asked(self, queries: Sequence[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The words of each query that some text has, and how often each is in it."""
        from kinfold.prepare.tokens import sequences

        cut = {name: self.parameters[name] for name in ("tokenizer", "lower")}
        data = sequences(Items(list(queries)), min_count=1, keep_empty=True, threads=1, **cut)
        known = self.keys.rows(data.keys.names)
        for low, high in zip(data.starts[:-1].tolist(), data.starts[1:].tolist(), strict=True):
            words, times = np.unique(known[data.ids[low:high]], return_counts=True)
            yield words[words >= 0], times[words >= 0]


def texts_of(space: Space, text: str = "text") -> pa.LargeStringArray:
    """The texts of the rows (n,), empty where one has none.

    Raises:
        UnknownName: There is no such attribute.
        BadData: It holds no texts.
    """
    column = space.attribute(text)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise BadData(f"the attribute '{text}' is of {column.type}, and no texts; name the one that holds them.")
    if pa.types.is_dictionary(column.type):
        column = column.cast(kind)
    return pc.fill_null(one_array(column.cast(pa.large_string())), "")


def fingerprint(texts: pa.LargeStringArray) -> str:
    """A hash of the lengths of all texts and of some of them, spread evenly."""
    digest = hashlib.blake2b(digest_size=8)
    digest.update(to_numpy(pc.binary_length(texts).cast(pa.int64())).tobytes())
    for place in np.unique(np.linspace(0, max(0, len(texts) - 1), min(len(texts), _LOOKED_AT), dtype=np.int64)):
        digest.update(texts[int(place)].as_py().encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def first(scores: np.ndarray, k: int) -> np.ndarray:
    """Places (m,) of the k largest scores, the largest first, of equals the first."""
    if k < len(scores):
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        some = np.flatnonzero(scores >= least)
    else:
        some = np.arange(len(scores))
    best: np.ndarray = some[np.argsort(-scores[some], kind="stable")[:k]]
    return best


def _counted(data: Sequences) -> sparse.csr_array:
    """How often each word is in each text (texts, words) float32."""
    import scipy.sparse as sparse

    shape = (len(data), len(data.keys))
    ones = np.ones(len(data.ids), np.float32)
    counts = sparse.csr_array((ones, np.array(data.ids), np.array(data.starts)), shape)
    counts.sum_duplicates()
    return counts


def _weighed(counts: sparse.csr_array, k1: float, b: float) -> sparse.csr_array:
    """What each word counts in each text (texts, words) float32."""
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    mean = float(lengths[lengths > 0].mean()) if (lengths > 0).any() else 1.0
    having = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity = np.log1p((counts.shape[0] - having + 0.5) / (having + 0.5))
    norms = np.repeat(k1 * (1 - b + b * lengths / mean), np.diff(counts.indptr))
    counts.data = (rarity[counts.indices] * counts.data / (counts.data + norms)).astype(np.float32)
    return counts


def _fits(starts: np.ndarray, words: int, entries: int) -> None:
    if len(starts) != words + 1 or starts[0] != 0 or starts[-1] != entries or (np.diff(starts) < 0).any():
        raise ValueError("its starts do not fit")
