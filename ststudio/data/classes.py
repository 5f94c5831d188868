"""Classes and their sizes: whether there is something to compare, and how many rows are used."""

from collections.abc import Iterator

import numpy as np

from ststudio.data.cases import CASES, DEFAULT_BATCH_SIZE
from ststudio.data.findings import Finding, Fix, count, quoted
from ststudio.data.rows import Rows
from ststudio.data.splits import Parts

LEFT_UNUSED = 0.1  # of the training rows: more than this is said
FEWEST = 4  # rows in a last batch: two of two classes


def check_classes(rows: Rows) -> Iterator[Finding]:
    """Say where classes are too few or too small to compare."""
    labels = rows.labels("train")
    if rows.label_name != "label" or labels is None or not len(labels):
        return
    sizes = np.bincount(labels)
    present = np.flatnonzero(sizes).tolist()
    if len(present) == 1:
        yield _one_class(rows, present[0])
    rare = [_name(rows, place) for place in present if sizes[place] < 2]
    if rare and rows.case == "text-class":
        said = f"{count(len(rare), 'class has', 'classes have')} one training row: "
        said += f"{quoted(rare)}. Nothing can be compared with it."
        yield Finding("warning", "rare_classes", said, Fix("drop_rare_classes", {"at_least": 2}))


def _one_class(rows: Rows, only: int) -> Finding:
    # Pairs that all belong together are pairs of positives, which need no label.
    fixes = {
        ("pair-class", 1): Fix("use_case", {"case": "pair"}),
        ("nli", 0): Fix("entailment_pairs"),
    }
    fix = fixes.get((rows.case, only))
    said = f'Every row has the class "{_name(rows, only)}", so there is nothing to tell apart. '
    said += "Read the rows as pairs of positives." if fix else "Add rows of another class."
    return Finding("error", "one_class", said, fix)


def _name(rows: Rows, place: int) -> str:
    return rows.class_names[place] if place < len(rows.class_names) else str(place)


def check_sampler(rows: Rows, parts: Parts) -> Iterator[Finding]:
    """Say where classes are so unequal that their sampler leaves many training rows unused."""
    labels = rows.labels("train")
    if CASES[rows.case].batch_sampler != "group_by_label" or labels is None:
        return
    sizes = np.bincount(labels[parts.places["train"][1]])
    kept, used = int(sizes[sizes > 1].sum()), sampled(sizes, DEFAULT_BATCH_SIZE)
    if not used or used >= (1 - LEFT_UNUSED) * kept:
        return
    largest = int(sizes.argmax())
    second = int(np.sort(sizes)[-2])
    yield Finding(
        "warning",
        "unbalanced_sampler",
        f'The classes are unequal: "{_name(rows, largest)}" has {sizes[largest]:,} of '
        f"{count(int(sizes.sum()), 'training row')}, the next class {second:,}. Batches take two "
        f"rows of each class in turn until one class is left, so an epoch of batches of "
        f"{DEFAULT_BATCH_SIZE} uses {used:,} rows, drawn anew each time.",
        Fix("cap_classes", {"at_most": _cap(rows, labels)}),
    )


def _cap(rows: Rows, labels: np.ndarray) -> int:
    """Return the size of the second largest class: with no class above it, hardly a row is left."""
    return max(2, int(np.sort(np.bincount(labels))[-2]))


def sampled(sizes: np.ndarray, batch_size: int) -> int:
    """Return how many rows an epoch of sentence-transformers' GroupByLabelBatchSampler holds.

    `sizes` are the rows of each class, int [classes]. As in the library's 6.2: classes take turns
    with two rows each until fewer than two are left; a last batch of under four rows is dropped.
    """
    pairs = np.sort(sizes[sizes > 1] // 2)
    if len(pairs) < 2:
        return 0
    stream = 2 * int(np.minimum(pairs, pairs[-2]).sum())
    last = stream % batch_size
    return stream - last + (last if last >= FEWEST else 0)
