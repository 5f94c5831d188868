"""Fixes: every step that mends the rows or makes one case of another.

A chain of fixes is replayed in stages, each in the order of the chain: first what decides how a
file is read, then what changes the table, then what decides how its columns are read, then what
changes the rows, and last what the recipe is to say where nobody said it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ststudio.data import flatten, markup, mend, regroup, retold, wishes
from ststudio.data.cases import CASES
from ststudio.data.findings import Fix, FixKind, quoted
from ststudio.data.guess import Wish
from ststudio.data.recipe_fixes import NUMBER, RECIPE_FIXES
from ststudio.data.rows import Rows
from ststudio.data.tables import AS_FOUND, Reading, Retrieval, Table
from ststudio.errors import StudioError

LARGEST_SEED = 2**31 - 1
FIXES: dict[str, FixKind] = {
    "read_encoding": FixKind(
        "read the file as {encoding}", wishes.read_encoding, "reading", {"encoding": str}
    ),
    "read_delimiter": FixKind(
        "part the cells at {delimiter!r}", wishes.read_delimiter, "reading", {"delimiter": str}
    ),
    "first_row_is_header": FixKind(
        "take the first row as the names of the columns", wishes.first_row_is_header, "reading"
    ),
    "first_row_is_data": FixKind("take the first row as data", wishes.first_row_is_data, "reading"),
    "use_case": FixKind("read it as {case}", wishes.use_case, "wish", {"case": str}),
    "assign": FixKind(
        'take "{column}" as {role}', wishes.assign, "wish", {"role": str, "column": str}
    ),
    "use_label": FixKind(
        'take "{column}" as the label', wishes.use_label, "wish", {"column": str, "kind": str}
    ),
    "map_labels": FixKind("read the label {map}", wishes.map_labels, "wish", {"map": dict}),
    "expand_lists": FixKind(
        "give each text in the list of {role} a row of its own",
        wishes.expand_lists,
        "wish",
        {"role": str},
    ),
    "sample_lists": FixKind(
        "draw one text from each list of {role}",
        wishes.sample_lists,
        "wish",
        {"role": str, "seed": int},
        {"seed": 0},
    ),
    "rename_column": FixKind(
        'call the column "{column}" "{name}"',
        flatten.rename_column,
        "table",
        {"column": str, "name": str},
    ),
    "drop_columns": FixKind(
        "leave out {columns}", flatten.drop_columns, "table", {"columns": list}
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
        retold=retold.scale_score,
    ),
    "swap": FixKind("swap the first two columns", mend.swap, retold=retold.swap),
    "drop_duplicates": FixKind(
        "drop repeated rows", mend.drop_duplicates, retold=retold.drop_duplicates
    ),
    "drop_same_texts": FixKind(
        "drop rows whose texts are the same", mend.drop_same_texts, retold=retold.drop_same_texts
    ),
    "drop_contradicting": FixKind("drop contradicting rows", mend.drop_contradicting),
    "drop_rare_classes": FixKind(
        "drop classes with fewer than {at_least} rows",
        mend.drop_rare_classes,
        args={"at_least": int},
        defaults={"at_least": 2},
        retold=retold.drop_rare_classes,
    ),
    "cap_classes": FixKind(
        "keep at most {at_most} training rows of each class",
        mend.cap_classes,
        args={"at_most": int, "seed": int},
        defaults={"seed": 0},
    ),
    "strip_markup": FixKind(
        "take the markup out of the texts", markup.strip_markup, corpus=markup.strip_retrieval
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
        retold=retold.entailment_pairs,
    ),
    "keep_positives": FixKind(
        "keep the similar pairs only",
        mend.keep_positives,
        of="pair-class",
        retold=retold.keep_positives,
    ),
    "score_to_pairs": FixKind(
        "keep the pairs that score {at_least} or more",
        mend.score_to_pairs,
        args={"at_least": NUMBER},
        defaults={"at_least": 0.8},
        of="pair-score",
        retold=retold.score_to_pairs,
    ),
    "score_to_classes": FixKind(
        "call pairs that score {at_least} or more similar, the others not",
        mend.score_to_classes,
        args={"at_least": NUMBER},
        defaults={"at_least": 0.5},
        of="pair-score",
        retold=retold.score_to_classes,
    ),
    "triplets_to_pairs": FixKind(
        "leave the negatives aside",
        mend.triplets_to_pairs,
        of="triplet",
        retold=retold.triplets_to_pairs,
    ),
    "classes_to_pairs": FixKind(
        "pair each text with another of its class",
        regroup.classes_to_pairs,
        args={"seed": int},
        defaults={"seed": 0},
        of="text-class",
    ),
    "classes_to_triplets": FixKind(
        "make triplets: a text, another of its class, one of another class",
        regroup.classes_to_triplets,
        args={"seed": int},
        defaults={"seed": 0},
        of="text-class",
    ),
    **RECIPE_FIXES,
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
    if not 0 <= args.get("seed", 0) <= LARGEST_SEED:
        raise StudioError(f"A seed is a whole number from 0 to {LARGEST_SEED}.")
    return Fix(code, args)


def describe(fix: Fix) -> str:
    """Say a fix in words for the page."""
    return FIXES[fix.code].title.format(**{name: _said(arg) for name, arg in fix.args.items()})


def _said(arg: Any) -> str:  # noqa: ANN401
    if isinstance(arg, dict):
        prompts = all(isinstance(value, str) for value in arg.values())
        how = '"{1}" before each {0}' if prompts else '"{0}" as {1}'
        return ", ".join(how.format(*item) for item in arg.items())
    if isinstance(arg, list):
        return quoted([str(value) for value in arg])
    if isinstance(arg, float):
        return f"{arg:g}"
    return CASES[arg].title if arg in CASES else str(arg)


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
    """Return what the fixes say of the recipe itself, by the names of its settings."""
    settings: dict[str, Any] = _replay({}, fixes, "recipe")
    return settings


def fix_corpus(retrieval: Retrieval | None, fixes: Sequence[Fix]) -> Retrieval | None:
    """Apply to a set's own corpus and queries what the fixes did to the texts of the rows."""
    for fix in fixes:
        if retrieval is not None and (step := FIXES[fix.code].corpus):
            retrieval = step(retrieval)
    return retrieval
