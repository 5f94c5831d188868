"""What the watchdog found, below the curve: each finding with the click that mends it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from ststudio.data.cases import DEFAULT_BATCH_SIZE
from ststudio.data.reshape import FIXES, describe, fix_recipe, parse_fixes
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.tabs import QUIET, explained
from ststudio.tabs.examination import Json, again
from ststudio.tabs.mending import HANDLER, RENDER
from ststudio.tabs.session import Session, shown_run
from ststudio.tabs.story import finding_html
from ststudio.tabs.visitor import visitor_token
from ststudio.training.racers import shown_log

WORDS = {"error": "Stopped:", "warning": "Look at this:", "info": "Good to know:"}
# Fixes whose setting stands in a field of the tab: what is typed there takes their place.
TYPED = {
    "loss": "use_loss",
    "learning_rate": "set_learning_rate",
    "per_device_train_batch_size": "set_batch_size",
    "num_train_epochs": "set_epochs",
}


def findings(run: Run) -> list[Json]:
    """Return what the watchdog found in a run, in its order; of a race, the shown racer's."""
    log = shown_log(run.log(), run.facts.get("race"))
    return [entry["finding"] for entry in log if "finding" in entry]


@explained
def follow(session: Session, fix: Json, request: gr.Request | None = None) -> Session:
    """Take advice: its fix takes the place of an earlier one of its kind."""
    if session.diagnosis is None:
        raise StudioError("Pick the dataset in the Data tab first; then the advice can be taken.")
    code = parse_fixes([fix])[0].code
    fixes = (*(old for old in session.fixes if old["code"] != code), fix)
    if FIXES[code].stage == "recipe":  # the rows stay as they were read
        return replace(session, fixes=fixes)
    return again(session, visitor_token(request), fixes=fixes)


def settled(session: Session) -> Json:
    """Return what the chain of fixes says of the tab's own fields."""
    decided = fix_recipe(parse_fixes(session.fixes))
    return {name: decided[name] for name in TYPED if name in decided}


def shown_fields(now: Json, before: Json, usual_rate: float | None) -> tuple[Any, ...]:
    """Return rate, batch and epochs where the chain sets them, or does no longer."""
    usual = {
        "learning_rate": usual_rate,
        "per_device_train_batch_size": DEFAULT_BATCH_SIZE,
        "num_train_epochs": None,
    }
    return tuple(
        gr.skip() if now.get(name) == before.get(name) else now.get(name, default)
        for name, default in usual.items()
    )


def retyped(session: Session, before: Json, name: str) -> tuple[Any, Any]:
    """Take back the fix that set a field, as the visitor has set it otherwise."""
    if name not in before:
        return gr.skip(), gr.skip()
    kept = tuple(fix for fix in session.fixes if fix["code"] != TYPED[name])
    return replace(session, fixes=kept), {one: before[one] for one in before if one != name}


def _of_shown(session: Session) -> list[Json]:
    run = shown_run(session)
    return findings(run) if run else []


def can_follow(session: Session, fix: Mapping[str, Any] | None) -> bool:
    """Tell whether a fix is advice for the dataset that is picked, and not taken yet."""
    run = shown_run(session)
    if run is None or fix is None or session.source is None or fix in session.fixes:
        return False
    trained = run.recipe["source"]  # it has the commit beside what was picked
    picked = {name: value for name, value in session.source.items() if value is not None}
    return all(trained.get(name) == value for name, value in picked.items())


def build_watch(session: gr.State, seen: gr.State) -> None:
    """Draw the findings of the shown run, whose news `seen` tells, each fix a button."""
    found = gr.State([])
    seen.change(_of_shown, session, found, **QUIET)

    @gr.render(inputs=[session, found], **RENDER)
    def draw(now: Session, said: list[Json]) -> None:
        for finding in said:
            with gr.Row(equal_height=True, elem_classes="finding-row"):
                gr.HTML(finding_html(finding, WORDS), padding=False)
                if can_follow(now, finding["fix"]):
                    words = describe(parse_fixes([finding["fix"]])[0])
                    button = gr.Button(
                        words[:1].upper() + words[1:], size="sm", min_width=160, scale=0
                    )
                    button.click(follow, [session, gr.State(finding["fix"])], session, **HANDLER)
