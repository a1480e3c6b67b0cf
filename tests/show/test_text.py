from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from kinfold.core.errors import BadOption
from kinfold.core.report import Finding, Report, Table
from kinfold.core.space import Space
from kinfold.show import text

REPORT = Report(
    "analogies",
    (
        Finding("accuracy", 0.374, 0.36, 0.389, n=8420),
        Finding("accuracy", 0.12, 0.1, 0.14, n=506, group="currency"),
    ),
    (Table("sections", ("section", "asked"), [("currency", 506), ("family", None)]),),
    ("3 words are missing",),
)


def test_a_report_shows_every_number_with_its_interval_and_count():
    shown = text.render(REPORT, color=False)
    currency = next(line for line in shown.splitlines() if line.startswith("currency"))
    assert currency.split() == ["currency", "0.120", "0.100", "to", "0.140", "506"]
    assert "note: 3 words are missing" in shown
    assert "–" in shown  # the missing cell


def test_numbers_end_in_one_column():
    lines = text.render(REPORT, color=False).splitlines()
    rows = [line for line in lines if " to " in line]
    assert len({len(row) for row in rows}) == 1
    assert len({row.index(" to ") for row in rows}) == 1


def test_it_fits_the_width_that_it_is_given():
    long = Report("r", [Finding("x" * 120, 1.0, 0.5, 2.0, n=3)])
    assert max(map(len, text.render(long, color=False, width=80).splitlines())) <= 80


def test_a_pipe_gets_one_line_a_row_however_long():
    hits = Space.of(["q", "k" * 300], np.eye(2)).nearest("q")
    assert any(line.startswith("k" * 300) for line in text.render(hits, color=False).splitlines())


def test_only_a_terminal_gets_color():
    assert "\x1b[" not in text.render(REPORT, color=False)
    assert "\x1b[" in text.render(REPORT, color=True, width=80)


def test_a_key_can_neither_color_the_terminal_nor_be_markup():
    space = Space.of(["\x1b[31mred\r\n", "[bold]b[/bold]", "c"], np.eye(3))
    shown = text.render(space.nearest("c"), color=False)
    assert "\x1b" not in shown
    assert "\\x1b[31mred\\r\\n" in shown
    assert "[bold]b[/bold]" in shown


def test_a_space_tells_its_sizes_and_attributes():
    shown = text.render(Space.of(["a", "b"], np.eye(2), group="word").with_attribute("count", [3, 4]), color=False)
    for expected in ("rows", "dimensions", "cosine", "word", "count", "int64", "frame"):
        assert expected in shown


def test_several_things_follow_each_other():
    assert text.render([REPORT, REPORT], color=False).count("3 words are missing") == 2


def test_something_without_a_text_is_refused_by_name():
    with pytest.raises(BadOption, match="no text for a dict"):
        text.render({}, color=False)


def test_importing_the_room_loads_nothing_heavy():
    code = "import sys, kinfold.show.text, kinfold.show.svg, kinfold.show.map, kinfold.show.report\n"
    code += "print([m for m in ('rich', 'umap', 'numba', 'scipy', 'sklearn', 'duckdb') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
