"""Races on the page: two to four losses or models on the same rows, and who won on dev."""

import html
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from ststudio.compare.races import race_figure
from ststudio.data.cases import CASES
from ststudio.errors import StudioError
from ststudio.runs.admission import start_run
from ststudio.runs.run import Run
from ststudio.settings import get_settings
from ststudio.shelf import DEFAULT_MODEL
from ststudio.tabs import POLLED, QUIET, explained
from ststudio.tabs.examination import with_base
from ststudio.tabs.session import Session, losses_of, shown_run, whole
from ststudio.tabs.visitor import visitor_token
from ststudio.training.racers import model_name, result, standing
from ststudio.training.recipe import DEFAULT_SECONDS, MOST_RACERS

OF_ONE_LOSS = ("use_loss", "set_learning_rate")
HEADERS = ("racer", "best on dev", "dev before", "steps", "seconds", "model", "outcome")


@explained
def race(
    session: Session,
    request: gr.Request | None,
    losses: list[str] | None,
    models: list[str] | None,
    seconds: float,
    base_model: str,
    *more: Any,  # noqa: ANN401
) -> Session:
    """Start a race: every chosen loss with every chosen model, each for as many seconds."""
    if session.source is None or session.diagnosis is None:
        raise StudioError("Pick a dataset in the Data tab first.")
    bases = [name.strip() for name in models or [base_model or ""] if name.strip()]
    field = [{"loss": loss, "base_model": base} for base in bases for loss in losses or []]
    if not 2 <= len(field) <= MOST_RACERS:
        raise StudioError(
            f"That makes {len(field)} racers: every chosen loss runs with every chosen model. "
            f"Choose so that there are 2 to {MOST_RACERS}."
        )
    recipe = recipe_of(session, field, seconds, more)
    run, key, _ = start_run(recipe, visitor_token(request))
    title = f"Race · {run.facts['title']} · {time.strftime('%H:%M')}"
    return session.with_run(run.id, key, title)


def recipe_of(
    session: Session, field: list[dict[str, Any]], seconds: float, more: tuple[Any, ...]
) -> dict[str, Any]:
    """Return a race's recipe; advice that was taken on one loss is not for all of them."""
    batch, epochs, rows, length, seed = more
    kept = tuple(fix for fix in session.fixes if fix["code"] not in OF_ONE_LOSS)
    return replace(session, fixes=kept).recipe(
        race=field,
        base_model=field[0]["base_model"],
        max_seconds=seconds,
        per_device_train_batch_size=whole(batch),
        num_train_epochs=epochs or None,
        max_train_rows=whole(rows),
        max_seq_length=whole(length),
        seed=whole(seed),
    )


def offered(session: Session, before: tuple[str, ...]) -> tuple[Any, Any, tuple[str, ...]]:
    """Return the losses that may race on the session's data, and whether any may.

    Those that were ticked stay as long as the same ones are offered.
    """
    names = losses_of(session)
    # What must be reshaped first has losses of two cases, which no race can compare.
    case = CASES[(session.diagnosis or {}).get("case") or "triplet"]
    names = tuple(name for name in names if not case.reshape or name not in case.losses)
    listed = gr.update(choices=list(names), value=list(names[:MOST_RACERS]))
    return (
        gr.skip() if names == before else listed,
        gr.update(interactive=session.ready),
        names,
    )


def race_words(run: Run) -> str:
    """Say in words who won on dev, by how much, and what that is worth."""
    race = run.facts["race"]
    case, units = CASES[run.facts["case"]], race["dev_units"]
    found = result(race["racers"], case.metric, units)
    if not run.ended and not any(row.get("won") for row in race["racers"]):
        return f"### Racing\n{case.metric_title} on {units} dev units decides; test is not touched."
    if found is None:
        return "### No winner\nNo racer was measured on dev after its start."
    best = race["racers"][found.best]
    said = f"### {html.escape(best['title'])} won on dev\n{case.metric_title} {_moved(best)}"
    if found.second is None:
        return f"{said}; no other racer was measured."
    second = race["racers"][found.second]
    said += f", {html.escape(second['title'])} came to {second['dev_best']:.3f}. "
    said += f"With {units} dev units one standard error is about {found.error:.3f}: "
    if found.close:
        said += "the two are **within noise of each other**, and either may be the better one."
    else:
        said += "the difference is larger than that."
    return f"{said} What the winner is worth is measured on test, once, below."


def _moved(best: dict[str, Any]) -> str:
    before, after = best["dev_baseline"], best["dev_best"]
    if before is None:
        return f"came to **{after:.3f}**"
    if after <= before:
        return f"was {before:.3f} before and at best **{after:.3f}** since: no racer improved it"
    return f"rose from {before:.3f} to **{after:.3f}**"


def race_table(run: Run) -> list[list[str]]:
    """Return one row a racer: title, best on dev and before, steps, seconds, model, outcome."""
    log = run.log()
    table = []
    for number, row in enumerate(run.facts["race"]["racers"]):
        now = standing(log, number)
        outcome = "won" if row.get("won") else row.get("out") or ""
        figures = [_shown(now["dev_best"]), _shown(now["dev_baseline"])]
        spent = [str(now["steps"] or "–"), f"{now['seconds']:.0f}" if now["seconds"] else "–"]
        table.append([row["title"], *figures, *spent, model_name(row["base_model"]), outcome])
    return table


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def show_race(session: Session, seen: str) -> tuple[Any, ...]:
    """Return the race of the run that is shown: words, plot, table, and what comes of it."""
    run = shown_run(session)
    race = run.facts.get("race") if run else None
    if run is None or not race:
        return (*(gr.update(visible=False) for _ in range(4)), "")
    rows = race["racers"]
    outcomes = [(row.get("won"), row.get("out")) for row in rows]
    now = f"{run.id}:{len(run.log())}:{run.ended}:{outcomes}"
    if now == seen:
        return (*(gr.skip() for _ in range(4)), seen)
    figure = race_figure(run.log(), rows, CASES[run.facts["case"]].metric_title)
    return (
        gr.update(value=race_words(run), visible=True),
        gr.update(value=figure, visible=True),
        gr.update(value=race_table(run), visible=True),
        gr.update(visible=any(row.get("won") for row in rows)),
        now,
    )


@explained
def use_winner(session: Session, request: gr.Request | None = None) -> tuple[Session, str]:
    """Take the winner's loss and base model for the next run."""
    run = shown_run(session)
    rows = ((run.facts.get("race") or {}).get("racers") if run else None) or []
    won = next((row for row in rows if row.get("won")), None)
    if won is None:
        raise StudioError("No race has been won yet.")
    base = won["base_model"]["id"]
    same = base == (session.base_model or DEFAULT_MODEL)
    return session if same else with_base(session, base, visitor_token(request)), won["loss"]


def build(session: gr.State, base: gr.Dropdown, known: Sequence[str], more: list[Any]) -> None:
    """Lay out and wire what starts a race; `known` models are offered, `more` is shared."""
    most = get_settings().run_seconds // 2
    with gr.Accordion("Race losses or models", open=False, elem_id="race"):
        gr.Markdown(
            "The same rows, seed and seconds for each, one after the other. The best **on dev** "
            "wins, and the winner alone is measured on test. Each loss runs at its own usual "
            "learning rate; batch size and what stands under More hold for all."
        )
        losses = gr.CheckboxGroup([], label="Losses", elem_id="race-losses")
        with gr.Row():
            models = gr.Dropdown(
                list(known),
                value=[],
                multiselect=True,
                allow_custom_value=True,
                label="Base models",
                info="Empty: the one above.",
                min_width=300,
            )
            seconds = gr.Slider(
                5, most, min(DEFAULT_SECONDS, most), step=5, label="Seconds for each", min_width=200
            )
        go = gr.Button("Race", interactive=False, elem_id="race-go")
    go.click(
        race,
        [session, losses, models, seconds, base, *more],
        session,
        api_visibility="private",
        concurrency_limit=None,
    )
    names = gr.State(())
    session.change(offered, [session, names], [losses, go, names], **QUIET)


def build_outcome(session: gr.State, timer: gr.Timer, loss: gr.Dropdown) -> None:
    """Lay out and wire what is shown of a race, and the way on with its winner."""
    words = gr.Markdown(visible=False, elem_id="race-words")
    plot = gr.Plot(show_label=False, visible=False, elem_id="race-plot")
    table = gr.Dataframe(
        headers=list(HEADERS),
        label="The race, on dev",
        visible=False,
        interactive=False,
        wrap=True,
        elem_id="race-table",
    )
    use = gr.Button("Use the winner's settings", visible=False, elem_id="race-use")
    seen = gr.State("")
    shown = [words, plot, table, use, seen]
    use.click(use_winner, session, [session, loss], api_visibility="private")
    session.change(show_race, [session, seen], shown, **QUIET)
    timer.tick(show_race, [session, seen], shown, **POLLED)
