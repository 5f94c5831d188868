"""What fixes say of the recipe, where nobody said it: the model, the prompts, how it is trained."""

from typing import Any

from ststudio.data.findings import FixKind
from ststudio.data.negatives import RELATIVE_MARGIN, mine_negatives
from ststudio.errors import StudioError

NUMBER = (int, float)
# Settings that no field of the page shows: a shared recipe brings them in one step.
UNSHOWN = ("max_steps", "warmup_steps", "weight_decay", "lr_scheduler_type", "bf16", "eval_steps")


def use_base_model(recipe: dict[str, Any], id: str) -> dict[str, Any]:  # noqa: A002 - the name on the page
    """Start from a base model of the Hub."""
    return {**recipe, "base_model": id}


def set_prompts(recipe: dict[str, Any], prompts: dict[str, str]) -> dict[str, Any]:
    """Put prompts before the texts of some columns."""
    return {**recipe, "prompts": {**recipe.get("prompts", {}), **prompts}}


def set_max_seq_length(recipe: dict[str, Any], tokens: int) -> dict[str, Any]:
    """Read more or fewer tokens of a text."""
    return {**recipe, "max_seq_length": tokens}


def set_learning_rate(recipe: dict[str, Any], learning_rate: float) -> dict[str, Any]:
    """Learn in steps of another size."""
    return {**recipe, "learning_rate": learning_rate}


def set_epochs(recipe: dict[str, Any], epochs: float) -> dict[str, Any]:
    """Go through the training rows so many times."""
    return {**recipe, "num_train_epochs": epochs}


def set_batch_size(recipe: dict[str, Any], rows: int) -> dict[str, Any]:
    """Compare so many rows with each other in one step."""
    return {**recipe, "per_device_train_batch_size": rows}


def set_batch_sampler(recipe: dict[str, Any], sampler: str) -> dict[str, Any]:
    """Put the rows of a batch together in another way."""
    return {**recipe, "batch_sampler": sampler}


def use_loss(recipe: dict[str, Any], loss: str) -> dict[str, Any]:
    """Learn by another loss."""
    return {**recipe, "loss": loss}


def use_settings(recipe: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Take over what a shared recipe says of the rest; their values are checked with the recipe."""
    if unknown := sorted(set(settings) - set(UNSHOWN)):
        raise StudioError(
            f'The fix "use_settings" takes {", ".join(UNSHOWN)}; it was given {unknown[0]!r}.'
        )
    return {**recipe, **settings}


RECIPE_FIXES: dict[str, FixKind] = {
    "use_base_model": FixKind(
        "start from the base model {id}", use_base_model, "recipe", {"id": str}
    ),
    "set_prompts": FixKind(
        "put prompts before the texts: {prompts}", set_prompts, "recipe", {"prompts": dict}
    ),
    "set_max_seq_length": FixKind(
        "read {tokens} tokens of a text", set_max_seq_length, "recipe", {"tokens": int}
    ),
    "set_learning_rate": FixKind(
        "train at a learning rate of {learning_rate}",
        set_learning_rate,
        "recipe",
        {"learning_rate": NUMBER},
    ),
    "set_epochs": FixKind("train for {epochs} epochs", set_epochs, "recipe", {"epochs": NUMBER}),
    "set_batch_size": FixKind(
        "train in batches of {rows} rows", set_batch_size, "recipe", {"rows": int}
    ),
    "set_batch_sampler": FixKind(
        "make batches by {sampler}", set_batch_sampler, "recipe", {"sampler": str}
    ),
    "use_loss": FixKind("train with {loss}", use_loss, "recipe", {"loss": str}),
    "use_settings": FixKind("train with {settings}", use_settings, "recipe", {"settings": dict}),
    "mine_negatives": FixKind(
        "train with hard negatives, mined with a margin of {relative_margin}",
        mine_negatives,
        "recipe",
        {"relative_margin": NUMBER, "range_min": int},
        {"relative_margin": RELATIVE_MARGIN, "range_min": 0},
    ),
}
