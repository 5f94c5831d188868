"""The Fine-tune tab says what will happen, and how it is going."""

import time
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from ststudio.data.cases import CASES, DEFAULT_BATCH_SIZE
from ststudio.data.reshape import fix_recipe, parse_fixes
from ststudio.errors import StudioError
from ststudio.runs.admission import start_run as admit
from ststudio.runs.queue import get_queue
from ststudio.runs.store import get_store
from ststudio.settings import get_settings
from ststudio.shelf import DEFAULT_MODEL
from ststudio.tabs import (
    POLLED,
    QUIET,
    REVISED,
    building,
    estimating,
    explained,
    negatives,
    racing,
    recipes,
)
from ststudio.tabs.documented import publish
from ststudio.tabs.endpoints import ENDPOINTS
from ststudio.tabs.examination import with_base
from ststudio.tabs.mending import build_findings
from ststudio.tabs.options import build_options, chosen, suit
from ststudio.tabs.running import EMPTY, show
from ststudio.tabs.session import Session, losses_of, shown_run, whole
from ststudio.tabs.visitor import visitor_token
from ststudio.tabs.watching import build_watch, retyped, settled, shown_fields
from ststudio.training.losses import LOSSES
from ststudio.training.rates import usual_rate
from ststudio.training.recipe import DEFAULT_SECONDS

TICK_SECONDS = 0.7
MODELS = (
    DEFAULT_MODEL,
    "sentence-transformers/multi-qa-MiniLM-L6-cos-v1",
    "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
    "intfloat/e5-small-v2",
    "BAAI/bge-small-en-v1.5",
)


@explained
def start(session: Session, request: gr.Request, *values: Any) -> Session:  # noqa: ANN401
    """Start a run from what is on the screen: five settings, four more, those of the loss."""
    if session.source is None or session.diagnosis is None:
        raise StudioError("Pick a dataset in the Data tab first.")
    token = visitor_token(request)
    base, loss, seconds, batch, rate, epochs, rows, length, seed, *options = values
    base = (base or "").strip()
    losses = losses_of(session)
    if loss and loss not in losses:
        raise StudioError(f"{loss!r} is no loss for this data. Choose one of: {', '.join(losses)}.")
    recipe = session.recipe(
        base_model=base,
        loss=loss,
        max_seconds=seconds,
        per_device_train_batch_size=whole(batch),
        learning_rate=rate,
        num_train_epochs=epochs or None,
        max_train_rows=whole(rows),
        max_seq_length=whole(length),
        seed=whole(seed),
        **chosen(loss, base, session.modules or (), tuple(options), token),
    )
    run, key, _ = admit(recipes.as_given(session, recipe), token)
    return session.with_run(run.id, key, f"{run.facts['title']} · {time.strftime('%H:%M')}")


@explained
def stop(session: Session) -> None:
    """Stop the run that is shown."""
    if session.run is None:
        raise StudioError("No run is under way.")
    get_queue().stop(get_store().owned(session.run, session.key))


@explained
def pick_run(session: Session, run: str | None) -> Session:
    """Show another of this browser's runs."""
    return replace(session, run=run) if run else session


def settings_of(session: Session, loss: str | None, before: dict[str, Any]) -> tuple[Any, ...]:
    """Return base model and losses that fit the data, what will be trained, this browser's runs.

    Last come the fields that fixes set, and what they set: `before` is that of the last time.
    """
    names, now = losses_of(session), settled(session)
    if now.get("loss") != before.get("loss"):
        loss = now.get("loss")
    chosen = loss if loss in names else next(iter(names), None)
    choices = [(f"{name}{' (default)' if name == names[0] else ''}", name) for name in names]
    runs = [(known["title"], known["run"]) for known in session.runs]
    decided = fix_recipe(parse_fixes(session.fixes)).get("base_model")
    return (
        decided or session.base_model or DEFAULT_MODEL,
        gr.update(choices=choices, value=chosen),
        plan(session),
        gr.update(
            choices=runs, value=session.run if session.owner else None, visible=len(runs) > 1
        ),
        gr.update(interactive=session.ready),
        *shown_fields(now, before, _usual(session, chosen) if chosen else None),
        now,
    )


@explained
def choose_base(
    session: Session, base_model: str | None, request: gr.Request | None = None
) -> Session:
    """Take another base model, and look at the data with its eyes."""
    return with_base(session, base_model, visitor_token(request))


def suits(session: Session, loss: str | None, usual: float | None) -> tuple[Any, Any, float | None]:
    """Say when to choose a loss, and set the learning rate that suits it and what is built.

    What was typed in its place stays until another rate is the usual one; a fix's rate wins.
    """
    if loss not in LOSSES:
        return gr.skip(), None, None
    now = _usual(session, loss)
    rate = settled(session).get("learning_rate", now) if now != usual else gr.skip()
    return gr.update(info=LOSSES[loss].why), rate, now


def _usual(session: Session, loss: str) -> float:
    return usual_rate(loss, list(session.modules) if session.modules else None, session.lora)


def plan(session: Session) -> str:
    """Say what the button will do."""
    found = session.diagnosis
    if found is None and shown_run(session):
        return "Below is a run from before. To train another, pick a dataset in the **Data** tab."
    if found is None:
        return "Pick a dataset in the **Data** tab first."
    if not session.ready:
        return "The **Data** tab names what has to be mended before anything can be trained."
    case = CASES[found["case"]]
    return (
        f"**{case.title}**, {found['rows']['kept']:,} rows. The model learns from one part, is "
        "watched on a second, and judged once on a third that it never sees."
    )


def _five_settings() -> tuple[Any, ...]:
    """Lay out base model, loss, seconds, batch size and learning rate."""
    most = get_settings().run_seconds
    with gr.Row():
        base = gr.Dropdown(
            list(MODELS),
            value=DEFAULT_MODEL,
            label="Base model",
            allow_custom_value=True,
            info="Any sentence-transformers model of the Hub, or run:<id> to go on.",
            min_width=300,
        )
        loss = gr.Dropdown(
            [],
            label="Loss",
            info="The data decides which ones can be chosen.",
            min_width=300,
            elem_id="loss",
            **REVISED,
        )
    with gr.Row():
        seconds = gr.Slider(
            5,
            most,
            DEFAULT_SECONDS,
            step=5,
            label="Training seconds",
            info="Then it stops by itself.",
        )
        batch = gr.Number(DEFAULT_BATCH_SIZE, label="Batch size", precision=0, minimum=2)
        rate = gr.Number(None, label="Learning rate", step=1e-5)
    return base, loss, seconds, batch, rate


def _more_settings() -> tuple[tuple[Any, ...], list[gr.components.Component]]:
    """Lay out what is seldom set: epochs, rows, tokens and seed, then the loss's own settings."""
    with gr.Accordion("More", open=False):
        with gr.Row():
            epochs = gr.Number(None, label="Epochs", info="0: as many as fit the time.")
            rows = gr.Number(None, label="Training rows at most", precision=0, info="0: all.")
            length = gr.Number(
                None, label="Tokens per text at most", precision=0, info="0: as the model does."
            )
            seed = gr.Number(42, label="Seed", precision=0, info="The same seed, the same run.")
        options = build_options()
    return (epochs, rows, length, seed), options


def build(session: gr.State) -> tuple[gr.Timer, gr.Button]:
    """Lay out the tab and wire it; return the timer of a run under way, and what leads on."""
    words = gr.Markdown(plan(Session()), elem_id="plan")
    base, loss, seconds, batch, rate = _five_settings()
    build_findings(session, of_model=True)
    extra, options = _more_settings()
    epochs, rows, length, seed = extra
    negatives.build(session)
    racing.build(session, base, MODELS, [batch, epochs, rows, length, seed])
    with gr.Accordion("Build a model from zero, or adapt one by LoRA", open=False):
        building.build(session, length)
    taken = gr.State("")
    estimating.build(session, [base, loss, seconds, batch, epochs, rows, length], taken)
    with gr.Row():
        go = gr.Button("Fine-tune", variant="primary", interactive=False, elem_id="go")
        halt = gr.Button("Stop and keep", visible=False, elem_id="halt")
    timer, seen = gr.Timer(TICK_SECONDS, active=False), gr.State("")
    usual, fixed = gr.State(None), gr.State({})
    runs = gr.Dropdown([], label="Your runs", visible=False, interactive=True)
    progress = gr.HTML("", elem_id="progress")
    racing.build_outcome(session, timer, loss)
    verdict = gr.Markdown(EMPTY, elem_id="verdict")
    gain = gr.Plot(show_label=False, visible=False)
    metrics = gr.HTML("", visible=False, elem_id="metrics")
    curve = gr.Plot(show_label=False, visible=False, elem_id="curve")
    build_watch(session, seen)
    onward = gr.Button("Next: Compare", variant="primary", visible=False)

    shown = [verdict, progress, curve, gain, metrics, halt, onward, timer, seen]
    inputs = [session, base, loss, seconds, batch, rate]
    go.click(
        start,
        [*inputs, *extra, *options],
        session,
        api_visibility="private",
        concurrency_limit=None,
    )
    halt.click(stop, session, None, api_visibility="private")
    for changed in (loss, session):
        changed.change(suits, [session, loss, usual], [loss, rate, usual], **QUIET)
    loss.change(suit, [loss, session], options, **QUIET)
    fields = [seconds, *extra, *options, taken]
    session.change(recipes.fill, [session, taken], fields, **QUIET)
    runs.input(pick_run, [session, runs], session, api_visibility="private")
    timer.tick(show, [session, seen], shown, **POLLED)
    session.change(show, [session, seen], shown, **QUIET)
    base.input(choose_base, [session, base], session, api_visibility="private")
    names = ("loss", "learning_rate", "per_device_train_batch_size", "num_train_epochs")
    typed: tuple[Any, ...] = (loss, rate, batch, epochs)
    for name, field in zip(names, typed, strict=True):
        field.input(partial(retyped, name=name), [session, fixed], [session, fixed], **QUIET)
    settings = [base, loss, words, runs, go, rate, batch, epochs, fixed]
    session.change(settings_of, [session, loss, fixed], settings, **QUIET)
    for endpoint in ENDPOINTS:
        publish(endpoint, endpoint.__name__, concurrency_limit=None)
    return timer, onward
