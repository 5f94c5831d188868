"""How much each row moves a metric: pseudo-values, whose mean is the metric itself."""

import numpy as np

from ststudio.training.interval import Floats, Ints


def spearman(truth: Floats, cosines: Floats) -> Floats:
    """Return pseudo-values of Spearman's rank correlation, shape [rows]; 0 if a side is constant.

    By the infinitesimal jackknife (Jaeckel 1972; Efron 1982, "The jackknife, the bootstrap and
    other resampling plans", chapter 6): value + n · slope of the metric in the row's weight. It is
    exact and needs no resamples, as a midrank is the weight below a row and half of that beside it.
    """
    n = len(truth)
    x, y = _places(truth), _places(cosines)
    ranks = [_below(places) for places in (x, y)]
    spreads = [float(rank @ rank) - n**3 / 4 for rank in ranks]
    if min(spreads) < 0.5:  # of two rows that differ it is 1/2
        return np.zeros(n)
    value = (float(ranks[0] @ ranks[1]) - n**3 / 4) / np.sqrt(spreads[0] * spreads[1])
    slope = _slope(x, y, *ranks) / np.sqrt(spreads[0] * spreads[1])
    for places, rank, spread in zip((x, y), ranks, spreads, strict=True):
        slope = slope - value * _slope(places, places, rank, rank) / (2 * spread)
    return np.asarray(value + n * slope)


def _places(values: Floats) -> Ints:
    """Return the number of each value among the distinct ones, the least first, from 0."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _below(places: Ints) -> Floats:
    """Return each row's midrank, counted from 0."""
    beside = np.bincount(places)
    return np.asarray((np.cumsum(beside) - beside / 2)[places])


def _above(places: Ints, values: Floats) -> Floats:
    """Sum the values of all rows that stand above each row, and half of those beside it."""
    beside = np.bincount(places, weights=values)
    return np.asarray((np.cumsum(beside[::-1])[::-1] - beside / 2)[places])


def _slope(x: Ints, y: Ints, x_rank: Floats, y_rank: Floats) -> Floats:
    """Return how the sum of (weighted) products of ranks, from their means, grows with a row."""
    return x_rank * y_rank + _above(x, y_rank) + _above(y, x_rank) - 0.75 * len(x) ** 2


def average_precision(labels: Floats, cosines: Floats) -> Floats:
    """Return pseudo-values of average precision, labels 0 or 1, shape [rows]; 0 without a 1.

    By the infinitesimal jackknife, as `spearman`. Equal cosines are one threshold, as they are in
    scikit-learn.
    """
    positives = float(labels.sum())
    if positives == 0:
        return np.zeros(len(labels))
    places = _places(-cosines)
    found = np.bincount(places, weights=labels)
    seen = np.cumsum(np.bincount(places))
    precision = np.cumsum(found) / seen
    value = float(found @ precision) / positives
    # A row counts in the precision at its own threshold and at all below.
    hits = np.cumsum((found / seen)[::-1])[::-1]
    dilution = np.cumsum((found * precision / seen)[::-1])[::-1]
    slope = labels * (precision + hits - value)[places] - dilution[places]
    return np.asarray(value + len(labels) * slope / positives)
