"""Did it help: the verdict on a difference and its interval, and the same in one sentence."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

from ststudio.training.interval import Interval

Verdict = Literal["WIN", "MARGINAL", "REGRESSION"]

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


def in_words(report: Mapping[str, Any], metric: str, units: str) -> tuple[str, str]:
    """Return a headline and one sentence for a report; metric and units are names for people."""
    n, delta = report["n"], report["delta"]
    head = HEADS[report["verdict"]] if n >= FEWEST_UNITS else "Too few test rows to tell"
    if report["verdict"] != "MARGINAL" and abs(delta) < HARDLY:
        head += ", but hardly enough to notice"
    return head, f"{metric} on {n:,} held-out {units} {movement(report)}."


def movement(report: Mapping[str, Any]) -> str:
    """Say how a report's score moved from its baseline, with the interval of the difference."""
    delta, (low, high) = report["delta"], report["interval"]
    # No bound may look like zero that is not: it decides the verdict.
    bounds = [abs(bound) for bound in (low, high) if bound]
    digits = next((d for d in (3, 4, 5) if all(round(bound, d) for bound in bounds)), 6)
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
