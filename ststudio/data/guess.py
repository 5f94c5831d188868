"""The case and the roles of the columns, from values, types and names together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import permutations

from ststudio.data.cases import CASES, Case
from ststudio.data.columns import Column
from ststudio.data.findings import Label
from ststudio.data.fits import is_label, label_fit, pair_label_fit
from ststudio.data.names import TEXT_ROLES, hint, names_a_text, tells_a_relation
from ststudio.data.roles import fit_roles

TEXTS_TRIED = 7  # columns that may be texts: every order of them is weighed
CLEAR = 0.3  # nothing else comes near
CLOSE = 0.2  # runners-up within this are named
VERY_CLOSE = 0.08  # and within this, said to be as likely

# What a column that a mapping leaves unused costs it.
UNUSED_TEXT = 0.12
UNUSED_ROLE = 0.3  # named like a role of a richer case
UNUSED_LABEL = 0.2
UNUSED_PAIR_LABEL = 0.3  # a 0/1, a score or an entailment, ignored: negatives become positives
UNUSED_SCORE = 0.05  # a score says more than a class

POOR = 0.3  # fit of a label


@dataclass(frozen=True)
class Wish:
    """What was decided by a person or a recipe, so that it need not be guessed."""

    case: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    label: Label | None = None
    no_label: bool = False
    classes: Mapping[str, int | None] = field(default_factory=dict)  # value: its number
    expanded: tuple[str, ...] = ()  # roles whose lists become one row for each text
    sampled: Mapping[str, int] = field(default_factory=dict)  # role: the seed that draws one text


@dataclass(frozen=True)
class Guess:
    """One reading of the columns, and how well it fits, 0 to 1."""

    case: str
    columns: dict[str, str]
    label: Label | None
    fit: float


def candidates(columns: list[Column], wish: Wish) -> list[Guess]:
    """Return the best reading for each case that the columns allow, the best first."""
    texts = text_columns(columns, wish)
    keys = [key for key in ([wish.case] if wish.case else CASES) if _allows(CASES[key], wish)]
    found = [m for key in keys if (m := _best(CASES[key], columns, texts, wish)) is not None]
    return sorted(found, key=lambda mapping: -mapping.fit)


def _allows(case: Case, wish: Wish) -> bool:
    """Tell whether a case has the roles and the label that were decided."""
    labelled = wish.label is None or wish.label.kind == case.label
    return labelled and set(wish.roles) <= set(case.columns)


def text_columns(columns: list[Column], wish: Wish) -> list[Column]:
    """Return the columns that may be embedded, in the table's order."""
    chosen = set(wish.roles.values())
    lists = {column.of_list for column in columns if column.of_list}
    alone = not any(c.prose >= 0.3 for c in columns if not c.of_list and c.name not in lists)
    several = {
        name for name in lists if sum(c.of_list == name and c.prose > 0 for c in columns) > 1
    }
    # {"query": […], "pos": […]} are two texts; {"texts": […]} with nothing beside it is several.
    split = {n for n in several if alone and (len(several) == 1 or not names_a_text(n))}
    texts = [
        column
        for column in columns
        if column.name in chosen
        or (
            column.prose > 0
            and (column.of_list in split if column.of_list else column.name not in split)
        )
    ]
    if sum(column.prose >= 0.4 for column in texts) > 1:  # then names of classes are none
        texts = [c for c in texts if c.prose >= 0.05 or c.name in chosen]
    best = sorted(texts, key=lambda c: -(c.prose + c.named + (c.name in chosen)))[:TEXTS_TRIED]
    return [column for column in columns if column in best]


def _best(case: Case, columns: list[Column], texts: list[Column], wish: Wish) -> Guess | None:
    best: Guess | None = None
    labels = list(_labels(case, columns, wish))
    for chosen in permutations(texts, len(case.columns)):
        roles = {role: column.name for role, column in zip(case.columns, chosen, strict=True)}
        if any(roles.get(role, name) != name for role, name in wish.roles.items()):
            continue
        if not wish.roles and not _leading(chosen, columns):
            continue
        fit = fit_roles(case, chosen, columns)
        for label, worth in labels:
            if label is not None and label.column in roles.values():
                continue
            total = _total(case, fit, worth) - _unused(case, roles, label, columns)
            if best is None or total > best.fit + 1e-9:
                best = Guess(case.key, roles, label, total)
    return best


def _leading(chosen: tuple[Column, ...], columns: list[Column]) -> bool:
    """Tell whether parts of a list are its first texts, in their order.

    What is the same in every row, as a chat's first instruction is, is no text.
    """
    return all(
        not column.of_list or column.name in _texts_of(column.of_list, columns)[place : place + 1]
        for place, column in enumerate(chosen)
    )


def _texts_of(of_list: str, columns: list[Column]) -> list[str]:
    return [c.name for c in columns if c.of_list == of_list and not c.is_constant]


def _total(case: Case, roles: float, label: float) -> float:
    parts = len(case.columns)
    return (roles * parts + label) / (parts + 1) if case.label else roles


def _labels(case: Case, columns: list[Column], wish: Wish) -> Iterator[tuple[Label | None, float]]:
    if case.label is None:
        yield None, 0.0
        return
    for column in columns:
        if wish.label and wish.label.column != column.name:
            continue
        fits = label_fit(case.key, column)
        if wish.label:
            fits = fits or (0.1 if wish.case else 0.0)  # overruled: say what is wrong later
        named = hint(case.label, column.name)
        aside = (column.is_id and named < 0.6) or (column.is_constant and named < 1.0)
        if fits and not (aside and not wish.label):
            # Of two labels that fit alike, the coarser one: it has more rows a class.
            coarse = 0.01 / max(1, column.distinct)
            # A name does not make a score of what is hardly one: votes, years, lengths.
            worth = 0.5 * fits + 0.5 * named if fits >= POOR else 0.5 * fits * (1 + named) - 0.2
            yield Label(column.name, case.label), worth + coarse


def _unused(case: Case, roles: dict[str, str], label: Label | None, columns: list[Column]) -> float:
    used = {*roles.values(), *([label.column] if label else [])}
    lists = {c.of_list for c in columns if c.of_list and c.name in used} | used
    left = [c for c in columns if c.name not in lists and c.of_list not in used]
    longest = max((c.characters for c in columns if c.name in used), default=0.0)
    texts = sum(
        UNUSED_TEXT * (0.5 if len(roles) == 1 and _is_title(c, longest) else 1.0)
        for c in left
        if c.prose >= 0.4 and not c.of_list and not c.copies & used
    )
    roleless = [c for c in left if c.prose >= 0.2 and not c.of_list]
    named = any(
        hint(role, c.name) >= 0.8
        for c in roleless
        for role in ("anchor", "positive", "negative", "sentence2", "hypothesis")
        if role not in case.columns or hint(role, roles.get(role, "")) < 0.8
    )
    return (
        min(texts, 0.24)
        + UNUSED_ROLE
        * (named or _half_read(roles, columns) or _half_told(label, roles, left, longest))
        + _unused_labels(case, left)
    )


def _half_read(roles: dict[str, str], columns: list[Column]) -> bool:
    """Tell whether one text is taken of a list that holds two or three in every row."""
    lists = {column.name: column.of_list for column in columns}
    parts = [c for c in columns if c.of_list and c.of_list == lists[next(iter(roles.values()))]]
    return len(roles) == 1 and len(parts) in (2, 3) and all(c.prose > 0 for c in parts)


def _half_told(
    label: Label | None, roles: dict[str, str], left: list[Column], longest: float
) -> bool:
    """Tell whether a label says how two texts relate, and the second of them is left out.

    A title is no second text to its own body, but one to a query.
    """
    if len(roles) != 1 or label is None or not tells_a_relation(label.column):
        return False
    asked = hint("anchor", roles["text"]) >= 0.8
    others = [column for column in left if column.prose >= 0.4 and not column.of_list]
    return any(asked or not _is_title(column, longest) for column in others)


def _is_title(column: Column, longest: float) -> bool:
    """Tell whether a text may be left out because a much longer one beside it says more."""
    spoken = max(hint(role, column.name) for role in TEXT_ROLES)
    return spoken < 0.7 and column.characters * 2 < longest


def _unused_labels(case: Case, left: list[Column]) -> float:
    if case.label is not None:
        scores = any(
            label_fit("pair-score", c) == 1.0 and hint("score", c.name) >= 0.6 for c in left
        )
        return UNUSED_SCORE * (scores and len(case.columns) == 2)
    told = max((pair_label_fit(c) * (1.0 if is_label(c) else 0.6) for c in left), default=0.0)
    return max(UNUSED_PAIR_LABEL * told, UNUSED_LABEL * any(is_label(c) for c in left))
