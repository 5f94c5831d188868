"""A shared recipe sets the page up so that the run of one's own is the same run."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gradio.exceptions import Error
from gradio.utils import get_upload_folder

from ststudio.data.cases import CASES
from ststudio.data.uploads import accept_paste
from ststudio.errors import StudioError
from ststudio.runs.lineup import admissible
from ststudio.tabs.building import fill as fill_layers
from ststudio.tabs.examination import fresh
from ststudio.tabs.layer_widgets import spread
from ststudio.tabs.options import every_setting
from ststudio.tabs.recipes import FIELDS, as_given, fill, set_up, take_file
from ststudio.tabs.session import Session
from ststudio.training.recipe import Recipe
from tests.conftest import Training
from tests.training.built import KINDS

SAMPLE = {"kind": "builtin", "id": "sample-pair"}
RECIPE = {
    "source": SAMPLE,
    "case": "pair",
    "base_model": {"id": "a/b", "revision": "c" * 40},
    "loss": "MultipleNegativesRankingLoss",
    "loss_settings": {"scale": 15.0},
    "learning_rate": 3e-5,
    "per_device_train_batch_size": 24,
    "num_train_epochs": 2.0,
    "max_seconds": 25.0,
    "max_train_rows": 300,
    "seed": 7,
    "weight_decay": 0.01,
    "lr_scheduler_type": "cosine",
    "prompts": {"anchor": "ask: "},
}


def as_started(session: Session) -> Recipe:
    """Return the recipe of a run that is started from the page, its fields as they were filled."""
    values = dict(zip(FIELDS, fill(session, "")[: len(FIELDS)], strict=True))
    given = session.given or {}
    asked = session.recipe(base_model=session.base_model, loss=given["loss"], **values)
    asked["loss_settings"] = given["loss_settings"]
    return admissible(as_given(session, asked))


def test_every_setting_arrives_in_the_run_of_ones_own() -> None:
    session = set_up(Session(), RECIPE, "recipe.json")
    assert session.ready and "Set up by recipe.json" in session.notice
    started = as_started(session)
    for name, value in RECIPE.items():
        if name not in ("source", "case"):  # the doctor says the case, from the same rows
            assert getattr(started, name) == value, name
    assert session.diagnosis and session.diagnosis["case"] == "pair"


def test_what_was_trained_is_set_up_again_as_it_was(training: Training) -> None:
    run = training.run("pair")
    session = set_up(Session(), run.recipe, "a run")
    started, before = as_started(session).derived(CASES["pair"]), Recipe.from_json(run.recipe)
    decided = ("columns", "label", "case", "fixes", "source", "matryoshka_dims")
    for name, value in before.to_json().items():
        if name not in decided:
            assert getattr(started, name) == value, name
    assert session.diagnosis and session.diagnosis["columns"] == before.columns


def test_columns_are_read_as_the_recipe_says() -> None:
    swapped = {**RECIPE, "columns": {"anchor": "reply", "positive": "ticket"}, "prompts": None}
    plain = set_up(Session(), {**RECIPE, "columns": None}, "x")
    names = list((plain.diagnosis or {})["columns"].values())
    swapped["columns"] = {"anchor": names[1], "positive": names[0]}
    session = set_up(Session(), swapped, "x")
    assert session.diagnosis and session.diagnosis["columns"] == swapped["columns"]


def test_a_file_s_rows_are_not_in_it_and_its_steps_wait_for_ones_own() -> None:
    session = set_up(Session(), {**RECIPE, "source": {"kind": "upload"}}, "recipe.json")
    assert session.source is None and "bring your own" in session.notice
    rows = "\n".join(f"where is item {n}?,on shelf {n} of room {n % 5}" for n in range(60))
    pasted = {"kind": "upload", "id": accept_paste(f"question,answer\n{rows}")}
    picked = fresh(session, pasted)
    assert picked.ready and as_started(picked).learning_rate == 3e-5
    scale = {"code": "scale_score", "args": {"low": 0, "high": 5}}
    unfit = replace(session, given={**(session.given or {}), "steps": [scale]})
    assert fresh(unfit, pasted).source == pasted


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"base_model": "run:" + "0" * 32}, "another run"),
        ({"base_model": "an earlier run"}, "another run"),
        ({"max_seconds": 7200}, "7,200 s, of which 300 are allowed"),
        ({"race": [{"loss": "x"}, {"loss": "y"}]}, "race"),
    ],
)
def test_what_it_cannot_bring_is_said(changes: dict[str, Any], says: str) -> None:
    session = set_up(Session(), {**RECIPE, **changes}, "recipe.json")
    assert says in session.notice
    assert session.ready


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], "This is no recipe"),
        ({"loss": "x"}, "needs a `source`"),
        ({**RECIPE, "learning_rate": "fast"}, "learning_rate = 'fast' is not allowed"),
        ({**RECIPE, "shell": "x"}, "Unknown in a recipe: shell"),
        ({**RECIPE, "fixes": [{"code": "rm"}]}, 'There is no fix "rm"'),
        (
            {**RECIPE, "fixes": [{"code": "use_settings", "args": {"settings": {"source": 1}}}]},
            "use_settings",
        ),  # fmt: skip
        ({**RECIPE, "source": {"kind": "disk", "id": "/etc"}}, "needs a kind"),
    ],
)
def test_what_is_no_recipe_is_refused_in_a_sentence(value: Any, says: str) -> None:
    with pytest.raises(StudioError, match=says):
        set_up(Session(), value, "recipe.json")


def uploaded(content: bytes) -> str:
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "recipe.json"
    file.write_bytes(content)
    return str(file)


def test_a_file_is_read_and_gone() -> None:
    file = uploaded(json.dumps(RECIPE).encode())
    assert take_file(Session(), file).ready
    assert not Path(file).exists()
    for content in (b"no json", b"[" * 9000, b'{"source": "\\ud800"}', b"0" * 1_000_001):
        with pytest.raises(Error):
            take_file(Session(), uploaded(content))
    with pytest.raises(Error, match="uploaded here"):
        take_file(Session(), "/etc/hostname")


def test_fields_are_filled_once_and_stay_as_they_are_typed_since() -> None:
    session = set_up(Session(), RECIPE, "recipe.json")
    *shown, now = fill(session, "")
    assert dict(zip(FIELDS, shown, strict=False))["max_seconds"] == 25.0
    settings = dict(zip(every_setting(), shown[len(FIELDS) :], strict=False))
    assert settings["scale"]["value"] == 15.0
    assert all(set(update) <= {"__type__"} for update in fill(session, now)[:-1])


@pytest.mark.parametrize("name", KINDS)
def test_layers_go_back_into_the_widgets_that_say_them(name: str) -> None:
    recipe = Recipe.from_json({"source": SAMPLE, "modules": KINDS[name]})
    session = set_up(Session(), recipe.to_json(), "recipe.json")
    assert session.modules == tuple(recipe.modules or ())
    found = spread(session.modules or ())
    if found is not None:  # else they stand in an order that the widgets do not offer
        start = fill_layers(session, "")[0]
        assert start == found[0]
