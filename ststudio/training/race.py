"""Race: one racer after the other is trained, the best on dev goes on; test rows stay unseen."""

import gc
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer

from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.training import models
from ststudio.training.failures import reason
from ststudio.training.racers import public_name, racers, standing, titles, winner
from ststudio.training.recipe import DEFAULT_SECONDS, Recipe

NOT_STARTED = "Not started: the race was stopped."
NO_STEP = "Stopped before its first step."
NOT_MEASURED = "Its dev metric was never a number."


@dataclass(frozen=True)
class Tuned:
    """A model at its best, and how it came about."""

    model: SentenceTransformer
    recipe: Recipe
    base_dir: Path
    steps: int
    seconds: float  # of training
    rows_used: int
    stopped: bool  # because someone asked
    cut: bool  # to fit the time
    lost: bool = False  # its GPU, before it was done


@dataclass(frozen=True)
class Lane(Run):
    """A run's directory as one racer writes it: the log says whose entry it is."""

    racer: int
    phase: str
    seconds_after: float  # that the racers behind it may take

    def append_log(self, entry: dict[str, Any]) -> None:
        """Add one entry of this racer to the live log."""
        super().append_log({**entry, "racer": self.racer})

    def update(self, **changes: Any) -> None:  # noqa: ANN401
        """Replace some fields of the state, in the terms of the whole race."""
        if "phase" in changes:
            changes["phase"] = self.phase
        if "training_seconds_left" in changes:
            changes["training_seconds_left"] += self.seconds_after
        super().update(**changes)


Tune = Callable[[Run, Recipe, Path], Tuned]


def lanes(run: Run, recipe: Recipe) -> list[Lane]:
    """Return the run's directory once for each racer."""
    field = racers(recipe)
    seconds = recipe.max_seconds or DEFAULT_SECONDS
    return [
        Lane(
            run.path,
            number,
            f"racing {number + 1} of {len(field)}: {title}",
            seconds * (len(field) - 1 - number),
        )
        for number, title in enumerate(titles(field))
    ]


def race(run: Run, recipe: Recipe, tune: Tune) -> Tuned | None:
    """Train the racers in turn and return the best on dev; only that one's weights are kept.

    A racer that fails is out and the others go on; a stop ends the race with the best so far,
    which is None before anyone's first step. Raises StudioError where nobody reached the end.
    """
    best: Tuned | None = None
    stopped = False
    rows = [{**row, "won": False} for row in run.facts["race"]["racers"]]
    field = zip(lanes(run, recipe), racers(recipe), run.racer_dirs, strict=True)
    for number, (lane, racer, folder) in enumerate(field):
        tuned, out = _attempt(tune, lane, racer, folder)
        rows[number] |= {**standing(run.log(), number), "out": out}
        stopped = run.stopping or (tuned is not None and tuned.stopped)
        if winner(rows) == number:
            best = tuned
        tuned = None  # before the next one takes its memory
        _free(best)
        if stopped:
            rows[number + 1 :] = [{**row, "out": NOT_STARTED} for row in rows[number + 1 :]]
            break
        _keep(run, rows)
    _keep(run, rows)
    if best is None:
        if stopped:
            return None
        raise StudioError(f"No racer reached the end. {_reasons(rows)}")
    return replace(_decided(run, rows, best), stopped=stopped)


def _attempt(
    tune: Tune, lane: Lane, racer: Recipe, folder: Path
) -> tuple[Tuned | None, str | None]:
    """Train one racer; return the reason instead where it fails."""
    lane.update(phase="", step=0, steps=None, until=None)
    try:
        tuned = tune(lane, racer, folder)
    except BaseException as error:  # a Rust panic in a tokenizer is no Exception
        return None, reason(error)
    if tuned.steps == 0:
        return None, NO_STEP
    measured = standing(lane.log(), lane.racer)["dev_best"] is not None
    return (tuned, None) if measured else (None, NOT_MEASURED)


def _free(best: Tuned | None) -> None:
    """Let go of what the last racer held; the best so far waits in ordinary memory."""
    if best is not None:
        best.model.cpu()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _keep(run: Run, rows: list[dict[str, Any]]) -> None:
    run.update_facts(race={**run.facts["race"], "racers": rows})


def _reasons(rows: list[dict[str, Any]]) -> str:
    return " ".join(f"{row['title']}: {row['out']}" for row in rows)


def _decided(run: Run, rows: list[dict[str, Any]], best: Tuned) -> Tuned:
    """Make the run the winner's: its recipe, its base model, what is known of it."""
    place = winner(rows)
    assert place is not None
    known = rows[place]
    known["won"] = True
    _keep(run, rows)
    run.update_facts(
        loss=known["loss"], base_model=known["base_model"], lengths=known.get("lengths")
    )
    run.write("recipe", best.recipe.to_json())
    run.write_base(best.base_dir)
    return replace(best, model=best.model.to(models.device()))


SHARED = ("loss", "learning_rate", "dev_baseline", "dev_best", "steps", "seconds", "won", "out")


def told(run: Run) -> list[dict[str, Any]]:
    """Return the race as the report gives it."""
    return [
        {**{key: row.get(key) for key in SHARED}, "base_model": public_name(row["base_model"])}
        for row in run.facts["race"]["racers"]
    ]
