"""The first map of 10,000 points, from the click on the tab to the picture; and how it moves.

python -m tests.benchmarks.map_speed
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from playwright.sync_api import Page, sync_playwright

from ststudio.compare.map_figure import Colours, map_figure
from ststudio.compare.maps import Maps
from tests.browser.conftest import FLAGS
from tests.compare.conftest import ComparedRun
from tests.served import App

POINTS, WIDTH, CLASSES = 10_000, 384, 12
SOURCE = {"kind": "builtin", "id": "sample-pair"}
WORDS = "card lamp payment train order late lost parcel screen account window refund".split()
OPEN = """() => new Promise((done) => {
  const started = performance.now();
  const tabs = [...document.querySelectorAll('button[role=tab]')];
  tabs.find((tab) => tab.innerText === 'Compare').click();
  const look = () => {
    const plot = document.querySelector('#map-plot .js-plotly-plot');
    if (plot && plot.calcdata && plot.calcdata.length && document.querySelector('.gl-canvas'))
      requestAnimationFrame(() => done(performance.now() - started));
    else requestAnimationFrame(look);
  };
  look();
})"""
MOVE = """() => new Promise((done) => {
  const frames = [];
  document.querySelector('#map button[data-to="1"]').click();
  let last = performance.now();
  const look = (now) => {
    frames.push(now - last);
    last = now;
    if (document.querySelector('#map input[type=range]').value === '100') done(frames);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""


def write_points(folder: Path) -> None:
    random = np.random.default_rng(0)
    members = random.integers(CLASSES, size=POINTS)
    centres = random.normal(size=(CLASSES, WIDTH))
    picked = random.integers(len(WORDS), size=(POINTS, 12))
    texts = [
        f"{' '.join(WORDS[word] for word in row)} {number}" for number, row in enumerate(picked)
    ]
    table = {
        "id": [f"d{number}" for number in range(POINTS)],
        "text": texts,
        "group": [f"class {member}" for member in members],
        "kind": ["corpus"] * POINTS,
    }
    pq.write_table(pa.table(table), folder / "points.parquet")
    for name, noise in (("base", 2.0), ("tuned", 1.2)):
        vectors = centres[members] + noise * random.normal(size=(POINTS, WIDTH))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        np.save(folder / f"{name}.npy", vectors.astype(np.float32))


def forget(folder: Path) -> None:
    for file in (*folder.glob("map-*"), *folder.glob("clusters*")):
        file.unlink()


def timed(name: str, work: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    found = work()
    print(f"{name}: {time.perf_counter() - started:.2f} s")
    return found


def parts(run: ComparedRun, home: Path) -> None:
    maps = Maps(home)
    timed("PCA map, in a process of its own", lambda: maps.layout(run))
    layout = timed("the same, kept", lambda: maps.layout(run))
    groups = [point["group"] for point in layout["points"]]
    figure = timed("figure", lambda: map_figure(layout, Colours(labels=groups)))
    size = len(timed("figure as JSON", figure.to_json))
    print(f"figure {size / 1e6:.1f} MB, map {len(json.dumps(layout)) / 1e6:.1f} MB")
    timed("clusters", lambda: maps.clusters(run))
    for method in sys.argv[1:]:
        timed(f"map by {method}", lambda method=method: maps.layout(run, method))


def on_the_page(app: App, run: str, page: Page, wait: float) -> float:
    page.goto(f"{app.url}/?run={run}")
    page.get_by_role("tab", name="Compare", exact=True).wait_for()
    time.sleep(wait)
    return float(page.evaluate(OPEN)) / 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app = App(Path(folder))
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        try:
            run = app.call("start_run", recipe={"source": SOURCE, "max_steps": 3})["run"]
            app.until(run, "finished")
            kept = ComparedRun(Path(folder) / "runs" / run)
            write_points(kept.embeddings_dir)
            forget(kept.embeddings_dir)
            parts(kept, Path(folder) / "home")
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            on_the_page(app, run, page, 0.0)  # plotly itself is in the browser's cache
            first = []
            for _ in range(3):
                forget(kept.embeddings_dir)
                first.append(on_the_page(app, run, page, 0.0))
            again = [on_the_page(app, run, page, 0.0) for _ in range(3)]
            forget(kept.embeddings_dir)
            waited = on_the_page(app, run, page, 6.0)
            a, b = statistics.median(first), statistics.median(again)
            print(f"tab opened to first map: {a:.2f} s, kept map {b:.2f} s, ratio {a / b:.2f}")
            print(f"tab opened 6 s after the page: {waited:.2f} s")
            frames = sorted(page.evaluate(MOVE))
            print(
                f"moving {POINTS:,} points: {len(frames)} frames, median "
                f"{statistics.median(frames):.0f} ms, slowest {frames[-1]:.0f} ms"
            )
        finally:
            browser.close()
            app.close()


if __name__ == "__main__":
    main()
