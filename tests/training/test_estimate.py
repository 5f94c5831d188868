"""Seconds from a measured pace: what must grow with what, and where the limits bite."""

from dataclasses import replace
from typing import Any

import pytest

from ststudio.data.cases import CASES
from ststudio.model_shape import Shape, shape_of
from ststudio.training.estimate import Line, Machine, Texts, Work, estimate
from ststudio.training.recipe import Recipe

MINILM = Shape(layers=6, hidden=384, multiplied=10_616_832, words=11_720_448, packed=True)
BASE = Shape(layers=12, hidden=768, multiplied=84_934_656, words=23_440_896, packed=True)
SHORT, LONG = Texts(15.0, 250.0, 5.0), Texts(200.0, 42_000.0, 45.0)
MACHINE = Machine(
    MINILM, Line(0.01, 0.0002), Line(0.005, 0.00006), optimizer=2e-9, load=0.5, batch=64
)  # fmt: skip
WORK = Work((SHORT,) * 3, 2_000, 200, 300, 1_000)


def asked(**settings: Any) -> Recipe:
    source = {"kind": "builtin", "id": "sample-triplet"}
    return Recipe(source, **settings).derived(CASES["triplet"])


def test_a_line_goes_through_both_points_and_never_below_zero() -> None:
    line = Line.through([(100, 0.3), (1000, 1.2)])
    assert line.fixed + 100 * line.token == pytest.approx(0.3)
    assert line.fixed + 1000 * line.token == pytest.approx(1.2)
    for points in ([(100, 1.0), (1000, 0.9)], [(100, 0.01), (1000, 1.0)]):  # a busy machine
        noisy = Line.through(points)
        assert noisy.fixed >= 0 and noisy.token > 0


def test_what_a_worker_sends_is_read_with_the_share_of_attention() -> None:
    sent = {
        "shape": {"layers": 6, "hidden": 384, "multiplied": 10, "words": 20},
        "train": [[720, 15, 0.1], [1600, 100, 0.2]],
        "encode": [[720, 15, 0.03], [1600, 100, 0.06]],
        "optimizer": 1e-9,
        "load": 0.4,
        "batch": 64,
        "recorded": 0.0,
    }
    machine = Machine.from_json(sent)
    assert machine.train.fixed + machine.train.token * 720 * (1 + 15 / 2304) == pytest.approx(0.1)


def test_few_steps_take_as_long_as_they_need_and_many_as_long_as_they_may() -> None:
    few = estimate(MACHINE, MINILM, WORK, asked(max_steps=10, max_seconds=40))
    many = estimate(MACHINE, MINILM, WORK, asked(max_steps=5_000, max_seconds=40))
    assert few.steps == 10 and not few.cut and few.training_seconds < 20
    assert many.cut and many.steps < 5_000
    assert many.training_seconds == pytest.approx(40, abs=3)
    assert many.seconds > many.training_seconds + many.measuring_seconds


def test_twice_the_batch_takes_about_twice_the_time() -> None:
    times = [
        estimate(MACHINE, MINILM, WORK, asked(max_steps=50, per_device_train_batch_size=batch,
                                              max_seconds=300, eval_steps=50)).training_seconds
        for batch in (32, 64)
    ]  # fmt: skip
    assert 1.5 < times[1] / times[0] < 2.1


def test_longer_texts_and_a_larger_model_take_longer_by_their_arithmetic() -> None:
    steps = asked(max_steps=10, max_seconds=300, eval_steps=10)
    usual = estimate(MACHINE, MINILM, WORK, steps)
    long = estimate(MACHINE, MINILM, replace(WORK, roles=(LONG,) * 3), steps)
    large = estimate(MACHINE, BASE, WORK, steps)
    assert 8 < long.training_seconds / usual.training_seconds < 20
    assert 5 < large.training_seconds / usual.training_seconds < 8.5
    assert large.measuring_seconds > usual.measuring_seconds


def test_a_large_corpus_is_measured_only_as_far_as_time_allows() -> None:
    recipe = asked(max_seconds=40)
    small = estimate(MACHINE, MINILM, replace(WORK, corpus=300), recipe)
    large = estimate(MACHINE, MINILM, replace(WORK, corpus=20_000, roles=(LONG,) * 3), recipe)
    assert small.measuring_seconds < large.measuring_seconds < 30


def test_each_racer_adds_its_own_training_and_the_winner_alone_is_measured() -> None:
    race = [{"loss": "TripletLoss"}, {"loss": "MultipleNegativesRankingLoss"}]
    alone = estimate(MACHINE, MINILM, WORK, asked(max_steps=20))
    both = estimate(MACHINE, MINILM, WORK, asked(max_steps=20, race=race))
    assert both.training_seconds == pytest.approx(2 * alone.training_seconds)
    assert both.measuring_seconds == pytest.approx(alone.measuring_seconds, rel=0.2)


def test_a_loss_that_embeds_twice_takes_longer() -> None:
    once = estimate(MACHINE, MINILM, WORK, asked(max_steps=20))
    twice = estimate(
        MACHINE, MINILM, WORK, asked(max_steps=20, loss="CachedMultipleNegativesRankingLoss")
    )
    assert twice.training_seconds > 1.1 * once.training_seconds


def test_lengths_are_read_from_their_histogram_cut_at_the_limit() -> None:
    role = {
        "edges": [0, 10, 20, 30],
        "counts": [50, 0, 50],
        "quantiles": {"100": 100},
    }
    whole, cut = Texts.of(role, None), Texts.of(role, 20)
    assert whole.mean == pytest.approx((5 + 60) / 2)  # the last bar reaches to the longest
    assert cut.mean == pytest.approx((5 + 20) / 2) and cut.spread == pytest.approx(7.5)


def test_the_shape_of_a_model_is_told_from_its_configuration() -> None:
    minilm = {"model_type": "bert", "hidden_size": 384, "num_hidden_layers": 6,
              "intermediate_size": 1536, "vocab_size": 30522}  # fmt: skip
    assert shape_of(minilm) == MINILM
    albert = {**minilm, "model_type": "albert", "embedding_size": 128, "num_hidden_groups": 1}
    assert shape_of(albert).multiplied == MINILM.multiplied  # shared weights work at every layer
    gated = shape_of({**minilm, "model_type": "modernbert"})
    assert gated.multiplied == MINILM.multiplied + 6 * 384 * 1536
