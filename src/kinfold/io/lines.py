"""Text files of numbers: whole lines in blocks, clean ones by a kernel, the others one by one.

Fields are divided by single 0x20 bytes (or tabs, where the format says so) and lines by 0x0A, nothing else: names may
hold U+00A0, U+0085, U+2028 or U+3000. The last `dim` fields are the numbers, all before them is the name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kinfold.core.errors import BadData
from kinfold.core.streams import COMPRESSED
from kinfold.io.gather import NOT_FINITE, UNREADABLE, Gatherer
from kinfold.io.order import in_order

_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NOT_FINITE = re.compile(rb"[+-]?(nan(\(\w*\))?|inf(inity)?|1\.#\w+)", re.IGNORECASE)


class Parsed(NamedTuple):
    """One block's rows.

    Args:
        data: The block's bytes.
        rows: float32 (n, dim).
        starts: Of the names.
        stops: Of the names.
        lines: Line of each row within the block, from 0.
        places: Which of the block's lines that are not blank each row stands in.
        filled: Lines that are not blank.
        total: All lines.
        unreadable: Line, its start and what is wrong with the first one that is skipped.
        counts: How many were skipped, and why.
    """

    data: np.ndarray
    rows: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    lines: np.ndarray
    places: np.ndarray
    filled: int
    total: int
    unreadable: tuple[int, int, str] | None
    counts: dict[str, int]


def numbers_at_end(line: bytes, separator: bytes = b" ") -> int:
    """How many of a line's last fields are numbers, the first field never counted."""
    fields = line.rstrip(b"\r\n" + separator).split(separator)[1:]
    run = 0
    for field in reversed(fields):
        if not (_NUMBER.fullmatch(field) or _NOT_FINITE.fullmatch(field)):
            break
        run += 1
    return run


def is_text(rest: bytes, dim: int) -> bool:
    """Whether the first line behind a header is a key and numbers, and not the bytes of a binary row."""
    line, feed, _ = rest.lstrip(b"\r\n").partition(b"\n")
    if not feed:
        line = line.rpartition(b" ")[0] or line  # the line may go on behind what is seen of it
    # One number before a byte 0x0A can be chance, two cannot.
    return (run := numbers_at_end(line)) >= 2 or 0 < run >= dim - 1


def first_lines(block: bytes, most: int = 100) -> list[bytes]:
    """The first lines that are not blank."""
    found: list[bytes] = []
    at = 0
    while len(found) < most and at < len(block):
        stop = block.find(b"\n", at)
        stop = len(block) if stop < 0 else stop
        if line := block[at:stop].rstrip(b"\r"):
            found.append(line)
        at = stop + 1
    return found


def rows_expected(path: Path, block: bytes, dim: int) -> int:
    """A guess at the rows of a file from the lines of its first block; for a packed file, those of that block."""
    # A number and what divides it from the next take two bytes at least, so that lines without numbers ask for nothing.
    lines = min(block.count(b"\n"), len(block) // (2 * dim)) + 1
    if path.suffix.lower() in COMPRESSED:
        return lines
    return int(lines * max(1.0, 1.02 * os.path.getsize(path) / max(1, len(block)))) + 1


def read_lines(
    blocks: Iterator[bytes],
    gatherer: Gatherer,
    *,
    first_line: int,
    on_bad: str,
    separator: str = " ",
    named: bool = True,
    threads: int | None = None,
) -> np.ndarray:
    """Puts every line's row into the gatherer.

    Args:
        blocks: Whole lines.
        gatherer: Where rows and names go.
        first_line: Number of the first one, for errors.
        on_bad: "raise" for a line that is not `name number … number`, or "skip".
        separator: Between the fields.
        named: Whether lines begin with a name; without, rows get empty names.
        threads: Blocks parsed at a time; by default one a processor.

    Returns:
        Which of the lines that are not blank each row stands in (n,) int64.

    Raises:
        BadData: A line is unreadable; names file, line and byte.
    """
    places: list[np.ndarray] = []
    line, filled = first_line, 0
    for parsed in in_order(blocks, lambda block: _parse(block, gatherer.dim, separator.encode(), named), threads):
        if parsed.unreadable is not None and on_bad == "raise":
            number, _, what = parsed.unreadable
            raise BadData(
                f"{gatherer.path} line {line + number:,}: {what} "
                'Repair the line, or pass on_bad="skip" to leave it out.'
            )
        here = line
        names = gatherer.names(
            parsed.data, parsed.starts, parsed.stops, lambda i, p=parsed, h=here: f"line {h + int(p.lines[i]):,}"
        )
        gatherer.keep(names, parsed.rows)
        gatherer.counts.update(parsed.counts)
        places.append(parsed.places + filled)
        line += parsed.total
        filled += parsed.filled
    return np.concatenate(places) if places else np.zeros(0, np.int64)


def _parse(block: bytes, dim: int, separator: bytes, named: bool) -> Parsed:
    from kinfold.kernels.numbers import parse_lines

    data = np.frombuffer(block, np.uint8)
    rows, starts, middles, stops, lines, total = parse_lines(data, dim, separator=separator[0], named=named)
    filled = len(starts)
    counts: dict[str, int] = {}
    unreadable: tuple[int, int, str] | None = None
    odd = np.flatnonzero(middles < 0)
    places = np.arange(filled)
    if len(odd):
        middles = middles.copy()
        good = middles >= 0
        saved: list[Any] = []
        for at in odd.tolist():
            start, stop = int(starts[at]), int(stops[at])
            length, verdict = _judge(block[start:stop], dim, separator, named)
            if isinstance(verdict, np.ndarray):
                middles[at] = start + length
                saved.append(verdict)
                continue
            reason = NOT_FINITE if verdict == NOT_FINITE else UNREADABLE
            counts[reason] = counts.get(reason, 0) + 1
            if reason == UNREADABLE and unreadable is None:
                unreadable = (int(lines[at]), start, verdict)
        kept = middles >= 0
        merged = np.empty((int(np.count_nonzero(kept)), dim), np.float32)
        merged[good[kept]] = rows
        if saved:
            merged[~good[kept]] = np.stack(saved)
        rows, starts, middles, lines, places = merged, starts[kept], middles[kept], lines[kept], places[kept]
    return Parsed(data, rows, starts, middles, lines, places, filled, total, unreadable, counts)


def _judge(line: bytes, dim: int, separator: bytes, named: bool) -> tuple[int, Any]:
    """Length of the name and the row of a line that the kernel left; or 0 and why there is none."""
    line = line.removesuffix(b"\r").rstrip(separator)
    fields = line.rsplit(separator, dim) if named else line.split(separator)
    if len(fields) != dim + named:
        have = line.count(separator) + (not named)
        return 0, f"{have:,} numbers where {dim:,} were expected ({line[:40]!r})."
    values = []
    for field in fields[named:]:
        if _NUMBER.fullmatch(field):
            values.append(float(field))
        elif _NOT_FINITE.fullmatch(field):
            values.append(float("nan"))
        else:
            return 0, f"{field[:40]!r} is not a number."
    with np.errstate(over="ignore"):
        row = np.array(values).astype(np.float32)
    return (len(fields[0]) if named else 0), (row if np.isfinite(row).all() else NOT_FINITE)
