"""Runs as their directories tell them, laid out without training: what a script is written from."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.training.recipe import Recipe
from tests.training.samples import examples_of

BASE = {"id": "sentence-transformers/all-MiniLM-L6-v2", "revision": "c" * 40}
SOURCE = {"kind": "upload", "id": "f" * 32}
LOOKS = ((0, 0.5), (4, 0.6), (8, 0.7), (12, 0.65))


def told(
    folder: Path,
    examples: Examples,
    plans: Sequence[tuple[int, int]] = ((0, 12),),
    looks: Sequence[tuple[int, float]] = LOOKS,
    prompts: dict[str, str] | None = None,
    facts: dict[str, Any] | None = None,
    trained_in: str = "float32",
    **asked: Any,
) -> Run:
    """Lay out a run that has ended."""
    case = CASES[examples.case]
    recipe = Recipe.from_json({"source": SOURCE, "base_model": BASE, **asked}).derived(case)
    known = {"title": "Tickets", "case": case.key, "notes": list(examples.notes)}
    run, _ = RunStore(folder).create(recipe.to_json(), {**known, **(facts or {})})
    examples.save(run.examples_dir)
    for step, steps in plans:
        run.append_log({"step": step, "steps": steps})
    for step, metric in looks:
        run.append_log({"step": step, "metric": metric, "seconds": 1.0})
    run.model_dir.mkdir()
    family = {"prompts": {"query": "", "document": "", **(prompts or {})}}
    (run.model_dir / "config_sentence_transformers.json").write_text(json.dumps(family))
    run.embeddings_dir.mkdir()
    np.save(run.embeddings_dir / "tuned.npy", np.zeros((3, 384), np.float32))
    run.write("report", {"metric": case.metric, "n": 150, "baseline": 0.6, "score": 0.7})
    run.update(trained_in=trained_in)
    run.end("finished")
    return run


def remade(case: str) -> Examples:
    """Return the sample's scored pairs with labels in their scores' place."""
    scored, names = examples_of("pair-score"), CASES[case].columns

    def labelled(rows: pa.Table) -> pa.Table:
        labels = pa.array([int(score > 0.5) for score in rows["score"].to_pylist()])
        return pa.table({**dict(zip(names, rows.columns, strict=False)), "label": labels})

    parts = {name: labelled(getattr(scored, name)) for name in ("train", "dev", "test")}
    return replace(scored, case=case, **parts)
