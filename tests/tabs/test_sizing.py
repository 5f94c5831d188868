"""The accordion of sizes: what it says of the numbers, and by which rule it chooses."""

from typing import Any

import pytest
from gradio.exceptions import Error

from ststudio.compare.size_figure import size_figure
from ststudio.palette import BASE, TUNED
from ststudio.tabs.session import Session
from ststudio.tabs.sizing import measure_sizes, opened, table_html, words_html


def row(dims: int, precision: str, mb: int, base: float, tuned: float) -> dict[str, Any]:
    quality = {"base": base, "tuned": tuned}
    return {"dims": dims, "precision": precision, "mb": mb, "quality": quality,
            "ms": 0.5, "ms_scaled": 21.0}  # fmt: skip


FOUND = {
    "rows": [
        row(384, "float32", 1_536, 0.60, 0.80),
        row(384, "int8", 384, 0.60, 0.80),
        row(384, "binary", 48, 0.55, 0.79),
        row(96, "float32", 384, 0.48, 0.76),
        row(96, "int8", 96, 0.48, 0.76),
        row(96, "binary", 12, 0.30, 0.60),
    ],
    "n": 200, "of": 200, "texts": 1_240, "scaled": 100_000, "relevance": True,
    "errors": {"base": 0.03, "tuned": 0.015}, "allowed": {"base": 0.02, "tuned": 0.015},
    "choice": {"base": 1, "tuned": 2}, "trained": [],
}  # fmt: skip


def test_it_names_the_sensible_size_and_its_rule() -> None:
    said = words_html(FOUND)
    assert "384 dimensions as binary" in said and "32 times smaller" in said
    assert "0.790 instead of 0.800" in said and "on 200 test queries" in said
    assert "one standard error" in said and "±0.015" in said and "never more than 0.02" in said


def test_it_says_what_cutting_does_to_each_model() -> None:
    said = words_html(FOUND)
    assert "Cut to 96 of 384 dimensions" in said
    assert "the base model keeps 80%" in said and "the fine-tuned one 95%" in said
    assert "not trained with Matryoshka" in said and "lose more" in said
    assert "trained with Matryoshka at 96 dimensions" in words_html({**FOUND, "trained": [96]})


def test_where_nothing_is_relevant_it_says_what_was_counted_instead() -> None:
    said = words_html({**FOUND, "relevance": False, "allowed": {"base": 0.1, "tuned": 0.1}})
    assert "does not say what is relevant" in said and "still finds 90%" in said
    assert "standard error" not in said


def test_the_table_has_every_size_and_is_honest_about_time() -> None:
    said = table_html(FOUND)
    assert said.count("<tr>") == 7
    assert "1,536" in said and "(-0.010) <b>sensible</b>" in said
    assert "1,240 filled up with random ones" in said and "one thread" in said
    own = [{**one, "ms_scaled": None} for one in FOUND["rows"]]  # type: ignore[union-attr]
    assert "filled up" not in table_html({**FOUND, "rows": own})


def test_a_corpus_that_tells_no_size_from_another_is_said() -> None:
    few = words_html({**FOUND, "texts": 150})
    assert "Only 150 texts were searched" in few and "Smallest that passes here" in few
    easy = [{**one, "quality": {"base": 1.0, "tuned": 1.0}} for one in FOUND["rows"]]  # type: ignore[attr-defined]
    said = words_html({**FOUND, "rows": easy})
    assert "1,240 texts were searched, and the whole vector answers almost every query" in said
    assert "larger corpus" not in words_html(FOUND)


def test_queries_that_were_left_out_are_said() -> None:
    assert "on 200 of 5,000 test queries" in words_html({**FOUND, "of": 5_000})


def test_the_plot_has_both_models_in_their_colours_on_a_log_axis() -> None:
    figure = size_figure(FOUND)
    assert figure.layout.xaxis.type == "log"
    lines = [trace for trace in figure.data if trace.mode == "lines+markers"]
    assert {trace.line.color for trace in lines} == {BASE, TUNED} and len(lines) == 6
    rings = [trace for trace in figure.data if trace.mode == "markers"]
    assert [(ring.x[0], ring.y[0]) for ring in rings] == [(384, 0.60), (48, 0.79)]


def test_without_a_run_there_is_nothing_to_measure() -> None:
    with pytest.raises(Error, match="Fine-tune tab"):
        list(measure_sizes(Session()))
    assert not opened(None)[1]["visible"]
