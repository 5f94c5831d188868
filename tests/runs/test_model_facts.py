"""What /diagnose says of a base model: the default one, any other, one that is not to be had."""

import json
import time
from typing import Any

import pytest

from ststudio.data.doctor import diagnose
from ststudio.errors import StudioError
from ststudio.runs.model_facts import diagnosis_json
from ststudio.training.losses import LOSSES
from tests.data.made import make, table
from tests.hub.server import Hub

LONG = make(lambda number, w: {"query": w.ask(6), "answer": w.say(300)})


def codes(answer: dict[str, Any]) -> list[str]:
    found = [finding["code"] for finding in answer["findings"]]
    return [code for code in found if code != "too_few_rows"]


def test_the_default_model_is_meant_where_none_is_named() -> None:
    answer = diagnosis_json(diagnose(LONG))
    assert answer["lengths"]["model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert answer["lengths"]["limit"] == 256
    assert answer["lengths"]["roles"]["positive"]["cut"] == 1
    assert "too_long" in codes(answer)
    assert json.loads(json.dumps(answer)) is not None


def test_fixes_change_what_the_model_reads() -> None:
    fix = {"code": "set_max_seq_length", "args": {"tokens": 512}}
    answer = diagnosis_json(diagnose(LONG, [fix]))
    assert answer["lengths"]["limit"] == 512 and "too_long" not in codes(answer)


def test_a_model_of_the_hub_is_read_without_its_weights(hub: Hub) -> None:
    answer = diagnosis_json(diagnose(LONG), "intfloat/e5-small-v2")
    assert answer["lengths"]["limit"] == 512
    assert codes(answer) == ["needs_prompt"]
    assert not any(request.path.endswith(".safetensors") for request in hub.requests)
    fix = next(f["fix"] for f in answer["findings"] if f["code"] == "needs_prompt")
    asked = len(hub.requests)
    mended = diagnose(LONG, [fix])
    assert codes(diagnosis_json(mended, "intfloat/e5-small-v2")) == []
    assert len(hub.requests) - asked <= 3  # none, unless a minute has just passed


@pytest.mark.parametrize("model", ["intfloat/e5-base-v2", "../../etc", "run:" + "0" * 32, ""])
def test_a_model_that_is_not_to_be_had_is_said_and_nothing_fails(hub: Hub, model: str) -> None:
    hub.close()
    started = time.monotonic()
    answer = diagnosis_json(diagnose(LONG), model)
    assert time.monotonic() - started < 5
    assert answer["case"] == "pair"
    if model:  # an empty name is the default's
        assert codes(answer) == ["model_unread"] and answer["lengths"] is None


def test_a_model_that_the_hub_does_not_have_is_an_error_to_mend(hub: Hub) -> None:
    answer = diagnosis_json(diagnose(LONG), "intfloat/no-such-model")
    found = next(f for f in answer["findings"] if f["code"] == "model_unread")
    assert found["level"] == "error" and "intfloat/no-such-model" in found["message"]


def test_the_loss_says_what_it_does_with_every_column_shown() -> None:
    loss = diagnosis_json(diagnose(LONG))["loss"]
    assert loss["name"] == "MultipleNegativesRankingLoss" and loss["why"]
    assert loss["reads"].keys() == {"anchor", "positive"}
    assert set(loss["reads"].values()) <= set(LOSSES[loss["name"]].reads.values())


def test_nli_is_read_as_the_triplets_it_becomes() -> None:
    rows = make(lambda n, w: {"premise": w.say(), "hypothesis": w.say(), "label": n % 3})
    loss = diagnosis_json(diagnose(rows, case="nli"))["loss"]
    assert loss["name"] == "MultipleNegativesRankingLoss"
    assert loss["reads"].keys() == {"premise", "hypothesis", "label"}


def test_a_table_that_no_case_fits_has_neither_lengths_nor_loss() -> None:
    answer = diagnosis_json(diagnose(table([{"a": 1, "b": 2}] * 20)))
    assert answer["lengths"] is None and answer["loss"] is None
    assert codes(answer) == ["no_case"]


def test_an_unknown_fix_is_refused_as_ever() -> None:
    with pytest.raises(StudioError, match="set_prompts"):
        diagnose(LONG, [{"code": "set_nothing"}])
