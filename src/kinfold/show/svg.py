"""Small charts, drawn by hand: bars with their intervals, a curve, a histogram. Readable by a screen reader."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Callable, Sequence

from kinfold.core.errors import BadOption
from kinfold.core.report import Finding, number
from kinfold.show.html import escape, part

_WIDTH = 764
NARROW = 340  # pixels of a chart on a phone
_ROOM = 560  # below this width labels stand over what they name, not beside it


def intervals(
    findings: Sequence[Finding],
    labels: Sequence[str] = (),
    *,
    title: str = "",
    bars: bool = True,
    width: int = _WIDTH,
) -> str:
    """A dot for each finding with a whisker over its interval, and a bar from 0. Findings of one chart share a unit.

    Without bars, a dot is hollow where its interval holds 0: what can be told from nothing and what cannot.

    Args:
        findings: At least one with a finite value; those without one are left out.
        labels: What each is called; by default its group and name.
        title: What the chart shows.
        bars: Whether there are bars; effects, which go either way, are read better without.
        width: Pixels; on a narrow chart each label has a line of its own.
    """
    named = labels or [f"{each.group} · {each.name}" if each.group else each.name for each in findings]
    narrow = width < _ROOM
    most = 44 if narrow else 36
    pairs = [
        (each, _cut(label, most)) for each, label in zip(findings, named, strict=True) if math.isfinite(each.value)
    ]
    held = [each for each, _ in pairs]
    if not held:
        raise BadOption("a chart of intervals needs a finding with a finite value.")
    ends = [end for each in held for end in (each.value, each.low, each.high) if end is not None and math.isfinite(end)]
    unit = held[0].unit
    # A share is drawn on the whole of its scale, so that two reports look alike.
    ratio = bars and not unit and min(ends) >= 0 and max(ends) <= 1
    about = 3 if narrow else 5
    ticks = [0, 0.2, 0.4, 0.6, 0.8, 1] if ratio and max(ends) > 0.5 else _ticks(min(0.0, *ends), max(0.0, *ends), about)
    values = [number(each.value) + (f" {unit}" if unit else "") for each in held]
    left = max(12.0, _length(_short(ticks[0])) / 2) if narrow else 14 + max(_length(label) for _, label in pairs)
    right, line = 22 + max(_length(value) for value in values), 42 if narrow else 26
    across = _scale(ticks[0], ticks[-1], left, width - right)
    bottom = line * len(held) + 6
    body = _columns(ticks, across, bottom, unit)
    if ticks[0] < 0 < ticks[-1] or not bars:
        body.append(f'<path class="zero" d="M{across(0):.1f} 2V{bottom:.1f}"/>')
    for place, ((each, label), value) in enumerate(zip(pairs, values, strict=True)):
        y = 4 + line * place + (31 if narrow else line / 2)
        x0, x1 = sorted((across(0), across(each.value)))
        body.append(_text(0, y - 14, label, "") if narrow else _text(left - 10, y + 4, label, "end"))
        if bars:
            wide = max(x1 - x0, 1)
            body.append(f'<rect class="bar" x="{x0:.1f}" y="{y - 7:.1f}" width="{wide:.1f}" height="14" rx="2"/>')
        told = each.low is not None and each.high is not None and math.isfinite(each.low) and math.isfinite(each.high)
        unsure = False
        if told:
            assert each.low is not None
            assert each.high is not None
            a, b = across(each.low), across(each.high)
            unsure = each.low <= 0 <= each.high and not bars
            body.append(
                f'<path class="whisker" d="M{a:.1f} {y:.1f}H{b:.1f}M{a:.1f} {y - 4:.1f}v8M{b:.1f} {y - 4:.1f}v8"/>'
            )
        kind = "hollow" if unsure else "dot"
        body.append(f'<circle class="{kind}" cx="{across(each.value):.1f}" cy="{y:.1f}" r="{3.5 if bars else 4.5}"/>')
        body.append(_text(width - 4, y + 4, value, "end"))
    told_all = "; ".join(str(each) for each in held)
    return _svg(title or "Findings", told_all, bottom + 24, body, width)


def curve(
    xs: Sequence[float], ys: Sequence[float], *, title: str = "", x: str = "", y: str = "", width: int = _WIDTH
) -> str:
    """A line through points, with a dot on each where they are few.

    Args:
        xs: Ascending.
        ys: As many.
        title: What the chart shows.
        x: Name of the horizontal axis.
        y: Name of the vertical axis.
        width: Pixels.
    """
    points = [(a, b) for a, b in zip(xs, ys, strict=True) if math.isfinite(a) and math.isfinite(b)]
    if not points:
        raise BadOption("a curve needs a point with two finite numbers.")
    low, high = min(b for _, b in points), max(b for _, b in points)
    ticks = _ticks(low, high, 4)
    first, last = points[0][0], points[-1][0]
    whole = all(float(a).is_integer() for a, _ in points)
    about = 6 if width >= _ROOM else 3
    below = [
        each for each in _ticks(first, last, about) if first <= each <= last and (not whole or float(each).is_integer())
    ] or [first]
    left, bottom = 58, 190
    across = _scale(first, last, left + 8, width - 16)
    up = _scale(ticks[0], ticks[-1], bottom, 28)
    body = _lines(ticks, up, left, width)
    body += [_text(across(each), bottom + 18, number(each), "soft mid") for each in below]
    body += [_text(left, 14, y, "soft"), _text(width - 16, bottom + 36, x, "soft end")]
    path = "L".join(f"{across(a):.1f} {up(b):.1f}" for a, b in points)
    body.append(f'<path class="curve" d="M{path}"/>')
    if len(points) <= 40:
        body += [f'<circle class="dot" cx="{across(a):.1f}" cy="{up(b):.1f}" r="3.5"/>' for a, b in points]
    start, end = (f"{number(b)} at {x} {number(a)}" for a, b in (points[0], points[-1]))
    told = f"{y or 'value'} goes from {start} to {end}."
    return _svg(title or y, told, bottom + 44, body, width)


def histogram(
    edges: Sequence[float],
    counts: Sequence[int],
    *,
    title: str = "",
    x: str = "",
    y: str = "",
    log: bool = False,
    width: int = _WIDTH,
) -> str:
    """Bars over ranges.

    Args:
        edges: Ends of the ranges, ascending, one more than there are counts.
        counts: How many are in each.
        title: What the chart shows.
        x: Name of the horizontal axis.
        y: Name of the vertical axis.
        log: Whether the horizontal axis is logarithmic; edges are above 0 then.
        width: Pixels.
    """
    if len(edges) != len(counts) + 1 or not counts:
        raise BadOption(f"a histogram of {len(counts)} ranges has {len(counts) + 1} ends, not {len(edges)}.")
    ticks = _ticks(0, max(*counts, 1), 4)
    left, bottom = 58, 190
    ends = [math.log10(each) for each in edges] if log else list(edges)
    across = _scale(ends[0], ends[-1], left + 8, width - 16)
    up = _scale(ticks[0], ticks[-1], bottom, 28)
    body = _lines(ticks, up, left, width)
    for a, b, count in zip(ends[:-1], ends[1:], counts, strict=True):
        if count:
            body.append(
                f'<rect class="bar" x="{across(a) + 0.75:.1f}" y="{up(count):.1f}" '
                f'width="{max(across(b) - across(a) - 1.5, 1):.1f}" height="{bottom - up(count):.1f}" rx="1"/>'
            )
    powers = range(math.ceil(ends[0] - 1e-9), math.floor(ends[-1] + 1e-9) + 1) if log else range(0)
    places = [float(each) for each in powers] or [
        each for each in _ticks(ends[0], ends[-1], 6 if width >= _ROOM else 3) if ends[0] <= each <= ends[-1]
    ]
    below = [(each, 10.0**each if log else each) for each in places]
    body += [_text(across(at), bottom + 18, _short(value), "soft mid") for at, value in below]
    body += [_text(left, 14, y, "soft"), _text(width - 16, bottom + 36, x, "soft end")]
    most = max(range(len(counts)), key=lambda at: counts[at])
    told = f"Most, {counts[most]:,}, are between {number(edges[most])} and {number(edges[most + 1])}."
    return _svg(title or x, told, bottom + 44, body, width)


def _svg(title: str, told: str, height: float, body: Sequence[str], width: int = _WIDTH) -> str:
    name = (
        "c"
        + hashlib.blake2b(
            "".join([title, told, str(width), *body]).encode("utf-8", "replace"), digest_size=6
        ).hexdigest()
    )
    return (
        f'<svg class="kf-chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" '
        f'width="{width}" height="{height:.0f}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(title)}</title>'
        f'<desc id="{name}-d">{escape(told)}</desc><style>{part("chart.css")}</style>{"".join(body)}</svg>'
    )


def _columns(ticks: Sequence[float], across: Callable[[float], float], bottom: float, unit: str) -> list[str]:
    lines = [f'<path class="rule" d="M{across(each):.1f} 2V{bottom:.1f}"/>' for each in ticks]
    return lines + [
        _text(across(each), bottom + 16, _short(each) + (f" {unit}" if unit and each == ticks[-1] else ""), "soft mid")
        for each in ticks
    ]


def _lines(ticks: Sequence[float], up: Callable[[float], float], left: float, width: int = _WIDTH) -> list[str]:
    lines = [f'<path class="rule" d="M{left} {up(each):.1f}H{width - 8}"/>' for each in ticks]
    return lines + [_text(left - 8, up(each) + 4, _short(each), "soft end") for each in ticks]


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>' if text else ""


def _scale(low: float, high: float, start: float, stop: float) -> Callable[[float], float]:
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (stop - start)


def _ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers from at most `low` to at least `high`, 1, 2 or 5 times a power of ten apart."""
    size = max(abs(low), abs(high))
    # A range that floats can hardly tell from a point is drawn as one.
    span = high - low if high - low > max(1e-9 * size, 1e-11) else max(size, 1e-11)
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(each * step, 12) for each in range(first, max(last, first + 1) + 1)]


def _short(value: float) -> str:
    """A tick: 0.2 · 15 · 20k · 3M."""
    for power, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= power:
            return f"{value / power:g}{unit}"
    return f"{value:g}"


def _length(text: str) -> float:
    """Pixels that a text of 12.5 px may take: those of the widest scripts, such as Chinese, twice those of Latin."""
    return sum(13 if unicodedata.east_asian_width(each) in "WF" else 7.4 for each in text)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
