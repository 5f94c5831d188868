"""A shared recipe: it sets the page up for a run of one's own, and says what it could not bring."""

import html
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from ststudio.data.cases import CASES
from ststudio.data.recipe_fixes import UNSHOWN
from ststudio.data.reshape import FIXES, parse_fixes
from ststudio.data.uploads import read_upload
from ststudio.errors import StudioError
from ststudio.hub.origins import shared_recipe
from ststudio.hub.pushed import is_hostile
from ststudio.runs.model_facts import EARLIER_RUN
from ststudio.runs.store import get_store
from ststudio.settings import MB, get_settings
from ststudio.tabs import explained
from ststudio.tabs.examination import Json, again
from ststudio.tabs.options import every_setting, suit
from ststudio.tabs.session import Session
from ststudio.tabs.visitor import visitor_token
from ststudio.training.racers import public_name
from ststudio.training.recipe import DEFAULT_SECONDS, Recipe

FILE_BYTES = 1 * MB
# What becomes a step of the chain: shown on the page, and undone there.
STEPS = {
    "loss": ("use_loss", "loss"),
    "learning_rate": ("set_learning_rate", "learning_rate"),
    "per_device_train_batch_size": ("set_batch_size", "rows"),
    "num_train_epochs": ("set_epochs", "epochs"),
    "batch_sampler": ("set_batch_sampler", "sampler"),
    "prompts": ("set_prompts", "prompts"),
}
# What fields of the page show, and a session therefore hands to them.
FIELDS = ("max_seconds", "num_train_epochs", "max_train_rows", "max_seq_length", "seed")
OF_LOSS = ("loss", "loss_settings", "matryoshka_dims")
NO_ROWS = (
    "Its rows came from a file or were pasted, and those are not part of a recipe: bring your own "
    "in the Data tab, and its steps are taken there."
)
NO_BASE = "Its base model is another run's, which a recipe does not share: choose one."
NO_RACE = "The race that it asks for is not taken over: it can be started under 'Race'."


def set_up(session: Session, value: Any, of: str, token: str | None = None) -> Session:  # noqa: ANN401
    """Set a session up by a recipe; raise StudioError where it is none, or its data is closed."""
    recipe, missing = _readable(value)
    base = recipe.base_model
    given = {name: getattr(recipe, name) for name in (*FIELDS, *OF_LOSS)}
    # A pin is kept as long as the model that it belongs to stays chosen.
    given |= {"of": of, "base_model": base, "steps": None}
    ready = replace(
        session,
        source=None,
        diagnosis=None,
        glance=(),
        fixes=(),
        base_model=base["id"] if isinstance(base, dict) else base,
        modules=tuple(recipe.modules) if recipe.modules else None,
        lora=recipe.lora,
        given=given,
    )
    if recipe.source.get("kind") == "upload":
        steps = [*recipe.fixes, *_steps(recipe)]
        return replace(ready, given={**given, "steps": steps}, notice=_words(of, missing))
    ready = replace(ready, source=recipe.source)
    return replace(_looked_at(ready, recipe, token), notice=_words(of, missing))


def _readable(value: Any) -> tuple[Recipe, list[str]]:  # noqa: ANN401
    """Return a recipe that this app can take, and in words what had to be left out of it."""
    if not isinstance(value, Mapping):
        raise StudioError(
            "This is no recipe: a recipe is the object that 'Download recipe.json' saves."
        )
    known, missing = dict(value), []
    most = get_settings().run_seconds
    seconds = known.get("max_seconds")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > most:
        known["max_seconds"] = most
        missing.append(f"It trains for {seconds:,.0f} s, of which {most:,} are allowed here.")
    if known.get("race"):
        known["race"] = None
        missing.append(NO_RACE)
    base = known.get("base_model")
    name = base.get("id") if isinstance(base, Mapping) else base
    if isinstance(name, str) and (name == public_name(EARLIER_RUN) or name.startswith(EARLIER_RUN)):
        known["base_model"] = None
        missing.append(NO_BASE)
    recipe = Recipe.from_json(known)
    parse_fixes(recipe.fixes)
    if recipe.source.get("kind") == "upload":
        missing.append(NO_ROWS)
    return recipe, missing


def _steps(recipe: Recipe) -> list[Json]:
    """Return the steps of the chain that say what the recipe's settings are."""
    steps = [
        {"code": code, "args": {arg: getattr(recipe, name)}}
        for name, (code, arg) in STEPS.items()
        if getattr(recipe, name) is not None
    ]
    untouched = Recipe({})
    rest = {name: getattr(recipe, name) for name in UNSHOWN}
    rest = {name: value for name, value in rest.items() if value != getattr(untouched, name)}
    if rest:
        steps.append({"code": "use_settings", "args": {"settings": rest}})
    left_out = {fix["code"] for fix in recipe.fixes}
    if recipe.case and recipe.batch_sampler == CASES[recipe.case].batch_sampler:
        left_out.add("set_batch_sampler")  # it would be so anyway
    return [step for step in steps if step["code"] not in left_out]


def _looked_at(session: Session, recipe: Recipe, token: str | None) -> Session:
    """Look at the recipe's data; what its columns are is decided once more where it must be."""
    chain = (*recipe.fixes, *_steps(recipe))
    found = again(session, token, fixes=chain)
    assert found.diagnosis is not None
    reshaped = any(FIXES[fix["code"]].of for fix in recipe.fixes)
    same = found.diagnosis["case"] in (recipe.case, None) and recipe.columns in (
        None,
        found.diagnosis["columns"],
    )
    if same or reshaped or recipe.case is None:
        return found
    decided = [("use_case", {"case": recipe.case})]
    decided += [
        ("assign", {"role": role, "column": column})
        for role, column in (recipe.columns or {}).items()
    ]
    if recipe.label:
        decided.append(("use_label", {"kind": "class", **recipe.label}))
    wishes = [{"code": code, "args": args} for code, args in decided]
    return again(session, token, fixes=(*recipe.fixes, *wishes, *_steps(recipe)))


def _words(of: str, missing: list[str]) -> str:
    said = " ".join(html.escape(sentence) for sentence in missing)
    return (
        f'<div class="finding done"><b>Set up by {html.escape(of)}.</b> What it decides stands '
        f"below as steps that can be undone. {said}</div>"
    )


def as_given(session: Session, asked: Json) -> Json:
    """Return what is asked with what fields cannot say: the base's commit, Matryoshka's sizes."""
    given = session.given or {}
    base = given.get("base_model")
    if isinstance(base, Mapping) and base["id"] == asked.get("base_model"):
        asked = {**asked, "base_model": dict(base)}
    same_loss = given.get("loss") == asked.get("loss")
    if same_loss and given.get("matryoshka_dims") and asked.get("matryoshka_dims"):
        asked = {**asked, "matryoshka_dims": given["matryoshka_dims"]}
    return asked


def fill(session: Session, before: str) -> tuple[Any, ...]:
    """Put a recipe's settings into the tab's fields, once; `before` is the last one that was."""
    now = session.recipe_taken
    if now == before:
        return *(gr.skip() for _ in range(len(FIELDS) + len(every_setting()) + 1)), now
    given = session.given or {}
    values = {"max_seconds": DEFAULT_SECONDS, "seed": Recipe.seed}
    values |= {name: given[name] for name in FIELDS if given.get(name) is not None}
    return *(values.get(name) for name in FIELDS), *suit(given.get("loss"), session), now


def taken_of_run(session: Session, run: str, token: str | None) -> Session:
    """Set the page up as another run was; of whom has its link this asks no more."""
    recipe = shared_recipe(get_store().open(run))
    return set_up(session, recipe, f"the recipe of run {run[:6]}", token)


@explained
def take_file(session: Session, file: str | None, request: gr.Request | None = None) -> Session:
    """Set the page up by a recipe.json."""
    if file is None:
        raise StudioError("Choose a recipe.json first.")
    try:
        value = json.loads(read_upload(file, Path(get_upload_folder()), FILE_BYTES))
    except (ValueError, RecursionError):
        raise StudioError(
            "This file is no JSON. Choose the recipe.json of a run, or of a pushed model."
        ) from None
    if is_hostile(value):
        raise StudioError("This file is no recipe. Choose the recipe.json of a run.")
    return set_up(session, value, "recipe.json", visitor_token(request))


def build(session: gr.State) -> None:
    """Lay out where a recipe is handed in, and wire it."""
    with gr.Accordion("Start from a shared recipe", open=False):
        gr.Markdown(
            "A `recipe.json`, of a run here or of a model that was pushed from ST Studio, sets the "
            "page up for a run of your own: data, fixes, base model, loss and settings. Rows of "
            "a file are not part of it."
        )
        file = gr.File(label="recipe.json", file_types=[".json"], type="filepath", height=120)
    file.upload(take_file, [session, file], session, api_visibility="private", show_progress="full")
