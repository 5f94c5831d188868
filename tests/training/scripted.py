"""Runs of tiny models by the page's own trainer, and their scripts run beside them."""

import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.hub.script_pack import zip_script
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.training.recipe import Recipe
from ststudio.training.train import train_job

SAMPLE = {"kind": "builtin", "id": "sample"}
SHORT = {"max_steps": 12, "eval_steps": 4, "max_seconds": 60, "bf16": False}
AGREE = 1e-3  # of numbers in vectors: the issue's own line


def trained(folder: Path, base: Path, examples: Examples, **asked: Any) -> Run:
    """Train a run as a worker does, on a base model in a folder."""
    given = {"source": SAMPLE, "base_model": str(base), **SHORT, **asked}
    recipe = Recipe.from_json(given).derived(CASES[examples.case])
    facts = {"title": "the sample", "case": examples.case, "notes": list(examples.notes)}
    run, _ = RunStore(folder).create(recipe.to_json(), facts)
    examples.save(run.examples_dir)
    run.write_base(base)
    if "guide" in recipe.loss_settings:
        run.write_guide(Path(recipe.loss_settings["guide"]))
    train_job({"run": str(run.path)})
    assert run.state["state"] == "finished", run.state
    return run


def unpacked(run: Run, folder: Path) -> Path:
    """Unpack a run's script and its rows into a folder; return the script."""
    file = zip_script(run)
    shutil.unpack_archive(file, folder, "zip")
    file.unlink()
    return folder / "train.py"


def scripted(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the script of a run in this process; return what it ended with."""
    script = unpacked(run, folder)
    monkeypatch.chdir(folder)
    return runpy.run_path(str(script), run_name="__main__")


def texts_of(run: Run) -> list[str]:
    """Return texts to compare models by: those of the test."""
    examples = Examples.load(run.examples_dir)
    return list(examples.test.column(0).unique().to_pylist())


def difference(run: Run, model: SentenceTransformer) -> float:
    """Return the largest difference of any number in the vectors of the run's model and another."""
    texts = texts_of(run)
    page = SentenceTransformer(str(run.model_dir), device="cpu")
    return float(np.abs(page.encode(texts) - model.encode(texts)).max())
