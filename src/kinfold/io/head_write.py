"""Writes the folder of a transformer with a head, as the transformers library loads it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinfold.core.errors import BadData
from kinfold.core.files import whole_folder
from kinfold.io.checkpoint import Checkpoint
from kinfold.io.checkpoint_write import _COPIED
from kinfold.io.folder import read_json
from kinfold.io.torch_model import quiet

NOTE = "kinfold.json"
HEADS = {"ForSequenceClassification": "text", "ForTokenClassification": "token"}


def write(model: Any, checkpoint: Checkpoint, note: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Writes a model with its head, the tokenizer, and a note of how it was learned.

    Args:
        model: Of the transformers library; on any device.
        checkpoint: What it was begun with, whose tokenizer it has.
        note: Plain JSON types.
        path: The folder, which must be new or empty.

    Raises:
        BadFile: The folder holds something, or cannot be written.
    """
    import transformers

    with whole_folder(path) as folder:
        with quiet(transformers):
            model.save_pretrained(folder, safe_serialization=True)
        for name in _COPIED:
            if (checkpoint.body / name).exists():
                shutil.copyfile(checkpoint.body / name, folder / name)
        (folder / NOTE).write_text(json.dumps(note, ensure_ascii=False, indent=1), "utf-8")


def head_of(path: str | os.PathLike[str]) -> str:
    """What a folder's head gives labels to: `text`, `token`, or nothing where it has no such head."""
    place = Path(path) / "config.json"
    if not place.exists():
        return ""
    try:
        names = read_json(place).get("architectures") or [""]
        return next((kind for ending, kind in HEADS.items() if str(names[0]).endswith(ending)), "")
    except (BadData, AttributeError, TypeError, KeyError):
        return ""


def note_of(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What the note in a folder says; nothing where there is none, as in a folder from elsewhere.

    Raises:
        BadData: It is damaged.
    """
    place = Path(path) / NOTE
    if not place.exists():
        return {}
    told = read_json(place)
    if not isinstance(told, dict):
        raise BadData(f"{place}: is no note of how a model was learned; remove it, the model works without.")
    return told
