"""How many threads work at once."""

from __future__ import annotations

import os

from kinfold.core.errors import BadOption


def many(threads: int | None) -> int:
    """How many work at once; as many as there are processors where nothing is said.

    Raises:
        BadOption: Fewer than one.
    """
    if threads is not None and threads < 1:
        raise BadOption(f"threads is {threads}; it is at least 1.")
    return threads or processors()


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
