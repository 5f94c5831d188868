"""Texts with a class made into pairs or triplets: small circles of texts that no split parts."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from ststudio.data.cases import CASES
from ststudio.data.findings import Finding, count
from ststudio.data.mend import need
from ststudio.data.rows import Rows

# Texts that answer one another in a circle. Two would repeat each pair in reverse; with more, one
# text in the test would tie more of its class to the test.
CIRCLE = 4


def classes_to_pairs(rows: Rows, seed: int) -> Rows:
    """Pair each text with another of its class, each an anchor once and a positive once."""
    return _regrouped(rows, "pair", seed)


def classes_to_triplets(rows: Rows, seed: int) -> Rows:
    """Join each text with another of its class and one of another class."""
    return _regrouped(rows, "triplet", seed)


def _regrouped(rows: Rows, case: str, seed: int) -> Rows:
    need(rows, "text-class", f"made into {case}s by class")
    roles = CASES[case].columns
    splits = {}
    for place, (name, split) in enumerate(rows.splits.items()):
        labels = rows.labels(name)
        assert labels is not None
        rng = np.random.default_rng([seed, place])
        taken = _circles(rows.codes[name][:, 0], labels, rng, negatives=case == "triplet")
        made = {role: split["text"].take(taken[:, turn]) for turn, role in enumerate(roles)}
        made |= {"unit": made[roles[0]], "row": split["row"].take(taken[:, 0])}
        splits[name] = pa.table(made)
    sources = {role: rows.columns["text"] for role in roles}
    kept = replace(rows, case=case, columns=sources, label=None, splits=splits)
    said = f"{count(rows.kept, 'text')} became {count(kept.kept, case)}"
    if left := rows.kept - kept.kept:
        said += f"; {count(left, 'text')} stood twice or had no other text to go with"
    return replace(kept, findings=(*kept.findings, Finding("info", "reshaped", said + ".")))


def _circles(
    codes: np.ndarray, labels: np.ndarray, rng: np.random.Generator, negatives: bool
) -> np.ndarray:
    """Return rows of places int [texts, 2 or 3]: anchor, positive and, if asked for, negative."""
    first = np.unique(codes, return_index=True)[1]  # a text that stands twice counts once
    circles = []
    for label in np.unique(labels[first]):
        members = rng.permutation(first[labels[first] == label])
        if len(members) > 1:
            circles += np.array_split(members, max(1, len(members) // CIRCLE))
    if negatives:
        partners = _partners([int(labels[circle[0]]) for circle in circles], rng)
        circles = circles if partners else []
    anchors = [
        np.column_stack(
            [circle, np.roll(circle, -1)]
            + ([rng.choice(circles[partners[place]], len(circle))] if negatives else [])
        )
        for place, circle in enumerate(circles)
    ]
    empty = np.zeros((0, 3 if negatives else 2), np.int64)
    # In the order of the texts, not of the classes: the first rows show what there is.
    made = np.concatenate([empty, *anchors])
    return np.asarray(made[np.argsort(made[:, 0])], np.int64)


def _partners(labels: list[int], rng: np.random.Generator) -> list[int]:
    """Return for each circle a random one of another class, in couples as far as that goes.

    Couples keep small what shares texts, so that hardly a row is lost to a leak when tests are
    cut. A class larger than all others shares out their circles.
    """
    if len(set(labels)) < 2:
        return []
    partner = [-1] * len(labels)
    waiting: list[int] = []  # all of one class
    for circle in rng.permutation(len(labels)).tolist():
        if waiting and labels[waiting[-1]] != labels[circle]:
            other = waiting.pop()
            partner[circle], partner[other] = other, circle
        else:
            waiting.append(circle)
    alone = labels[waiting[0]] if waiting else None
    others = [place for place, label in enumerate(labels) if label != alone]
    for turn, circle in enumerate(waiting):
        partner[circle] = others[turn % len(others)]
    return partner
