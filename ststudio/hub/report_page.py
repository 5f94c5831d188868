"""The report of a run as one file: verdict, tables, figures, recipe; no script, nothing fetched."""

import html
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ststudio.hub.drawings import curve, histograms, interval
from ststudio.hub.markdown import one_line
from ststudio.hub.origins import base, case_of, dataset_id, shared_recipe, title
from ststudio.hub.results import NEEDED, metric_name, shown, units
from ststudio.palette import BASE, GRID
from ststudio.runs.run import Run
from ststudio.training.paid import paid
from ststudio.training.racers import shown_log
from ststudio.training.verdict import in_words

BOLD = re.compile(r"\*\*(.+?)\*\*")
# The browser is told as well: nothing runs here, and nothing is fetched.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = f"""
:root {{ color-scheme: light dark; }}
body {{ max-width: 720px; margin: 32px auto; padding: 0 16px; font: 16px/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; width: 100%; margin: 12px 0; }}
th, td {{ text-align: left; vertical-align: top; padding: 6px 10px;
  border-bottom: 1px solid {GRID}; }}
td:first-child {{ min-width: 9em; }}
figure {{ margin: 20px 0; }} svg {{ width: 100%; height: auto; }}
figcaption {{ font-size: 14px; opacity: .75; }}
pre {{ white-space: pre-wrap; font-size: 13px; padding: 12px; border: 1px solid {GRID}; }}
"""


def report_page(run: Run) -> str:
    """Return the whole report as HTML; no row of the data stands in it."""
    name = _words(title(run))
    parts = [
        f"<h1>{name}</h1>",
        _verdict(run),
        *_figures(run),
        f"<h2>What was trained</h2>{_table((), _facts(run))}",
        f"<h2>Settings</h2>{_table(('Setting', 'Value'), _settings(run))}",
        _notes(run),
        f"<h2>Recipe</h2><pre>{html.escape(json.dumps(shared_recipe(run), indent=1))}</pre>",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _verdict(run: Run) -> str:
    report = run.report or {}
    if not set(report) >= NEEDED:
        return "<p>The model was not measured.</p>"
    head, sentence = in_words(report, metric_name(run), units(run))
    cost = paid(report, run.facts)
    return (
        f"<h2>{_words(head)}</h2><p>{_bold(sentence)}</p>"
        f"{interval(report, f'{metric_name(run)}: the bar is the 95 % interval of the change')}"
        f"{_table(('Metric', 'Base model', 'Fine-tuned', 'Change'), shown(run))}"
        + (f"<p>{_bold(cost)}</p>" if cost else "")
    )


def _figures(run: Run) -> list[str]:
    """Draw how training went, and how similar both models find the test pairs."""
    log = shown_log(run.log(), run.facts.get("race"))
    losses = [(e["step"], e["loss"]) for e in log if isinstance(e.get("loss"), float)]
    looks = [(e["step"], e["metric"]) for e in log if isinstance(e.get("metric"), float)]
    anatomy = run.anatomy
    return [
        curve(losses, "Training loss", BASE),
        curve(looks, f"{metric_name(run)} on held-out dev rows"),
        histograms(
            anatomy,
            "Cosine similarity of test pairs: filled where they belong together, outlined where "
            "they do not",
        )
        if anatomy
        else "",
    ]


def _facts(run: Run) -> list[tuple[str, object]]:
    facts, report, case = run.facts, run.report or {}, case_of(run)
    counts = ", ".join(f"{part} {n:,}" for part, n in (facts.get("counts") or {}).items())
    revision = base(run).get("revision")
    rows = [
        ("Base model", f"{base(run).get('id') or ''}{f' at {revision}' if revision else ''}"),
        ("Data", facts.get("title")),
        ("Dataset", dataset_id(run)),
        ("Licence of the data", facts.get("licence")),
        ("Case", f"{case.title}. {case.explanation}" if case else None),
        ("Rows", counts),
        ("Loss", facts.get("loss")),
        ("Rows learned from", report.get("rows_used")),
        ("Seconds of training", report.get("train_seconds")),
    ]
    if base(run).get("origin") == "run":  # whose id would open it
        rows[0] = ("Base model", "an earlier run's model")
    return [(name, value) for name, value in rows if value not in (None, "")]


def _settings(run: Run) -> list[tuple[str, Any]]:
    recipe = shared_recipe(run)
    told = {name: value for name, value in recipe.items() if value not in (None, {}, [])}
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in told.items()
        if name != "source"
    ]


def _notes(run: Run) -> str:
    notes = [f"<li>{_words(note, 500)}</li>" for note in run.facts.get("notes") or ()]
    return f"<h2>Notes</h2><ul>{''.join(notes)}</ul>" if notes else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    top = "".join(f"<th>{_words(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr>{''.join(f'<td>{_words(cell, 500)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table>{f'<tr>{top}</tr>' if top else ''}{body}</table>"


def _words(value: object, limit: int = 200) -> str:
    return html.escape(one_line(value, limit))


def _bold(text: str) -> str:
    return BOLD.sub(r"<b>\1</b>", html.escape(text))
