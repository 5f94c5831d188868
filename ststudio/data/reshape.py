"""Fixes: every step that mends the rows or makes one case of another.

A chain of fixes is replayed in stages, each in the order of the chain: first what decides how a
file is read, then what changes the table, then what decides how its columns are read, then what
changes the rows, and last what the recipe is to say where nobody said it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ststudio.data import flatten, mend
from ststudio.data.cases import CASES
from ststudio.data.delimited import DELIMITERS
from ststudio.data.encodings import ENCODINGS
from ststudio.data.findings import Fix, Label
from ststudio.data.guess import Wish
from ststudio.data.rows import Rows
from ststudio.data.tables import AS_FOUND, Reading, Table
from ststudio.errors import StudioError

CLASSES_NAMED = 10_000  # the highest number that a map of labels may name


@dataclass(frozen=True)
class FixKind:
    """One kind of fix: what it is called on the page, what it takes, what it does."""

    title: str  # filled in with the arguments
    step: Callable[..., Any]  # (Reading | Table | Wish | Rows | recipe, **args) → the same, changed
    stage: Literal["reading", "table", "wish", "rows", "recipe"] = "rows"
    args: Mapping[str, type | tuple[type, ...]] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    of: str | None = None  # the case that it makes another of; None where it mends


def _use_case(wish: Wish, case: str) -> Wish:
    if case not in CASES:
        raise StudioError(f'There is no case "{case}". The cases are: {", ".join(CASES)}.')
    roles = {role: name for role, name in wish.roles.items() if role in CASES[case].columns}
    label = wish.label if wish.label and wish.label.kind == CASES[case].label else None
    return replace(wish, case=case, roles=roles, label=label)


def _assign(wish: Wish, role: str, column: str) -> Wish:
    roles = {role for case in CASES.values() for role in case.columns}
    if role not in roles:
        raise StudioError(f'There is no role "{role}". The roles are: {", ".join(sorted(roles))}.')
    others = {other: name for other, name in wish.roles.items() if name != column}
    return replace(wish, roles={**others, role: column})


def _use_label(wish: Wish, column: str, kind: str) -> Wish:
    if kind not in ("score", "class"):
        raise StudioError('A label\'s kind is "score" or "class".')
    case = wish.case if wish.case and CASES[wish.case].label == kind else None
    return replace(wish, case=case, label=Label(column, kind))  # type: ignore[arg-type]


def _map_labels(wish: Wish, map: dict[str, Any]) -> Wish:  # noqa: A002 - the name on the page
    for value, number in map.items():
        if number is not None and not (type(number) is int and 0 <= number < CLASSES_NAMED):
            raise StudioError(f'Map the label "{value}" to a whole number from 0, or to null.')
    return replace(wish, classes={str(value): number for value, number in map.items()})


def _expand_lists(wish: Wish, role: str) -> Wish:
    return replace(wish, expanded=(*wish.expanded, role))


def _set_prompts(recipe: dict[str, Any], prompts: dict[str, str]) -> dict[str, Any]:
    return {**recipe, "prompts": {**recipe.get("prompts", {}), **prompts}}


def _set_max_seq_length(recipe: dict[str, Any], tokens: int) -> dict[str, Any]:
    return {**recipe, "max_seq_length": tokens}


def _read_encoding(reading: Reading, encoding: str) -> Reading:
    if encoding not in ENCODINGS:
        raise StudioError(f"The encodings are: {', '.join(ENCODINGS)}.")
    return replace(reading, encoding=encoding)


def _read_delimiter(reading: Reading, delimiter: str) -> Reading:
    if delimiter not in DELIMITERS:
        raise StudioError(f"The delimiters are: {', '.join(map(repr, DELIMITERS))}.")
    return replace(reading, delimiter=delimiter)


def _first_row_is_header(reading: Reading) -> Reading:
    return replace(reading, header=True)


def _first_row_is_data(reading: Reading) -> Reading:
    return replace(reading, header=False)


NUMBER = (int, float)
FIXES: dict[str, FixKind] = {
    "read_encoding": FixKind(
        "read the file as {encoding}", _read_encoding, "reading", {"encoding": str}
    ),
    "read_delimiter": FixKind(
        "part the cells at {delimiter!r}", _read_delimiter, "reading", {"delimiter": str}
    ),
    "first_row_is_header": FixKind(
        "take the first row as the names of the columns", _first_row_is_header, "reading"
    ),
    "first_row_is_data": FixKind("take the first row as data", _first_row_is_data, "reading"),
    "use_case": FixKind("read it as {case}", _use_case, "wish", {"case": str}),
    "assign": FixKind('take "{column}" as {role}', _assign, "wish", {"role": str, "column": str}),
    "use_label": FixKind(
        'take "{column}" as the label', _use_label, "wish", {"column": str, "kind": str}
    ),
    "map_labels": FixKind("read the labels as {map}", _map_labels, "wish", {"map": dict}),
    "expand_lists": FixKind(
        "give each text in the list of {role} a row of its own",
        _expand_lists,
        "wish",
        {"role": str},
    ),
    "flatten_triplets": FixKind(
        'make texts with the class in "{label}" of the triplets',
        flatten.triplets_to_texts,
        "table",
        {"columns": list, "label": str},
    ),
    "documents_to_pairs": FixKind(
        'make pairs of neighbouring sentences in "{column}"',
        flatten.documents_to_pairs,
        "table",
        {"column": str},
    ),
    "scale_score": FixKind(
        "scale the scores from {low}–{high} to 0–1",
        mend.scale_score,
        args={"low": NUMBER, "high": NUMBER},
    ),
    "swap": FixKind("swap the first two columns", mend.swap),
    "drop_duplicates": FixKind("drop repeated rows", mend.drop_duplicates),
    "drop_same_texts": FixKind("drop rows whose texts are the same", mend.drop_same_texts),
    "drop_contradicting": FixKind("drop contradicting rows", mend.drop_contradicting),
    "drop_rare_classes": FixKind(
        "drop classes with fewer than {at_least} rows",
        mend.drop_rare_classes,
        args={"at_least": int},
        defaults={"at_least": 2},
    ),
    "drop_short_texts": FixKind("drop rows with a text of one or two letters", mend.drop_short),
    "nli_to_triplets": FixKind(
        "make triplets: a premise, what follows from it, what contradicts it",
        mend.nli_to_triplets,
        of="nli",
    ),
    "entailment_pairs": FixKind(
        "keep the pairs in which the hypothesis follows",
        mend.entailment_pairs,
        of="nli",
    ),
    "keep_positives": FixKind("keep the similar pairs only", mend.keep_positives, of="pair-class"),
    "score_to_pairs": FixKind(
        "keep the pairs that score {at_least} or more",
        mend.score_to_pairs,
        args={"at_least": NUMBER},
        defaults={"at_least": 0.8},
        of="pair-score",
    ),
    "score_to_classes": FixKind(
        "call pairs that score {at_least} or more similar, the others not",
        mend.score_to_classes,
        args={"at_least": NUMBER},
        defaults={"at_least": 0.5},
        of="pair-score",
    ),
    "triplets_to_pairs": FixKind("leave the negatives aside", mend.triplets_to_pairs, of="triplet"),
    "set_prompts": FixKind(
        "change the prompts before the texts", _set_prompts, "recipe", {"prompts": dict}
    ),
    "set_max_seq_length": FixKind(
        "read {tokens} tokens of a text", _set_max_seq_length, "recipe", {"tokens": int}
    ),
}


def parse_fixes(fixes: Sequence[Mapping[str, Any] | Fix]) -> tuple[Fix, ...]:
    """Check a chain of fixes as it came from outside; StudioError lists what is allowed."""
    if not isinstance(fixes, Sequence) or isinstance(fixes, str):
        raise StudioError('Fixes are a list of {"code": …, "args": {…}}.')
    return tuple(_parse_fix(fix) for fix in fixes)


def _parse_fix(fix: Mapping[str, Any] | Fix) -> Fix:
    raw = {"code": fix.code, "args": fix.args} if isinstance(fix, Fix) else fix
    code = raw.get("code") if isinstance(raw, Mapping) else None
    if not isinstance(code, str) or code not in FIXES:
        raise StudioError(f'There is no fix "{code}". The fixes are: {", ".join(FIXES)}.')
    kind, given = FIXES[code], raw.get("args") or {}
    args = {**kind.defaults, **given} if isinstance(given, Mapping) else {}
    right = set(args) == set(kind.args) and all(
        isinstance(args[name], wanted) and not isinstance(args[name], bool)
        for name, wanted in kind.args.items()
    )
    if not right:
        takes = ", ".join(kind.args) or "no arguments"
        raise StudioError(f'The fix "{code}" takes {takes}; it was given {dict(args) or "none"}.')
    return Fix(code, args)


def describe(fix: Fix) -> str:
    """Say a fix in words for the page."""
    return FIXES[fix.code].title.format(**fix.args)


def _replay(state: Any, fixes: Sequence[Fix], stage: str) -> Any:
    for fix in fixes:
        if FIXES[fix.code].stage == stage:
            state = FIXES[fix.code].step(state, **fix.args)
    return state


def fix_reading(fixes: Sequence[Mapping[str, Any] | Fix]) -> Reading:
    """Return how a chain of fixes, as it came from outside, wants text to be read."""
    reading: Reading = _replay(AS_FOUND, parse_fixes(fixes), "reading")
    return reading


def fix_table(table: Table, fixes: Sequence[Fix]) -> Table:
    """Apply the fixes that change the table itself."""
    changed: Table = _replay(table, fixes, "table")
    return changed


def fix_wish(wish: Wish, fixes: Sequence[Fix]) -> Wish:
    """Apply the fixes that decide how columns are read."""
    changed: Wish = _replay(wish, fixes, "wish")
    return changed


def fix_rows(rows: Rows, fixes: Sequence[Fix]) -> Rows:
    """Apply the fixes that change the rows."""
    changed: Rows = _replay(rows, fixes, "rows")
    return changed


def fix_recipe(fixes: Sequence[Fix]) -> dict[str, Any]:
    """Return the recipe's fields that fixes decide; the recipe checks them as it does its own."""
    fields: dict[str, Any] = _replay({}, fixes, "recipe")
    return fields
