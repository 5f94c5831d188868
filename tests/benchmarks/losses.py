"""Every loss on its case from real data: the test metric before and after, same seed, same time.

python -m tests.benchmarks.losses [--seconds 40] [--only triplet] [--sample]

Needs STSTUDIO_REAL_DATA. Whole runs as a visitor starts them, one after the other, with the
default base model; --sample adds the sample's four cases, a domain that model does not know.
Prints a Markdown table.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("STSTUDIO_DATA", tempfile.mkdtemp(prefix="ststudio-losses-"))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from ststudio.data.cases import CASES  # noqa: E402
from ststudio.runs.admission import start_run  # noqa: E402
from ststudio.runs.queue import get_queue  # noqa: E402
from tests.conftest import wait  # noqa: E402
from tests.hub.server import Hub  # noqa: E402
from tests.training.conftest import IDS  # noqa: E402

# Where a case's losses are tried: the dataset, and what makes it that case.
REAL: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "pair-score": ("stsb", []),
    "pair-class": ("stsb", [{"code": "score_to_classes", "args": {"at_least": 0.6}}]),
    "nli": ("snli", []),
    "pair": ("sentence-compression", []),
    "text-class": ("banking77", []),
    "triplet": ("QQP_triplets", []),
}


def tried(source: dict[str, Any], fixes: list[dict[str, Any]], loss: str, seconds: int) -> str:
    """Train with one loss and return a row of the table."""
    recipe = {"source": source, "fixes": fixes, "loss": loss, "max_seconds": seconds}
    started = time.monotonic()
    run = wait(start_run(recipe)[0], 20 * seconds)
    took = time.monotonic() - started
    report = run.report
    if report is None:
        return f"| {source['id']} | {loss} | {run.state['state']}: {run.state['reason']} ||||||"
    low, high = report["interval"]
    return (
        f"| {source['id']} | {loss} | {report['metric']} | {report['n']} "
        f"| {report['baseline']:.3f} to {report['score']:.3f} | {low:+.3f} to {high:+.3f} "
        f"| {report['verdict']} | {run.state['step']} steps, {took:.0f} s |"
    )


def main() -> None:
    """Try every loss and print the table as it grows."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=int, default=40)
    asked.add_argument("--only", choices=[*CASES])
    asked.add_argument("--sample", action="store_true")
    options = asked.parse_args()
    print("| data | loss | metric | n | before to after | interval | verdict | steps |")
    print("|---|---|---|---|---|---|---|---|")
    with Hub() as hub:
        for folder, repo_id in IDS.items():
            hub.add_repo("dataset", repo_id, Path(os.environ["STSTUDIO_REAL_DATA"]) / folder)
        os.environ["HF_ENDPOINT"] = hub.url
        for case in (CASES[key] for key in CASES if options.only in (None, key)):
            folder, fixes = REAL[case.key]
            sources: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
                ({"kind": "hub", "id": IDS[folder]}, fixes)
            ]
            sample = {"kind": "builtin", "id": f"sample-{case.key}"}
            if options.sample and case.key in ("pair-score", "pair", "text-class", "triplet"):
                sources.append((sample, []))
            for source, chain in sources:
                for loss in case.losses:
                    print(tried(source, chain, loss, options.seconds), flush=True)
    get_queue().close()


if __name__ == "__main__":
    main()
