"""Which text of a row asks and which answers: said where they look swapped."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ststudio.data.cases import CASES
from ststudio.data.findings import Finding, Fix, Level
from ststudio.data.guess import Wish
from ststudio.data.rows import Rows

LOOKED_AT = 4_000  # rows
QUESTIONS, TIMES_MORE = 0.25, 4  # a share of questions, that many times the other side's
LONGER, LESS_VARIED = 2.5, 0.8  # texts that much longer, and that much less varied, are answered
MUCH_LONGER = 6
PREMISE_LONGER = 1.2  # a premise stands above several hypotheses, each shorter than itself
ENDS = ("?", "？", "؟")
ASKS = re.compile(
    r"(what|who|whom|whose|when|where|which|why|how|can|could|do|does|did|is|are|was|were|should"
    r"|would|wer|wo|wann|warum|wieso|wie|welche[rsnm]?|wohin|kann|qui|quoi|quand|comment|pourquoi"
    r"|quel(le)?s?|où|qué|quién|cuándo|dónde|cómo|cuál(es)?)\b",
    re.IGNORECASE,
)
HARM = {
    "pair": "As it stands, the model learns to find the question from the answer.",
    "triplet": "As it stands, the model learns to find the question from the answer.",
    "nli": "As it stands, no premise has both what follows and what contradicts.",
}


@dataclass(frozen=True)
class _Side:
    """What one column of texts is like."""

    asked: float  # share of questions
    length: float  # characters, mean
    varied: int  # distinct texts

    @classmethod
    def of(cls, texts: list[str]) -> "_Side":
        asked = [text.rstrip().endswith(ENDS) or bool(ASKS.match(text)) for text in texts]
        length = sum(map(len, texts)) / len(texts)
        return cls(float(np.mean(asked)), length, len(set(texts)))

    def stands_above(self, other: "_Side", longer: float) -> bool:
        """Tell whether these texts are longer and return, as what is answered or premised does."""
        return self.length > longer * other.length and self.varied < LESS_VARIED * other.varied


def check_order(rows: Rows, wish: Wish) -> Iterator[Finding]:
    """Say where the first text of a row looks like the second's, and the second like the first."""
    roles = CASES[rows.case].columns[:2]
    train = rows.splits["train"]
    if rows.case not in HARM or not train.num_rows or wish.roles:
        return
    first, second = (_Side.of(train[role].slice(0, LOOKED_AT).to_pylist()) for role in roles)
    level, why = _swapped(first, second, rows.case)
    if why:
        names = (rows.columns[role] for role in roles)
        taken = ", ".join(
            f'"{name}" as the {role}' for name, role in zip(names, roles, strict=True)
        )
        said = f"Taken are {taken}, but the latter {why}: it looks like the {roles[0]}. "
        yield Finding(level, "swapped", said + HARM[rows.case], Fix("swap"))


def _swapped(first: _Side, second: _Side, case: str) -> tuple[Level, str]:
    """Return how sure it is that the order is wrong, and what speaks for it, or an empty text."""
    if case == "nli":
        wrong = second.stands_above(first, PREMISE_LONGER)
        return "warning", "is longer and stands in several rows" if wrong else ""
    asks = second.asked - first.asked > QUESTIONS and second.asked > TIMES_MORE * first.asked
    if asks and first.length > 0.8 * second.length:
        return "warning", "asks the questions"
    if first.stands_above(second, LONGER):
        return "warning", "is shorter and more varied"
    # A long text as the anchor is no mistake by itself, but searches are seldom long.
    long = first.length > MUCH_LONGER * second.length
    return "info", f"is {first.length / second.length:.0f} times shorter" if long else ""
