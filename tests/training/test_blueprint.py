"""What can be built and what cannot: refused in a sentence, sized before anything is there."""

from pathlib import Path
from typing import Any

import pytest

from ststudio.errors import StudioError
from ststudio.model_input import ModelInput, read_input
from ststudio.settings import get_settings
from ststudio.shelf import packaged_model
from ststudio.training.blueprint import (
    LENGTH,
    OWN_NAME,
    as_read,
    checked_modules,
    draw,
    layer_of,
    lender_of,
    needs_weights,
)
from ststudio.training.layers import LAYERS
from ststudio.training.losses import LOSSES
from ststudio.training.rates import usual_rate
from ststudio.training.recipe import Recipe
from ststudio.training.sizes import Lender

SOURCE = {"kind": "builtin", "id": "sample-triplet"}
POOL, NORM, CNN = {"type": "Pooling"}, {"type": "Normalize"}, {"type": "CNN"}
DENSE, STATIC, WORDS = {"type": "Dense"}, {"type": "StaticEmbedding"}, {"type": "BoW"}
LENT, TINY = {"type": "Transformer"}, {"type": "Transformer", "from_scratch": {}}

REFUSED: dict[str, tuple[list[Any], str]] = {
    "LSTM": ([LENT, {"type": "LSTM"}, POOL], "no layer 'LSTM' here. Allowed.*Transformer.*BoW"),
    "no type": ([{"kind": "Transformer"}], "no layer None"),
    "a code path": ([{"type": "torch.nn.Linear"}], "no layer 'torch.nn.Linear'"),
    "no object": (["Transformer"], "each layer is an object"),
    "pooling first": ([POOL], "Pooling cannot come first.*Start with one of: Transformer"),
    "no pooling": ([LENT], "last layer must give one vector for each text.*Put Pooling behind"),
    "dense before pooling": ([LENT, DENSE, POOL], "Dense reads.*Put Pooling behind Transformer"),
    "normalize before pooling": ([LENT, NORM], "Normalize reads.*Put Pooling"),
    "cnn after pooling": ([LENT, POOL, CNN], "CNN reads one vector for each token, but Pooling"),
    "cnn after static": ([STATIC, CNN, POOL], "CNN reads.*but Static embedding"),
    "pooling after static": ([STATIC, POOL], "Pooling reads.*but Static embedding"),
    "two pools": ([LENT, POOL, POOL], "Pooling reads.*but Pooling"),
    "two transformers": ([LENT, TINY, POOL], "random weights\\) can only come first"),
    "nothing to learn": ([WORDS], "word counts, which hold no weight to learn. Put Dense"),
    "words normalized": ([WORDS, NORM], "Put Dense behind Bag of words"),
    "words pooled": ([WORDS, POOL], "Put Dense behind Bag of words"),
    "dense after normalize": ([STATIC, NORM, DENSE], "would undo it. Put Normalize last"),
    "a setting of another": ([{**STATIC, "words": 9}], "Static embedding has no setting words"),
    "beside from_scratch": (
        [{**TINY, "hidden_size": 32}, POOL],
        "hidden_size. Allowed under from",
    ),
    "no settings": ([{"type": "Transformer", "from_scratch": 3}, POOL], "object of settings"),
    "no mode": ([LENT, {**POOL, "mode": "median"}], "mode = 'median'.*mean, cls, max"),
    "too wide": ([{**STATIC, "dimensions": 10**9}], "dimensions = 1000000000.*from 16 to 1024"),
    "true is no number": ([{**STATIC, "dimensions": True}], "dimensions = True"),
    "even kernels": ([LENT, {**CNN, "kernel_sizes": [2]}, POOL], "odd whole numbers"),
    "no kernels": ([LENT, {**CNN, "kernel_sizes": []}, POOL], "odd whole numbers"),
    "an activation": ([STATIC, {**DENSE, "activation": "os.system"}], "Tanh, Identity"),
    "odd heads": (
        [{"type": "Transformer", "from_scratch": {"num_attention_heads": 3}}, POOL],
        "hidden_size 128 cannot be shared by 3",
    ),
    "too many": ([STATIC, *[{"type": "Dropout"}] * 8], "a list of 1 to 8 layers"),
    "no list": ({"type": "BoW"}, "a list of 1 to 8"),  # type: ignore[dict-item]
}


@pytest.fixture(scope="module")
def minilm() -> ModelInput:
    folder = packaged_model()
    assert folder is not None
    return read_input(folder, "all-MiniLM-L6-v2")


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_built_is_refused_in_a_sentence(name: str) -> None:
    modules, said = REFUSED[name]
    with pytest.raises(StudioError, match=f"(?s)modules.*{said}"):
        Recipe.from_json({"source": SOURCE, "modules": modules})


def test_every_setting_that_is_left_out_is_filled_in() -> None:
    recipe = Recipe.from_json({"source": SOURCE, "modules": [TINY, CNN, POOL, DENSE, NORM]})
    assert recipe.modules == [
        {
            "type": "Transformer",
            "from_scratch": {
                "hidden_size": 128,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "intermediate_size": 512,
            },
        },
        {"type": "CNN", "out_channels": 128, "kernel_sizes": [1, 3, 5]},
        {"type": "Pooling", "mode": "mean"},
        {"type": "Dense", "out_features": 256, "activation": "Tanh"},
        {"type": "Normalize"},
    ]
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_no_modules_are_no_modules() -> None:
    assert Recipe.from_json({"source": SOURCE, "modules": []}).modules is None
    assert Recipe.from_json({"source": SOURCE, "modules": None}).modules is None


def test_the_first_layer_may_name_the_base_model() -> None:
    named = [{**LENT, "id": "google-bert/bert-base-uncased", "revision": "main"}, POOL]
    recipe = Recipe.from_json({"source": SOURCE, "modules": named})
    assert recipe.base_model == {"id": "google-bert/bert-base-uncased", "revision": "main"}
    assert recipe.modules == [LENT, {**POOL, "mode": "mean"}]
    with pytest.raises(StudioError, match="Name the model in one of the two places"):
        Recipe.from_json({"source": SOURCE, "modules": named, "base_model": "bert-large"})


def test_dimensions_follow_each_other_through_the_layers(minilm: ModelInput) -> None:
    modules = checked_modules([LENT, CNN, POOL, DENSE, {"type": "LayerNorm"}, NORM])
    assert modules is not None
    steps = draw(modules, lender_of(minilm), None).steps
    assert [step.flow.width for step in steps] == [384, 384, 384, 256, 256, 256]
    kinds = [step.flow.kind for step in steps]
    assert kinds == ["tokens", "tokens", *["sentence"] * 4]


def test_the_base_model_s_transformer_is_counted_nearly_right(minilm: ModelInput) -> None:
    lender = lender_of(minilm)
    assert lender.parameters == pytest.approx(22_713_216, rel=0.02)


def test_a_model_too_large_is_refused_before_anything_is_fetched(
    minilm: ModelInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STSTUDIO_MODEL_PARAMETERS", "3000000")
    get_settings.cache_clear()
    modules = checked_modules([STATIC])
    assert modules is not None
    with pytest.raises(StudioError, match="8 million parameters; up to 3 million"):
        draw(modules, lender_of(minilm), None)
    monkeypatch.setenv("STSTUDIO_MODEL_PARAMETERS", "150000000")
    monkeypatch.setenv("STSTUDIO_MODEL_BYTES", "10000000")
    get_settings.cache_clear()
    with pytest.raises(StudioError, match="weighs 31 MB; up to 10 MB"):
        draw(modules, lender_of(minilm), None)


@pytest.mark.parametrize("first", [LENT, TINY, STATIC])
def test_a_base_without_a_transformer_lends_nothing(first: dict[str, Any]) -> None:
    modules = checked_modules([first, *([] if first is STATIC else [POOL])])
    assert modules is not None
    with pytest.raises(StudioError, match="run:1 has no Transformer.*Choose another base model"):
        draw(modules, Lender("run:1"), None)


def test_a_bag_of_words_needs_no_lender_and_has_no_length() -> None:
    modules = checked_modules([WORDS, DENSE])
    assert modules is not None
    plan = draw(modules, Lender("run:1"), None)
    assert (plan.parameters, plan.counts) == (5_000 * 256 + 256, "up to")
    with pytest.raises(StudioError, match="counts all words.*Leave it empty"):
        draw(modules, Lender("run:1"), 64)


def test_a_built_model_reads_what_it_was_built_to_read(minilm: ModelInput) -> None:
    def reads(first: dict[str, Any], length: int | None) -> tuple[str, int | None]:
        modules = checked_modules([first, *([] if first is STATIC else [POOL])])
        assert modules is not None
        model = as_read(minilm, draw(modules, lender_of(minilm), length), length)
        return model.id, model.limit

    assert reads(TINY, None) == (OWN_NAME, LENGTH)
    assert reads(TINY, 32) == (OWN_NAME, 32)
    assert reads(STATIC, None) == (OWN_NAME, None)
    assert reads(LENT, None) == (minilm.id, minilm.limit)


def test_only_what_takes_over_weights_needs_them() -> None:
    assert needs_weights(None) and needs_weights([LENT, POOL])
    assert not any(needs_weights([first]) for first in (TINY, STATIC, WORDS))


def test_every_layer_names_itself() -> None:
    for key, layer in LAYERS.items():
        entry = {"type": layer.type, **({layer.under: {}} if layer.under else {})}
        assert layer_of(entry).key == key
        assert layer.why.endswith(".")
        for setting in layer.settings:
            assert setting.rule.holds(setting.default), (key, setting.name)


def test_random_weights_and_lora_are_trained_faster() -> None:
    loss = "MultipleNegativesRankingLoss"
    usual = LOSSES[loss].learning_rate
    assert usual_rate(loss) == usual_rate(loss, [LENT, POOL]) == usual
    assert usual_rate(loss, [STATIC]) > usual_rate(loss, [TINY, POOL]) > usual
    assert usual_rate(loss, None, {"r": 8}) == 10 * usual


@pytest.mark.parametrize(
    ("lora", "said"),
    [
        ({"r": 0}, "lora: r = 0"),
        ({"r": 8, "dropout": 1.0}, "lora: dropout"),
        ({"r": 8, "target": "all"}, "lora =.*Allowed: null or {r, alpha, dropout}"),
        (8, "lora = 8"),
        ({"r": "8"}, "lora: r = '8'"),
    ],
)
def test_lora_settings_out_of_range_are_refused(lora: Any, said: str) -> None:
    with pytest.raises(StudioError, match=said):
        Recipe.from_json({"source": SOURCE, "lora": lora})


def test_lora_fills_in_its_settings_and_leaves_random_weights_alone() -> None:
    recipe = Recipe.from_json({"source": SOURCE, "lora": {"r": 4}})
    assert recipe.lora == {"r": 4, "alpha": 8, "dropout": 0.0}
    assert Recipe.from_json(recipe.to_json()) == recipe
    for first in (TINY, STATIC, WORDS):
        behind = [POOL] if first is TINY else [DENSE]
        with pytest.raises(StudioError, match="starts from random weights"):
            Recipe.from_json({"source": SOURCE, "modules": [first, *behind], "lora": {}})


def test_a_folder_that_describes_no_transformer_lends_nothing(tmp_path: Path) -> None:
    assert lender_of(ModelInput("m", tmp_path)) == Lender("m")
    (tmp_path / "config.json").write_text('{"vocab": ["a"], "word_weights": {}}')
    assert lender_of(ModelInput("m", tmp_path)) == Lender("m")
