"""The interval of a difference between two models that were measured on the same units."""

import math
from statistics import NormalDist  # not scipy.stats: the page imports this, and that takes a second

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


def wilson(hits: float, n: int, z: float) -> Interval:
    """Return the Wilson score interval of a proportion (Wilson 1927)."""
    p = hits / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return float(centre - half), float(centre + half)


def paired_proportions(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Interval:
    """Return Newcombe's interval of after − before for paired hits, both of shape [units].

    Source: Newcombe 1998, "Improved confidence intervals for the difference between binomial
    proportions based on paired data", method 10. The percentile bootstrap covers far too little
    when few units change.
    """
    n = len(before)
    both, only_after = int((before & after).sum()), int((after & ~before).sum())
    only_before = int((before & ~after).sum())
    neither = n - both - only_after - only_before
    p_after, p_before = (both + only_after) / n, (both + only_before) / n
    low_a, high_a = wilson(both + only_after, n, Z)
    low_b, high_b = wilson(both + only_before, n, Z)
    cross = float(both * neither - only_after * only_before)
    product = (
        float(both + only_after)
        * (only_before + neither)
        * (both + only_before)
        * (only_after + neither)
    )
    if cross > 0:
        cross = max(cross - n / 2, 0)  # the continuity correction of method 10
    phi = cross / np.sqrt(product) if product > 0 else 0.0
    down_a, up_a = p_after - low_a, high_a - p_after
    down_b, up_b = p_before - low_b, high_b - p_before
    delta = p_after - p_before
    below = np.sqrt(max(down_a**2 - 2 * phi * down_a * up_b + up_b**2, 0.0))
    above = np.sqrt(max(up_a**2 - 2 * phi * up_a * down_b + down_b**2, 0.0))
    return float(delta - below), float(delta + above)


def paired_means(before: Floats, after: Floats, units: Ints) -> Interval:
    """Return the interval of mean(after − before), where rows of one unit count as one.

    `before`, `after` and `units` have shape [rows]; `units` numbers the unit of each row from 0.
    The rows are values or pseudo-values (influence.py). Their mean over unequal units is a ratio,
    so its variance is that of a ratio (Cochran 1977, section 6.4). Where few units change, the
    normal interval is too short: two more are counted in, one up and one down, as large as those
    that the variance rests on. For hits they are ±1, and this is the interval of Bonett and Price
    2012, "Adjusted Wald confidence interval for a difference of binomial proportions based on
    paired data".
    """
    difference = after - before
    n = int(units.max()) + 1
    delta = float(difference.mean())
    rows = np.bincount(units, minlength=n)
    excess = np.bincount(units, weights=difference, minlength=n) - delta * rows
    gains = delta + excess * n / len(units)
    squares = gains**2
    size = float(squares @ squares / squares.sum()) if squares.any() else 1.0
    total = n + 2
    centre = float(gains.sum()) / total
    variance = (float(squares.sum()) + 2 * size) / total - centre**2
    half = Z * math.sqrt(variance / total)
    return centre - half, centre + half
