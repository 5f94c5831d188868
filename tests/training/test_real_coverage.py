"""On real vectors, too, intervals hold the truth: test parts drawn from large real sets."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from sentence_transformers import SentenceTransformer

from ststudio.shelf import packaged_model
from ststudio.training.evaluation import ndcg
from ststudio.training.influence import average_precision, spearman
from ststudio.training.interval import Ints
from ststudio.training.neighbours import unit_rows
from tests.training.samples import real_examples
from tests.training.simulated import Evidence, Floats, among, trials

TRIALS = 2_000
ROWS = 1_500  # that stand for all there are
FEW_DIMENSIONS = 96  # the packaged model cut to so many is the worse of two models

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def embed() -> Callable[[list[str]], tuple[Floats, Floats]]:
    """Embed texts by the worse and by the better of two models."""
    model = SentenceTransformer(str(packaged_model()), device="cpu")
    model.max_seq_length = 64

    def vectors(texts: list[str]) -> tuple[Floats, Floats]:
        whole = model.encode(texts, batch_size=64)
        return unit_rows(whole[:, :FEW_DIMENSIONS]), unit_rows(whole)

    return vectors


Embed = Callable[[list[str]], tuple[Floats, Floats]]


def texts(rows: pa.Table, column: str) -> list[str]:
    return list(rows[column].to_pylist()[:ROWS])


def holds(draw: Callable[[np.random.Generator, int], Evidence], truth: float) -> None:
    for n in (200, 500):
        assert 0.925 <= trials(draw, n, TRIALS).covering(truth) <= 0.98, n


def cosines(rows: pa.Table, embed: Embed, one: str, other: str) -> list[Floats]:
    pairs = zip(embed(texts(rows, one)), embed(texts(rows, other)), strict=True)
    return [np.einsum("nd,nd->n", left, right) for left, right in pairs]


@pytest.mark.parametrize("statistic", [spearman, average_precision])
def test_of_scored_pairs(
    statistic: Callable[[Floats, Floats], Floats], real_hub: dict[str, str], embed: Embed
) -> None:
    rows = real_examples(real_hub, "stsb", ROWS).train
    known = np.array(rows["score"].to_pylist()[:ROWS])
    truth = known if statistic is spearman else (known >= 0.6).astype(float)
    before, after = cosines(rows, embed, "sentence1", "sentence2")

    def draw(rng: np.random.Generator, n: int) -> Evidence:
        drawn = rng.integers(0, len(truth), n)
        found = [statistic(truth[drawn], model[drawn]) for model in (before, after)]
        return found[0], found[1], np.arange(n)

    holds(draw, statistic(truth, after).mean() - statistic(truth, before).mean())


def test_of_triplets_by_anchor(real_hub: dict[str, str], embed: Embed) -> None:
    rows = real_examples(real_hub, "QQP_triplets", ROWS).train
    right, wrong = (cosines(rows, embed, "anchor", role) for role in ("positive", "negative"))
    before, after = ((a > b).astype(float) for a, b in zip(right, wrong, strict=True))
    assert 0 < (after - before).mean() < 0.1

    def alone(rng: np.random.Generator, n: int) -> Evidence:
        drawn = rng.integers(0, len(before), n)
        return before[drawn], after[drawn], np.arange(n)

    anchors = np.unique(np.array(texts(rows, "anchor"), dtype=object), return_inverse=True)[1]
    of_anchor: list[Ints] = [np.flatnonzero(anchors == one) for one in range(anchors.max() + 1)]

    def together(rng: np.random.Generator, n: int) -> Evidence:
        units = [of_anchor[one] for one in rng.integers(0, len(of_anchor), n)]
        drawn = np.concatenate(units)
        return before[drawn], after[drawn], np.repeat(np.arange(n), list(map(len, units)))

    truth = float((after - before).mean())
    holds(alone, truth)
    holds(together, truth)


def test_of_queries(real_hub: dict[str, str], embed: Embed) -> None:
    rows = real_examples(real_hub, "sentence-compression", ROWS).train
    asked, answers = (texts(rows, role) for role in ("anchor", "positive"))
    ids = {text: f"d{number}" for number, text in enumerate(dict.fromkeys(answers))}
    relevant = [{ids[text]} for text in answers]
    before, after = (
        ndcg(queries @ documents.T, list(ids.values()), relevant)
        for queries, documents in zip(embed(asked), embed(list(ids)), strict=True)
    )

    def draw(rng: np.random.Generator, n: int) -> Evidence:
        drawn = rng.integers(0, len(before), n)
        return before[drawn], after[drawn], np.arange(n)

    holds(draw, float((after - before).mean()))


@pytest.mark.parametrize("name", ["banking77", "trec"])
def test_of_classes(name: str, real_hub: dict[str, str], embed: Embed) -> None:
    rows = real_examples(real_hub, name, 3 * ROWS).train
    labels = np.array(rows["label"].to_pylist())
    models = embed(rows["text"].to_pylist())

    def draw(rng: np.random.Generator, n: int) -> Evidence:
        drawn = rng.permutation(len(labels))[:n]  # no text is drawn twice: it would find itself
        drawn = drawn[np.bincount(labels[drawn])[labels[drawn]] > 1]  # as a test part is
        return among([model[drawn] for model in models], labels[drawn])

    for n in (200, 500):
        truth = float(trials(draw, n, TRIALS, seed=8).deltas.mean())
        assert 0.925 <= trials(draw, n, TRIALS).covering(truth) <= 0.98, n
