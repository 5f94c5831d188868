"""What a run says of a model that it builds or adapts: its layers, and what a gain is over."""

from typing import Any

from ststudio.errors import StudioError
from ststudio.model_input import ModelInput
from ststudio.training.blueprint import (
    Blueprint,
    as_read,
    draw,
    layer_of,
    lender_of,
    needs_weights,
)
from ststudio.training.recipe import Recipe

ZERO = "zero"  # the origin of a base model that was built for its run


def checked_input(recipe: Recipe, model: ModelInput) -> ModelInput:
    """Return what the recipe's model takes in; raise StudioError where it cannot be built."""
    if recipe.lora and lender_of(model).vocabulary is None:
        raise StudioError(
            f"{model.id} has no Transformer whose weights LoRA could adapt. Train it without "
            "lora, or choose another base model."
        )
    plan = blueprint_of(recipe, model)
    return model if plan is None else as_read(model, plan, recipe.max_seq_length)


def blueprint_of(recipe: Recipe, model: ModelInput) -> Blueprint | None:
    """Return the layers of a recipe's model, None where the base model is taken as it is."""
    if recipe.modules is None:
        return None
    return draw(recipe.modules, lender_of(model), recipe.max_seq_length)


def layers_in_words(modules: list[dict[str, Any]]) -> str:
    """Return the layers' names in order."""
    return " → ".join(layer_of(entry).title for entry in modules)


def base_facts(recipe: Recipe, base: dict[str, Any]) -> dict[str, Any]:
    """Return which model a run is measured against: what was built is nobody's on the Hub."""
    if recipe.modules is None or needs_weights(recipe.modules):
        return base
    layers = layers_in_words(recipe.modules)
    return {"id": f"built from zero: {layers}", "revision": None, "origin": ZERO}


def notes(recipe: Recipe, base: dict[str, Any]) -> list[str]:
    """Say what a gain means that a built model makes, and what LoRA left as it was."""
    said = []
    if recipe.modules:
        layers = layers_in_words(recipe.modules)
        if needs_weights(recipe.modules):
            # An earlier run's id would open it to whoever reads the card.
            whose = "an earlier run's model" if base["origin"] == "run" else base["id"]
            said.append(
                f"Built as {layers} on the Transformer of {whose}. The base it is compared "
                "with is that same model before training, not the one published under this name."
            )
        else:
            said.append(
                f"Built from zero as {layers}. The base it is compared with is the same model "
                "before training, whose random weights know nothing: a gain shows that it learned "
                "from these rows, not that it beats a model that was trained before."
            )
        if layer_of(recipe.modules[0]).type == "BoW":
            said.append(
                "The model holds the words that it counts, each of at least two training texts: "
                "who gets the model can read them."
            )
    if recipe.lora:
        said.append(
            f"Trained with LoRA of rank {recipe.lora['r']} on the attention's projections, and "
            "merged into the weights afterwards."
        )
    return said
