"""What is wrong with rows that have been read: each check returns findings."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ststudio.data import faults
from ststudio.data.cases import CASES
from ststudio.data.classes import check_classes
from ststudio.data.findings import Finding, Fix, Level, count, per_cent
from ststudio.data.markup import check_markup
from ststudio.data.rows import Masks, Rows
from ststudio.data.splits import DEV_WANTED, TEST_WANTED, TRAIN_UNITS, Parts, part, sizes

SHORT_BYTES = 3  # of letters and digits
MOSTLY = 0.5  # of the rows: no longer a blemish but a wrong reading
SCORE_TOPS = (1, 2, 3, 4, 5, 10, 100)  # the scales that people use


def check_left_out(rows: Rows) -> Iterator[Finding]:
    """Say which rows were left out while reading, and why."""
    codes = {"no text": "nulls", "empty text": "empty_text", "no label": "label_missing"}
    said = {
        "no text": "have no text in a column that the case needs",
        "empty text": "have an empty text",
        "no label": "have no label (empty, -1 or not readable)",
    }
    for left in rows.left_out:
        shown = ", ".join(f"{line:,}" for line in left.lines[:5])
        lines = f"(row {shown}{' …' if left.count > 5 else ''})"
        if left.reason in codes:
            yield Finding(
                "warning" if left.count > 0.05 * (rows.kept + left.count) else "info",
                codes[left.reason],
                f"{count(left.count, 'row')} {said[left.reason]}; left out {lines}.",
            )
        else:  # a fix asked for it
            many = count(left.count, "row was", "rows were")
            yield Finding("info", "dropped", f"{many} left out by a fix: {left.reason} {lines}.")


def _share(masks: Masks) -> tuple[int, float]:
    many = sum(int(mask.sum()) for mask in masks.values())
    return many, many / max(1, sum(len(mask) for mask in masks.values()))


def check_faults(rows: Rows) -> Iterator[Finding]:
    """Count rows that repeat, contradict or compare a text with itself."""
    many, share = _share(faults.same_texts(rows))
    if many:
        wrong, _ = _share(faults.positive_is_negative(rows))
        level: Level = "error" if wrong or share > MOSTLY else "warning"
        said = f"In {count(many, 'row')} two of the texts are the same"
        said += f", in {wrong:,} of them as negative" if wrong else ""
        yield Finding(level, "same_texts", said + ".", Fix("drop_same_texts"))
    many, share = _share(faults.contradicting(rows))
    if many:
        said = f"{count(many, 'row contradicts', 'rows contradict')} another: {_how(rows)}."
        yield Finding("warning", "contradicting", said, Fix("drop_contradicting"))
    many, share = _share(faults.duplicates(rows))
    if many:
        said = f"{count(many, 'row repeats', 'rows repeat')} an earlier row ({per_cent(share)})."
        level = "warning" if share > 0.01 else "info"
        yield Finding(level, "duplicates", said, Fix("drop_duplicates"))
    many, share = _share(faults.short_texts(rows, SHORT_BYTES))
    if many:
        said = f"{count(many, 'row holds', 'rows hold')} a text of one or two letters."
        yield Finding("warning", "empty_text", said, Fix("drop_short_texts"))


def _how(rows: Rows) -> str:
    """Say how rows of a case can contradict each other."""
    columns = CASES[rows.case].columns
    if "negative" in columns:
        return "its positive is this one's negative"
    if "sentence1" in columns:
        return "the same texts with another label, or one text twice that is called different"
    return "same texts, another label"


def check_leaks(rows: Rows) -> Iterator[Finding]:
    """Count the rows of the source's own splits whose texts are learned from."""
    many, _ = _share(faults.leaks(rows))
    held = sum(split.num_rows for name, split in rows.splits.items() if name != "train")
    if many:
        yield Finding(
            "warning",
            "leak",
            f"{many:,} of {count(held, 'row')} held out by the source share a text with its "
            "training rows. They are left out of the test, so that nothing learned is measured.",
        )


def check_scores(rows: Rows) -> Iterator[Finding]:
    """Say where scores are not from 0 to 1, or all the same."""
    if rows.label_name != "score" or not rows.kept:
        return
    scores = np.concatenate([split["score"].to_numpy() for split in rows.splits.values()])
    low, high = float(scores.min()), float(scores.max())
    if low == high:
        said = f"Every score is {low:g}, so there is nothing to learn from them."
        fix = Fix("use_case", {"case": "pair"}) if low > 0 else None  # all alike, or none
        yield Finding("error", "score_constant", said, fix)
    elif low < 0 or high > 1:
        bottom, top = score_scale(scores)
        fix = Fix("scale_score", {"low": bottom, "high": top})
        said = f"Scores run from {low:g} to {high:g}; losses need 0 to 1. "
        said += f"Scale them from {bottom:g}–{top:g}."
        yield Finding("error", "score_range", said, fix)


def score_scale(scores: np.ndarray) -> tuple[float, float]:
    """Return the ends of the scale that scores were given on, such as 0 to 5."""
    low, high = float(scores.min()), float(scores.max())
    if low < 0:
        top = next((t for t in SCORE_TOPS if t >= max(high, -low)), None)
        return (-float(top), float(top)) if top else (low, high)
    if high == 7 and (scores == np.round(scores)).all():
        return (1.0 if low >= 1 else 0.0), 7.0  # a seven-point scale
    top = next((t for t in SCORE_TOPS if t >= high), None)
    if top is None:
        return low, high
    # A scale that starts at 1 shows it: among many ratings none lies below.
    from_one = low >= 1 and top <= 10 and (low == 1 or len(scores) >= 50)
    return (1.0 if from_one else 0.0), float(top)


def check_size(rows: Rows, parts: Parts) -> Iterator[Finding]:
    """Say where there are too few rows to learn, or to tell whether it helped."""
    units = {name: sizes(rows, *place)["units"] for name, place in parts.places.items()}
    if units["train"] < TRAIN_UNITS or not units["test"]:
        said = (
            f"{count(units['train'], 'different training text')} and {units['test']:,} to test "
            f"are left; at least {TRAIN_UNITS} to train and some to test are needed. "
        )
        yield Finding("error", "too_few_rows", *_more_to_test(rows, said))
    elif units["test"] < TEST_WANTED:
        wide = 0.5 / np.sqrt(units["test"]) * 1.96
        few = ", and no best checkpoint is chosen" if units["dev"] < DEV_WANTED else ""
        yield Finding(
            "warning",
            "too_few_rows",
            f"{count(units['test'], 'test text is', 'test texts are')} too few to tell whether it "
            f"helped: expect an interval of up to ±{wide:.2f}{few}. {TEST_WANTED} or more give a "
            "verdict.",
        )


def _more_to_test(rows: Rows, said: str) -> tuple[str, Fix | None]:
    """Say what gives texts to test: other rows, or these without the negatives that they share."""
    if rows.case != "triplet":
        return said + "Add rows.", None
    splits = {name: split.drop_columns(["negative"]) for name, split in rows.splits.items()}
    pairs = replace(rows, case="pair", splits=splits)
    places = part(pairs, seed=0).places
    units = {name: sizes(pairs, *place)["units"] for name, place in places.items()}
    if units["train"] < TRAIN_UNITS or not units["test"]:
        return said + "Add rows.", None
    said += "Rows share their negatives, so none can be held out: read them as pairs, or add rows."
    return said, Fix("use_case", {"case": "pair"})


Check = Callable[[Rows], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    check_left_out,
    check_scores,
    check_classes,
    check_markup,
    check_faults,
    check_leaks,
)
