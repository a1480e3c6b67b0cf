"""Folders of static models, as model2vec and sentence-transformers write and read them: a row a token, and a tokenizer.

Rows become a Space of the group `token`, in the order of their ids; what the tokenizer says beside its tokens, and what
the model does with the mean of a text's rows, is on the card, so that the folder can be written again and
`encode.static` gives the vectors that the libraries give. Where model2vec shares rows between tokens (`mapping`) and
weighs them (`weights`), each token has its own row times its weight, as the library uses it.

From words of any other origin, a tokenizer is made that finds them in texts; what it does not find is `[UNK]`, a row of
zeros.

Source: model2vec 0.10 (persistence); sentence-transformers 6.2 (StaticEmbedding).
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from kinfold.core.columns import to_arrow
from kinfold.core.errors import BadData, BadFile
from kinfold.core.files import existing
from kinfold.core.metric import Metric
from kinfold.core.space import Space
from kinfold.io.checkpoint import is_checkpoint
from kinfold.io.folder import bytes_of, read_json
from kinfold.io.format import MAX_DIM, Format
from kinfold.io.matrix import Coordinates, space_of
from kinfold.io.static_write import EMBEDDING, METRICS, write_model2vec, write_sentence_transformers
from kinfold.io.tensors import Tensor, tensors
from kinfold.io.tokenizer import Tokens, parsed, tokens_of, without_tokens

METHOD = "static"

_MODEL2VEC, _SENTENCE_TRANSFORMERS = "model2vec", "sentence-transformers"
# Tokens of a text that model2vec reads where nothing says how many.
_MAX_LENGTH = 512


def read_model2vec(path: str | os.PathLike[str], *, group: str = "token") -> Space:
    """A Space from a folder that has `config.json`.

    Args:
        path: The folder.
        group: What the rows are called.

    Raises:
        BadFile: The folder or a file in it is missing, or cannot be read.
        BadData: A file in it is damaged, or they do not go together.
    """
    return _read(existing(path), _MODEL2VEC, group)


def read_sentence_transformers(path: str | os.PathLike[str], *, group: str = "token") -> Space:
    """A Space from a folder that has `modules.json`, whose first module is a StaticEmbedding.

    Args:
        path: The folder.
        group: What the rows are called.

    Raises:
        BadFile: The folder or a file in it is missing, or cannot be read.
        BadData: A file in it is damaged, or they do not go together.
    """
    return _read(existing(path), _SENTENCE_TRANSFORMERS, group)


def recognizes_model2vec(path: Path, head: bytes) -> bool:
    """A folder of a static model that has `config.json`."""
    return (path / "config.json").exists() and _is_static(path)


def recognizes_sentence_transformers(path: Path, head: bytes) -> bool:
    """A folder of a static model that has no `config.json`."""
    return not (path / "config.json").exists() and _is_static(path)


MODEL2VEC = Format(read_model2vec, write_model2vec, recognizes_model2vec)
SENTENCE_TRANSFORMERS = Format(
    read_sentence_transformers, write_sentence_transformers, recognizes_sentence_transformers
)


class Shared:
    """Rows of tokens of which several may share one, each times its weight.

    Args:
        values: (m, dim).
        rows: Which of them each token has (n,) int64.
        weights: (n,), or None.
    """

    def __init__(self, values: Coordinates, rows: np.ndarray, weights: np.ndarray | None) -> None:
        self._values, self._rows, self._weights = values, rows, weights
        self.shape = (len(rows), values.shape[1])
        self.dtype = values.dtype

    def __getitem__(self, rows: Any) -> np.ndarray:
        found = self._values[self._rows[rows]]
        return found if self._weights is None else found * self._weights[rows][:, None]


class _Model(NamedTuple):
    """What a folder says.

    Args:
        embedding: The folder of the rows and the tokenizer, which may be a part of the model's.
        normalize: Whether texts are brought to unit length.
        max_length: Tokens of a text that are read, None for all.
        metric: How near two texts are.
        origin: What it was distilled from, where that is told.
    """

    embedding: Path
    normalize: bool
    max_length: int | None
    metric: Metric
    origin: str | None = None


def _is_static(path: Path) -> bool:
    if not path.is_dir():
        return False
    if not (path / "modules.json").exists():
        static = (path / "model.safetensors").exists() and (path / "tokenizer.json").exists()
        return static and not is_checkpoint(path)
    try:
        modules = read_json(path / "modules.json")
        return str(modules[0]["type"]).endswith(EMBEDDING)
    except (BadData, BadFile, TypeError, KeyError, IndexError):
        return False


def _read(path: Path, format: str, group: str) -> Space:
    if not path.is_dir():
        raise BadFile(f"{path}: is no folder; a model of {format} is one, with model.safetensors and tokenizer.json.")
    model = _model(path)
    place = model.embedding / "model.safetensors"
    if not place.exists() and (model.embedding / "pytorch_model.bin").exists():
        raise BadFile(f"{place}: no such file; pytorch_model.bin is a Python pickle, which is not read. Save it again.")
    held = tensors(existing(place))
    text = existing(model.embedding / "tokenizer.json")
    tokenizer = parsed(bytes_of(text), str(text))
    tokens = tokens_of(tokenizer, str(text))
    values, weights = _rows(place, held)
    names, ids = _named(tokens, values.shape[0], text)
    counts: Counter[str] = Counter()
    if without := values.shape[0] - len(ids):
        counts["rows without a token"] = without
        values = Shared(values, ids, None)
    return space_of(
        path,
        format,
        values,
        names,
        counts,
        group=group,
        table=_attributes(tokens, weights, names, ids),
        metric=model.metric,
        method=METHOD,
        parameters={
            "normalize": model.normalize,
            "max_length": model.max_length,
            "tokenizer": without_tokens(tokenizer),
            **({} if model.origin is None else {"model": model.origin}),
        },
    )


def _model(path: Path) -> _Model:
    """What the folder's small files say; those that are not there say nothing.

    Raises:
        BadFile: One cannot be read.
        BadData: One is damaged, or the model is none of this kind.
    """
    embedding, normalize = path, False
    if (path / "modules.json").exists():
        modules = read_json(path / "modules.json")
        try:
            kinds = [(str(each["type"]), str(each["path"])) for each in modules]
            name = Path(kinds[0][1]).name if kinds[0][1] not in ("", ".") else ""
            normalize = any(kind.endswith("Normalize") for kind, _ in kinds)
        except (TypeError, KeyError, IndexError) as error:
            raise BadData(f"{path / 'modules.json'}: no list of modules ({error!r}).") from error
        if not kinds[0][0].endswith(EMBEDDING):
            raise BadData(
                f"{path}: its first module is {kinds[0][0]}, not a {EMBEDDING}; its rows are no vectors of words."
            )
        embedding = path / name if name else path
    if (path / "config.json").exists():
        config = read_json(path / "config.json")
        config = config if isinstance(config, dict) else {}
        length = config.get("max_length", _MAX_LENGTH)
        normalize = bool(config.get("normalize", False))
        length = length if type(length) is int and length > 0 else None
        origin = config.get("tokenizer_name")
        return _Model(embedding, normalize, length, Metric.COSINE, origin if isinstance(origin, str) else None)
    config = {}
    if (path / "config_sentence_transformers.json").exists():
        config = read_json(path / "config_sentence_transformers.json")
    near = config.get("similarity_fn_name") if isinstance(config, dict) else None
    return _Model(embedding, normalize, None, METRICS.get(str(near), Metric.COSINE))


def _rows(path: Path, held: dict[str, Tensor]) -> tuple[Coordinates, np.ndarray | None]:
    """A row for each id, and the weights that are in them.

    Raises:
        BadData: The tensors are not those of a static model, or do not go together.
    """
    matrix = held.get("embeddings") or held.get("embedding.weight")
    if matrix is None or len(matrix.shape) != 2 or not 1 <= matrix.shape[1] <= MAX_DIM:
        what = ", ".join(f"'{each.name}' {each.shape}" for each in list(held.values())[:10])
        raise BadData(
            f"{path}: no static model, whose matrix is called 'embeddings' or 'embedding.weight'. It has: {what}."
        )
    values = matrix.numbers()
    mapping, weights = (_line(held.get(name), path) for name in ("mapping", "weights"))
    if mapping is None and weights is None:
        return values, None
    mapping = np.arange(matrix.shape[0]) if mapping is None else mapping.astype(np.int64)
    if len(mapping) and not 0 <= mapping.min() <= mapping.max() < matrix.shape[0]:
        raise BadData(f"{path}: the tensor 'mapping' points outside the {matrix.shape[0]:,} rows.")
    if weights is not None and len(weights) != len(mapping):
        raise BadData(f"{path}: {len(weights):,} weights do not go with {len(mapping):,} tokens.")
    return Shared(values, mapping, weights), weights


def _line(tensor: Tensor | None, path: Path) -> np.ndarray | None:
    if tensor is None:
        return None
    if len(tensor.shape) != 1:
        raise BadData(f"{path}: the tensor '{tensor.name}' {tensor.shape} has not one number a token.")
    numbers: np.ndarray = tensor.numbers()[:]
    return numbers


def _named(tokens: Tokens, rows: int, place: Path) -> tuple[pa.LargeStringArray, np.ndarray]:
    """The tokens in the order of their ids, and those.

    Raises:
        BadData: A token has no row, or cannot be written as UTF-8.
    """
    pairs = sorted((number, token) for token, number in tokens.ids.items())
    if pairs and pairs[-1][0] >= rows:
        raise BadData(
            f"{place}: the token {pairs[-1][1][:40]!r} has the id {pairs[-1][0]:,}, but there are {rows:,} rows."
        )
    try:
        names = pa.array([token for _, token in pairs], pa.large_string())
    except UnicodeEncodeError as error:
        raise BadData(f"{place}: a token is not Unicode ({error}).") from error
    return names, np.array([number for number, _ in pairs], np.int64)


def _attributes(
    tokens: Tokens, weights: np.ndarray | None, names: pa.LargeStringArray, ids: np.ndarray
) -> pa.Table | None:
    columns: dict[str, Any] = {}
    if weights is not None:
        columns["weight"] = to_arrow(weights[ids].astype(np.float64))
    if tokens.scores is not None:
        columns["score"] = pa.array([tokens.scores.get(name, 0.0) for name in names.to_pylist()], pa.float64())
    return pa.table(columns) if columns else None
