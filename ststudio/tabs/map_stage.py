"""Where the map stands: its slider from before to after, its colours, and the script they need."""

from pathlib import Path

import gradio as gr

from ststudio.palette import BASE, TUNED

CONTROLS = """
<div class="travel" role="group" aria-label="From before to after fine-tuning">
  <button type="button" data-to="0">Before</button>
  <input type="range" min="0" max="100" step="1" value="0"
    aria-label="From before (0) to after fine-tuning (100)">
  <button type="button" data-to="1">After</button>
</div>
<output aria-live="off"></output>
<div class="legend" role="group" aria-label="Colours: press to show or hide"></div>
"""

CSS = f"""
.travel {{ display: flex; align-items: center; gap: 12px; padding: 4px 8px; }}
.travel input {{ flex: 1; min-width: 80px; height: 28px; accent-color: {TUNED}; }}
button {{ margin: 0 !important; font-weight: 400; box-shadow: none !important;
  background: none !important; color: var(--body-text-color); border-radius: 6px; }}
.travel button {{ padding: 4px 12px; border: 2px solid {BASE}; }}
.travel button[data-to="1"] {{ border-color: {TUNED}; }}
.travel button[aria-pressed="true"] {{ font-weight: 600; }}
:focus-visible {{ outline: 3px solid {TUNED} !important; outline-offset: 2px; }}
output {{ display: block; padding: 0 8px; min-height: 1.5em; font-size: .92em;
  color: var(--body-text-color-subdued); }}
.legend {{ display: flex; flex-wrap: wrap; gap: 4px 6px; padding: 4px 8px; }}
.legend button {{ display: flex; align-items: center; gap: 6px; max-width: 100%;
  padding: 1px 8px; border: 1px solid var(--border-color-primary); font-size: .88em;
  overflow-wrap: anywhere; text-align: left; }}
.legend button[aria-pressed="false"] {{ opacity: .45; text-decoration: line-through; }}
.legend i {{ flex: none; font-style: normal; font-size: 1.1em; }}
"""


def build_stage() -> tuple[gr.HTML, gr.Plot]:
    """Lay out slider, colours and plot.

    The first component's value is what lies over the plot, as JSON (compare/map_figure.py). Its
    event `ready` says that the plot is on the page, `pick` brings the `row` of a clicked dot.
    """
    script = Path(__file__).with_name("map_stage.js").read_text(encoding="utf-8")
    with gr.Column(elem_id="map"):
        stage = gr.HTML("", html_template=CONTROLS, css_template=CSS, js_on_load=script)
        plot = gr.Plot(show_label=False, elem_id="map-plot")
    return stage, plot
