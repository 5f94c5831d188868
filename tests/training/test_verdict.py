import pytest

from ststudio.training.verdict import in_words, movement, verdict


@pytest.mark.parametrize(
    ("interval", "n", "expected"),
    [
        ((0.01, 0.05), 500, "WIN"),
        ((-0.05, -0.01), 500, "REGRESSION"),
        ((-0.01, 0.05), 500, "MARGINAL"),
        ((0.0, 0.05), 500, "MARGINAL"),
        ((0.01, 0.05), 99, "MARGINAL"),
        ((0.01, 0.05), 100, "WIN"),
    ],
)
def test_the_verdict_follows_the_interval_and_the_number_of_units(
    interval: tuple[float, float], n: int, expected: str
) -> None:
    assert verdict(interval, n) == expected


@pytest.mark.parametrize(("delta", "hardly"), [(0.004, True), (-0.004, True), (0.05, False)])
def test_a_difference_that_is_there_and_changes_nothing_is_called_so(
    delta: float, hardly: bool
) -> None:
    report = {
        "n": 500,
        "delta": delta,
        "baseline": 0.7,
        "score": 0.7 + delta,
        "interval": [delta - 0.003, delta + 0.003],
        "verdict": "WIN" if delta > 0 else "REGRESSION",
    }
    head, sentence = in_words(report, "Triplet accuracy", "anchors")
    assert ("hardly enough to notice" in head) == hardly
    assert sentence.startswith("Triplet accuracy on 500 held-out anchors ")


@pytest.mark.parametrize(
    ("low", "shown"),
    [(0.0124, "+0.012"), (0.0004, "+0.0004"), (0.00002, "+0.00002"), (0.0, "+0.000")],
)
def test_no_bound_looks_like_zero_that_is_not(low: float, shown: str) -> None:
    report = {"delta": 0.02, "baseline": 0.7, "score": 0.72, "interval": [low, 0.04]}
    assert f"95 % interval {shown} to" in movement(report)
