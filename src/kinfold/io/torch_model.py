"""Models of the transformers library: loaded from safetensors, quietly, without any code of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from kinfold.core.errors import BadData, BadFile, MissingExtra
from kinfold.io.checkpoint import Checkpoint


def load(checkpoint: Checkpoint, kind: str = "float32", head: Any = None, **config: Any) -> Any:
    """The model as the transformers library has it, its weights from safetensors, no code of its own run.

    Args:
        checkpoint: Its folder.
        kind: Of the weights.
        head: A class of transformers, `AutoModel` by default.
        config: What is set in its configuration, as `num_labels`.

    Raises:
        BadData: The library does not know such a model, or only with code of its own.
        MissingExtra: torch or transformers is not installed.
    """
    try:
        import torch
        import transformers
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"this model needs {error.name}, which is not installed: pip install 'kinfold[deep]'."
        ) from error
    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    with quiet(transformers):
        try:
            found = (head or transformers.AutoModel).from_pretrained(
                checkpoint.body,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=kinds[kind],
                **config,
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            own = "auto_map" in checkpoint.config and "does not recognize this architecture" in str(error)
            if own or "trust_remote_code" in str(error) or "custom code" in str(error):
                raise BadData(
                    f"{checkpoint.body}: this model needs code of its own, which is not run. "
                    f"Families that the transformers library knows can be used."
                ) from error
            kind_of = BadFile if isinstance(error, OSError) else BadData
            raise kind_of(f"{checkpoint.body}: cannot be loaded as a transformer ({text[:300]}).") from error
    return found


@contextlib.contextmanager
def using(threads: int) -> Iterator[None]:
    """That many threads of torch, and as many as before afterwards."""
    import torch

    before = torch.get_num_threads()
    if before != threads:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        if before != threads:
            torch.set_num_threads(before)


@contextlib.contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Without the library's bars and hints, which are no part of what was asked for."""
    log = transformers.utils.logging
    before, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(before)
        if bars:
            log.enable_progress_bar()
