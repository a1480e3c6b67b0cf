"""The map in a real browser, from disk."""

from __future__ import annotations

import time

import numpy as np
import pytest
from show.pages import HOSTILE, no_browser

from kinfold.core.space import Space
from kinfold.show import map as maps
from kinfold.show import report

pytestmark = pytest.mark.skipif(bool(no_browser()), reason=no_browser() or "-")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    quiet = "headless=new no-sandbox disable-gpu disable-dev-shm-usage disable-background-networking no-first-run"
    own = (
        f"disable-component-update disable-sync window-size=1000,700 user-data-dir={tmp_path_factory.mktemp('profile')}"
    )
    for each in [f"--{name}" for name in f"{quiet} {own}".split()]:
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service())
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def space():
    rng = np.random.default_rng(0)
    keys = [HOSTILE, *(f"key {i}" for i in range(1, 400))]
    given = Space.of(keys, rng.normal(size=(400, 5))).with_attribute("count", list(range(400, 0, -1)))
    return given.with_attribute("kind", [f"kind {i % 3}" for i in range(400)])


def until(check):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.02)
    raise AssertionError("nothing came within 20 s")


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
