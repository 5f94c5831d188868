"""How well columns go together as the texts of one row."""

from ststudio.data.cases import Case
from ststudio.data.columns import Column
from ststudio.data.names import (
    TEXT_ROLES,
    are_translations,
    hint,
    may_be_negative,
    names_a_title,
    twins,
)

MISCAST = 0.25  # a column used against its name
NO_NEGATIVE = 0.5  # a text that may well belong to the others, pushed away from them
UNEVEN = 2.5  # times as long: two texts that are hardly compared with each other
TRANSLATED = 0.45  # two texts that are called by their languages
NEARER = 0.05  # in overlap of words
COPIED = 0.4  # a text beside itself
ONLY_A_TITLE = 0.15  # where a text beside it says more
SHARED = 0.15  # the same two texts in many rows that a third one tells apart
TELLS_APART = 2  # times as many distinct texts


def fit_roles(case: Case, chosen: tuple[Column, ...], columns: list[Column]) -> float:
    """Rate columns as the texts of a case, in its order; the columns left out count as well."""
    fit = sum(
        0.5 * column.prose + 0.5 * column.speaks_for(role)
        for role, column in zip(case.columns, chosen, strict=True)
    ) / len(chosen)
    places = [columns.index(column) for column in chosen]
    fit += 0.02 * (places == sorted(places))
    if any(_miscast(r, c) for r, c in zip(case.columns, chosen, strict=True)):
        fit -= MISCAST
    if len(chosen) == 3 and not chosen[0].of_list:
        fit -= NO_NEGATIVE * (not may_be_negative(chosen[2].name, chosen[1].name))
    if len(chosen) == 1:
        fit += 0.02 * min(1.0, chosen[0].characters / 100)  # the body rather than its title
    if len(chosen) == 3 and chosen[0].of_list:
        # A list of three: a triplet if the second text is nearer the first than the third is.
        only = sum(column.of_list == chosen[0].of_list for column in columns) == 3
        only &= hint("positive", chosen[0].name) < 0.5  # "paraphrases" are all alike
        fit += 0.15 if only and chosen[1].alike > chosen[2].alike + NEARER else -0.15
    fit += _as_twins(case, chosen) - _beside_better(chosen, columns)
    if case.columns[0] == "anchor":
        # Whoever asks is the anchor: a question is answered by what is none.
        fit += 0.1 * (chosen[0].questions > 0.5 > 0.2 > chosen[1].questions)
    return fit


def _as_twins(case: Case, chosen: tuple[Column, ...]) -> float:
    """Rate two texts that are compared with each other: alike in length, or named as twins."""
    if len(chosen) < 2 or chosen[0].of_list:
        return 0.0
    if case.columns[0] == "anchor":
        names = chosen[0].name, chosen[1].name
        twinned = 0.05 * twins(*names) - 0.05 * twins(*reversed(names))
        return TRANSLATED if are_translations(*names) else twinned
    if twins(chosen[0].name, chosen[1].name):
        return 0.15
    first, second = (max(1.0, column.characters) for column in chosen)
    named = all(hint(r, c.name) >= 0.5 for r, c in zip(case.columns, chosen, strict=True))
    return -0.1 * (max(first, second) > UNEVEN * min(first, second) and not named)


def _miscast(role: str, column: Column) -> bool:
    """Tell whether a column's name speaks for another role and not for this one."""
    others = (other for other in TEXT_ROLES if other != role)
    return hint(role, column.name) < 0.3 and any(hint(o, column.name) >= 0.8 for o in others)


def _beside_better(chosen: tuple[Column, ...], columns: list[Column]) -> float:
    """Rate down texts where another column was meant: a text beside its copy, or a mere title."""
    if len(chosen) < 2 or chosen[0].of_list:
        return 0.0
    names = {column.name for column in chosen}
    copied = any(one.copies & names for one in chosen) and not twins(*sorted(names)[:2])
    left = [c for c in columns if c.prose >= 0.4 and not c.of_list and c.name not in names]
    if len(chosen) > 2 or not left:
        return COPIED * copied
    fuller = max(left, key=lambda column: column.characters)
    title = names_a_title(chosen[1].name) and fuller.characters > chosen[1].characters
    most = max(column.distinct for column in chosen)
    shared = max(c.distinct for c in left) >= TELLS_APART * most
    return COPIED * copied + ONLY_A_TITLE * title + SHARED * shared
