"""The interval of a difference between two models that were measured on the same units."""

import math
from collections.abc import Sequence
from statistics import NormalDist  # not scipy.stats: the page imports this, and that takes a second

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CONFIDENCE = 0.95
# Units counted in where few change, half up and half down: one too few covers less than it says
# where all change in one direction, two cover more where as many are lost as won.
PSEUDO_UNITS = 1.5
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


def paired_means(
    before: Floats, after: Floats, units: Ints, nearest: Sequence[Ints] = ()
) -> Interval:
    """Return the interval of mean(after − before), where rows of one unit count as one.

    All arrays have shape [rows]; `units` numbers the unit of each row from 0, `nearest` names for
    each model the row on which a row's value rests. The values may be pseudo-values (influence.py).
    Their mean over unequal units is a ratio, with the variance of one (Cochran 1977, section 6.4).
    A unit and the one it rests on vary together, so their products count in, too, as for data that
    depend on each other along a network (Kojevnikov, Marmer and Song 2021). Where few units change,
    a normal interval is too short, and the percentile bootstrap more so: some pseudo-units are
    counted in, as large as those that the variance rests on. For hits they are ±1, between the one
    of Agresti and Min 2005, "Simple improved confidence intervals for comparing matched
    proportions", and the two of Bonett and Price 2012, "Adjusted Wald confidence interval for a
    difference of binomial proportions based on paired data".
    """
    difference = after - before
    n = int(units.max()) + 1
    rows = np.bincount(units, minlength=n)
    delta = float(difference.mean())
    excess = np.bincount(units, weights=difference, minlength=n) - delta * rows
    gains = delta + excess * n / len(units)
    squares = gains**2
    size = float(squares @ squares / squares.sum()) if squares.any() else 1.0
    total = n + PSEUDO_UNITS
    centre = float(gains.sum()) / total
    together = _together(gains - delta, [(units, units[other]) for other in nearest])
    variance = (float(squares.sum()) + PSEUDO_UNITS * size + 2 * together) / total - centre**2
    half = Z * math.sqrt(variance / total)
    return centre - half, centre + half


def _together(excess: Floats, links: Sequence[tuple[Ints, Ints]]) -> float:
    """Sum the products of units that are linked, each two once; 0 where that is negative."""
    n = len(excess)
    pairs = [np.minimum(one, other) * n + np.maximum(one, other) for one, other in links]
    known = np.unique(np.concatenate(pairs)) if pairs else np.zeros(0, np.int64)
    one, other = known // n, known % n
    return max(0.0, float((excess[one] * excess[other])[one != other].sum()))
