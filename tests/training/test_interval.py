"""The interval holds the truth as often as it says, for hits and for means."""

import numpy as np
import pytest

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


@pytest.mark.parametrize(("up", "down"), [(12, 2), (7, 0), (0, 0)])
def test_means_of_hits_have_the_interval_of_agresti_and_min(up: int, down: int) -> None:
    n = 200
    after, before = np.zeros(n), np.zeros(n)
    after[:up] = 1
    before[up : up + down] = 1
    p_up, p_down = (up + 0.5) / (n + 2), (down + 0.5) / (n + 2)  # half a unit in each of four cells
    half = Z * np.sqrt((p_up + p_down - (p_up - p_down) ** 2) / (n + 2))
    expected = (p_up - p_down - half, p_up - p_down + half)
    assert paired_means(before, after, np.arange(n)) == pytest.approx(expected, abs=1e-12)


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
    "one in forty changes": hits(0.95, 0.01, 0.30),
    "nothing is lost": hits(0.70, 0.0001, 0.10),
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
