"""The map in a real browser, from disk."""

from __future__ import annotations

import numpy as np
import pytest
from show.pages import HOSTILE, until

from kinfold.core.space import Space
from kinfold.show import map as maps
from kinfold.show import report


@pytest.fixture(scope="module")
def space():
    rng = np.random.default_rng(0)
    keys = [HOSTILE, *(f"key {i}" for i in range(1, 400))]
    given = Space.of(keys, rng.normal(size=(400, 5))).with_attribute("count", list(range(400, 0, -1)))
    return given.with_attribute("kind", [f"kind {i % 3}" for i in range(400)])


def test_a_key_is_searched_flown_to_and_shown_with_its_neighbors_and_tooltip(browser, space, tmp_path):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    maps.write(space, tmp_path / "map.html", method="pca", color="kind")
    browser.get((tmp_path / "map.html").as_uri() + "#canvas")
    find = lambda css: browser.find_element("css selector", css)  # noqa: E731
    assert find(".map").get_dom_attribute("data-renderer") == "canvas"
    field = find("input")
    field.send_keys("key 77")
    assert find("[role=option]").text == "key 77"
    field.send_keys(Keys.ENTER)
    until(lambda: find(".map-card").is_displayed() and find(".map-card h3").text == "key 77")
    near = [each.text for each in browser.find_elements("css selector", ".map-card li span:first-child")]
    assert near == space.nearest("key 77", 8).keys

    # The point is in the middle of what the side panel leaves free, once the flight has ended.
    face, side = find(".map-face"), find(".map-side")
    middle = (side.rect["x"] + side.rect["width"] + face.rect["width"]) / 2 - face.rect["width"] / 2

    def told() -> bool:
        ActionChains(browser).move_to_element_with_offset(face, int(middle) + 60, 40).perform()
        ActionChains(browser).move_to_element_with_offset(face, int(middle), 0).perform()
        return find(".map-tip").is_displayed() and find(".map-tip strong").text == "key 77"

    until(told)
    assert "kind 2" in find(".map-tip").text

    # A hostile key is text, also where it is searched and shown.
    field.clear()
    field.send_keys("</script", Keys.ENTER)
    until(lambda: find(".map-card h3").text == HOSTILE)
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def test_the_legend_hides_a_kind(browser, space, tmp_path):
    maps.write(space, tmp_path / "map.html", method="pca", color="kind")
    browser.get((tmp_path / "map.html").as_uri() + "#canvas")
    lit = (
        "const c = document.querySelector('.map-points');"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n;"
    )
    until(lambda: browser.execute_script(lit) > 0)
    before = browser.execute_script(lit)
    button = browser.find_element("css selector", ".map-legend button")
    button.click()
    until(lambda: browser.execute_script(lit) < 0.9 * before)
    assert button.get_dom_attribute("aria-pressed") == "false"


def test_the_report_carries_the_map(browser, space, tmp_path):
    report.write(space, tmp_path / "report.html", method="pca")
    browser.get((tmp_path / "report.html").as_uri())
    assert browser.find_element("css selector", ".map").get_dom_attribute("data-renderer") in ("webgl", "canvas")
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    severe = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []


def test_a_lasso_selects_what_it_surrounds_and_tells_of_what_kinds(browser, space, tmp_path):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    maps.write(space, tmp_path / "map.html", method="pca", color="kind")
    browser.get((tmp_path / "map.html").as_uri() + "#canvas")
    find = lambda css: browser.find_element("css selector", css)  # noqa: E731
    find("[data-lasso]").click()
    assert find("[data-lasso]").get_dom_attribute("aria-pressed") == "true"
    draw = ActionChains(browser, duration=20).move_to_element_with_offset(find(".map-face"), 0, -250).click_and_hold()
    for x, y in ((400, 0), (0, 500), (-400, 0)):
        draw.move_by_offset(x, y)
    draw.release().perform()
    until(lambda: find(".map-card").is_displayed())
    count = int(find(".map-card h3").text.split()[0])
    assert 20 < count < 390
    assert "kind 0" in find(".map-card dl").text
    assert "%" in find(".map-card dl").text

    # By keyboard: everything in view, and nothing again.
    face = find(".map-face")
    face.send_keys("0")
    face.send_keys(Keys.ENTER)
    until(lambda: find(".map-card h3").text == "400 keys in the lasso")
    face.send_keys(Keys.ESCAPE)
    assert not find(".map-card").is_displayed()


def test_names_of_kinds_stand_on_the_map_where_kinds_stand_together(browser, tmp_path):
    rng = np.random.default_rng(0)
    kind = np.arange(300) % 3
    apart = Space.of([f"key {i}" for i in range(300)], np.eye(3)[kind] * 9 + rng.normal(size=(300, 3)), metric="l2")
    apart = apart.with_attribute("kind", [f"kind {each}" for each in kind])
    maps.write(apart, tmp_path / "map.html", method="pca", color="kind")
    browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument",
        {
            "source": "window.told = []; const write = CanvasRenderingContext2D.prototype.fillText;"
            "CanvasRenderingContext2D.prototype.fillText = function (text, ...at)"
            " { told.push(text); return write.call(this, text, ...at); };"
        },
    )
    browser.get((tmp_path / "map.html").as_uri() + "#canvas")
    until(lambda: {"kind 0", "kind 1", "kind 2"} <= set(browser.execute_script("return window.told")))


@pytest.mark.parametrize("size", [(1000, 700), (390, 800)])
def test_no_label_is_cut_by_an_edge_or_a_panel_nor_written_over_another(browser, tmp_path, size):
    rng = np.random.default_rng(1)
    kind = np.arange(400) % 4
    keys = [f"how the text of number {i} begins " * (12 if i % 9 == 0 else 1) for i in range(400)]
    apart = Space.of(keys, np.eye(4)[kind] * 6 + rng.normal(size=(400, 4)), metric="l2")
    maps.write(
        apart.with_attribute("kind", [f"a name of the kind {each}" for each in kind]),
        tmp_path / "map.html",
        method="pca",
        color="kind",
    )
    spy = (
        "window.written = []; { const pen = CanvasRenderingContext2D.prototype;"
        "const [wipe, write] = [pen.clearRect, pen.fillText];"
        "pen.clearRect = function (...at) { window.written = []; return wipe.call(this, ...at); };"
        "pen.fillText = function (text, x, y) { const half = this.measureText(text).width / 2;"
        " window.written.push([x - half, x + half, y - 9, y + 2, text]); return write.call(this, text, x, y); }; }"
    )
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": spy})
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False},
    )
    browser.get((tmp_path / "map.html").as_uri() + "#canvas")
    try:
        until(lambda: len(browser.execute_script("return window.written")) > 8)
        for turn in range(3):  # zoomed in and moved, points are at the edges and below the panels
            told = browser.execute_script("return window.written")
            panels = browser.execute_script(
                "return [...document.querySelectorAll('.map-side, .map-tools')]"
                ".map((each) => each.getBoundingClientRect())"
                ".map((box) => [box.left, box.right, box.top, box.bottom])"
            )
            assert all(len(text) <= 40 for *_, text in told)
            assert all(
                left >= 0 and right <= size[0] and top >= 0 and low <= size[1] for left, right, top, low, _ in told
            )
            boxes = [*(each[:4] for each in told), *panels]
            for at, one in enumerate(told):
                for other in boxes[at + 1 :]:
                    wide, high = (
                        min(one[1], other[1]) - max(one[0], other[0]),
                        min(one[3], other[3]) - max(one[2], other[2]),
                    )
                    assert wide < 1 or high < 1, (one, other, turn)
            face = browser.find_element("css selector", ".map-face")
            face.send_keys("+" * 2, "\ue014" * 2)  # Arrow right
            until(lambda before=told: browser.execute_script("return window.written") != before)
            browser.execute_async_script("setTimeout(arguments[0], 300)")
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": added["identifier"]})
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_map_too_slow_to_move_draws_a_sample_and_says_so(browser, tmp_path):
    many = Space.of([f"key {i}" for i in range(6000)], np.random.default_rng(0).normal(size=(6000, 3)))
    maps.write(many, tmp_path / "map.html", method="pca")
    browser.get((tmp_path / "map.html").as_uri() + "#canvas")
    # A machine on which every frame takes 60 ms.
    browser.execute_script(
        "const wait = () => { const end = performance.now() + 60; while (performance.now() < end); };"
        "const face = document.querySelector('.map-face'); let left = 40;"
        "(function turn() { wait(); face.dispatchEvent(new KeyboardEvent('keydown', { key: left % 2 ? 'ArrowLeft' :"
        " 'ArrowRight' })); if (left--) requestAnimationFrame(turn); })();"
    )
    status = browser.find_element("css selector", ".map-status")
    until(lambda: "of 6,000 points are drawn" in status.text)
