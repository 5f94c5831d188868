"""What a fine-tuning changed, in the words and numbers that leave this machine."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ststudio.hub.markdown import one_line, plain
from ststudio.hub.origins import case_of
from ststudio.runs.run import Run
from ststudio.training.metrics import shown_metrics, units_of
from ststudio.training.verdict import in_words

NEEDED = frozenset({"n", "verdict", "baseline", "score", "delta", "interval"})

Measured = tuple[str, float, float]  # a metric's name, the base's value, the fine-tuned model's


def verdict_words(run: Run) -> tuple[str, str]:
    """Return the headline of the result, and the sentence with its numbers, as Markdown."""
    report = run.report
    if not report or not NEEDED <= set(report):
        return "", "The model was not measured."
    return in_words(report, metric_title(run), units(run))


def result(run: Run) -> str:
    """Say in one sentence what the fine-tuning changed on the test rows."""
    head, sentence = verdict_words(run)
    return f"**{head}**: {sentence}" if head else sentence


def metric_name(run: Run) -> str:
    """Return what people call the headline metric, in one line."""
    case, name = case_of(run), (run.report or {}).get("metric", "the metric")
    return case.metric_title if case is not None and case.metric == name else one_line(name, 80)


def metric_title(run: Run) -> str:
    """Return the same as Markdown."""
    case, name = case_of(run), metric_name(run)
    return name if case is not None and case.metric_title == name else plain(name, 80)


def units(run: Run) -> str:
    """Return what the test rows' units are called."""
    case = case_of(run)
    return units_of(case) if case else "units"


def measured(run: Run) -> Iterator[Measured]:
    """Go through the metrics that are numbers, the headline first."""
    report = run.report or {}
    metrics = dict(report.get("metrics") or {})
    headline = report.get("metric")
    if headline and "baseline" in report and "score" in report:
        metrics = {headline: [report["baseline"], report["score"]], **metrics}
    for name, (before, after) in metrics.items():
        if all(is_number(value) for value in (before, after)):
            yield one_line(name, 80), float(before), float(after)


def shown(run: Run) -> list[tuple[str, str, str, str]]:
    """Return the rows of the table of results: metric, base, fine-tuned, change."""
    case, report = case_of(run), run.report or {}
    titles = {name: metric.title for name, metric in shown_metrics(case).items()} if case else {}
    found = list(measured(run))
    found = [row for row in found if row[0] in titles] or found
    rows = []
    for name, before, after in found:
        change = f"{after - before:+.4f}"
        if name == report.get("metric") and is_interval(report.get("interval")):
            low, high = report["interval"]
            change += f" (95 % interval {low:+.4f} to {high:+.4f})"
        rows.append((titles.get(name, name), f"{before:.4f}", f"{after:.4f}", change))
    return rows


def model_index(name: str, data: str, dataset: str | None, run: Run) -> list[dict[str, Any]]:
    """Return the results before and after as the Hub reads them off a card."""
    report = run.report or {}
    results = []
    if found := list(measured(run)):
        results.append(_result(dataset or "unknown", data, found, report))
    forgotten = report.get("forgetting")
    if forgotten and NEEDED <= set(forgotten) and is_number(forgotten["delta"]):
        row = one_line(forgotten["metric"], 80), forgotten["baseline"], forgotten["score"]
        results.append(_result("unknown", "General English", [row], forgotten))
    return [{"name": name, "results": results}] if results else []


def _result(
    dataset: str, name: str, found: Sequence[Measured], report: Mapping[str, Any]
) -> dict[str, Any]:
    """Return one data set's metrics; the headline's last value carries the change's interval."""
    metrics: list[dict[str, Any]] = []
    for metric, before, after in found:
        for when, value in (("before", before), ("after", after)):
            metrics.append({"type": metric, "value": round(value, 6), "name": f"{metric}, {when}"})
        if metric == one_line(report.get("metric") or "", 80) and NEEDED <= set(report):
            change = {"n": report["n"], "delta": report["delta"]}
            if is_interval(report["interval"]):
                change["interval_95"] = list(report["interval"])
            metrics[-1]["args"] = change
    return {
        "task": {"type": "sentence-similarity", "name": "Sentence Similarity"},
        "dataset": {"type": dataset, "name": name, "split": "test"},
        "metrics": metrics,
    }


def is_number(value: object) -> bool:
    """Tell whether a value is a number that YAML and readers can take."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def is_interval(value: object) -> bool:
    """Tell whether a value is an interval of numbers."""
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(map(is_number, value))
