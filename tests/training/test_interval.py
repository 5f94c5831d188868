"""The interval holds the truth as often as it says, for hits and for means."""

import numpy as np
import pytest
from scipy.stats import multinomial

from ststudio.training.interval import Z, paired_means
from ststudio.training.verdict import verdict
from tests.training.simulated import (
    TOGETHER,
    Draw,
    Rows,
    gains,
    hits,
    trials,
    truth_of,
)

TRIALS = 2_000


def interval_of(up: int, down: int, n: int) -> tuple[float, float]:
    """Return the interval where so many of n hits were won and so many lost."""
    after, before = np.zeros(n), np.zeros(n)
    after[:up] = 1
    before[up : up + down] = 1
    return paired_means(before, after, np.arange(n))


@pytest.mark.parametrize(("up", "down"), [(12, 2), (7, 0), (0, 0)])
def test_the_interval_of_hits_lies_between_two_published_ones(up: int, down: int) -> None:
    n, halves = 200, {}
    for extra in (1, 2):  # Agresti and Min 2005; Bonett and Price 2012
        p_up, p_down = (up + extra / 2) / (n + 2), (down + extra / 2) / (n + 2)
        halves[extra] = Z * np.sqrt((p_up + p_down - (p_up - p_down) ** 2) / (n + 2))
    low, high = interval_of(up, down, n)
    assert halves[1] < (high - low) / 2 < halves[2]
    assert (low + high) / 2 == pytest.approx((up - down) / n, rel=0.01)


@pytest.mark.parametrize("n", [200, 500])
def test_the_interval_of_hits_covers_the_truth_by_count_of_all_outcomes(n: int) -> None:
    most = 50
    outcomes = [(up, down) for up in range(most) for down in range(most)]
    low, high = np.array([interval_of(up, down, n) for up, down in outcomes]).T
    ups, downs = np.array(outcomes).T
    covered = []
    for changes in np.linspace(8, 24, 17):
        for lost in (0.001, 0.25, 0.5, 1):  # to one that is won
            up = changes / n / (1 + lost)
            drawn = multinomial.pmf(
                np.stack([ups, downs, n - ups - downs], axis=1), n, [up, up * lost, 1 - changes / n]
            )
            assert drawn.sum() > 0.9999
            truth = up - up * lost
            covered.append(drawn[(low <= truth) & (truth <= high)].sum())
    assert 0.925 <= min(covered) and max(covered) <= 0.98


def test_identical_models_never_win_or_lose() -> None:
    scores = np.random.default_rng(0).random(400)
    low, high = paired_means(scores, scores, np.arange(400))
    assert low < 0 < high and verdict((low, high), 400) == "MARGINAL"


def test_rows_of_one_unit_count_as_one() -> None:
    rng = np.random.default_rng(0)
    gain = np.repeat(rng.normal(0, 1, 50), 20)  # 50 units, each of 20 equal rows
    zeros = np.zeros(1000)
    by_unit = paired_means(zeros, gain, np.repeat(np.arange(50), 20))
    by_row = paired_means(zeros, gain, np.arange(1000))
    # 1,000 rows that are 50 units say as much as 50: the interval is sqrt(20) times as wide.
    ratio = (by_unit[1] - by_unit[0]) / (by_row[1] - by_row[0])
    assert 3.5 < ratio < 5.5


def test_units_that_rest_on_each_other_count_as_less_than_two() -> None:
    rng = np.random.default_rng(0)
    gain = np.repeat(rng.normal(0, 1, 250), 2)  # 250 couples, whose two always agree
    partner = np.arange(500) ^ 1
    zeros, units = np.zeros(500), np.arange(500)
    alone = np.ptp(paired_means(zeros, gain, units))
    linked = np.ptp(paired_means(zeros, gain, units, [partner, partner]))
    assert linked / alone == pytest.approx(np.sqrt(2), abs=0.02)


SPARSE = {
    "it gets much worse": hits(0.90, 0.20, 0.10),
    "few rows of alike ones change": hits(0.90, 0.01, 0.15, Rows(5, 0.7)),
    "nDCG, many change": gains(0.4, 0.6, 0.5),
    "nDCG, few change": gains(0.08, 0.7, 0.8),
}
USUAL = {
    "hits": hits(0.80, 0.05, 0.30),
    "hits, as many lost as won": hits(0.75, 0.10, 0.30),
    "hits in rows alike": hits(0.80, 0.05, 0.30, TOGETHER),
    "nDCG": gains(0.2, 0.6, 0.7),
}


def check(draw: Draw, n: int) -> None:
    assert 0.925 <= trials(draw, n, TRIALS).covering(truth_of(draw)) <= 0.98


@pytest.mark.parametrize("n", [200, 500])
@pytest.mark.parametrize("draw", USUAL.values(), ids=USUAL)
def test_the_interval_covers_the_truth(draw: Draw, n: int) -> None:
    check(draw, n)


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 500])
@pytest.mark.parametrize("draw", SPARSE.values(), ids=SPARSE)
def test_the_interval_covers_the_truth_of_rarer_shapes(draw: Draw, n: int) -> None:
    check(draw, n)
