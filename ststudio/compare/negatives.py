"""A look at hard negatives before training: a short-lived process mines a sample of the rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ststudio.compare.watched import Job, Sign, watched
from ststudio.data.cases import CASES
from ststudio.data.examples import Examples, make_examples
from ststudio.data.negatives import CODE, RELATIVE_MARGIN
from ststudio.data.sources import open_source
from ststudio.fetch import ModelRef, download_model
from ststudio.runs.admission import diagnosed
from ststudio.runs.lineup import admissible
from ststudio.runs.model_facts import resolve_base
from ststudio.runs.store import get_store
from ststudio.training.recipe import Recipe

ROWS = 600  # at most, of the training rows: about 1,200 texts, ten seconds of a small model
MINING = Job(
    "mine",
    "Looking for hard negatives",
    seconds=120.0,
    advice="Try a smaller base model, or fewer tokens per text.",
)


@dataclass(frozen=True)
class Sample:
    """What a look is taken at: rows of the training part, and how a run would embed them."""

    recipe: Recipe
    case: str
    rows: dict[str, list[str]]
    of: int  # training rows in all


def mining_fix(relative_margin: float) -> dict[str, Any]:
    """Return the fix that mines hard negatives with a margin."""
    return {"code": CODE, "args": {"relative_margin": relative_margin, "range_min": 0}}


def sample(
    value: dict[str, Any], relative_margin: float = RELATIVE_MARGIN, token: str | None = None
) -> Sample:
    """Draw rows of the training part of a recipe; raise StudioError where none can be mined."""
    kept = [fix for fix in value.get("fixes") or [] if fix.get("code") != CODE]
    recipe = admissible({**value, "fixes": [*kept, mining_fix(relative_margin)]})
    table = open_source(recipe.source, token, recipe.fixes)
    recipe, diagnosis = diagnosed(recipe, table)
    examples: Examples = make_examples(table, diagnosis, recipe.seed, recipe.max_train_rows)
    recipe = recipe.derived(CASES[examples.case])
    train: pa.Table = examples.train
    drawn = np.random.default_rng(recipe.seed).permutation(train.num_rows)[:ROWS]
    return Sample(recipe, examples.case, train.take(np.sort(drawn)).to_pydict(), train.num_rows)


def look(taken: Sample, token: str | None = None) -> Iterator[float | dict[str, Any]]:
    """Yield how far the look has come, 0 to 1, and last what it found.

    That has the shape of training/hardness.py's look(), and `of`, the training rows in all.
    """
    base = resolve_base(taken.recipe.base_model, get_store(), token)
    yield 0.0
    message = {
        "model": str(_folder_of(base, token)),
        "recipe": taken.recipe.to_json(),
        "case": taken.case,
        "rows": taken.rows,
    }
    for sign in watched(MINING, message):
        yield sign.share if isinstance(sign, Sign) else {**sign, "of": taken.of}


def _folder_of(base: ModelRef | str, token: str | None) -> Path:
    if isinstance(base, ModelRef):
        return download_model(base, token=token)
    return get_store().open(base.partition(":")[2]).model_dir
