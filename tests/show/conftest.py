import shutil

import pytest
from show.pages import no_browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium without a window; tests that ask for it are skipped where there is none."""
    if no_browser():
        pytest.skip(no_browser())
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
    # The driver by its path: else one is looked for in the network.
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()
