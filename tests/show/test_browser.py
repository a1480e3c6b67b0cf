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
