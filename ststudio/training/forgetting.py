"""Forgetting: both models on the same general English pairs, which the data has nothing of."""

from typing import Any

import pyarrow as pa

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.data.general import FEWEST_PAIRS, General, general_pairs
from ststudio.runs.run import Run
from ststudio.training.blueprint import needs_weights
from ststudio.training.evaluation import compare
from ststudio.training.measuring import encoding_seconds
from ststudio.training.pace import GENERAL_SHARE
from ststudio.training.recipe import Recipe
from ststudio.training.remembered import Remembered

CASE = CASES["pair-score"]
KEYS = ("metric", "n", "baseline", "score", "delta", "interval", "verdict")


def forgetting(
    run: Run,
    recipe: Recipe,
    examples: Examples,
    models: tuple[Remembered, Remembered],
    budget: float,
) -> dict[str, Any] | None:
    """Measure both models on general pairs, within a share of the seconds that measuring has.

    None where the model began with random weights: it knew nothing that it could forget.
    """
    if not needs_weights(recipe.modules):
        return None
    pairs = general_pairs(run.general_file, own_texts(examples))
    return compared(_fitted(pairs, models, GENERAL_SHARE * budget, recipe.seed), *models)


def own_texts(examples: Examples) -> set[str]:
    """Return every text that a run has learned from or is measured on."""
    tables = (examples.train, examples.dev, examples.test, examples.corpus)
    columns = [column for table in tables for column in table.columns]
    texts = [column.unique() for column in columns if pa.types.is_string(column.type)]
    return {text for column in texts for text in column.to_pylist()}


def _fitted(
    pairs: General, models: tuple[Remembered, Remembered], seconds: float, seed: int
) -> General:
    """Keep as many pairs as both models embed in so many seconds, or as a verdict needs."""
    base, tuned = models
    left, right = pairs.texts()
    passes = 1.0 + base.share_unknown({"": left})
    each = passes * encoding_seconds(tuned.model, left, seed) * sum(map(len, left + right))
    return pairs.first(max(FEWEST_PAIRS, int(len(left) * seconds / each)))


def compared(pairs: General, base: Remembered, tuned: Remembered) -> dict[str, Any]:
    """Compare two models on general pairs, by the evaluator and interval of scored pairs."""
    texts = {name: pa.array([], pa.string()) for name in ("id", "text", "query", "doc")}
    nothing, none = pa.table(texts), pairs.rows.slice(0, 0)
    report = compare(
        CASE, Examples(CASE.key, none, none, pairs.rows, nothing, nothing, nothing), base, tuned
    )
    return {"source": pairs.source, **{key: report[key] for key in KEYS}}
