"""Cold start to the first 200: this app against an empty Gradio app, in turn, in one run.

python -m tests.benchmarks.page_start
"""

import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.served import App, free_port

ROUNDS = 5
EMPTY = "import gradio as gr, sys\nwith gr.Blocks() as page: pass\npage.launch(server_port={})"


def empty_seconds() -> float:
    port = free_port()
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", EMPTY.format(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5).close()
                return time.perf_counter() - started
            except OSError:
                time.sleep(0.05)
    finally:
        process.kill()
        process.wait()


def studio_seconds() -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        app = App(Path(folder))
        seconds = time.perf_counter() - started
        memory = app.memory()
        app.close()
    return seconds, memory


def main() -> None:
    empty, studio, memory = [], [], []
    for _ in range(ROUNDS):
        empty.append(empty_seconds())
        seconds, megabytes = studio_seconds()
        studio.append(seconds)
        memory.append(megabytes)
    a, b = statistics.median(empty), statistics.median(studio)
    print(f"empty Gradio {a:.2f} s, ST Studio {b:.2f} s: {b - a:+.2f} s, ratio {b / a:.2f}")
    print(f"resident when up: {statistics.median(memory):.0f} MB")


if __name__ == "__main__":
    main()
