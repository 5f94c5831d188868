"""Rows with something wrong: one mask a fault, for the doctor to count and a fix to drop."""

import numpy as np
import pyarrow.compute as pc

from ststudio.data.cases import CASES
from ststudio.data.rows import Masks, Rows

SHORT_TEXT = 20  # bytes
NO_LETTER = r"[^\pL\pN\pM\pS]+"
FAR_APART = 0.4  # of the score's range: two scores of one pair that differ more contradict


def same_texts(rows: Rows) -> Masks:
    """Mask rows in which a text meets itself where the case takes two to be different."""
    if "anchor" not in CASES[rows.case].columns:
        return {name: np.zeros(len(codes), bool) for name, codes in rows.codes.items()}
    return {
        name: np.array((np.diff(np.sort(codes, axis=1), axis=1) == 0).any(axis=1))
        for name, codes in rows.codes.items()
    }


def positive_is_negative(rows: Rows) -> Masks:
    """Mask triplets whose positive and negative, or anchor and negative, are one text."""
    if "negative" not in CASES[rows.case].columns:
        return {name: np.zeros(len(codes), bool) for name, codes in rows.codes.items()}
    return {
        name: (codes[:, 1] == codes[:, 2]) | (codes[:, 0] == codes[:, 2])
        for name, codes in rows.codes.items()
    }


def duplicates(rows: Rows) -> Masks:
    """Mask rows that repeat an earlier row of their split: texts and label alike."""
    masks = {}
    for name, codes in rows.codes.items():
        labels = rows.labels(name)
        keys = codes.astype(np.float64)
        if labels is not None:
            keys = np.column_stack([keys, labels])
        mask = np.ones(len(keys), bool)
        mask[np.unique(row_keys(keys), return_index=True)[1]] = False
        masks[name] = mask
    return masks


def row_keys(columns: np.ndarray) -> np.ndarray:
    """Return one number for each row, equal for equal rows."""
    keys = np.zeros(len(columns), np.int64)
    for column in columns.T:
        numbers = np.unique(column, return_inverse=True)[1]
        keys = np.unique(keys * (numbers.max(initial=0) + 1) + numbers, return_inverse=True)[1]
    return keys


def contradicting(rows: Rows) -> Masks:
    """Mask rows that another row of any split gainsays, or that call a text unlike itself."""
    names = list(rows.splits)
    codes = np.concatenate([rows.codes[name] for name in names])
    if "negative" in CASES[rows.case].columns:
        mask = _both_ways(codes)
    elif rows.label_name is None:
        mask = np.zeros(len(codes), bool)
    else:
        labels = np.concatenate([rows.labels(name) for name in names])
        scored = CASES[rows.case].label == "score"
        either = "sentence1" in CASES[rows.case].columns  # a pair means the same in either order
        mask = _labelled_apart(np.sort(codes, axis=1) if either else codes, labels, scored)
        mask |= either & (codes[:, 0] == codes[:, -1]) & _unlike(labels, scored)
    ends = np.cumsum([rows.splits[name].num_rows for name in names])[:-1]
    return dict(zip(names, np.split(mask, ends), strict=True))


def _unlike(labels: np.ndarray, scored: bool) -> np.ndarray:
    """Mask labels that call two texts more different than alike."""
    if not scored:
        return np.asarray(labels == 0)
    low, high = labels.min(initial=0), labels.max(initial=0)
    return np.asarray(labels < (low + high) / 2)


def _both_ways(codes: np.ndarray) -> np.ndarray:
    """Mask triplets whose negative is a positive of the same anchor elsewhere."""
    size = np.int64(codes.max(initial=0)) + 1
    good = codes[:, 0].astype(np.int64) * size + codes[:, 1]
    bad = codes[:, 0].astype(np.int64) * size + codes[:, 2]
    return np.isin(good, bad) | np.isin(bad, good)


def _labelled_apart(codes: np.ndarray, labels: np.ndarray, scored: bool) -> np.ndarray:
    """Mask rows of the same texts whose labels differ."""
    keys = row_keys(codes)
    groups = keys.max(initial=-1) + 1
    lowest, highest = np.full(groups, np.inf), np.full(groups, -np.inf)
    np.minimum.at(lowest, keys, labels)
    np.maximum.at(highest, keys, labels)
    span = labels.max(initial=0) - labels.min(initial=0) if scored else 1
    return np.array((highest - lowest)[keys] > (FAR_APART * span if scored else 0))


def rare_classes(rows: Rows, at_least: int = 2) -> Masks:
    """Mask training rows of classes that have fewer rows there than a loss can compare."""
    masks = {name: np.zeros(split.num_rows, bool) for name, split in rows.splits.items()}
    labels = rows.labels("train")
    if CASES[rows.case].label == "class" and labels is not None and len(labels):
        masks["train"] = np.bincount(labels)[labels] < at_least
    return masks


def leaks(rows: Rows) -> Masks:
    """Mask the rows of the other splits any of whose texts stands in train."""
    train = np.unique(rows.codes["train"])
    return {
        name: np.asarray((name != "train") & np.isin(codes, train).any(axis=1))
        for name, codes in rows.codes.items()
    }


def short_texts(rows: Rows, letters: int) -> Masks:
    """Mask rows with a text of fewer letters than given; a Chinese character is a word itself."""
    masks = {}
    for name, split in rows.splits.items():
        mask = np.zeros(split.num_rows, bool)
        for role in CASES[rows.case].columns:
            # Few texts are this short: only they are looked at letter by letter.
            places = np.flatnonzero(pc.binary_length(split[role]).to_numpy() < SHORT_TEXT)
            plain = pc.replace_substring_regex(split[role].take(places), NO_LETTER, "")
            mask[places] |= pc.binary_length(plain).to_numpy() < letters
        masks[name] = mask
    return masks
