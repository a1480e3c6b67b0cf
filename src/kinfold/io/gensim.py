"""What gensim saves: KeyedVectors (`.kv`) and the models Word2Vec, FastText and Doc2Vec (`.model`), of all versions.

These files are Python pickles. They are read as data (io.pickles): nothing in them is run, and one that asks for
anything but gensim's classes and numpy's arrays is refused. Large arrays stand in files beside them
(`x.model.wv.vectors.npy`), which are memory-mapped.

Words become the group `word`, and tags of Doc2Vec the group `document`; counts become the attribute `count`. FastText's
n-grams become the group `ngram` (docs/architecture.md, "Words that have parts"); where gensim hashed them in another
way than fastText does, as before its version 3.8, only the words are read, which is noted.

Source: gensim 4.4, utils.SaveLoad, models.keyedvectors and models.fasttext, with what they say of older versions.
"""

from __future__ import annotations

import dataclasses
import mmap
import os
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from kinfold.core.columns import lists_of
from kinfold.core.errors import BadData, BadFile
from kinfold.core.files import existing
from kinfold.core.space import Space
from kinfold.core.spill import Matrix
from kinfold.core.streams import COMPRESSED, open_bytes
from kinfold.io.format import Format, check_dim
from kinfold.io.matrix import Stacked, space_of
from kinfold.io.npy import matrix_at
from kinfold.io.pickles import load
from kinfold.io.stand_ins import Numbers, Thing

NAME = "gensim"

# The names that an attribute has had, the newest first.
_VECTORS = ("vectors", "syn0")
_KEYS = ("index_to_key", "index2entity", "index2word")
_TAG_VECTORS = ("vectors_docs", "doctag_syn0")
_TAGS = ("offset2doctag", "index_to_doctag", "index2doctag")
_BUCKETS = ("bucket", "num_ngram_vectors")
# Fields of a model, as the learners here call them.
_PARAMETERS = {
    "dim": ("vector_size",),
    "window": ("window",),
    "epochs": ("epochs", "iter"),
    "min_count": ("min_count",),
    "negatives": ("negative",),
    "subsample": ("sample",),
}


def read(path: str | os.PathLike[str], *, group: str = "word") -> Space:
    """A Space from the file and the arrays beside it.

    Args:
        path: The file, not one of the arrays; it may be packed (.gz .bz2) if no array stands beside it.
        group: What the rows of words are called.

    Raises:
        BadFile: The file or an array is missing, or cannot be read.
        BadData: A pickle of something else, one that asks for more than vectors need, or a damaged one.
    """
    path = existing(path)
    model = _Held(path, load(path, _bytes_of(path), ("gensim",)), str(path))
    try:
        parts, notes = _parts(model, group)
    except (ValueError, TypeError, AttributeError) as error:
        if isinstance(error, BadData):
            raise
        raise BadData(f"{path}: its vectors are damaged ({error}).") from error
    words = parts[0]
    subwords = any(part.group == "ngram" for part in parts)
    names = pa.concat_arrays([part.names for part in parts])
    space = space_of(
        path,
        NAME,
        words.values if len(parts) == 1 else Stacked([part.values for part in parts]),
        names,
        Counter(),
        group=group if len(parts) == 1 else _groups(parts),
        table=_attributes(parts),
        method="fasttext" if subwords else "file",
        parameters=_parameters(model),
    )
    if not notes:
        return space
    card = dataclasses.replace(space.card, data={**space.card.data, "notes": notes})
    return dataclasses.replace(space, card=card)


def recognizes(path: Path, head: bytes) -> bool:
    """A pickle that names gensim."""
    return head.startswith(b"\x80") and b"gensim" in head


FORMAT = Format(read, None, recognizes)


class _Held(NamedTuple):
    """An object of a pickle, and where its arrays stand.

    Args:
        path: The pickle.
        thing: The object.
        prefix: Before the names of its arrays' files.
    """

    path: Path
    thing: Any
    prefix: str

    def get(self, *names: str) -> Any:
        """The attribute that has one of these names."""
        return next((found for name in names if (found := self.thing.get(name)) is not None), None)

    def part(self, *names: str) -> _Held | None:
        """An object within this one."""
        name = next((name for name in names if isinstance(self.thing.get(name), Thing)), None)
        return None if name is None else _Held(self.path, self.thing.get(name), f"{self.prefix}.{name}")

    def matrix(self, *names: str) -> np.ndarray | None:
        """The rows (n, dim) of an attribute, from the pickle or from a file beside it."""
        beside = self.thing.get("__numpys", ())
        for name in names:
            if isinstance(beside, list | tuple) and name in beside:
                place = Path(f"{self.prefix}.{name}.npy")
                if not place.exists():
                    raise BadFile(f"{place}: no such file; {self.path.name} keeps its '{name}' there.")
                return matrix_at(place)
            if isinstance(found := self.thing.get(name), Numbers):
                values = found.array()
                if values.ndim != 2:
                    raise BadData(f"{self.path}: '{name}' has {values.ndim} axes; a matrix (rows, dim) is needed.")
                check_dim(values.shape[1], str(self.path))
                return values
        return None


class _Part(NamedTuple):
    """The rows of one group.

    Args:
        group: Its name.
        names: Of the rows.
        values: The rows (n, dim).
        counts: How often each occurs (n,) int64, or None.
        own: Rows before the mean with those of their parts (n, dim) float32, or None.
    """

    group: str
    names: pa.LargeStringArray
    values: np.ndarray
    counts: np.ndarray | None = None
    own: np.ndarray | None = None


def _bytes_of(path: Path) -> bytes | mmap.mmap:
    if path.is_dir():
        raise BadFile(f"{path}: is a folder; name the file that gensim saved.")
    with open_bytes(path) as stream:
        if path.suffix.lower() in COMPRESSED:
            return stream.read()
        if not os.path.getsize(path):
            raise BadData(f"{path}: is empty.")
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _parts(model: _Held, group: str) -> tuple[list[_Part], list[str]]:
    """Words, their n-grams and tags, and what is to be noted.

    Raises:
        BadFile: An array is missing.
        BadData: There are no vectors.
    """
    if not isinstance(model.thing, Thing):
        raise BadData(f"{model.path}: a pickle of {type(model.thing).__name__}, not of a model of gensim.")
    vectors = model.part("wv") or model
    notes: list[str] = []
    if vectors.matrix("vectors_ngrams") is not None:
        found, note = _with_ngrams(vectors, group)
        parts, notes = found, [note] if note else []
    else:
        parts = [_keyed(vectors, group, vectors.matrix(*_VECTORS))]
    tags = model.part("dv", "docvecs")
    if tags is not None:
        part = _tagged(tags)
        if part.values.shape[1] == parts[0].values.shape[1]:
            parts.append(part)
    if any(part.values.shape[1] != parts[0].values.shape[1] for part in parts):
        raise BadData(f"{model.path}: its matrices have not the same number of coordinates.")
    return parts, notes


def _keyed(vectors: _Held, group: str, values: np.ndarray | None) -> _Part:
    if values is None:
        raise BadData(f"{vectors.path}: {vectors.thing.kind[:60]} holds no vectors; a model of words is needed.")
    keys, vocabulary = vectors.get(*_KEYS), vectors.get("vocab")
    if not isinstance(keys, list) and isinstance(vocabulary, dict):
        keys = sorted(vocabulary, key=lambda key: vocabulary[key].get("index"))
    if not isinstance(keys, list):
        raise BadData(f"{vectors.path}: {vectors.thing.kind[:60]} holds no list of keys.")
    counts = None
    expandos = vectors.get("expandos")
    if isinstance(expandos, dict) and isinstance(expandos.get("count"), Numbers):
        counts = expandos["count"].array()
    elif isinstance(vocabulary, dict) and vocabulary:
        missing = next((key for key in keys if key not in vocabulary), None)
        if missing is not None:
            raise BadData(
                f"{vectors.path}: its vocabulary has no '{missing!s:.40}', which is among its keys; it is damaged."
            )
        counts = np.array([vocabulary[key].get("count", 0) for key in keys])
    return _part(vectors, group, keys, values, counts)


def _tagged(tags: _Held) -> _Part:
    """Tags of documents: in old files those that are numbers come first, and are only counted."""
    values = tags.matrix(*_TAG_VECTORS)
    if values is None:
        return _keyed(tags, "document", tags.matrix(*_VECTORS))
    names = tags.get(*_TAGS)
    numbers = tags.get("max_rawint")
    many = min(numbers + 1, len(values)) if type(numbers) is int else 0
    return _part(tags, "document", [*range(many), *(names if isinstance(names, list) else ())], values, None)


def _part(held: _Held, group: str, keys: list[Any], values: np.ndarray, counts: np.ndarray | None) -> _Part:
    if len(keys) > len(values):
        raise BadData(f"{held.path}: {len(keys):,} keys do not go with {len(values):,} rows.")
    if not all(isinstance(key, str | int) for key in keys):
        raise BadData(f"{held.path}: a key is neither a string nor a number.")
    # A name cut in the middle of a character can be a string of Python's, but is no Unicode.
    names = pa.array([str(key).encode(errors="replace").decode() for key in keys], pa.large_string())
    if counts is not None and (counts.shape != (len(keys),) or counts.dtype.kind not in "iu"):
        counts = None
    return _Part(group, names, values[: len(keys)], None if counts is None else counts.astype(np.int64))


def _with_ngrams(vectors: _Held, group: str) -> tuple[list[_Part], str]:
    """FastText's words and n-grams, and a note where there are only words."""
    ngrams, own = vectors.matrix("vectors_ngrams"), vectors.matrix("vectors_vocab", "syn0_vocab")
    shortest, longest, buckets = vectors.get("min_n"), vectors.get("max_n"), vectors.get(*_BUCKETS)
    whole = vectors.matrix(*_VECTORS)
    good = all(type(each) is int and 0 <= each < 1 << 31 for each in (shortest, longest, buckets)) and longest <= 100
    if not good or vectors.get("compatible_hash") is not True or ngrams is None or len(ngrams) != buckets:
        return [_keyed(vectors, group, whole)], "only words were read: their n-grams are not hashed as fastText does"
    words = _keyed(vectors, group, whole if own is None else own)
    if own is None:
        return [words], "only words were read: their own rows, without their n-grams, are not in the file"
    own = np.require(words.values, np.float32, ["C", "A"])
    ngrams = np.require(ngrams, np.float32, ["C", "A"])
    if own.shape[1] != ngrams.shape[1]:
        raise BadData(f"{vectors.path}: its matrices have not the same number of coordinates.")
    values = _composed(words.names, own, ngrams, shortest, longest) if whole is None else whole[: len(own)]
    numbers = pa.array(np.arange(buckets)).cast(pa.large_string())
    return [words._replace(values=values, own=own), _Part("ngram", numbers, ngrams)], ""


def _composed(
    names: pa.LargeStringArray, own: np.ndarray, ngrams: np.ndarray, shortest: int, longest: int
) -> np.ndarray:
    """Words' rows (n, dim) float32: the mean of their own and those of their n-grams, which gensim does not save."""
    from kinfold.kernels.sparse import product
    from kinfold.kernels.subwords import ngrams as ngrams_of

    rows = Matrix(own.shape[1], np.float32, len(own)).room(0)
    size = max(1, (8 << 20) // (4 * own.shape[1]))
    for start in range(0, len(own), size):
        some = pa.concat_arrays([names.slice(start, size)])
        _, offsets, data = some.buffers()
        ends = np.frombuffer(offsets, np.int64, len(some) + 1, 8 * some.offset)
        text = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)
        starts, ids = ngrams_of(text, ends, max(shortest, 1), longest, max(len(ngrams), 1))
        sums = product(starts, ids, np.ones(len(ids), np.float32), ngrams)
        rows[start : start + len(some)] = (own[start : start + size] + sums) / (np.diff(starts) + 1)[:, None]
    return rows


def _groups(parts: list[_Part]) -> pa.DictionaryArray:
    sizes = [len(part.names) for part in parts]
    codes = pa.array(np.repeat(np.arange(len(parts), dtype=np.int32), sizes))
    return pa.DictionaryArray.from_arrays(codes, pa.array([part.group for part in parts], pa.large_string()))


def _attributes(parts: list[_Part]) -> pa.Table | None:
    columns: dict[str, Any] = {}
    if any(part.counts is not None for part in parts):
        columns["count"] = pa.concat_arrays(
            [pa.nulls(len(part.names), pa.int64()) if part.counts is None else pa.array(part.counts) for part in parts]
        )
    if parts[0].own is not None:
        columns["own"] = lists_of(parts[0].own, 0, sum(len(part.names) for part in parts))
    return pa.table(columns) if columns else None


def _parameters(model: _Held) -> dict[str, Any]:
    """What the model says of its fit, as the learners here call it."""
    vectors = model.part("wv") or model
    found: dict[str, Any] = {
        name: value for name, others in _PARAMETERS.items() if isinstance(value := model.get(*others), int | float)
    }
    if isinstance(skipgram := model.get("sg"), int):
        found["mode"] = "skipgram" if skipgram else "cbow"
    if isinstance(hierarchical := model.get("hs"), int):
        found["loss"] = "hierarchical" if hierarchical else "negative"
    for name, others in {"min_n": ("min_n",), "max_n": ("max_n",), "buckets": _BUCKETS}.items():
        if type(value := vectors.get(*others)) is int:
            found[name] = value
    return found
