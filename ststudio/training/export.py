"""What a run's train.py is written from: recipe, rows, course, what its model says of itself."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ststudio.data.cases import CASES, DEFAULT_BATCH_SIZE, Case
from ststudio.data.examples import PARTS, Examples
from ststudio.errors import StudioError
from ststudio.model_input import read_input
from ststudio.runs.run import Run
from ststudio.training.course import Course
from ststudio.training.racers import FEWEST_DEV_UNITS, dev_units
from ststudio.training.recipe import Recipe

FAMILY = "config_sentence_transformers.json"  # where a saved model names its prompts
LABELS = ("score", "label")
LOOKS = 20  # at dev, in a longer course


@dataclass(frozen=True)
class Export:
    """One run as a script tells it."""

    run: Run
    recipe: Recipe
    case: Case
    examples: Examples  # train as it was taught: with mined negatives, where there are any
    course: Course

    @classmethod
    def of(cls, run: Run) -> "Export":
        """Read a run that has ended with a model; raise StudioError for any other."""
        if not run.ended or not run.has_model or run.report is None:
            raise StudioError(
                "A script is written of a run that has ended with a model. Wait for its end, or "
                "finish another run first."
            )
        try:
            examples = Examples.load(run.examples_dir)
        except FileNotFoundError:
            raise StudioError(
                "The rows of this run are gone, and no script can be written without them. "
                "Start the run again."
            ) from None
        if run.taught_file.exists():
            train = pq.read_table(run.taught_file)
            examples = Examples(**{**vars(examples), "train": train})
        course = Course.of(run.log(), run.facts.get("race"))
        return cls(run, Recipe(**run.recipe), CASES[examples.case], examples, course)

    def longer(self, epochs: float) -> "Export":
        """Return the same with a plain course of so many epochs, watched on dev now and then."""
        batch = self.recipe.per_device_train_batch_size or DEFAULT_BATCH_SIZE
        steps = max(2, math.ceil(epochs * self.examples.train.num_rows / batch))
        every = math.ceil(steps / LOOKS)
        looks = (*range(every, steps, every), steps) if self.has_dev else ()
        return replace(self, course=Course(steps, {}, looks, steps))

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of text that are trained on."""
        return tuple(name for name in self.examples.train.column_names if name not in LABELS)

    @property
    def metric(self) -> str:
        """Return the name of the headline's metric."""
        return self.case.metric

    @property
    def has_dev(self) -> bool:
        """Tell whether there are rows to watch training by."""
        return bool(self.examples.dev.num_rows)

    @property
    def keeps_best(self) -> bool:
        """Tell whether the run went back to its best weights on dev."""
        return dev_units(self.examples) >= FEWEST_DEV_UNITS

    @cached_property
    def family(self) -> Mapping[str, Any]:
        """Return what the fine-tuned model's own configuration says of prompts."""
        try:
            text = (self.run.model_dir / FAMILY).read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        return dict(json.loads(text))

    @property
    def prompts(self) -> dict[str, str]:
        """Return the prompts that the run set, by name; none where there was nothing to set."""
        known = self.family.get("prompts") or {}
        agreed = {name: known.get(name) or "" for name in ("query", "document")}
        if any(agreed.values()) or self.recipe.prompts or self._base_has_prompts:
            return agreed
        return {}

    @property
    def _base_has_prompts(self) -> bool:
        try:
            return bool(read_input(self.run.base_dir, "the base model").prompts)
        except (OSError, TypeError, StudioError):  # its folder is gone
            return False

    @property
    def fingerprint(self) -> str:
        """Return the hash of all rows in their order, as the script computes it."""
        return fingerprint([getattr(self.examples, part) for part in PARTS])


def fingerprint(tables: list[pa.Table]) -> str:
    """Return the SHA-256 of tables' rows, each a line of JSON."""
    lines = (json.dumps(row) for table in tables for row in table.to_pylist())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
