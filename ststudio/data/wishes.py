"""What fixes decide: how a file is read, and what its columns are."""

from dataclasses import replace
from typing import Any

from ststudio.data.cases import CASES
from ststudio.data.delimited import DELIMITERS
from ststudio.data.encodings import ENCODINGS
from ststudio.data.findings import Label
from ststudio.data.guess import Wish
from ststudio.data.tables import Reading
from ststudio.errors import StudioError

CLASSES_NAMED = 10_000  # the highest number that a map of labels may name


def read_encoding(reading: Reading, encoding: str) -> Reading:
    """Read text as an encoding."""
    if encoding not in ENCODINGS:
        raise StudioError(f"The encodings are: {', '.join(ENCODINGS)}.")
    return replace(reading, encoding=encoding)


def read_delimiter(reading: Reading, delimiter: str) -> Reading:
    """Part the cells of a line at a delimiter."""
    if delimiter not in DELIMITERS:
        raise StudioError(f"The delimiters are: {', '.join(map(repr, DELIMITERS))}.")
    return replace(reading, delimiter=delimiter)


def first_row_is_header(reading: Reading) -> Reading:
    """Take the first row as the names of the columns."""
    return replace(reading, header=True)


def first_row_is_data(reading: Reading) -> Reading:
    """Take the first row as data, whatever it looks like."""
    return replace(reading, header=False)


def use_case(wish: Wish, case: str) -> Wish:
    """Read the rows as a case, with what was decided that the case can hold."""
    if case not in CASES:
        raise StudioError(f'There is no case "{case}". The cases are: {", ".join(CASES)}.')
    roles = {role: name for role, name in wish.roles.items() if role in CASES[case].columns}
    label = wish.label if wish.label and wish.label.kind == CASES[case].label else None
    return replace(wish, case=case, roles=roles, label=label)


def assign(wish: Wish, role: str, column: str) -> Wish:
    """Take a column as a role."""
    roles = {role for case in CASES.values() for role in case.columns}
    if role not in roles:
        raise StudioError(f'There is no role "{role}". The roles are: {", ".join(sorted(roles))}.')
    others = {other: name for other, name in wish.roles.items() if name != column}
    return replace(wish, roles={**others, role: column})


def use_label(wish: Wish, column: str, kind: str) -> Wish:
    """Take a column as the score or the class."""
    if kind not in ("score", "class"):
        raise StudioError('A label\'s kind is "score" or "class".')
    case = wish.case if wish.case and CASES[wish.case].label == kind else None
    return replace(wish, case=case, label=Label(column, kind))  # type: ignore[arg-type]


def map_labels(wish: Wish, map: dict[str, Any]) -> Wish:  # noqa: A002 - the name on the page
    """Read each label as the number that stands beside it, or as none."""
    for value, number in map.items():
        if number is not None and not (type(number) is int and 0 <= number < CLASSES_NAMED):
            raise StudioError(f'Map the label "{value}" to a whole number from 0, or to null.')
    return replace(wish, classes={str(value): number for value, number in map.items()})


def expand_lists(wish: Wish, role: str) -> Wish:
    """Give each text of a role's lists a row of its own."""
    return replace(wish, expanded=(*wish.expanded, role))


def sample_lists(wish: Wish, role: str, seed: int) -> Wish:
    """Draw one text of each of a role's lists."""
    return replace(wish, sampled={**wish.sampled, role: seed})
