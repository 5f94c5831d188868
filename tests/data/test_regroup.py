"""Texts with a class made into pairs and triplets: by class, by seed, and without a leak."""

from collections import Counter

import numpy as np
import pytest

from ststudio.data.doctor import Diagnosis, diagnose
from ststudio.data.examples import make_examples
from ststudio.data.regroup import _partners
from ststudio.data.tables import Table
from ststudio.errors import StudioError
from tests.data.made import REAL, REAL_SETS, Writer, make, table
from tests.data.seen import find


def classed(rows: int = 600, classes: int = 7) -> Table:
    return make(lambda i, w: {"text": f"{w.say()[:-1]} {i}.", "label": i % classes}, rows)


def regrouped(rows: Table, code: str, seed: int = 0) -> Diagnosis:
    return diagnose(rows, [{"code": code, "args": {"seed": seed}}])


def class_of(rows: Table) -> dict[str, int]:
    train = rows.splits["train"]
    return dict(zip(train["text"].to_pylist(), train["label"].to_pylist(), strict=True))


@pytest.mark.parametrize("code", ["classes_to_pairs", "classes_to_triplets"])
def test_each_text_is_an_anchor_once_with_its_own_class(code: str) -> None:
    rows = classed()
    found = regrouped(rows, code)
    assert found.prepared is not None and not found.errors
    made, classes = found.prepared.splits["train"].to_pylist(), class_of(rows)
    assert Counter(row["anchor"] for row in made) == Counter(dict.fromkeys(classes, 1))
    assert Counter(row["positive"] for row in made) == Counter(dict.fromkeys(classes, 1))
    for row in made:
        assert row["anchor"] != row["positive"]
        assert classes[row["anchor"]] == classes[row["positive"]]
        assert "negative" not in row or classes[row["negative"]] != classes[row["anchor"]]
    assert f"600 texts became 600 {found.case}s" in find(found, "reshaped").message


@pytest.mark.parametrize("code", ["classes_to_pairs", "classes_to_triplets"])
def test_hardly_a_row_is_lost_to_leaks_when_parts_are_cut(code: str) -> None:
    rows = classed()
    made = make_examples(rows, regrouped(rows, code), 0, None)
    assert made.dropped.get("leak", 0) == 0
    assert made.test.num_rows >= 100 and made.dev.num_rows >= 50


def test_the_seed_decides() -> None:
    rows = classed(100)
    first = regrouped(rows, "classes_to_triplets", 1).preview
    assert first == regrouped(rows, "classes_to_triplets", 1).preview
    assert first != regrouped(rows, "classes_to_triplets", 2).preview


def test_what_has_no_partner_or_stands_twice_is_counted() -> None:
    w = Writer()
    rows = [{"text": w.say(), "label": n % 4} for n in range(100)]
    rows += [{"text": w.say(), "label": 9}, {**rows[0]}]
    found = regrouped(table(rows), "classes_to_pairs")
    assert "102 texts became 100 pairs; 2 texts stood twice or had no other" in (
        find(found, "reshaped").message
    )


def test_a_giant_class_shares_out_the_others() -> None:
    labels = [0] * 90 + [1] * 6 + [2] * 4
    partners = _partners(labels, np.random.default_rng(0))
    assert all(labels[one] != labels[two] for one, two in enumerate(partners))
    assert max(Counter(partners).values()) <= 20


def test_one_class_makes_no_triplets_and_other_cases_are_refused() -> None:
    w = Writer()
    one = table({"text": w.say(), "label": 0} for _ in range(60))
    assert find(regrouped(one, "classes_to_triplets"), "too_few_rows").level == "error"
    pairs = make(lambda i, w: {"anchor": w.ask(), "positive": w.say()})
    with pytest.raises(StudioError, match="Only Case 3"):
        regrouped(pairs, "classes_to_pairs")


@pytest.mark.skipif(not REAL, reason="STSTUDIO_REAL_DATA names no folder")
@pytest.mark.parametrize("name", ["trec", "banking77"])
def test_real_classes_make_triplets(name: str) -> None:
    rows = REAL_SETS[name]()
    found = regrouped(rows, "classes_to_triplets")
    made = make_examples(rows, found, 0, 1_000)
    assert found.case == "triplet" and not found.errors
    assert made.test.num_rows >= 300
