"""What the page says before the click against what the run took: ten recipes, one after the other.

python -m tests.benchmarks.estimates [--only 3,7]

On the sample and on real datasets (STSTUDIO_REAL_DATA). Each line: seconds until the report,
steps, seconds of training, estimated / real; then the load of the machine when the run began.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["STSTUDIO_DATA"] = tempfile.mkdtemp(prefix="ststudio-estimates-")

from ststudio.runs.admission import start_run
from ststudio.runs.queue import get_queue
from ststudio.runs.run import Run
from tests.hub.server import Hub
from tests.training.conftest import IDS

SAMPLE = {
    case: {"kind": "builtin", "id": f"sample-{case}"}
    for case in ("triplet", "pair", "pair-score", "text-class")
}
HUB = {name: {"kind": "hub", "id": repo_id} for name, repo_id in IDS.items()}
SCIFACT = {**HUB["scifact"], "qrels": {"id": IDS["scifact-qrels"]}}

Recipe = dict[str, Any]
RECIPES: list[tuple[str, Recipe]] = [
    ("sample triplets, as they come", {"source": SAMPLE["triplet"]}),
    ("sample pairs, 20 steps", {"source": SAMPLE["pair"], "max_steps": 20}),
    ("sample scored pairs, 10 s", {"source": SAMPLE["pair-score"], "max_seconds": 10}),
    ("sample classes, batch 32, 2 epochs",
     {"source": SAMPLE["text-class"], "per_device_train_batch_size": 32, "num_train_epochs": 2}),
    ("QQP triplets, batch 64, 25 s",
     {"source": HUB["QQP_triplets"], "per_device_train_batch_size": 64, "max_seconds": 25}),
    ("QQP triplets, 3 steps, 32 tokens",
     {"source": HUB["QQP_triplets"], "max_steps": 3, "max_seq_length": 32}),
    ("STSb, 500 rows, 1 epoch",
     {"source": HUB["stsb"], "max_train_rows": 500, "num_train_epochs": 1}),
    ("sentence compression, 60 s", {"source": HUB["sentence-compression"], "max_seconds": 60}),
    ("TREC, batch 8, 15 s",
     {"source": HUB["trec"], "per_device_train_batch_size": 8, "max_seconds": 15}),
    ("SciFact, long texts, 8 steps", {"source": SCIFACT, "max_steps": 8}),
]  # fmt: skip


def ended(run: Run) -> Run:
    while not run.ended:
        time.sleep(0.2)
    return run


def compared(name: str, recipe: Recipe) -> float:
    """Run one recipe, print its line, and return real seconds over estimated ones."""
    while get_queue().machine() is None:
        time.sleep(0.2)
    load = os.getloadavg()[0]
    run = ended(start_run(recipe)[0])
    said, report = run.facts["estimate"], run.report
    if said is None or report is None:
        print(f"{name}: {run.state.get('reason')}", flush=True)
        return float("nan")
    pairs = (
        (said["seconds"], report["seconds"]),
        (said["steps"], run.state["step"]),
        (said["training_seconds"], report["train_seconds"]),
        (said["measuring_seconds"], report["seconds"] - report["train_seconds"]),
    )
    told = " | ".join(f"{estimated:.0f} / {real:.0f}" for estimated, real in pairs)
    ratio = report["seconds"] / said["seconds"]
    print(f"{name:38} | {told} | {ratio:.2f} | load {load:.1f}", flush=True)
    return ratio


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    chosen = {int(number) for number in asked.only.split(",") if number}
    data = Path(os.environ["STSTUDIO_REAL_DATA"])
    with Hub() as hub:
        for folder, repo_id in IDS.items():
            hub.add_repo("dataset", repo_id, data / folder)
        os.environ["HF_ENDPOINT"] = hub.url
        print("recipe | seconds | steps | training | the rest | real over estimated")
        ratios = [
            compared(name, recipe)
            for number, (name, recipe) in enumerate(RECIPES, start=1)
            if not chosen or number in chosen
        ]
        near = sum(abs(ratio - 1) <= 0.3 for ratio in ratios)
        print(f"{near} of {len(ratios)} within 30 %")
        get_queue().close()


if __name__ == "__main__":
    main()
