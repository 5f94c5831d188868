"""What the watchdog's rules know: a run's facts, and its live log by kind."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ststudio.data.cases import CASES
from ststudio.data.negatives import CODE as MINE
from ststudio.training.losses import LOSSES
from ststudio.training.rates import usual_rate
from ststudio.training.recipe import Recipe
from ststudio.training.verdict import standard_error

# Two windows of so many losses come out wholly apart by chance once in C(16, 8) = 12,870 times.
WINDOW = 8
BATCHES_LOOKED_AT = 32


@dataclass(frozen=True)
class Facts:
    """What is known of a run beside its log."""

    loss: str
    settings: Mapping[str, Any]
    batch_size: int
    learning_rate: float
    sampler: str
    columns: int  # texts in a row
    dimensions: int = 1  # a Matryoshka loss is the sum over so many
    mined: bool = False  # hard negatives
    usual: float = 0.0  # learning rate of the loss and of what is trained; 0: the loss's own
    metric: str = ""  # on dev
    dev_units: int = 0
    steps: int = 0  # planned
    steps_per_epoch: int = 0
    same: float = 0.0  # share of training rows whose right and wrong texts are the same
    batches: tuple[tuple[int, int], ...] = ()  # of the first: classes, and the most texts of one

    @classmethod
    def of(cls, recipe: Recipe, dev_units: int) -> "Facts":
        """Take what a recipe says."""
        assert recipe.loss is not None and recipe.case is not None
        return cls(
            loss=recipe.loss,
            settings=recipe.loss_settings,
            batch_size=recipe.per_device_train_batch_size or 0,
            learning_rate=recipe.learning_rate or 0.0,
            sampler=recipe.batch_sampler or "",
            columns=len(CASES[recipe.case].columns),
            dimensions=len(recipe.matryoshka_dims or [0]),
            usual=usual_rate(recipe.loss, recipe.modules, recipe.lora),
            mined=any(fix["code"] == MINE for fix in recipe.fixes),
            metric=CASES[recipe.case].metric,
            dev_units=dev_units,
        )

    @property
    def usual_rate(self) -> float:
        """Return the learning rate that suits the loss and what is trained."""
        return self.usual or LOSSES[self.loss].learning_rate

    def noise(self, metric: float) -> float:
        """Return a standard error of the metric on dev."""
        return standard_error(self.metric, metric, max(self.dev_units, 1))

    @property
    def of_classes(self) -> bool:
        """Tell whether the loss compares the texts of a batch by their classes."""
        return "text" in LOSSES[self.loss].reads


@dataclass(frozen=True)
class Log:
    """The live log so far, by kind."""

    losses: tuple[float, ...]  # of one dimension
    norms: tuple[float, ...]
    steps: tuple[int, ...]  # of the losses
    looks: tuple[tuple[int, float], ...]  # step and dev metric; step 0 is the base model
    metric: float = 0.0  # the latest, be it a number or not

    @classmethod
    def of(cls, entries: Sequence[Mapping[str, Any]], dimensions: int) -> "Log":
        """Read the entries of a run's log."""
        taught = [entry for entry in entries if entry.get("loss") is not None]
        looks = [(e["step"], float(e["metric"])) for e in entries if e.get("metric") is not None]
        return cls(
            losses=tuple(entry["loss"] / dimensions for entry in taught),
            norms=tuple(e["grad_norm"] for e in taught if e.get("grad_norm") is not None),
            steps=tuple(entry["step"] for entry in taught),
            looks=tuple(sorted(look for look in looks if math.isfinite(look[1]))),
            metric=looks[-1][1] if looks else 0.0,
        )

    @property
    def first(self) -> tuple[float, ...]:
        """Return the first losses: in warm-up the model is the base model but for a little."""
        return self.losses[:WINDOW]

    @property
    def last(self) -> tuple[float, ...]:
        """Return the latest losses."""
        return self.losses[-WINDOW:]

    @property
    def apart(self) -> bool:
        """Tell whether first and latest losses share no entry."""
        return len(self.losses) >= 2 * WINDOW


def class_counts(
    batches: Iterable[Sequence[int]], labels: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    """Return for the first batches of row numbers the classes, and the most texts of one."""
    held = ([labels[row] for row in batch] for batch in islice(batches, BATCHES_LOOKED_AT))
    return tuple((len(set(own)), max(map(own.count, set(own)), default=0)) for own in held)


def same_share(columns: Sequence[Sequence[str]]) -> float:
    """Return the share of rows whose texts, a right and a wrong one, are the same.

    Of texts with a class: those that stand there more than once.
    """
    rows = len(columns[0])
    if len(columns) == 1:
        return 1 - len(set(columns[0])) / max(rows, 1)
    wrong = zip(columns[1], *columns[2:], strict=True)
    return sum(len(columns) > 2 and texts[0] in texts[1:] for texts in wrong) / max(rows, 1)
