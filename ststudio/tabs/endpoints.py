"""What programs may ask of runs: start one, see where it stands, stop it, delete it."""

from typing import Any

import gradio as gr

from ststudio.errors import StudioError
from ststudio.hub.push import push_state
from ststudio.runs.admission import start_run as admit
from ststudio.runs.queue import get_queue
from ststudio.runs.store import get_store
from ststudio.tabs import explained
from ststudio.tabs.running import eta
from ststudio.tabs.visitor import visitor_token
from ststudio.training.racers import shown_log

LOG_ENTRIES = 200  # at most, in one answer of /run_state


@explained
def start_run(recipe: dict[str, Any], request: gr.Request | None = None) -> dict[str, Any]:
    """Admit a recipe and return the run's id, the owner's key and the position in the queue."""
    run, key, position = admit(recipe, visitor_token(request))
    return {"run": run.id, "key": key, "position": position}


@explained
def run_state(run: str, since: int = 0) -> dict[str, Any]:
    """Say where a run stands, with the log's entries after number `since`."""
    if not isinstance(since, int) or isinstance(since, bool) or since < 0:
        raise StudioError("`since` is the number of log entries already seen: 0 or more.")
    found = get_store().open(run)
    state = found.state
    log = found.log(since)[:LOG_ENTRIES]
    told = shown_log(found.log(), found.facts.get("race"))
    losses = [entry["loss"] for entry in told if "loss" in entry]
    return {
        "state": state["state"],
        "stopping": found.stopping and not found.ended,
        "step": state.get("step", 0),
        "steps": state.get("steps"),
        "position": get_queue().position(found),
        "eta_seconds": eta(found, state),
        "loss": losses[-1] if losses else None,
        "reason": state.get("reason"),
        "log": log,
        "report": found.report,
        "push": push_state(found),
    }


@explained
def stop_run(run: str, key: str) -> dict[str, Any]:
    """Ask a run to stop; what it learned until then is measured and kept."""
    found = get_store().owned(run, key)
    get_queue().stop(found)
    return {"state": found.state["state"], "stopping": not found.ended}


@explained
def delete_run(run: str, key: str) -> dict[str, Any]:
    """Remove a run and everything it made."""
    found = get_store().owned(run, key)
    get_queue().delete(found)
    return {"state": "deleted", "stopping": False}


ENDPOINTS = (start_run, run_state, stop_run, delete_run)
