"""Libraries beside which files are tested: `pip install --group peers`; a test that needs one is skipped without it."""

from __future__ import annotations

import os
from typing import Any

import pytest

# Nothing is looked for on the network, whatever a library would do by itself.
os.environ["HF_HUB_OFFLINE"] = "1"


def peer(name: str) -> Any:
    """The library, or a skipped test that says why."""
    return pytest.importorskip(name, reason=f"{name} is not installed; pip install --group peers")
