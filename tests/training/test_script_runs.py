"""Scripts that are run: the same model as the page's run, by python and on several processes."""

import os
import re
import runpy
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sentence_transformers import SentenceTransformer

from ststudio.data.examples import Examples, make_examples
from ststudio.data.sources import open_source, pin_source
from ststudio.runs.admission import diagnosed
from ststudio.runs.run import Run
from ststudio.shelf import packaged_model
from ststudio.training.recipe import Recipe
from tests.training.built import KINDS, LENT
from tests.training.samples import examples_of, real_examples
from tests.training.scripted import AGREE, difference, scripted, trained, unpacked
from tests.training.tiny import tiny_model
from tests.training.told import remade

SECONDS = 240
# Fast enough to move a tiny model far in a dozen steps; at 5e-3 rounding alone grew to 3e-3 in 100.
RATE = 2e-3
CASES = ("pair-score", "pair", "text-class", "triplet")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    tiny_model(folder / "parts").save_pretrained(str(folder / "model"))
    return folder / "model"


def check(run: Run, ended: dict[str, Any]) -> None:
    """The script's model gives the page's vectors, and its evaluator the page's numbers."""
    assert difference(run, ended["model"]) < AGREE
    report = run.report
    assert report is not None
    assert ended["units"] == report["n"]
    assert ended["before"] == pytest.approx(report["baseline"], abs=AGREE)
    assert ended["after"] == pytest.approx(report["score"], abs=AGREE)


def moved(run: Run, base: Path) -> float:
    """Return how far training moved the vectors: agreement says nothing of a model that stayed."""
    return difference(run, SentenceTransformer(str(base), device="cpu"))


def test_a_plan_that_was_bent_to_the_time_is_followed(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    asked = {"max_steps": 4_000, "eval_steps": None, "max_seconds": 2, "learning_rate": RATE}
    run = trained(tmp_path / "runs", base, examples_of("pair"), **asked)
    assert run.state["reason"] == "time_limit" and moved(run, base) > 20 * AGREE
    ended = scripted(run, tmp_path / "script", monkeypatch)
    assert run.state["step"] == ended["LAST_STEP"]
    assert "PLANNED = {3: " in (tmp_path / "script" / "train.py").read_text()
    check(run, ended)
    assert "Warning" not in capsys.readouterr().out
    card = (tmp_path / "script" / "fine-tuned" / "final" / "README.md").read_text()
    row = examples_of("pair").train.column(0)[0].as_py()
    assert row not in card and "dataset_size:" in card


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_script_trains_the_same_model_and_measures_the_same(
    case: str, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(tmp_path / "runs", base, examples_of(case), learning_rate=RATE)
    assert moved(run, base) > 20 * AGREE
    check(run, scripted(run, tmp_path / "script", monkeypatch))


@pytest.mark.slow
def test_other_rows_are_trained_on_and_said(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    run = trained(tmp_path / "runs", base, examples_of("triplet"))
    script = unpacked(run, tmp_path)
    rows = pq.read_table(tmp_path / "data" / "train.parquet")
    pq.write_table(rows.slice(16), tmp_path / "data" / "train.parquet")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script), run_name="__main__")
    assert "Warning: these are not the rows of the run." in capsys.readouterr().out


@pytest.mark.slow
def test_the_default_model_comes_out_the_same_on_real_data(
    real_hub: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = packaged_model()
    assert packaged is not None
    asked = {"max_steps": 400, "eval_steps": None, "max_seconds": 30}
    run = trained(tmp_path / "runs", packaged, _real(real_hub, "QQP_triplets"), **asked)
    assert moved(run, packaged) > 20 * AGREE
    check(run, scripted(run, tmp_path / "script", monkeypatch))


RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "cached": ("pair", {"loss": "CachedMultipleNegativesRankingLoss"}),
    "triplet loss": ("triplet", {"loss": "TripletLoss"}),
    "batch hard": ("text-class", {"loss": "BatchHardTripletLoss"}),
    "inference": ("nli", {}),
    "similar or not": ("pair-class", {}),
    "cosine": ("pair-score", {"loss": "CosineSimilarityLoss"}),
    "matryoshka": ("pair", {"matryoshka_dims": [32, 16, 8]}),
    # The weights move by the product of two matrices, one of which starts at zero.
    "lora": ("pair", {"lora": {"r": 4, "alpha": 8, "dropout": 0.0}, "learning_rate": 5 * RATE}),
    "prompts": ("pair", {"prompts": {"anchor": "query: ", "positive": "passage: "}}),
    "one prompt": ("pair-score", {"prompts": {"sentence1": "say: ", "sentence2": "say: "}}),
    "length": ("pair", {"max_seq_length": 16}),
    "decay": ("pair", {"weight_decay": 0.1, "lr_scheduler_type": "cosine"}),
    "epochs": ("pair", {"max_steps": None, "num_train_epochs": 2, "eval_steps": None}),
    "constant": ("pair", {"lr_scheduler_type": "constant", "warmup_steps": 0}),
    "mined": ("pair", {"fixes": [{"code": "mine_negatives", "args": {}}]}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_comes_out_the_same(
    name: str, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, asked = RECIPES[name]
    examples = remade(case) if case in ("nli", "pair-class") else examples_of(case)
    run = trained(tmp_path / "runs", base, examples, **{"learning_rate": RATE, **asked})
    assert moved(run, base) > 3 * AGREE
    check(run, scripted(run, tmp_path / "script", monkeypatch))


@pytest.mark.slow
def test_a_guided_loss_comes_out_the_same(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_model(tmp_path / "parts", kind="mpnet").save_pretrained(str(tmp_path / "guide"))
    settings = {"guide": str(tmp_path / "guide")}
    asked = {"loss": "GISTEmbedLoss", "loss_settings": settings, "learning_rate": RATE}
    run = trained(tmp_path / "runs", base, examples_of("pair"), **asked)
    check(run, scripted(run, tmp_path / "script", monkeypatch))


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS | LENT)
def test_a_model_that_is_built_comes_out_the_same(
    name: str, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"modules": (KINDS | LENT)[name], "learning_rate": RATE}
    run = trained(tmp_path / "runs", base, examples_of("pair"), **asked)
    check(run, scripted(run, tmp_path / "script", monkeypatch))


def launch(script: Path, *how: str, **environment: str) -> str:
    """Run a script in a process of its own, as a person would; return what it printed."""
    own = {"PYTHONPATH": "", "HF_HUB_OFFLINE": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(
        [sys.executable, *how, script.name],
        cwd=script.parent,
        env={**os.environ, **own, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


# Accelerate starts one process for --cpu, whatever number is asked for, unless mpirun is there:
# several are started as its own launcher starts them for GPUs.
ACCELERATE = ("-m", "accelerate.commands.launch", "--num_processes", "2", "--cpu")
TWO_PROCESSES = ("-m", "torch.distributed.run", "--nproc_per_node", "2")


def check_launched(run: Run, script: Path, said: str) -> SentenceTransformer:
    """One model is saved, once measured before and after, whatever the processes."""
    report = run.report
    assert report is not None
    metric = re.escape(report["metric"])
    found = re.findall(rf"^{metric} on (\d+) \w+s: (\S+) -> (\S+)$", said, re.M)
    assert len(found) == 1, said
    assert int(found[0][0]) == report["n"]
    assert float(found[0][1]) == pytest.approx(report["baseline"], abs=AGREE)
    assert "Warning" not in said
    return SentenceTransformer(str(script.parent / "fine-tuned" / "final"), device="cpu")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_two_processes_train_one_model(case: str, base: Path, tmp_path: Path) -> None:
    run = trained(tmp_path / "runs", base, examples_of(case), learning_rate=RATE)
    script = unpacked(run, tmp_path / "script")
    model = check_launched(run, script, launch(script, *TWO_PROCESSES))
    assert difference(run, model) > AGREE  # it saw twice the rows
    assert difference(run, model) < moved(run, base)


REAL = ("stsb", "QQP_triplets", "trec", "snli", "sentence-compression", "scifact")


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_real_data_gives_the_same_model_by_python(
    name: str, base: Path, real_hub: dict[str, str], tmp_path: Path
) -> None:
    run = trained(tmp_path / "runs", base, _real(real_hub, name), learning_rate=2e-3)
    script = unpacked(run, tmp_path / "script")
    model = check_launched(run, script, launch(script))
    assert moved(run, base) > 5 * AGREE
    assert difference(run, model) < AGREE


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stsb", "QQP_triplets", "trec", "scifact"])
def test_real_data_trains_on_two_processes(
    name: str, base: Path, real_hub: dict[str, str], tmp_path: Path
) -> None:
    run = trained(tmp_path / "runs", base, _real(real_hub, name), learning_rate=2e-3)
    script = unpacked(run, tmp_path / "script")
    check_launched(run, script, launch(script, *TWO_PROCESSES))
    assert difference(run, check_launched(run, script, launch(script, *ACCELERATE))) < AGREE


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stsb", "trec"])
def test_real_rows_are_taken_from_the_hub_by_the_script_itself(
    name: str, base: Path, real_hub: dict[str, str], tmp_path: Path
) -> None:
    source = pin_source({"kind": "hub", "id": real_hub[name]})
    recipe, found = diagnosed(Recipe.from_json({"source": source}), open_source(source))
    read = {"columns": found.columns, "label": asdict(found.label) if found.label else None}
    examples = make_examples(open_source(source), found, recipe.seed, None)
    run = trained(tmp_path / "runs", base, examples, source=source, learning_rate=2e-3, **read)
    script = unpacked(run, tmp_path / "script")
    assert not (script.parent / "data").exists()
    model = check_launched(run, script, launch(script, HF_HUB_OFFLINE="0"))
    assert moved(run, base) > 5 * AGREE
    assert difference(run, model) < AGREE


def _real(ids: dict[str, str], name: str) -> Examples:
    return real_examples(ids, name, 1_000)
