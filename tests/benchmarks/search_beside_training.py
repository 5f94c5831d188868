"""Search while a run trains against search while nothing does, by raw HTTP, in one run.

python -m tests.benchmarks.search_beside_training
"""

import statistics
import tempfile
import time
from pathlib import Path

from tests.served import App

QUERIES = 60
SOURCE = {"kind": "builtin", "id": "sample-pair"}


def latencies(app: App, run: str) -> list[float]:
    times = []
    for number in range(QUERIES):
        started = time.perf_counter()
        app.call("search", run=run, query=f"my lamp number {number} is gone", top_k=10)
        times.append(1000 * (time.perf_counter() - started))
    return times


def say(name: str, times: list[float]) -> float:
    p95 = statistics.quantiles(times, n=20)[-1]
    print(f"{name}: p50 {statistics.median(times):.0f} ms, p95 {p95:.0f} ms")
    return p95


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = App(Path(folder))
        try:
            run = app.call("start_run", recipe={"source": SOURCE, "max_steps": 3})["run"]
            app.until(run, "finished")
            latencies(app, run)  # the models are loaded
            time.sleep(15)
            idle = say("idle", latencies(app, run))
            started = time.perf_counter()
            other = app.call("start_run", recipe={"source": SOURCE, "max_seconds": 60})["run"]
            seen = time.perf_counter() - started
            while not app.call("run_state", run=other)["step"]:
                time.sleep(0.05)
            print(f"admitted after {seen:.2f} s, first step {time.perf_counter() - started:.2f} s")
            busy = say("while a run trains", latencies(app, run))
            state = app.call("run_state", run=other)["state"]
            print(f"ratio of p95 {busy / idle:.2f} (the run is {state})")
            print(f"app resident {app.memory():.0f} MB")
        finally:
            app.close()


if __name__ == "__main__":
    main()
