"""A model built layer by layer, drawn before anything is downloaded, and LoRA as a switch."""

import html
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from ststudio.errors import StudioError
from ststudio.runs import built
from ststudio.runs.model_facts import named_input
from ststudio.shelf import DEFAULT_MODEL
from ststudio.tabs import QUIET
from ststudio.tabs.layer_widgets import (
    AS_IT_IS,
    KERNELS,
    OPTIONAL,
    STARTS,
    USUAL,
    WITH_SETTINGS,
    keys_of,
    modules_of,
    spread,
)
from ststudio.tabs.session import Session
from ststudio.tabs.visitor import visitor_token
from ststudio.training.blueprint import Blueprint, Step, needs_weights
from ststudio.training.layers import LAYERS, Layer
from ststudio.training.lora import LORA
from ststudio.training.recipe import Recipe
from ststudio.training.rules import Setting


def take(
    session: Session, start: str, more: list[str], lora: bool, rank: float | None, *values: Any
) -> Session:
    """Keep what the widgets say in the session; it is checked when it is drawn and started."""
    modules = modules_of(start, more, values)
    adapts = lora and (modules is None or start == "Transformer")
    asked = {"r": int(rank or 0)}
    if (session.lora or {}).get("r") == asked["r"]:  # a recipe says more than the widgets do
        asked = session.lora or asked
    return replace(session, modules=modules, lora=asked if adapts else None)


def begin(session: Session, start: str, lora: bool, rank: float, *values: Any) -> tuple[Any, ...]:
    """Start from another first layer, with the layers that usually stand behind it."""
    more = USUAL.get(start, [])
    taken = take(session, start, more, lora, rank, *values)
    return taken, *_behind(start, more), *visible(start, more)


def _behind(start: str, more: Sequence[str]) -> tuple[Any, Any]:
    """Offer the layers that can stand behind a start, and LoRA where it can adapt one."""
    fits = [key for key in OPTIONAL if start == AS_IT_IS or _fits(key, start)]
    boxes = gr.update(
        choices=[(LAYERS[key].title, key) for key in fits], value=more, visible=start != AS_IT_IS
    )
    return boxes, gr.update(visible=start in (AS_IT_IS, "Transformer"))


def _fits(key: str, start: str) -> bool:
    return LAYERS[key].reads != "tokens" or LAYERS[start].gives == "tokens"


def visible(start: str, more: Sequence[str]) -> list[Any]:
    """Show the settings of the layers that are built, and of no other."""
    keys = keys_of(start, more) if start in LAYERS else []
    return [gr.update(visible=layer.key in keys) for layer in WITH_SETTINGS]


def fill(session: Session, before: str) -> tuple[Any, ...]:
    """Put what a recipe builds into the widgets, once; `before` is the last one that was."""
    now = session.recipe_taken
    found = spread(session.modules or ()) if now != before else None
    if found is None:
        count = 5 + len(WITH_SETTINGS) + sum(len(layer.settings) for layer in WITH_SETTINGS)
        return *(gr.skip() for _ in range(count)), now
    start, more, values = found
    rank = (session.lora or {}).get("r", LORA[0].default)
    lora = session.lora is not None
    return start, *_behind(start, more), lora, rank, *values, *visible(start, more), now


def picture(session: Session, length: float | None, request: gr.Request | None = None) -> str:
    """Draw the layers with dimensions and weights, or say why they cannot be built."""
    try:
        asked: dict[str, Any] = {"modules": list(session.modules or ()), "lora": session.lora}
        asked |= {"source": {}, "max_seq_length": int(length) if length else None}
        recipe = Recipe.from_json(asked)
        if recipe.modules is None and recipe.lora is None:
            return ""
        model = named_input(session.base_model or DEFAULT_MODEL, visitor_token(request))
        built.checked_input(recipe, model)
        plan = built.blueprint_of(recipe, model)
    except StudioError as error:
        return f'<div class="finding error">{html.escape(str(error))}</div>'
    return layers_html(plan, needs_weights(recipe.modules)) if plan else ""


def layers_html(plan: Blueprint, lent: bool) -> str:
    """Return a plan as a column of layers, each as wide a bar as its share of the weights."""
    total = max(plan.parameters, 1)
    rows = "".join(_row(step, step.parameters / total) for step in plan.steps)
    width = plan.steps[-1].flow.width
    counts = f"{plan.counts} " if plan.counts else ""
    before = (
        "Before training only the Transformer knows anything; the layers behind it are new"
        if lent
        else "Before training its weights are random and it knows nothing: the gain that is "
        "reported is over that, not over a model that was trained before"
    )
    return (
        f'<div class="layers"><p class="end">A text</p><ol>{rows}</ol>'
        f'<p class="end">A vector of <b>{width:,}</b> dimensions</p>'
        f"<p><b>{counts}{in_words(plan.parameters)}</b> weights in all, "
        f"{counts}{4 * plan.parameters / 1e6:,.1f} MB. {before}.</p></div>"
    )


def _row(step: Step, share: float) -> str:
    layer = step.layer
    counts = f"{layer.counts} " if layer.counts and step.parameters else ""
    weights = f"{counts}{in_words(step.parameters)} weights" if step.parameters else "no weights"
    many = f"{layer.counts} " if layer.counts == "up to" else ""
    each = "token" if step.flow.kind == "tokens" else "text"
    return (
        f'<li><span class="name">{html.escape(layer.title)}</span>'
        f'<span class="out">{many}{step.flow.width:,} numbers a {each}</span>'
        f'<span class="weights">{weights}</span>'
        f'<i style="width:{100 * share:.1f}%"></i>'
        f'<span class="why">{html.escape(layer.why)}</span></li>'
    )


def in_words(parameters: int) -> str:
    """Return a count of weights as people say it."""
    return f"{parameters / 1e6:,.1f} million" if parameters >= 1_000_000 else f"{parameters:,}"


def _widget(layer: Layer, setting: Setting) -> Any:
    label, default = f"{layer.type} · {setting.label}", setting.default
    if setting.choices:
        return gr.Dropdown(list(setting.choices), value=default, label=label, min_width=160)
    if setting.name == KERNELS:
        return gr.Textbox(", ".join(map(str, default)), label=label, min_width=160)
    whole = isinstance(default, int)
    return gr.Number(
        default, label=label, precision=0 if whole else None, info=setting.rule.says, min_width=160
    )


def build(session: gr.State, length: gr.Number) -> None:
    """Lay out what a model is built of, and wire it."""
    gr.Markdown(
        "Normally a model that was trained before is fine-tuned. Here one is built, which rarely "
        "comes near: to see what each layer does, or where a model must be tiny or very fast."
    )
    start = gr.Radio(list(STARTS.items()), value=AS_IT_IS, label="Start from", elem_id="start")
    more = gr.CheckboxGroup([], label="Layers behind it", visible=False, elem_id="behind")
    rows, widgets = [], []
    for layer in WITH_SETTINGS:
        with gr.Row(visible=False) as row:
            rows.append(row)
            widgets += [_widget(layer, setting) for setting in layer.settings]
    drawing = gr.HTML("", elem_id="layers")
    with gr.Row() as adapter:
        lora = gr.Checkbox(
            False,
            label="LoRA",
            info="Freeze the Transformer, train small matrices beside its attention, and merge "
            "them in. Less is learned, and less is forgotten.",
            elem_id="lora",
        )
        rank = gr.Number(LORA[0].default, label="LoRA rank", precision=0, info=LORA[0].rule.says)

    said = [start, more, lora, rank, *widgets]
    taken = gr.State("")
    filled = [start, more, adapter, lora, rank, *widgets, *rows, taken]
    session.change(fill, [session, taken], filled, **QUIET)
    start.input(
        begin,
        [session, start, lora, rank, *widgets],
        [session, more, adapter, *rows],
        trigger_mode="always_last",
        **QUIET,
    )
    more.input(take, [session, *said], session, trigger_mode="always_last", **QUIET)
    more.input(visible, [start, more], rows, trigger_mode="always_last", **QUIET)
    for widget in (lora, rank, *widgets):
        # Of changes the last one counts; of inputs those are dropped that come too fast.
        widget.change(take, [session, *said], session, **QUIET)
    session.change(picture, [session, length], drawing, **QUIET)
    length.change(picture, [session, length], drawing, **QUIET)
