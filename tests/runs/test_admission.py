"""What a chain of fixes decides about the recipe is in the run that starts."""

from typing import Any

import pytest

from ststudio.errors import StudioError
from ststudio.runs.admission import start_run
from ststudio.runs.queue import get_queue
from ststudio.runs.run import Run
from ststudio.shelf import DEFAULT_MODEL
from tests.conftest import Training
from tests.hub.server import Hub
from tests.runs.refusals import refused

SOURCE = {"kind": "builtin", "id": "sample-pair"}
LENGTH = {"code": "set_max_seq_length", "args": {"tokens": 64}}
PROMPTS = {"code": "set_prompts", "args": {"prompts": {"anchor": "query: "}}}


@pytest.fixture(autouse=True)
def queue_closed_in_the_end(training: Training) -> None:
    """Share the queue with the tests that train: it is closed when all are done."""


def started(**recipe: Any) -> Run:
    """Start a run, and end it before it has trained much."""
    run, _, _ = start_run({"source": SOURCE, "max_steps": 1, "max_seconds": 5, **recipe})
    get_queue().stop(run)
    return run


def test_fixes_end_in_the_recipe_and_what_was_typed_last_wins() -> None:
    run = started(fixes=[LENGTH, PROMPTS])
    assert run.recipe["max_seq_length"] == 64
    assert run.recipe["prompts"] == {"anchor": "query: "}
    run = started(fixes=[LENGTH, PROMPTS], max_seq_length=32)
    assert run.recipe["max_seq_length"] == 32
    assert run.recipe["prompts"] == {"anchor": "query: "}


def test_a_base_model_that_a_fix_decides_is_the_one_that_is_looked_for() -> None:
    fix = {"code": "use_base_model", "args": {"id": f"run:{'0' * 32}"}}
    with pytest.raises(StudioError, match="run"):
        start_run({"source": SOURCE, "fixes": [fix]})
    with pytest.raises(StudioError, match="not the id of a model"):
        start_run({"source": SOURCE, "fixes": [fix], "base_model": "../elsewhere"})


def test_what_the_base_model_makes_of_the_rows_is_among_the_facts() -> None:
    run = started(max_seq_length=8)
    found = [finding["code"] for finding in run.facts["findings"]]
    assert "too_long" in found
    assert run.facts["lengths"]["limit"] == 8
    assert run.facts["lengths"]["roles"]["positive"]["cut"] > 0.5


def test_a_model_that_wants_prompts_is_caught_and_the_fix_gives_them(hub: Hub) -> None:
    run = started(base_model="intfloat/e5-small-v2")
    found = next(f for f in run.facts["findings"] if f["code"] == "needs_prompt")
    assert found["level"] == "warning"
    run = started(base_model="intfloat/e5-small-v2", fixes=[found["fix"]])
    assert run.recipe["prompts"] == {"anchor": "query: ", "positive": "passage: "}
    assert "needs_prompt" not in [finding["code"] for finding in run.facts["findings"]]


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ({"max_seq_length": 600}, "512"),
        ({"fixes": [{"code": "set_max_seq_length", "args": {"tokens": 3}}]}, "from 8 to"),
        (
            {"fixes": [{"code": "set_prompts", "args": {"prompts": {"anchor": 5}}}]},
            "at most 500 characters",
        ),
        (
            {"fixes": [{"code": "set_prompts", "args": {"prompts": {"text": "q: "}}}]},
            "No prompt can stand before text",
        ),
    ],
)
def test_what_would_end_the_run_is_refused_before_it_is_made(
    recipe: dict[str, Any], says: str
) -> None:
    refused({"source": SOURCE, **recipe}, says)


def test_a_guide_is_found_and_pinned_before_the_run_is_made(hub: Hub) -> None:
    run = started(loss="GISTEmbedLoss")
    guide = run.recipe["loss_settings"]["guide"]
    assert guide["id"] == DEFAULT_MODEL and len(guide["revision"]) == 40
    with pytest.raises(StudioError, match="nobody/nothing"):
        started(loss="GISTEmbedLoss", loss_settings={"guide": "nobody/nothing"})
    with pytest.raises(StudioError, match="run"):
        started(loss="GISTEmbedLoss", loss_settings={"guide": f"run:{'0' * 32}"})


def test_more_dimensions_than_the_model_has_are_refused() -> None:
    with pytest.raises(StudioError, match="has 768, but this model's vectors have 384"):
        started(matryoshka_dims=[768, 64])
    assert started(matryoshka_dims=[64]).recipe["matryoshka_dims"] == [384, 64]


def test_a_private_dataset_is_trained_on_by_its_owner_alone(
    monkeypatch: pytest.MonkeyPatch, training: Training
) -> None:
    rows = "question,answer\n" + "".join(f"where is item {n},on shelf {n}\n" for n in range(120))
    source = {"kind": "hub", "id": "alice/private"}
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        for name in ("alice", "bob"):
            hub.add_user(name, f"hf_{name}")
        hub.add_repo("dataset", source["id"], {"train.csv": rows.encode()}, private=True)

        run, _, _ = start_run({"source": source, "max_steps": 1, "max_seconds": 5}, "hf_alice")
        get_queue().stop(run)

        assert run.facts["counts"]["train"] > 50
        files = [path for path in run.path.rglob("*") if path.is_file()]
        assert files and not any(b"hf_alice" in path.read_bytes() for path in files)
        for pinned in (source, run.recipe["source"]):
            for token in ("hf_bob", None):
                with pytest.raises(StudioError, match="if it is private, sign in"):
                    start_run({"source": pinned}, token)
