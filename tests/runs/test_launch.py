"""The door to compute: what it knows of this machine."""

from dataclasses import asdict
from typing import Any

from ststudio.model_shape import Shape
from ststudio.runs.launch import typical

SHAPE = Shape(layers=6, hidden=384, multiplied=10_616_832, words=11_720_448)


def pace(seconds: float) -> dict[str, Any]:
    lines = [(256, 16, seconds / 4), (1_536, 128, seconds)]
    return {
        "shape": asdict(SHAPE),
        "train": lines,
        "encode": lines,
        "optimizer": 0,
        "batch": 64,
        "recorded": 0.0,
        "load": seconds,
    }


def test_one_pace_measured_in_a_bad_moment_misleads_no_estimate() -> None:
    assert typical([]) is None
    for paces, middle in (([2], 2), ([1, 3], 3), ([9, 1, 1.1], 1.1), ([1, 0.2, 1.2], 1)):
        machine = typical([pace(seconds) for seconds in paces])
        assert machine is not None and machine.load == middle
