import numpy as np
import pytest
from scipy.stats import spearmanr

from ststudio.training.verdict import (
    bootstrap_mean,
    bootstrap_statistic,
    in_words,
    paired_proportions,
    verdict,
    wilson,
)


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
    assert ("hardly enough to notice" in in_words(report, "Accuracy")[0]) == hardly


def test_wilson_gives_the_published_interval() -> None:
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I: 81 / 263.
    low, high = wilson(81, 263, 1.959964)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # Newcombe 1998, "Improved confidence intervals … paired data", method 10.
        ((36, 12, 2, 0), (0.0569, 0.3404)),
        # By hand: phi is 0, and Wilson gives 0.7381 to 0.9305 for 43/50, 0.9287 to 1 for 50/50.
        ((43, 0, 7, 0), (-0.2619, -0.0397)),
    ],
)
def test_paired_proportions_give_known_intervals(
    counts: tuple[int, int, int, int], expected: tuple[float, float]
) -> None:
    both, only_after, only_before, neither = counts
    after = np.array([1] * both + [1] * only_after + [0] * only_before + [0] * neither, bool)
    before = np.array([1] * both + [0] * only_after + [1] * only_before + [0] * neither, bool)
    assert paired_proportions(before, after) == pytest.approx(expected, abs=1e-4)


def test_identical_models_never_win_or_lose() -> None:
    hits = np.random.default_rng(0).random(400) < 0.8
    low, high = paired_proportions(hits, hits)
    assert low <= 0 <= high
    scores = hits.astype(float)
    assert bootstrap_mean(scores, scores, np.arange(400)) == (0.0, 0.0)
    assert verdict(bootstrap_mean(scores, scores, np.arange(400)), 400) == "MARGINAL"


def covered(n: int, trials: int) -> float:
    """Return how often the interval of paired hits holds the true difference."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(trials):
        draw = rng.random(n)
        flips = rng.random(n)
        before = draw < 0.80
        after = np.where(before, flips > 0.05, flips < 0.3)  # 5 % turn wrong, 30 % right
        truth = 0.2 * 0.3 - 0.8 * 0.05
        low, high = paired_proportions(before, after)
        hits += low <= truth <= high
    return hits / trials


@pytest.mark.parametrize("n", [200, 500])
def test_the_paired_interval_covers_the_truth(n: int) -> None:
    assert 0.925 <= covered(n, 2000) <= 0.98


def test_the_bootstrap_covers_the_truth_of_a_mean() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        before = rng.beta(2, 1, 200)
        after = before + rng.normal(0.02, 0.1, 200)
        low, high = bootstrap_mean(before, after, np.arange(200))
        hits += low <= 0.02 <= high
    assert hits / 200 >= 0.9


def test_rows_of_one_unit_are_resampled_together() -> None:
    rng = np.random.default_rng(0)
    gain = np.repeat(rng.normal(0, 1, 50), 20)  # 50 units, each of 20 equal rows
    zeros = np.zeros(1000)
    by_unit = bootstrap_mean(zeros, gain, np.repeat(np.arange(50), 20))
    by_row = bootstrap_mean(zeros, gain, np.arange(1000))
    # 1,000 rows that are 50 units say as much as 50: the interval is sqrt(20) times as wide.
    ratio = (by_unit[1] - by_unit[0]) / (by_row[1] - by_row[0])
    assert 3.5 < ratio < 5.5


def test_a_statistic_is_bootstrapped_over_units() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(300)
    before = truth + rng.normal(0, 1.0, 300)
    after = truth + rng.normal(0, 0.3, 300)

    def rank(a: np.ndarray, b: np.ndarray) -> float:
        return float(spearmanr(a, b).statistic)

    interval = bootstrap_statistic(rank, truth, before, after, np.arange(300) // 2)
    delta = rank(truth, after) - rank(truth, before)
    assert interval[0] < delta < interval[1]
    assert interval[0] > 0.1
