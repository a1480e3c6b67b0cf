from __future__ import annotations

from show.pages import HOSTILE, Page

from kinfold.core.report import Finding, Report, Table
from kinfold.show import search

CURVE = Table("ndcg by dim, held out", ("dim", HOSTILE), [[32, 0.25], [64, 0.28], [128, 0.26]])
TRIED = Table("Tried", ("dim", "ndcg"), [[32, 0.25], [64, 0.28]])


def test_it_tells_the_best_the_curve_the_table_and_the_next_command(tmp_path):
    report = Report("Tuning", (Finding("ndcg", 0.28, 0.27, 0.29, n=10, group="held out"),), (CURVE, TRIED), (HOSTILE,))
    search.write(report, tmp_path / "t.html", best={"dim": 64}, command=f"run --dim 64 {HOSTILE}", lead=HOSTILE)
    text = (tmp_path / "t.html").read_text("utf-8")
    page = Page(text)
    for expected in ("Quality by dim", "run --dim 64", "0.270 to 0.290", "0.250 at dim 32", "Tried"):
        assert expected in page.text, expected
    assert text.count("<svg") == 2  # for a page and for a phone
    assert not page.scripts


def test_without_a_curve_there_is_no_chart(tmp_path):
    search.write(Report("Tuning", (), (TRIED,)), tmp_path / "t.html", best={})
    assert "<svg" not in (tmp_path / "t.html").read_text("utf-8")
