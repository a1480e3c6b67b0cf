"""Writes the folders of static models that `io.static` reads, from those or from words of any other origin."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.files import whole_folder
from kinfold.core.metric import Metric
from kinfold.core.space import Space
from kinfold.io.format import chosen, value_blocks
from kinfold.io.tensors import write_tensors
from kinfold.io.tokenizer import made_for, with_tokens

EMBEDDING = "StaticEmbedding"
# What sentence-transformers calls a metric; what it has no name for is cosine.
METRICS = {"dot": Metric.DOT, "euclidean": Metric.L2}


def write_model2vec(space: Space, path: str | os.PathLike[str], *, group: str | None = None) -> None:
    """Writes a folder that model2vec and sentence-transformers load.

    Args:
        space: What to write.
        path: The folder, which must be new or empty.
        group: The group to write, the first where none is named.

    Raises:
        BadFile: The folder holds something, or cannot be written.
        BadData: The tokenizer on the card is damaged.
    """
    space = chosen(space, group)
    told = space.card.parameters
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "normalize": bool(told.get("normalize", False)),
        "max_length": told.get("max_length"),
        "embedding_dtype": str(space.rows.precision),
    }
    if "model" in told:  # what it was distilled from, as model2vec calls it
        config["tokenizer_name"] = told["model"]
    with whole_folder(path) as folder:
        _write_json(folder / "config.json", config)
        _write_modules(folder, ".", config["normalize"])
        _write_embedding(space, folder, "embeddings", space.rows.precision)


def write_sentence_transformers(space: Space, path: str | os.PathLike[str], *, group: str | None = None) -> None:
    """Writes a folder that sentence-transformers and model2vec load.

    Args:
        space: What to write.
        path: The folder, which must be new or empty.
        group: The group to write, the first where none is named.

    Raises:
        BadFile: The folder holds something, or cannot be written.
        BadData: The tokenizer on the card is damaged.
    """
    space = chosen(space, group)
    called = {metric: name for name, metric in METRICS.items()}
    config: dict[str, Any] = {
        "model_type": "SentenceTransformer",
        "prompts": {},
        "default_prompt_name": None,
        "similarity_fn_name": called.get(space.metric, "cosine"),
    }
    with whole_folder(path) as folder:
        part = folder / f"0_{EMBEDDING}"
        part.mkdir()
        _write_json(folder / "config_sentence_transformers.json", config)
        _write_modules(folder, part.name, bool(space.card.parameters.get("normalize", False)))
        # Half precision has no mean on most processors there.
        _write_embedding(space, part, "embedding.weight", np.dtype(np.float32))


def _write_embedding(space: Space, folder: Path, tensor: str, kind: np.dtype[Any]) -> None:
    names = space.keys.names
    if "tokenizer" in space.card.parameters:
        tokenizer = tokenizer_of(space)
        rows = len(names)
    else:
        tokenizer = made_for(names)
        rows = len(tokenizer["model"]["vocab"])
    _write_json(folder / "tokenizer.json", tokenizer)
    shape = (rows, space.dim)
    with open(folder / "model.safetensors", "wb") as stream:
        write_tensors(stream, {tensor: (kind, shape, _with_unknown(space, rows))})


def _with_unknown(space: Space, rows: int) -> Iterator[np.ndarray]:
    yield from value_blocks(space)
    yield np.zeros((rows - len(space), space.dim), np.float32)


def tokenizer_of(space: Space) -> dict[str, Any]:
    """The tokenizer whose tokens are the keys of a Space, from its card.

    Raises:
        BadData: The card has none, or a damaged one.
    """
    rest = space.card.parameters.get("tokenizer")
    if not isinstance(rest, str):
        raise BadData("this Space has no tokenizer on its card; static models of model2vec's kind have one.")
    scored = space.table is not None and "score" in space.table.column_names
    return with_tokens(rest, list(space.keys), space.attribute("score").to_pylist() if scored else None)


def _write_modules(folder: Path, path: str, normalize: object) -> None:
    modules = [{"idx": 0, "name": "0", "path": path, "type": f"sentence_transformers.models.{EMBEDDING}"}]
    if normalize:
        modules.append({"idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"})
    _write_json(folder / "modules.json", modules)


def _write_json(path: Path, value: Mapping[str, Any] | list[Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=None if path.name == "tokenizer.json" else 2), "utf-8")
