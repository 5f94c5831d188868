"""Search by raw HTTP on a kept connection, beside two bare encode calls plus the products.

python -m tests.benchmarks.search_latency [queries]

The vectors are drawn, not embedded: what a search costs depends on how many there are. HTTP and
bare calls take turns, so that both meet the same load; what counts is their difference. On a
machine that others use too only the processor's time says something: of the app, and of the
encoder beside the bare calls.
"""

import contextlib
import http.client
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

QUERIES = 150
SIZES = (10_000, 100_000)
SOURCE = {"kind": "builtin", "id": "sample-pair"}
WIDTH = 384
WORDS = (
    "lamp door badge printer invoice train soup bread ticket phone screen cable paper office "
    "password meeting room window travel refund order delay report account"
).split()


def sentence(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words))


class Kept:
    """One connection that is kept from call to call."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def search(self, **parameters: Any) -> dict[str, Any]:
        body = json.dumps(parameters).encode()
        headers = {"content-type": "application/json"}
        self.connection.request("POST", "/gradio_api/call/v2/search", body, headers)
        event = json.loads(self.connection.getresponse().read())["event_id"]
        self.connection.request("GET", f"/gradio_api/call/search/{event}")
        lines = self.connection.getresponse().read().decode().splitlines()
        assert "event: complete" in lines, lines
        found: dict[str, Any] = json.loads(lines[lines.index("event: complete") + 1][6:])[0]
        return found


def add_drawn(app: Any, run: str, size: int) -> str:  # noqa: ANN401
    """Add a corpus to the app, and lay both models' vectors beside it, drawn by chance."""
    from ststudio.compare.scope import Scope, compared
    from ststudio.runs.documents import write_json
    from ststudio.runs.store import get_store

    rng = random.Random(size)
    texts = [f"{sentence(rng, 12)} {number}" for number in range(size)]
    file = app.upload(f"{size}.txt", "\n".join(texts).encode())
    added = app.call("add_corpus", file=file)
    assert added["texts"] == size, added["notes"]
    corpus, sides = compared(get_store().open(run), Scope(added["corpus"]))
    for seed, side in enumerate(sides):
        vectors = np.random.default_rng(seed).standard_normal((size, WIDTH), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        corpus.vectors_file(side).parent.mkdir()
        np.save(corpus.vectors_file(side), vectors)
        write_json(corpus.progress_file(side), {"done": size})
    return str(added["corpus"])


def bare(run: str, corpus: str) -> Callable[[str], Any]:
    """Return two encode calls and the two products, in this process, as the encoder loads them."""
    import torch

    from ststudio.compare.held import load_model
    from ststudio.compare.scope import Scope, compared
    from ststudio.runs.store import get_store

    torch.set_num_threads(1)
    found, sides = compared(get_store().open(run), Scope(corpus))
    loaded = [
        (load_model(side.model)[0], np.load(found.vectors_file(side), mmap_mode="r"))
        for side in sides
    ]

    def call(query: str) -> Any:  # noqa: ANN401
        return [
            vectors @ model.encode_query(query, normalize_embeddings=True, show_progress_bar=False)
            for model, vectors in loaded
        ]

    return call


def processor_ms(process: int) -> float:
    """Return the processor's time that a process has had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def encoder_of(app: Any) -> int:  # noqa: ANN401
    """Return the process id of the app's encoder."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == app.process.pid and b"encode" in (folder / "cmdline").read_bytes():
                return int(folder.name)
    raise AssertionError("no encoder runs")


def timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


def measure(name: str, app: Any, run: str, corpus: str, queries: int) -> float:  # noqa: ANN401
    alone, rng = bare(run, corpus), random.Random(1)
    kept = Kept(app.port)  # now: a server ends what was idle for five seconds
    asked = [sentence(rng, rng.randint(2, 9)) for _ in range(queries)]
    scope = {"corpus": corpus}
    for query in asked[:5]:  # models are loaded, vectors are mapped
        kept.search(run=run, query=query, top_k=10, scope=scope)
        alone(query)
    served, without = [], []
    busy = (app.process.pid, encoder_of(app), os.getpid())
    before = [processor_ms(one) for one in busy]
    for query in asked:
        ask = {"run": run, "query": query, "top_k": 10, "scope": scope}
        served.append(timed(lambda ask=ask: kept.search(**ask)))  # type: ignore[misc]
        without.append(timed(lambda query=query: alone(query)))  # type: ignore[misc]
    spent = [(processor_ms(one) - had) / queries for one, had in zip(busy, before, strict=True)]
    above = statistics.median(served) - statistics.median(without)
    print(f"{name}: {said(served)}; bare {said(without)}; median above bare {above:.1f} ms")
    print(
        f"  processor per search: app {spent[0]:.1f}, encoder {spent[1]:.1f} ms; "
        f"bare, with this client, {spent[2]:.1f} ms",
        flush=True,
    )
    return statistics.quantiles(served, n=20)[-1]


def said(times: list[float]) -> str:
    return f"p50 {statistics.median(times):.1f}, p95 {statistics.quantiles(times, n=20)[-1]:.1f} ms"


def main(queries: int) -> None:
    from tests.served import App

    limits = {f"STSTUDIO_{name}": str(SIZES[-1]) for name in ("CORPUS_TEXTS", "ROWS")}
    app = App(Path(os.environ["STSTUDIO_DATA"]), limits)
    try:
        run = app.call("start_run", recipe={"source": SOURCE, "max_steps": 3})["run"]
        app.until(run, "finished")
        time.sleep(15)  # the next worker has warmed up
        corpora = {size: add_drawn(app, run, size) for size in SIZES}
        idle = {
            size: measure(f"{size:,} texts", app, run, corpus, queries)
            for size, corpus in corpora.items()
        }
        print(f"app resident {app.memory():.0f} MB, load {os.getloadavg()[0]:.1f}")
        other = app.call("start_run", recipe={"source": SOURCE, "max_seconds": 120})["run"]
        while not app.call("run_state", run=other)["step"]:
            time.sleep(0.1)
        for size, corpus in corpora.items():
            busy = measure(f"{size:,} texts while a run trains", app, run, corpus, queries)
            state = app.call("run_state", run=other)["state"]
            print(f"ratio of p95 {busy / idle[size]:.2f} (the run is {state})")
    finally:
        app.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STSTUDIO_DATA"] = folder  # read once, when ststudio is imported
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        main(int(sys.argv[1]) if len(sys.argv) > 1 else QUERIES)
