"""What stock training does without a word, beside what stands here before training starts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import losses
from sentence_transformers.sentence_transformer.trainer import SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)

from ststudio.data.cases import CASES
from ststudio.data.doctor import Diagnosis, diagnose
from ststudio.data.prompts import agreed_prompts, column_prompts, own_prompts
from ststudio.errors import StudioError
from ststudio.shelf import packaged_model
from ststudio.training import models
from ststudio.training.evaluation import MEASURES, Part
from ststudio.training.interval import paired_means
from ststudio.training.losses import LOSSES
from ststudio.training.recipe import Recipe
from tests.data.made import Writer, table
from tests.data.seen import codes, find

SOURCE = {"kind": "builtin", "id": "sample-pair"}
Columns = dict[str, list[Any]]
Stock = Callable[..., SentenceTransformerTrainer]


@pytest.fixture(scope="module")
def model() -> SentenceTransformer:
    folder = packaged_model()
    if folder is None:
        pytest.skip("the packaged model is not installed")
    return models.load_model(folder).eval()


@pytest.fixture
def stock(model: SentenceTransformer, tmp_path: Path) -> Stock:
    """Return the library's own trainer on the first rows, as a script of one's own makes it."""

    def make_trainer(
        rows: Columns, loss: Any, first: int = 16, **args: Any
    ) -> SentenceTransformerTrainer:
        return SentenceTransformerTrainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                str(tmp_path),
                per_device_train_batch_size=16,
                report_to=[],
                disable_tqdm=True,
                dataloader_pin_memory=False,
                **args,
            ),
            train_dataset=Dataset.from_dict({name: rows[name][:first] for name in rows}),
            loss=loss,
        )

    return make_trainer


def loss_of(trainer: SentenceTransformerTrainer) -> float:
    """Return the loss of the one batch that the rows make."""
    batch = next(iter(trainer.get_train_dataloader()))
    with torch.no_grad():
        return float(trainer.compute_loss(trainer.model.eval(), batch))


def sentences(many: int, seed: int = 1) -> list[str]:
    writer = Writer(seed)
    return [writer.say() for _ in range(many)]


def doctor(rows: Columns, **given: Any) -> Diagnosis:
    """Diagnose columns, each as often as a set needs to be parted."""
    return diagnose(
        table(dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)),
        **given,
    )


# 1. The label is ignored, and negatives are trained as positives.


def test_ranking_loss_on_a_label_trains_negatives_as_positives(
    model: SentenceTransformer, stock: Stock
) -> None:
    rows: Columns = {"sentence1": sentences(60), "sentence2": sentences(60, 2)}
    ranking = losses.MultipleNegativesRankingLoss(model)
    labelled = [loss_of(stock({**rows, "label": label}, ranking)) for label in ([1] * 60, [0] * 60)]
    assert labelled[0] == pytest.approx(labelled[1]) == pytest.approx(loss_of(stock(rows, ranking)))

    labels = {"label": [n % 2 for n in range(60)]}
    found = doctor({**rows, **labels})
    assert found.case == "pair-class"
    with pytest.raises(StudioError, match="does not read"):
        Recipe(SOURCE, loss="MultipleNegativesRankingLoss").derived(CASES["pair-class"])
    insisting = doctor({**rows, **labels}, case="pair")
    assert find(insisting, "negatives_as_positives").level == "error"


# 2. A third text is ignored, and scores off 0..1 are taken as cosines.


def test_cosine_loss_ignores_a_third_text(model: SentenceTransformer, stock: Stock) -> None:
    rows: Columns = {
        "sentence1": sentences(60),
        "sentence2": sentences(60, 2),
        "remark": sentences(60, 3),
        "score": [n * 7 % 60 / 60 for n in range(60)],
    }
    cosine = losses.CosineSimilarityLoss(model)
    other = {**rows, "remark": sentences(60, 4)}
    assert loss_of(stock(rows, cosine)) == pytest.approx(loss_of(stock(other, cosine)))

    found = doctor(rows)
    assert find(found, "extra_column").level == "warning"
    assert list(found.preview[0]) == ["sentence1", "sentence2", "score"]


def test_cosine_loss_takes_scores_to_five_as_cosines(
    model: SentenceTransformer, stock: Stock
) -> None:
    texts: Columns = {"sentence1": sentences(60), "sentence2": sentences(60, 2)}
    cosine = losses.CosineSimilarityLoss(model)
    to_five = {**texts, "score": [n * 7 % 60 / 12 for n in range(60)]}
    to_one = {**texts, "score": [n * 7 % 60 / 60 for n in range(60)]}
    assert loss_of(stock(to_five, cosine)) > 10 * loss_of(stock(to_one, cosine))

    finding = find(doctor(to_five), "score_range")
    assert finding.level == "error" and finding.fix is not None
    mended = doctor(to_five, fixes=[finding.fix]).prepared
    assert mended is not None
    assert mended.splits["train"]["score"].to_pylist() == pytest.approx(to_one["score"])


# 3. Of labelled triplets only the first column is read.


def test_batch_loss_reads_the_first_column_alone(model: SentenceTransformer, stock: Stock) -> None:
    rows: Columns = {
        "anchor": sentences(60),
        "positive": sentences(60, 2),
        "negative": sentences(60, 3),
        "label": [n % 5 for n in range(60)],
    }
    hard = losses.BatchHardTripletLoss(model)
    other = {**rows, "positive": sentences(60, 4), "negative": sentences(60, 5)}
    alone = {name: rows[name] for name in ("anchor", "label")}
    seen = [loss_of(stock(columns, hard)) for columns in (rows, other, alone)]
    assert seen == pytest.approx([seen[0]] * 3)

    found = doctor(rows)
    assert found.case == "triplet"
    flatten = next(f.fix for f in found.findings if f.fix and f.fix.code == "flatten_triplets")
    flat = doctor(rows, fixes=[flatten])
    assert (flat.case, flat.rows["kept"]) == ("text-class", 120)
    with pytest.raises(StudioError, match="does not read"):
        Recipe(SOURCE, loss="BatchHardTripletLoss").derived(CASES["triplet"])


# 4. Question and answer swapped.


def test_ranking_loss_learns_the_question_from_the_answer(
    model: SentenceTransformer, stock: Stock
) -> None:
    writer = Writer()
    rows: Columns = {
        "anchor": [writer.say(20) for _ in range(60)],
        "positive": [writer.ask() for _ in range(60)],
    }
    assert np.isfinite(loss_of(stock(rows, losses.MultipleNegativesRankingLoss(model))))

    finding = find(doctor(rows), "swapped")
    assert finding.level == "warning" and finding.fix is not None
    right = doctor(rows, fixes=[finding.fix])
    assert right.columns == {"anchor": "positive", "positive": "anchor"}
    assert "swapped" not in codes(right)


# 5. A model's prompts are left out of training, and put in by the evaluators.


def test_the_trainer_adds_no_prompt_unless_it_is_told(stock: Stock) -> None:
    folder = packaged_model()
    assert folder is not None
    prompted = models.load_model(folder)
    prompted.prompts = {"query": "query: ", "document": "passage: "}
    rows: Columns = {"anchor": ["Where is it?"] * 4, "positive": ["It is here."] * 4}
    case = CASES["pair"]

    def tokens(prompts: dict[str, str] | None) -> list[int]:
        trainer = stock(rows, losses.MultipleNegativesRankingLoss(prompted), prompts=prompts)
        trainer.model = prompted
        batch = next(iter(trainer.get_train_dataloader()))
        return [int(batch[f"{role}_attention_mask"][0].sum()) for role in case.columns]

    plain = [len(prompted.tokenizer(text).input_ids) for text in ("Where is it?", "It is here.")]
    assert tokens(None) == plain  # and yet the library's evaluators call encode_query
    own = own_prompts(prompted.prompts, prompted.default_prompt_name)
    told = column_prompts(case, agreed_prompts(case, {}, own))
    assert told == {"anchor": "query: ", "positive": "passage: "}
    assert tokens(told) == [length + 2 for length in plain]


# 6. More sampled triplets than texts: an interval that shrinks without evidence.


def test_an_interval_over_sampled_triplets_shrinks_with_the_sampling(
    model: SentenceTransformer,
) -> None:
    rng = np.random.default_rng(0)
    before, after = ((rng.random(100) < share).astype(float) for share in (0.7, 0.8))
    once = paired_means(before, after, np.arange(100))
    sampled = paired_means(np.tile(before, 10), np.tile(after, 10), np.arange(1_000))
    assert np.ptp(sampled) < np.ptp(once) / 3  # no text was added

    rows = doctor({"text": sentences(120), "label": [n % 4 for n in range(120)]}).prepared
    assert rows is not None
    test = rows.splits["train"].select(["text", "label"]).slice(0, 24)
    evidence = MEASURES[CASES["text-class"].evaluator].evidence(Part.of_pairs(test), model)
    assert len(evidence) == 24  # one a text, however many triplets they make


# 7. A margin that no distance can reach.


@pytest.mark.parametrize(
    "name", [name for name, loss in LOSSES.items() if "distance" in loss.settings]
)
def test_a_default_margin_cannot_be_reached_by_a_model_that_normalises(
    name: str, model: SentenceTransformer, stock: Stock
) -> None:
    case = next(case for case in CASES.values() if name in case.losses)
    one, other = "The parcel is held at customs.", "My badge does not open the door."
    # Nothing is left to learn: the same texts within a class, others outside it.
    rows: Columns = {"text": [one, one, other, other], "label": [0, 0, 1, 1]}
    if case.key == "triplet":
        rows = {"anchor": [one], "positive": [one], "negative": [other]}

    recipe = Recipe(SOURCE, loss=name).derived(case)
    ours = loss_of(stock(rows, models.make_loss(model, recipe, 2)))
    if "margin" in recipe.loss_settings:
        # Distances lie in 0..2, and the library's margin is 5.
        assert loss_of(stock(rows, getattr(losses, name)(model))) > 3
        assert ours == pytest.approx(0, abs=1e-6)
    assert ours < 0.5


# 8. Rows of a large class that no batch holds.


def test_batches_by_label_skip_the_rows_of_a_large_class(
    model: SentenceTransformer, stock: Stock
) -> None:
    labels = [0] * 900 + [1] * 60 + [2] * 40
    rows: Columns = {"text": [f"{text} {n}" for n, text in enumerate(sentences(1_000))]}
    rows["label"] = labels
    loss = losses.BatchAllTripletLoss(model)
    loader = stock(rows, loss, 1_000, batch_sampler="group_by_label").get_train_dataloader()
    assert sum(len(batch) for batch in loader.batch_sampler) == 160

    finding = find(doctor(rows), "unbalanced_sampler")
    assert finding.fix is not None and finding.fix.code == "cap_classes"


# What crashes, in words that nobody understands.

PAIR: Columns = {"sentence1": sentences(60), "sentence2": sentences(60, 2)}
SCORES = [n / 60 for n in range(60)]
CRASHES: dict[str, tuple[Columns, str, str]] = {
    "a label under another name": (
        {**PAIR, "similarity_score": SCORES},
        "CosineSimilarityLoss",
        "label_renamed",
    ),
    "label and score": (
        {**PAIR, "label": [n % 2 for n in range(60)], "score": SCORES},
        "CosineSimilarityLoss",
        "two_labels",
    ),
    "an integer id": (
        {"pair_id": list(range(60)), **PAIR, "score": SCORES},
        "CosineSimilarityLoss",
        "id_column",
    ),
    "labels as text": (
        {"text": sentences(60), "label": ["lamp", "badge", "door"] * 20},
        "BatchAllTripletLoss",
        "label_strings",
    ),
    "no gold label": (
        {
            "premise": sentences(60),
            "hypothesis": sentences(60, 2),
            "label": [n % 4 if n % 4 < 3 else -1 for n in range(60)],
        },
        "SoftmaxLoss",
        "label_missing",
    ),
    "a missing column": ({"anchor": sentences(60)}, "TripletLoss", "no_case"),
}


@pytest.mark.parametrize("name", CRASHES)
def test_what_crashes_the_stock_trainer_is_said_beforehand(
    name: str, model: SentenceTransformer, stock: Stock
) -> None:
    rows, loss, code = CRASHES[name]
    made = (
        losses.SoftmaxLoss(model, model.get_embedding_dimension() or 0, 3)
        if loss == "SoftmaxLoss"
        else getattr(losses, loss)(model)
    )
    with pytest.raises(Exception):  # noqa: B017 - whatever comes out of the depths
        loss_of(stock(rows, made))
    found = doctor(rows)
    assert code in codes(found)
    if found.case:
        labels = found.prepared and found.prepared.label_name
        assert list(found.preview[0]) == [*CASES[found.case].columns, labels]
