"""Intervals hold the truth as often as they say, for hits and for means."""

import numpy as np
import pytest

from ststudio.training.interval import Z, paired_means, paired_proportions, wilson
from ststudio.training.verdict import verdict
from tests.training.simulated import (
    TOGETHER,
    Draw,
    Rows,
    gains,
    hits,
    newcombe,
    trials,
    truth_of,
)

TRIALS = 2_000


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


@pytest.mark.parametrize(("up", "down"), [(12, 2), (7, 0), (0, 0)])
def test_means_of_hits_have_the_interval_of_bonett_and_price(up: int, down: int) -> None:
    n = 200
    after = np.zeros(n)
    after[:up] = 1
    before = np.zeros(n)
    before[up : up + down] = 1
    p_up, p_down = (up + 1) / (n + 2), (down + 1) / (n + 2)
    half = Z * np.sqrt((p_up + p_down - (p_up - p_down) ** 2) / (n + 2))
    expected = (p_up - p_down - half, p_up - p_down + half)
    assert paired_means(before, after, np.arange(n)) == pytest.approx(expected, abs=1e-12)


def test_identical_models_never_win_or_lose() -> None:
    scores = np.random.default_rng(0).random(400)
    units = np.arange(400)
    for low, high in (paired_means(scores, scores, units), newcombe(scores, scores, units)):
        assert low <= 0 <= high
        assert verdict((low, high), 400) == "MARGINAL"


def test_rows_of_one_unit_count_as_one() -> None:
    rng = np.random.default_rng(0)
    gain = np.repeat(rng.normal(0, 1, 50), 20)  # 50 units, each of 20 equal rows
    zeros = np.zeros(1000)
    by_unit = paired_means(zeros, gain, np.repeat(np.arange(50), 20))
    by_row = paired_means(zeros, gain, np.arange(1000))
    # 1,000 rows that are 50 units say as much as 50: the interval is sqrt(20) times as wide.
    ratio = (by_unit[1] - by_unit[0]) / (by_row[1] - by_row[0])
    assert 3.5 < ratio < 5.5


HITS = {
    "a gain": hits(0.80, 0.05, 0.30),
    "hardly any change": hits(0.95, 0.01, 0.30),
    "as much lost as won": hits(0.75, 0.10, 0.30),
    "nothing lost": hits(0.70, 0.0001, 0.10),
    "much worse": hits(0.90, 0.20, 0.10),
}
CLUSTERS = {
    "rows of a unit alike": hits(0.80, 0.05, 0.30, TOGETHER),
    "and few of them change": hits(0.90, 0.01, 0.15, Rows(5, 0.7)),
}
QUERIES = {
    "many change": gains(0.4, 0.6, 0.5),
    "few change": gains(0.08, 0.7, 0.8),
    "hardly any change": gains(0.05, 0.5, 0.9),
}


@pytest.mark.parametrize("n", [200, 500])
@pytest.mark.parametrize("name", HITS)
def test_the_interval_of_hits_covers_the_truth(name: str, n: int) -> None:
    found = trials(HITS[name], n, TRIALS, newcombe)
    assert 0.925 <= found.covering(truth_of(HITS[name])) <= 0.98


@pytest.mark.parametrize("n", [200, 500])
@pytest.mark.parametrize(
    "draw",
    [*HITS.values(), *CLUSTERS.values(), *QUERIES.values()],
    ids=[*HITS, *CLUSTERS, *QUERIES],
)
def test_the_interval_of_means_covers_the_truth(draw: Draw, n: int) -> None:
    assert 0.925 <= trials(draw, n, TRIALS).covering(truth_of(draw)) <= 0.98
