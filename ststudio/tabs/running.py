"""What the page shows of a run: where it stands, and all that changes while one looks."""

import time
from typing import Any

import gradio as gr

from ststudio.compare.figures import loss_figure, verdict_figure
from ststudio.data.cases import CASES
from ststudio.runs.queue import get_queue
from ststudio.runs.run import Run
from ststudio.settings import get_settings
from ststudio.tabs.progress import bar
from ststudio.tabs.session import Session, shown_run
from ststudio.tabs.verdict import metrics_html, verdict_words
from ststudio.training.metrics import units_of
from ststudio.training.pace import PACED_AT
from ststudio.training.racers import shown_log

EMPTY = "### Nothing has been trained yet\nPick a dataset in the **Data** tab first."
READY = (
    "### Ready\nPress **Fine-tune**: the learning curve appears here, and after about a minute "
    "whether it helped."
)

CUT_SHORT = {
    "time_limit": " The time limit cut training short.",
    "lease_ended": " The GPU was taken away before the run was done, as a lease has its end: the "
    "best model until then was kept, and measured on the CPU.",
}


def eta(run: Run, state: dict[str, Any]) -> float | None:
    """Estimate the seconds until the report, or None where nothing is known."""
    left = state.get("training_seconds_left")
    if state["state"] != "running" or left is None:
        return None
    return round(float(left) + float(state.get("measuring_seconds") or 0.0), 1)


def progress_html(run: Run) -> str:
    """Return the line and bar that say where a run stands."""
    state = run.state
    share = state.get("step", 0) / (state.get("steps") or 1)
    if "measured" in state:
        share = state["measured"]
    return bar(_words(run, state), 1.0 if state["state"] == "finished" else share)


def _words(run: Run, state: dict[str, Any]) -> str:
    name, reason = state["state"], state.get("reason")
    if name == "queued":
        position = get_queue().position(run)
        place = "next" if position == 1 else f"number {position} in line"
        return f"Waiting: {place}. {state.get('phase') or ''}"
    if name == "running":
        return _running_words(run, state)
    if name == "finished":
        return f"Finished.{CUT_SHORT.get(reason or '', '')} {_kept_until(run)}"
    return f"{name.capitalize()}: {reason or 'no reason was written down'}"


def _running_words(run: Run, state: dict[str, Any]) -> str:
    stopping = "Stopping; keeping what was learned. " if run.stopping else ""
    left = eta(run, state)
    time_left = f" · about {left:.0f} s left" if left else ""
    phase = str(state.get("phase") or "starting")
    phase = phase[:1].upper() + phase[1:]
    if "measured" in state:
        return f"{stopping}{phase} base and fine-tuned model on the same test rows{time_left}"
    if state.get("steps"):
        # How many fit the time is known when the first ones have shown the pace.
        paced = state["step"] >= PACED_AT[0] or state["steps"] <= PACED_AT[0]
        planned = f" of {state['steps']}" if paced else ""
        return f"{stopping}{phase}: step {state['step']}{planned}{time_left}"
    return f"{stopping}{phase} …"


def _kept_until(run: Run) -> str:
    hours = (run.expires(get_settings().kept_hours) - time.time()) / 3600
    return f"Kept here for another {max(hours, 0):.0f} hours."


def fingerprint(run: Run) -> str:
    """Return what changes when the page has something new to show of a run."""
    state = run.state
    moved = (state.get("step"), state.get("phase"), state.get("measured"))
    shown = (state["state"], *moved, len(run.log()), run.stopping)
    return f"{run.id}:{shown}:{run.report is not None}:{get_queue().position(run)}"


def show(session: Session, seen: str) -> tuple[Any, ...]:
    """Return the run's progress, curves and verdict; skip what has not changed."""
    run = shown_run(session)
    if run is None:
        nothing = gr.update(visible=False)
        words = gr.update(value=READY if session.ready else EMPTY, visible=True)
        return words, "", *(nothing for _ in range(5)), gr.Timer(active=False), ""
    now = fingerprint(run)
    if now == seen:
        return (*(gr.skip() for _ in range(7)), gr.Timer(active=not run.ended), seen)
    log, report = shown_log(run.log(), run.facts.get("race")), run.report
    case = CASES[run.facts["case"]]
    return (
        gr.update(value=verdict_words(run), visible=report is not None),
        progress_html(run),
        gr.update(
            value=loss_figure(log, f"{case.metric_title} on dev rows") if log else None,
            visible=bool(log),
        ),
        gr.update(
            value=verdict_figure(report, case.metric_title, units_of(case)) if report else None,
            visible=report is not None,
        ),
        gr.update(value=metrics_html(run), visible=report is not None),
        gr.update(visible=session.owner and not run.ended),
        gr.update(visible=report is not None),
        gr.Timer(active=not run.ended),
        now,
    )
