"""The report as one file: whole, without a script, and no markup out of anyone's data."""

from __future__ import annotations

import math
from html.parser import HTMLParser
from typing import Any

import pytest

from ststudio.hub.drawings import curve, histograms, interval
from ststudio.hub.report_page import report_page
from ststudio.runs.run import Run
from tests.push.conftest import FACTS, RECIPE, REPORT
from tests.push.test_card import HOSTILE

ANATOMY = {
    "edges": [-1.0, 0.0, 0.5, 1.0],
    "pairs": {"together": 10, "apart": 20},
    "base": {"together": [0, 4, 6], "apart": [5, 10, 5], "threshold": 0.4},
    "tuned": {"together": [0, 1, 9], "apart": [10, 8, 2], "threshold": 0.5},
}
FORGOTTEN = {
    "source": "hand-written", "metric": "spearman_cosine", "n": 168, "baseline": 0.86,
    "score": 0.81, "delta": -0.05, "interval": [-0.09, -0.02], "verdict": "REGRESSION",
}  # fmt: skip
VOID = {"meta", "br"}


class Read(HTMLParser):
    """Read a page as a browser would: its tags, its text, and whether all that opens is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text, self.open = "", list[str]()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):  # type: ignore[union-attr]
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data


def logged(run: Run) -> Run:
    for step in range(1, 5):
        run.append_log({"step": step, "loss": 1.0 / step, "seconds": 1.0})
        run.append_log({"step": step, "metric": 0.6 + step / 100, "seconds": 1.0})
    run.write("anatomy", ANATOMY)
    return run


def test_the_report_holds_verdict_cost_figures_and_recipe(make_bare: Any) -> None:
    run = logged(make_bare(FACTS, report={**REPORT, "forgetting": FORGOTTEN}))
    page = report_page(run)
    read = Read(page)
    assert read.open == []
    for words in (
        "Fine-tuning helped",
        "rose from 0.612 to 0.742 (+0.130, 95 % interval +0.080 to +0.180)",
        "Something was paid.",
        "sentence-transformers/all-MiniLM-L6-v2",
        "Licence of the data",
        '"learning_rate": 5e-05',
        "Searched within 220 documents.",
    ):
        assert words in read.text, words
    assert read.tags.count("svg") == 4
    assert "secret row" not in page


def test_the_report_fetches_nothing_and_runs_nothing(make_bare: Any) -> None:
    read = Read(report_page(logged(make_bare(FACTS))))
    assert {"script", "link", "img", "iframe", "a", "object", "form"}.isdisjoint(read.tags)
    assert not [
        name for name, _ in read.attributes if name.startswith("on") or name in ("src", "href")
    ]
    policies = [value for name, value in read.attributes if name == "content"]
    assert "default-src 'none'; style-src 'unsafe-inline'" in policies


@pytest.mark.parametrize("nasty", HOSTILE)
def test_no_data_becomes_markup(nasty: str, make_bare: Any) -> None:
    nasty = nasty.replace("\ud800", "")
    facts = {
        **FACTS,
        "title": nasty,
        "licence": nasty,
        "notes": [nasty],
        "loss": nasty,
        "base_model": {"id": nasty, "revision": nasty, "origin": "hub"},
        "counts": {nasty: 2},
    }
    report = {**REPORT, "metric": nasty, "metrics": {nasty: [0.1, 0.2]}}
    plain = Read(report_page(logged(make_bare(FACTS))))
    read = Read(
        report_page(logged(make_bare(facts, {**RECIPE, "prompts": {"anchor": nasty}}, report)))
    )
    assert read.open == []
    assert set(read.tags) == set(plain.tags)
    assert read.tags.count("h1") == 1


def test_no_id_that_opens_an_upload_or_a_run_is_told(make_bare: Any) -> None:
    secret = "5e" * 16
    recipe = {**RECIPE, "source": {"kind": "upload", "id": secret}, "base_model": f"run:{secret}"}
    base = {"id": f"run:{secret}", "revision": None, "origin": "run"}
    facts = {**FACTS, "source": recipe["source"], "base_model": base}
    assert secret not in report_page(make_bare(facts, recipe))


def test_a_run_that_was_not_measured_has_a_report_that_says_so(make_bare: Any) -> None:
    assert "not measured" in Read(report_page(make_bare({}, {"source": {}}, None))).text


def test_what_cannot_be_drawn_is_left_out() -> None:
    assert curve([(1.0, 0.5)], "one point") == ""
    assert curve([(1.0, math.nan), (2.0, 0.5)], "one number") == ""
    assert interval({**REPORT, "interval": [-math.inf, math.inf]}, "endless") == ""


def test_a_drawing_has_its_values_in_their_places() -> None:
    flat = curve([(0.0, 0.5), (10.0, 0.5)], "flat")
    points = flat.split('points="')[1].split('"')[0].split(" ")
    assert len({point.split(",")[1] for point in points}) == 1
    bars = histograms(ANATOMY, "cosines").count("<rect")
    assert bars == sum(bool(n) for model in ("base", "tuned") for kind in ("together", "apart")
                       for n in ANATOMY[model][kind])  # type: ignore[index]  # fmt: skip
