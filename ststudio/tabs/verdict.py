"""The verdict on the page: one sentence, what it rests on, and one table of metrics."""

import html
from typing import Any

from ststudio.data.cases import CASES
from ststudio.hub.markdown import plain
from ststudio.runs.run import Run
from ststudio.training.metrics import shown_metrics, units_of
from ststudio.training.paid import paid
from ststudio.training.verdict import in_words, verdict

PRECISIONS = {"bfloat16": " in bfloat16 (both models are measured in float32)"}
ORIGINS = {
    "packaged": "the packaged copy, the same bytes as the Hub's",
    "hub": "fetched from the Hub",
    "cache": "fetched from the Hub before",
    "run": "an earlier run's result",
    "zero": "as it was before training",
}


def verdict_words(run: Run) -> str:
    """Say the result in one sentence, then what it rests on."""
    report = run.report
    if report is None:
        return ""
    case = CASES[run.facts["case"]]
    head, sentence = in_words(report, case.metric_title, units_of(case))
    notes = "".join(f"\n- {plain(note, 500)}" for note in run.facts.get("notes", []))
    return (
        f"### {head}\nOn **{plain(run.facts.get('title', ''))}**: {sentence}\n\n"
        f"{next_words(run, report)}"
        f"{paid(report, run.facts)}\n\n"
        f"{classifier_words(report)}"
        f"Trained on {report['rows_used']:,} rows for {report['train_seconds']:.0f} s"
        f"{PRECISIONS.get(run.state.get('trained_in', ''), '')}; "
        f"{report['seconds']:.0f} s with measuring both models on the same test rows, which "
        f"training never saw{_estimated(run)}. {base_words(run)}{notes}"
    )


def next_words(run: Run, report: dict[str, Any]) -> str:
    """Say what to try where nothing is clear: first of all to train longer, if rows are left."""
    rows, used = run.facts.get("counts", {}).get("train"), report["rows_used"]
    if report["verdict"] != "MARGINAL" or not rows:  # of a model that was opened nothing is known
        return ""
    if used < rows:
        return (
            f"It read {used:,} of {rows:,} training rows: **let it train longer** before you "
            "judge the data.\n\n"
        )
    return (
        "It read all of its training rows. What may help: hard negatives, another loss in a "
        "**race**, or more rows.\n\n"
    )


def classifier_words(report: dict[str, Any]) -> str:
    """Say with its numbers that a classifier names classes better, where that was measured."""
    found = report.get("classifier")
    if not found or verdict(tuple(found["interval"]), found["n"]) != "WIN":
        return ""
    texts = f"{found['texts']:,} training texts"
    if found["texts"] < found["of"]:
        texts += f" (of {found['of']:,}, to fit the time)"
    low, high = found["interval"]
    return (
        "**When you only need the class, a classifier is the better tool.** A logistic regression "
        f"on the vectors of {texts} is right on {found['accuracy'][1]:.1%} of {found['n']:,} test "
        f"texts (base model's vectors: {found['accuracy'][0]:.1%}); the nearest of the same "
        f"training texts is right on {found['neighbour'][1]:.1%} (base: "
        f"{found['neighbour'][0]:.1%}). The difference of {_points(found)} points has a 95 % "
        f"interval of {100 * low:+.1f} to {100 * high:+.1f}.\n\n"
    )


def _points(found: dict[str, Any]) -> str:
    return f"{100 * (found['accuracy'][1] - found['neighbour'][1]):.1f}"


def _estimated(run: Run) -> str:
    """Say what was promised before the click, beside what it took."""
    estimate = run.facts.get("estimate")
    return f" (estimated before: {estimate['seconds']:.0f} s)" if estimate else ""


def base_words(run: Run) -> str:
    """Say which base model a run started from, and where it came from."""
    base = run.facts.get("base_model") or {}
    if not base:  # of a pushed model that came without: its notes say why
        return ""
    commit = f", commit {base['revision'][:7]}" if base.get("revision") else ""
    if base.get("weights_revision"):
        commit += f", weights as the Hub converted them at {base['weights_revision'][:7]}"
    origin = ORIGINS.get(base.get("origin", ""), "origin unknown")
    return f"Base: {plain(base.get('id', ''))} ({origin}{commit})."


def metrics_html(run: Run) -> str:
    """Return the metrics as a table that fits any width: name and meaning, base, fine-tuned."""
    case, metrics = CASES[run.facts["case"]], (run.report or {"metrics": {}})["metrics"]
    rows = "".join(
        f"<tr><td><b>{html.escape(metric.title)}</b> "
        f"<span>{html.escape(metric.meaning)}</span></td>"
        f"<td>{before:.4f}</td><td>{after:.4f}</td><td>{after - before:+.4f}</td></tr>"
        for name, metric in shown_metrics(case).items()
        if name in metrics
        for before, after in [metrics[name]]
    )
    head = "".join(f"<th>{name}</th>" for name in ("metric", "base", "fine-tuned", "change"))
    return (
        '<div class="rows metrics"><table><thead><tr>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
