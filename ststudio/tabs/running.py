"""What the page shows of a run: where it stands, its curves, its verdict."""

import html
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
from ststudio.training.paid import paid
from ststudio.training.racers import shown_log
from ststudio.training.verdict import in_words

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
        return f"{stopping}{phase}: step {state['step']} of {state['steps']}{time_left}"
    return f"{stopping}{phase} …"


def _kept_until(run: Run) -> str:
    hours = (run.expires(get_settings().kept_hours) - time.time()) / 3600
    return f"Kept here for another {max(hours, 0):.0f} hours."


def verdict_words(run: Run) -> str:
    """Say the result in one sentence, then what it rests on."""
    report = run.report
    if report is None:
        return ""
    head, sentence = in_words(report, _metric_title(run))
    cost = paid(report, run.facts)
    notes = "".join(f"\n- {html.escape(note)}" for note in run.facts.get("notes", []))
    return (
        f"### {head}\nOn **{html.escape(str(run.facts.get('title', '')))}**: {sentence}\n\n"
        f"{cost}\n\n"
        f"Trained on {report['rows_used']:,} rows for {report['train_seconds']:.0f} s"
        f"{PRECISIONS.get(run.state.get('trained_in', ''), '')}; "
        f"{report['seconds']:.0f} s with measuring both models on the same test rows, which "
        f"training never saw{_estimated(run)}. {base_words(run)}{notes}"
    )


PRECISIONS = {"bfloat16": " in bfloat16 (both models are measured in float32)"}


def _estimated(run: Run) -> str:
    """Say what was promised before the click, beside what it took."""
    estimate = run.facts.get("estimate")
    return f" (estimated before: {estimate['seconds']:.0f} s)" if estimate else ""


ORIGINS = {
    "packaged": "the packaged copy, the same bytes as the Hub's",
    "hub": "fetched from the Hub",
    "cache": "fetched from the Hub before",
    "run": "an earlier run's result",
    "zero": "as it was before training",
}


def base_words(run: Run) -> str:
    """Say which base model a run started from, and where it came from."""
    base = run.facts.get("base_model") or {}
    commit = f", commit {base['revision'][:7]}" if base.get("revision") else ""
    if base.get("weights_revision"):
        commit += f", weights as the Hub converted them at {base['weights_revision'][:7]}"
    origin = ORIGINS.get(base.get("origin", ""), "origin unknown")
    return f"Base: {html.escape(str(base.get('id', '')))} ({origin}{commit})."


def _metric_title(run: Run) -> str:
    return CASES[run.facts["case"]].metric_title


def metrics_table(run: Run) -> list[list[str]]:
    """Return the report's metrics as rows of name, base and fine-tuned."""
    report = run.report or {"metrics": {}}
    return [[name, f"{a:.4f}", f"{b:.4f}"] for name, (a, b) in report["metrics"].items()]


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
    return (
        gr.update(value=verdict_words(run), visible=report is not None),
        progress_html(run),
        gr.update(value=loss_figure(log, _metric_title(run)) if log else None, visible=bool(log)),
        gr.update(value=verdict_figure(report) if report else None, visible=report is not None),
        gr.update(value=metrics_table(run), visible=report is not None),
        gr.update(visible=session.owner and not run.ended),
        gr.update(visible=report is not None),
        gr.Timer(active=not run.ended),
        now,
    )
