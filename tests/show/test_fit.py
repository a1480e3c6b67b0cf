"""Pages at the width of a phone and of a screen: no text overlaps another, none is cut off, nothing is beyond the edge.

With KINFOLD_PICTURES a folder, the pictures are kept there to be looked at.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

import numpy as np
import pytest
from show.pages import FAULTS, HOSTILE, no_browser, until

from kinfold import Finding, Report, Space, compare
from kinfold.core.report import Table
from kinfold.recipes.report import report
from kinfold.show import compare as page_of_two

pytestmark = pytest.mark.skipif(bool(no_browser()), reason=no_browser() or "-")
WIDTHS = {"phone": (390, 844), "screen": (1280, 900)}
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
ODD = [HOSTILE, LONG, "שלום עולם", "كتاب جديد", "蒸気機関車", "<b>bold</b>", "a\tb", "🦊"]


def space(count: int = 300, dim: int = 12) -> Space:
    rng = np.random.default_rng(0)
    kind = np.arange(count) % 4
    keys = ODD + [f"word{i}" for i in range(len(ODD), count)]
    rows = np.eye(dim)[kind] * 3 + rng.normal(size=(count, dim))
    effects = [
        Finding("effect size", value, value - 0.4, value + 0.4, 16, group=f"{name} and a group with quite a long name")
        for name, value in (("flowers", 1.2), ("instruments", 0.3), ("careers", -0.8))
    ]
    audited = Report(
        "Bias of words",
        [*effects, Finding("time", 12.5, 11.9, 13.2, 5, unit="ms"), Finding("rows", 71290, unit="rows")],
        [
            Table(
                "By dimension",
                ("dimensions", "variance", "neighbors kept"),
                [[2, 0.4, 0.3], [8, 0.8, 0.7], [64, 1.0, 0.9]],
            ),
            Table("Nearest of each", ("key", "score", "nearest"), [[key, 0.5, ", ".join(ODD)] for key in ODD]),
            Table("Many", ("key", "count"), [[key, 7] for key in keys[:60]]),
        ],
        ["A note that says on how much it rests, and that is long enough to need two lines on a phone."],
    )
    given = Space.of(keys, rows, group="word").with_attribute("count", list(range(count, 0, -1)))
    return given.with_attribute("kind", [f"kind {each} {LONG[:30]}" for each in kind]).with_report(audited)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The report of a Space with hard keys, and its comparison with another one."""
    folder = tmp_path_factory.mktemp("pages")
    one = space()
    report(one, folder / "report.html", method="pca", title=f"A Space with a title of some length, {LONG}")
    rows = one.rows.dense() + np.random.default_rng(1).normal(size=(300, 12)) / 2
    other = Space.of([*list(one.keys)[10:], "newcomer"], np.concatenate([rows[10:], rows[:1]]), group="word")
    names = ("monday", "tuesday")
    page_of_two.write(one, other, compare(one, other, names=names), folder / "compare.html", names=names, method="pca")
    return folder


def shown(browser, path: Path, width: str, dark: bool = False) -> None:
    across, down = WIDTHS[width]
    size = {"width": across, "height": down, "deviceScaleFactor": 1, "mobile": across < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    browser.get(path.as_uri())
    browser.execute_script("document.querySelectorAll('details').forEach((each) => (each.open = true))")


def picture(browser, name: str) -> None:
    folder = os.environ.get("KINFOLD_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        Path(folder, f"{name}.png").write_bytes(base64.b64decode(taken["data"]))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", ["report", "compare"])
def test_no_text_overlaps_or_is_cut_off(browser, pages, page, width):
    shown(browser, pages / f"{page}.html", width)
    texts, faults = browser.execute_script(FAULTS)
    picture(browser, f"{page}-{width}")
    assert faults == []
    assert texts > 100
    severe = [each["message"] for each in browser.get_log("browser") if each["level"] == "SEVERE"]
    assert severe == []


@pytest.mark.parametrize("width", WIDTHS)
def test_what_the_map_tells_fits_beside_its_tools(browser, pages, width):
    from selenium.webdriver.common.keys import Keys

    shown(browser, pages / "report.html", width)
    face, field = (browser.find_element("css selector", each) for each in (".map-face", ".map-search input"))
    for ask in (lambda: face.send_keys(Keys.ENTER), lambda: field.send_keys(LONG[:20], Keys.ENTER)):
        ask()
        until(lambda: browser.find_element("css selector", ".map-card").is_displayed())
        assert browser.execute_script(FAULTS)[1] == []
    picture(browser, f"card-{width}")


def test_the_check_itself_finds_what_is_wrong(browser, pages):
    shown(browser, pages / "report.html", "phone")
    wrong = {
        "overlap": "document.querySelector('h2').style.transform = 'translateY(30px)'",
        "cut off": "document.querySelector('h2').style.cssText = 'height: 9px; overflow: hidden'",
        "the page is": "document.querySelector('h2').style.minWidth = '600px'",
    }
    for fault, style in wrong.items():
        shown(browser, pages / "report.html", "phone")
        browser.execute_script(style)
        assert any(each.startswith(fault) for each in browser.execute_script(FAULTS)[1]), fault


def test_keys_move_through_the_page_and_the_focus_is_seen(browser, pages):
    from selenium.webdriver.common.keys import Keys

    shown(browser, pages / "report.html", "screen")
    reached = set()
    for _ in range(40):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        active = browser.switch_to.active_element
        if active.tag_name == "body":
            break
        reached |= {active.tag_name, active.get_dom_attribute("class") or ""}
        outline = browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", active.get_attribute("outerHTML")[:120]
    assert {"a", "canvas", "input", "select", "button", "scroll"} <= reached


def test_on_paper_all_tables_are_whole_and_colors_are_those_of_paper(browser, pages):
    shown(browser, pages / "report.html", "screen", dark=True)
    dark = "return getComputedStyle(document.body).backgroundColor"
    assert browser.execute_script(dark) != "rgb(255, 255, 255)"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.execute_script(dark) == "rgb(255, 255, 255)"
    assert not browser.find_element("css selector", "nav.contents").is_displayed()
    folded = "const each = document.querySelector('details'); each.open = false; return each.offsetHeight"
    assert browser.execute_script(folded) > 500
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_every_chart_and_the_map_speak(browser, pages):
    shown(browser, pages / "report.html", "screen")
    charts = browser.find_elements("css selector", ".broad svg")
    assert len(charts) >= 3
    for each in charts:
        assert each.aria_role in ("image", "img")
        assert each.accessible_name
    assert "Arrow keys move" in browser.find_element("css selector", ".map-face").accessible_name
