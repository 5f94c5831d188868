"""Models and losses where torch lives: loaded from a checked folder, built from a recipe."""

from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer import losses
from sentence_transformers.sentence_transformer.losses.batch_hard_triplet import (
    BatchHardTripletLossDistanceFunction,
)
from sentence_transformers.sentence_transformer.losses.triplet import TripletDistanceMetric
from sentence_transformers.sentence_transformer.modules import BoW, StaticEmbedding
from torch import nn

from ststudio.data.cases import Case
from ststudio.data.prompts import ALIKE, agreed_prompts, own_prompts, part_of
from ststudio.errors import StudioError
from ststudio.training.bucketing import Bucketed
from ststudio.training.loss_settings import COSINE, EUCLIDEAN, GUIDE
from ststudio.training.recipe import Recipe


def device() -> str:
    """Return where models run here: the first GPU, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def fast_bfloat16() -> bool:
    """Tell whether this machine multiplies bfloat16 faster than float32 (autocast only)."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_capability()[0] >= 8
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def trained_in(recipe: Recipe) -> str:
    """Return the precision that training's arithmetic has; weights are float32 always."""
    casts = fast_bfloat16() if recipe.bf16 is None else recipe.bf16
    return "bfloat16" if casts else "float32"


def load_model(folder: Path) -> SentenceTransformer:
    """Load a model from a folder of checked files; nothing it holds is run as code."""
    model = SentenceTransformer(
        str(folder),
        device=device(),
        trust_remote_code=False,
        local_files_only=True,
        # float32 whatever the file says: evaluation is, and bf16 is autocast's business.
        model_kwargs={"use_safetensors": True, "weights_only": True, "dtype": "float32"},
    )
    _drop_nothing(model)
    return model


def _drop_nothing(model: SentenceTransformer) -> None:
    """Let the transformer learn without its own dropout, whose random masks nobody could repeat.

    A padded batch draws others than a packed one, so train.py would end elsewhere than the page.
    Where short runs on nine datasets were compared, test metrics were no better with it.
    """
    if not isinstance(model[0], Transformer):
        return
    for module in model[0].modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        for name, value in vars(module).items():
            if "dropout" in name and isinstance(value, float):  # some attend by a number
                setattr(module, name, 0.0)


def prepare_model(folder: Path, recipe: Recipe, case: Case) -> SentenceTransformer:
    """Load a model with the recipe's maximum length and prompts, as both models are measured."""
    model = load_model(folder)
    if recipe.max_seq_length:
        set_length(model, recipe.max_seq_length)
    _set_prompts(model, recipe, case)
    model.model_card_data.generate_widget_examples = False  # they would be rows of the data
    return model


def set_length(model: SentenceTransformer, tokens: int) -> None:
    """Let a model read so many tokens of a text; raise StudioError where it counts none."""
    first = model[0]
    if isinstance(first, StaticEmbedding):  # which knows no limit but its tokenizer's
        first.tokenizer.enable_truncation(tokens)
    elif isinstance(first, BoW):
        raise StudioError("A bag of words reads whole texts. Leave max_seq_length empty.")
    else:
        model.max_seq_length = tokens


def _set_prompts(model: SentenceTransformer, recipe: Recipe, case: Case) -> None:
    """Name the prompts as encode_query, encode_document and encode look for them.

    Evaluators, search, map and whoever loads the model later use those; the trainer is told.
    """
    own = own_prompts(model.prompts, model.default_prompt_name)
    agreed = agreed_prompts(case, recipe.prompts or {}, own)
    model.prompts |= {name: agreed[name] for name in ("query", "document")}
    if part_of(case.unit) == ALIKE:  # measured by encode, which adds the default prompt
        model.default_prompt_name = "query" if agreed[ALIKE] else None


def trainer_prompts(model: SentenceTransformer, case: Case) -> dict[str, str]:
    """Return the text the trainer puts before each column, of a model that was prepared."""
    names = {"query": "query", "document": "document", ALIKE: "query"}
    before = {column: model.prompts[names[part_of(column)]] for column in case.columns}
    return {column: prompt for column, prompt in before.items() if prompt}


def make_loss(
    model: SentenceTransformer,
    recipe: Recipe,
    classes: int,
    guide: SentenceTransformer | None = None,
) -> nn.Module:
    """Build the recipe's loss; `classes` is the number of labels, for SoftmaxLoss."""
    assert recipe.loss is not None
    settings: dict[str, Any] = dict(recipe.loss_settings)
    if "distance" in settings:
        settings["distance_metric"] = _distance(recipe.loss, settings.pop("distance"))
    if recipe.loss == "TripletLoss":
        settings["triplet_margin"] = settings.pop("margin")
    if recipe.loss == "SoftmaxLoss":
        settings["embedding_dimension"] = model.get_embedding_dimension()
        settings["num_labels"] = classes
    if GUIDE in settings:
        settings[GUIDE] = guide
    loss: nn.Module = getattr(losses, recipe.loss)(model, **settings)
    if recipe.matryoshka_dims:
        # Of a static embedding only the weights say how many there are.
        whole = model.get_embedding_dimension() or max(recipe.matryoshka_dims)
        dims = sorted({whole, *(d for d in recipe.matryoshka_dims if d < whole)}, reverse=True)
        loss = losses.MatryoshkaLoss(model, loss, matryoshka_dims=dims)
    return loss.to(model.device)


def _distance(loss: str, name: str) -> Any:  # noqa: ANN401
    """Return a distance as the loss's own class wants it."""
    if loss == "TripletLoss":
        return getattr(TripletDistanceMetric, name.upper())  # functions are no members of an Enum
    functions = BatchHardTripletLossDistanceFunction
    return {COSINE: functions.cosine_distance, EUCLIDEAN: functions.euclidean_distance}[name]


def load_guide(folder: Path) -> SentenceTransformer:
    """Load a model that only looks on: it learns nothing, and has no dropout."""
    guide = load_model(folder).requires_grad_(False)
    guide.eval()
    # The features it gets carry the vectors of the model that learns; it makes its own.
    forward = Bucketed(guide, takes_embedded=False)
    guide.forward = forward  # type: ignore[method-assign, assignment]
    return guide
