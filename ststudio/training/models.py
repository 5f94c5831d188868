"""Models and losses where torch lives: loaded from a checked folder, built from a recipe."""

from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import losses
from sentence_transformers.sentence_transformer.losses.batch_hard_triplet import (
    BatchHardTripletLossDistanceFunction,
)
from sentence_transformers.sentence_transformer.losses.triplet import TripletDistanceMetric
from torch import nn

from ststudio.data.cases import PROMPT_OF_ROLE, Case
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


def load_model(folder: Path) -> SentenceTransformer:
    """Load a model from a folder of checked files; nothing it holds is run as code."""
    return SentenceTransformer(
        str(folder),
        device=device(),
        trust_remote_code=False,
        local_files_only=True,
        # float32 whatever the file says: evaluation is, and bf16 is autocast's business.
        model_kwargs={"use_safetensors": True, "weights_only": True, "dtype": "float32"},
    )


def prepare_model(folder: Path, recipe: Recipe, case: Case) -> SentenceTransformer:
    """Load a model with the recipe's maximum length and prompts, as both models are measured."""
    model = load_model(folder)
    if recipe.max_seq_length:
        model.max_seq_length = recipe.max_seq_length
    for column, prompt in (recipe.prompts or {}).items():
        role = PROMPT_OF_ROLE.get(column)
        if role:  # evaluators, search and whoever loads the model later find it by this name
            model.prompts[role] = prompt
    model.model_card_data.generate_widget_examples = False  # they would be rows of the data
    return model


def column_prompts(model: SentenceTransformer, recipe: Recipe, case: Case) -> dict[str, str]:
    """Return the text the trainer puts before each column: the one evaluators will use too."""
    given = recipe.prompts or {}
    prompts = {}
    for column in case.columns:
        role = PROMPT_OF_ROLE.get(column, "")
        prompt = given.get(column) or model.prompts.get(role) or default_prompt(model)
        if prompt:
            prompts[column] = prompt
    return prompts


def default_prompt(model: SentenceTransformer) -> str:
    """Return the prompt the model puts before every text that names none."""
    name = model.default_prompt_name
    return (model.prompts.get(name) or "") if name else ""


def make_loss(model: SentenceTransformer, recipe: Recipe, classes: int) -> nn.Module:
    """Build the recipe's loss; `classes` is the number of labels, for SoftmaxLoss."""
    assert recipe.loss is not None
    settings: dict[str, Any] = dict(recipe.loss_settings)
    if settings.pop("distance", None) == "cosine":
        settings["distance_metric"] = (
            TripletDistanceMetric.COSINE
            if recipe.loss == "TripletLoss"
            else BatchHardTripletLossDistanceFunction.cosine_distance
        )
    if recipe.loss == "TripletLoss":
        settings["triplet_margin"] = settings.pop("margin")
    if recipe.loss == "SoftmaxLoss":
        settings["embedding_dimension"] = model.get_embedding_dimension()
        settings["num_labels"] = classes
    loss: nn.Module = getattr(losses, recipe.loss)(model, **settings)
    if recipe.matryoshka_dims:
        loss = losses.MatryoshkaLoss(model, loss, matryoshka_dims=recipe.matryoshka_dims)
    return loss.to(model.device)
