"""How hard the negatives of a sample of rows are, before and after mining."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ststudio.data.cases import CASES
from ststudio.data.negatives import Kinship, Mining, keys_of, wanted
from ststudio.runs.documents import write_json
from ststudio.training import models
from ststudio.training.bucketing import bucketed
from ststudio.training.mining import Miner, harder
from ststudio.training.recipe import Recipe

DRAWS = 20  # for a random negative that is none of the anchor's kin
BARS = 24
SHOWN = 3
NICE = 10  # on a CPU runs and searches go first


def look(model: Miner, rows: pa.Table, wish: Mining, seed: int) -> dict[str, Any]:
    """Return how far negatives are before and after mining, as a histogram, and three of them."""
    kin = Kinship(rows["anchor"], rows["positive"])
    found = harder(model, rows, kin, wish)
    has_own = "negative" in rows.column_names
    before = rows["negative"].to_pylist() if has_own else _random(rows, kin, seed)
    after = [new or (old if has_own else None) for new, old in zip(found, before, strict=True)]
    beside = zip(
        rows["anchor"].to_pylist(), rows["positive"].to_pylist(), before, after, strict=True
    )
    kept = [(a, p, old, new) for a, p, old, new in beside if old and new]
    facts = {"rows": rows.num_rows, "found": sum(map(bool, found)), "own": has_own}
    if not kept:
        return {**facts, "edges": [], "counts": [[], []], "medians": [], "examples": []}
    anchors, positives, olds, news = (list(texts) for texts in zip(*kept, strict=True))
    right = model.cosines(anchors, positives)
    margins = [np.subtract(right, model.cosines(anchors, texts)) for texts in (olds, news)]
    edges = np.histogram_bin_edges(np.concatenate(margins), BARS)
    hardest = [row for row in np.argsort(margins[1], kind="stable") if olds[row] != news[row]]
    return {
        **facts,
        "edges": edges.round(4).tolist(),
        "counts": [np.histogram(margin, edges)[0].tolist() for margin in margins],
        "medians": [round(float(np.median(margin)), 4) for margin in margins],
        "examples": [
            {
                "anchor": anchors[row],
                "positive": positives[row],
                "before": olds[row],
                "after": news[row],
                "margins": [round(float(margin[row]), 4) for margin in margins],
            }
            for row in hardest[:SHOWN]
        ],
    }


def _random(rows: pa.Table, kin: Kinship, seed: int) -> list[str | None]:
    """Draw each row another row's positive, as a batch puts them together."""
    rng = np.random.default_rng(seed)
    anchors, positives = (keys_of(rows[name].to_pylist()) for name in ("anchor", "positive"))
    texts, drawn = rows["positive"].to_pylist(), []
    for anchor in anchors:
        near = kin.of(anchor)
        tries = rng.integers(0, len(texts), DRAWS)
        drawn.append(next((texts[row] for row in tries if positives[row] not in near), None))
    return drawn


def mine_job(message: dict[str, Any]) -> dict[str, Any]:
    """Look for hard negatives in a sample of training rows; say in a file how far it has come."""
    recipe, file = Recipe.from_json(message["recipe"]), Path(message["progress"])
    wish = wanted(recipe.fixes) or Mining()
    rows = pa.table(message["rows"])
    if models.device() == "cpu":
        os.nice(NICE)
    model = models.prepare_model(Path(message["model"]), recipe, CASES[message["case"]])
    total = len({text for name in rows.column_names for text in rows[name].to_pylist()})
    with bucketed(model):
        return look(Miner(model, _share(file, total)), rows, wish, recipe.seed)


def _share(file: Path, total: int) -> Callable[[int], None]:
    done = 0

    def told(texts: int) -> None:
        nonlocal done
        done += texts
        write_json(file, [min(done / total, 1.0)])

    return told
