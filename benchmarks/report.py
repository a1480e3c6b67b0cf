"""What a page costs: the full report of a small and of a large Space, and how smoothly a map of 200,000 points pans.

Rows are made: 200 crowds of unequal width, counted by Zipf's law. Each report runs in a process of its own, whose
highest memory counts, file mapped into it included. Frames are counted in headless Chromium without a graphics card,
while the map is dragged for five seconds; without a browser they are left out.

    python benchmarks/report.py           some ten minutes
    python benchmarks/report.py --small   on rows a tenth as many, as a check
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _measure import peak_memory, record

import kinfold as kf

SIZES = {"71,000 × 100": (71_000, 100, 60.0, None), "1,000,000 × 300": (1_000_000, 300, 600.0, 6.0)}
POINTS = 200_000
DRAG = """
const face = document.querySelector(".map-face"), box = face.getBoundingClientRect(), times = [];
face.setPointerCapture = () => {};
const fire = (kind, x, y) => face.dispatchEvent(new PointerEvent(kind, { pointerId: 1, clientX: x, clientY: y, bubbles: true }));
fire("pointerdown", box.left + box.width / 2, box.top + box.height / 2);
let turn = 0;
(function drag(now) {
  times.push(now);
  turn += 0.05;
  fire("pointermove", box.left + box.width / 2 + 150 * Math.sin(turn), box.top + box.height / 2 + 100 * Math.cos(turn));
  if (times.length < 2 || now - times[1] < 5000) requestAnimationFrame(drag);
  else window.dragged = times.slice(1);
})(performance.now());
"""  # noqa: E501


def made(count: int, dim: int, path: Path) -> None:
    """Writes a Space of made rows."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(200, dim)).astype(np.float32)
    kinds = rng.integers(0, 200, count)
    widths = (np.arange(1, dim + 1) ** -0.4).astype(np.float32)
    rows = np.empty((count, dim), np.float32)
    for start in range(0, count, 50_000):
        part = rows[start : start + 50_000]
        noise = rng.standard_normal(part.shape, np.float32)
        part[:] = (0.7 * centers[kinds[start : start + 50_000]] + noise) * widths
    space = kf.Space.of([f"word{i}" for i in range(count)], rows, group="word")
    counted = space.with_attribute("count", (1e7 / np.arange(1, count + 1)).astype(np.int64) + 1)
    counted.with_attribute("kind", [f"kind {each % 9}" for each in kinds]).save(path)


def reported(path: Path, page: Path) -> None:
    """Writes the report and prints what it cost."""
    began = time.perf_counter()
    sections = kf.report(kf.open(path), page)
    found = {
        "seconds": time.perf_counter() - began,
        "peak_memory_gb": peak_memory() / 1e9,
        "page_mb": page.stat().st_size / 1e6,
        "notes": [note for each in sections for report in each.reports for note in report.notes],
    }
    print(json.dumps(found))


def apart(*words: str | Path) -> str:
    """Runs this file anew with other arguments; what it printed last."""
    ran = subprocess.run([sys.executable, __file__, *map(str, words)], capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(ran.stderr)
    return ran.stdout.strip().splitlines()[-1] if ran.stdout.strip() else ""


def frames(page: Path) -> dict[str, Any] | None:
    """Frames a second while a map is dragged, and what the page says of it; None without a browser."""
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        return None
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for each in ("headless=new", "no-sandbox", "disable-gpu", "disable-background-networking", "window-size=1280,800"):
        options.add_argument(f"--{each}")
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        found: dict[str, Any] = {}
        for way in ("canvas", "webgl"):
            driver.get("about:blank")
            driver.get(f"{page.as_uri()}#{way}")
            time.sleep(2)
            driver.execute_script(DRAG)
            while not (times := driver.execute_script("return window.dragged")):
                time.sleep(0.2)
            gaps = np.diff(times)
            said = driver.find_element("css selector", ".map-status").text
            found[way] = {
                "frames_per_second": 1000 / float(gaps.mean()),
                "median_ms": float(np.median(gaps)),
                "says": said,
            }
        driver.get(page.as_uri())
        found["taken"] = driver.find_element("css selector", ".map").get_dom_attribute("data-renderer")
        return found
    finally:
        driver.quit()


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    rows = []
    for size, found in results["reports"].items():
        rows.append(
            {
                "measured": f"Full report of {size}, samples stated on the page",
                "kinfold": f"{found['seconds']:.0f} s, {found['peak_memory_gb']:.1f} GB",
                "beside": f"goal {found['goal_seconds']:.0f} s"
                + (f", {found['goal_memory_gb']:.0f} GB" if found["goal_memory_gb"] else ""),
                "ratio": f"{found['seconds'] / found['goal_seconds']:.2f}×",
            }
        )
    drawn = results["map"]
    if drawn:
        taken = drawn[drawn["taken"]]
        rows.append(
            {
                "measured": f"Map of {results['points']:,} points, dragged in headless Chromium, software rendering",
                "kinfold": f"{taken['frames_per_second']:.0f} frames/s"
                + (f" ({taken['says']})" if taken["says"] else ""),
                "beside": "goal 30 frames/s",
                "ratio": f"{taken['frames_per_second'] / 30:.2f}×",
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--made", nargs=3)
    parser.add_argument("--reported", nargs=2)
    arguments = parser.parse_args()
    if arguments.made:
        made(int(arguments.made[0]), int(arguments.made[1]), Path(arguments.made[2]))
        return
    if arguments.reported:
        reported(*map(Path, arguments.reported))
        return
    share = 10 if arguments.small else 1
    results: dict[str, Any] = {"reports": {}, "points": POINTS // share}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size, (count, dim, seconds, memory) in SIZES.items():
            apart("--made", str(count // share), str(dim), folder / "space.arrow")
            found = json.loads(apart("--reported", folder / "space.arrow", folder / "page.html"))
            results["reports"][size] = {**found, "goal_seconds": seconds, "goal_memory_gb": memory}
            print(size, f"{found['seconds']:.1f} s", flush=True)
        apart("--made", str(POINTS // share), "10", folder / "space.arrow")
        kf.show.map.write(kf.open(folder / "space.arrow"), folder / "map.html", method="pca", limit=POINTS)
        results["map"] = frames(folder / "map.html")
    results["summary"] = summary(results)
    record("report_small" if arguments.small else "report", results)


if __name__ == "__main__":
    main()
