"""Did it help: the difference between two models on the same units, with its interval."""

import math
from collections.abc import Callable, Mapping
from statistics import NormalDist  # not scipy.stats: the page imports this, and that takes a second
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["WIN", "MARGINAL", "REGRESSION"]
Interval = tuple[float, float]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES = 2_000
CONFIDENCE = 0.95
HARDLY = 0.01  # of a metric from 0 to 1: a difference that is there and changes nothing
FEWEST_UNITS = 100  # below it no verdict is given: too few rows to tell


def verdict(interval: Interval, n: int) -> Verdict:
    """Name the verdict on `n` units whose difference lies in `interval`."""
    if n < FEWEST_UNITS:
        return "MARGINAL"
    if interval[0] > 0:
        return "WIN"
    return "REGRESSION" if interval[1] < 0 else "MARGINAL"


HEADS: dict[str, str] = {
    "WIN": "Fine-tuning helped",
    "REGRESSION": "Fine-tuning made it worse",
    "MARGINAL": "No clear difference",
}


def in_words(report: Mapping[str, Any], metric: str) -> tuple[str, str]:
    """Return a headline and one sentence for a report; `metric` is the metric's name for people."""
    n, delta = report["n"], report["delta"]
    head = HEADS[report["verdict"]] if n >= FEWEST_UNITS else "Too few test rows to tell"
    if report["verdict"] != "MARGINAL" and abs(delta) < HARDLY:
        head += ", but hardly enough to notice"
    return head, f"{metric} on {n:,} held-out units {movement(report)}."


def movement(report: Mapping[str, Any]) -> str:
    """Say how a report's score moved from its baseline, with the interval of the difference."""
    delta, (low, high) = report["delta"], report["interval"]
    # No bound may look like zero that is not: it decides the verdict.
    digits = 3 if min(abs(low), abs(high)) >= 0.001 else 4
    before, after = f"{report['baseline']:.{digits}f}", f"{report['score']:.{digits}f}"
    moved = f"{'rose' if delta > 0 else 'fell'} from {before} to **{after}**"
    if before == after:
        moved = f"stayed at **{after}**"
    interval = f"95 % interval {low:+.{digits}f} to {high:+.{digits}f}"
    return f"{moved} ({delta:+.{digits}f}, {interval})"


def _of_share(value: float, n: int) -> float:
    return math.sqrt(max(value * (1 - value), 0.0) / n)


def _of_rank(value: float, n: int) -> float:
    return (1 - value**2) * math.sqrt((1 + value**2 / 2) / max(n - 3, 1))


# A mean of values from 0 to 1 varies no more than a share of hits does, so that is the bound for
# the other metrics; for rank correlation see Bonett and Wright 2000.
ERRORS: dict[str, Callable[[float, int], float]] = {"spearman_cosine": _of_rank}


def standard_error(metric: str, value: float, n: int) -> float:
    """Return about how far a metric on `n` units lies from its value on endless ones."""
    return ERRORS.get(metric, _of_share)(value, n)


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
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    both, only_after = int((before & after).sum()), int((after & ~before).sum())
    only_before = int((before & ~after).sum())
    neither = n - both - only_after - only_before
    p_after, p_before = (both + only_after) / n, (both + only_before) / n
    low_a, high_a = wilson(both + only_after, n, z)
    low_b, high_b = wilson(both + only_before, n, z)
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


def bootstrap_mean(before: Floats, after: Floats, units: Ints, seed: int = 0) -> Interval:
    """Return the percentile interval of mean(after − before), resampling units.

    `before`, `after` and `units` have shape [rows]; `units` numbers the unit of each row from 0.
    """
    rng = np.random.default_rng(seed)
    n = int(units.max()) + 1
    sums = np.bincount(units, weights=after - before, minlength=n)
    rows = np.bincount(units, minlength=n)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    return _percentiles((drawn @ sums) / (drawn @ rows))


def bootstrap_statistic(
    statistic: Callable[[Floats, Floats], float],
    truth: Floats,
    before: Floats,
    after: Floats,
    units: Ints,
    seed: int = 0,
) -> Interval:
    """Return the percentile interval of statistic(truth, after) − statistic(truth, before).

    All arrays have shape [rows]; whole units are resampled, so that rows which share a unit stay
    together. A resample on which the statistic is not defined (one class only) is left out.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(units, kind="stable")
    n = int(units.max()) + 1
    rows_of = np.split(order, np.cumsum(np.bincount(units, minlength=n))[:-1])
    differences = np.empty(RESAMPLES)
    for draw in range(RESAMPLES):
        rows = np.concatenate([rows_of[unit] for unit in rng.integers(0, n, n)])
        differences[draw] = statistic(truth[rows], after[rows]) - statistic(
            truth[rows], before[rows]
        )
    return _percentiles(differences[np.isfinite(differences)])


def _percentiles(values: Floats) -> Interval:
    if len(values) == 0:
        return float("-inf"), float("inf")
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)
