"""What the watchdog says of default trainings, which learn: the sample's cases, and real sets."""

import os
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

from ststudio.data.cases import CASES
from ststudio.data.examples import make_examples
from ststudio.data.sources import open_source
from ststudio.runs.admission import diagnosed
from ststudio.runs.lineup import admissible
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.shelf import packaged_model
from ststudio.training import models
from ststudio.training.live import Live
from ststudio.training.train import FEWEST_DEV_UNITS, fine_tune
from tests.hub.server import Hub
from tests.training.conftest import IDS

SECONDS = 40.0
CASES_OF_THE_SAMPLE = ("pair-score", "pair", "text-class", "triplet")
REAL = ("stsb", "QQP_triplets", "trec", "snli", "sentence-compression", "banking77")


def trained(folder: Path, source: dict[str, Any], seconds: float, steps: int) -> Run:
    """Train a default recipe on a source, for steps or seconds at most, and return its run."""
    asked = {"max_steps": steps, "eval_steps": max(steps // 5, 1)} if steps else {}
    recipe = admissible({"source": source, "max_seconds": seconds, **asked})
    table = open_source(recipe.source, fixes=recipe.fixes)
    recipe, diagnosis = diagnosed(recipe, table)
    examples = make_examples(table, diagnosis, recipe.seed, None)
    case = CASES[examples.case]
    recipe = recipe.derived(case)
    run, _ = RunStore(folder).create(recipe.to_json(), {})
    packaged = packaged_model()
    assert packaged is not None
    model = models.prepare_model(packaged, recipe, case)
    units = len(examples.dev.column(0).unique())
    live = Live(run, case.metric, recipe, units >= FEWEST_DEV_UNITS, units)
    fine_tune(run, recipe, case, model, examples, live)
    return run


def line(name: str, run: Run) -> str:
    """Return what a run's log says in one line."""
    log = run.log()
    losses = [entry["loss"] for entry in log if "loss" in entry]
    looks = [entry["metric"] for entry in log if "metric" in entry]
    found = [entry["finding"]["code"] for entry in log if "finding" in entry]
    return (
        f"{name:24} {len(losses):4} entries, loss {mean(losses[:8]):.3f} to {mean(losses[-8:]):.3f}"
        f", dev {looks[0]:.3f} to {looks[-1]:.3f}: {', '.join(found) or 'nothing found'}"
    )


def main(seconds: float = SECONDS, steps: float = 0) -> None:
    """Train on each and print a line; a busy machine needs steps, and more seconds for them."""
    with tempfile.TemporaryDirectory() as scratch, Hub() as hub:
        sources = {
            case: {"kind": "builtin", "id": f"sample-{case}"} for case in CASES_OF_THE_SAMPLE
        }
        if real := os.environ.get("STSTUDIO_REAL_DATA"):
            os.environ["HF_ENDPOINT"] = hub.url
            for name, repo_id in ((name, IDS[name]) for name in REAL):
                hub.add_repo("dataset", repo_id, Path(real) / name)
                sources[name] = {"kind": "hub", "id": repo_id}
        for name, source in sources.items():
            print(line(name, trained(Path(scratch), source, seconds, int(steps))), flush=True)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
