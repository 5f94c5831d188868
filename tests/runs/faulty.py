"""Runs on a tiny model, and workers with something wrong, each in a start of its own."""

from pathlib import Path
from typing import Any

from ststudio.child import START, Child
from ststudio.data.cases import CASES
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.training.recipe import Recipe
from tests.training.samples import examples_of

SOURCE = {"kind": "builtin", "id": "sample-pair"}

# A loss that takes its time: {0} seconds in each of its calls from the {1}th on.
SLOW_LOSS = """
import time
from sentence_transformers.sentence_transformer import losses

class SlowLoss(losses.MultipleNegativesRankingLoss):
    calls = 0

    def forward(self, *arguments, **options):
        SlowLoss.calls += 1
        if SlowLoss.calls >= {1}:
            time.sleep({0})
        return super().forward(*arguments, **options)

losses.MultipleNegativesRankingLoss = SlowLoss
"""


def slow_child(seconds: float, from_call: int) -> type[Child]:
    """Return a worker whose loss sleeps."""

    class SlowChild(Child):
        start = SLOW_LOSS.format(seconds, from_call) + START

    return SlowChild


def tiny_run(store: RunStore, base: Path, **asked: Any) -> Run:
    """Return a run that waits for its worker, on the sample's pairs."""
    recipe = Recipe(SOURCE, **{"max_seconds": 30, **asked}).derived(CASES["pair"])
    run, _ = store.create(recipe.to_json(), {})
    examples_of("pair").save(run.examples_dir)
    run.write_base(base)
    return run
