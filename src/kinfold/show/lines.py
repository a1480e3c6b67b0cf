"""A chart of several lines over one axis, apart by color, dash and mark: on a screen, in print, and read aloud."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from kinfold.core.errors import BadOption
from kinfold.core.report import number
from kinfold.show.svg import _ROOM, _WIDTH, _cut, _length, _lines, _scale, _short, _svg, _text, _ticks

MOST = 6
# Of each line: its dashes and the mark on its points, around 0, 0.
_DASHES = ("", "7 4", "2 3", "9 3 2 3", "12 4", "5 2 2 2 2 2")
_MARKS = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-3.5-3.5h7v7h-7z",
    "M0-4.8L4.6 3.4H-4.6z",
    "M0-5L5 0L0 5L-5 0z",
    "M0 4.8L4.6-3.4H-4.6z",
    "M-4.5-1.5h3v-3h3v3h3v3h-3v3h-3v-3h-3z",
)


def lines(
    xs: Sequence[float],
    ys: Mapping[str, Sequence[float | None]],
    *,
    title: str = "",
    x: str = "",
    y: str = "",
    log: bool = False,
    width: int = _WIDTH,
) -> str:
    """Lines with names over points that they share, each point with its mark, the last with its value.

    Args:
        xs: Ascending; above 0 where the axis is logarithmic. There is a tick at each.
        ys: What each line is called, and as many values as there are points; a line is broken where there is none.
        title: What the chart shows.
        x: Name of the horizontal axis.
        y: Name of the vertical axis.
        log: Whether twice as much is one step to the right.
        width: Pixels; a narrow chart has ticks at fewer of its points.

    Raises:
        BadOption: There is no line, there are more than six, one has another length, or none has a finite value.
    """
    if not 1 <= len(ys) <= MOST:
        raise BadOption(f"a chart of lines has 1 to {MOST} of them, not {len(ys)}.")
    short = next((name for name, values in ys.items() if len(values) != len(xs)), None)
    if short is not None:
        raise BadOption(f"the line '{short}' has {len(ys[short])} values for {len(xs)} points.")
    if log and any(each <= 0 for each in xs):
        raise BadOption("points of a logarithmic axis are above 0.")
    places = [math.log2(each) if log else float(each) for each in xs]
    found = {name: _known(values) for name, values in ys.items()}
    ends = [each for values in found.values() for each in values if each is not None]
    if not ends:
        raise BadOption("a chart of lines needs a finite value.")
    top = 38 + 20 * len(ys)
    left, right, bottom = 58, width - 66, top + 200
    ticks = _ticks(min(ends), max(ends), 5)
    across = _scale(places[0], places[-1], left + 14, right) if len(xs) > 1 else lambda _: (left + right) / 2
    up = _scale(ticks[0], ticks[-1], bottom, top)
    body = _lines(ticks, up, left, width)
    body += _below(across, places, xs, bottom)
    body += [_text(left, top - 14, y, "soft"), _text(right, bottom + 36, x, "soft end")]
    for place, (name, values) in enumerate(found.items()):
        points = [(across(at), None if each is None else up(each)) for at, each in zip(places, values, strict=True)]
        body += _legend(place, name, left if width >= _ROOM else 4, 12 + 20 * place, 90 if width >= _ROOM else 36)
        body += _line(place, points)
    body += _last(found, up, across(places[-1]) + 12)
    return _svg(title or y, _told(xs, found, x), bottom + 44, body, width)


def _known(values: Sequence[float | None]) -> list[float | None]:
    return [None if each is None or not math.isfinite(each) else float(each) for each in values]


def _line(at: int, points: Sequence[tuple[float, float | None]]) -> list[str]:
    path, open_ = "", False
    for across, up in points:
        if up is not None:
            path += f"{'L' if open_ else 'M'}{across:.1f} {up:.1f}"
        open_ = up is not None
    marks = [_mark(at, across, up) for across, up in points if up is not None]
    return [f'<path class="line c{at}" stroke-dasharray="{_DASHES[at]}" d="{path}"/>' if path else "", *marks]


def _mark(at: int, across: float, up: float) -> str:
    return f'<path class="mark c{at}" transform="translate({across:.1f} {up:.1f})" d="{_MARKS[at]}"/>'


def _below(across: Callable[[float], float], places: Sequence[float], xs: Sequence[float], bottom: float) -> list[str]:
    """A tick at each point, but for those that would stand on the one before."""
    texts, free = [], -math.inf
    for at, each in zip(places, xs, strict=True):
        half = _length(_short(each)) / 2
        if across(at) - half >= free:
            texts.append(_text(across(at), bottom + 18, _short(each), "soft mid"))
            free = across(at) + half + 6
    return texts


def _legend(at: int, name: str, left: float, y: float, most: int) -> list[str]:
    drawn = f'<path class="line c{at}" stroke-dasharray="{_DASHES[at]}" d="M{left} {y:.1f}h40"/>'
    return [drawn, _mark(at, left + 20, y), _text(left + 50, y + 4, _cut(name, most), "")]


def _last(found: Mapping[str, Sequence[float | None]], up: Callable[[float], float], x: float) -> list[str]:
    """The last value of each line beside its end, moved apart where two would stand on each other."""
    ends = sorted((up(values[-1]), values[-1]) for values in found.values() if values[-1] is not None)
    texts, free = [], -math.inf
    for y, value in ends:
        free = max(y, free + 14)
        texts.append(_text(x, free + 4, number(value), ""))
    return texts


def _told(xs: Sequence[float], found: Mapping[str, Sequence[float | None]], x: str) -> str:
    """All values in words."""
    parts = []
    for name, values in found.items():
        pairs = [f"{number(each)} at {x} {number(at)}" for at, each in zip(xs, values, strict=True) if each is not None]
        parts.append(f"{name}: {', '.join(pairs) or 'no value'}.")
    return " ".join(parts)
