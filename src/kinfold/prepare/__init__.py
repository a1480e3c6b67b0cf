"""One shape becomes another.

`tokens.sequences` makes Sequences of texts and `tokens.labeled` Labeled of texts with labels; `phrases.join` joins
frequent pairs in Sequences, `ngrams.ngrams` finds their n-grams, `cooccurrence.count` makes Counts of them, and
`weighting.ppmi` weighs Counts; `counting.Counting` is both as a learner asks for it. `cutting` remembers how texts were
cut. `interactions.matrix` makes Counts of Interactions, `interactions.sessions` Sequences, `split.split` holds
some out, and `feedback.Feedback` says what entries weigh.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = [
    "cooccurrence",
    "counting",
    "cutting",
    "feedback",
    "interactions",
    "ngrams",
    "phrases",
    "split",
    "tokens",
    "weighting",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"kinfold.prepare.{name}")
    raise AttributeError(f"module 'kinfold.prepare' has no attribute '{name}'")
