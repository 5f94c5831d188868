"""The sample's cases and real sets, prepared as a run would."""

from typing import Any

from ststudio.data.builtin import builtin_table, enrich
from ststudio.data.doctor import diagnose
from ststudio.data.examples import Examples, make_examples
from ststudio.data.sources import open_source
from ststudio.runs.admission import diagnosed
from ststudio.training.recipe import Recipe


def examples_of(case: str) -> Examples:
    """Return a case of the sample in its three parts."""
    table = builtin_table(f"sample-{case}")
    return enrich(make_examples(table, diagnose(table), 42, None))


def real_examples(ids: dict[str, str], name: str, train_rows: int = 2_000) -> Examples:
    """Return a real set of the (loopback) Hub in its three parts, reshaped as a run would."""
    source: dict[str, Any] = {"kind": "hub", "id": ids[name]}
    if name == "scifact":
        source["qrels"] = {"id": ids["scifact-qrels"]}
    recipe = Recipe.from_json({"source": source})
    table = open_source(recipe.source)
    recipe, diagnosis = diagnosed(recipe, table)
    return make_examples(table, diagnosis, recipe.seed, train_rows)
