"""Pseudo-values average to the metric, are its slopes, and make intervals that hold the truth."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score

from ststudio.training.influence import average_precision, spearman
from tests.training.simulated import (
    TOGETHER,
    Draw,
    Floats,
    neighbours,
    precisions,
    ranks,
    trials,
    truth_of,
)

TRIALS = 2_000
RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 6, 80) / 5
COSINES = np.round(TRUTH + RNG.normal(0, 0.5, 80), 1)  # both sides have ties
LABELS = (TRUTH > 0.5).astype(float)


def weighted_spearman(truth: Floats, cosines: Floats, weights: Floats) -> float:
    """Compute Spearman's correlation by its definition, each row counted by its weight."""
    ranks = [
        np.array([weights[v < x].sum() + weights[v == x].sum() / 2 for x in v])
        for v in (truth, cosines)
    ]
    a, b = (rank - np.average(rank, weights=weights) for rank in ranks)
    return float(
        (weights * a * b).sum() / np.sqrt((weights * a * a).sum() * (weights * b * b).sum())
    )


def weighted_precision(labels: Floats, cosines: Floats, weights: Floats) -> float:
    """Compute average precision by its definition, each row counted by its weight."""
    total = 0.0
    for label, cosine, weight in zip(labels, cosines, weights, strict=True):
        above = cosines >= cosine
        total += weight * label * (weights * labels)[above].sum() / weights[above].sum()
    return total / float((weights * labels).sum())


@pytest.mark.parametrize(
    ("pseudo", "defined", "known", "wanted"),
    [
        (spearman, weighted_spearman, TRUTH, spearmanr(TRUTH, COSINES).statistic),
        (average_precision, weighted_precision, LABELS, average_precision_score(LABELS, COSINES)),
    ],
)
def test_pseudo_values_average_to_the_metric_and_are_its_slopes(
    pseudo: Callable[[Floats, Floats], Floats],
    defined: Callable[[Floats, Floats, Floats], float],
    known: Floats,
    wanted: float,
) -> None:
    found = pseudo(known, COSINES)
    assert found.mean() == pytest.approx(wanted, abs=1e-12)
    step = 1e-5
    for row in range(0, len(known), 7):
        up, down = np.ones(len(known)), np.ones(len(known))
        up[row], down[row] = 1 + step, 1 - step
        slope = (defined(known, COSINES, up) - defined(known, COSINES, down)) / (2 * step)
        assert found[row] == pytest.approx(wanted + len(known) * slope, abs=1e-6)


def test_what_is_not_defined_moves_nothing() -> None:
    ones = np.ones(5)
    assert spearman(ones, np.arange(5.0)).tolist() == [0] * 5
    assert spearman(np.arange(5.0), ones).tolist() == [0] * 5
    assert average_precision(np.zeros(5), np.arange(5.0)).tolist() == [0] * 5


USUAL = {
    "correlation": ranks(0.8, 0.6),
    "correlation, rows alike": ranks(0.8, 0.6, TOGETHER),
    "precision": precisions(0.37, 1.2, 1.6),
    "precision, rows alike": precisions(0.37, 1.2, 1.6, TOGETHER),
}
OTHERS = {
    "correlation is high": ranks(0.25, 0.2),
    "correlation stays": ranks(0.7, 0.7),
    "precision of a tenth": precisions(0.1, 1.5, 1.8),
    "precision stays": precisions(0.37, 1.5, 1.5),
    "precision is high": precisions(0.5, 2.6, 3.0),
}
TEXTS = {
    "six classes": neighbours(6, 2.2, 1.8),
    "seventy classes": neighbours(70, 1.2, 1.0),
    "no change": neighbours(6, 2.0, 2.0),
}


@pytest.mark.parametrize("n", [200, pytest.param(500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("draw", USUAL.values(), ids=USUAL)
def test_the_interval_of_a_statistic_covers_the_truth(draw: Draw, n: int) -> None:
    assert 0.925 <= trials(draw, n, TRIALS).covering(truth_of(draw)) <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 500])
@pytest.mark.parametrize("draw", OTHERS.values(), ids=OTHERS)
def test_the_interval_of_other_statistics_covers_the_truth(draw: Draw, n: int) -> None:
    assert 0.925 <= trials(draw, n, TRIALS).covering(truth_of(draw)) <= 0.98


def check_texts(draw: Draw, n: int) -> None:
    # A text's neighbour is another test text: the truth is that of test parts of n texts.
    truth = float(trials(draw, n, TRIALS, seed=8).deltas.mean())
    assert 0.925 <= trials(draw, n, TRIALS).covering(truth) <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 500])
@pytest.mark.parametrize("draw", TEXTS.values(), ids=TEXTS)
def test_the_interval_of_class_accuracy_covers_the_truth(draw: Draw, n: int) -> None:
    check_texts(draw, n)
