"""The losses: what each reads, which settings it takes, and when to choose it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ststudio.errors import StudioError
from ststudio.training.loss_settings import (
    CONTRAST_MARGIN,
    COSINE_MARGIN,
    DISTANCE,
    EUCLIDEAN,
    GUIDED,
    MINI_BATCH,
    SCALE,
    euclidean_margin,
)
from ststudio.training.rules import Setting, short


@dataclass(frozen=True)
class Loss:
    """One loss of sentence-transformers, by its class name, resolved where torch lives."""

    name: str
    why: str  # one line on when to choose it
    settings: dict[str, Setting] = field(default_factory=dict)
    # High for long training, right for about a hundred steps with warm-up.
    learning_rate: float = 1e-4
    blog: bool = False  # the choice of the 2022 post
    reads: dict[str, str] = field(default_factory=dict)  # what it does with each role and label
    gathers: bool = False  # can take the texts of other processes for wrong answers, too
    # Why MatryoshkaLoss cannot stand around it; empty where it can.
    whole_only: str = ""

    def chosen(self, given: Mapping[str, Any], normalises: bool = True) -> dict[str, Any]:
        """Return all settings, the given ones before the defaults, as they suit the model.

        `normalises` tells whether the model's vectors have length 1. Raises StudioError for a
        setting that is not known, out of range, or beyond what such vectors can reach.
        """
        if unknown := sorted(set(given) - set(self.settings)):
            raise StudioError(
                f"{self.name} has no setting {', '.join(unknown)}. "
                f"Allowed: {', '.join(sorted(self.settings)) or 'none'}."
            )
        chosen = {name: setting.default for name, setting in self.settings.items()} | dict(given)
        for name, value in chosen.items():
            rule = self.settings[name].rule
            if not rule.holds(value):
                raise StudioError(
                    f"{self.name}: {name} = {short(value)} is not allowed. Allowed: {rule.says}."
                )
        if chosen.get("distance") == EUCLIDEAN and "margin" in chosen:
            chosen["margin"] = euclidean_margin(self.name, given.get("margin"), normalises)
        return chosen


# These compare all pairs of a batch by score, and unlearn at the rate of the others (measured on
# the sample's pairs, 65 steps: Spearman 0.556 to 0.600 at 3e-5, and falling at 1e-4).
GENTLE = 3e-5

_SCORED = {
    "sentence1": "is compared with the second text of its row",
    "sentence2": "is compared with the first text of its row",
}
_ORDERED = {
    **_SCORED,
    "score": "ranks the rows of a batch: a pair that scores higher is to be closer",
}
_CONTRASTED = {
    **_SCORED,
    "label": "1 draws the two texts together, 0 pushes them apart until the margin is met",
}
_RANKED = {
    "anchor": "is compared with every positive of the batch, and every negative if there are any",
    "positive": "is the right answer to its anchor, and a wrong one to all others of the batch",
    "negative": "is one more wrong answer, to its own anchor and to all others of the batch",
    # NLI becomes triplets before this loss reads it.
    "premise": "becomes the anchor of a triplet",
    "hypothesis": "becomes the positive where it follows, and the negative where it contradicts",
    "label": "says which of the two a hypothesis becomes, and is not read by the loss",
}
_GUIDED_READS = {
    **_RANKED,
    "anchor": "is compared with all texts of the batch that the guide finds no right answer to it",
}
_CLASSED = {
    "text": "is anchor, positive and negative in turn, among the texts of its batch",
}

_HARDEST = {
    **_CLASSED,
    "label": "says which texts belong together; only the farthest of a text's class and the "
    "nearest of another count",
}

_LOSSES = (
    Loss(
        "CoSENTLoss",
        "Learns the order of the scores; the usual first choice for graded pairs.",
        SCALE,
        learning_rate=GENTLE,
        reads=_ORDERED,
    ),
    Loss(
        "CosineSimilarityLoss",
        "Pulls the cosine towards the score itself; strong when scores are calibrated.",
        {},
        blog=True,
        reads={**_SCORED, "score": "is what the cosine of the two texts is drawn towards"},
    ),
    Loss(
        "AnglELoss",
        "CoSENT on the angle; helps where cosines saturate.",
        SCALE,
        learning_rate=GENTLE,
        reads=_ORDERED,
    ),
    Loss(
        "OnlineContrastiveLoss",
        "Learns from the hardest pairs of each batch; the usual first choice for 0/1 pairs.",
        CONTRAST_MARGIN,
        blog=True,
        reads={
            **_CONTRASTED,
            "label": "1 draws together, 0 pushes apart; only the hardest pairs of a batch count",
        },
    ),
    Loss(
        "ContrastiveLoss",
        "Learns from every pair; calmer with noisy labels.",
        CONTRAST_MARGIN,
        reads=_CONTRASTED,
    ),
    Loss(
        "SoftmaxLoss",
        "Sentence-BERT's own way with NLI; mostly of historical interest.",
        {},
        reads={
            "premise": "goes into a classifier beside the hypothesis and their difference",
            "hypothesis": "goes into a classifier beside the premise and their difference",
            "label": "is what the classifier has to tell: 0 follows, 1 may hold, 2 contradicts",
        },
        whole_only="its classifier reads vectors of one length only",
    ),
    Loss(
        "MultipleNegativesRankingLoss",
        "Every other positive of the batch is a negative; larger batches are harder and better.",
        SCALE,
        blog=True,
        reads=_RANKED,
        gathers=True,
    ),
    Loss(
        "CachedMultipleNegativesRankingLoss",
        "The same loss with batches larger than memory, at a fifth more time.",
        {**SCALE, **MINI_BATCH},
        reads=_RANKED,
        gathers=True,
    ),
    Loss(
        "GISTEmbedLoss",
        "A guide model finds the wrong answers of a batch that are right, and leaves them out.",
        GUIDED,
        reads=_GUIDED_READS,
        gathers=True,
    ),
    Loss(
        "TripletLoss",
        "Only the given negative counts; for negatives that were chosen with care.",
        COSINE_MARGIN,
        blog=True,
        reads={
            "anchor": "is compared with its own positive and its own negative only",
            "positive": "is to be closer to its anchor than the negative, by the margin",
            "negative": "is to be farther from its anchor than the positive, by the margin",
        },
    ),
    Loss(
        "BatchAllTripletLoss",
        "Learns from every triplet in the batch that still violates the margin.",
        COSINE_MARGIN,
        blog=True,
        reads={**_CLASSED, "label": "says which texts belong together; every wrong triplet counts"},
    ),
    Loss(
        "BatchSemiHardTripletLoss",
        "Skips the hardest triplets, which are often wrong labels.",
        COSINE_MARGIN,
        blog=True,
        reads={
            **_CLASSED,
            "label": "says which texts belong together; the hardest negatives are skipped",
        },
    ),
    Loss(
        "BatchHardSoftMarginTripletLoss",
        "The hardest triplets, without a margin to choose.",
        DISTANCE,
        blog=True,
        reads=_HARDEST,
    ),
    Loss(
        "BatchHardTripletLoss",
        "The hardest triplet of each text; needs clean labels.",
        COSINE_MARGIN,
        blog=True,
        reads=_HARDEST,
    ),
)

LOSSES = {loss.name: loss for loss in _LOSSES}
