"""How well a column would serve as a case's label."""

import re
from functools import lru_cache

from ststudio.data.cases import CASES
from ststudio.data.columns import Column
from ststudio.data.labels import CLASS_COUNT, is_missing, meaning
from ststudio.data.names import INVENTED, hint, tells_a_relation

DIGITS = re.compile(r"\s*([-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?)")
MOSTLY = 0.5  # of the values
FEW = 5  # whole numbers: as likely classes as scores
MANY = 20  # whole numbers, or dates: no classes, unless their name says so
PAIR_LABELS = ("pair-class", "nli", "pair-score")  # cases whose label tells how two texts relate


@lru_cache(4_096)  # every order of the columns asks again
def label_fit(case: str, column: Column) -> float:
    """Return how well a column's values serve as a case's label, 0 to 1."""
    if column.kind == "empty" or column.holds_lists or column.of_list or column.is_votes:
        return 0.0
    if CASES[case].label == "score":
        return _score_fit(column)
    return _class_fit(column) if case not in CLASS_COUNT else _meaning_fit(case, column)


def _score_fit(column: Column) -> float:
    if column.kind == "bool" or column.class_names:
        return 0.0
    if not column.has_numbers:
        return 0.6 if column.numeric >= 0.5 else 0.0
    if column.distinct < 3:
        # One value or two are a score only where the name says so.
        return 0.3 if hint("score", column.name) == 1.0 else 0.0
    named = hint("score", column.name) > 0
    in_hundredths = column.per_cent > MOSTLY or column.high == 100
    told = hint("score", column.name) > 0 or INVENTED.fullmatch(column.name)
    if column.high > 10 and not in_hundredths and (column.whole or not told):
        # Votes, years, lengths, prices, unless the name says that they are scores out of a hundred.
        surely = hint("score", column.name) >= 0.9 or tells_a_relation(column.name)
        scored = column.high <= 100 and surely
        return 0.6 if scored else 0.25 if column.distinct < column.filled else 0.1
    few = column.distinct == 3 or (column.distinct <= FEW and not named)
    if column.whole and column.distinct == 3 and column.high - column.low == 2:
        return 1.0 if hint("score", column.name) == 1.0 else 0.5  # as entailment is numbered
    return 0.8 if column.whole and few else 1.0


def _class_fit(column: Column) -> float:
    if column.kind == "bool":
        return 1.0
    if column.has_numbers and not column.whole:
        return 0.0
    if column.per_cent > MOSTLY:
        return 0.2  # a score, unless nothing else will do
    if not column.has_numbers and (column.characters > 60 or column.prose > 0.6):
        return 0.0
    measured = column.has_numbers and not column.class_names or column.wordless > 0.9
    if measured and column.distinct > MANY and hint("class", column.name) < 0.9:
        return 0.2 * column.repeats
    if column.distinct == 1:
        return 0.4 if hint("class", column.name) >= 0.9 else 0.2  # else it is no label at all
    return 1.0 if column.repeats else 0.3 * (hint("class", column.name) >= 0.9)


def _meaning_fit(case: str, column: Column) -> float:
    wanted = CLASS_COUNT[case]
    if column.class_names:
        known = [name for name in column.class_names if meaning(case, name) is not None]
        if len(known) == len(column.class_names) == wanted:
            return 1.0
        return 0.6 if len(column.class_names) == wanted == 2 else 0.0
    if column.kind == "bool":
        return 1.0 if wanted == 2 else 0.0
    if column.has_numbers:
        return _number_fit(wanted, column)
    values = [value for value in column.values if not is_missing(value)]
    if values and all(meaning(case, value) is not None for value in values):
        return 1.0 if len(values) == wanted else 0.4 if len(values) == 1 else 0.0
    if len(values) != wanted or wanted != 2 or not column.repeats or column.prose >= 0.5:
        return 0.0
    told = hint("class", column.name) > 0 or INVENTED.fullmatch(column.name)
    return 0.5 if told else 0.25  # where the texts came from, what they are written in


def _number_fit(wanted: int, column: Column) -> float:
    if not column.values or not column.whole:
        return 0.0
    told = (DIGITS.match(value) for value in column.values if not is_missing(value))
    numbers = {float(found[1].replace(",", ".")) for found in told if found}
    if wanted == 2 and numbers == {-1.0, 1.0}:
        return 0.9
    numbers -= {-1.0}
    if wanted == 3 and numbers == {1.0, 2.0, 3.0}:
        return 0.5
    if numbers == set(range(wanted)):
        return 1.0 if wanted == 2 else 0.8
    if wanted == 2 and numbers in ({0.0}, {1.0}):
        return 0.4
    return 0.6 if wanted == 2 and numbers == {1.0, 2.0} else 0.0


@lru_cache(1_024)
def pair_label_fit(column: Column) -> float:
    """Return how well a column would say how two texts of a row relate, 0 to 1."""
    if column.is_id:
        return 0.0
    return max(label_fit(case, column) for case in PAIR_LABELS)


@lru_cache(1_024)
def is_label(column: Column) -> bool:
    """Tell whether name and values both say that a column is a label."""
    fits = max(label_fit(case, column) for case in CASES if CASES[case].label)
    named = max(hint("class", column.name), hint("score", column.name))
    told = column.distinct <= 3 and max(label_fit(case, column) for case in PAIR_LABELS) >= 0.9
    return not column.is_id and (fits >= 0.6 and named >= 0.6 or fits >= 0.9 and told)
