"""fastText's files, field by field, and what their models say of a word."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace

import numpy as np
from oracles.subwords import fnv

MAGIC = 793712314
LOSSES = {"hierarchical": 1, "negative": 2, "softmax": 3, "one-vs-all": 4}
MODES = {"cbow": 1, "skipgram": 2, "supervised": 3}
WORDS = ["</s>", "the", "ship", "naïve", "日本", "a", "whale", "2000"]
LABELS = ["__label__sea", "__label__land", "__label__sky"]


@dataclass
class Coded:
    """A matrix of product codes, and of codes of norms where there are any."""

    codes: np.ndarray
    books: np.ndarray  # (dim · 256,) as in the file
    dim: int
    width: int
    norm_codes: np.ndarray | None = None
    norms: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def last(self) -> int:
        return self.dim - (self.codes.shape[1] - 1) * self.width

    def rows(self) -> np.ndarray:
        found = np.zeros((len(self.codes), self.dim), np.float32)
        books = self.codes.shape[1]
        for row, codes in enumerate(self.codes):
            for book, code in enumerate(codes):
                size = self.last if book == books - 1 else self.width
                start = book * 256 * self.width + int(code) * size
                found[row, book * self.width : book * self.width + size] = self.books[start : start + size]
            if self.norm_codes is not None:
                found[row] *= self.norms[self.norm_codes[row]]
        return found

    def file(self) -> bytes:
        rows, books = self.codes.shape
        out = struct.pack("<B2qi", self.norm_codes is not None, rows, self.dim, rows * books) + self.codes.tobytes()
        out += struct.pack("<4i", self.dim, books, self.width, self.last) + self.books.astype("<f4").tobytes()
        if self.norm_codes is not None:
            out += self.norm_codes.tobytes() + struct.pack("<4i", 1, 1, 1, 1) + self.norms.astype("<f4").tobytes()
        return out


@dataclass
class Model:
    """All that a file holds."""

    words: list[bytes]
    input: np.ndarray | Coded
    output: np.ndarray | Coded
    labels: list[bytes] = field(default_factory=list)
    word_counts: list[int] = field(default_factory=list)
    label_counts: list[int] = field(default_factory=list)
    mode: str = "skipgram"
    loss: str = "negative"
    buckets: int = 0
    min_n: int = 0
    max_n: int = 0
    word_ngrams: int = 1
    kept: list[tuple[int, int]] | None = None
    version: int = 12
    tokens: int = 12345

    @property
    def dim(self) -> int:
        return self.input.dim if isinstance(self.input, Coded) else self.input.shape[1]

    def arguments(self) -> bytes:
        numbers = (self.dim, 7, 3, 2, 4, self.word_ngrams, LOSSES[self.loss], MODES[self.mode], self.buckets)
        return struct.pack("<12id", *numbers, self.min_n, self.max_n, 150, 3e-4)

    def pieces(self) -> list[bytes]:
        """The file in parts, so that it can be cut between any two of them."""
        old = self.version == 0
        names = self.words + self.labels
        out = [] if old else [struct.pack("<2i", MAGIC, self.version)]
        out += [self.arguments(), struct.pack("<3iq", len(names), len(self.words), len(self.labels), self.tokens)]
        if not old:
            out.append(struct.pack("<q", -1 if self.kept is None else len(self.kept)))
        for place, (name, count) in enumerate(zip(names, self.word_counts + self.label_counts, strict=True)):
            out += [name + b"\0", struct.pack("<qb", count, place >= len(self.words))]
        out += [struct.pack("<2i", *pair) for pair in self.kept or ()]
        for matrix in (self.input, self.output):
            if not old:
                out.append(struct.pack("<B", isinstance(matrix, Coded)))
            if isinstance(matrix, Coded):
                out.append(matrix.file())
            else:
                out += [struct.pack("<2q", *matrix.shape), matrix.astype("<f4").tobytes()]
        return out

    def file(self) -> bytes:
        return b"".join(self.pieces())

    def input_rows(self) -> np.ndarray:
        return self.input.rows() if isinstance(self.input, Coded) else self.input

    def output_rows(self) -> np.ndarray:
        return self.output.rows() if isinstance(self.output, Coded) else self.output

    def rows_of(self, word: bytes) -> list[int]:
        """The rows of the input matrix that a word's mean is made of."""
        found = [self.words.index(word)] if word in self.words else []
        if word == b"</s>" or not self.max_n or (self.version != 12 and self.mode == "supervised"):
            return found
        whole = b"<" + word + b">"
        for first in range(len(whole)):
            if whole[first] & 0xC0 == 0x80:
                continue
            end, length = first, 0
            while end < len(whole) and length < self.max_n:
                end, length = end + 1, length + 1
                while end < len(whole) and whole[end] & 0xC0 == 0x80:
                    end += 1
                if length >= self.min_n and not (length == 1 and (first == 0 or end == len(whole))):
                    bucket = fnv(whole[first:end]) % self.buckets
                    if self.kept is None:
                        found.append(len(self.words) + bucket)
                    elif bucket in dict(self.kept):
                        found.append(len(self.words) + dict(self.kept)[bucket])
        return found

    def vector(self, word: bytes) -> np.ndarray:
        """What fastText says of a word, seen or not."""
        rows = self.rows_of(word)
        if not rows:
            return np.zeros(self.dim, np.float32)
        return self.input_rows()[rows].mean(axis=0, dtype=np.float64).astype(np.float32)


def coded(rows: int, dim: int, width: int, norms: bool, rng: np.random.Generator) -> Coded:
    codes = rng.integers(0, 256, (rows, -(-dim // width)), dtype=np.uint8)
    books = rng.normal(size=dim * 256).astype(np.float32)
    if not norms:
        return Coded(codes, books, dim, width)
    return Coded(
        codes, books, dim, width, rng.integers(0, 256, rows, dtype=np.uint8), rng.random(256, np.float32) + 0.5
    )


def model(kind: str, seed: int = 0) -> Model:
    """A small model of one of the kinds below."""
    rng = np.random.default_rng(seed)
    words = [word.encode() for word in WORDS]
    counts = [int(count) for count in np.sort(rng.integers(1, 1000, len(words)))[::-1]]
    dim, buckets = 5, 60

    def dense(rows: int) -> np.ndarray:
        return rng.normal(size=(rows, dim)).astype(np.float32)

    made = Model(words, dense(len(words) + buckets), dense(len(words)), word_counts=counts, buckets=buckets)
    made.input[len(words) + 3 : len(words) + 9] = 0
    made.min_n, made.max_n = 3, 6
    if kind in CLASSIFIERS:
        labels = [label.encode() for label in LABELS]
        made = replace(
            made, mode="supervised", loss="softmax", labels=labels, label_counts=[70, 60, 3], output=dense(len(labels))
        )
        made.min_n, made.max_n, made.word_ngrams = 2, 3, 2
    if kind == "cbow, hierarchical":
        made.mode, made.loss = "cbow", "hierarchical"
    if kind in ("no n-grams", "classifier of words"):
        made.min_n, made.max_n, made.word_ngrams, made.buckets = 0, 0, 1, 0
        made.input = made.input[: len(words)].copy()
    if kind == "classifier of word n-grams":
        made.min_n, made.max_n = 0, 0
    if kind.endswith(("hierarchical classifier", "one-vs-all classifier", "negative classifier")):
        made.loss = kind.removesuffix(" classifier")
    if kind in ("version 11", "version 11 classifier"):
        made.version = 11
    if kind in ("old", "old classifier"):
        made.version = 0
    if kind.startswith(("quantized", "pruned")):
        made.input = coded(len(words) + buckets, dim, 2, "no norms" not in kind, rng)
    if kind == "quantized, one codebook":
        made.input = coded(len(words) + buckets, dim, dim, True, rng)
    if kind == "quantized tree of words":
        made.mode, made.loss, made.output = "cbow", "hierarchical", coded(len(words), dim, 2, False, rng)
    if kind == "quantized with its output":
        made.output = coded(len(made.labels), dim, 3, True, rng)
    if kind.startswith("pruned"):
        count = 0 if "to nothing" in kind else 25
        made.kept = [(int(bucket), row) for row, bucket in enumerate(rng.permutation(buckets)[:count])]
        made.kept = [made.kept[place] for place in rng.permutation(count)]
        made.input = coded(len(words) + count, dim, 2, "no norms" not in kind, rng)
    return made


CLASSIFIERS = [
    "softmax classifier",
    "hierarchical classifier",
    "one-vs-all classifier",
    "negative classifier",
    "classifier of words",
    "classifier of word n-grams",
    "version 11 classifier",
    "old classifier",
    "quantized",
    "quantized, no norms",
    "quantized, one codebook",
    "quantized with its output",
    "pruned",
    "pruned, no norms",
    "pruned to nothing",
]
KINDS = [
    "skipgram",
    "cbow, hierarchical",
    "no n-grams",
    "version 11",
    "old",
    "quantized skipgram",
    "quantized tree of words",
    *CLASSIFIERS,
]
