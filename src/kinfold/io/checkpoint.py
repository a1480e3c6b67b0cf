"""Folders of transformers, as Hugging Face and sentence-transformers write them.

What the small files say, and where the weights are. Nothing is run: weights are read from safetensors, and code in a
folder stays where it is.

Source: sentence-transformers 6.2 (modules.json and what it names); transformers 5.23 (config.json).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kinfold.core.errors import BadData, BadFile, MissingExtra
from kinfold.core.files import existing
from kinfold.core.metric import Metric
from kinfold.io.folder import read_json
from kinfold.io.static_write import METRICS
from kinfold.io.tensors import Tensor, tensors

# How the states of a text's tokens become one row.
POOLINGS = ("mean", "cls", "max", "lasttoken", "weightedmean", "mean_sqrt_len_tokens")
_OLD_POOLINGS = {f"pooling_mode_{name}": name for name in POOLINGS} | {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_weightedmean_tokens": "weightedmean",
}
_ACTIVATIONS = ("Identity", "Tanh", "ReLU", "GELU", "Sigmoid")
# What a tokenizer says that has no limit of its own is a number beyond all texts.
_NO_LIMIT = 1 << 20


@dataclass(frozen=True)
class Dense:
    """A layer behind the pooling.

    Args:
        weight: (out, in) float32.
        bias: (out,) float32, or None.
        activation: Of Identity, Tanh, ReLU, GELU, Sigmoid.
    """

    weight: np.ndarray
    bias: np.ndarray | None
    activation: str


@dataclass(frozen=True)
class Checkpoint:
    """What the folder of a model says.

    Args:
        path: The folder that was named.
        body: The folder of the transformer itself, which may be a part of it.
        config: Of the transformer (config.json).
        pooling: How token states become a row, one of POOLINGS; several are put side by side.
        after: What follows the pooling, in order: `"normalize"` or a Dense.
        max_length: Tokens of a text that are read, with the special ones.
        include_prompt: Whether tokens of the prompt count in the pooling.
        prompts: What is put before texts, by name.
        default_prompt: The name of the prompt that is taken where none is asked for, or None.
        metric: How near two rows are.
        layers: How many of the last layers have their states side by side.
    """

    path: Path
    body: Path
    config: Mapping[str, Any]
    pooling: tuple[str, ...] = ("mean",)
    after: Sequence[str | Dense] = ()
    max_length: int = 512
    include_prompt: bool = True
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    metric: Metric = Metric.COSINE
    layers: int = 1

    @property
    def family(self) -> str:
        """The kind of transformer, as config.json calls it: bert, mpnet, modernbert and so on."""
        return str(self.config.get("model_type", ""))

    @property
    def hidden(self) -> int:
        """Coordinates of a token's state in a layer."""
        return int(self.config.get("hidden_size") or self.config.get("dim") or self.config.get("d_model") or 0)

    @property
    def width(self) -> int:
        """Coordinates of a token's states."""
        return self.hidden * self.layers

    @property
    def depth(self) -> int:
        """Layers of the transformer; 0 where its configuration does not say."""
        told = self.config.get("num_hidden_layers") or self.config.get("n_layers") or 0
        return told if isinstance(told, int) else 0

    @property
    def normalized(self) -> bool:
        """Whether rows have unit length."""
        return bool(self.after) and self.after[-1] == "normalize"

    def weights(self) -> dict[str, Tensor]:
        """The tensors of all safetensors files of the transformer, by name, not read yet.

        Raises:
            BadFile: There are none, or they are Python pickles.
            BadData: One is damaged.
        """
        found: dict[str, Tensor] = {}
        for each in weight_files(self.body):
            found |= tensors(each)
        return found

    def fingerprint(self) -> str:
        """A hash of a part of the weights and of what makes rows of their states: another one, another frame."""
        digest = hashlib.blake2b(digest_size=8)
        for each in weight_files(self.body):
            size = os.path.getsize(each)
            digest.update(str(size).encode())
            held = np.memmap(each, np.uint8, "r")
            for start in np.linspace(0, max(0, size - 64), 4096, dtype=np.int64).tolist():
                digest.update(held[start : start + 64].tobytes())
        told: list[Any] = [self.pooling, self.max_length, *([self.layers] if self.layers > 1 else [])]
        for step in self.after:
            told.append(step if isinstance(step, str) else step.activation)
            if isinstance(step, Dense):
                digest.update(step.weight.tobytes())
        digest.update(json.dumps(told).encode())
        return digest.hexdigest()


def is_checkpoint(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is that of a transformer; it may be damaged all the same."""
    folder = Path(path)
    if not folder.is_dir():
        return False
    try:
        modules = folder / "modules.json"
        if modules.exists():
            return str(_json(modules)[0]["type"]).rpartition(".")[2] == "Transformer"
        config = _json(folder / "config.json")
        return isinstance(config.get("model_type"), str) and config["model_type"] != "model2vec"
    except (BadData, BadFile, KeyError, IndexError, TypeError, AttributeError):
        return False


def locate(model: str | os.PathLike[str]) -> Path:
    """The folder of a model: a local one, or that of a hub name, which is fetched where it is not there yet.

    Raises:
        BadFile: There is no such folder, and no such model could be fetched.
        MissingExtra: It is a hub's name, and huggingface_hub is not installed.
    """
    found = Path(model)
    name = os.fspath(model)
    if found.is_dir():
        return found
    if found.exists():
        raise BadFile(f"{found}: is a file; a model is a folder with config.json, model.safetensors, tokenizer.json.")
    if isinstance(model, os.PathLike) or name.count("/") > 1 or name.startswith((".", "/", "~")):
        raise BadFile(f"{found}: no such folder; a model is a folder with config.json, or a hub's name.")
    try:
        from huggingface_hub import snapshot_download
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"{name}: no such folder; to fetch a hub's model, pip install 'kinfold[deep]' first."
        ) from error
    wanted = ["*.json", "*.safetensors", "*.txt", "*.model"]
    repo = name if "/" in name else f"sentence-transformers/{name}"
    try:
        return Path(snapshot_download(repo, allow_patterns=wanted, local_files_only=True))
    except Exception:  # not in the hub's cache on this machine
        pass
    try:
        return Path(snapshot_download(repo, allow_patterns=wanted))
    except Exception as error:  # the library's own errors, and those of what it stands on, have no common class
        short = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadFile(
            f"{name}: no such folder, and no model of this name could be fetched ({short[:200]}). "
            "Give the folder of a model on this machine."
        ) from error


def read(model: str | os.PathLike[str]) -> Checkpoint:
    """What the folder of a model says.

    Args:
        model: The folder, or the name of a hub's model.

    Raises:
        BadFile: The folder or a file in it is missing or cannot be read, or its weights are a Python pickle.
        BadData: A file is damaged, or the model is none of this kind, or needs code of its own.
    """
    path = locate(model)
    modules = _modules(path)
    body = path / modules[0][1] if modules else path
    if not (body / "config.json").exists():
        raise BadFile(f"{body}: has no config.json; the folder of a transformer has one.")
    config = _json(body / "config.json")
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise BadData(f"{body / 'config.json'}: names no model_type; it is no transformer's.")
    weight_files(body)
    pooling, include_prompt, after = _behind(path, modules[1:])
    told = _json(path / "config_sentence_transformers.json", {})
    told = told if isinstance(told, dict) else {}
    prompts = told.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(isinstance(each, str) for each in prompts.values()):
        raise BadData(f"{path / 'config_sentence_transformers.json'}: its prompts are no texts by name.")
    return Checkpoint(
        path,
        body,
        config,
        pooling,
        after,
        _longest(body, config),
        include_prompt,
        prompts,
        told.get("default_prompt_name"),
        METRICS.get(str(told.get("similarity_fn_name")), Metric.COSINE),
    )


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a transformer: one, or the shards that an index names.

    Raises:
        BadFile: There are none.
        BadData: The index is damaged or names files outside of the folder.
    """
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.exists():
        return [existing(whole)]
    if index.exists():
        try:
            names = sorted(set(_json(index)["weight_map"].values()))
            if any(Path(name).name != name for name in names):
                raise ValueError("it names files in other folders")
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise BadData(f"{index}: no index of weights ({error}).") from error
        return [existing(folder / name) for name in names]
    if any(folder.glob("pytorch_model*.bin")):
        raise BadFile(
            f"{whole}: no such file; pytorch_model.bin is a Python pickle, which could run anything and is not read. "
            "Save the model again with safe_serialization=True."
        )
    raise BadFile(f"{whole}: no such file; the weights of a model are read from safetensors.")


def _modules(path: Path) -> list[tuple[str, str]]:
    """Kind and folder of each module of a sentence-transformers folder; none where it is a plain one.

    Raises:
        BadData: The list is damaged, or names modules that come with code of their own.
    """
    place = path / "modules.json"
    if not place.exists():
        return []
    try:
        found = [(str(each["type"]), str(each.get("path", ""))) for each in _json(place)]
    except (TypeError, KeyError, AttributeError) as error:
        raise BadData(f"{place}: no list of modules ({error!r}).") from error
    for kind, folder in found:
        if not kind.startswith("sentence_transformers."):
            raise BadData(f"{place}: the module {kind} is code of the model's own, which is not run.")
        if not (path / folder).resolve().is_relative_to(path.resolve()):
            raise BadData(f"{place}: a module is in '{folder}', outside of the model's folder.")
    if not found or found[0][0].rpartition(".")[2] != "Transformer":
        first = found[0][0] if found else "missing"
        static = " A static encoder is named as a Space is: kinfold encode FOLDER --file texts.txt."
        raise BadData(
            f"{place}: its first module is {first}; a transformer's folder begins with a Transformer."
            f"{static if first.endswith('StaticEmbedding') else ''}"
        )
    return found


def _behind(path: Path, modules: list[tuple[str, str]]) -> tuple[tuple[str, ...], bool, list[str | Dense]]:
    """Pooling, whether it includes the prompt, and the steps after it."""
    pooling: tuple[str, ...] = ("mean",)
    include_prompt = True
    after: list[str | Dense] = []
    for kind, folder in modules:
        name = kind.rpartition(".")[2]
        if name == "Pooling":
            place = path / folder / "config.json"
            config = _json(place)
            pooling, include_prompt = _pooling(config, place), bool(config.get("include_prompt", True))
        elif name == "Normalize":
            after.append("normalize")
        elif name == "Dense":
            after.append(_dense(path / folder))
        elif name != "Dropout":
            raise BadData(f"{path / 'modules.json'}: a module of the kind {name} is not known here.")
    return pooling, include_prompt, after


def _pooling(config: Any, place: Path) -> tuple[str, ...]:
    if not isinstance(config, dict):
        raise BadData(f"{place}: no pooling's configuration.")
    named = config.get("pooling_mode")
    if named is None:
        named = [name for key, name in _OLD_POOLINGS.items() if config.get(key)] or ["mean"]
    found = tuple(dict.fromkeys([named] if isinstance(named, str) else named))
    if not found or not set(found) <= set(POOLINGS):
        raise BadData(f"{place}: the pooling {named!r} is not known; there are {', '.join(POOLINGS)}.")
    return found


def _dense(folder: Path) -> Dense:
    config = _json(folder / "config.json")
    activation = str(config.get("activation_function", "Identity")).rpartition(".")[2]
    if activation not in _ACTIVATIONS:
        raise BadData(f"{folder / 'config.json'}: the activation {activation} is not known.")
    held = {name.removeprefix("linear."): tensor for name, tensor in tensors(weight_files(folder)[0]).items()}
    if "weight" not in held or len(held["weight"].shape) != 2:
        raise BadData(f"{folder}: the weights of this layer have no matrix.")
    bias = held["bias"].numbers()[:].astype(np.float32) if "bias" in held else None
    return Dense(held["weight"].numbers()[:].astype(np.float32), bias, activation)


def _longest(body: Path, config: dict[str, Any]) -> int:
    """Tokens of a text that are read: what the folder says, but no more than the transformer has places for."""
    places = config.get("max_position_embeddings")
    limits = [places] if isinstance(places, int) and places > 0 else []
    if limits and str(config.get("model_type")) in OFFSET_FAMILIES:
        limits[0] -= int(config.get("pad_token_id") or 0) + 1
    for name, key in (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")):
        told = _json(body / name, {})
        value = told.get(key) if isinstance(told, dict) else None
        if isinstance(value, int) and 0 < value < _NO_LIMIT:
            limits.append(value)
            break
    return min(limits, default=512)


# Families whose places are counted from behind the id of the padding.
OFFSET_FAMILIES = ("roberta", "xlm-roberta", "camembert", "mpnet", "xlm-roberta-xl", "longformer")


def _json(path: Path, absent: Any = None) -> Any:
    return absent if absent is not None and not path.exists() else read_json(path)
