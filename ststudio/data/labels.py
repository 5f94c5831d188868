"""Labels as people write them, read as the scores and whole numbers that losses need."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ststudio.data.findings import Finding, Fix, count, quoted
from ststudio.data.names import NOT
from ststudio.data.values import as_numbers, as_text

Values = dict[str, pa.ChunkedArray]  # by split

NO_CLASS = -1
MISSING = frozenset({"", "-", "nan", "null", "n/a", "#n/a", "?"})

_ALIKE = (
    "1 true yes y t similar duplicate dup same match matched matching paraphrase equivalent "
    "positive pos relevant related alike entailment ja oui si semantically_equivalent "
    "vrai vero verdadero verdadeiro wahr identique gleich igual"
)
_UNLIKE = (
    "0 false no n f different dissimilar distinct mismatch unrelated irrelevant negative neg "
    "inequivalent contradiction nein non unique nonduplicate nonmatch unlike other "
    "faux falso falsch verschieden distinto"
)
# What a class's name means, for the cases whose losses and evaluators give the numbers a meaning.
MEANINGS: Mapping[str, Mapping[str, int]] = {
    "pair-class": {
        **dict.fromkeys(_ALIKE.split(), 1),
        **dict.fromkeys(_UNLIKE.split(), 0),
        **{f"{no}{word}": 0 for no in ("not", "non", "not_", "non_") for word in _ALIKE.split()},
    },
    "nli": {
        **dict.fromkeys(
            "entailment entails entail entailed e supports supported support implication implies "
            "entails_hypothesis folgerung implikation implicacion implicacao implicazione "
            "follows folgt impliziert implique implica volgt segue".split(),
            0,
        ),
        **dict.fromkeys(
            "neutral n not_enough_info nei not_enough_information unknown notmentioned "
            "not_mentioned undetermined neutre neutro neutrale neutraal unverifiable unbestimmt "
            "unklar offen".split(),
            1,
        ),
        **dict.fromkeys(
            "contradiction contradicts contradict contradictory contradicted c refutes refuted "
            "refute widerspruch kontradiktion tegenspraak contradictie contradiccion contradicao "
            "contraddizione widerspricht contredit contradice contraddice".split(),
            2,
        ),
    },
}
NUMBERED = re.compile(r"^\s*\d\s*[-–:=(]\s*(?=[^\W\d])")  # "0 - entailment"
NEGATED = ("pair-class",)
CLASS_COUNT = {"pair-class": 2, "nli": 3}


def meaning(case: str, value: str) -> int | None:
    """Return the number that a class's name stands for in a case, None where unknown."""
    known = MEANINGS.get(case, {})
    parted = unicodedata.normalize("NFKD", NUMBERED.sub("", value).strip().lower())
    plain = "".join(letter for letter in parted if not unicodedata.combining(letter))
    word = plain.replace(" ", "_").replace("-", "_")
    if word in known or case not in NEGATED:
        return known.get(word)
    words = word.split("_")
    meant = {known[each] for each in words if len(each) > 1 and each in known and each not in NOT}
    if len(meant) != 1:
        return None
    turned = sum(each in NOT for each in words) % 2  # "not a duplicate", "keine Dublette"
    return abs(meant.pop() - turned)


def is_missing(value: str) -> bool:
    """Tell whether a label's text says that there is none."""
    return value.strip().lower() in MISSING


@dataclass(frozen=True)
class Labels:
    """Labels by split: scores with NaN, or classes with -1, where a row has none."""

    values: dict[str, np.ndarray]
    class_names: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def read_scores(columns: Values, name: str) -> Labels:
    """Read a score column; what is no number becomes NaN."""
    values = {split: as_numbers(column) for split, column in columns.items()}
    findings = []
    if any(
        pa.types.is_string(c.type) or pa.types.is_large_string(c.type) for c in columns.values()
    ):
        said = f'The scores in "{name}" are text; they were read as numbers.'
        findings.append(Finding("info", "score_text", said))
    return Labels(values, (), tuple(findings))


def read_classes(
    case: str,
    columns: Values,
    name: str,
    names: tuple[str, ...],
    wanted: Mapping[str, int | None],
    closer: Callable[[str, str], str],
) -> Labels:
    """Read a class column: names and numbers of any kind become 0, 1, 2 and so on.

    `wanted` is the map that the visitor chose; `closer` tells which of two values' rows hold
    texts that share more words, to guess which of them means "similar".
    """
    numbered = not any(pa.types.is_string(c.type) for c in columns.values())
    texts = {split: _named(column, names) for split, column in columns.items()}
    distinct = _distinct(texts, numbered)
    findings: list[Finding] = []
    if wanted:
        codes = {value: wanted.get(value) for value in distinct}
    elif case in MEANINGS:
        codes, findings = _by_meaning(case, distinct, name, closer)
    else:
        codes, findings = _in_order(distinct, names)
    findings += _said(columns, name, numbered, {k: v for k, v in codes.items() if v is not None})
    values = {split: _coded(column, codes) for split, column in texts.items()}
    return Labels(values, _class_names(codes), tuple(findings))


def _named(column: pa.ChunkedArray, names: tuple[str, ...]) -> pa.ChunkedArray:
    if not names or not pa.types.is_integer(column.type):
        return pc.utf8_trim_whitespace(as_text(column))
    known = pc.and_(pc.greater_equal(column, 0), pc.less(column, len(names)))
    places = pc.if_else(known, column, pa.scalar(None, column.type))
    return pc.take(pa.array(names, pa.string()), places)


def _distinct(texts: Values, numbered: bool) -> list[str]:
    """Return the values that are classes, numbers in their own order before words."""
    seen = {v for column in texts.values() for v in pc.unique(column).to_pylist() if v is not None}
    kept = {value for value in seen if not is_missing(value)}
    if kept - {"-1", "-1.0"} != {"1"} and (numbered or all(_is_number(v) for v in kept)):
        kept -= {"-1", "-1.0"}  # "no label" nearly everywhere, but not beside 1 alone

    def place(value: str) -> tuple[int, float, str]:
        return (0, float(value), value) if _is_number(value) else (1, 0.0, value)

    return sorted(kept, key=place)


def _is_number(value: str) -> bool:
    try:
        return bool(np.isfinite(float(value)))
    except ValueError:
        return False


Codes = dict[str, int | None]


def _by_meaning(
    case: str, distinct: list[str], name: str, closer: Callable[[str, str], str]
) -> tuple[Codes, list[Finding]]:
    codes: Codes = {value: meaning(case, value) for value in distinct}
    wanted = CLASS_COUNT[case]
    if all(code is not None for code in codes.values()):
        return codes, []
    numbers = all(_is_number(value) for value in distinct)
    if numbers and all(float(value) in range(wanted) for value in distinct):
        return {value: int(float(value)) for value in distinct}, []
    if len(distinct) != wanted or wanted != 2:
        said = (
            f'"{name}" holds {count(len(distinct), "value")} ({quoted(distinct)}) where this case '
            f"needs {wanted}. Say what each means, or choose another label."
        )
        from_one = numbers and [float(value) for value in distinct] == [*range(1, wanted + 1)]
        order: Codes = {value: place for place, value in enumerate(distinct)}
        fix = Fix("map_labels", {"map": order}) if from_one else None
        return order if fix else codes, [Finding("error", "label_strings", said, fix)]
    if numbers and float(distinct[0]) < 0 < float(distinct[1]):
        return {distinct[0]: 0, distinct[1]: 1}, []
    return _by_overlap(distinct, name, closer)


def _by_overlap(
    distinct: list[str], name: str, closer: Callable[[str, str], str]
) -> tuple[Codes, list[Finding]]:
    alike = closer(distinct[0], distinct[1])
    other = distinct[0] if alike == distinct[1] else distinct[1]
    said = (
        f'"{name}" holds "{distinct[0]}" and "{distinct[1]}", and nothing says which means '
        f'similar. By the words that the texts share, "{alike}" does: confirm it, or turn it round.'
    )
    codes: Codes = {alike: 1, other: 0}
    return codes, [Finding("error", "label_strings", said, Fix("map_labels", {"map": codes}))]


def _in_order(distinct: list[str], names: tuple[str, ...]) -> tuple[Codes, list[Finding]]:
    if names:
        order = {value: place for place, value in enumerate(names)}
        return {value: order[value] for value in distinct if value in order}, []
    codes: Codes = {value: place for place, value in enumerate(distinct)}
    numbers = [float(value) for value in distinct if _is_number(value)]
    if len(numbers) != len(distinct) or numbers == list(range(len(numbers))):
        return codes, []
    said = f"Classes {quoted(distinct)} were renumbered from 0."
    return codes, [Finding("info", "label_renumbered", said)]


def _said(columns: Values, name: str, numbered: bool, codes: dict[str, int]) -> list[Finding]:
    kinds = {column.type for column in columns.values()}
    shown = ", ".join(f'"{value}" as {code}' for value, code in list(codes.items())[:5])
    more = f" and {len(codes) - 5} more" if len(codes) > 5 else ""
    if not numbered:
        said = f'The labels in "{name}" are text; they are read as numbers: {shown}{more}.'
        return [Finding("info", "label_strings", said)]
    if any(pa.types.is_boolean(kind) for kind in kinds):
        said = f'The labels in "{name}" are true and false; they are read as 1 and 0.'
        return [Finding("info", "label_bool", said)]
    if any(pa.types.is_floating(kind) for kind in kinds):
        said = f'The classes in "{name}" are written as floats; they are read as whole numbers.'
        return [Finding("info", "label_float_classes", said)]
    return []


def _coded(column: pa.ChunkedArray, codes: Codes) -> np.ndarray:
    known = {value: code for value, code in codes.items() if code is not None}
    found = pc.index_in(column, pa.array(list(known), pa.string()))
    numbers = pa.array(list(known.values()), pa.int64())
    return np.asarray(pc.fill_null(pc.take(numbers, found), NO_CLASS), np.int64)


def _class_names(codes: Codes) -> tuple[str, ...]:
    named: dict[int, str] = {}
    for value, code in codes.items():
        if code is not None:
            named.setdefault(code, value)
    return tuple(named.get(code, str(code)) for code in range(max(named, default=-1) + 1))
