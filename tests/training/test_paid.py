"""The price of a gain is said in one sentence, and never smaller than it is."""

from typing import Any

import pytest

from ststudio.data.general import HAND_WRITTEN, STSB
from ststudio.training.paid import paid

FOUND = {
    "source": HAND_WRITTEN,
    "metric": "spearman_cosine",
    "n": 168,
    "baseline": 0.8612,
    "score": 0.8402,
    "delta": -0.021,
    "interval": [-0.0354, -0.0081],
    "verdict": "REGRESSION",
}


def said(facts: dict[str, Any] | None = None, **change: Any) -> str:
    return paid({"forgetting": {**FOUND, **change}}, facts or {})


def test_a_loss_is_said_with_its_interval() -> None:
    assert said() == (
        "**Something was paid.** General English: Spearman correlation on 168 hand-written pairs "
        "fell from 0.861 to **0.840** (-0.021, 95 % interval -0.035 to -0.008)."
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"verdict": "MARGINAL"}, "Nothing was clearly lost."),
        ({"verdict": "WIN", "delta": 0.03}, "General English got better, too."),
        ({"delta": -0.004}, "Something was paid, but hardly enough to notice."),
        ({"n": 99, "verdict": "MARGINAL"}, "Too few general pairs to tell."),
        ({"source": STSB}, "168 pairs of the STS benchmark"),
    ],
)
def test_it_says_what_it_is(change: dict[str, Any], words: str) -> None:
    assert words in said(**change)


@pytest.mark.parametrize(
    "facts",
    [
        {"base_model": {"id": "a/paraphrase-multilingual-MiniLM-L12-v2"}},
        {"findings": [{"code": "mixed_languages"}]},
        {"findings": [{"code": "duplicates"}, {"code": "not_english"}]},
    ],
)
def test_of_other_languages_nothing_is_claimed(facts: dict[str, Any]) -> None:
    words = "other languages is not known"
    assert words in said(facts) and words not in said()


@pytest.mark.parametrize("report", [None, {}, {"forgetting": None}])
def test_where_nothing_was_measured_nothing_is_said(report: dict[str, Any] | None) -> None:
    assert paid(report, {}) == ""
