"""The settings that the chosen loss has, and Matryoshka: what stands under More of the loss."""

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from ststudio.runs.built import checked_input
from ststudio.runs.model_facts import named_input
from ststudio.shelf import DEFAULT_MODEL
from ststudio.tabs.session import Session
from ststudio.training.loss_settings import GUIDE
from ststudio.training.losses import LOSSES
from ststudio.training.recipe import Recipe
from ststudio.training.rules import Setting

FEWEST_DIMENSIONS = 32  # below it short vectors of a small model tell little apart


def every_setting() -> dict[str, Setting]:
    """Return all settings of all losses by name, in the order of the table."""
    return {name: s for loss in LOSSES.values() for name, s in loss.settings.items()}


def build_options() -> list[gr.components.Component]:
    """Lay out one field for each setting that a loss can have, then the switch of Matryoshka."""
    with gr.Row():
        fields = [_field(name, setting) for name, setting in every_setting().items()]
    switch = gr.Checkbox(
        False,
        label="Matryoshka",
        info="Its vectors stay useful when they are cut to a half, a quarter, an eighth.",
    )
    return [*fields, switch]


def _field(name: str, setting: Setting) -> gr.components.Component:
    said: dict[str, Any] = {"label": setting.label, "info": setting.says, "visible": False}
    if name == GUIDE:
        return gr.Dropdown([DEFAULT_MODEL], value=DEFAULT_MODEL, allow_custom_value=True, **said)
    if setting.choices:
        return gr.Dropdown(list(setting.choices), value=setting.default, **said)
    return gr.Number(setting.default, **said)


def suit(loss: str | None, session: Session | None = None) -> list[Any]:
    """Show a loss's settings at their defaults, or as a recipe has them, and hide all others."""
    known = LOSSES.get(loss or "")
    own: Mapping[str, Setting] = known.settings if known else {}
    given = (session.given if session else None) or {}
    said = given if given.get("loss") == loss else {}
    settings = said.get("loss_settings") or {}
    fields = [
        gr.update(visible=True, value=_as_shown(settings.get(name), own[name]), info=own[name].says)
        if name in own
        else gr.update(visible=False)
        for name in every_setting()
    ]
    can = known is None or not known.whole_only
    switch: dict[str, Any] = {"value": bool(said.get("matryoshka_dims"))} if said else {}
    return [*fields, gr.update(interactive=can, **(switch if can else {"value": False}))]


def _as_shown(value: Any, setting: Setting) -> Any:  # noqa: ANN401
    """Return a recipe's value as its field takes it: of a pinned guide the id."""
    value = value.get("id") if isinstance(value, Mapping) else value
    return setting.default if value is None else value


def chosen(
    loss: str | None,
    base_model: str,
    modules: Sequence[dict[str, Any]],
    values: tuple[Any, ...],
    token: str | None = None,
) -> dict[str, Any]:
    """Return the recipe's loss_settings and matryoshka_dims from the fields' values."""
    *fields, matryoshka = values
    own = LOSSES[loss].settings if loss in LOSSES else {}
    given = dict(zip(every_setting(), fields, strict=True))
    settings = {
        # An empty field, and one left at its default, leave the choice to what suits the model.
        name: value
        for name, value in given.items()
        if name in own and value not in (None, "", own[name].default)
    }
    asked: dict[str, Any] = {"loss_settings": settings} if settings else {}
    if matryoshka:
        asked["matryoshka_dims"] = halved(_dimensions(base_model, modules, token))
    return asked


def _dimensions(
    base_model: str, modules: Sequence[dict[str, Any]], token: str | None
) -> int | None:
    recipe = Recipe.from_json({"source": {}, "modules": list(modules)})
    return checked_input(recipe, named_input(base_model or DEFAULT_MODEL, token)).dimensions


def halved(dimensions: int | None) -> list[int]:
    """Return dimensions and their half, quarter and eighth, none too few to be of use."""
    whole = dimensions or 256
    parts = [whole // share for share in (1, 2, 4, 8)]
    return [part for part in parts if part >= FEWEST_DIMENSIONS] or [whole]
