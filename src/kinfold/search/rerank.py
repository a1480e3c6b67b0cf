"""A cross-encoder: a transformer that reads a query and a text together, and says how well they go with each other."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.progress import Progress, quiet
from kinfold.core.threads import many
from kinfold.io.checkpoint import read
from kinfold.prepare.pieces import Pieces

# Tokens of a batch, at most.
_TOKENS = 8192


@dataclass(frozen=True, eq=False)
class CrossEncoder:
    """Scores of pairs by a transformer with one output, as sentence-transformers and Hugging Face keep them.

    Args:
        model: Its folder, or a hub's name.
        device: As torch names it; by default a GPU where there is one.

    Raises:
        BadFile: The folder or a file in it is missing, or the weights are a Python pickle.
        BadData: A file is damaged, or the model has not one output.
        MissingExtra: A library that it needs is not installed.

    Source:
        Nogueira, Cho 2019 (arXiv 1901.04085).
    """

    model: str | os.PathLike[str]
    device: str | None = None

    def scores(
        self, pairs: Sequence[tuple[str, str]], *, threads: int | None = None, progress: Progress = quiet
    ) -> np.ndarray:
        """How well the texts of each pair go together (n,) float32, from 0 to 1."""
        import torch

        from kinfold.io.torch_model import using

        found = np.zeros(len(pairs), np.float32)
        if not pairs:
            return found
        network, takes_types = self._network
        cut = self._pieces.pairs(pairs)
        lengths = np.array([len(ids) for ids, _ in cut])
        progress.start("rerank", len(pairs), "pairs")
        # Pairs of about one length go together, so that little is filled up.
        order = np.argsort(-lengths, kind="stable")
        with torch.inference_mode(), using(many(threads)):
            begin = 0
            while begin < len(order):
                longest = int(lengths[order[begin]])
                some = order[begin : begin + max(1, _TOKENS // longest)]
                ids = np.full((len(some), longest), self._pieces.padding, np.int64)
                types, mask = np.zeros_like(ids), np.zeros_like(ids)
                for line, at in enumerate(some.tolist()):
                    size = lengths[at]
                    ids[line, :size], types[line, :size] = cut[at]
                    mask[line, :size] = 1
                told = {"input_ids": ids, "attention_mask": mask, **({"token_type_ids": types} if takes_types else {})}
                given = {name: torch.from_numpy(each).to(network.device) for name, each in told.items()}
                logits = network(**given).logits[:, 0]
                found[some] = torch.sigmoid(logits.float()).cpu().numpy()
                begin += len(some)
                progress.advance(len(some))
        return found

    @functools.cached_property
    def _checkpoint(self) -> Any:
        return read(self.model)

    @functools.cached_property
    def _pieces(self) -> Pieces:
        return Pieces(self._checkpoint, self._checkpoint.max_length)

    @functools.cached_property
    def _network(self) -> tuple[Any, bool]:
        """The model, and whether it is told which of the two texts a token is of."""
        try:
            import torch
            import transformers
        except ModuleNotFoundError as error:
            from kinfold.core.errors import MissingExtra

            raise MissingExtra(
                f"a cross-encoder needs {error.name}, which is not installed: pip install 'kinfold[deep]'."
            ) from error
        from kinfold.io.torch_model import load

        config = self._checkpoint.config
        labels = config.get("num_labels", len(config.get("id2label") or (0, 1)))
        kinds = config.get("architectures") or [""]
        if labels != 1 or not str(kinds[0]).endswith("ForSequenceClassification"):
            what = f"{kinds[0] or 'a model'} with {labels} outputs"
            raise BadData(f"{self.model}: is {what}; what reranks is a ForSequenceClassification with one.")
        network = load(self._checkpoint, head=transformers.AutoModelForSequenceClassification)
        device = self.device or ("cuda" if torch.cuda.is_available() else "cpu")
        network = network.eval().to(device)
        typed = config.get("type_vocab_size", 0) > 1
        return network, typed and "token_type_ids" in inspect.signature(network.forward).parameters
