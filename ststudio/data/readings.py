"""What is to say about the columns, once each has a role or none."""

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from ststudio.data.cases import CASES
from ststudio.data.columns import Column
from ststudio.data.findings import Finding, Fix, Level, quoted
from ststudio.data.fits import PAIR_LABELS, is_label, label_fit
from ststudio.data.flatten import holding_neighbours
from ststudio.data.guess import Guess, Wish
from ststudio.data.names import hint
from ststudio.data.reshape import FIXES, describe
from ststudio.data.rows import Rows
from ststudio.data.tables import Table
from ststudio.settings import get_settings

FITS = 0.6
MOST_GRADES = 10
GRADES = frozenset(
    "no none not low lower lowest weak little slight minor poor bad medium mid middle moderate "
    "some partial partly partially somewhat fair average high higher highest strong strongly good "
    "very great full fully perfect excellent exact exactly same similar identical equal equivalent "
    "related unrelated relevant irrelevant different dissimilar "
    "kein keine niedrig gering schwach mittel teilweise hoch stark sehr gleich gut schlecht "
    "aucun aucune faible moyen moyenne fort forte bas haut eleve élevé élevée bon mauvais "
    "ninguno ninguna bajo baja medio media alto alta nulo bueno malo basso bassa buono "
    "laag hoog".split()
)
DOCUMENTS = 0.5  # share of the texts that hold neighbouring sentences


def check_columns(
    seen: list[Column], guess: Guess, rows: Rows, wish: Wish, table: Table
) -> Iterator[Finding]:
    """Say what became of every column."""
    used = {*guess.columns.values(), *([guess.label.column] if guess.label else [])}
    lists = {column.of_list for column in seen if column.name in used}
    left = [c for c in seen if c.name not in used | lists and not c.of_list and c.kind != "empty"]
    yield from _label_names(guess)
    others = [column for column in left if is_label(column)]
    yield from _two_labels(guess, others)
    yield from _ignored_labels(guess, rows, others)
    ids = [column.name for column in left if column.is_id and column not in others]
    if ids:
        yield Finding(
            "info",
            "id_column",
            f"Left aside: {quoted(ids)}. Ids, links and dates tell rows apart, not what they mean.",
        )
    extra = [column for column in left if column not in others and column.name not in ids]
    yield from _extra(extra, rows)
    yield from _lists(guess, table, wish)
    nested = [name for name in used if "." in name]
    if nested:
        said = f"Nested columns are read by their path: {quoted(sorted(nested))}."
        yield Finding("info", "nested", said)
    yield from _reshapes(rows)


def _label_names(guess: Guess) -> Iterator[Finding]:
    names = {"label", "labels", "score", "scores"}
    if guess.label and guess.label.column not in names:
        said = f'"{guess.label.column}" is the {guess.label.kind}; the trainer is given it as one.'
        yield Finding("info", "label_renamed", said)


def _two_labels(guess: Guess, others: list[Column]) -> Iterator[Finding]:
    if guess.label is None:
        return
    for other in others:
        cases = [
            key
            for key, case in CASES.items()
            if case.label and len(case.columns) == len(guess.columns)
        ]
        fits = max(cases, key=lambda key: label_fit(key, other))
        if label_fit(fits, other) >= FITS:
            said = f'"{guess.label.column}" is taken as the label, "{other.name}" is left aside.'
            fix = Fix("use_label", {"column": other.name, "kind": CASES[fits].label})
            yield Finding("warning", "two_labels", said, fix)


def _ignored_labels(guess: Guess, rows: Rows, others: list[Column]) -> Iterator[Finding]:
    """Say where a case without a label would train negatives as positives."""
    if guess.label is not None or rows.case != guess.case:
        return
    for other in others:
        key = max(PAIR_LABELS, key=lambda key: label_fit(key, other))
        if guess.case == "pair" and label_fit(key, other) >= FITS:
            yield Finding(
                "error",
                "negatives_as_positives",
                f'"{other.name}" says which rows belong together. Read as pairs of positives, the '
                "label is ignored and rows that do not belong together are trained as if they did.",
                Fix("use_case", {"case": key}),
            )
        elif guess.case == "pair" and hint("score", other.name) == 1.0:
            yield _in_words(other)
        else:
            yield _left_label(guess, other)


def _in_words(other: Column) -> Finding:
    """Say that a column called a score holds words: grades block, remarks do not."""
    leave = Fix("drop_columns", {"columns": [other.name]})
    if _looks_graded(other):
        return Finding(
            "error",
            "negatives_as_positives",
            f'"{other.name}" says in words how alike the texts are: {quoted(other.values, 3)}. '
            "Read as pairs of positives, those that are not alike are trained as if they were. "
            "Write numbers from 0 to 1 for the words, or leave the column out.",
            leave,
        )
    return Finding(
        "warning",
        "extra_column",
        f'"{other.name}" is called like a score, but holds {quoted(other.values, 3)}: left aside. '
        "If it says which texts are not alike, write numbers from 0 to 1 for the words.",
        leave,
    )


def _looks_graded(column: Column) -> bool:
    """Tell whether a few values are steps of a scale, most of them named as such."""
    words = [set(re.findall(r"[^\W\d_]+", value.lower())) for value in column.values]
    steps = sum(bool(each & GRADES) for each in words)
    return 1 < column.distinct <= MOST_GRADES and 2 * steps > len(words)


def _left_label(guess: Guess, other: Column) -> Finding:
    said = f'"{other.name}" looks like a label, which this case does not use: left aside.'
    if "negative" not in guess.columns:
        return Finding("warning", "extra_column", said)
    texts = [guess.columns["anchor"], guess.columns["positive"]]
    fix = Fix("flatten_triplets", {"columns": texts, "label": other.name})
    return Finding("info", "extra_column", said + " It can make texts with a class.", fix)


def _extra(extra: list[Column], rows: Rows) -> Iterator[Finding]:
    if extra:
        names = quoted([column.name for column in extra])
        level: Level = "warning" if any(column.prose > 0.5 for column in extra) else "info"
        taken = quoted([*rows.columns.values()])
        said = f"Left aside: {names}. Else the loss would read it as one more text. Used: {taken}."
        yield Finding(level, "extra_column", said)


def _lists(guess: Guess, table: Table, wish: Wish) -> Iterator[Finding]:
    train = table.splits["train"]
    for role, name in guess.columns.items():
        if name not in train.schema.names or not pa.types.is_list(train[name].type):
            continue
        lengths = pc.list_value_length(train[name])
        most = pc.max(lengths).as_py() or 0
        if most > 1 and role not in (*wish.expanded, *wish.sampled):
            said = f'"{name}" holds up to {most} texts; the first is taken.'
            fits = (pc.sum(lengths).as_py() or 0) <= get_settings().rows
            code = "expand_lists" if fits else "sample_lists"
            args = {"role": role} if fits else {"role": role, "seed": 0}
            yield Finding("info", "several_texts", said, Fix(code, args))


def _reshapes(rows: Rows) -> Iterator[Finding]:
    """Offer what the case is better made into."""
    for code in CASES[rows.case].reshape[:1]:
        fix = Fix(code, dict(FIXES[code].defaults))
        said = f"{CASES[rows.case].title} trains better when reshaped: {describe(fix)}."
        yield Finding("info", "reshape", said, fix)


def no_case(seen: list[Column], wish: Wish, table: Table) -> Finding:
    """Say why no case fits, and what would."""
    kinds = ", ".join(f'"{c.name}" ({_kind(c)})' for c in seen if not c.of_list) or "none"
    if wish.case:
        case = CASES[wish.case]
        needs = ", ".join(case.columns) + (f" and a {case.label}" if case.label else "")
        said = f"{case.title} needs {needs}. The columns are: {kinds}. Assign them, or choose "
        return Finding("error", "no_case", said + "another case.")
    said = (
        "No case of training data fits. Needed are two texts that belong together, three texts "
        f"(anchor, positive, negative), or texts with a class or a score. The columns are: {kinds}."
    )
    texts = sorted((c for c in seen if c.prose > 0.5), key=lambda column: -column.characters)
    if texts and holding_neighbours(table, texts[0].name) >= DOCUMENTS:
        fix = Fix("documents_to_pairs", {"column": texts[0].name})
        said += f' The texts in "{texts[0].name}" make pairs of neighbouring sentences.'
        return Finding("error", "no_case", said, fix)
    return Finding("error", "no_case", said)


def _kind(column: Column) -> str:
    if column.prose > 0:
        return "text"
    return "id" if column.is_id and not column.has_numbers else column.kind
