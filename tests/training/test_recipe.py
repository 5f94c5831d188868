import math
from typing import Any

import pytest

from ststudio.data.cases import CASES
from ststudio.errors import StudioError
from ststudio.training.losses import LOSSES
from ststudio.training.recipe import RULES, Recipe

SOURCE = {"kind": "builtin", "id": "sample-triplet"}


def test_a_recipe_goes_through_json_both_ways() -> None:
    recipe = Recipe.from_json({"source": SOURCE, "learning_rate": 1e-4, "max_steps": 5})
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_only_the_source_is_required() -> None:
    assert Recipe.from_json({"source": SOURCE}).num_train_epochs is None
    with pytest.raises(StudioError, match="source"):
        Recipe.from_json({})


def test_an_unknown_key_is_refused_with_the_list_of_what_is_allowed() -> None:
    with pytest.raises(StudioError, match="output_dir.*Allowed:.*learning_rate"):
        Recipe.from_json({"source": SOURCE, "output_dir": "elsewhere"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", math.nan),
        ("learning_rate", "fast"),
        ("learning_rate", 10),
        ("num_train_epochs", 0),
        ("per_device_train_batch_size", 1),
        ("per_device_train_batch_size", 2.5),
        ("per_device_train_batch_size", True),
        ("max_seconds", 10**6),
        ("max_steps", -1),
        ("seed", -1),
        ("loss", "os.system"),
        ("batch_sampler", "mine"),
        ("lr_scheduler_type", "steep"),
        ("base_model", ""),
        ("base_model", {"revision": "main"}),
        ("columns", ["a"]),
        ("fixes", [{"args": {}}]),
        ("fixes", "swap"),
        ("prompts", {"anchor": 3}),
        ("matryoshka_dims", [0]),
        ("bf16", "yes"),
        ("label", {"kind": "score"}),
        ("loss_settings", ["scale"]),
        ("modules", [{"kind": "Transformer"}]),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(StudioError, match=name):
        Recipe.from_json({"source": SOURCE, name: value})


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.key)
def test_every_case_derives_a_whole_recipe(case: Any) -> None:
    recipe = Recipe(source=SOURCE).derived(case)
    assert recipe.loss == case.losses[0]
    assert recipe.batch_sampler == case.batch_sampler
    assert recipe.learning_rate and recipe.max_seconds and recipe.per_device_train_batch_size


def test_a_loss_of_another_case_is_refused() -> None:
    with pytest.raises(StudioError, match="CoSENTLoss does not read.*TripletLoss"):
        Recipe(source=SOURCE, loss="CoSENTLoss").derived(CASES["triplet"])


def test_a_setting_that_the_loss_does_not_have_is_refused() -> None:
    with pytest.raises(StudioError, match="no setting margin.*scale"):
        Recipe(source=SOURCE, loss_settings={"margin": 1}).derived(CASES["triplet"])


def test_a_prompt_for_no_column_is_refused() -> None:
    with pytest.raises(StudioError, match="anchor, positive, negative"):
        Recipe(source=SOURCE, prompts={"query": "query: "}).derived(CASES["triplet"])


def test_an_odd_batch_cannot_be_grouped_by_label() -> None:
    with pytest.raises(StudioError, match="even batch"):
        Recipe(source=SOURCE, per_device_train_batch_size=5).derived(CASES["text-class"])


def test_every_loss_of_a_case_is_in_the_table() -> None:
    assert {loss for case in CASES.values() for loss in case.losses} <= set(LOSSES)
    assert set(RULES) <= set(Recipe(source=SOURCE).to_json())
