from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinfold.core.errors import BadOption
from kinfold.core.report import Finding
from kinfold.show import svg

NS = "{http://www.w3.org/2000/svg}"
finite = st.floats(-1e9, 1e9, allow_nan=False)


def parsed(drawing: str) -> ElementTree.Element:
    return ElementTree.fromstring(drawing)


def test_intervals_draws_a_bar_and_a_whisker_to_scale():
    root = parsed(svg.intervals([Finding("a", 0.2, 0.1, 0.3), Finding("b", 0.4, 0.35, 0.45)], title="t"))
    bars = [float(each.get("width", 0)) for each in root.iter(f"{NS}rect")]
    assert bars[1] == pytest.approx(2 * bars[0], rel=0.01)
    assert len([each for each in root.iter(f"{NS}path") if each.get("class") == "whisker"]) == 2


def test_a_chart_speaks_to_a_screen_reader():
    root = parsed(svg.intervals([Finding("a", 0.2, 0.1, 0.3, n=7)], title="accuracy"))
    assert root.get("role") == "img"
    title, told = root.find(f"{NS}title"), root.find(f"{NS}desc")
    assert title is not None
    assert title.text == "accuracy"
    assert told is not None
    assert "0.200" in str(told.text)
    assert "n = 7" in str(told.text)
    assert root.get("aria-labelledby") == f"{title.get('id')} {told.get('id')}"


def test_names_are_escaped():
    root = parsed(svg.intervals([Finding("<script>&\"'\x1b", 1, group="</svg>")], title="<b>"))
    assert not list(root.iter(f"{NS}script"))
    assert any("<script>" in (each.text or "") for each in root.iter(f"{NS}text"))


@given(st.lists(st.tuples(finite, finite, finite), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_any_findings_give_a_chart_without_nan(values):
    findings = [Finding("f", mid, low, high, unit="ms") for low, mid, high in map(sorted, values)]
    drawing = svg.intervals(findings)
    parsed(drawing)
    assert "nan" not in drawing
    assert "inf" not in drawing.replace("info", "")


@given(st.lists(finite, min_size=1, max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_curve_stays_inside_its_frame(ys):
    root = parsed(svg.curve(range(len(ys)), ys, title="loss", x="epoch", y="loss"))
    height = float(root.get("height", 0))
    for dot in root.iter(f"{NS}circle"):
        assert 0 <= float(dot.get("cy", -1)) <= height


@pytest.mark.parametrize("log", [False, True])
def test_a_histogram_draws_every_range_that_holds_something(log):
    root = parsed(svg.histogram([1, 10, 100, 1000], [5, 0, 20], title="h", log=log))
    heights = [float(each.get("height", 0)) for each in root.iter(f"{NS}rect")]
    assert len(heights) == 2
    assert heights[1] == pytest.approx(4 * heights[0], rel=0.01)


def test_nothing_to_draw_is_refused():
    with pytest.raises(BadOption):
        svg.intervals([Finding("a", math.nan)])
    with pytest.raises(BadOption):
        svg.curve([1.0], [math.nan])
    with pytest.raises(BadOption):
        svg.histogram([1, 2, 3], [1])
