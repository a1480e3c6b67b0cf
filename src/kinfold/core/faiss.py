"""FAISS, when it is needed."""

from __future__ import annotations

import warnings
from typing import Any


def load_faiss() -> Any:
    """FAISS, whose bindings warn of themselves when they are first imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import faiss
    return faiss
