"""What a run starts from: one recipe and its base model, or those of every racer, all checked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.data.findings import Finding
from ststudio.data.model_checks import ModelReport
from ststudio.data.reshape import fix_recipe, parse_fixes
from ststudio.errors import StudioError
from ststudio.fetch import ModelRef, download_model, download_tokenizer
from ststudio.model_input import ModelInput
from ststudio.runs.model_facts import EARLIER_RUN, resolve_base
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.training.blueprint import needs_weights
from ststudio.training.loss_settings import GUIDE
from ststudio.training.racers import (
    check_dev,
    check_race,
    derived_race,
    dev_units,
    lined_up,
    racers,
    titles,
)
from ststudio.training.recipe import Recipe

Base = ModelRef | str  # on the Hub or its shelf, or run:<id>


def admissible(value: Any) -> Recipe:  # noqa: ANN401
    """Read a recipe, and take over what its chain of fixes decides, checked as if it were given.

    A field that is given wins: it is what the visitor typed last.
    """
    recipe = Recipe.from_json(value)
    decided = fix_recipe(parse_fixes(recipe.fixes))
    untouched = Recipe(recipe.source)
    given = {
        name: value
        for name, value in recipe.to_json().items()
        if name not in decided or value != getattr(untouched, name)
    }
    return Recipe.from_json({**decided, **given})


def line_up(recipe: Recipe) -> Recipe:
    """Make a race's recipe that of its first racer; raise StudioError where it takes too long."""
    check_race(recipe)
    return lined_up(racers(recipe)) if recipe.race else recipe


def resolve_bases(recipe: Recipe, store: RunStore, token: str | None) -> list[Base]:
    """Find the base model of each racer, or the one of a recipe without a race."""
    wanted = [racer.base_model for racer in racers(recipe)] or [recipe.base_model]
    found: dict[str, Base] = {}
    for base_model in wanted:
        key = json.dumps(base_model)
        if key not in found:
            found[key] = resolve_base(base_model, store, token)
    return [found[json.dumps(base_model)] for base_model in wanted]


def derive(
    recipe: Recipe,
    bases: Sequence[Base],
    models: Mapping[Base, ModelInput | Finding],
    examples: Examples,
) -> Recipe:
    """Fill in what data and base models decide; raise StudioError where something disagrees."""
    case = CASES[examples.case]
    field = racers(recipe) or [recipe]
    pinned = [replace(r, base_model=_pinned(base)) for r, base in zip(field, bases, strict=True)]
    known = [m if isinstance(m, ModelInput) else None for m in (models.get(b) for b in bases)]
    if not recipe.race:
        return pinned[0].derived(case, known[0])
    check_dev(examples, case)
    return derived_race(pinned, case, known)


def guided(recipe: Recipe, store: RunStore, token: str | None) -> tuple[Recipe, Base | None]:
    """Find the model that guides the loss, where there is one, and pin its commit."""
    field = racers(recipe) or [recipe]
    named = [racer.loss_settings[GUIDE] for racer in field if racer.loss_settings.get(GUIDE)]
    if not named:
        return recipe, None
    if any(other != named[0] for other in named):
        raise StudioError("The racers of one race share a guide. Name the same one for each.")
    guide = resolve_base(named[0], store, token)
    field = [
        replace(racer, loss_settings={**racer.loss_settings, GUIDE: _pinned(guide)})
        if racer.loss_settings.get(GUIDE)
        else racer
        for racer in field
    ]
    return (lined_up(field) if recipe.race else field[0]), guide


def _pinned(base: Base) -> str | dict[str, str]:
    return base if isinstance(base, str) else base.pin()


def base_facts(base: Base) -> dict[str, Any]:
    """Return what page and card say of a base model."""
    if isinstance(base, str):
        return {"id": base, "revision": None, "origin": "run"}
    return {**base.pin(), "origin": base.origin}


def race_facts(
    recipe: Recipe,
    bases: Sequence[Base],
    reports: Mapping[Base, ModelReport],
    examples: Examples,
) -> dict[str, Any] | None:
    """Return what page and worker know of a race before it begins, None where there is none."""
    if not recipe.race:
        return None
    field = racers(recipe)
    rows = []
    for racer, title, base in zip(field, titles(field), bases, strict=True):
        lengths = reports[base].lengths
        rows.append(
            {
                "title": title,
                "loss": racer.loss,
                "learning_rate": racer.learning_rate,
                "base_model": base_facts(base),
                "lengths": lengths.to_json() if lengths else None,
            }
        )
    return {"dev_units": dev_units(examples), "racers": rows}


def fetch_models(
    bases: Sequence[Base], guide: Base | None, recipe: Recipe, run: Run, token: str | None
) -> Path:
    """Bring guide and base models to the disk, and return the folder of the first base."""
    if guide is not None:
        run.write_guide(_fetch(guide, run, GUIDE, token))
    if isinstance(bases[0], ModelRef) and not needs_weights(recipe.modules):
        return download_tokenizer(bases[0], token)
    distinct = list(dict.fromkeys(bases))
    names = ["base", *(f"base-{number}" for number in range(2, len(distinct) + 1))]
    folders = {
        base: _fetch(base, run, name, token) for base, name in zip(distinct, names, strict=True)
    }
    if recipe.race:
        run.write_racers([folders[base] for base in bases])
    return folders[bases[0]]


def _fetch(model: Base, run: Run, part: str, token: str | None) -> Path:
    """Bring a model to the disk; an earlier run's model is copied, as that run expires."""
    if isinstance(model, ModelRef):

        def progress(done: int, total: int) -> None:
            run.update(phase=f"downloading the {part} model, {done >> 20} of {total >> 20} MB")

        return download_model(model, progress, token)
    earlier = RunStore(run.path.parent).open(model.removeprefix(EARLIER_RUN))
    return run.keep_model(earlier.model_dir, part)
