"""Work on block after block by several threads, results in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(items: Iterator[Item], work: Callable[[Item], Result], threads: int | None = None) -> Iterator[Result]:
    """The results in the order of the items, of which few are held at a time.

    Args:
        items: Blocks of data.
        work: Mostly outside of the interpreter lock.
        threads: By default one a processor; a single item is worked on without any.
    """
    many = threads or os.cpu_count() or 1
    first = list(islice(items, 2))
    if many == 1 or len(first) < 2:
        yield from map(work, chain(first, items))
        return
    with ThreadPoolExecutor(many, "kinfold-io") as pool:
        waiting: deque[Future[Result]] = deque(pool.submit(work, item) for item in first)
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > many:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()
