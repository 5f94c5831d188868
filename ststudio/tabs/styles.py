"""How the page looks: its theme, and the style sheet of what the tabs draw themselves."""

import gradio as gr

from ststudio import palette

CSS = f"""
.gradio-container {{ width: 100% !important; max-width: 1080px !important;
  margin: 0 auto !important; }}
#header {{ align-items: flex-start; justify-content: space-between; }}
#head {{ flex: 1 1 320px; }}
#account button {{ width: 100% !important; }}
#notice .finding {{ margin: 4px 0; }}
.to-copy {{ align-items: flex-end !important; }}
/* Read out, and shown by the button itself. */
#copied {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }}
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
/* Of a long text its beginning, and all of it where one clicks or tabs. */
.hits .text {{ overflow-wrap: anywhere; display: -webkit-box; -webkit-box-orient: vertical;
  -webkit-line-clamp: 5; overflow: hidden; }}
.hits .text:focus {{ -webkit-line-clamp: unset; }}
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
