"""The settings of LoRA: how large the matrices are that are trained beside a frozen model."""

from collections.abc import Mapping
from typing import Any

from ststudio.errors import StudioError
from ststudio.training.blueprint import needs_weights
from ststudio.training.rules import Setting, number, short

RANK = 16
LORA = (
    Setting("r", RANK, number(1, 256, whole=True), "Rank"),
    Setting("alpha", None, number(1, 1024, whole=True), "Scale (alpha)"),
    Setting("dropout", 0.0, number(0, 0.9), "Dropout"),
)


def checked_lora(value: Any, modules: list[dict[str, Any]] | None) -> dict[str, Any] | None:
    """Return LoRA's settings, each filled in; raise StudioError where it cannot be used."""
    if value is None:
        return None
    names = [setting.name for setting in LORA]
    if not isinstance(value, Mapping) or set(value) - set(names):
        raise StudioError(
            f"lora = {short(value)} is not allowed. Allowed: null or {{{', '.join(names)}}}."
        )
    if not needs_weights(modules):
        raise StudioError(
            "lora adapts what a trained Transformer knows, and this model starts from random "
            "weights, which must be trained as a whole. Leave lora out, or start with the base "
            "model's own Transformer."
        )
    given = {name: item for name, item in value.items() if item is not None}
    filled = {setting.name: setting.default for setting in LORA} | given
    for setting in LORA:
        if setting.name == "alpha" and filled["alpha"] is None:
            # Twice the rank is what is used most.
            filled["alpha"] = 2 * filled["r"]
        if not setting.rule.holds(filled[setting.name]):
            raise StudioError(
                f"lora: {setting.name} = {short(filled[setting.name])} is not allowed. "
                f"Allowed: {setting.rule.says}."
            )
    return filled
