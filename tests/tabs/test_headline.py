"""The headline: what was measured, what was not, and what of the difference is the size."""

import pytest
from gradio.exceptions import Error

from ststudio.tabs.headline import ABOUT, duration, find_pair, result_html
from ststudio.tabs.session import Session

FOUND = {
    "n": 10_000, "known": 12_000, "pairs": 49_995_000, "pair": ["<b>one</b>", "two" * 200],
    "cosine": 0.983, "embedding_seconds": 12.3, "embedding_alone_seconds": 11.0,
    "comparing_seconds": 0.8, "device": "cpu",
    "threads": 2,
    "bert": {"passes": 256, "seconds": 20.0, "tokens": 40.0, "per_second": 12.8},
    "own": {"passes": 256, "seconds": 2.0, "tokens": 40.0, "per_second": 128.0},
}  # fmt: skip


def test_both_times_stand_side_by_side_with_where_they_come_from() -> None:
    said = result_html(FOUND)
    assert "13.1 s" in said and "45 days" in said
    assert "measured: 12.3 s to embed" in said and "800 ms to compare all 49,995,000" in said
    assert "extrapolated from 256 real passes at 12.8 a second" in said
    assert "random weights, since time does not depend on them" in said
    assert "49,995,000" in ABOUT and "65 hours" in ABOUT and "V100" in ABOUT


def test_it_says_how_much_of_the_difference_is_the_models_size() -> None:
    assert "would read 128 pairs a second and take 4.5 days" in result_html(FOUND)
    assert "this run's own" not in result_html({**FOUND, "own": None})


def test_fewer_sentences_are_said_with_their_pairs() -> None:
    fewer = {**FOUND, "n": 1_000, "known": 1_000, "pairs": 499_500}
    said = result_html(fewer)
    assert "1,000 sentences (all the different texts it has), not 10,000" in said
    assert "n(n−1)/2 = 499,500 pairs" in said and "11 hours for those" in said
    assert "what fits the time" in result_html({**fewer, "known": 30_000})
    assert "not 10,000" not in result_html(FOUND)


def test_a_busy_machine_is_said() -> None:
    busy = result_html({**FOUND, "embedding_seconds": 160.0})
    assert "busy with other work" in busy and "about 11.0 s at best" in busy
    assert "busy" not in result_html(FOUND)


def test_texts_are_escaped_and_cut() -> None:
    said = result_html(FOUND)
    assert "<b>one" not in said and "&lt;b&gt;one" in said
    assert "two" * 200 not in said


def test_durations_have_the_unit_that_people_would_use() -> None:
    told = [duration(seconds) for seconds in (0.012, 4.25, 600, 36_000, 5 * 86_400, 1e9)]
    assert told == ["12 ms", "4.2 s", "10 minutes", "10 hours", "5.0 days", "32 years"]


def test_without_a_run_there_is_nothing_to_compare() -> None:
    with pytest.raises(Error, match="Fine-tune tab"):
        list(find_pair(Session()))
