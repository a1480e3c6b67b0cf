"""Writes the folder of a transformer, as `io.checkpoint` reads it and sentence-transformers loads it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kinfold.core.files import whole_folder
from kinfold.core.metric import Metric
from kinfold.io.checkpoint import Checkpoint, Dense
from kinfold.io.static_write import METRICS
from kinfold.io.tensors import write_tensors
from kinfold.io.torch_model import quiet

# Of the tokenizer and the card: what is copied from the model that was begun with.
_COPIED = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "spiece.model",
)


def write(
    model: Any,
    checkpoint: Checkpoint,
    path: str | os.PathLike[str],
    *,
    beside: Mapping[str, str] | None = None,
    tokenizer: Any = None,
) -> None:
    """Writes a model of the transformers library with the tokenizer and what stands behind it.

    Args:
        model: The transformer itself; on any device.
        checkpoint: Its tokenizer's folder (`body`), pooling, steps behind it, longest text and prompts.
        path: The folder, which must be new or empty.
        beside: Texts of other files in it, by name.
        tokenizer: Of the transformers library, instead of the one in the checkpoint's folder.

    Raises:
        BadFile: The folder holds something, or cannot be written.
    """
    import transformers

    with whole_folder(path) as folder:
        with quiet(transformers):
            model.save_pretrained(folder, safe_serialization=True)
            if tokenizer is not None:
                tokenizer.save_pretrained(folder)
        for name in _COPIED if tokenizer is None else ():
            if (checkpoint.body / name).exists():
                shutil.copyfile(checkpoint.body / name, folder / name)
        write_modules(folder, checkpoint)
        for name, text in (beside or {}).items():
            (folder / name).write_text(text, "utf-8")


def write_modules(folder: Path, checkpoint: Checkpoint) -> None:
    """The small files that tell sentence-transformers what to do with a transformer's states."""
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    pooling: dict[str, Any] = {
        "word_embedding_dimension": checkpoint.hidden,
        "include_prompt": checkpoint.include_prompt,
        **{f"pooling_mode_{_OLD[name]}": name in checkpoint.pooling for name in _OLD},
    }
    _json(folder / "1_Pooling" / "config.json", pooling)
    for number, step in enumerate(checkpoint.after, 2):
        if isinstance(step, Dense):
            _write_dense(folder / f"{number}_Dense", step)
        else:
            (folder / f"{number}_Normalize").mkdir()
        name = _module(step)
        modules.append((f"{number}_{name}", name))
    _json(
        folder / "modules.json",
        [
            {"idx": number, "name": str(number), "path": place, "type": f"sentence_transformers.models.{name}"}
            for number, (place, name) in enumerate(modules)
        ],
    )
    _json(folder / "sentence_bert_config.json", {"max_seq_length": checkpoint.max_length, "do_lower_case": False})
    called: Mapping[Metric, str] = {metric: name for name, metric in METRICS.items()}
    told = {
        "prompts": dict(checkpoint.prompts),
        "default_prompt_name": checkpoint.default_prompt,
        "similarity_fn_name": called.get(checkpoint.metric, "cosine"),
    }
    _json(folder / "config_sentence_transformers.json", told)


_OLD = {
    "cls": "cls_token",
    "max": "max_tokens",
    "mean": "mean_tokens",
    "mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "weightedmean": "weightedmean_tokens",
    "lasttoken": "lasttoken",
}


def _module(step: str | Dense) -> str:
    """What sentence-transformers calls a step behind the pooling."""
    return "Dense" if isinstance(step, Dense) else "Normalize"


def _write_dense(folder: Path, layer: Dense) -> None:
    out, inner = layer.weight.shape
    config = {
        "in_features": inner,
        "out_features": out,
        "bias": layer.bias is not None,
        "activation_function": _activation(layer.activation),
    }
    _json(folder / "config.json", config)
    kind = np.dtype(np.float32)
    held: dict[str, Any] = {"linear.weight": (kind, (out, inner), [layer.weight])}
    if layer.bias is not None:
        held["linear.bias"] = (kind, (out,), [layer.bias])
    with open(folder / "model.safetensors", "wb") as stream:
        write_tensors(stream, held)


def _activation(name: str) -> str:
    return f"torch.nn.modules.{'linear' if name == 'Identity' else 'activation'}.{name}"


def _json(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2), "utf-8")
