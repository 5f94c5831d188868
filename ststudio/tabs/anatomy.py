"""Similarity on the page: its histograms before and after, and the pairs that go wrong."""

import html
from collections.abc import Mapping
from typing import Any

import gradio as gr

from ststudio.compare.similarity import similarity_figure
from ststudio.data.findings import count
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.tabs import explained
from ststudio.tabs.documented import publish

Json = Mapping[str, Any]

KINDS = {
    "still": "Still wrong: on the wrong side before and after",
    "broken": "Broken: right before, wrong after",
    "mended": "Mended: wrong before, right after",
}
SIDES = {True: "belong together", False: "do not belong together"}
# A plot that is drawn while its section is closed does not know how wide it will be.
RESIZE = "() => setTimeout(() => window.dispatchEvent(new Event('resize')), 100)"


@explained
def anatomy(run: str) -> dict[str, Any]:
    """Return how similar both models find a run's test pairs, and which they get wrong."""
    found = get_store().open(run).anatomy
    if found is None:
        raise StudioError(
            "The similarity of this run's test pairs is not known: it has not been measured yet, "
            "or was trained by an older version. Start a new run."
        )
    return found


def words(found: Json) -> str:
    """Say what the histograms show, and where their thresholds come from."""
    pairs = found["pairs"]
    said = (
        f"<p><b>Filled</b>: {pairs['together']:,} test pairs that belong together "
        f"({html.escape(found['together'])}). <b>Outlined</b>: {pairs['apart']:,} that do not "
        f"({html.escape(found['apart'])}).</p>"
    )
    if "edges" not in found:
        return said + "<p>These are too few of one kind to be compared.</p>"
    base, tuned = found["base"], found["tuned"]
    return (
        f"{said}<p>The two overlap by <b>{base['overlap']:.0%}</b> with the base model and by "
        f"<b>{tuned['overlap']:.0%}</b> with the fine-tuned one: 0% would mean that some "
        "similarity parts them, 100% that none tells them apart. "
        f"{_threshold_words(found, base, tuned)}</p>"
    )


def _threshold_words(found: Json, base: Json, tuned: Json) -> str:
    rightly = (
        f"<b>{base['accuracy']:.1%}</b> of these pairs on the right side (base, from "
        f"{base['threshold']:.3f} on) and <b>{tuned['accuracy']:.1%}</b> (fine-tuned, from "
        f"{tuned['threshold']:.3f} on)"
    )
    if found["chosen_on"] == "dev":
        return f"The thresholds that part the dev rows best put {rightly}."
    return (
        f"The best thresholds put {rightly}. They were found on these very pairs, as there were "
        "too few dev rows or too little time to choose them on dev: other pairs will do worse."
    )


def mistakes_html(found: Json) -> str:
    """List the pairs on the wrong side of the threshold; every text of the data is escaped."""
    return "".join(
        _list(title, found["mistakes"][name], opened=name == "still")
        for name, title in KINDS.items()
        if "mistakes" in found
    )


def _list(title: str, listed: Json, opened: bool) -> str:
    shown = listed["pairs"]
    more = f", the worst {len(shown)} of them" if len(shown) < listed["count"] else ""
    head = f"{title} ({count(listed['count'], 'pair')}{more})"
    if not shown:
        return f"<p>{head}.</p>"
    rows = "".join(
        f'<li><div class="text">{html.escape(pair["left"])}</div>'
        f'<div class="text">{html.escape(pair["right"])}</div>'
        f'<div class="facts">{SIDES[pair["together"]]} · base {pair["base"]:.2f} · '
        f"fine-tuned {pair['tuned']:.2f}</div></li>"
        for pair in shown
    )
    return (
        f"<details{' open' if opened else ''}><summary>{head}</summary>"
        f'<div class="hits"><ol>{rows}</ol></div></details>'
    )


def opened(run: Run | None) -> tuple[Any, ...]:
    """Return what the section shows of a run; nothing where the run has no anatomy."""
    found = run.anatomy if run else None
    if found is None:
        return gr.update(visible=False), "", gr.update(value=None, visible=False), ""
    drawn = "edges" in found
    plot = gr.update(value=similarity_figure(found) if drawn else None, visible=drawn)
    return gr.update(visible=True), words(found), plot, mistakes_html(found)


def build(session: gr.State) -> list[gr.components.Component]:
    """Lay out the section; return what `opened` fills."""
    with gr.Accordion(
        "How similar are pairs that belong together, and pairs that do not?",
        open=False,
        visible=False,
        elem_id="anatomy",
    ) as whole:
        said = gr.HTML("")
        plot = gr.Plot(show_label=False, visible=False, elem_id="similarity")
        mistakes = gr.HTML("", elem_id="mistakes")
    whole.expand(None, None, None, js=RESIZE, api_visibility="private")
    publish(anatomy, "anatomy", concurrency_limit=4)
    return [whole, said, plot, mistakes]
