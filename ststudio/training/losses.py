"""The losses: what each reads, which settings it takes, and when to choose it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Loss:
    """One loss of sentence-transformers, by its class name, resolved where torch lives."""

    name: str
    why: str  # one line on when to choose it
    settings: dict[str, Any] = field(default_factory=dict)  # the defaults a recipe may override
    # High for long training, right for about a hundred steps with warm-up.
    learning_rate: float = 1e-4
    blog: bool = False  # the choice of the 2022 post


# TripletLoss and the BatchHard family default to Euclidean distance with a margin of 5, which a
# model that normalises can never reach (its distances lie in 0..2): cosine and a small margin.
_COSINE_MARGIN = {"distance": "cosine", "margin": 0.3}

# These compare all pairs of a batch by score, and unlearn at the rate of the others (measured on
# the sample's pairs, 65 steps: Spearman 0.556 to 0.600 at 3e-5, and falling at 1e-4).
GENTLE = 3e-5

_LOSSES = (
    Loss(
        "CoSENTLoss",
        "Learns the order of the scores; the usual first choice for graded pairs.",
        {"scale": 20.0},
        learning_rate=GENTLE,
    ),
    Loss(
        "CosineSimilarityLoss",
        "Pulls the cosine towards the score itself; strong when scores are calibrated.",
        {},
        blog=True,
    ),
    Loss(
        "AnglELoss",
        "CoSENT on the angle; helps where cosines saturate.",
        {"scale": 20.0},
        learning_rate=GENTLE,
    ),
    Loss(
        "OnlineContrastiveLoss",
        "Learns from the hardest pairs of each batch; the usual first choice for 0/1 pairs.",
        {"margin": 0.5},
        blog=True,
    ),
    Loss("ContrastiveLoss", "Learns from every pair; calmer with noisy labels.", {"margin": 0.5}),
    Loss("SoftmaxLoss", "Sentence-BERT's own way with NLI; mostly of historical interest.", {}),
    Loss(
        "MultipleNegativesRankingLoss",
        "Every other positive of the batch is a negative; larger batches are harder and better.",
        {"scale": 20.0},
        blog=True,
    ),
    Loss(
        "CachedMultipleNegativesRankingLoss",
        "The same loss with batches larger than memory, at a fifth more time.",
        {"scale": 20.0, "mini_batch_size": 32},
    ),
    Loss(
        "TripletLoss",
        "Only the given negative counts; for negatives that were chosen with care.",
        _COSINE_MARGIN,
        blog=True,
    ),
    Loss(
        "BatchAllTripletLoss",
        "Learns from every triplet in the batch that still violates the margin.",
        _COSINE_MARGIN,
        blog=True,
    ),
    Loss(
        "BatchSemiHardTripletLoss",
        "Skips the hardest triplets, which are often wrong labels.",
        _COSINE_MARGIN,
        blog=True,
    ),
    Loss(
        "BatchHardSoftMarginTripletLoss",
        "The hardest triplets, without a margin to choose.",
        {"distance": "cosine"},
        blog=True,
    ),
    Loss(
        "BatchHardTripletLoss",
        "The hardest triplet of each text; needs clean labels.",
        _COSINE_MARGIN,
        blog=True,
    ),
)

LOSSES = {loss.name: loss for loss in _LOSSES}
