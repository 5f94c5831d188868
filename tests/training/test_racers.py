"""Who races, what is refused, and who won: nothing here needs a model."""

from dataclasses import replace
from typing import Any

import pytest

from ststudio.data.cases import CASES
from ststudio.errors import StudioError
from ststudio.training.racers import (
    check_dev,
    check_race,
    derived_race,
    lined_up,
    racers,
    result,
    shown_log,
    standard_error,
    standing,
    titles,
    total_seconds,
    winner,
)
from ststudio.training.recipe import Recipe
from tests.training.samples import examples_of

SOURCE = {"kind": "builtin", "id": "sample-triplet"}
TWO = [{"loss": "MultipleNegativesRankingLoss"}, {"loss": "TripletLoss"}]


def recipe(race: list[dict[str, Any]], **more: Any) -> Recipe:
    return Recipe.from_json({"source": SOURCE, "race": race, **more})


def test_an_entry_decides_what_it_says_and_the_recipe_the_rest() -> None:
    asked = recipe(
        [{"loss": "TripletLoss", "learning_rate": 1e-5}, {"base_model": "a/b"}],
        loss="MultipleNegativesRankingLoss",
        loss_settings={"scale": 10.0},
        seed=7,
    )
    first, second = racers(asked)
    assert (first.loss, first.learning_rate, first.loss_settings) == ("TripletLoss", 1e-5, {})
    assert (second.loss, second.base_model) == ("MultipleNegativesRankingLoss", "a/b")
    assert second.loss_settings == {"scale": 10.0}
    assert first.seed == second.seed == 7 and first.race is second.race is None


def test_what_no_racer_decides_stays_open_until_the_case_is_known() -> None:
    asked = recipe([{"loss": "TripletLoss", "learning_rate": 1e-5}, {"loss": None}])
    assert racers(lined_up(racers(asked))) == racers(asked)
    second = racers(derived_race(racers(lined_up(racers(asked))), CASES["triplet"]))[1]
    assert (second.loss, second.learning_rate) == ("MultipleNegativesRankingLoss", 1e-4)


def test_each_loss_gets_its_own_settings_and_learning_rate() -> None:
    source = {"kind": "builtin", "id": "sample-pair-score"}
    race = [{"loss": "CoSENTLoss"}, {"loss": "CosineSimilarityLoss"}]
    whole = derived_race(
        racers(Recipe.from_json({"source": source, "race": race})), CASES["pair-score"]
    )
    first, second = racers(whole)
    assert first.learning_rate == 3e-5 and second.learning_rate == 1e-4
    assert whole.loss == "CoSENTLoss" and whole.learning_rate == 3e-5
    assert racers(derived_race(racers(whole), CASES["pair-score"])) == [
        first,
        second,
    ]  # nothing drifts


@pytest.mark.parametrize(
    ("race", "says"),
    [
        ([{"loss": "TripletLoss"}], "2 to 4 racers"),
        ([{"loss": "TripletLoss"}] * 5, "2 to 4 racers"),
        ([{"loss": "TripletLoss"}, {"seed": 3}], "2 to 4 racers"),
        ([{"loss": "TripletLoss"}, {"loss": "MyLoss"}], "racer 2: loss = 'MyLoss'"),
        ([{"learning_rate": 7}, {}], "racer 1: learning_rate = 7"),
    ],
)
def test_a_race_that_is_none_is_refused(race: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(StudioError, match=says):
        recipe(race)


@pytest.mark.parametrize(
    ("race", "says"),
    [
        ([*TWO, {"loss": "CoSENTLoss"}], "CoSENTLoss does not read"),
        ([{"loss": "TripletLoss", "loss_settings": {"scale": 2}}, {}], "no setting scale"),
        ([*TWO, {"loss": "TripletLoss"}], "Racers 2 and 3 are the same: TripletLoss"),
        ([{}, {"loss": "MultipleNegativesRankingLoss"}], "Racers 1 and 2 are the same"),
    ],
)
def test_every_racer_is_checked_like_a_recipe(race: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(StudioError, match=says):
        derived_race(racers(recipe(race)), CASES["triplet"])


def test_racers_share_the_limit_of_a_run() -> None:
    check_race(recipe(TWO, max_seconds=150))
    with pytest.raises(StudioError, match="2 racers of 151 s each train for 302 s.*150 s or less"):
        check_race(recipe(TWO, max_seconds=151))
    check_race(Recipe(SOURCE, max_seconds=300))
    assert total_seconds(recipe(TWO, max_seconds=20).to_json()) == 40
    assert total_seconds({}) == 40


def test_a_small_dev_decides_nothing() -> None:
    examples = examples_of("triplet")
    check_dev(examples, CASES["triplet"])
    few = replace(examples, dev=examples.dev.slice(0, 49))
    with pytest.raises(StudioError, match=r"49 different anchors.*at least 50.*Add rows"):
        check_dev(few, CASES["triplet"])
    with pytest.raises(StudioError, match="0 different"):
        check_dev(replace(examples, dev=examples.dev.slice(0, 0)), CASES["triplet"])


def test_racers_are_named_by_what_tells_them_apart() -> None:
    two = [racer.derived(CASES["triplet"]) for racer in racers(recipe(TWO))]
    assert titles(two) == ["MultipleNegativesRankingLoss", "TripletLoss"]
    slow = replace(two[1], learning_rate=1e-6)
    assert titles([two[1], slow]) == ["TripletLoss at 0.0001", "TripletLoss at 1e-06"]
    models = [replace(two[1], base_model=name) for name in ("a/small", "run:" + "0" * 32)]
    assert titles(models) == ["TripletLoss on small", "TripletLoss on an earlier run"]


LOG = [
    {"step": 1, "loss": 2.0, "seconds": 0.5, "racer": 0},
    {"step": 0, "metric": 0.5, "seconds": 1.0, "racer": 0},
    {"step": 9, "metric": 0.7, "seconds": 4.0, "racer": 0},
    {"step": 1, "loss": 9.0, "seconds": 0.6, "racer": 1},
    {"step": 0, "metric": 0.5, "seconds": 1.1, "racer": 1},
    {"step": 8, "metric": float("nan"), "seconds": 3.0, "racer": 1},
    {"step": 9, "metric": 0.6, "seconds": 5.25, "racer": 1},
]


def test_where_a_racer_stands_is_its_own_part_of_the_log() -> None:
    assert standing(LOG, 1) == {"dev_baseline": 0.5, "dev_best": 0.6, "steps": 9, "seconds": 5.2}
    assert standing(LOG, 2)["dev_best"] is None
    rows = [{"won": True}, {"won": False}]
    assert {entry["racer"] for entry in shown_log(LOG, {"racers": rows})} == {0}  # the winner's
    assert {entry["racer"] for entry in shown_log(LOG, {"racers": [{}, {}]})} == {1}  # who runs
    assert shown_log(LOG, None) is LOG


def test_the_best_on_dev_wins_of_equals_the_first_and_nobody_who_is_out() -> None:
    rows: list[dict[str, Any]] = [
        {"dev_best": 0.6, "out": None},
        {"dev_best": 0.7, "out": None},
        {"dev_best": 0.7, "out": None},
        {"dev_best": 0.9, "out": "The loss became infinite."},
    ]
    assert winner(rows) == 1
    assert winner([{"dev_best": None}, {}]) is None


def test_what_noise_could_have_decided_is_said_to_be_close() -> None:
    rows = [{"dev_best": 0.80, "out": None}, {"dev_best": 0.82, "out": None}]
    found = result(rows, "cosine_accuracy", 200)
    assert found is not None and (found.best, found.second, found.close) == (1, 0, True)
    assert found.error == pytest.approx((0.82 * 0.18 / 200) ** 0.5)
    rows[0]["dev_best"] = 0.70
    clear = result(rows, "cosine_accuracy", 200)
    assert clear is not None and not clear.close
    rows[0]["out"] = "out of memory"
    alone = result(rows, "cosine_accuracy", 200)
    assert alone is not None and alone.second is None and not alone.close


def test_the_noise_of_a_rank_correlation_shrinks_as_it_nears_one() -> None:
    assert standard_error("spearman_cosine", 0.0, 203) == pytest.approx(200**-0.5)
    assert standard_error("spearman_cosine", 0.9, 203) < 0.2 * 200**-0.5 * 1.2


def test_mining_in_a_race_is_refused_as_each_would_have_other_rows() -> None:
    mining = {"code": "mine_negatives", "args": {}}
    with pytest.raises(StudioError, match="every racer learns from the same rows.*Undo"):
        check_race(recipe(TWO, fixes=[mining]))
    check_race(Recipe(SOURCE, fixes=[mining]))


def test_a_guides_run_is_in_no_title() -> None:
    earlier = {"guide": "run:" + "0" * 32}
    guided = {"loss": "GISTEmbedLoss", "loss_settings": earlier}
    small = {**guided, "loss_settings": {**earlier, "temperature": 0.1}}
    told = titles(racers(recipe([small, guided], learning_rate=2e-5)))
    assert len(set(told)) == 2 and "temperature" in told[0]
    assert not any("0" * 32 in title for title in told)
