"""States of tokens by the transformers library: any family of models, on processors and on GPUs."""

from __future__ import annotations

import numpy as np

from kinfold.io.checkpoint import Checkpoint
from kinfold.io.torch_model import load, using

KINDS = ("float32", "bfloat16", "float16")


class TorchNetwork:
    """A model of the transformers library.

    Args:
        checkpoint: Its folder.
        kind: Of float32, bfloat16, float16.
        device: As torch names it: cpu, cuda, cuda:1, mps.

    Raises:
        BadData: The library does not know such a model, or only with code of its own.
        MissingExtra: torch or transformers is not installed.
    """

    side_by_side = False

    def __init__(self, checkpoint: Checkpoint, kind: str = "float32", device: str = "cpu") -> None:
        import torch

        self.device = device
        told = checkpoint.config.get("pad_token_id")
        self._padding = told if isinstance(told, int) else 0
        self._layers = checkpoint.layers
        self.model = load(checkpoint, kind).to(device).eval()
        # A GPU is busy with as many tokens as fit; a processor is so with what its cache holds.
        self.tokens = 4096 if torch.device(device).type == "cpu" else 65_536

    def states(self, ids: np.ndarray, starts: np.ndarray, threads: int) -> np.ndarray:
        """The last states (total, width) float32 of tokens.

        Args:
            ids: (total,) int32, one text after another.
            starts: (n + 1,) int64.
            threads: How many of the processor's cores work.
        """
        import torch

        lengths = np.diff(starts)
        inside = np.arange(lengths.max()) < lengths[:, None]
        padded = np.full(inside.shape, self._padding, np.int64)
        padded[inside] = ids
        with torch.inference_mode(), using(threads):
            mask = torch.from_numpy(inside).to(self.device)
            given = torch.from_numpy(padded).to(self.device)
            several = self._layers > 1
            found = self.model(input_ids=given, attention_mask=mask.long(), output_hidden_states=several)
            last = torch.cat(found.hidden_states[-self._layers :], -1) if several else found.last_hidden_state
            states: np.ndarray = last[mask].float().cpu().numpy()
        return states
