"""Every kind of model is built by its seed, learns, and loads back as anyone would load it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from transformers import AutoConfig, AutoTokenizer, BertConfig, BertForMaskedLM

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.errors import StudioError
from ststudio.fetched_model import check_folder
from ststudio.model_files import read_modules
from ststudio.model_input import ModelInput, read_input
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.shelf import packaged_model
from ststudio.training import zero
from ststudio.training.blueprint import draw, lender_of
from ststudio.training.bucketing import Bucketed
from ststudio.training.live import Live
from ststudio.training.models import make_loss, prepare_model
from ststudio.training.recipe import Recipe
from ststudio.training.train import fine_tune, train_job
from ststudio.training.zero import words_of
from tests.training.built import CNN, KINDS, LENT, POOL, SCRATCH
from tests.training.tiny import tiny_model

SOURCE = {"kind": "builtin", "id": "sample-pair"}
TEXTS = ["the printer blinks red", "", "paper will not feed, and it says so at length", "東京 🎈"]
EVERY = {**KINDS, **LENT}


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny base model, with prompts in its configuration."""
    folder = tmp_path_factory.mktemp("lender")
    model = tiny_model(folder / "bare")
    model.prompts = {"query": "q: ", "document": ""}
    model.save_pretrained(str(folder / "model"), create_model_card=False)
    return folder / "model"


@pytest.fixture(scope="module")
def tokenizer_alone(lender: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the base model as a run from zero has it: its tokenizer, and no weight."""
    folder = tmp_path_factory.mktemp("tokenizer") / "model"
    shutil.copytree(lender, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    return folder


def recipe_of(modules: list[dict[str, Any]], **asked: Any) -> Recipe:
    asked = {"source": SOURCE, "modules": modules, "max_steps": 3, "eval_steps": 3, **asked}
    return Recipe.from_json(asked).derived(CASES["pair"])


def built(
    name: str, lender: Path, examples: Examples, folder: Path, **asked: Any
) -> tuple[Recipe, SentenceTransformer]:
    recipe = recipe_of(EVERY[name], **asked)
    zero.build(lender, recipe, examples, folder)
    return recipe, prepare_model(folder, recipe, CASES["pair"])


def vectors(model: SentenceTransformer) -> Any:
    return model.encode(TEXTS, batch_size=len(TEXTS))


@pytest.mark.parametrize("name", EVERY)
def test_the_same_seed_builds_the_same_model_and_another_seed_another(
    name: str, lender: Path, examples: Examples, tmp_path: Path
) -> None:
    made = [
        vectors(built(name, lender, examples, tmp_path / str(number), seed=seed)[1])
        for number, seed in enumerate((1, 1, 2))
    ]
    np.testing.assert_array_equal(made[0], made[1])
    if name != "other pooling":  # which has no random weight
        assert not np.allclose(made[0], made[2])


@pytest.mark.parametrize("name", EVERY)
def test_what_is_built_passes_the_list_of_what_may_be_loaded(
    name: str, lender: Path, examples: Examples, tmp_path: Path
) -> None:
    _, model = built(name, lender, examples, tmp_path / "built")
    before = vectors(model)
    modules = read_modules((tmp_path / "built" / "modules.json").read_bytes(), name)
    check_folder(tmp_path / "built", modules, name)  # rewrites configurations to known keys
    later = SentenceTransformer(str(tmp_path / "built"), device="cpu", local_files_only=True)
    np.testing.assert_allclose(later.encode(TEXTS, batch_size=len(TEXTS)), before, atol=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_the_weights_are_counted_before_they_are_made(
    name: str, tokenizer_alone: Path, examples: Examples, tmp_path: Path
) -> None:
    recipe, model = built(name, tokenizer_alone, examples, tmp_path / "built")
    assert recipe.modules is not None
    plan = draw(recipe.modules, lender_of(read_input(tokenizer_alone, "tiny")), None)
    weights = sum(weight.numel() for weight in model.parameters())
    assert weights == plan.parameters if plan.counts == "" else weights <= plan.parameters
    assert model.get_embedding_dimension() == plan.steps[-1].flow.width


@pytest.mark.parametrize("name", EVERY)
def test_every_weight_learns_and_what_was_learned_loads_back(
    name: str, lender: Path, examples: Examples, tmp_path: Path
) -> None:
    recipe, model = built(name, lender, examples, tmp_path / "built")
    before = {key: weight.clone() for key, weight in model.state_dict().items()}
    steps(tmp_path, recipe, model, examples)
    moved = {
        key for key, weight in model.state_dict().items() if not torch.equal(weight, before[key])
    }
    assert moved >= {key for key in before if "pooler" not in key and "_ids" not in key}
    learned = vectors(model)
    model.save_pretrained(str(tmp_path / "tuned"), create_model_card=False)
    later = SentenceTransformer(str(tmp_path / "tuned"), device="cpu", local_files_only=True)
    np.testing.assert_allclose(vectors(later), learned, atol=1e-6)
    assert np.isfinite(learned).all()


def steps(folder: Path, recipe: Recipe, model: SentenceTransformer, examples: Examples) -> Run:
    run, _ = RunStore(folder).create(recipe.to_json(), {})
    live = Live(run, CASES["pair"].metric, recipe, keeps_best=True)
    fine_tune(run, recipe, CASES["pair"], model, examples, live)
    return run


def test_a_loss_that_embeds_piece_by_piece_counts_the_same_words(
    lender: Path, examples: Examples, tmp_path: Path
) -> None:
    def losses(folder: Path, **asked: Any) -> list[float]:
        recipe, model = built("words", lender, examples, folder, **asked)
        return [
            entry["loss"]
            for entry in steps(folder, recipe, model, examples).log(0)
            if "loss" in entry
        ]

    cached = {"loss": "CachedMultipleNegativesRankingLoss", "loss_settings": {"mini_batch_size": 4}}
    assert losses(tmp_path / "a", **cached) == pytest.approx(losses(tmp_path / "b"), rel=1e-3)


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        ("static", "CachedMultipleNegativesRankingLoss"),
        ("static", "GISTEmbedLoss"),
        ("words", "GISTEmbedLoss"),
    ],
)
def test_a_loss_that_cannot_read_the_first_layers_batch_is_refused(kind: str, loss: str) -> None:
    with pytest.raises(StudioError, match="such as MultipleNegativesRankingLoss"):
        recipe_of(KINDS[kind], loss=loss)


def test_so_it_is_with_a_static_model_from_elsewhere() -> None:
    static = ModelInput("x/static", Path(), modules=("StaticEmbedding",))
    with pytest.raises(StudioError, match="GISTEmbedLoss lets a guide"):
        Recipe({}, loss="GISTEmbedLoss").derived(CASES["pair"], static)


def test_only_what_is_blind_to_padding_runs_bucketed(
    lender: Path, examples: Examples, tmp_path: Path
) -> None:
    possible = {}
    for name in EVERY:
        _, model = built(name, lender, examples, tmp_path / name)
        batch = model.preprocess(["a", "b c d"])
        possible[name] = Bucketed(model)._splits(batch)
        whole = model(dict(batch))["sentence_embedding"]
        bucketed = Bucketed(model)(dict(batch))["sentence_embedding"]
        assert torch.allclose(whole, bucketed, atol=1e-6), name
    assert possible == {
        "transformer": True,
        "cnn": False,
        "static": False,
        "static + dense": False,
        "words": False,
        "other pooling": True,
        "layers behind": False,
    }


def test_a_taken_over_transformer_keeps_weights_and_prompts(
    lender: Path, examples: Examples, tmp_path: Path
) -> None:
    base = SentenceTransformer(str(lender), device="cpu")
    _, model = built("layers behind", lender, examples, tmp_path / "built")
    for name, weight in base[0].state_dict().items():
        assert torch.equal(model[0].state_dict()[name], weight), name
    assert model.prompts["query"] == "q: "
    _, fresh = built("static", lender, examples, tmp_path / "fresh")
    assert fresh.prompts["query"] == ""  # random weights were never trained with it


def test_a_length_that_is_asked_for_is_the_length_that_is_read(
    lender: Path, examples: Examples, tmp_path: Path
) -> None:
    long = ["printer " * 200, "printer " * 200 + "ink"]
    for name, length in (("transformer", 32), ("static", 32), ("other pooling", 16)):
        for asked, alike in ((length, True), (None, name == "other pooling")):
            folder = tmp_path / f"{name}-{asked}"
            _, model = built(name, lender, examples, folder, max_seq_length=asked)
            later = SentenceTransformer(str(folder), device="cpu")
            if asked and name != "other pooling":
                np.testing.assert_array_equal(vectors(later), vectors(model))
            found = model.encode(long)
            assert np.array_equal(found[0], found[1]) is alike, (name, asked)


def test_a_static_model_of_the_hub_takes_a_length_and_a_bag_of_words_none(
    lender: Path, examples: Examples, tmp_path: Path
) -> None:
    built("static", lender, examples, tmp_path / "static")
    built("words", lender, examples, tmp_path / "words")
    shorter = Recipe(SOURCE, max_seq_length=8)
    model = prepare_model(tmp_path / "static", shorter, CASES["pair"])
    found = model.encode(["printer " * 8, "printer " * 20 + "ink"])
    np.testing.assert_array_equal(found[0], found[1])
    with pytest.raises(StudioError, match="reads whole texts"):
        prepare_model(tmp_path / "words", shorter, CASES["pair"])


def test_the_words_are_the_frequent_ones_and_none_of_a_single_text() -> None:
    texts = ["Printer, printer on!", "the printer is on fire", "on fire: ask secret-7"]
    assert words_of(texts, 10) == {"on": 3, "fire": 2, "printer": 2}
    assert list(words_of(texts, 1)) == ["on"]


def test_a_rare_word_weighs_more_than_a_frequent_one(
    lender: Path, examples: Examples, tmp_path: Path
) -> None:
    built("words", lender, examples, tmp_path / "built")
    config = json.loads((tmp_path / "built" / "0_BoW" / "config.json").read_text())
    first, *_, last = config["vocab"]
    assert config["word_weights"][last] > config["word_weights"][first] > 1
    assert len(config["vocab"]) <= 300


def test_texts_without_a_shared_word_make_no_bag(
    lender: Path, examples: Examples, tmp_path: Path
) -> None:
    site = zero.Site(lender, recipe_of(KINDS["words"]), ["one", "two"])
    with pytest.raises(StudioError, match="No word stands in two"):
        zero.MAKERS["BoW"](site, {"words": 50, "weights": "idf"}, 0)


def test_a_base_without_a_transformer_is_refused_where_one_is_taken_over(
    lender: Path, examples: Examples, tmp_path: Path
) -> None:
    built("static", lender, examples, tmp_path / "static")
    with pytest.raises(StudioError, match="starts with StaticEmbedding"):
        zero.build(tmp_path / "static", recipe_of(LENT["other pooling"]), examples, tmp_path / "b")


def test_lower_case_and_a_tokenizer_of_another_kind_are_kept(
    examples: Examples, tmp_path: Path
) -> None:
    tiny_model(tmp_path / "bare", kind="roberta").save_pretrained(
        str(tmp_path / "model"), create_model_card=False
    )
    sentence = tmp_path / "model" / "sentence_bert_config.json"
    sentence.write_text(json.dumps({**json.loads(sentence.read_text()), "do_lower_case": True}))
    for name in ("transformer", "static"):
        _, model = built(name, tmp_path / "model", examples, tmp_path / name)
        later = SentenceTransformer(str(tmp_path / name), device="cpu")
        found = later.encode(["PRINTER On", "printer on"])
        np.testing.assert_array_equal(found[0], found[1])


def test_a_tokenizer_that_has_more_tokens_than_its_model_is_refused(
    tokenizer_alone: Path, examples: Examples, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tokenizer_alone, folder)
    config = AutoConfig.from_pretrained(folder)
    config.vocab_size = 100
    config.save_pretrained(folder)
    with pytest.raises(StudioError, match="do not fit together"):
        zero.build(folder, recipe_of([SCRATCH, CNN, POOL]), examples, tmp_path / "built")


@pytest.fixture(scope="session")
def plain_transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model as bert-base-uncased is: no modules.json, and a head for masked words."""
    folder = tmp_path_factory.mktemp("plain")
    packaged = packaged_model()
    assert packaged is not None
    AutoTokenizer.from_pretrained(packaged).save_pretrained(folder)
    torch.manual_seed(3)
    BertForMaskedLM(BertConfig(**{**SCRATCH["from_scratch"], "vocab_size": 30522})).save_pretrained(
        folder
    )
    return folder


def test_a_plain_transformer_is_taken_over_with_any_pooling(
    plain_transformer: Path, examples: Examples, tmp_path: Path
) -> None:
    recipe = recipe_of([{"type": "Transformer"}, {"type": "Pooling", "mode": "cls"}])
    zero.build(plain_transformer, recipe, examples, tmp_path / "built")
    model = prepare_model(tmp_path / "built", recipe, CASES["pair"])
    trained = BertForMaskedLM.from_pretrained(plain_transformer)
    words = trained.get_input_embeddings().weight
    assert torch.equal(model[0].model.get_input_embeddings().weight, words)
    assert model[1].pooling_mode == "cls"


def test_a_static_table_has_a_row_for_every_token(
    lender: Path, examples: Examples, tmp_path: Path
) -> None:
    _, model = built("static", lender, examples, tmp_path / "built")
    assert isinstance(model[0], StaticEmbedding)
    assert model[0].num_embeddings == lender_of(read_input(lender, "tiny")).vocabulary


def test_hard_negatives_are_not_chosen_by_random_weights() -> None:
    mining = [{"code": "mine_negatives", "args": {}}]
    with pytest.raises(StudioError, match="random weights know none"):
        recipe_of(KINDS["static"], fixes=mining)
    recipe_of(LENT["layers behind"], fixes=mining)


def test_what_a_lost_lease_has_built_is_not_built_again(
    lender: Path, examples: Examples, tmp_path: Path
) -> None:
    recipe = recipe_of(KINDS["static"], max_steps=1, eval_steps=1, max_seconds=5)
    run, _ = RunStore(tmp_path).create(recipe.to_json(), {"case": "pair"})
    small = replace(examples, test=examples.test.slice(0, 160))
    small.save(run.examples_dir)
    zero.build(lender, replace(recipe, seed=9), examples, run.built_dir)  # other random numbers
    before = (run.built_dir / "model.safetensors").read_bytes()
    run.write_base(run.built_dir)
    train_job({"run": str(run.path)})
    assert run.state["state"] == "finished", run.state
    assert run.base_dir == run.built_dir
    assert (run.built_dir / "model.safetensors").read_bytes() == before


def test_matryoshka_of_a_static_model_ends_with_all_that_it_has(tmp_path: Path) -> None:
    packaged = packaged_model()
    assert packaged is not None
    tokenizer = AutoTokenizer.from_pretrained(str(packaged))
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=48)])
    recipe = Recipe({}, loss="MultipleNegativesRankingLoss", matryoshka_dims=[256, 32])
    recipe = replace(recipe, loss_settings={"scale": 20.0})
    assert make_loss(model, recipe, 0).matryoshka_dims == (48, 32)
