"""The settings of the chosen loss reach the recipe; those left alone are chosen for the model."""

from typing import Any

import pytest

from ststudio.data.cases import CASES
from ststudio.shelf import DEFAULT_MODEL
from ststudio.tabs.options import chosen, every_setting, halved, suit
from ststudio.training.losses import LOSSES
from ststudio.training.recipe import Recipe


def values(matryoshka: bool = False, **given: Any) -> tuple[Any, ...]:
    """Return the fields' values as the page sends them, all at their defaults but the given."""
    fields = {name: setting.default for name, setting in every_setting().items()} | given
    return (*fields.values(), matryoshka)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_shows_its_own_settings_and_no_others(loss: str) -> None:
    *fields, switch = suit(loss)
    shown = {
        name: update["value"]
        for name, update in zip(every_setting(), fields, strict=True)
        if update["visible"]
    }
    assert shown == LOSSES[loss].chosen({})
    assert switch["interactive"] is not bool(LOSSES[loss].whole_only)


def test_what_is_left_alone_is_not_said_and_what_is_changed_is() -> None:
    assert chosen("TripletLoss", DEFAULT_MODEL, (), values()) == {}
    asked = chosen(
        "TripletLoss", DEFAULT_MODEL, (), values(distance="euclidean", scale=3, margin=None)
    )
    assert asked == {"loss_settings": {"distance": "euclidean"}}
    recipe = Recipe({}, loss="TripletLoss", **asked).derived(CASES["triplet"])
    assert recipe.loss_settings == {"distance": "euclidean", "margin": 0.5}


def test_matryoshka_halves_what_the_model_has() -> None:
    asked = chosen("MultipleNegativesRankingLoss", DEFAULT_MODEL, (), values(matryoshka=True))
    assert asked == {"matryoshka_dims": [384, 192, 96, 48]}
    static = {"type": "StaticEmbedding", "dimensions": 128}
    asked = chosen("MultipleNegativesRankingLoss", "", (static,), values(matryoshka=True))
    assert asked == {"matryoshka_dims": [128, 64, 32]}
    assert halved(64) == [64, 32]
    assert halved(16) == [16]
