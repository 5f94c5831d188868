"""What fixes do to rows: mend scores, drop faults, make one case of another."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from ststudio.data import faults
from ststudio.data.cases import CASES
from ststudio.data.findings import Finding, count
from ststudio.data.rows import Rows
from ststudio.errors import StudioError

ENTAILMENT, CONTRADICTION = 0, 2
SIMILAR = 1
SHORT = 3  # letters and digits: fewer carry no meaning to compare


def need(rows: Rows, case: str, what: str) -> None:
    """Raise StudioError where the rows are of another case than a step takes."""
    if rows.case != case:
        raise StudioError(
            f"Only {CASES[case].title} can be {what}; this is {CASES[rows.case].title}. "
            "Undo that fix."
        )


def _need_scaled(rows: Rows) -> None:
    for split in rows.splits.values():
        scores = split["score"].to_numpy()
        if len(scores) and (scores.min() < 0 or scores.max() > 1):
            raise StudioError("Scale the scores to 0..1 first: a threshold is a part of that.")


def scale_score(rows: Rows, low: float, high: float) -> Rows:
    """Bring scores from low..high to 0..1."""
    need(rows, "pair-score", "scaled")
    if not low < high:
        raise StudioError(f"Scores are scaled from low to high, and {low} is not below {high}.")
    splits = {}
    for name, split in rows.splits.items():
        scores = (split["score"].to_numpy() - low) / (high - low)
        place = split.schema.names.index("score")
        splits[name] = split.set_column(place, "score", pa.chunked_array([scores]))
    said = f"The scores of {count(rows.kept, 'row')} were scaled from {low:g}–{high:g} to 0–1."
    return _said(replace(rows, splits=splits), said)


def swap(rows: Rows) -> Rows:
    """Swap the first two columns of the case."""
    roles = CASES[rows.case].columns
    if len(roles) < 2:
        raise StudioError("There is only one column of text, so nothing can be swapped.")
    one, two = roles[:2]
    sources = {**rows.columns, one: rows.columns[two], two: rows.columns[one]}
    turned = _recast(rows, rows.case, {**{r: r for r in roles}, one: two, two: one}, sources)
    return _said(turned, f"{one} and {two} were swapped in {count(rows.kept, 'row')}.")


def _recast(
    rows: Rows, case: str, source: Mapping[str, str], columns: dict[str, str] | None = None
) -> Rows:
    """Give the rows the columns of a case, each from a column that they have."""
    names = list(CASES[case].columns)
    label = replace(rows, case=case).label_name
    unit = source[CASES[case].unit]
    splits = {}
    for name, split in rows.splits.items():
        made = {role: split[source[role]] for role in names}
        if label:
            made[label] = split[label]
        # Units that are not simply the first text were made on purpose: they stay.
        plain = split["unit"].equals(split[CASES[rows.case].unit])
        made |= {"unit": split[unit] if plain else split["unit"], "row": split["row"]}
        splits[name] = pa.table(made)
    columns = columns or {role: rows.columns[source[role]] for role in names}
    kept = rows.label if label else None
    return replace(rows, case=case, columns=columns, splits=splits, label=kept)


def drop_duplicates(rows: Rows) -> Rows:
    """Keep the first of equal rows."""
    return rows.without(faults.duplicates(rows), "repeated row")


def drop_same_texts(rows: Rows) -> Rows:
    """Drop rows in which a text meets itself."""
    return rows.without(faults.same_texts(rows), "same texts")


def drop_contradicting(rows: Rows) -> Rows:
    """Drop rows that gainsay each other."""
    return rows.without(faults.contradicting(rows), "contradicting row")


def drop_rare_classes(rows: Rows, at_least: int) -> Rows:
    """Drop training rows of classes with too few of them."""
    return rows.without(faults.rare_classes(rows, at_least), "rare class")


def cap_classes(rows: Rows, at_most: int, seed: int) -> Rows:
    """Keep at most so many training rows of each class, drawn by the seed."""
    if CASES[rows.case].label != "class" or at_most < 2:
        raise StudioError("Only rows with classes can be cut to so many a class, 2 or more.")
    labels = rows.labels("train")
    assert labels is not None
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    shuffled = shuffled[np.argsort(labels[shuffled], kind="stable")]
    rank = np.arange(len(labels)) - np.searchsorted(labels[shuffled], labels[shuffled], "left")
    surplus = np.zeros(len(labels), bool)
    surplus[shuffled[rank >= at_most]] = True
    return rows.without({"train": surplus}, "surplus of a large class")


def drop_short(rows: Rows) -> Rows:
    """Drop rows with a text of one or two letters."""
    return rows.without(faults.short_texts(rows, SHORT), "near-empty text")


def _keep(rows: Rows, case: str, source: Mapping[str, str], keep: dict[str, np.ndarray]) -> Rows:
    """Keep the masked rows as another case, and say so."""
    splits = {name: split.filter(pa.array(keep[name])) for name, split in rows.splits.items()}
    kept = _recast(replace(rows, splits=splits), case, source)
    said = f"{count(rows.kept, 'row')} became {count(kept.kept, 'row')} of another case."
    return _said(kept, said)


def _said(rows: Rows, sentence: str) -> Rows:
    return replace(rows, findings=(*rows.findings, Finding("info", "reshaped", sentence)))


def entailment_pairs(rows: Rows) -> Rows:
    """Keep entailed pairs as pairs of positives."""
    need(rows, "nli", "made into entailed pairs")
    keep = {n: split["label"].to_numpy() == ENTAILMENT for n, split in rows.splits.items()}
    return _keep(rows, "pair", {"anchor": "premise", "positive": "hypothesis"}, keep)


def keep_positives(rows: Rows) -> Rows:
    """Keep similar pairs as pairs of positives."""
    need(rows, "pair-class", "cut to its similar pairs")
    keep = {n: split["label"].to_numpy() == SIMILAR for n, split in rows.splits.items()}
    return _keep(rows, "pair", {"anchor": "sentence1", "positive": "sentence2"}, keep)


def score_to_pairs(rows: Rows, at_least: float) -> Rows:
    """Keep pairs with a high score as pairs of positives."""
    need(rows, "pair-score", "cut to its high scores")
    _need_scaled(rows)
    keep = {n: split["score"].to_numpy() >= at_least for n, split in rows.splits.items()}
    return _keep(rows, "pair", {"anchor": "sentence1", "positive": "sentence2"}, keep)


def score_to_classes(rows: Rows, at_least: float) -> Rows:
    """Call pairs with a high score similar, the others not."""
    need(rows, "pair-score", "made into similar and not")
    _need_scaled(rows)
    splits = {}
    for name, split in rows.splits.items():
        classes = pa.array((split["score"].to_numpy() >= at_least).astype(np.int64))
        splits[name] = split.append_column("label", classes)
    label = replace(rows.label, kind="class") if rows.label else None
    rows = replace(rows, splits=splits, class_names=("not similar", "similar"), label=label)
    same = {"sentence1": "sentence1", "sentence2": "sentence2"}
    alike = sum(int(split["label"].to_numpy().sum()) for split in splits.values())
    said = f"{count(alike, 'row is', 'rows are')} called similar, {rows.kept - alike:,} not."
    return _said(_recast(rows, "pair-class", same), said)


def triplets_to_pairs(rows: Rows) -> Rows:
    """Leave the negatives aside, and the pairs that repeat without them."""
    need(rows, "triplet", "made into pairs")
    same = {"anchor": "anchor", "positive": "positive"}
    return drop_duplicates(_recast(rows, "pair", same))


def nli_to_triplets(rows: Rows) -> Rows:
    """Join each entailed hypothesis with a contradicting one of the same premise."""
    need(rows, "nli", "made into triplets")
    splits = {}
    entailed = 0
    for name, split in rows.splits.items():
        labels, premises = split["label"].to_numpy(), rows.codes[name][:, 0]
        good, bad = np.flatnonzero(labels == ENTAILMENT), np.flatnonzero(labels == CONTRADICTION)
        partners = _partners(premises[good], premises[bad])
        entailed += len(good)
        good, partners = good[partners >= 0], bad[partners[partners >= 0]]
        made = {
            "anchor": split["premise"].take(good),
            "positive": split["hypothesis"].take(good),
            "negative": split["hypothesis"].take(partners),
        }
        splits[name] = pa.table(made | {"unit": made["anchor"], "row": split["row"].take(good)})
    sources = {
        "anchor": rows.columns["premise"],
        "positive": rows.columns["hypothesis"],
        "negative": rows.columns["hypothesis"],
    }
    made_of = replace(rows, case="triplet", columns=sources, label=None, splits=splits)
    left = entailed - made_of.kept
    return _said(
        made_of,
        f"{count(rows.kept, 'row')} became {count(made_of.kept, 'triplet')}; "
        f"{count(left, 'entailed row')} had no contradiction of the same premise.",
    )


def _partners(wanted: np.ndarray, offered: np.ndarray) -> np.ndarray:
    """Return for each wanted key the place of an offered one in turn, -1 where there is none."""
    if not len(offered):
        return np.full(len(wanted), -1)
    order = np.argsort(offered, kind="stable")
    first = np.searchsorted(offered[order], wanted, "left")
    many = np.searchsorted(offered[order], wanted, "right") - first
    by_key = np.argsort(wanted, kind="stable")
    starts = np.searchsorted(wanted[by_key], wanted[by_key], "left")
    turn = np.empty(len(wanted), np.int64)
    turn[by_key] = np.arange(len(wanted)) - starts
    place = order[np.minimum(first + turn % np.maximum(many, 1), len(order) - 1)]
    return np.where(many > 0, place, -1)
