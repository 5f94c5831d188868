"""What a value of a recipe may be: a test, and the same in words."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """What a value must be: a test, and the same in words."""

    holds: Callable[[Any], bool]
    says: str


def number(low: float, high: float, whole: bool = False) -> Rule:
    """Return the rule of a number from `low` to `high`, finite and no boolean."""

    def holds(value: Any) -> bool:  # noqa: ANN401
        kind = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kind):
            return False
        return math.isfinite(value) and low <= value <= high

    return Rule(holds, f"{'a whole number' if whole else 'a number'} from {low:g} to {high:g}")


def one_of(*names: str) -> Rule:
    """Return the rule of a word out of a few."""
    return Rule(lambda value: isinstance(value, str) and value in names, ", ".join(names))


@dataclass(frozen=True)
class Setting:
    """One setting of a loss, a layer or LoRA: its default, what is allowed, and how it is shown."""

    name: str
    default: Any
    rule: Rule
    label: str
    says: str = ""
    choices: tuple[str, ...] = ()


def choice(name: str, names: tuple[str, ...], label: str, says: str = "") -> Setting:
    """Return a setting that is a word out of a few, the first by default."""
    return Setting(name, names[0], one_of(*names), label, says, names)


def are_texts(value: Any) -> bool:  # noqa: ANN401
    """Tell whether a value maps names to short texts."""
    return isinstance(value, Mapping) and all(
        isinstance(key, str) and isinstance(text, str) and len(text) <= 500
        for key, text in value.items()
    )


def is_model(value: Any) -> bool:  # noqa: ANN401
    """Tell whether a value has the shape of a model's name."""
    if isinstance(value, str):
        return 0 < len(value) <= 200
    return are_texts(value) and {"id"} <= set(value) <= {"id", "revision", "weights_revision"}


MODEL = Rule(is_model, "an id, {id, revision, weights_revision} or run:<id>")


def short(value: Any) -> str:  # noqa: ANN401
    """Return a value as it can stand in a sentence."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
