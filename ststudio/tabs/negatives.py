"""Hard negatives on the page: how hard they would be, and one click that trains with them."""

import html
import json
from collections.abc import Iterator
from typing import Any

import gradio as gr

from ststudio.compare.histograms import margins_figure
from ststudio.compare.negatives import look, mining_fix, sample
from ststudio.data.findings import count
from ststudio.data.negatives import CODE, RELATIVE_MARGIN
from ststudio.errors import StudioError
from ststudio.tabs import QUIET, explained
from ststudio.tabs.documented import publish
from ststudio.tabs.progress import bar
from ststudio.tabs.session import Session
from ststudio.tabs.visitor import visitor_token
from ststudio.tabs.watching import follow
from ststudio.training.losses import LOSSES

CELL_CHARACTERS = 300
ABOUT = (
    "A batch's other answers are mostly too easy to be told from the right one. Mining looks for "
    "the closest **wrong** answer to each anchor among the training texts, by the base model, and "
    "trains with it. What shares an answer with the anchor is never taken, and dev and test stay "
    "as they are."
)


@explained
def hard_negatives(
    source: dict[str, Any],
    fixes: list[dict[str, Any]] | None = None,
    base_model: str | dict[str, str] | None = None,
    relative_margin: float = RELATIVE_MARGIN,
    request: gr.Request | None = None,
) -> dict[str, Any]:
    """Mine a sample of the training rows; say how hard their negatives are before and after."""
    asked = {"source": source, "fixes": fixes or [], "base_model": base_model}
    token = visitor_token(request)
    found: dict[str, Any] = list(look(sample(asked, relative_margin, token), token))[-1]  # type: ignore[assignment]
    return found


@explained
def look_for(
    session: Session, margin: float, request: gr.Request | None = None
) -> Iterator[tuple[Any, ...]]:
    """Mine a sample, and show how hard its negatives are before and after."""
    if not session.ready:
        raise StudioError("Pick a dataset in the Data tab first.")
    kept = tuple(gr.skip() for _ in range(4))
    yield bar("Reading the training rows", 0.0), *kept
    token = visitor_token(request)
    taken = sample(session.recipe(base_model=session.base_model), margin, token)
    rows = len(next(iter(taken.rows.values())))
    said = f"Embedding {count(rows, 'training row')} with the base model"
    try:
        for news in look(taken, token):
            if isinstance(news, float):
                yield bar(said, news), *kept
            else:
                yield "", *_shown(news), looked_at(session)
    except StudioError:
        yield "", *kept  # or the bar would stand there for ever
        raise


def _shown(found: dict[str, Any]) -> tuple[Any, ...]:
    some = bool(found["edges"])
    return (
        gr.update(value=margins_figure(found) if some else None, visible=some),
        gr.update(value=result_html(found), visible=True),
        gr.update(visible=found["found"] > 0),
    )


def result_html(found: dict[str, Any]) -> str:
    """Say what a look found, with a few of the negatives; every text of the data is escaped."""
    got = f"{found['found']:,} of {count(found['rows'], 'row')}"
    if found["of"] > found["rows"]:
        got += f", drawn from {found['of']:,}: among all of them there are closer ones"
    if not found["examples"]:
        return f"<p>No row has a harder negative that is far enough from being right ({got}).</p>"
    before, after = found["medians"]
    own = "their own negatives" if found["own"] else "random negatives"
    words = (
        f"<p><b>{got}</b>. In the middle the positive is closer to its anchor than "
        f"{own} by <b>{before:.2f}</b>, and than mined ones by <b>{after:.2f}</b>. Read the "
        "hardest: if they are right answers, ask for a larger margin.</p>"
    )
    names = ("anchor", "positive", "before", "after")
    titles = ("anchor", "positive", own, "mined negative")
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(row[name])}</td>" for name in names) + "</tr>"
        for row in found["examples"]
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'{words}<div class="rows">{table}</div>'


def _cell(text: str) -> str:
    cut = text if len(text) <= CELL_CHARACTERS else text[: CELL_CHARACTERS - 1] + "…"
    return html.escape(cut)


@explained
def train_with(session: Session, margin: float, request: gr.Request | None = None) -> Session:
    """Put mining into the recipe."""
    return follow(session, mining_fix(margin), request)


def looked_at(session: Session) -> str:
    """Return what changes when a look no longer holds: the rows, or the model."""
    fixes = [fix for fix in session.fixes if fix["code"] != CODE]
    return json.dumps([session.source, fixes, session.base_model], sort_keys=True)


def show(session: Session, seen: str) -> tuple[Any, ...]:
    """Offer mining where the loss reads negatives, and put away what no longer holds."""
    reads = LOSSES[session.diagnosis["loss"]["name"]].reads if session.ready else {}  # type: ignore[index]
    shown = gr.update(visible="negative" in reads)
    if seen == looked_at(session):
        return shown, gr.skip(), gr.skip(), gr.skip(), gr.skip(), seen
    away = gr.update(visible=False)
    return shown, "", away, away, away, ""


def build(session: gr.State) -> None:
    """Lay out the accordion and wire it."""
    with gr.Accordion("Hard negatives", open=False, visible=False) as whole:
        gr.Markdown(ABOUT)
        margin = gr.Slider(
            0.0,
            0.5,
            RELATIVE_MARGIN,
            step=0.01,
            label="Relative margin",
            info="By this share of its similarity the positive must be closer.",
        )
        go = gr.Button("Look for hard negatives", elem_id="mine")
        progress = gr.HTML("", elem_id="mining")
        plot = gr.Plot(show_label=False, visible=False, elem_id="margins")
        result = gr.HTML("", visible=False, elem_id="mined")
        use = gr.Button("Train with these", variant="primary", visible=False, elem_id="use-mined")
    seen = gr.State("")
    outputs = [progress, plot, result, use, seen]
    go.click(look_for, [session, margin], outputs, api_visibility="private", show_progress="hidden")
    use.click(train_with, [session, margin], session, api_visibility="private")
    session.change(show, [session, seen], [whole, *outputs], **QUIET)
    publish(hard_negatives, "hard_negatives")
