"""What the Data tab's handlers make of a session: mended, undone, read otherwise."""

import pytest
from gradio.exceptions import Error

from ststudio.tabs.mending import (
    AS_FOUND,
    apply_fix,
    make_of,
    read_file,
    reshapes,
    set_case,
    set_label,
    set_role,
)
from ststudio.tabs.mending import undo_fix as undo
from ststudio.tabs.picking import pick_pasted, pick_sample
from ststudio.tabs.session import Session

SCORES = "sentence1;sentence2;score;rating\n" + "".join(
    f"how do I reset item {n};press button {n} twice;{n % 6};{n % 4 + 1}\n" for n in range(90)
)
SCALE = {"code": "scale_score", "args": {"low": 0, "high": 5}}


@pytest.fixture(scope="module")
def picked() -> Session:
    return pick_pasted(Session(), SCORES)


def codes(session: Session) -> list[str]:
    assert session.diagnosis is not None
    return [finding["code"] for finding in session.diagnosis["findings"]]


def columns(session: Session) -> dict[str, str]:
    assert session.diagnosis is not None
    return dict(session.diagnosis["columns"])


def test_fixes_are_a_chain_from_which_any_can_be_taken(picked: Session) -> None:
    assert "score_range" in codes(picked)
    assert not picked.ready
    scaled = apply_fix(picked, SCALE)
    both = apply_fix(scaled, {"code": "swap", "args": {}})
    assert scaled.ready
    assert columns(both) == {"sentence1": "sentence2", "sentence2": "sentence1"}
    without_first = undo(both, 0)
    assert "score_range" in codes(without_first)
    assert columns(without_first) == columns(both)
    assert undo(undo(both, 1), 0).diagnosis == picked.diagnosis


def test_a_role_is_given_another_column_and_the_other_role_takes_what_is_left(
    picked: Session,
) -> None:
    turned = set_role(picked, "sentence1", "sentence2")
    assert columns(turned) == {"sentence1": "sentence2", "sentence2": "sentence1"}


def test_the_label_is_taken_from_another_column(picked: Session) -> None:
    assert picked.diagnosis is not None
    assert picked.diagnosis["label"]["column"] == "score"
    other = set_label(picked, "rating")
    assert other.diagnosis is not None
    assert other.diagnosis["label"] == {"column": "rating", "kind": "score"}


def test_the_case_is_overruled_and_what_does_not_fit_is_said(picked: Session) -> None:
    as_pairs = set_case(picked, "pair")
    assert columns(as_pairs) == {"anchor": "sentence1", "positive": "sentence2"}
    assert "no_case" in codes(set_case(picked, "triplet"))


def test_a_file_is_read_with_another_delimiter_and_back(picked: Session) -> None:
    commas = read_file(picked, AS_FOUND, ",", AS_FOUND)
    assert commas.diagnosis is not None
    assert len(commas.diagnosis["available"]) == 1
    assert read_file(commas, AS_FOUND, AS_FOUND, AS_FOUND).diagnosis == picked.diagnosis


def test_what_was_decided_goes_into_the_recipe_and_is_forgotten_with_the_next_dataset(
    picked: Session,
) -> None:
    decided = set_label(apply_fix(picked, SCALE), "rating")
    recipe = decided.recipe()
    label = {"code": "use_label", "args": {"column": "rating", "kind": "score"}}
    assert recipe["fixes"] == [SCALE, label]
    assert undo(decided, 1).diagnosis == apply_fix(picked, SCALE).diagnosis
    assert pick_sample(decided, "sample-pair").recipe()["fixes"] == []


def test_rows_are_made_into_another_case(picked: Session) -> None:
    offered = dict((code, words) for words, code in reshapes("pair-score"))
    assert set(offered) == {"score_to_pairs", "score_to_classes"}
    pairs = make_of(apply_fix(picked, SCALE), "score_to_pairs")
    assert columns(pairs) == {"anchor": "sentence1", "positive": "sentence2"}


def test_a_fix_that_cannot_be_applied_is_refused_in_a_sentence(picked: Session) -> None:
    with pytest.raises(Error, match="There is no fix"):
        apply_fix(picked, {"code": "magic", "args": {}})
