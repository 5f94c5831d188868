"""A look at hard negatives by the real process, with the packaged model."""

import pytest

from ststudio.compare.negatives import look, sample
from ststudio.errors import StudioError

PAIRS = {"source": {"kind": "builtin", "id": "sample-pair"}}


def test_a_look_says_how_far_it_has_come_and_what_it_found() -> None:
    *shares, found = look(sample({**PAIRS, "max_train_rows": 80}, 0.1))
    assert shares and all(isinstance(share, float) and 0 <= share <= 1 for share in shares)
    assert shares == sorted(shares)
    assert isinstance(found, dict)
    assert 0 < found["found"] <= found["rows"] == found["of"]
    before, after = found["medians"]
    assert after < before


def test_a_sample_is_of_the_training_rows_and_no_more_than_allowed() -> None:
    taken = sample({"source": {"kind": "builtin", "id": "sample-triplet"}})
    assert list(taken.rows) == ["anchor", "positive", "negative"]
    assert len(taken.rows["anchor"]) <= min(600, taken.of)


def test_what_has_no_negatives_is_refused_before_a_process_is_started() -> None:
    with pytest.raises(StudioError, match="reads no negatives"):
        sample({"source": {"kind": "builtin", "id": "sample-text-class"}})
    with pytest.raises(StudioError, match="from 0 to 1"):
        sample(PAIRS, 7.0)
