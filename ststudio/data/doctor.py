"""The doctor: what a table is, how it must be read, what is wrong with it and what mends it.

Nothing trains the wrong thing in silence. What would (scores off 0..1, negatives as positives, a
text as its own negative) is an error, which blocks a run until its fix is in the chain. What has
one right reading (labels as text, "4,5" as a score, rows without a label) is done and said.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ststudio.data.cases import CASES
from ststudio.data.checks import CHECKS, check_size
from ststudio.data.classes import check_sampler
from ststudio.data.columns import Column, look
from ststudio.data.findings import LEVELS, Diagnosis, Finding, Fix, Label, Level
from ststudio.data.flatten import check_column
from ststudio.data.guess import CLEAR, CLOSE, VERY_CLOSE, Guess, Wish, candidates
from ststudio.data.languages import check_languages
from ststudio.data.order import check_order
from ststudio.data.readings import check_columns, no_case
from ststudio.data.reshape import fix_recipe, fix_rows, fix_table, fix_wish, parse_fixes
from ststudio.data.retrieval import with_pairs
from ststudio.data.rows import Rows, read_rows
from ststudio.data.splits import part, sizes
from ststudio.data.tables import Table
from ststudio.errors import StudioError

__all__ = ["Diagnosis", "Finding", "Fix", "Label", "diagnose"]

PREVIEW_ROWS = 5
LINES_NAMED = 10
# What a parser assumed is news, but what it lost is a warning.
LOSSES = ("truncated_by_limit", "judgements_lost", "ragged_rows", "unreadable", "several_labels")
MENDS = {
    "header_assumed": Fix("first_row_is_header"),
    "class_in_arrays": Fix("rename_column", {"column": "label", "name": "query"}),
}


def diagnose(
    table: Table,
    fixes: Sequence[Mapping[str, Any] | Fix] = (),
    case: str | None = None,
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, Any] | Label | None = None,
    base_model: str | None = None,
) -> Diagnosis:
    """Read a table and say what it is and what is wrong with it.

    `case`, `columns` and `label` overrule the guess. They may also be what an earlier diagnosis
    said after the same fixes: then nothing changes. `base_model` is one that was chosen.
    """
    chain = parse_fixes(fixes)
    table = fix_table(with_pairs(table), chain)
    seen = look(table)
    given = _given(table, case, columns, label)
    wish = fix_wish(Wish(), chain)
    guesses, rows = _read(table, seen, wish, chain)
    if given != Wish() and not (rows and _agrees(rows, given)):
        wish = fix_wish(given, chain)
        guesses, rows = _read(table, seen, wish, chain)
    if rows is None:
        return _unreadable(table, seen, wish, chain)
    found = [*_assumed(table), *_guessed(guesses, wish), *rows.findings]
    found += check_columns(seen, guesses[0], rows, wish, table)
    parts = part(rows, seed=0)
    for check in CHECKS:
        found += check(rows)
    found += [*check_order(rows, wish), *check_sampler(rows, parts), *check_size(rows, parts)]
    found += check_languages(rows, fix_recipe(chain).get("base_model") or base_model)
    runner_up, confidence = _certainty(guesses, wish)
    return Diagnosis(
        rows.case,
        confidence,
        runner_up,
        dict(rows.columns),
        rows.label,
        _counts(table, rows),
        {name: split.num_rows for name, split in rows.splits.items()},
        tuple(sorted(found, key=lambda finding: LEVELS.index(finding.level))),
        _preview(rows),
        chain,
        {name: sizes(rows, *parts.places[name]) for name in ("train", "dev", "test")},
        parts.dropped,
        rows,
    )


def _given(
    table: Table,
    case: str | None,
    columns: Mapping[str, str] | None,
    label: Mapping[str, Any] | Label | None,
) -> Wish:
    """Check what was decided from outside, raising StudioError with what is allowed."""
    if case is not None and case not in CASES:
        raise StudioError(f'There is no case "{case}". The cases are: {", ".join(CASES)}.')
    roles = {role for known in CASES.values() for role in known.columns}
    for role in columns or {}:
        if role not in roles:
            allowed = ", ".join(CASES[case].columns if case else sorted(roles))
            raise StudioError(f'There is no role "{role}". The roles are: {allowed}.')
    if isinstance(label, Mapping):
        if set(label) != {"column", "kind"} or label["kind"] not in ("score", "class"):
            raise StudioError('A label is {"column": …, "kind": "score" or "class"}.')
        label = Label(str(label["column"]), label["kind"])
    return Wish(case, {role: str(name) for role, name in (columns or {}).items()}, label)


def _agrees(rows: Rows, given: Wish) -> bool:
    return (
        given.case in (None, rows.case)
        and all(rows.columns.get(role) == name for role, name in given.roles.items())
        and given.label in (None, rows.label)
    )


def _read(
    table: Table, seen: list[Column], wish: Wish, chain: Sequence[Fix]
) -> tuple[list[Guess], Rows | None]:
    """Return the readings by likelihood, and the rows of the first after all fixes."""
    guesses = candidates(seen, wish)
    if not guesses:
        return [], None
    return guesses, fix_rows(read_rows(table, guesses[0], wish), chain)


def _certainty(guesses: list[Guess], wish: Wish) -> tuple[str | None, float]:
    """Return the runner-up, if it is close, and the confidence in the first reading."""
    if wish.case:
        return None, 1.0
    fit = min(1.0, max(0.0, guesses[0].fit))
    gap = guesses[0].fit - guesses[1].fit if len(guesses) > 1 else 1.0
    confidence = round(0.5 * fit + 0.5 * min(1.0, gap / CLEAR), 2)
    return guesses[1].case if gap < CLOSE else None, confidence


def _guessed(guesses: list[Guess], wish: Wish) -> Iterator[Finding]:
    runner_up, _ = _certainty(guesses, wish)
    if runner_up and guesses[0].fit - guesses[1].fit < VERY_CLOSE:
        said = f"Read as {CASES[guesses[0].case].title}; {CASES[runner_up].title} fits as well."
        fix = Fix("use_case", {"case": runner_up})
        yield Finding("warning", "ambiguous_case", said, fix)


def _assumed(table: Table) -> Iterator[Finding]:
    for code, said in table.assumed:
        level: Level = "warning" if code in LOSSES else "info"
        names = table.splits["train"].schema.names
        fix = MENDS.get(code) if len(names) > 1 else None  # one text a line has no names
        done = fix is not None and fix.args.get("column", names[0]) not in names
        yield Finding(level, code, said, None if done else fix)


def _counts(table: Table, rows: Rows | None) -> dict[str, Any]:
    left_out = (*table.left_out, *(rows.left_out if rows else ()))
    lines = [line for left in left_out for line in left.lines]
    return {
        "read": table.read,
        "kept": rows.kept if rows else table.rows,
        "left_out": sum(left.count for left in left_out),
        "left_out_lines": sorted(set(lines))[:LINES_NAMED],
    }


def _preview(rows: Rows) -> list[dict[str, Any]]:
    shown = [*CASES[rows.case].columns, *([rows.label_name] if rows.label_name else [])]
    preview: list[dict[str, Any]] = (
        rows.splits["train"].select(shown).slice(0, PREVIEW_ROWS).to_pylist()
    )
    return preview


def _unreadable(table: Table, seen: list[Column], wish: Wish, chain: tuple[Fix, ...]) -> Diagnosis:
    """Return the diagnosis of a table that no case fits."""
    for name in (*wish.roles.values(), *([wish.label.column] if wish.label else [])):
        check_column(table, name)
    splits = {name: split.num_rows for name, split in table.splits.items()}
    found = (no_case(seen, wish, table), *_assumed(table))
    counts = _counts(table, None)
    return Diagnosis(
        wish.case, 0.0, None, dict(wish.roles), wish.label, counts, splits, found, [], chain
    )
