from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinfold.core.errors import BadOption
from kinfold.show.lines import MOST, lines

NS = "{http://www.w3.org/2000/svg}"
finite = st.floats(-1e9, 1e9, allow_nan=False)
YS = {"weak": [0.25, 0.24, 0.2], "strong": [0.2, 0.25, 0.3]}


def drawn(*how, **options):
    return ElementTree.fromstring(lines(*how, **options))


def of_kind(root, kind):
    return [each for each in root.iter(f"{NS}path") if (each.get("class") or "").split()[0] == kind]


def test_twice_as_much_is_one_step_on_a_logarithmic_axis():
    root = drawn([32, 64, 128], {"a": [1, 2, 3]}, log=True, x="dim")
    at = [float(str(each.get("transform"))[10:].split()[0]) for each in of_kind(root, "mark")][1:]
    assert at[1] - at[0] == pytest.approx(at[2] - at[1], abs=0.2)
    assert {"32", "64", "128", "dim"} <= {each.text for each in root.iter(f"{NS}text")}


def test_lines_are_apart_by_color_dash_and_mark():
    root = drawn([1, 2, 3], {f"line {n}": [n, n, n] for n in range(MOST)})
    kinds = {(each.get("class"), each.get("stroke-dasharray")) for each in of_kind(root, "line")}
    assert len({color for color, _ in kinds}) == len({dash for _, dash in kinds}) == len(kinds) == MOST
    assert len({each.get("d") for each in of_kind(root, "mark")}) == MOST


def test_every_line_has_a_legend_and_is_read_aloud():
    root = drawn([32, 64, 128], YS, title="quality", x="dim")
    assert {"weak", "strong", "0.200", "0.300"} <= {each.text for each in root.iter(f"{NS}text")}
    assert root.get("role") == "img"
    told = root.find(f"{NS}desc")
    assert told is not None
    assert "weak: 0.250 at dim 32, 0.240 at dim 64, 0.200 at dim 128." in str(told.text)


def test_a_line_is_broken_where_it_has_no_value():
    root = drawn([1, 2, 3, 4, 5], {"a": [1, 2, None, float("nan"), 3]})
    (path,) = [each for each in of_kind(root, "line") if "L" in str(each.get("d"))]
    assert str(path.get("d")).count("M") == 2
    assert len(of_kind(root, "mark")) == 1 + 3  # one is the legend's


def test_ends_that_are_near_do_not_stand_on_each_other():
    root = drawn([1, 2], {"a": [0, 0.5], "b": [1, 0.501], "c": [0.2, 0.502]})
    at = sorted(float(each.get("y", 0)) for each in root.iter(f"{NS}text") if (each.text or "").startswith("0.50"))
    assert len(at) == 3
    assert min(second - first for first, second in itertools.pairwise(at)) >= 13.9


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_any_lines_stay_inside_their_frame(pairs):
    drawing = lines(range(1, len(pairs) + 1), dict(zip("ab", zip(*pairs, strict=True), strict=True)), log=True)
    root = ElementTree.fromstring(drawing)
    height, width = float(root.get("height", 0)), float(root.get("width", 0))
    for each in of_kind(root, "mark"):
        x, y = map(float, str(each.get("transform"))[10:-1].split())
        assert 0 <= x <= width
        assert 0 <= y <= height
    assert "nan" not in drawing


def test_names_are_escaped():
    assert "<script>" not in lines([1, 2], {"<script>": [1, 2]}, title="<script>")


@pytest.mark.parametrize(
    ("xs", "ys", "says"),
    [
        ([1], {}, "1 to 6"),
        ([1], {str(n): [1] for n in range(7)}, "1 to 6"),
        ([1, 2], {"a": [1]}, "'a' has 1 values for 2"),
        ([0, 1], {"a": [1, 2]}, "above 0"),
        ([1, 2], {"a": [None, None]}, "finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(xs, ys, says):
    with pytest.raises(BadOption, match=says):
        lines(xs, ys, log=True)
