"""How much memory there is to be had, by the machine and by the limits of the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# Below it, looking is not worth the while.
_LITTLE = 16 << 20


def ample(size: int) -> bool:
    """Whether that many bytes are at most half of what can be taken without hardship to anybody."""
    return size <= _LITTLE or 2 * size <= min(_free(), default=2 * size)


def _free() -> Iterator[int]:
    """Bytes that are free by each of the limits that this system has."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        yield 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    yield from _of_group()
    yield from _of_process()


def _of_group() -> Iterator[int]:
    """By the control group, of the second version or the first; within a container it is the root of what is seen."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, kind, place = line.split(":", 2)
        if kind not in ("", "memory"):
            continue
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if kind else ("memory.max", "memory.current")
        root = Path("/sys/fs/cgroup") / kind
        for folder in (root / place.lstrip("/"), root):
            try:
                most, held = (int((folder / name).read_text()) for name in names)
            except (OSError, ValueError):  # no such file, or no limit in it
                continue
            yield most - held


def _of_process() -> Iterator[int]:
    try:
        import resource

        whole, _, _, _, _, data, _ = map(int, Path("/proc/self/statm").read_text().split())
    except (ImportError, OSError):
        return
    for limit, pages in ((resource.RLIMIT_AS, whole), (resource.RLIMIT_DATA, data)):
        most, _ = resource.getrlimit(limit)
        if most != resource.RLIM_INFINITY:
            yield most - pages * os.sysconf("SC_PAGE_SIZE")
