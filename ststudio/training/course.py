"""The course a run took: the steps that were planned, what was looked at, where it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ststudio.training.racers import shown_log


@dataclass(frozen=True)
class Course:
    """The steps of a run as its log tells them."""

    asked: int
    planned: dict[int, int]  # from a step on: so many in all
    looks: tuple[int, ...]  # steps after which dev was measured, the baseline aside
    last: int

    @classmethod
    def of(cls, log: Sequence[Mapping[str, Any]], race: Mapping[str, Any] | None) -> "Course":
        """Read a log; of a race the winner's part."""
        own = shown_log(log, race)
        plans = [(entry["step"], entry["steps"]) for entry in own if "steps" in entry]
        last = plans[-1][1] if plans else max((entry["step"] for entry in own), default=1)
        looks = sorted({e["step"] for e in own if "metric" in e and 0 < e["step"] <= last})
        planned = {step: steps for step, steps in plans if 0 < step < last}
        return cls(plans[0][1] if plans else last, planned, tuple(looks), last)

    @property
    def every(self) -> int | None:
        """Return after how many steps dev was looked at each time, None where that varied."""
        if not self.looks:
            return None
        first = self.looks[0]
        regular = {*range(first, self.last + 1, first), self.last} == set(self.looks)
        return first if regular else None

    @property
    def bent(self) -> bool:
        """Tell whether the plan was changed, or not carried out."""
        return bool(self.planned) or self.last != self.asked
