"""The verdict in words and as a table, of a report as a run leaves it."""

import re
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.tabs.compare import heading
from ststudio.tabs.verdict import classifier_words, metrics_html, verdict_words

REPORT: dict[str, Any] = {
    "metric": "class_accuracy",
    "n": 500,
    "baseline": 0.7,
    "score": 0.8,
    "delta": 0.1,
    "interval": [0.06, 0.14],
    "verdict": "WIN",
    "metrics": {
        "class_accuracy": [0.7, 0.8],
        "triplet_accuracy": [0.8, 0.9],
        "cosine_ndcg@10": [0.6, 0.7],
        "cosine_mrr@10": [0.61, 0.71],
        "cosine_accuracy@1": [0.5, 0.6],
        "cosine_accuracy@3": [0.5, 0.6],
        "cosine_recall@10": [0.01, 0.02],
        "cosine_precision@10": [0.4, 0.3],
    },
    "rows_used": 1_000,
    "train_seconds": 40.0,
    "seconds": 55.0,
}
CLASSIFIER = {
    "n": 500,
    "texts": 1_800,
    "of": 4_000,
    "accuracy": [0.90, 0.93],
    "neighbour": [0.80, 0.85],
    "interval": [0.05, 0.11],
}


def a_run(folder: Path, report: dict[str, Any] | None, case: str = "text-class") -> Run:
    run, _ = RunStore(folder).create({}, {"case": case, "title": "Tickets <b>", "notes": []})
    if report is not None:
        run.write("report", report)
    return run


def test_the_sentence_names_the_unit(tmp_path: Path) -> None:
    words = verdict_words(a_run(tmp_path, REPORT))
    assert "### Fine-tuning helped" in words and "Tickets &lt;b&gt;" in words
    assert "Nearest-neighbour class accuracy on 500 held-out texts rose from 0.700" in words
    assert "classifier" not in words
    assert verdict_words(a_run(tmp_path, None)) == ""
    other = {**REPORT, "metric": "cosine_ndcg@10"}
    assert "nDCG@10 on 500 held-out queries" in verdict_words(a_run(tmp_path, other, "pair"))


@pytest.mark.parametrize(
    ("used", "said"),
    [(64, "64 of 768 training rows: \\*\\*let it train longer"), (768, "hard negatives")],
)
def test_who_won_nothing_is_told_what_to_try(tmp_path: Path, used: int, said: str) -> None:
    report = {**REPORT, "verdict": "MARGINAL", "interval": [-0.1, 0.14], "rows_used": used}
    run = a_run(tmp_path, report)
    run.update_facts(counts={"train": 768})
    assert re.search(said, verdict_words(run))
    for verdict in ("WIN", "REGRESSION"):
        run.write("report", {**report, "verdict": verdict})
        assert not re.search("train longer|hard negatives", verdict_words(run))


def test_of_a_model_that_was_opened_nothing_is_said_of_rows(tmp_path: Path) -> None:
    report = {**REPORT, "verdict": "MARGINAL", "interval": [-0.1, 0.14]}
    assert "training rows" not in verdict_words(a_run(tmp_path, report))


def test_the_table_shows_a_few_metrics_by_name_and_the_change_of_each(tmp_path: Path) -> None:
    table = metrics_html(a_run(tmp_path, REPORT))
    assert table.count("<tr>") == 7  # of eight metrics six, and the head
    for cell in ("nDCG@10", "MRR@10", "Precision@10", "0.7000", "0.8000", "+0.1000", "-0.1000"):
        assert cell in table, cell
    assert "cosine_" not in table and "@3" not in table and "Recall" not in table
    assert table.index("Nearest-neighbour") < table.index("Triplet accuracy")


@pytest.mark.parametrize(
    ("interval", "said"), [((0.05, 0.11), True), ((-0.01, 0.05), False), ((-0.1, -0.05), False)]
)
def test_a_classifier_is_called_better_only_where_it_is(
    interval: tuple[float, float], said: bool
) -> None:
    words = classifier_words({"classifier": {**CLASSIFIER, "interval": interval}})
    assert bool(words) == said
    if said:
        for part in ("1,800 training texts (of 4,000", "93.0%", "90.0%", "85.0%", "80.0%", "8.0"):
            assert part in words, part


def test_nothing_is_said_of_a_classifier_where_none_was_measured() -> None:
    assert classifier_words(REPORT) == ""


def test_a_title_fetches_nothing_and_is_no_markup(tmp_path: Path) -> None:
    run = a_run(tmp_path, REPORT)
    run.update_facts(title="![x](http://evil.example/p.png)", notes=["[y](javascript:1)"])
    shown = MarkdownIt("commonmark").parse(f"{verdict_words(run)}\n\n{heading(run)}")
    inside = {child.type for token in shown for child in token.children or []}
    assert {"image", "link_open"}.isdisjoint(inside)
