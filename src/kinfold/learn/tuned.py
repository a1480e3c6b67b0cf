"""A text encoder that was trained here, and the folder that it becomes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from kinfold.core.card import Card
from kinfold.core.report import Report, number
from kinfold.io.checkpoint import Checkpoint
from kinfold.io.checkpoint_write import write

_TITLES = {"contrast": "Fine-tuned", "mlm": "Trained from nothing on masked tokens"}


@dataclass(frozen=True, eq=False)
class Tuned:
    """A model of texts that was trained.

    Args:
        model: The transformer, as the transformers library has it.
        checkpoint: What stands before and behind it.
        card: How it was made.
        tokenizer: Of the transformers library, where it was learned too; else that of the checkpoint's folder.
    """

    model: Any
    checkpoint: Checkpoint
    card: Card
    tokenizer: Any = None

    @property
    def report(self) -> Report:
        """What training said."""
        return next(report for report in self.card.reports if report.title == "training")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the folder that Kinfold, transformers and sentence-transformers load; whole or not at all.

        `kinfold.json` in it is the card, `README.md` the same for people.

        Raises:
            BadFile: The folder holds something, or cannot be written.
        """
        beside = {"kinfold.json": self._json(), "README.md": self.readme(Path(path).name)}
        write(self.model, self.checkpoint, path, beside=beside, tokenizer=self.tokenizer)

    def readme(self, name: str) -> str:
        """The model's card for people."""
        card, data = self.card, self.card.data
        told = {key: value for key, value in card.parameters.items() if value is not None}
        base = told.pop("model", None)
        begun = f" of `{Path(base).name}`" if base else ""
        sizes = ", ".join(f"{value:,} {key}" for key, value in data.items() if isinstance(value, int) and value)
        dim, longest = self.checkpoint.hidden, self.checkpoint.max_length
        parts = [
            "---\nlibrary_name: sentence-transformers\npipeline_tag: sentence-similarity\n"
            "tags:\n- sentence-transformers\n- feature-extraction\n- kinfold\n---",
            f"# {name}",
            f"{_TITLES[card.method]}{begun} by Kinfold (`{card.method}`) on {sizes}. It reads up to {longest:,} "
            f"tokens; states have {dim} coordinates, pooled by {' and '.join(self.checkpoint.pooling)}.",
            "## Use",
            f'```python\nimport kinfold as kf\n\nencoder = kf.encoder("{name}")\n'
            'encoder.vectors(["a text", "another"])\n\n'
            "from sentence_transformers import SentenceTransformer\n\n"
            f'SentenceTransformer("{name}").encode(["a text"])\n```',
            "## What was measured",
            "\n".join(f"- {finding}" for finding in self.report) or "Nothing.",
            _table(self.report),
            "\n".join(f"- {note}" for note in self.report.notes),
            "## How it was made",
            "\n".join(f"- {key}: {value}" for key, value in [*told.items(), ("seed", card.seed)]),
            f"Data: {', '.join(f'{key} {value}' for key, value in data.items())}.",
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _json(self) -> str:
        told = {"kinfold": metadata.version("kinfold"), **json.loads(self.card.to_json())}
        return json.dumps(told, ensure_ascii=False, indent=1)


def _table(report: Report) -> str:
    table = report.tables[0]
    rows = [["" if cell is None else number(cell) for cell in row] for row in table.rows]
    lines = [table.columns, ["---"] * len(table.columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
