"""Races: recipes against each other on the same rows, seed and seconds, compared on dev only."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ststudio.data.cases import Case
from ststudio.data.examples import Examples
from ststudio.data.negatives import wanted as wanted_negatives
from ststudio.errors import StudioError
from ststudio.model_input import ModelInput
from ststudio.settings import get_settings
from ststudio.training.loss_settings import GUIDE
from ststudio.training.recipe import DEFAULT_SECONDS, RACER_KEYS, Recipe
from ststudio.training.verdict import standard_error

FEWEST_DEV_UNITS = 50  # with fewer, choosing by dev is choosing by chance

Log = Sequence[Mapping[str, Any]]
Row = dict[str, Any]


def racers(recipe: Recipe) -> list[Recipe]:
    """Return each racer as a recipe of its own: what its entry leaves open is as in the recipe."""
    return [_racer(recipe, entry) for entry in recipe.race or ()]


def _racer(recipe: Recipe, entry: Mapping[str, Any]) -> Recipe:
    own = dict(entry)
    if "matryoshka_dims" in own:  # an empty list: none, whatever the recipe says
        own["matryoshka_dims"] = own["matryoshka_dims"] or None
    if own.get("loss", recipe.loss) != recipe.loss:  # settings are one loss's
        own = {"loss_settings": {}, **own}
    return replace(recipe, race=None, **own)


def lined_up(field: Sequence[Recipe]) -> Recipe:
    """Return one recipe for a field of racers: the first one's, with all of them in its `race`."""
    return replace(field[0], race=[_entry(racer) for racer in field])


def _entry(racer: Recipe) -> dict[str, Any]:
    entry = {key: getattr(racer, key) for key in RACER_KEYS}
    return {**entry, "matryoshka_dims": racer.matryoshka_dims or []}


def derived_race(
    field: Sequence[Recipe], case: Case, models: Sequence[ModelInput | None] = ()
) -> Recipe:
    """Derive every racer as if it ran alone; raise StudioError where two of them are the same."""
    known = models or [None] * len(field)
    field = [racer.derived(case, model) for racer, model in zip(field, known, strict=True)]
    for number, racer in enumerate(field):
        if racer in field[:number]:
            raise StudioError(
                f"Racers {field.index(racer) + 1} and {number + 1} are the same: {racer.loss} with "
                "equal settings on one model. Give each a loss, a setting or a model of its own."
            )
    return lined_up(field)


def total_seconds(recipe: Mapping[str, Any]) -> float:
    """Return the seconds that a recipe, as JSON, may train for: each racer has its own."""
    seconds = float(recipe.get("max_seconds") or DEFAULT_SECONDS)
    return seconds * max(1, len(recipe.get("race") or ()))


def check_race(recipe: Recipe) -> None:
    """Raise StudioError where racers would not have equal rows, or more time than a run may."""
    if recipe.race and wanted_negatives(recipe.fixes):
        raise StudioError(
            "In a race every racer learns from the same rows, and mining would choose others for "
            "each. Undo the mining, or train one loss alone."
        )
    most, wanted = get_settings().run_seconds, total_seconds(recipe.to_json())
    if not recipe.race or wanted <= most:
        return
    many = len(recipe.race)
    raise StudioError(
        f"{many} racers of {wanted / many:g} s each train for {wanted:g} s, and a run may train "
        f"for {most} s here. Give each {most // many} s or less, or race fewer."
    )


def dev_units(examples: Examples) -> int:
    """Count the units of dev."""
    return len(examples.dev.column(0).unique()) if examples.dev.num_rows else 0


def check_dev(examples: Examples, case: Case) -> None:
    """Raise StudioError where dev is too small to choose a winner by."""
    units = dev_units(examples)
    if units < FEWEST_DEV_UNITS:
        raise StudioError(
            f"A race is decided on dev, which has {units} different {case.unit}s here; at least "
            f"{FEWEST_DEV_UNITS} are needed, or chance decides. Add rows (where dev is cut from "
            f"train, about 350 different {case.unit}s are enough), or train one loss alone."
        )


def titles(field: Sequence[Recipe]) -> list[str]:
    """Name the racers by what tells them apart: loss, then model, learning rate, settings."""
    told = [str(racer.loss) for racer in field]
    parts: tuple[Callable[[Recipe], str], ...] = (
        lambda racer: f" on {model_name(racer.base_model)}",
        lambda racer: f" at {racer.learning_rate:g}",
        lambda racer: f" {_own_settings(racer)}",
    )
    if len({str(racer.base_model) for racer in field}) == 1:
        parts = parts[1:]
    for part in parts:
        if len(set(told)) < len(told):
            told = [name + part(racer) for name, racer in zip(told, field, strict=True)]
    return told


def _own_settings(racer: Recipe) -> dict[str, Any]:
    # A guide may be an earlier run, whose id opens it; all racers share it anyway.
    return {name: value for name, value in racer.loss_settings.items() if name != GUIDE}


def public_name(base_model: str | Mapping[str, Any]) -> str:
    """Return a base model's id; an earlier run's opens that run and is nobody's business."""
    name = base_model if isinstance(base_model, str) else str(base_model.get("id"))
    return "an earlier run" if name.startswith("run:") else name


def model_name(base_model: str | Mapping[str, Any]) -> str:
    """Return what a base model is called, without whose it is."""
    return public_name(base_model).rpartition("/")[2]


def lane(log: Log, racer: int) -> list[Mapping[str, Any]]:
    """Return what one racer wrote into the live log of them all."""
    return [entry for entry in log if entry.get("racer") == racer]


def shown_log(log: Log, race: Mapping[str, Any] | None) -> Log:
    """Return one racer's part of a log: the winner's in the end, until then the one that runs."""
    if not race or not log:
        return log
    won = [number for number, row in enumerate(race["racers"]) if row.get("won")]
    return lane(log, won[0] if won else log[-1].get("racer", 0))


def standing(log: Log, racer: int) -> Row:
    """Return where a racer stands: dev before, its best since, its steps and seconds."""
    own = lane(log, racer)
    measured = [e for e in own if "metric" in e and math.isfinite(e["metric"])]
    before = [entry["metric"] for entry in measured if entry["step"] == 0]
    since = [entry["metric"] for entry in measured if entry["step"] > 0]
    return {
        "dev_baseline": before[0] if before else None,
        "dev_best": max(since, default=None),
        "steps": max((entry["step"] for entry in own), default=0),
        "seconds": round(max((entry.get("seconds", 0.0) for entry in own), default=0.0), 1),
    }


def winner(rows: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the place of the best on dev, of equals the first; None where nobody was measured."""
    known = [n for n, r in enumerate(rows) if r.get("dev_best") is not None and not r.get("out")]
    return max(known, key=lambda number: (rows[number]["dev_best"], -number), default=None)


@dataclass(frozen=True)
class Result:
    """How a race ended, for people."""

    best: int  # place of the winner
    second: int | None  # place of the next, if any other was measured
    error: float  # one standard error of the winner's metric
    close: bool  # the two are within it


def result(rows: Sequence[Mapping[str, Any]], metric: str, units: int) -> Result | None:
    """Compare the first two of a race; None where nobody was measured."""
    best = winner(rows)
    if best is None:
        return None
    others = [{**row, "out": row.get("out") or place == best} for place, row in enumerate(rows)]
    second = winner(others)
    error = standard_error(metric, rows[best]["dev_best"], max(units, 1))
    close = second is not None and rows[best]["dev_best"] - rows[second]["dev_best"] < error
    return Result(best, second, error, close)
