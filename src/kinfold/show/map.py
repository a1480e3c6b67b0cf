"""The map: every key a point in the plane, in one HTML file that opens from disk and needs no network."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinfold.core.errors import BadOption, UnknownName, did_you_mean
from kinfold.core.frequency import most_frequent
from kinfold.core.metric import Metric
from kinfold.core.nearest import alike, one_side
from kinfold.core.progress import Progress, quiet
from kinfold.core.space import Space
from kinfold.show import html, layout

NEAREST = 8  # neighbors that the page knows of each point
_KINDS = 12  # categories that get a color of their own; the rest share one
STYLES = ("base.css", "map.css")
SCRIPTS = ("color.js", "points.js", "labels.js", "map.js")


def write(
    space: Space,
    path: str | os.PathLike[str],
    *,
    method: str = "umap",
    color: str | None = None,
    label: str | None = None,
    group: str | Sequence[str] | None = None,
    limit: int = 100_000,
    seed: int = 0,
    title: str | None = None,
    progress: Progress = quiet,
) -> None:
    """Writes the map of a Space as one HTML file.

    Args:
        space: What to show.
        path: Where to.
        method: umap keeps neighbors together; pca keeps large distances and takes a moment.
        color: The attribute, or `group`, that colors the points at first.
        label: An attribute that points are called by, such as titles; their keys by default.
        group: The group to show, or several in one map; the first where it is None.
        limit: Most points; the most frequent ones where the attribute `count` tells, else the first.
        seed: Of the layout; the same seed gives the same map.
        title: Heading of the page.
        progress: Told of the stages.

    Raises:
        BadOption: No such method, or a limit below 1.
        UnknownName: No such attribute to color by or to call points by, or no such group.
        BadFile: The folder cannot be written.
    """
    space = part(space, group)
    name = title or f"Map of {len(space):,} {plural(space)}"
    heading = f"<h1>{html.escape(name)}</h1>"
    body = figure(
        space,
        method=method,
        color=color,
        label=label,
        group=list(space.groups),
        limit=limit,
        seed=seed,
        heading=heading,
        progress=progress,
    )
    html.save(html.page(name, body, styles=STYLES, scripts=SCRIPTS), path)


def figure(
    space: Space,
    *,
    method: str = "umap",
    color: str | None = None,
    label: str | None = None,
    group: str | Sequence[str] | None = None,
    limit: int = 100_000,
    seed: int = 0,
    heading: str = "",
    inside: bool = False,
    trails: Mapping[str, Sequence[str]] | None = None,
    progress: Progress = quiet,
) -> str:
    """The map as a part of a page, with its data; `inside` one that scrolls, it leaves the wheel to the page.

    `trails` draws an arrow to each of its keys, from the middle of the keys that it names.
    The page needs the styles and scripts of a map: `html.page(..., styles=..., scripts=...)`.
    """
    if limit < 1:
        raise BadOption(f"limit is {limit}; a map shows at least 1 point.")
    space = part(space, group)
    rows, chosen = most_frequent(space, limit)
    finite = np.isfinite(space.rows.norms[rows])
    rows, broken = rows[finite], int(np.count_nonzero(~finite))
    shown = space.take(np.sort(rows)) if len(rows) < len(space) else space
    order = np.argsort(np.argsort(rows))  # where each chosen row stands in `shown`
    colors = _colors(shown, order)
    if color is not None and color not in [each["name"] for each in colors]:
        names = [each["name"] for each in colors]
        held = ", ".join(names) or "nothing"
        raise UnknownName(f"the map cannot be colored by '{color}'.{did_you_mean(color, names)} It can by: {held}.")
    progress.start("layout", len(shown), "points")
    places, scores, found = layout.place(shown.rows, shown.metric, method, seed, NEAREST)
    progress.advance(len(shown))
    used = "pca" if len(shown) < layout.SMALLEST_UMAP else method
    about = [_size(space, len(shown), chosen), _made(used, space.metric, seed)]
    squares = quantized(places[order])
    values = {
        "keys": _names(shown, label).take(pa.array(order)).to_pylist(),
        "places": html.packed(squares, "<u2"),
        "box": _box(squares),
        "near": html.packed(_renumbered(found[order], order), "<u4"),
        "scores": _scores(scores[order], shown.metric),
        "k": NEAREST,
        "colors": colors,
        "color": color or next((each["name"] for each in colors), ""),
        "trails": _trails(shown, order, trails or {}),
        "texts": [each for each in _texts(shown, order) if each["name"] != label],
    }
    if broken:
        about.append(f"Left out, since they are not finite: {broken:,} of {broken + len(rows):,} rows.")
    notes = "".join(f"<p>{html.escape(each)}</p>" for each in about)
    return html.fill(
        "map.html",
        kind="map-inside" if inside else "map-whole",
        label=html.escape(
            f"Map of {len(shown):,} points. Arrow keys move, plus and minus zoom, 0 shows everything, slash searches."
        ),
        heading=f"<header>{heading}{notes}</header>",
        data=html.data(values),
    )


def part(space: Space, group: str | Sequence[str] | None) -> Space:
    """The first group of a Space, the one named, or several: the rows of n-grams are no words to be drawn.

    A group of its own has the metric that its rows are compared by.

    Raises:
        UnknownName: There is no such group.
    """
    names = [] if group is None else [group] if isinstance(group, str) else list(group)
    if len(names) < 2:
        found = space.group(*names)
        own = next(iter(found.groups))
        return alike(found) if one_side(space, own, own) else found
    ranges = sorted((space.keys.range_of(each) for each in names), key=lambda each: each.start)
    if sum(map(len, ranges)) == len(space):
        return space
    return space.take(np.unique(np.concatenate([np.arange(each.start, each.stop) for each in ranges])))


def _names(space: Space, label: str | None) -> pa.Array:
    """What points are called: their keys, or an attribute where it has something."""
    if label is None:
        return space.keys.names
    return pc.coalesce(_plain(space.attribute(label)).cast(pa.large_string()), space.keys.names)


def quantized(places: np.ndarray) -> np.ndarray:
    """Places (n, 2) as uint16: both axes on one scale, the longer one from 0 to 65,535, the other centered."""
    if not len(places):
        return np.zeros((0, 2), np.uint16)
    low, high = places.min(axis=0).astype(np.float64), places.max(axis=0).astype(np.float64)
    span = float((high - low).max()) or 1.0
    scaled = (places - (low + high) / 2) / span + 0.5
    squares: np.ndarray = np.rint(np.clip(scaled, 0, 1) * 65_535).astype(np.uint16)
    return squares


def _box(squares: np.ndarray) -> list[float]:
    """Left, top, right, bottom (of 0..1) of where 99 % of the points are: an island does not shrink the rest."""
    if not len(squares):
        return [0.0, 0.0, 1.0, 1.0]
    low, high = np.quantile(squares, [0.005, 0.995], axis=0) / 65_535
    margin = 0.05 * max(float((high - low).max()), 0.01)
    return [*(low - margin).tolist(), *(high + margin).tolist()]


def _renumbered(found: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Row numbers of the Space shown -> positions on the page; none is 2^32 - 1."""
    position = np.empty(len(order) + 1, np.int64)
    position[order] = np.arange(len(order))
    position[-1] = 2**32 - 1
    renumbered: np.ndarray = position[found]
    return renumbered


def _trails(space: Space, order: np.ndarray, trails: Mapping[str, Sequence[str]]) -> list[Any]:
    """Positions on the page: each key, and those that its arrow begins among; what is not shown has none."""
    position = _renumbered(np.arange(len(space)), order)

    def places(keys: Sequence[str]) -> list[int]:
        rows = space.keys.rows(keys)
        return [int(each) for each in position[rows[rows >= 0]]]

    found = [(places([key]), places(others)) for key, others in trails.items()]
    return [[own[0], others] for own, others in found if own and others]


def _scores(scores: np.ndarray, metric: Metric) -> dict[str, Any]:
    """A byte a score, on a scale from the lowest to the highest: two digits are all that the page shows."""
    finite = scores[np.isfinite(scores)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    scale = (high - low) or 1.0
    steps = np.rint((np.where(np.isfinite(scores), scores, low) - low) / scale * 255)
    return {"name": metric.value, "low": low, "high": low + scale, "values": html.packed(steps, "u1")}


def _colors(space: Space, order: np.ndarray) -> list[dict[str, Any]]:
    """What points can be colored by: the group where there are several, then numbers and small sets of names.

    Whole numbers whose names are another attribute (`cluster` and `cluster_name`) are kinds, called by these names.
    """
    found = []
    called = _called(space)
    if len(space.groups) > 1:
        codes = np.repeat(np.arange(len(space.groups)), [len(rows) for rows in space.groups.values()])
        found.append(_categories("group", codes[order], list(space.groups)))
    for name in _attributes(space):
        if name in called.values():
            continue
        column = _plain(space.attribute(called.get(name, name))).take(pa.array(order))
        kind = column.type
        few = pc.count_distinct(column).as_py() <= _KINDS if _named(kind) or pa.types.is_integer(kind) else False
        repeats = _named(kind) and (name in called or _repeats(column))
        if pa.types.is_boolean(kind) or (few and name != "count") or repeats:
            values = pc.fill_null(column.cast(pa.large_string()), "(none)")
            counted = values.value_counts()
            ranked = sorted(counted.to_pylist(), key=lambda each: (-each["counts"], each["values"]))
            names = [each["values"] for each in ranked]
            codes = pc.index_in(values, value_set=pa.array(names, pa.large_string()))
            found.append(_categories(name, np.asarray(codes), names))
        elif pa.types.is_temporal(kind) and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
            seconds = column.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
            found.append({**_numbers(name, np.asarray(seconds.cast(pa.float64())) / 86_400), "unit": "date"})
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
            found.append(_numbers(name, np.asarray(column.cast(pa.float64(), safe=False))))
    return found


def _categories(name: str, codes: np.ndarray, names: list[str]) -> dict[str, Any]:
    sizes = np.bincount(np.minimum(codes, _KINDS), minlength=min(len(names), _KINDS + 1))
    shown = names[:_KINDS] + ([f"{len(names) - _KINDS:,} others"] if len(names) > _KINDS else [])
    return {
        "name": name,
        "kind": "names",
        "names": names,
        "shown": shown,
        "sizes": sizes.tolist(),
        "values": html.packed(codes, "<u4"),
    }


def _numbers(name: str, values: np.ndarray) -> dict[str, Any]:
    """Values (n,) with the ends of their scale; one of ranks where a few dwarf the rest."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    skewed = low > 0 and high > 50 * low
    with np.errstate(over="ignore"):
        held = values.astype(np.float32)
    return {
        "name": name,
        "kind": "numbers",
        "low": low,
        "high": high,
        "steps": np.quantile(finite, np.linspace(0, 1, 33)).tolist() if skewed else None,
        "values": html.packed(held, "<f4"),
    }


def _texts(space: Space, order: np.ndarray) -> list[dict[str, Any]]:
    """Attributes that are names of their own, such as titles: for the tooltip."""
    found = []
    called = _called(space).values()
    for name in _attributes(space):
        column = _plain(space.attribute(name))
        if _named(column.type) and name not in called and not _repeats(column):
            found.append({"name": name, "values": column.take(pa.array(order)).to_pylist()})
    return found


def _attributes(space: Space) -> list[str]:
    return [] if space.table is None else list(space.table.column_names)


def _called(space: Space) -> dict[str, str]:
    """Attributes of whole numbers, with the attribute that holds the names of what is numbered."""
    held = {name: space.attribute(name).type for name in _attributes(space)}
    kinds = {name: kind.value_type if pa.types.is_dictionary(kind) else kind for name, kind in held.items()}
    pairs = {name: f"{name}_name" for name, kind in kinds.items() if pa.types.is_integer(kind)}
    return {name: other for name, other in pairs.items() if other in kinds and _named(kinds[other])}


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array; neither a dictionary nor views, which can be counted only once they are plain."""
    array = column.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    return array.cast(pa.large_string()) if pa.types.is_string_view(array.type) else array


def _named(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _repeats(column: pa.Array) -> bool:
    """Whether names stand for kinds, rather than one for each row."""
    return bool(pc.count_distinct(column).as_py() <= max(_KINDS, min(1000, len(column) // 20)))


def _size(space: Space, shown: int, chosen: str) -> str:
    if shown == len(space):
        return f"{shown:,} {plural(space)}, {space.dim} dimensions. The {chosen} are labeled first."
    return f"The {shown:,} {chosen} of {len(space):,} {plural(space)}, {space.dim} dimensions."


def _made(method: str, metric: Metric, seed: int) -> str:
    if method == "pca":
        return "PCA: the two directions of most variance."
    return f"UMAP of the nearest by {metric.value}, seed {seed}. Near means similar; far says little."


def plural(space: Space) -> str:
    """What the rows are called: words, items; rows where there are several groups."""
    names = list(space.groups)
    return f"{names[0]}s" if len(names) == 1 else "rows"
