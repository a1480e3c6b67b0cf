"""Entries of `name, NUL, count, kind`, one byte after another."""

from __future__ import annotations

import struct


def taken(data: bytes, most: int, longest: int) -> tuple[list[tuple[int, int, int, int]], int]:
    found: list[tuple[int, int, int, int]] = []
    at = 0
    while len(found) < most:
        end = data.find(b"\0", at)
        if (end if end >= 0 else len(data)) - at > longest:
            return found, -1 - at
        if end < 0 or end + 10 > len(data):
            break
        found.append((at, end, *struct.unpack_from("<qb", data, end + 1)))
        at = end + 10
    return found, at
