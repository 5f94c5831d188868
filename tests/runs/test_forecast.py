"""The estimate on the page and the one a run keeps: of the same rows, hence the same."""

from typing import Any

import pytest

from ststudio.data.cases import CASES
from ststudio.runs.forecast import forecast_page, forecast_run, work_of_page
from ststudio.tabs.examination import examine
from ststudio.tabs.picking import pick_pasted
from ststudio.tabs.session import Session
from ststudio.training.recipe import Recipe
from tests.hub.server import Hub
from tests.training.samples import examples_of
from tests.training.test_estimate import MACHINE

SAMPLES = ("pair-score", "pair", "text-class", "triplet")


def found(case: str, **more: Any) -> dict[str, Any]:
    return examine({"kind": "builtin", "id": f"sample-{case}"}, **more)[1]


@pytest.mark.parametrize("case", SAMPLES)
def test_what_the_page_says_is_what_the_run_keeps(case: str) -> None:
    source = {"kind": "builtin", "id": f"sample-{case}"}
    seen = found(case)
    page = forecast_page(MACHINE, seen, {"source": source})
    assert page is not None and page.download_bytes == 0
    examples = examples_of(case)
    recipe = Recipe(source).derived(CASES[case])
    kept = forecast_run(MACHINE, examples, seen["lengths"], recipe)
    assert kept is not None
    assert page.estimate.steps == pytest.approx(kept["steps"], rel=0.05)
    assert page.estimate.seconds == pytest.approx(kept["seconds"], rel=0.05)


def test_settings_move_it() -> None:
    source = {"kind": "builtin", "id": "sample-triplet"}
    seen = found("triplet")

    def seconds(**settings: Any) -> float:
        forecast = forecast_page(MACHINE, seen, {"source": source, **settings})
        assert forecast is not None
        return forecast.estimate.seconds

    assert seconds(max_steps=5) < seconds(max_steps=50) < seconds(max_steps=2_000)
    assert seconds(max_train_rows=32) < seconds()
    assert seconds(max_steps=20, max_seq_length=8) < seconds(max_steps=20)


def test_nothing_is_promised_of_what_is_not_known() -> None:
    source = {"kind": "builtin", "id": "sample-triplet"}
    seen = found("triplet")
    assert forecast_page(MACHINE, {**seen, "lengths": None}, {"source": source}) is None
    assert forecast_run(None, examples_of("triplet"), seen["lengths"], Recipe(source)) is None


def test_a_model_that_is_to_be_fetched_is_said_with_its_bytes(hub: Hub) -> None:
    base = "intfloat/e5-small-v2"
    source = {"kind": "builtin", "id": "sample-pair"}
    seen = found("pair", base_model=base)
    page = forecast_page(MACHINE, seen, {"source": source, "base_model": base})
    assert page is not None and page.download_bytes > 100_000
    assert "MB of model are fetched" in page.in_words()


def test_nli_is_estimated_as_the_triplets_it_becomes() -> None:
    lines = "premise;hypothesis;label\n" + "".join(
        f"a dog runs on field {n};{text} {n};{label}\n"
        for n in range(90)
        for label, text in (
            (0, "an animal moves in place"),
            (1, "it hunts"),
            (2, "a cat sleeps at"),
        )
    )
    seen = pick_pasted(Session(), lines).diagnosis
    assert seen is not None and seen["case"] == "nli"
    work = work_of_page(seen, Recipe({"kind": "upload"}, loss="TripletLoss"))
    softmax = work_of_page(seen, Recipe({"kind": "upload"}, loss="SoftmaxLoss"))
    assert work is not None and softmax is not None
    assert len(work.roles) == 3 and len(softmax.roles) == 2
    assert softmax.train_rows == 3 * work.train_rows


def test_the_samples_knowledge_base_is_counted() -> None:
    assert found("pair")["corpus"] == examples_of("pair").corpus.num_rows
