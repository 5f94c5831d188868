"""Before the click: how long a run with these settings will take here, in one line."""

from typing import Any

import gradio as gr

from ststudio.errors import StudioError
from ststudio.runs.forecast import forecast_page
from ststudio.runs.lease import declared_seconds, on_zero_gpu
from ststudio.runs.queue import get_queue
from ststudio.tabs import QUIET
from ststudio.tabs.session import Session, losses_of, whole
from ststudio.tabs.visitor import visitor_token
from ststudio.training.estimate import Machine
from ststudio.training.recipe import DEFAULT_SECONDS

TICK_SECONDS = 2.0  # until this machine's pace is known
MEASURING = "How long it will take is said here once this machine's pace is measured (seconds)."
UNKNOWN = (
    "How long it will take is not known: the texts' tokens were not counted, or the model is one "
    "that is built here. It stops by itself in any case."
)


def estimate_words(
    session: Session,
    machine: Machine | None,
    base_model: str | None,
    loss: str | None,
    *numbers: float | None,
    token: str | None = None,
) -> str:
    """Say how long a run from what is on the screen would take."""
    if not session.ready or session.diagnosis is None:
        return ""
    if machine is None:
        return leased_words(numbers[0]) if on_zero_gpu() else MEASURING
    seconds, batch_size, epochs, rows, length = numbers
    settings = session.recipe(
        base_model=(base_model or "").strip(),
        loss=loss if loss in losses_of(session) else None,
        max_seconds=seconds,
        per_device_train_batch_size=whole(batch_size),
        num_train_epochs=epochs or None,
        max_train_rows=whole(rows),
        max_seq_length=whole(length),
    )
    try:
        found = forecast_page(machine, session.diagnosis, settings, token)
    except StudioError as error:  # the click would say the same
        return str(error)
    return found.in_words() if found else UNKNOWN


def leased_words(training: float | None) -> str:
    """Say what a run takes of a visitor's quota, where the GPU is not known before."""
    seconds = training or DEFAULT_SECONDS
    return (
        f"A run borrows a GPU for up to **{declared_seconds(seconds)} s** of your daily quota: "
        f"{seconds:.0f} s of training, the rest to load and to measure both models."
    )


def show_estimate(
    session: Session,
    request: gr.Request | None,
    *settings: Any,  # noqa: ANN401
) -> tuple[str, Any]:
    """Return the estimate, and whether to ask again soon as nothing was measured yet."""
    words = estimate_words(session, get_queue().machine(), *settings, token=visitor_token(request))
    return words, gr.Timer(active=words == MEASURING)


def build(session: gr.State, settings: list[Any], filled: gr.State) -> None:
    """Lay out the line and wire it to the settings that it depends on.

    `filled` changes when they were set by a recipe: what is not drawn yet says nothing of that.
    """
    words = gr.Markdown("", elem_id="estimate")
    timer = gr.Timer(TICK_SECONDS, active=False)
    changes = [session.change, filled.change, timer.tick, *(setting.change for setting in settings)]
    gr.on(changes, show_estimate, [session, *settings], [words, timer], **QUIET)
