"""What each loss does is said, its settings are checked, and its defaults suit the model."""

import math
from pathlib import Path
from typing import Any

import pytest

from ststudio.data.cases import CASES
from ststudio.data.rows import LABEL_NAME
from ststudio.errors import StudioError
from ststudio.model_input import ModelInput
from ststudio.shelf import DEFAULT_MODEL
from ststudio.training.losses import LOSSES
from ststudio.training.recipe import Recipe


@pytest.mark.parametrize(
    ("case", "loss"), [(case.key, loss) for case in CASES.values() for loss in case.losses]
)
def test_every_column_and_label_has_its_sentence(case: str, loss: str) -> None:
    known = CASES[case]
    label = [LABEL_NAME[known.label]] if known.label else []
    for role in (*known.columns, *label):
        said = LOSSES[loss].reads[role]
        assert 20 < len(said) < 110 and not said.endswith(".")


@pytest.mark.parametrize("loss", LOSSES.values(), ids=lambda loss: loss.name)
def test_the_defaults_of_a_loss_are_allowed_and_each_setting_is_said(loss: Any) -> None:
    assert set(loss.chosen({})) == set(loss.settings)
    for setting in loss.settings.values():
        assert setting.label and setting.says.endswith(".") and len(setting.says) < 90


@pytest.mark.parametrize(
    ("loss", "settings", "said"),
    [
        ("MultipleNegativesRankingLoss", {"scale": 0}, "scale = 0.*from 0.01 to 1000"),
        ("MultipleNegativesRankingLoss", {"scale": math.inf}, "scale = inf"),
        ("MultipleNegativesRankingLoss", {"scale": "20"}, "scale = '20'"),
        ("TripletLoss", {"distance": "manhattan"}, "distance = 'manhattan'.*cosine, euclidean"),
        ("TripletLoss", {"margin": -1}, "margin = -1"),
        ("GISTEmbedLoss", {"guide": 7}, "guide = 7.*run:<id>"),
        ("GISTEmbedLoss", {"margin_strategy": "none"}, "absolute, relative"),
        ("CachedMultipleNegativesRankingLoss", {"mini_batch_size": 1.5}, "whole number"),
        ("CosineSimilarityLoss", {"scale": 1}, "no setting scale.*none"),
        ("BatchHardTripletLoss", {"distance": "euclidean", "margin": 5}, "never be met"),
    ],
)
def test_a_setting_that_a_loss_cannot_have_is_refused_with_what_it_can(
    loss: str, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(StudioError, match=said):
        LOSSES[loss].chosen(settings)


def test_a_euclidean_margin_is_one_that_the_models_vectors_can_reach() -> None:
    asked = {"distance": "euclidean"}
    loss = LOSSES["TripletLoss"]
    assert loss.chosen(asked, normalises=True)["margin"] == 0.5
    assert loss.chosen(asked, normalises=False)["margin"] == 5.0
    assert loss.chosen({**asked, "margin": 7}, normalises=False)["margin"] == 7.0
    assert loss.chosen({})["margin"] == 0.3


SOURCE = {"kind": "builtin", "id": "sample-pair"}
WIDE = ModelInput("wide", Path(), modules=("Transformer", "Pooling"), dimensions=96)


def test_matryoshka_trains_the_whole_vector_too_and_no_more_than_there_is() -> None:
    recipe = Recipe(SOURCE, matryoshka_dims=[32, 64])
    assert recipe.derived(CASES["pair"], WIDE).matryoshka_dims == [96, 64, 32]
    with pytest.raises(StudioError, match="has 128.*have 96 dimensions"):
        Recipe(SOURCE, matryoshka_dims=[32, 128]).derived(CASES["pair"], WIDE)


def test_the_model_decides_what_margin_it_can_reach() -> None:
    recipe = Recipe(SOURCE, loss="TripletLoss", loss_settings={"distance": "euclidean"})
    assert recipe.derived(CASES["triplet"], WIDE).loss_settings["margin"] == 5.0
    assert recipe.derived(CASES["triplet"]).loss_settings["margin"] == 0.5


def test_the_guide_is_the_default_model_unless_another_is_named() -> None:
    recipe = Recipe(SOURCE, loss="GISTEmbedLoss").derived(CASES["pair"])
    assert recipe.loss_settings["guide"] == DEFAULT_MODEL
