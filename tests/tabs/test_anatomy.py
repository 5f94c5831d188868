"""The page says what the histograms show and lists what goes wrong, as text and never as markup."""

from typing import Any

import pytest
from gradio.exceptions import Error

from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.tabs.anatomy import anatomy, mistakes_html, opened, words
from tests.conftest import Training

NASTY = "<img src=x onerror=alert(1)> & </td>"


def found(chosen_on: str = "dev") -> dict[str, Any]:
    pair = {"left": NASTY, "right": "plain", "together": True, "base": 0.31, "tuned": 0.12}
    none = {"count": 0, "pairs": []}
    counts = {"together": [1, 9], "apart": [9, 1]}
    return {
        "together": "an anchor and its positive",
        "apart": "an anchor and its negative",
        "pairs": {"together": 10, "apart": 10},
        "chosen_on": chosen_on,
        "edges": [0.0, 0.5, 1.0],
        "base": {"threshold": 0.5, "accuracy": 0.8, "overlap": 0.38, **counts},
        "tuned": {"threshold": 0.4, "accuracy": 0.9, "overlap": 0.2, **counts},
        "mistakes": {"still": {"count": 30, "pairs": [pair]}, "broken": none, "mended": none},
    }


def test_the_words_give_overlap_threshold_and_accuracy_of_both() -> None:
    said = words(found())
    for part in ("<b>38%</b>", "<b>20%</b>", "80.0%", "90.0%", "from 0.500", "dev rows"):
        assert part in said
    assert "found on these very pairs" not in said


def test_a_threshold_found_on_test_is_owned_up_to() -> None:
    said = words(found("test"))
    assert "found on these very pairs" in said and "other pairs will do worse" in said


def test_too_few_pairs_are_said_and_nothing_is_drawn() -> None:
    few = {key: found()[key] for key in ("together", "apart", "pairs")}
    assert "too few" in words(few) and mistakes_html(few) == ""


def test_texts_of_the_data_are_escaped() -> None:
    listed = mistakes_html(found())
    assert "<img" not in listed
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; &lt;/td&gt;" in listed
    assert "30 pairs, the worst 1 of them" in listed and "Mended" in listed


def an_old_run() -> Run:
    run, _ = get_store().create({"source": {}}, {"case": "triplet"})
    return run


def test_a_run_from_before_shows_nothing_and_breaks_nothing() -> None:
    for run in (None, an_old_run()):
        whole, said, plot, listed = opened(run)
        assert whole["visible"] is False and plot["visible"] is False
        assert said == listed == ""


def test_a_program_is_told_that_a_run_from_before_has_none() -> None:
    with pytest.raises(Error, match="Start a new run"):
        anatomy(an_old_run().id)


@pytest.mark.slow
def test_a_finished_run_has_its_anatomy(training: Training) -> None:
    run = training.run("triplet")
    whole, said, plot, listed = opened(run)
    assert whole["visible"] and plot["visible"] and len(plot["value"].data) == 4
    assert "overlap by" in said and "Still wrong" in listed
    assert anatomy(run.id) == run.anatomy
