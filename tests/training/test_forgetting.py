"""Forgetting is seen where weights were spoilt, and nowhere else."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator

from ststudio.data.examples import Examples
from ststudio.data.general import FEWEST_PAIRS, HAND_WRITTEN, hand_written
from ststudio.runs.run import Run
from ststudio.shelf import packaged_model
from ststudio.training.forgetting import compared, forgetting, own_texts
from ststudio.training.models import load_model
from ststudio.training.recipe import Recipe
from ststudio.training.remembered import Remembered
from tests.training.built import POOL, SCRATCH

RECIPE = Recipe({"kind": "builtin", "id": "sample-pair"})


@pytest.fixture(scope="module")
def model() -> SentenceTransformer:
    folder = packaged_model()
    assert folder is not None
    return load_model(folder)


@pytest.fixture(scope="module")
def base(model: SentenceTransformer) -> Remembered:
    return Remembered(model)


def noised(model: SentenceTransformer, amount: float) -> SentenceTransformer:
    """Return a copy each of whose matrices got noise of so many of its standard deviations."""
    copy = deepcopy(model)
    torch.manual_seed(3)
    with torch.no_grad():
        for weight in copy.parameters():
            if weight.dim() == 2:
                weight += amount * weight.std() * torch.randn_like(weight)
    return copy


def test_the_packaged_model_ranks_the_hand_written_pairs_well_but_not_perfectly(
    model: SentenceTransformer, base: Remembered
) -> None:
    found = compared(hand_written(), base, base)
    assert 0.7 < found["baseline"] < 0.95
    left, right = hand_written().texts()
    scores = hand_written().rows["score"].to_pylist()
    library = EmbeddingSimilarityEvaluator(left, right, scores, similarity_fn_names=["cosine"])
    assert found["baseline"] == pytest.approx(library(model)["spearman_cosine"], abs=1e-6)


def test_the_same_model_has_forgotten_nothing(
    base: Remembered, examples: Examples, tmp_path: Path
) -> None:
    found = forgetting(Run(tmp_path / "run"), RECIPE, examples, (base, base), 60.0)
    assert found is not None
    assert found["source"] == HAND_WRITTEN and found["metric"] == "spearman_cosine"
    assert found["n"] == hand_written().rows.num_rows
    assert found["delta"] == 0 and found["baseline"] == found["score"]
    assert found["verdict"] == "MARGINAL" and found["interval"][0] <= 0 <= found["interval"][1]


def test_a_model_whose_weights_were_noised_is_seen_to_forget(
    model: SentenceTransformer, base: Remembered
) -> None:
    found = compared(hand_written(), base, Remembered(noised(model, 0.6)))
    assert found["verdict"] == "REGRESSION"
    assert found["delta"] < -0.05 and found["interval"][1] < 0
    assert found["interval"][0] < found["delta"] < found["interval"][1]


def test_what_began_with_random_weights_has_nothing_to_forget(
    base: Remembered, examples: Examples, tmp_path: Path
) -> None:
    layers = [SCRATCH, POOL]
    recipe = replace(RECIPE, modules=layers)
    assert forgetting(Run(tmp_path / "run"), recipe, examples, (base, base), 60.0) is None


def test_with_no_time_as_many_pairs_are_kept_as_a_verdict_needs(
    base: Remembered, examples: Examples, tmp_path: Path
) -> None:
    found = forgetting(Run(tmp_path / "run"), RECIPE, examples, (base, base), 0.0)
    assert found is not None and found["n"] == FEWEST_PAIRS


def test_pairs_that_the_run_was_trained_on_do_not_count(
    base: Remembered, examples: Examples, tmp_path: Path
) -> None:
    left, right = hand_written().texts()
    taught = pa.table({"anchor": left[:5], "positive": right[:5]})
    own = replace(examples, train=taught)
    assert {*left[:5], *right[:5]} <= own_texts(own)
    found = forgetting(Run(tmp_path / "run"), RECIPE, own, (base, base), 60.0)
    assert found is not None and found["n"] == len(left) - 5
