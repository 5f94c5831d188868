"""The watchdog's rules: each on a log that shows its sign, and on one that is much like it."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ststudio.data.cases import CASES
from ststudio.data.reshape import FIXES, describe, parse_fixes
from ststudio.errors import StudioError
from ststudio.runs.lineup import admissible
from ststudio.runs.store import RunStore
from ststudio.training.livelog import Facts, class_counts, same_share
from ststudio.training.losses import LOSSES
from ststudio.training.recipe import Recipe
from ststudio.training.watchdog import RULES, Watch, usual_rate, watch

Entries = list[dict[str, Any]]
Look = tuple[int, float]
SOURCE = {"kind": "builtin", "id": "sample-pair"}


def log(losses: Sequence[float], looks: Sequence[Look] = (), norms: float = 1.0) -> Entries:
    """Return a log of one entry a step, and the looks at dev."""
    entries: Entries = [
        {"step": step, "loss": float(loss), "grad_norm": norms, "learning_rate": 1e-4}
        for step, loss in enumerate(losses, start=1)
    ]
    return [*entries, *({"step": step, "metric": metric} for step, metric in looks)]


def batches_of(*means: float, seed: int = 0) -> list[float]:
    """Return losses around these means, each a tenth of it apart, as batches are."""
    rng = np.random.default_rng(seed)
    return [mean * (1 + 0.1 * rng.standard_normal()) for mean in means]


def falling(steps: int = 60, start: float = 2.0, end: float = 1.0) -> list[float]:
    return batches_of(*np.linspace(start, end, steps))


RANKING = Facts(
    loss="MultipleNegativesRankingLoss",
    settings={"scale": 20.0},
    batch_size=16,
    learning_rate=1e-4,
    sampler="no_duplicates",
    columns=2,
    dev_units=200,
    steps=60,
    steps_per_epoch=20,
)
TRIPLET = replace(RANKING, loss="TripletLoss", settings={"margin": 0.3}, columns=3)
HARD = replace(
    RANKING,
    loss="BatchHardTripletLoss",
    settings={"margin": 0.3, "distance": "cosine"},
    sampler="group_by_label",
    columns=1,
    batches=((4, 4),) * 8,
)
ALL = replace(HARD, loss="BatchAllTripletLoss")
SOFT = replace(HARD, loss="BatchHardSoftMarginTripletLoss", settings={"distance": "cosine"})
SLOW = replace(RANKING, learning_rate=1e-7)
STILL = batches_of(*[2.0] * 60)
UP = [(0, 0.6), (20, 0.7), (40, 0.72), (60, 0.73)]

SHOWN: dict[str, list[tuple[Entries, Facts]]] = {
    "not_a_number": [
        (log([*falling(20), math.nan]), RANKING),
        (log([*falling(20), math.inf]), RANKING),
        (log(falling(20), norms=math.inf), RANKING),
    ],
    "no_metric": [(log(falling(20), [(0, 0.6), (20, math.nan)]), RANKING)],
    "one_class_batches": [
        (log([0.3] * 4), replace(HARD, batches=((1, 16),) * 6 + ((2, 8),) * 2)),
        (log([0.0]), replace(ALL, batches=((1, 16),) * 8, sampler="batch_sampler")),
    ],
    "no_pairs_in_batches": [(log([0.3]), replace(HARD, batches=((16, 1),) * 8))],
    "same_texts_compared": [
        (log([0.3] * 8), replace(TRIPLET, same=1.0)),
        (log([math.log(2)] * 30), replace(SOFT, same=0.9)),
    ],
    "alike_from_the_start": [
        (log([0.3] * 30), TRIPLET),
        (log([math.log(16)] * 30), replace(RANKING, learning_rate=0.1)),
    ],
    "collapsed": [
        (log([*falling(30, 0.5, 0.4), *[0.301] * 10]), HARD),
        (log([*falling(30, 0.9, 0.8), *[math.log(2)] * 10]), SOFT),
        (log([*falling(30), *[math.log(16)] * 10]), RANKING),
        (log([*falling(30), *[math.log(32)] * 10]), replace(RANKING, columns=3)),
        (
            log([*falling(30, 4, 3), *[2 * math.log(16)] * 10]),
            replace(RANKING, dimensions=2),
        ),
    ],
    "no_gradient": [
        (log([0.0] * 8), ALL),
        (log(STILL, norms=0.0), RANKING),
        (log([*falling(30), *[0.0] * 8], [(0, 0.6), (30, 0.61)]), ALL),
    ],
    "too_easy": [
        (log(batches_of(*[0.02] * 20)), RANKING),
        (log(batches_of(*[0.005] * 20)), TRIPLET),
    ],
    "rate_too_high": [
        (log([*batches_of(*[1.0] * 10), *batches_of(*[2.5] * 10)]), RANKING),
        (log(falling(), [(0, 0.8), (20, 0.6), (40, 0.55)]), RANKING),
    ],
    "rate_too_low": [(log(STILL), SLOW), (log(STILL, [(0, 0.6), (20, 0.6), (40, 0.601)]), SLOW)],
    "overfitting": [
        (log(falling(), [(0, 0.6), (20, 0.85), (40, 0.7), (60, 0.68)]), RANKING),
    ],
}

QUIET: dict[str, list[tuple[Entries, Facts]]] = {
    "not_a_number": [(log([*falling(20), 1e6]), RANKING), ([], RANKING)],
    "no_metric": [(log(falling(20), [(0, 0.0), (20, -0.1)]), RANKING)],
    "one_class_batches": [
        (log([0.3] * 4), replace(HARD, batches=((1, 16),) * 3 + ((2, 8),) * 5)),
        # Pairs with a class are no triplets: a batch of one class teaches them, too.
        (log([0.3]), replace(RANKING, loss="OnlineContrastiveLoss", batches=((1, 16),) * 8)),
    ],
    "no_pairs_in_batches": [(log([0.3]), replace(HARD, batches=((15, 2),) * 8))],
    "same_texts_compared": [
        (log([0.3] * 30), replace(TRIPLET, same=0.1)),
        (log(batches_of(*[0.3] * 30)), replace(TRIPLET, same=0.9)),
    ],
    "alike_from_the_start": [
        (log(batches_of(*[0.3] * 30)), TRIPLET),
        (log([0.3] * 10), TRIPLET),  # a model from zero may begin there
        (log([math.log(16)] * 30), SLOW),  # and that is a matter of the rate
    ],
    "collapsed": [
        (log([*falling(30, 0.5, 0.3), *batches_of(*[0.3] * 10)]), HARD),  # on its way through
        (log([*falling(30), *[math.log(16)] * 7]), RANKING),
        (log([*falling(30, 0.31, 0.3), *[0.3] * 10]), TRIPLET),  # it began there
    ],
    "no_gradient": [
        (log([*falling(30), *[0.0] * 8], UP), ALL),  # all that there was is learned
        (log([*falling(30), *[0.0] * 7]), ALL),
    ],
    "too_easy": [
        (log(batches_of(*[0.08] * 20)), RANKING),
        (log([*batches_of(*[1.0] * 8), *[0.01] * 20]), RANKING),  # it was learned
    ],
    "rate_too_high": [
        (log(STILL, [(0, 0.8), (20, 0.76), (40, 0.77)]), RANKING),  # that is chance
        (log(STILL, [(0, 0.8), (20, 0.6), (40, 0.8)]), RANKING),  # one look is no sign
        (log([*batches_of(*[0.2] * 10), *batches_of(*[0.5] * 10)]), ALL),  # fewer are wrong
    ],
    "rate_too_low": [
        (log(falling()), SLOW),
        (log(STILL), replace(RANKING, learning_rate=2e-5)),
        (log(STILL[:20]), replace(RANKING, steps=20)),  # few steps are no low rate
        (log(STILL, [(0, 0.4), (30, 0.7)]), SLOW),
    ],
    "overfitting": [
        (log(falling(), [(0, 0.6), (20, 0.85), (40, 0.82), (60, 0.83)]), RANKING),
        (log(falling(end=3.0), [(0, 0.6), (20, 0.85), (40, 0.7), (60, 0.68)]), RANKING),
    ],
}  # fmt: skip


def codes(entries: Entries, facts: Facts) -> list[str]:
    return [finding.code for finding in watch(entries, facts)]


@pytest.mark.parametrize("code", [rule.code for rule in RULES])
def test_a_rule_sees_its_sign_and_nothing_where_there_is_none(code: str) -> None:
    for number, (entries, facts) in enumerate(SHOWN[code]):
        assert code in codes(entries, facts), number
    for number, (entries, facts) in enumerate(QUIET[code]):
        assert code not in codes(entries, facts), number


@pytest.mark.parametrize("code", [rule.code for rule in RULES])
def test_every_fix_is_one_that_a_recipe_may_hold(code: str) -> None:
    for entries, facts in SHOWN[code]:
        fix = next(found.fix for found in watch(entries, facts) if found.code == code)
        assert fix is not None
        assert describe(parse_fixes([fix])[0])
        recipe = admissible({"source": SOURCE, "fixes": [{"code": fix.code, "args": fix.args}]})
        if FIXES[fix.code].stage == "recipe" and fix.code != "mine_negatives":
            assert recipe != admissible({"source": SOURCE}), fix


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", LOSSES)
def test_a_training_that_goes_well_is_left_alone(name: str, seed: int) -> None:
    case = next(case for case in CASES.values() if name in case.losses)
    recipe = Recipe(SOURCE, loss=name).derived(case)
    for steps in (20, 60, 200):
        facts = replace(Facts.of(recipe, 150), steps=steps, steps_per_epoch=20)
        start = {"TripletLoss": 0.25, "OnlineContrastiveLoss": 2.0}.get(name, 0.6)
        losses = batches_of(*np.linspace(start, start / 2, steps), seed=seed)
        rng = np.random.default_rng([seed, steps])
        looks = [
            (step, 0.7 + 0.1 * step / steps + 0.02 * rng.standard_normal())
            for step in range(0, steps + 1, max(1, steps // 10))
        ]
        for seen in range(1, steps + 1):
            so_far = [look for look in looks if look[0] <= seen]
            assert codes(log(losses[:seen], so_far), facts) == [], seen


def test_the_rate_is_lowered_to_the_usual_and_below_it_to_a_third() -> None:
    entries = log(falling(), [(0, 0.8), (20, 0.6), (40, 0.55)])
    for rate, lower in ((0.01, 1e-4), (1e-4, 3.3e-5), (2e-8, 1e-8)):
        (found,) = watch(entries, replace(RANKING, learning_rate=rate))
        assert found.fix is not None and found.fix.args == {"learning_rate": lower}


def test_fewer_epochs_end_where_dev_was_best() -> None:
    (found,) = watch(log(falling(), [(0, 0.6), (20, 0.85), (40, 0.7), (60, 0.68)]), RANKING)
    assert found.fix is not None and found.fix.args == {"epochs": 1.0}


def test_too_easy_is_answered_by_harder_negatives_once_and_then_by_larger_batches() -> None:
    easy = log(batches_of(*[0.02] * 20))
    fixes = [watch(easy, replace(RANKING, mined=mined))[0].fix for mined in (False, True)]
    assert [fix and fix.code for fix in fixes] == ["mine_negatives", "set_batch_size"]
    assert watch(easy, replace(RANKING, mined=True, batch_size=128))[0].fix is None


def test_an_odd_batch_cannot_be_grouped_so_it_is_made_larger_first() -> None:
    odd = replace(HARD, batches=((3, 1),) * 4, sampler="batch_sampler", batch_size=3)
    fix = watch(log([0.3]), odd)[0].fix
    assert fix is not None and fix.args == {"rows": 6}


def test_noise_is_about_that_of_the_metric() -> None:
    rng = np.random.default_rng(0)
    shared = replace(RANKING, dev_units=200)
    for p in (0.1, 0.5, 0.9):
        shares = rng.binomial(200, p, 4_000) / 200
        assert shares.std() == pytest.approx(
            replace(shared, metric="cosine_accuracy").noise(p), 0.05
        )
        pairs = rng.multivariate_normal([0, 0], [[1, p], [p, 1]], (2_000, 200))
        found = [np.corrcoef(sample.T)[0, 1] for sample in pairs]
        assert np.std(found) == pytest.approx(
            replace(shared, metric="spearman_cosine").noise(p), 0.2
        )


def test_classes_are_counted_batch_by_batch() -> None:
    assert class_counts([[0, 1, 2], [3, 4]], [5, 5, 6, 7, 7]) == ((2, 2), (1, 2))


def test_the_share_of_rows_that_compare_a_text_with_itself() -> None:
    assert same_share([["a", "b"], ["p", "q"], ["p", "r"]]) == 0.5
    assert same_share([["a", "a"], ["a", "b"]]) == 0  # pairs have no wrong text of their own
    assert same_share([["a", "a", "b", "c"]]) == 0.25


def test_a_rate_is_raised_for_a_model_that_stays_as_it_was_unless_it_is_high() -> None:
    for rate, other in ((1e-4, 3e-4), (0.1, 1e-4)):
        (found,) = watch(log([math.log(16)] * 30), replace(RANKING, learning_rate=rate))
        assert found.fix is not None and found.fix.args == {"learning_rate": other}


def test_a_finding_is_logged_once_and_infinity_is_no_json(tmp_path: Path) -> None:
    run, _ = RunStore(tmp_path).create({}, {})
    watching = Watch(run, RANKING)
    for entry in log(batches_of(*[0.02] * 20)):
        watching.add(entry)
    with pytest.raises(StudioError, match="learning rate ten times smaller"):
        watching.add({"step": 21, "loss": math.inf, "grad_norm": math.nan})
    found = [entry for entry in run.log() if "finding" in entry]
    assert [(entry["step"], entry["finding"]["code"]) for entry in found] == [
        (8, "too_easy"),
        (21, "not_a_number"),
    ]
    assert found[1]["finding"]["level"] == "error"
    text = (run.path / "log.jsonl").read_text()
    json.loads(text.splitlines()[-2], parse_constant=lambda name: pytest.fail(name))


def test_advice_goes_by_the_rate_that_suits_what_is_trained() -> None:
    lora = Recipe({}, loss="TripletLoss", case="triplet", lora={"r": 8, "alpha": 16, "dropout": 0})
    static = [{"type": "StaticEmbedding", "dimensions": 64}]
    zero = Recipe({}, loss="TripletLoss", case="triplet", modules=static)
    whole = Recipe({}, loss="TripletLoss", case="triplet")
    found = [Facts.of(recipe, 200).usual_rate for recipe in (whole, lora, zero)]
    assert found == [1e-4, pytest.approx(1e-3), 3e-2]
    fix = usual_rate(log([1.0]), Facts.of(zero, 200))
    assert fix is not None and fix.args == {"learning_rate": 3e-2}
