"""A longer run on Hugging Face Jobs, from the page: its machine, what it may cost, how it goes."""

import html
from datetime import UTC, datetime
from typing import Any

import gradio as gr

from ststudio.errors import StudioError
from ststudio.hub.flavors import flavor, flavors
from ststudio.hub.jobs import (
    ENDED,
    JobWish,
    cancel_job,
    follow_job,
    start_job,
    takes_rows_along,
)
from ststudio.hub.package import propose_name
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.tabs import POLLED, QUIET, explained
from ststudio.tabs.documented import publish
from ststudio.tabs.session import Session, shown_run
from ststudio.tabs.visitor import visitor_token

ABOUT = (
    "The same recipe, as the script that this run exports, on a machine of "
    "[Hugging Face Jobs](https://huggingface.co/docs/huggingface_hub/guides/jobs): no time limit "
    "of this page, and a GPU of your choice, paid for by the minute from **your** credit. The job "
    "pushes the model to your private repository by itself, whether this page is open or not."
)
TOKEN_INFO = (
    "Only where your sign-in lacks the right to start Jobs: one that may write and start Jobs. It "
    "goes with each click and look from this page, and is kept nowhere."
)
SIGN_IN = "Sign in, or paste a token below that may write and start Jobs: it is not kept."
MINUTES = (
    ("15 minutes", 15),
    ("30 minutes", 30),
    ("1 hour", 60),
    ("4 hours", 240),
    ("12 hours", 720),
)
FOLLOWED_SECONDS = 10.0  # between two looks
KINDS = {"COMPLETED": "done"}
STAGES = {
    "SCHEDULING": "Waiting for a machine",
    "RUNNING": "Running",
    "COMPLETED": "Done: the model is in its repository",
    "CANCELED": "Cancelled",
    "ERROR": "Failed; the log says why",
    "DELETED": "Deleted",
}


@explained
def run_longer(
    run: str,
    key: str,
    repo_name: str,
    flavor: str,
    minutes: int = 60,
    epochs: float | None = None,
    request: gr.Request | None = None,
) -> dict[str, Any]:
    """Train a run's recipe again on Hugging Face Jobs, with the caller's token and credit."""
    found = get_store().owned(run, key)
    return start_job(found, _token(None, request), JobWish(repo_name, flavor, minutes, epochs))


@explained
def job_state(run: str, key: str, request: gr.Request | None = None) -> dict[str, Any] | None:
    """Say where a run's job stands, with the last lines of its log; null where there is none."""
    return follow_job(get_store().owned(run, key), _token(None, request))


@explained
def stop_job(run: str, key: str, request: gr.Request | None = None) -> dict[str, Any]:
    """Cancel a run's job on Hugging Face Jobs."""
    return cancel_job(get_store().owned(run, key), _token(None, request))


def _token(pasted: str | None, request: gr.Request | None) -> str:
    token = (pasted or "").strip() or visitor_token(request)
    if not token:
        raise StudioError(SIGN_IN)
    return token


@explained
def begin(
    session: Session,
    repo_name: str,
    machine: str,
    minutes: int,
    epochs: float | None,
    pasted: str,
    request: gr.Request,
) -> tuple[Any, ...]:
    """Start the job; it goes on when the page is closed."""
    run, wish = _own(session), JobWish(repo_name, machine, minutes, epochs or None)
    return shown(start_job(run, _token(pasted, request), wish))


@explained
def look(session: Session, pasted: str, request: gr.Request) -> tuple[Any, ...]:
    """Show where the job stands; who may not see it any more is told once."""
    try:
        return shown(follow_job(_own(session), _token(pasted, request)))
    except StudioError as error:
        said = f'<div class="finding error">{html.escape(str(error))}</div>'
        return said, gr.skip(), gr.skip(), gr.Timer(active=False)


@explained
def end(session: Session, pasted: str, request: gr.Request) -> tuple[Any, ...]:
    """Cancel the job."""
    return shown(cancel_job(_own(session), _token(pasted, request)))


def shown(job: dict[str, Any] | None) -> tuple[Any, ...]:
    """Return where the job stands, its log, whether it can be cancelled, and whether to go on."""
    alive = job is not None and job["stage"] not in ENDED
    lines = (job or {}).get("log")
    log = gr.skip() if lines is None else gr.update(value="\n".join(lines), visible=bool(lines))
    return job_html(job), log, gr.update(visible=alive), gr.Timer(active=alive)


def _own(session: Session) -> Run:
    if session.run is None:
        raise StudioError("Finish a run first; then it can be run longer.")
    return get_store().owned(session.run, session.key)


def job_html(job: dict[str, Any] | None) -> str:
    """Say where a job stands."""
    if job is None:
        return ""
    stage, url = job["stage"], html.escape(job["url"], quote=True)
    words = STAGES.get(stage, stage.capitalize())
    if job.get("message"):
        words += f" ({job['message']})"
    link = f'<a href="{url}" target="_blank" rel="noopener">{url}</a>'
    about = (
        f"{html.escape(job['repo'])} on {html.escape(job['flavor'])}, {job['minutes']:,} minutes "
        f"and ${job['dollars']:,.2f} at most. {link}"
    )
    kind, dot = KINDS.get(stage, "error" if stage in ENDED else ""), "." if stage in ENDED else " …"
    return (
        f'<div class="finding {kind}" role="status"><b>{html.escape(words)}{dot}</b> {about}</div>'
    )


def cost_words(machine: str | None, minutes: int | None) -> str:
    """Say before the click what the job may cost at most."""
    if not machine or not minutes:
        return ""
    try:
        found = flavor(machine)
    except StudioError as error:
        return str(error)
    today = f"{datetime.now(UTC):%-d %B %Y}"
    return (
        f"**At most ${found.most(minutes):,.2f}**: {minutes:,} minutes of "
        f"{html.escape(found.title)} ({html.escape(found.hardware)}) at "
        f"${found.dollars_per_hour:,.2f} an hour, as the Hub lists it today, {today}. A job that "
        "ends sooner costs less; at the time-out it is ended."
    )


def along_words(run: Run | None) -> str:
    """Say before the click what leaves this machine for the job."""
    if run is None or not run.has_model:
        return ""
    if not takes_rows_along(run):
        return "The job takes its rows from the dataset on the Hub by itself."
    return (
        "A job cannot reach this machine. So **the run's rows are pushed first**, as they were "
        "trained on and measured by, by one commit into a private dataset beside the model, of "
        "the same name with -data. Delete it there when you are done."
    )


def machines() -> tuple[list[tuple[str, str]], str | None]:
    """Return the choices of machines, each with its price, and the one that is proposed."""
    offered = flavors()
    choices = [
        (f"{one.title} · {one.hardware} · ${one.dollars_per_hour:,.2f}/h", one.name)
        for one in offered
    ]
    first = next((one for one in offered if one.has_gpu), offered[0] if offered else None)
    return choices, first.name if first else None


@explained
def unfold(session: Session, minutes: int) -> tuple[Any, ...]:
    """Ask the Hub for machines and prices when the section is opened, and not before."""
    run = shown_run(session)
    name = f"{propose_name(run)}-long" if run else ""
    try:
        choices, first = machines()
        cost = cost_words(first, minutes)
    except StudioError as error:  # said where the price would be: the rest is true all the same
        choices, first, cost = [], None, str(error)
    return (
        gr.Dropdown(choices, value=first),
        name,
        cost,
        along_words(run),
        *shown(run.job if run else None),
    )


def build(session: gr.State) -> gr.Accordion:
    """Lay out the section and wire it; return it, for its owner alone to see."""
    with gr.Accordion("Run it longer", open=False, visible=False, elem_id="longer") as section:
        gr.Markdown(ABOUT)
        with gr.Row():
            machine = gr.Dropdown([], label="Machine", interactive=True, scale=2, min_width=300)
            minutes = gr.Dropdown(list(MINUTES), value=60, label="Time-out")
            epochs = gr.Number(3, label="Epochs", info="Empty: as many steps as this run took.")
        name = gr.Textbox(
            label="Where its model goes", info="A private repository of yours; owner/name."
        )
        cost, along = gr.Markdown(""), gr.Markdown("")
        pasted = gr.Textbox(label="Token", type="password", info=TOKEN_INFO)
        with gr.Row():
            go = gr.Button("Start the job", variant="primary")
            cancel = gr.Button("Cancel the job", min_width=160, scale=0, visible=False)
        state = gr.HTML("", elem_id="job-state")
        log = gr.Code("", language=None, label="Last lines of its log", max_lines=20, visible=False)
    timer = gr.Timer(FOLLOWED_SECONDS, active=False)

    standing = [state, log, cancel, timer]
    section.expand(unfold, [session, minutes], [machine, name, cost, along, *standing], **QUIET)
    for changed in (machine, minutes):
        changed.input(cost_words, [machine, minutes], cost, **QUIET)
    go.click(
        begin,
        [session, name, machine, minutes, epochs, pasted],
        standing,
        api_visibility="private",
        concurrency_limit=None,
    )
    timer.tick(look, [session, pasted], standing, **POLLED)
    cancel.click(end, [session, pasted], standing, api_visibility="private")
    for endpoint in (run_longer, job_state, stop_job):
        publish(endpoint, endpoint.__name__, concurrency_limit=None)
    return section
