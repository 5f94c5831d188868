"""What the widgets say becomes a recipe's modules, drawn or refused before anything is fetched."""

from typing import Any

import pytest

from ststudio.tabs.building import begin, picture, take
from ststudio.tabs.layer_widgets import OPTIONAL, STARTS, USUAL, WITH_SETTINGS, modules_of
from ststudio.tabs.session import Session
from ststudio.tabs.train import suits
from ststudio.training.blueprint import checked_modules
from ststudio.training.layers import LAYERS

MNRL = "MultipleNegativesRankingLoss"


def widgets(**changed: Any) -> list[Any]:
    """Return what the widgets hold: defaults, as the page gives them back."""
    values = []
    for layer in WITH_SETTINGS:
        for setting in layer.settings:
            shown = setting.default
            if isinstance(shown, list):
                shown = ", ".join(map(str, shown))
            values.append(changed.get(setting.name, shown))
    return values


@pytest.mark.parametrize("start", [key for key in STARTS.values() if key])
def test_every_start_is_drawn_with_what_usually_stands_behind_it(start: str) -> None:
    session = take(Session(), start, USUAL[start], False, 16, *widgets())
    assert checked_modules(list(session.modules or ())) == list(session.modules or ())
    drawn = picture(session, None)
    assert "finding error" not in drawn
    assert drawn.count("<li>") == len(session.modules or ())
    assert LAYERS[start].title in drawn and "weights in all" in drawn


@pytest.mark.parametrize("start", [key for key in STARTS.values() if key])
def test_every_layer_that_is_offered_has_its_place(start: str) -> None:
    offered = [key for _, key in begin(Session(), start, False, 16, *widgets())[1]["choices"]]
    session = take(Session(), start, offered, False, 16, *widgets())
    types = [entry["type"] for entry in session.modules or ()]
    assert types == [key for key in types if key in {*OPTIONAL, "Pooling", LAYERS[start].type}]
    assert set(offered) <= set(types)
    assert "finding error" not in picture(session, None)


def test_the_base_model_as_it_is_needs_no_picture() -> None:
    session = take(Session(), "", ["Dense"], False, 16, *widgets())
    assert session.modules is None and picture(session, None) == ""


def test_numbers_are_read_as_they_are_typed() -> None:
    modules = modules_of("StaticEmbedding", ["Dense"], widgets(dimensions=64.0, activation="ReLU"))
    assert modules == (
        {"type": "StaticEmbedding", "dimensions": 64},
        {"type": "Dense", "out_features": 256, "activation": "ReLU"},
    )
    read = modules_of("Transformer", ["CNN"], widgets(kernel_sizes=" 3,5 , 7"))
    assert read is not None and read[1]["kernel_sizes"] == [3, 5, 7]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kernel_sizes": "two"}, "odd whole numbers"),
        ({"kernel_sizes": "2, 4"}, "odd whole numbers"),
        ({"out_features": 1}, "from 8 to 4096"),
        ({"num_attention_heads": 3}, "cannot be shared by 3"),
    ],
)
def test_what_cannot_be_built_is_said_in_the_picture_s_place(
    changed: dict[str, Any], said: str
) -> None:
    more = ["CNN", "Dense"]
    session = take(Session(), "Transformer.from_scratch", more, False, 16, *widgets(**changed))
    drawn = picture(session, None)
    assert "finding error" in drawn and said in drawn


def test_a_length_makes_a_smaller_table_of_positions() -> None:
    session = take(Session(), "Transformer.from_scratch", [], False, 16, *widgets())
    assert "4,345,728" not in picture(session, None)
    assert picture(session, 16) != picture(session, 512)
    bag = take(Session(), "BoW", ["Dense"], False, 16, *widgets())
    assert "counts all words" in picture(bag, 64)


def test_a_base_model_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    session = take(Session(base_model="no/such id"), "StaticEmbedding", [], False, 16, *widgets())
    assert "finding error" in picture(session, None)


def test_lora_goes_with_a_trained_transformer_only() -> None:
    assert take(Session(), "", [], True, 8, *widgets()).lora == {"r": 8}
    assert take(Session(), "Transformer", [], True, 8, *widgets()).lora == {"r": 8}
    assert take(Session(), "StaticEmbedding", [], True, 8, *widgets()).lora is None
    assert take(Session(), "", [], False, 8, *widgets()).lora is None
    assert "lora: r = 0" in picture(take(Session(), "", [], True, None, *widgets()), None)


def test_what_is_built_is_in_the_recipe_and_nothing_else() -> None:
    session = take(Session(source={"kind": "builtin"}), "BoW", ["Dense"], False, 16, *widgets())
    assert [entry["type"] for entry in session.recipe()["modules"]] == ["BoW", "Dense"]
    assert {"modules", "lora"}.isdisjoint(Session(source={"kind": "builtin"}).recipe())


def test_the_learning_rate_follows_what_is_built_unless_one_was_typed() -> None:
    _, rate, usual = suits(Session(), MNRL, None)
    assert rate == usual == 1e-4
    _, kept, usual = suits(Session(), MNRL, usual)
    assert isinstance(kept, dict) and usual == 1e-4  # what was typed stays
    static = take(Session(), "StaticEmbedding", [], False, 16, *widgets())
    _, rate, usual = suits(static, MNRL, usual)
    assert rate == usual > 1e-3
