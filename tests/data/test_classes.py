"""Classes: too few, too small, too unequal, and how many rows their sampler really uses."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ststudio.data.cases import DEFAULT_BATCH_SIZE
from ststudio.data.classes import sampled
from ststudio.data.doctor import diagnose
from ststudio.data.tables import Table
from tests.data.made import Writer, make, table
from tests.data.seen import find


def unequal(*sizes: int, **more: Any) -> Table:
    w = Writer()
    rows = [{"text": w.say(), "label": c} for c, size in enumerate(sizes) for _ in range(size)]
    return table(rows, **more)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=6),
    st.sampled_from([4, 6, 16, 32]),
)
def test_rows_per_epoch_are_those_of_the_library_s_own_sampler(
    sizes: list[int], batch_size: int
) -> None:
    from datasets import Dataset
    from sentence_transformers.base.sampler import GroupByLabelBatchSampler

    labels = [label for label, size in enumerate(sizes) for _ in range(size)]
    if sum(size >= 2 for size in sizes) < 2:
        assert sampled(np.array(sizes), batch_size) == 0  # the library refuses such rows
        return
    rows = Dataset.from_dict({"text": [str(n) for n in range(len(labels))], "label": labels})
    sampler = GroupByLabelBatchSampler(rows, batch_size, False, valid_label_columns=["label"])
    taken = [place for batch in sampler for place in batch]
    assert len(set(taken)) == len(taken) == sampled(np.array(sizes), batch_size)


def test_the_measured_example_of_a_majority_class() -> None:
    assert sampled(np.array([900, 60, 40]), DEFAULT_BATCH_SIZE) == 160


def test_unequal_classes_are_said_with_the_rows_that_will_be_used_and_can_be_cut() -> None:
    w = Writer(9)
    rows = unequal(900, 60, 40, test=[{"text": w.say(), "label": n % 3} for n in range(60)])
    finding = find(diagnose(rows), "unbalanced_sampler")
    assert finding.level == "warning" and finding.fix is not None
    assert '"0" has 810 of 900 training rows, the next class 54.' in finding.message
    assert "uses 144 rows" in finding.message
    assert finding.fix.code == "cap_classes" and finding.fix.args == {"at_most": 60}
    mended = diagnose(rows, [finding.fix])
    assert "unbalanced_sampler" not in {found.code for found in mended.findings}
    assert mended.splits == {"train": 160, "test": 60}
    assert "840 rows were left out by a fix" in find(mended, "dropped").message


def test_even_classes_are_not_remarked_on() -> None:
    found = diagnose(unequal(100, 90, 110))
    assert "unbalanced_sampler" not in {finding.code for finding in found.findings}


def test_capped_classes_are_drawn_by_the_seed() -> None:
    rows = unequal(80, 20, 20)

    def kept(seed: int) -> list[str]:
        fix = {"code": "cap_classes", "args": {"at_most": 20, "seed": seed}}
        found = diagnose(rows, [fix]).prepared
        assert found is not None
        return found.splits["train"]["text"].to_pylist()

    assert kept(1) == kept(1) != kept(2)


@pytest.mark.parametrize(
    "value, fix", [(1, "use_case"), (0, None)], ids=["all similar", "none similar"]
)
def test_pairs_of_one_class_become_pairs_of_positives_where_they_are(
    value: int, fix: str | None
) -> None:
    rows = make(lambda i, w: {"sentence1": w.say(), "sentence2": w.say(), "label": value})
    finding = find(diagnose(rows, case="pair-class"), "one_class")
    assert (finding.fix.code if finding.fix else None) == fix
