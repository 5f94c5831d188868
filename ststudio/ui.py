"""The page: one session, the tabs in order, and what a reload brings back."""

import os
import secrets
import subprocess
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from ststudio import palette
from ststudio.errors import StudioError
from ststudio.runs.lease import on_zero_gpu
from ststudio.runs.store import get_store
from ststudio.settings import get_settings
from ststudio.tabs import QUIET, compare, data, push, train
from ststudio.tabs.examination import again
from ststudio.tabs.page import Page
from ststudio.tabs.session import Session, shown_run
from ststudio.tabs.visitor import visitor_token

TITLE = "ST Studio"
HEAD = (
    "# ST Studio\nFine-tune a sentence-embedding model on your own data in about a minute, and "
    "see on rows it never trained on whether that helped."
)

CSS = f"""
.gradio-container {{ width: 100% !important; max-width: 1080px !important;
  margin: 0 auto !important; }}
.rows {{ overflow-x: auto; }}
.rows h4 {{ margin: 0 0 6px; }}
#push-state pre {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
@media (max-width: 640px) {{ .finding-row {{ flex-direction: column; gap: 4px; }} }}
.packed {{ display: none !important; }}
.rows table {{ width: 100%; border-collapse: collapse; font-size: .92em; }}
.rows table, .rows thead, .rows tbody, .rows tr {{ border: 0 !important; }}
.rows th {{ text-align: left; }}
.rows th div {{ font-weight: 400; font-size: .88em; color: var(--body-text-color-subdued); }}
.rows th, .rows td {{ padding: 6px 10px !important; vertical-align: top; min-width: 80px;
  border: 0 !important; border-bottom: 1px solid var(--border-color-primary) !important;
  overflow-wrap: anywhere; }}
.rows.metrics td, .rows.metrics th {{ min-width: 0; padding: 6px 8px !important; }}
.rows.metrics td:not(:first-child), .rows.metrics th:not(:first-child) {{ text-align: right;
  white-space: nowrap; font-variant-numeric: tabular-nums; }}
@media (max-width: 640px) {{
  .rows.metrics tr {{ display: grid; grid-template-columns: 1fr 1fr 1fr; }}
  .rows.metrics th:first-child {{ display: none; }}
  .rows.metrics td:first-child {{ grid-column: 1 / -1; border-bottom: 0 !important; }} }}
.rows.metrics span {{ color: var(--body-text-color-subdued); }}
.js-plotly-plot text:not(.hoverlayer text) {{ fill: var(--body-text-color) !important; }}
.progress .words {{ margin: 4px 0 6px; }}
.progress .bar {{ height: 8px; border-radius: 4px; overflow: hidden;
  background: var(--border-color-primary); }}
.progress .bar div {{ height: 100%; background: {palette.TUNED}; transition: width .3s; }}
.finding {{ padding: 8px 12px; border-left: 4px solid {palette.BASE}; border-radius: 4px;
  background: var(--background-fill-secondary); overflow-wrap: anywhere; }}
.finding.error {{ border-color: {palette.LOSS}; }}
.finding.warning {{ border-color: {palette.QUERY}; }}
.finding.done {{ border-color: {palette.GAIN}; }}
.layers ol {{ list-style: none; padding: 0; margin: 0; }}
.layers p {{ margin: 8px 0 0; }}
.layers p.end {{ color: var(--body-text-color-subdued); margin: 4px 0; }}
.layers li {{ display: grid; grid-template-columns: 1fr auto auto; gap: 0 16px; margin: 0 0 4px;
  padding: 8px 12px; border-left: 4px solid {palette.TUNED}; border-radius: 4px;
  background: var(--background-fill-secondary); font-variant-numeric: tabular-nums; }}
.layers .name {{ font-weight: 600; }}
.layers .why {{ grid-column: 1 / -1; font-size: .9em; color: var(--body-text-color-subdued); }}
.layers li i {{ grid-column: 1 / -1; height: 4px; margin: 4px 0; border-radius: 2px;
  background: {palette.TUNED}; }}
@media (max-width: 640px) {{ .layers li {{ grid-template-columns: 1fr; }} }}
.hits ol {{ list-style: decimal; padding-left: 1.6em; margin: 0; }}
.hits li {{ padding: 6px 0; border-bottom: 1px solid var(--border-color-primary); }}
.hits h4 {{ margin: 0 0 4px; padding-bottom: 4px; border-bottom: 3px solid {palette.BASE}; }}
.hits.tuned h4 {{ border-color: {palette.TUNED}; }}
.hits.crossed h4 {{ border-color: {palette.INK}; }}
.rows .sizes th, .rows .sizes td {{ overflow-wrap: normal; }}
.rows .sizes td:first-child {{ white-space: nowrap; }}
.felt {{ display: flex; flex-wrap: wrap; gap: 12px; margin: 8px 0; }}
.felt .card {{ flex: 1 1 260px; padding: 10px 14px; border-left: 4px solid {palette.BASE};
  border-radius: 4px; background: var(--background-fill-secondary); }}
.felt .card.tuned {{ border-color: {palette.TUNED}; }}
.felt .figure {{ font-size: 1.9em; font-weight: 600; font-variant-numeric: tabular-nums; }}
.felt .small {{ font-size: .9em; color: var(--body-text-color-subdued); }}
.hits .text {{ overflow-wrap: anywhere; }}
.hits .facts {{ display: flex; gap: 10px; align-items: center; font-size: .9em;
  font-variant-numeric: tabular-nums; color: var(--body-text-color-subdued); }}
.hits .score {{ width: 80px; height: 6px; border-radius: 3px;
  background: var(--border-color-primary); }}
.hits .score i {{ display: block; height: 100%; border-radius: 3px; background: {palette.BASE}; }}
.hits.tuned .score i {{ background: {palette.TUNED}; }}
#changed td {{ text-align: left; }}
.hits mark {{ padding: 0 2px; border-radius: 3px; color: inherit;
  background: color-mix(in srgb, {palette.QUERY} 35%, transparent); }}
.hits .up, .hits .relevant {{ font-weight: 600; color: var(--gain-text); }}
.hits .down {{ font-weight: 600; color: var(--loss-text); }}
:root {{ --gain-text: #047857; --loss-text: #BE123C; }}
/* The theme's grey has a contrast of 2.6 on white; small print needs 4.5 (WCAG AA). */
.gradio-container {{ --body-text-color-subdued: #64748B; --block-info-text-color: #64748B; }}
.dark .gradio-container, .dark.gradio-container {{ --body-text-color-subdued: #94A3B8;
  --block-info-text-color: #94A3B8; }}
.dark {{ --gain-text: {palette.GAIN}; --loss-text: #FB7185; }}
"""


def theme() -> gr.Theme:
    """Return the quiet theme: slate for what is, indigo for what is new."""
    return gr.themes.Soft(
        primary_hue="indigo",
        secondary_hue="indigo",
        neutral_hue="slate",
        font=["ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )


def browser_secret() -> str:
    """Return what encrypts the browser's own list of runs; it outlives a restart."""
    path: Path = get_settings().folder / "browser.secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def restore(
    session: Session, kept: dict[str, Any] | None, request: gr.Request
) -> tuple[Session, Any]:
    """Bring back this browser's runs and dataset; `?run=` in the address opens a run to read.

    Who comes back to a run under way, or follows a link to one, lands beside it.
    """
    kept = kept if isinstance(kept, dict) else {}
    runs = [run for run in kept.get("runs", []) if _is_here(run)]
    asked = request.query_params.get("run")
    session = replace(session, runs=tuple(runs), run=asked or (runs[0]["run"] if runs else None))
    shown = shown_run(session)
    lands = gr.Tabs(selected="train") if shown and (asked or not shown.ended) else gr.skip()
    picked = kept.get("picked")
    if picked:
        with suppress(StudioError, TypeError):  # expired, or kept by another version of the page
            decided = {**picked, "fixes": tuple(picked["fixes"])}
            session = again(session, visitor_token(request), **decided)
    return session, lands


def _is_here(run: dict[str, Any]) -> bool:
    return (get_store().folder / str(run.get("run"))).is_dir()


def keep(session: Session, before: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the browser keeps: its runs' ids and keys, and what was picked; no row of it.

    A run that it knew stays as long as the run does: of two handlers at once the later one ends
    with a session that does not know of the earlier one's run, whose key nobody else has.
    """
    own = {run["run"] for run in session.runs}
    known = (before if isinstance(before, dict) else {}).get("runs", [])
    lost = [run for run in known if run.get("run") not in own and _is_here(run)]
    names = ("source", "fixes", "base_model")
    picked = {name: getattr(session, name) for name in names} if session.source else None
    return {"runs": [*session.runs, *lost], "picked": picked}


def facts() -> str:
    """Say what this app runs on, and its limits."""
    settings = get_settings()
    return (
        f"Runs on {hardware()}. Up to {settings.rows:,} rows, {settings.run_seconds // 60} minutes "
        f"of training, and models of up to {settings.model_parameters // 1_000_000} million "
        f"weights (BERT-base has 110). Runs are kept for {settings.kept_hours} hours."
    )


def hardware() -> str:
    """Name the GPU that runs train on, or the CPU where there is none."""
    if on_zero_gpu():
        return "ZeroGPU: each run borrows a GPU, on your own daily quota there"
    ask = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        found = subprocess.run(ask, capture_output=True, text=True, timeout=5).stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired):
        found = []
    if found:
        others = f", one of {len(found)}" if len(found) > 1 else ""
        return f"a GPU ({found[0].strip()}{others})"
    return f"a CPU with {len(os.sched_getaffinity(0))} cores"


def build_ui() -> gr.Blocks:
    """Build the page without starting anything."""
    # What was packed for a download stays in Gradio's folder an hour; it may be anyone's model.
    with Page(title=TITLE, fill_width=False, delete_cache=(600, 3600)) as page:
        gr.Markdown(HEAD)
        gr.Markdown(facts(), elem_id="facts")
        session = gr.State(Session())
        browser = gr.BrowserState({}, storage_key="ststudio", secret=browser_secret())
        with gr.Tabs() as tabs:
            with gr.Tab("Data", id="data"):
                to_train = data.build(session)
            with gr.Tab("Fine-tune", id="train"):
                timer, to_compare = train.build(session)
            with gr.Tab("Compare", id="compare") as compare_tab:
                to_push = compare.build(session, compare_tab, timer)
            with gr.Tab("Push", id="push") as push_tab:
                push.build(session, push_tab)
        for onward, place in ((to_train, "train"), (to_compare, "compare"), (to_push, "push")):
            onward.click(partial(gr.Tabs, selected=place), None, tabs, **QUIET)
        page.load(restore, [session, browser], [session, tabs], **QUIET)
        session.change(keep, [session, browser], browser, **QUIET)
    page.queue(max_size=200, default_concurrency_limit=8)
    return page
