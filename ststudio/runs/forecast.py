"""What is known of a run before it starts, put into an estimate: on the page, and when admitted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ststudio.data.cases import CASES, Case
from ststudio.data.examples import Examples
from ststudio.data.findings import count
from ststudio.errors import StudioError
from ststudio.fetch import ModelRef
from ststudio.model_input import ModelInput
from ststudio.model_shape import Shape, shape_of
from ststudio.runs.lineup import admissible
from ststudio.runs.model_facts import BaseModel, named_base
from ststudio.training.estimate import Estimate, Machine, Texts, Work, estimate
from ststudio.training.recipe import Recipe

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Forecast:
    """What will happen after the click: the time it takes, and what must be fetched before."""

    estimate: Estimate
    download_bytes: int  # 0 where the base model is here

    def in_words(self) -> str:
        """Say it in one line."""
        found = self.estimate
        cut = " (more do not fit the time)" if found.cut else ""
        steps = f"{count(found.steps, 'step')} of training{cut}"
        said = (
            f"About **{_rounded(found.seconds)} s** until the report: {steps} in "
            f"{_rounded(found.training_seconds)} s, then "
            f"{_rounded(found.measuring_seconds)} s to measure both models."
        )
        if self.download_bytes:
            said += f" Before that, {self.download_bytes / 1e6:,.0f} MB of model are fetched."
        return said


def _rounded(seconds: float) -> int:
    """Round to what an estimate can mean: seconds up to 20, fives up to 100, tens above."""
    grain = 1 if seconds < 20 else 5 if seconds < 100 else 10
    return max(1, grain * round(seconds / grain))


def shape_in(model: ModelInput) -> Shape | None:
    """Return the shape of a model whose configuration lies here, None where there is none."""
    file = model.folder / "config.json"
    if not file.is_file():
        return None
    shape = shape_of(json.loads(file.read_text(encoding="utf-8")))
    return shape if shape.layers and shape.hidden else None


def trained_case(key: str) -> Case:
    """Return the case a run trains on: what reads badly as it is becomes triplets first."""
    case = CASES[key]
    return CASES["triplet"] if case.reshape else case


def work_of_page(found: Json, recipe: Recipe) -> Work | None:
    """Return what a diagnosis says a run goes through, None where texts were not counted."""
    case, lengths = CASES[found["case"]], found.get("lengths")
    if not lengths or not found["parts"]:
        return None
    # A premise becomes one triplet, of itself and two hypotheses.
    becomes = trained_case(case.key) if recipe.loss not in case.losses else case
    counted = "units" if becomes is not case else "rows"
    parts = {name: part[counted] for name, part in found["parts"].items()}
    roles = [
        case.columns[min(place, len(case.columns) - 1)] for place in range(len(becomes.columns))
    ]
    return Work(
        _texts(lengths, roles, recipe),
        min(parts["train"], recipe.max_train_rows or parts["train"]),
        parts["dev"],
        found["parts"]["test"]["units"],
        found.get("corpus", 0),
    )


def work_of(examples: Examples, lengths: Json | None, recipe: Recipe) -> Work | None:
    """Return what a run with these examples goes through, None where texts were not counted."""
    case = CASES[examples.case]
    if not lengths or not set(case.columns) <= set(lengths["roles"]):
        return None
    return Work(
        _texts(lengths, list(case.columns), recipe),
        examples.train.num_rows,
        examples.dev.num_rows,
        len(examples.test.column(0).unique()),
        examples.corpus.num_rows,
    )


def _texts(lengths: Json, roles: list[str], recipe: Recipe) -> tuple[Texts, ...]:
    limit = recipe.max_seq_length or lengths["limit"]
    return tuple(Texts.of(lengths["roles"][role], limit) for role in roles)


def forecast_page(
    machine: Machine, found: Json, settings: Json, token: str | None = None
) -> Forecast | None:
    """Estimate what a click would start; None where too little is known of rows or model."""
    recipe = admissible(settings)
    case = CASES[found["case"]]
    derived = recipe.derived(case if recipe.loss in case.losses else trained_case(case.key))
    work = work_of_page(found, derived)
    base, model = named_base(recipe.base_model, token)
    shape = shape_in(model)
    if work is None or shape is None or recipe.modules:  # what is built here has its own shape
        return None
    missing = base.bytes if isinstance(base, ModelRef) and base.origin == "hub" else 0
    return Forecast(estimate(machine, shape, work, derived), missing)


def forecast_run(
    machine: Machine | None, examples: Examples, lengths: Json | None, recipe: Recipe
) -> dict[str, Any] | None:
    """Return the estimate that a run keeps, to be compared with what it took."""
    work = work_of(examples, lengths, recipe)
    shape = _known_shape(recipe.base_model)
    if machine is None or work is None or shape is None or recipe.modules:
        return None
    return estimate(machine, shape, work, recipe).to_json()


def _known_shape(base_model: BaseModel) -> Shape | None:
    try:
        return shape_in(named_base(base_model, None)[1])
    except StudioError:  # private, or away: then nothing is promised
        return None
