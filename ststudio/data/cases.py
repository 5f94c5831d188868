"""The data cases: what a row looks like, and what reads it."""

from dataclasses import dataclass
from typing import Literal

LabelKind = Literal["score", "class"]

DEFAULT_BATCH_SIZE = 16

# The prompt a column is embedded with, by the names models use in their own configuration.
# Columns that are not listed play no part in retrieval and are embedded without one.
PROMPT_OF_ROLE = {
    "anchor": "query",
    "query": "query",
    "positive": "document",
    "negative": "document",
    "corpus": "document",
}


@dataclass(frozen=True)
class Case:
    """One shape of training data, and what reads it."""

    key: str
    title: str
    explanation: str  # one sentence for the page
    columns: tuple[str, ...]  # the order is the contract: losses read columns by position
    label: LabelKind | None
    losses: tuple[str, ...]  # keys of LOSSES, the default first
    batch_sampler: str  # a value of sentence-transformers' BatchSamplers
    evaluator: str  # an evaluator's class name, resolved where torch lives
    metric: str  # the headline metric, as the evaluator names it
    metric_title: str  # the same for people
    reshape: tuple[str, ...] = ()  # fix codes that make it another case; the default first

    @property
    def unit(self) -> str:
        """Return the column whose distinct texts are the units of splits and intervals."""
        return self.columns[0]


_CASES = (
    Case(
        key="pair-score",
        title="Case 1 · Pairs with a score",
        explanation="Two sentences and how similar they are, from 0 to 1.",
        columns=("sentence1", "sentence2"),
        label="score",
        losses=("CoSENTLoss", "CosineSimilarityLoss", "AnglELoss"),
        batch_sampler="batch_sampler",
        evaluator="EmbeddingSimilarityEvaluator",
        metric="spearman_cosine",
        metric_title="Spearman correlation",
    ),
    Case(
        key="pair-class",
        title="Case 1 · Pairs, similar or not",
        explanation="Two sentences and whether they are similar, 0 or 1.",
        columns=("sentence1", "sentence2"),
        label="class",
        losses=("OnlineContrastiveLoss", "ContrastiveLoss"),
        batch_sampler="batch_sampler",
        evaluator="BinaryClassificationEvaluator",
        metric="cosine_ap",
        metric_title="Average precision",
    ),
    Case(
        key="nli",
        title="Cases 1 and 2 · Natural language inference",
        explanation="A premise, a hypothesis, and whether it follows (0), may hold (1) "
        "or contradicts (2).",
        columns=("premise", "hypothesis"),
        label="class",
        losses=("SoftmaxLoss",),
        batch_sampler="batch_sampler",
        evaluator="EmbeddingSimilarityEvaluator",
        metric="spearman_cosine",
        metric_title="Spearman correlation",
        reshape=("nli_to_triplets", "entailment_pairs"),
    ),
    Case(
        key="pair",
        title="Case 2 · Pairs of positives",
        explanation="Two texts that belong together, without a label.",
        columns=("anchor", "positive"),
        label=None,
        losses=(
            "MultipleNegativesRankingLoss",
            "CachedMultipleNegativesRankingLoss",
            "GISTEmbedLoss",
        ),
        batch_sampler="no_duplicates",
        evaluator="InformationRetrievalEvaluator",
        metric="cosine_ndcg@10",
        metric_title="nDCG@10",
    ),
    Case(
        key="text-class",
        title="Case 3 · Texts with a class",
        explanation="One text and the class it belongs to.",
        columns=("text",),
        label="class",
        losses=(
            "BatchAllTripletLoss",
            "BatchSemiHardTripletLoss",
            "BatchHardSoftMarginTripletLoss",
            "BatchHardTripletLoss",
        ),
        batch_sampler="group_by_label",
        evaluator="NearestNeighbourEvaluator",
        metric="class_accuracy",
        metric_title="Nearest-neighbour class accuracy",
    ),
    Case(
        key="triplet",
        title="Case 4 · Triplets",
        explanation="An anchor, a text that belongs to it, and one that does not.",
        columns=("anchor", "positive", "negative"),
        label=None,
        losses=(
            "MultipleNegativesRankingLoss",
            "CachedMultipleNegativesRankingLoss",
            "TripletLoss",
            "GISTEmbedLoss",
        ),
        batch_sampler="no_duplicates",
        evaluator="TripletEvaluator",
        metric="cosine_accuracy",
        metric_title="Triplet accuracy",
    ),
)

CASES = {case.key: case for case in _CASES}
