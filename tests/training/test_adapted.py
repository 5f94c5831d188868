"""LoRA trains matrices beside frozen weights, and leaves a model of the kind it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch import nn

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.errors import StudioError
from ststudio.runs.store import RunStore
from ststudio.training import zero
from ststudio.training.adapted import adapted, attention_projections
from ststudio.training.live import Live
from ststudio.training.recipe import Recipe
from ststudio.training.tokens import Tokens
from ststudio.training.train import fine_tune
from ststudio.training.vocabulary import used_vocabulary
from tests.training.built import KINDS
from tests.training.test_zero import recipe_of
from tests.training.tiny import KINDS as TRANSFORMERS
from tests.training.tiny import tiny_model

SOURCE = {"kind": "builtin", "id": "sample-pair"}
LORA = {"r": 4, "alpha": 8, "dropout": 0.0}
TEXTS = ["the printer blinks red", "paper will not feed"]


def trained(folder: Path, examples: Examples, **asked: Any) -> SentenceTransformer:
    asked = {"source": SOURCE, "lora": LORA, "max_steps": 3, "eval_steps": 3, **asked}
    recipe = Recipe.from_json(asked).derived(CASES["pair"])
    run, _ = RunStore(folder).create(recipe.to_json(), {})
    model = tiny_model(folder / "tiny")
    live = Live(run, CASES["pair"].metric, recipe, keeps_best=True)
    fine_tune(run, recipe, CASES["pair"], model, examples, live)
    return model


def test_only_the_attention_moves_and_the_model_is_of_the_kind_it_was(
    tmp_path: Path, examples: Examples
) -> None:
    before = tiny_model(tmp_path / "base")
    model = trained(tmp_path, examples)
    old, new = before.state_dict(), model.state_dict()
    assert old.keys() == new.keys()
    moved = {name for name in old if not torch.equal(old[name], new[name])}
    projections = ("query.weight", "key.weight", "value.weight", "attention.output.dense.weight")
    assert len(moved) == 2 * 4 and all(name.endswith(projections) for name in moved)
    assert all(weight.requires_grad for weight in model.parameters())
    assert not hasattr(model[0].model, "peft_config")


def test_what_was_merged_loads_back_with_the_same_vectors(
    tmp_path: Path, examples: Examples
) -> None:
    model = trained(tmp_path, examples)
    model.save_pretrained(str(tmp_path / "tuned"), create_model_card=False)
    later = SentenceTransformer(str(tmp_path / "tuned"), device="cpu", local_files_only=True)
    np.testing.assert_allclose(later.encode(TEXTS), model.encode(TEXTS), atol=1e-6)
    assert not list((tmp_path / "tuned").rglob("adapter*"))


@pytest.mark.parametrize(
    "kind",
    [k if k == "bert" else pytest.param(k, marks=pytest.mark.slow) for k in TRANSFORMERS],
)
def test_every_kind_of_transformer_has_projections_that_learn(kind: str, tmp_path: Path) -> None:
    model = tiny_model(tmp_path, kind=kind)
    exact = model.encode(TEXTS)
    with adapted(model, LORA):
        assert np.allclose(model.encode(TEXTS), exact, atol=1e-6)
        model(model.preprocess(TEXTS))["sentence_embedding"].sum().backward()
        learns = [name for name, weight in model.named_parameters() if weight.requires_grad]
        assert learns and all("lora_" in name for name in learns)
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if "lora_" in name:
                    weight += 0.05
        inside = model.encode(TEXTS)
        assert not np.allclose(inside, exact, atol=1e-4)
    np.testing.assert_allclose(model.encode(TEXTS), inside, atol=1e-5)


def test_no_word_is_trained_and_layers_behind_are(tmp_path: Path) -> None:
    model = tiny_model(tmp_path, cnn=True)
    with adapted(model, LORA), used_vocabulary(Tokens(model), {"": TEXTS}):
        assert type(model[0].model.get_input_embeddings()) is nn.Embedding
        assert not model[0].model.get_input_embeddings().weight.requires_grad
        assert all(weight.requires_grad for weight in model[1].parameters())


def test_the_pooler_is_no_attention(tmp_path: Path) -> None:
    inner = tiny_model(tmp_path)[0].model
    names = attention_projections(inner)
    assert len(names) == 2 * 4
    assert not any("pooler" in name or "intermediate" in name for name in names)


@pytest.mark.parametrize("name", ["static", "words"])
def test_a_model_without_attention_is_refused(
    name: str, tmp_path: Path, examples: Examples
) -> None:
    tiny_model(tmp_path / "bare").save_pretrained(str(tmp_path / "model"), create_model_card=False)
    zero.build(tmp_path / "model", recipe_of(KINDS[name]), examples, tmp_path / "built")
    model = SentenceTransformer(str(tmp_path / "built"), device="cpu")
    with pytest.raises(StudioError, match="has no attention"), adapted(model, LORA):
        pass


def test_without_lora_nothing_is_changed(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    with adapted(model, None):
        assert all(weight.requires_grad for weight in model.parameters())
