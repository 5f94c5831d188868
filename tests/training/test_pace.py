import pyarrow as pa
import pytest

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.training.pace import (
    FEWEST_TEST_UNITS,
    asked_steps,
    fit_examples,
    fit_steps,
    measuring_budget,
)
from ststudio.training.recipe import Recipe

SOURCE = {"kind": "builtin", "id": "sample-pair"}


def test_what_fits_is_not_cut(examples: Examples) -> None:
    fitted, notes = fit_examples(examples, CASES["pair"], 1e-9, 10, seed=1)
    assert notes == []
    assert fitted.test.num_rows == examples.test.num_rows
    assert fitted.corpus.num_rows == examples.corpus.num_rows


def test_the_corpus_is_cut_before_the_test_and_keeps_what_is_relevant(examples: Examples) -> None:
    texts = examples.corpus.column("text").to_pylist() + examples.test.column(0).to_pylist()
    needed = sum(map(len, texts))
    fitted, notes = fit_examples(examples, CASES["pair"], 10 / (needed * 0.93), 10, seed=1)
    assert fitted.test.num_rows == examples.test.num_rows
    assert fitted.corpus.num_rows < examples.corpus.num_rows
    assert f"within {fitted.corpus.num_rows} of 384 documents" in notes[0]
    assert set(fitted.relevant.column("doc").to_pylist()) <= set(
        fitted.corpus.column("id").to_pylist()
    )


def test_test_units_are_cut_no_further_than_a_verdict_needs(examples: Examples) -> None:
    fitted, notes = fit_examples(examples, CASES["pair"], 1.0, 1, seed=1)
    assert len(fitted.test.column(0).unique()) == FEWEST_TEST_UNITS
    assert any("150 of 256 test units" in note for note in notes)
    left = set(fitted.test.column(0).to_pylist())
    asked = set(fitted.queries.column("text").to_pylist())
    gone = set(examples.test.column(0).to_pylist()) - left
    assert left <= asked and not gone & asked
    ids = set(fitted.queries.column("id").to_pylist())
    assert set(fitted.relevant.column("query").to_pylist()) <= ids


def test_dev_is_cut_to_half_of_what_test_leaves_or_not_looked_at(examples: Examples) -> None:
    def texts(rows: pa.Table) -> set[str]:
        return {text for name in ("anchor", "positive") for text in rows[name].to_pylist()}

    docs = dict(zip(*(examples.corpus[name].to_pylist() for name in ("id", "text")), strict=True))
    relevant = {docs[doc] for doc in examples.relevant["doc"].to_pylist()}
    needed = sum(map(len, texts(examples.test) | relevant))
    dev = sum(map(len, texts(examples.dev)))
    for share, units in ((1.0, 128), (0.7, 89), (0.3, 0)):
        left = 2 * share * dev + 1
        fitted, _ = fit_examples(examples, CASES["pair"], 1.0, needed + left, seed=1)
        assert fitted.dev.num_rows == units
        again, _ = fit_examples(examples, CASES["pair"], 1.0, needed + left, seed=1)
        assert fitted.dev.equals(again.dev)


def test_the_cut_is_the_same_for_the_same_seed(examples: Examples) -> None:
    cuts = [fit_examples(examples, CASES["pair"], 1.0, 1, seed=s)[0].test for s in (1, 1, 2)]
    assert cuts[0].equals(cuts[1]) and not cuts[0].equals(cuts[2])
    assert isinstance(cuts[0], pa.Table)


@pytest.mark.parametrize(
    ("recipe", "batches", "steps"),
    [
        ({}, 20, 160),  # small data: at most eight epochs
        ({}, 60, 200),
        ({}, 5_000, 5_000),  # large data: one epoch, which the time will cut
        ({"num_train_epochs": 0.5}, 100, 50),
        ({"max_steps": 7}, 100, 7),
        ({"num_train_epochs": 0.01}, 10, 1),
    ],
)
def test_the_steps_asked_for(recipe: dict[str, float], batches: int, steps: int) -> None:
    assert asked_steps(Recipe(source=SOURCE, **recipe), batches) == steps  # type: ignore[arg-type]


def test_the_steps_fit_the_time_with_the_evaluations_in_it() -> None:
    plan = fit_steps(asked=1_000, done=3, seconds_left=37, step_seconds=0.5, dev_seconds=1.0)
    looks = -(-plan.steps // plan.eval_steps)
    assert plan.cut
    assert 0.5 * (plan.steps - 3) + 1.0 * looks == pytest.approx(37, abs=2)


def test_no_more_steps_than_asked_for_and_one_at_the_least() -> None:
    assert fit_steps(8, 8, 100, 0.1, 0.1).steps == 8
    assert not fit_steps(8, 3, 100, 0.1, 0.1).cut
    assert fit_steps(100, 3, -5, 1.0, 1.0).steps == 4


def test_a_default_run_leaves_its_measuring_what_is_left_of_a_minute() -> None:
    assert measuring_budget(40, 42) == 12
    assert measuring_budget(40, 55) == 10
    assert measuring_budget(300, 310) == 110
