"""The learning rate that suits a loss and what it trains."""

from typing import Any

from ststudio.training.blueprint import layer_of
from ststudio.training.losses import LOSSES

# Of the rate that suits the whole model: LoRA's matrices start at nothing, and have far to go.
LORA_TIMES = 10


def usual_rate(
    loss: str, modules: list[dict[str, Any]] | None = None, lora: dict[str, Any] | None = None
) -> float:
    """Return the learning rate where a recipe names none."""
    first = layer_of(modules[0]) if modules else None
    if first is not None and first.learning_rate is not None:
        return first.learning_rate
    return LOSSES[loss].learning_rate * (LORA_TIMES if lora else 1)
