"""Simulated test rows of a known truth: what a base and a fine-tuned model make of them."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ststudio.training.influence import average_precision, spearman
from ststudio.training.interval import paired_means
from ststudio.training.neighbours import nearest_other

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Of base, of fine-tuned, the unit of each row, and for each model the row that a row rests on.
Evidence = tuple[Floats, Floats, Ints] | tuple[Floats, Floats, Ints, list[Ints]]
Draw = Callable[[np.random.Generator, int], Evidence]

MANY = 20_000  # units that stand for endless ones, drawn TIMES times
TIMES = 20
GAINS = 1 / np.log2(np.arange(2, 12))  # nDCG@10 of one relevant document at ranks 1 to 10
QUANTILE = NormalDist().inv_cdf


@dataclass(frozen=True)
class Rows:
    """Units of one row each, or of 1 to `most` rows that are alike."""

    most: int = 1
    alike: float = 0.0  # share of the variance that the rows of a unit have in common

    def units(self, rng: np.random.Generator, n: int) -> Ints:
        """Return the unit of each row."""
        return np.repeat(np.arange(n), rng.integers(1, self.most + 1, n))

    def noise(self, rng: np.random.Generator, units: Ints) -> Floats:
        """Return one normal number a row."""
        own = rng.normal(size=len(units)) * np.sqrt(1 - self.alike)
        return own + rng.normal(size=units[-1] + 1)[units] * np.sqrt(self.alike)


ALONE, TOGETHER = Rows(), Rows(4, 0.5)


def hits(right: float, spoiled: float, mended: float, rows: Rows = ALONE) -> Draw:
    """Paired hits: so many are right before; of those some are spoiled, of the others mended."""

    def draw(rng: np.random.Generator, n: int) -> Evidence:
        units = rows.units(rng, n)
        before = rows.noise(rng, units) < QUANTILE(right)
        chance = rows.noise(rng, units)
        after = np.where(before, chance > QUANTILE(spoiled), chance < QUANTILE(mended))
        return before.astype(float), after.astype(float), units

    return draw


def gains(changed: float, better: float, perfect: float) -> Draw:
    """NDCG@10 of queries with one relevant document: a share is perfect, a share changes."""

    def draw(rng: np.random.Generator, n: int) -> Evidence:
        values = np.append(GAINS, 0.0)
        before = np.where(rng.random(n) < perfect, 1.0, values[rng.integers(0, 11, n)])
        other = values[rng.integers(0, 11, n)]
        moved = np.where(
            rng.random(n) < better, np.maximum(before, other), np.minimum(before, other)
        )
        return before, np.where(rng.random(n) < changed, moved, before), np.arange(n)

    return draw


def ranks(noise: float, tuned: float, rows: Rows = ALONE) -> Draw:
    """Scores in 21 steps, and cosines that follow them with noise, most of it in common."""

    def draw(rng: np.random.Generator, n: int) -> Evidence:
        units = rows.units(rng, n)
        known = rows.noise(rng, units)
        truth = np.round(np.clip(known + 2.5, 0, 5) * 4) / 20
        common, one, two = (rows.noise(rng, units) for _ in range(3))
        cosines = [known + scale * (0.8 * common + 0.6 * own) for scale, own in
                   ((noise, one), (tuned, two))]  # fmt: skip
        return spearman(truth, cosines[0]), spearman(truth, cosines[1]), units

    return draw


def precisions(similar: float, apart: float, tuned: float, rows: Rows = ALONE) -> Draw:
    """Pairs of which a share is similar, with cosines so many deviations higher."""

    def draw(rng: np.random.Generator, n: int) -> Evidence:
        units = rows.units(rng, n)
        labels = (rows.noise(rng, units) < QUANTILE(similar)).astype(float)
        common, one, two = (rows.noise(rng, units) for _ in range(3))
        evidence = [
            average_precision(labels, gap * labels + 0.8 * common + 0.6 * own)
            for gap, own in ((apart, one), (tuned, two))
        ]
        return evidence[0], evidence[1], units

    return draw


def neighbours(classes: int, spread: float, tuned: float) -> Draw:
    """Texts around the centres of classes; fine-tuned, they stand closer around them."""
    centres = np.random.default_rng(0).normal(size=(classes, 24))

    def draw(rng: np.random.Generator, n: int) -> Evidence:
        labels = rng.integers(0, classes, n)
        common, one, two = (rng.normal(size=(n, 24)) for _ in range(3))
        vectors = [
            centres[labels] + scale * (0.8 * common + 0.6 * own)
            for scale, own in ((spread, one), (tuned, two))
        ]
        return among(vectors, labels)

    return draw


def among(vectors: list[Floats], labels: Ints) -> Evidence:
    """Judge each text by its nearest other one, by two models' vectors."""
    units = [model / np.linalg.norm(model, axis=1, keepdims=True) for model in vectors]
    nearest = [nearest_other(model @ model.T) for model in units]
    before, after = ((labels[places] == labels).astype(float) for places in nearest)
    return before, after, np.arange(len(labels)), nearest


@dataclass(frozen=True)
class Trials:
    """Intervals of many trials, and the changes that were measured."""

    intervals: Floats  # [trials, 2]
    deltas: Floats

    def covering(self, truth: float) -> float:
        """Return the share of the intervals that hold the truth."""
        low, high = self.intervals.T
        return float(((low <= truth) & (truth <= high)).mean())


def trials(draw: Draw, n: int, many: int, seed: int = 5) -> Trials:
    """Measure so many test parts of n units."""
    rng = np.random.default_rng(seed)
    drawn = [draw(rng, n) for _ in range(many)]
    return Trials(
        np.array([paired_means(*evidence) for evidence in drawn]),
        np.array([(evidence[1] - evidence[0]).mean() for evidence in drawn]),
    )


def truth_of(draw: Draw) -> float:
    """Return the change on (nearly) endless units."""
    rng = np.random.default_rng(6)
    drawn = (draw(rng, MANY) for _ in range(TIMES))
    changes = [evidence[1].mean() - evidence[0].mean() for evidence in drawn]
    return float(np.mean(changes))
