"""What a value of a recipe must be: a test, and the same in words."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """What a value must be: a test, and the same in words."""

    holds: Callable[[Any], bool]
    says: str


def number(low: float, high: float, whole: bool = False) -> Rule:
    """Return the rule of a number from `low` to `high`."""

    def holds(value: Any) -> bool:
        kind = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kind):
            return False
        return math.isfinite(value) and low <= value <= high

    return Rule(holds, f"{'a whole number' if whole else 'a number'} from {low:g} to {high:g}")


def one_of(names: tuple[str, ...]) -> Rule:
    """Return the rule of a word from a list."""
    return Rule(lambda value: isinstance(value, str) and value in names, ", ".join(names))


def short(value: Any) -> str:
    """Return a value as it is quoted in a refusal."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
