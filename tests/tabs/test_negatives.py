"""The accordion of hard negatives: what is shown, and what one click puts into the recipe."""

import pytest
from gradio.exceptions import Error

from ststudio.tabs.negatives import look_for, looked_at, result_html, show, train_with
from ststudio.tabs.picking import pick_sample
from ststudio.tabs.session import Session

FOUND = {
    "rows": 600,
    "of": 2_000,
    "found": 480,
    "own": False,
    "edges": [0.0, 0.5],
    "counts": [[480], [480]],
    "medians": [0.41, 0.12],
    "examples": [
        {
            "anchor": "<script>a</script>",
            "positive": "p",
            "before": "b",
            "after": "x" * 900,
            "margins": [0.4, 0.1],
        }
    ],
}


@pytest.fixture(scope="module")
def picked() -> Session:
    return pick_sample(Session(), "sample-pair")


def test_a_result_says_how_much_harder_it_became_and_escapes_the_rows() -> None:
    said = result_html(FOUND)
    assert "480 of 600 rows, drawn from 2,000" in said
    assert "0.41" in said and "0.12" in said
    assert "<script>" not in said and "&lt;script&gt;" in said
    assert "x" * 301 not in said
    nothing = result_html({**FOUND, "found": 0, "examples": [], "edges": [], "medians": []})
    assert "No row has a harder negative" in nothing


def test_training_with_them_is_one_fix_however_often_it_is_clicked(picked: Session) -> None:
    twice = train_with(train_with(picked, 0.05), 0.2)
    args = {"relative_margin": 0.2, "range_min": 0}
    assert twice.fixes == ({"code": "mine_negatives", "args": args},)


def test_mining_is_offered_where_the_loss_reads_negatives(picked: Session) -> None:
    assert show(picked, "")[0]["visible"]
    assert not show(pick_sample(picked, "sample-text-class"), "")[0]["visible"]
    assert not show(Session(), "")[0]["visible"]


def test_a_look_is_put_away_with_its_rows_but_not_for_taking_it(picked: Session) -> None:
    seen = looked_at(picked)
    assert show(train_with(picked, 0.05), seen)[-1] == seen
    assert show(pick_sample(picked, "sample-triplet"), seen)[-1] == ""


def test_without_a_dataset_there_is_nothing_to_mine() -> None:
    with pytest.raises(Error, match="Data tab"):
        list(look_for(Session(), 0.05))
