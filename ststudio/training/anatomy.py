"""Anatomy of similarity: cosines of pairs that belong together and of others, what goes wrong."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sentence_transformers.sentence_transformer.evaluation import BinaryClassificationEvaluator

from ststudio.data.cases import Case
from ststudio.data.examples import Examples
from ststudio.training.neighbours import pairwise_cosine
from ststudio.training.pairings import PAIRINGS, Models
from ststudio.training.racers import FEWEST_DEV_UNITS
from ststudio.training.remembered import Remembered

FEWEST_PAIRS = 10  # of either kind: fewer make no histogram
BINS = 40
LISTED = 20  # pairs of each kind of mistake
TEXT_CHARACTERS = 300

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Compared:
    """Pairs of texts with both models' cosines; all of shape [pairs]."""

    left: list[str]
    right: list[str]
    together: Bools
    cosines: tuple[Floats, Floats]  # by the base, by the fine-tuned model

    @property
    def enough(self) -> bool:
        """Tell whether there are enough of either kind."""
        return FEWEST_PAIRS <= self.together.sum() <= len(self.together) - FEWEST_PAIRS


def compared(case: Case, rows: pa.Table, examples: Examples, models: Models) -> Compared:
    """Pair the rows of one part and measure each pair once by both models."""
    pairing = PAIRINGS[case.evaluator]
    pairs = list(dict.fromkeys(pairing.pairs(rows, examples, models))) if rows.num_rows else []
    left, right = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    together = np.array([pair[2] for pair in pairs], dtype=bool)
    if not pairs:
        return Compared(left, right, together, (np.empty(0), np.empty(0)))
    base, tuned = (_cosines(model, left, right, pairing.asymmetric) for model in models)
    return Compared(left, right, together, (base, tuned))


def _cosines(model: Remembered, left: list[str], right: list[str], asymmetric: bool) -> Floats:
    if asymmetric:
        return pairwise_cosine(model.encode_query(left), model.encode_document(right))
    return pairwise_cosine(model.encode(left), model.encode(right))


def best_threshold(cosines: Floats, together: Bools) -> float:
    """Return the cosine from which on texts belong together, right most often (the library's)."""
    found = BinaryClassificationEvaluator.find_best_acc_and_threshold(cosines, together, True)
    return float(found[1])


def overlap(cosines: Floats, together: Bools) -> float:
    """Return how far both kinds overlap: the least sum of both error rates of any threshold.

    0 where some cosine parts them, 1 where none tells them apart; it is 1 minus the
    Kolmogorov-Smirnov distance of the two.
    """
    order = np.argsort(cosines, kind="stable")
    ends = np.append(np.diff(cosines[order]) > 0, True)  # ties fall on one side
    alike, unlike = (np.cumsum(kind[order])[ends] / kind.sum() for kind in (together, ~together))
    return float(1 - np.max(unlike - alike, initial=0.0))


def anatomy(case: Case, examples: Examples, models: Models) -> dict[str, Any]:
    """Return how similar both models find the test pairs, and which they take for the other kind.

    Thresholds are chosen on dev, where there are enough pairs, and judged on test.
    """
    test = compared(case, examples.test, examples, models)
    pairing = PAIRINGS[case.evaluator]
    about = {
        "together": pairing.together,
        "apart": pairing.apart,
        "pairs": {"together": int(test.together.sum()), "apart": int((~test.together).sum())},
    }
    if not test.enough:
        return about
    dev = compared(case, examples.dev, examples, models)
    units = len(examples.dev.column(0).unique())
    chosen = dev if dev.enough and units >= FEWEST_DEV_UNITS else test
    thresholds = [best_threshold(cosines, chosen.together) for cosines in chosen.cosines]
    margins = [_margins(test, *each) for each in zip(test.cosines, thresholds, strict=True)]
    edges = _edges(test)
    shown = [
        {
            "threshold": threshold,
            "accuracy": float((margin > 0).mean()),
            "overlap": overlap(cosines, test.together),
            **_histogram(cosines, test.together, edges),
        }
        for cosines, threshold, margin in zip(test.cosines, thresholds, margins, strict=True)
    ]
    return {
        **about,
        "chosen_on": "test" if chosen is test else "dev",
        "edges": edges.tolist(),
        "base": shown[0],
        "tuned": shown[1],
        "mistakes": _mistakes(test, *margins),
    }


def _margins(test: Compared, cosines: Floats, threshold: float) -> Floats:
    """Return how far each cosine lies on the right side of the threshold, negative where wrong."""
    # On the threshold itself a pair counts as one that belongs together.
    above = np.where(cosines == threshold, np.finfo(float).tiny, cosines - threshold)
    return np.where(test.together, above, -above)


def _edges(test: Compared) -> Floats:
    """Return the bins that both models share, their ends rounded to hundredths."""
    every = np.concatenate(test.cosines)
    low, high = np.floor(every.min() * 100) / 100, np.ceil(every.max() * 100) / 100
    return np.linspace(low, max(high, low + 0.01), BINS + 1)


def _histogram(cosines: Floats, together: Bools, edges: Floats) -> dict[str, list[int]]:
    kinds = (("together", together), ("apart", ~together))
    return {name: np.histogram(cosines[kind], edges)[0].tolist() for name, kind in kinds}


def _mistakes(test: Compared, before: Floats, after: Floats) -> dict[str, Any]:
    """List the pairs on the wrong side: before and after, only after, only before; worst first."""
    was, now = before <= 0, after <= 0
    kinds = {
        "still": (was & now, after),
        "broken": (~was & now, after),
        "mended": (was & ~now, before - after),
    }
    return {name: _listed(test, wrong, order) for name, (wrong, order) in kinds.items()}


def _listed(test: Compared, wrong: Bools, order: Floats) -> dict[str, Any]:
    places = np.flatnonzero(wrong)
    worst = places[np.argsort(order[places], kind="stable")][:LISTED]
    base, tuned = test.cosines
    return {
        "count": len(places),
        "pairs": [
            {
                "left": test.left[place][:TEXT_CHARACTERS],
                "right": test.right[place][:TEXT_CHARACTERS],
                "together": bool(test.together[place]),
                "base": round(float(base[place]), 4),
                "tuned": round(float(tuned[place]), 4),
            }
            for place in worst
        ],
    }
