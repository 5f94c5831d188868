"""Bucketed training: the same vectors, losses and gradients as the stock trainer, less padding."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.trainer import SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)
from transformers import TrainerCallback

from ststudio.data.cases import CASES
from ststudio.errors import StudioError
from ststudio.training.bucketing import Bucketed, bucketed
from ststudio.training.loss_settings import GUIDE
from ststudio.training.losses import LOSSES
from ststudio.training.models import load_guide, make_loss
from ststudio.training.recipe import Recipe
from ststudio.training.tokens import Tokens
from ststudio.training.trainer import Trainer
from ststudio.training.vocabulary import used_vocabulary
from tests.training.tiny import KINDS, tiny_model

WORDS = "the printer on floor two will not pull paper and blinks red since monday morning".split()
TEXTS = [" ".join(WORDS[start : start + 1 + 3 * start % 13]) for start in range(14)]
SOURCE = {"kind": "builtin", "id": "sample-pair"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> SentenceTransformer:
    """Return a tiny model; whoever changes it makes another."""
    return tiny_model(tmp_path_factory.mktemp("tiny"))


def rows_of(case: str) -> Dataset:
    """Return 12 rows of a case, their texts of many lengths."""
    columns = CASES[case].columns
    texts = {name: [TEXTS[(5 * n + row) % 14] for row in range(12)]
             for n, name in enumerate(columns)}  # fmt: skip
    label = {"score": [row / 11 for row in range(12)], "class": [row % 3 for row in range(12)]}
    kind = CASES[case].label
    if case in ("pair-class",):
        label["class"] = [row % 2 for row in range(12)]
    return Dataset.from_dict(texts | ({"label": label[kind]} if kind else {}))


class Losses(TrainerCallback):
    """Keep the loss of every step."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def on_log(self, *_: Any, logs: dict[str, float], **__: Any) -> None:
        if "loss" in logs:
            self.values.append(logs["loss"])


def guide_of(folder: Path, recipe: Recipe, ours: bool) -> SentenceTransformer | None:
    """Return a guide that is another model than the one it guides, where a loss has one."""
    if GUIDE not in recipe.loss_settings:
        return None
    guide = tiny_model(folder / "guide", kind="mpnet")
    if ours:
        guide.save_pretrained(str(folder / "whole-guide"))
        return load_guide(folder / "whole-guide")
    guide.requires_grad_(False)
    return guide.eval()


def trained(
    folder: Path,
    rows: Dataset,
    recipe: Recipe,
    ours: bool,
    prompts: dict[str, str] | None = None,
    kind: str = "bert",
) -> tuple[list[float], np.ndarray]:
    """Return the losses of four steps, and what the model then makes of the texts."""
    model = tiny_model(folder, include_prompt=not prompts, kind=kind)
    kept = Losses()
    common: dict[str, Any] = {
        "model": model,
        "args": SentenceTransformerTrainingArguments(
            output_dir=str(folder),
            use_cpu=True,
            max_steps=4,
            per_device_train_batch_size=6,
            learning_rate=1e-3,
            logging_steps=1,
            report_to=[],
            disable_tqdm=True,
            save_strategy="no",
            prompts=prompts,
            seed=3,
        ),  # fmt: skip
        "train_dataset": rows,
        "callbacks": [kept],
    }
    if ours:
        texts = {"": TEXTS} | {prompt: TEXTS for prompt in (prompts or {}).values()}
        tokens = Tokens(model)
        with used_vocabulary(tokens, texts), bucketed(model) as forward:
            loss = make_loss(model, recipe, 3, guide_of(folder, recipe, ours))
            Trainer(**common, loss=loss, bucketed=forward, tokens=tokens).train()
    else:
        loss = make_loss(model, recipe, 3, guide_of(folder, recipe, ours))
        SentenceTransformerTrainer(**common, loss=loss).train()
    model.eval()
    return kept.values, np.asarray(model.encode([*TEXTS, "a word nobody trained: aardvark"]))


def all_losses(quick: Sequence[str], possible: Callable[[str], bool] = lambda _: True) -> list[Any]:
    """Return all losses of all cases, of which the first of each quick case is not slow."""
    return [
        pytest.param(
            case.key,
            loss,
            marks=[] if case.key in quick and loss == case.losses[0] else pytest.mark.slow,
        )
        for case in CASES.values()
        for loss in case.losses
        if possible(loss)
    ]


@pytest.mark.parametrize(("case", "loss"), all_losses(tuple(CASES)))
def test_every_loss_sees_and_learns_what_it_would_in_the_stock_trainer(
    tmp_path: Path, case: str, loss: str
) -> None:
    recipe = Recipe(SOURCE, loss=loss, loss_settings=LOSSES[loss].chosen({}))
    ours = trained(tmp_path / "ours", rows_of(case), recipe, ours=True)
    stock = trained(tmp_path / "stock", rows_of(case), recipe, ours=False)
    assert len(stock[0]) == 4 and len(set(stock[0])) > 1
    np.testing.assert_allclose(ours[0], stock[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours[1], stock[1], atol=1e-3)


@pytest.mark.parametrize(
    ("case", "loss"), all_losses(("triplet",), lambda loss: not LOSSES[loss].whole_only)
)
def test_matryoshka_sees_the_same_at_every_dimension(tmp_path: Path, case: str, loss: str) -> None:
    recipe = Recipe(
        SOURCE, loss=loss, loss_settings=LOSSES[loss].chosen({}), matryoshka_dims=[32, 16, 8]
    )
    ours = trained(tmp_path / "ours", rows_of(case), recipe, ours=True)
    stock = trained(tmp_path / "stock", rows_of(case), recipe, ours=False)
    np.testing.assert_allclose(ours[0], stock[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours[1], stock[1], atol=1e-3)


def test_a_classifier_of_pairs_cannot_be_trained_at_several_dimensions(tmp_path: Path) -> None:
    recipe = Recipe(SOURCE, loss="SoftmaxLoss", loss_settings={}, matryoshka_dims=[32, 16])
    with pytest.raises(RuntimeError, match="shapes"):
        trained(tmp_path, rows_of("nli"), recipe, ours=False)
    with pytest.raises(StudioError, match="classifier reads vectors of one length"):
        recipe.derived(CASES["nli"])


QUICK = ("roberta", "mpnet")  # one that is packed, one in chunks; the others take as long


@pytest.mark.parametrize(
    "kind",
    [
        kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow)
        for kind in KINDS
        if kind != "bert"
    ],
)
def test_other_kinds_of_transformer_learn_the_same_too(tmp_path: Path, kind: str) -> None:
    recipe = Recipe(SOURCE, loss="MultipleNegativesRankingLoss", loss_settings={"scale": 20.0})
    ours = trained(tmp_path / "ours", rows_of("triplet"), recipe, ours=True, kind=kind)
    stock = trained(tmp_path / "stock", rows_of("triplet"), recipe, ours=False, kind=kind)
    np.testing.assert_allclose(ours[0], stock[0], rtol=1e-4)
    np.testing.assert_allclose(ours[1], stock[1], atol=1e-3)


def test_prompts_that_pooling_leaves_out_are_left_out_of_each_column(tmp_path: Path) -> None:
    prompts = {"anchor": "query: ", "positive": "a long prompt for passages: "}
    recipe = Recipe(SOURCE, loss="MultipleNegativesRankingLoss", loss_settings={"scale": 20.0})
    ours = trained(tmp_path / "ours", rows_of("pair"), recipe, ours=True, prompts=prompts)
    stock = trained(tmp_path / "stock", rows_of("pair"), recipe, ours=False, prompts=prompts)
    np.testing.assert_allclose(ours[0], stock[0], rtol=1e-4)


def test_the_chunks_are_short_where_the_texts_are(tmp_path: Path) -> None:
    model = tiny_model(tmp_path, kind="mpnet")  # which looks at how far two tokens are apart
    widths = []
    keep = model[0].register_forward_hook(
        lambda _, args, __: widths.append(tuple(args[0]["input_ids"].shape))
    )
    texts = ["short text"] * 60 + ["word " * 50] * 4
    with bucketed(model) as forward:
        forward.overhead = 48
        model(model.preprocess(texts))
    keep.remove()
    assert widths == [(4, 52), (60, 4)]


def test_the_columns_of_a_batch_share_their_chunks(model: SentenceTransformer) -> None:
    columns = [model.preprocess(TEXTS[:7]), model.preprocess(TEXTS[7:])]
    alone = [model({**column})["sentence_embedding"] for column in columns]
    calls = []
    keep = model[0].register_forward_hook(lambda *_: calls.append(1))
    with bucketed(model) as forward:
        forward.overhead = 10_000  # one chunk is the cheapest
        together = forward.together(columns)
        answered = [model(column)["sentence_embedding"] for column in together]
    keep.remove()
    assert len(calls) == 1
    for one, other in zip(answered, alone, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


def test_a_model_that_looks_at_padding_runs_whole(tmp_path: Path) -> None:
    model = tiny_model(tmp_path, cnn=True)
    whole = model(model.preprocess(TEXTS))["sentence_embedding"]
    with bucketed(model):
        assert torch.equal(model(model.preprocess(TEXTS))["sentence_embedding"], whole)


def test_texts_padded_on_the_left_run_whole(model: SentenceTransformer) -> None:
    features = model.preprocess(TEXTS)
    flipped = {
        key: value.flip(1) if isinstance(value, torch.Tensor) else value
        for key, value in features.items()
    }
    assert Bucketed(model)._splits(features) and not Bucketed(model)._splits(flipped)


def test_what_is_measured_is_float32_while_training_casts(model: SentenceTransformer) -> None:
    exact = model.encode(TEXTS)
    with bucketed(model, bf16=True):
        assert np.allclose(model.encode(TEXTS), exact, atol=1e-6)
        model.train()
        cast = model(model.preprocess(TEXTS))["sentence_embedding"]
        model.eval()
    difference = np.abs(cast.detach().numpy() - exact).max()
    assert cast.dtype == torch.float32 and 1e-5 < difference < 0.1
    assert "forward" not in vars(model)
