"""Hard negatives: for each training row the closest text that is a wrong answer to its anchor."""

import time
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import cos_sim, mine_hard_negatives, pairwise_cos_sim

from ststudio.data.cases import CASES, Case
from ststudio.data.examples import Examples
from ststudio.data.findings import count
from ststudio.data.negatives import Kinship, Mining, keys_of, wanted
from ststudio.runs.run import Run
from ststudio.training.bucketing import bucketed
from ststudio.training.interval import Floats
from ststudio.training.live import STATE_SECONDS
from ststudio.training.measuring import encoding_seconds
from ststudio.training.neighbours import pairwise_cosine
from ststudio.training.recipe import DEFAULT_SECONDS, Recipe
from ststudio.training.remembered import Remembered
from ststudio.training.vectors import KeptVectors

MINING_SHARE = 0.25  # of the training time: what is mined and never trained on is time lost
CANDIDATES = 5  # of an anchor: the closest may be right answers in other words
POSITIVES = 16  # of an anchor, to measure the margin by; the library ranks so many texts more
QUERIES_AT_ONCE = 1024  # against 20,000 texts their scores are 80 MB
FEWEST_BATCHES = 2  # with one, every negative would be in every batch


class Miner(Remembered):
    """The face of a model that mine_hard_negatives uses; each text is embedded once."""

    device = "cpu"  # where the scores are picked over, one by one
    similarity = staticmethod(cos_sim)
    similarity_pairwise = staticmethod(pairwise_cos_sim)

    def cosines(self, anchors: list[str], texts: list[str]) -> Floats:
        """Return the similarity of each anchor with the text beside it."""
        return pairwise_cosine(self.encode_query(anchors), self.encode_document(texts))


def mine(model: Miner, rows: pa.Table, kin: Kinship, wish: Mining) -> list[str | None]:
    """Return each row's hardest negative among the texts of all rows, None where there is none.

    None of them reads like a right answer that the rows name: see Kinship.
    """
    anchors, positives = rows["anchor"].to_pylist(), rows["positive"].to_pylist()
    given = rows["negative"].to_pylist() if "negative" in rows.column_names else []
    offered = _offered(model, anchors, positives, given, wish)
    texts = sorted({text for found in offered.values() for text in found})
    keys = dict(zip(texts, keys_of(texts), strict=True))
    right = model.cosines(anchors, positives)
    own = dict(zip(anchors, keys_of(anchors), strict=True))
    kindred = {anchor: kin.of(own[anchor]) for anchor in offered}
    chosen: list[str | None] = []
    for anchor, cosine in zip(anchors, right, strict=True):
        most = cosine - abs(cosine) * wish.relative_margin
        found = offered.get(anchor, {})
        wrong = (t for t, near in found.items() if keys[t] not in kindred[anchor] and near <= most)
        chosen.append(next(wrong, None))
    return chosen


def _offered(
    model: Miner, anchors: list[str], positives: list[str], given: list[str], wish: Mining
) -> dict[str, dict[str, float]]:
    """Return by anchor what the library would take for negatives, the closest first."""
    seen: Counter[str] = Counter()
    asked: dict[str, list[str]] = {"anchor": [], "positive": []}
    for anchor, positive in zip(anchors, positives, strict=True):
        seen[anchor] += 1
        if seen[anchor] <= POSITIVES:
            asked["anchor"].append(anchor)
            asked["positive"].append(positive)
    found = mine_hard_negatives(
        Dataset.from_dict(asked),
        model,  # type: ignore[arg-type]  # it has the face that is used
        corpus=positives + given,
        range_min=wish.range_min,
        relative_margin=wish.relative_margin,
        num_negatives=CANDIDATES,
        output_scores=True,
        faiss_batch_size=QUERIES_AT_ONCE,
        verbose=False,
    )
    offered: dict[str, dict[str, float]] = defaultdict(dict)
    for row in found.to_list():
        offered[row["anchor"]].setdefault(row["negative"], row["scores"][1])
    return offered


def harder(model: Miner, rows: pa.Table, kin: Kinship, wish: Mining) -> list[str | None]:
    """Return mined negatives; where rows have their own, those that are closer than it."""
    found = mine(model, rows, kin, wish)
    if "negative" not in rows.column_names:
        return found
    anchors, own = rows["anchor"].to_pylist(), rows["negative"].to_pylist()
    mined = [text or other for text, other in zip(found, own, strict=True)]
    closer = model.cosines(anchors, mined) > model.cosines(anchors, own)
    return [text if better else None for text, better in zip(found, closer, strict=True)]


def taught_as(case: Case, rows: pa.Table) -> Case:
    """Return the case that training rows have: mined negatives make triplets of pairs."""
    return CASES["triplet"] if "negative" in rows.column_names else case


def with_negatives(
    run: Run, recipe: Recipe, model: SentenceTransformer, examples: Examples
) -> tuple[Examples, float]:
    """Mine hard negatives for the training rows where the recipe asks for them.

    Returns the examples to learn from and the seconds this took; dev, test and corpus stay what
    the model is measured on, and no text of theirs becomes a negative.
    """
    wish = wanted(recipe.fixes)
    if wish is None:
        return examples, 0.0
    start = time.monotonic()
    run.update(phase="looking for hard negatives")
    kin = Kinship(examples.train["anchor"], examples.train["positive"])
    with bucketed(model):
        places = _affordable(model, examples.train, recipe)
        rows = examples.train.take(places)
        kept = KeptVectors(run.vectors_file)  # who mines tries more than once
        found = harder(Miner(model, _Told(run), kept), rows, kin, wish)
    train, note = _taught(examples.train, places, found, recipe)
    run.add_notes([note])
    run.taught_file.parent.mkdir(exist_ok=True)
    pq.write_table(train, run.taught_file)
    return replace(examples, train=train), time.monotonic() - start


class _Told:
    """Say how many texts were embedded, as often as a page looks."""

    def __init__(self, run: Run) -> None:
        self.run, self.done, self.written = run, 0, 0.0

    def __call__(self, texts: int) -> None:
        self.done += texts
        if time.monotonic() - self.written > STATE_SECONDS:
            self.written = time.monotonic()
            self.run.update(phase=f"looking for hard negatives: {self.done:,} texts embedded")


def _affordable(model: SentenceTransformer, rows: pa.Table, recipe: Recipe) -> np.ndarray:
    """Return the places of rows, drawn by the seed, that can be embedded in mining's time.

    No fewer than two batches, which are a second's work at most.
    """
    texts = [rows[name].to_pylist() for name in rows.column_names]
    seconds = MINING_SHARE * (recipe.max_seconds or DEFAULT_SECONDS)
    left = seconds / encoding_seconds(model, texts[0] + texts[1], recipe.seed)
    seen: set[str] = set()
    order = np.random.default_rng(recipe.seed).permutation(rows.num_rows)
    for number, row in enumerate(order):
        new = {column[row] for column in texts} - seen
        left -= sum(map(len, new))
        if left < 0 and number >= _fewest(recipe):
            return np.sort(order[:number])
        seen |= new
    return np.sort(order)


def _fewest(recipe: Recipe) -> int:
    return FEWEST_BATCHES * (recipe.per_device_train_batch_size or 0)


def _taught(
    train: pa.Table, places: np.ndarray, found: list[str | None], recipe: Recipe
) -> tuple[pa.Table, str]:
    """Return the rows to learn from, and one sentence on what became of them."""
    got = [(int(place), text) for place, text in zip(places, found, strict=True) if text]
    kept = pa.array([place for place, _ in got], pa.int64())
    anchors = train["anchor"].take(kept).unique()
    said = (
        f"Hard negatives were looked for among the texts of {count(len(places), 'training row')}"
        f" of {train.num_rows:,}: {count(len(got), 'row')}, "
        f"{count(len(anchors), 'different anchor')}, "
    )
    if "negative" in train.column_names:
        negatives = train["negative"].to_pylist()
        for place, text in got:
            negatives[place] = text
        new = train.set_column(2, "negative", pa.chunked_array([pa.array(negatives)]))
        return new, f"{said}got one closer than their own; the others keep theirs."
    if len(got) < _fewest(recipe):
        return train, f"{said}got one. Too few for {FEWEST_BATCHES} batches: trained without them."
    new = train.take(kept)
    new = new.append_column("negative", pa.array([text for _, text in got], pa.string()))
    return new, f"{said}got one; {count(train.num_rows - len(got), 'row')} without are left out."
