"""What a loss does with each column is said for every case that it can train."""

import pytest

from ststudio.data.cases import CASES
from ststudio.data.rows import LABEL_NAME
from ststudio.training.losses import LOSSES


@pytest.mark.parametrize(
    ("case", "loss"), [(case.key, loss) for case in CASES.values() for loss in case.losses]
)
def test_every_column_and_label_has_its_sentence(case: str, loss: str) -> None:
    known = CASES[case]
    label = [LABEL_NAME[known.label]] if known.label else []
    for role in (*known.columns, *label):
        said = LOSSES[loss].reads[role]
        assert 20 < len(said) < 110 and not said.endswith(".")
