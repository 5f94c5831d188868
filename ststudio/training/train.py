"""Train the run in a directory: model, data, loss, arguments, evaluator, trainer, report."""

import os
import shutil
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from datasets.table import InMemoryTable
from sentence_transformers import SentenceTransformer
from transformers import PrinterCallback

from ststudio.data.cases import CASES, Case
from ststudio.data.examples import Examples
from ststudio.runs.run import Run, State
from ststudio.shelf import packaged_model
from ststudio.training import models, pace, zero
from ststudio.training.adapted import adapted
from ststudio.training.arguments import (
    class_count,
    of_rows,
    rows_used,
    set_steps,
    trainable,
    training_arguments,
)
from ststudio.training.bucketing import bucketed
from ststudio.training.calibration import calibrate
from ststudio.training.evaluation import dev_evaluator
from ststudio.training.failures import reason
from ststudio.training.forgetting import forgetting
from ststudio.training.live import Live
from ststudio.training.loss_settings import GUIDE
from ststudio.training.made import made
from ststudio.training.measuring import fit, measure
from ststudio.training.mining import taught_as, with_negatives
from ststudio.training.race import Tuned, race, told
from ststudio.training.racers import FEWEST_DEV_UNITS, dev_units, total_seconds
from ststudio.training.recipe import Recipe
from ststudio.training.remembered import Remembered
from ststudio.training.tokens import Tokens
from ststudio.training.trainer import Trainer
from ststudio.training.vectors import KeptVectors
from ststudio.training.vocabulary import used_vocabulary

NICE = 10  # on a CPU searches go first


Outcome = tuple[State, str | None]  # and the reason


def warm_up() -> dict[str, Any] | None:
    """Find all in place for a run's first step, and say how fast this machine is, if it can."""
    if models.device() == "cpu":
        os.nice(NICE)
    folder = packaged_model()
    return None if folder is None else calibrate(folder)


def train_job(message: dict[str, Any]) -> dict[str, Any]:
    """Train the run in the folder `run`; every outcome is written into its state."""
    run = Run(Path(message["run"]))
    outcome: Outcome
    try:
        outcome = train(run, message.get("leased", False))
    except BaseException as error:  # a Rust panic in a tokenizer is no Exception
        outcome = "failed", reason(error)
    shutil.rmtree(run.scratch_dir, ignore_errors=True)
    run.end(*outcome)
    return {}


def train(run: Run, leased: bool = False) -> Outcome:
    """Fine-tune, measure before and after, keep model, vectors and report; say how it ended.

    A run that lost its GPU is not trained again: what it kept is measured.
    """
    start = time.monotonic()
    # Of a run that lost its GPU the time before counts, too.
    began = run.state.get("started") if run.kept_file.exists() else None
    run.update(state="running", started=began or time.time(), phase="loading the model")
    asked = Recipe.from_json(run.recipe)
    examples = Examples.load(run.examples_dir)
    case = CASES[examples.case]
    if asked.modules:
        if not run.built_dir.is_dir():  # else a lost lease left it: the model that was trained
            zero.build(run.base_dir, asked, examples, run.built_dir)
        run.write_base(run.built_dir)

    # 1. Train, for as many steps as fit the time, and keep the best of it
    def tune(run: Run, recipe: Recipe, base_dir: Path) -> Tuned:
        # What a racer would leave behind says nothing of the others: a race keeps nothing.
        return tuned(run, recipe, case, examples, base_dir, leased and not asked.race)

    best = race(run, asked, tune) if asked.race else tune(run, asked, run.base_dir)
    if best is None or best.steps == 0:
        return "stopped", "Stopped before the first step; there is no model."
    _save_model(run, best.model)
    run.update_facts(made=made(best.model))

    # 2. Prove what changed
    run.update(phase="measuring", training_seconds_left=0.0, measured=0.0)
    # Who stops a run early waits for its result no longer than for a run of that length.
    gone = time.monotonic() - start
    allowed = best.seconds if best.stopped else total_seconds(asked.to_json())
    budget = pace.measuring_budget(allowed, gone)
    report = proved(run, best, case, examples, budget)
    report["rows_used"] = best.rows_used
    report["train_seconds"] = round(best.seconds, 1)
    report["seconds"] = round(time.time() - float(run.state["started"]), 1)
    if asked.race:
        report["race"] = told(run)
    run.write("report", report)
    if best.lost:
        return "finished", "lease_ended"
    if best.stopped:
        return "stopped", "Stopped when asked; what was learned until then is kept."
    return "finished", "time_limit" if best.cut else None


def proved(run: Run, best: Tuned, case: Case, examples: Examples, budget: float) -> dict[str, Any]:
    """Measure before and after within `budget` seconds: the gain, and what was paid for it."""
    base, recipe = models.prepare_model(run.base_dir, best.recipe, case), best.recipe
    until = time.monotonic() + budget
    with bucketed(base), bucketed(best.model):
        both = Remembered(base, kept=KeptVectors(run.vectors_file)), Remembered(best.model)
        forgotten = forgetting(run, recipe, examples, both, budget)
        examples = fit(run, recipe, case, both, examples, until - time.monotonic())
        return {**measure(run, case, examples, both), "forgetting": forgotten}


def tuned(
    run: Run,
    recipe: Recipe,
    case: Case,
    examples: Examples,
    base_dir: Path,
    leased: bool = False,
) -> Tuned:
    """Fine-tune the base model in a folder by one recipe."""
    torch.manual_seed(recipe.seed)
    model = models.prepare_model(base_dir, recipe, case)
    units = dev_units(examples)
    live = Live(run, case.metric, recipe, units >= FEWEST_DEV_UNITS, units, leased)
    taught, mining_seconds = examples, 0.0
    if not run.kept_file.exists():  # else nothing is taught any more
        taught, mining_seconds = with_negatives(run, recipe, model, examples)
    live.max_seconds -= mining_seconds
    trainer = fine_tune(run, recipe, case, model, taught, live)
    return Tuned(
        model,
        recipe,
        base_dir,
        trainer.state.global_step,
        live.seconds,
        rows_used(trainer, taught.train.num_rows),
        stopped=live.stopped,
        cut=live.cut,
        lost=live.lost,
    )


def fine_tune(
    run: Run,
    recipe: Recipe,
    case: Case,
    model: SentenceTransformer,
    examples: Examples,
    live: Live,
) -> Trainer:
    """Train the model in place and leave it at its best; return the trainer that did it."""
    read = taught_as(case, examples.train)
    prompts = models.trainer_prompts(model, read)
    texts: dict[str, list[str]] = {}
    for column in read.columns:
        texts.setdefault(prompts.get(column, ""), []).extend(examples.train[column].to_pylist())
    guide = models.load_guide(run.guide_dir) if GUIDE in recipe.loss_settings else None
    # Weight decay moves every row, those that no text uses as well. What a lease keeps must fit
    # the whole model.
    whole = recipe.weight_decay or live.leased or run.kept_file.exists()
    tokens = Tokens(model)
    used = nullcontext() if whole else used_vocabulary(tokens, texts)
    casts = models.trained_in(recipe) == "bfloat16"
    with adapted(model, recipe.lora), used, bucketed(model, casts) as forward:
        trainer = Trainer(
            model=model,
            args=training_arguments(run, recipe, read, examples, prompts),
            train_dataset=Dataset(InMemoryTable(trainable(examples.train))),
            loss=models.make_loss(model, recipe, class_count(examples.train), guide),
            evaluator=dev_evaluator(case, examples.dev) if examples.dev.num_rows else None,
            callbacks=[live],
            bucketed=forward,
            tokens=tokens,
        )
        trainer.remove_callback(PrinterCallback)  # nobody reads it
        set_steps(trainer, recipe)
        live.watch.know(**of_rows(trainer, read, examples.train))
        if run.kept_file.exists():
            live.take_over(model, trainer.state)
        else:
            run.update(
                phase="training",
                trained_in=models.trained_in(recipe),
                measuring_seconds=pace.MEASURING_SECONDS,
            )
            trainer.train()
            live.restore_best(model)
    live.check_whole(model, trainer.state.global_step)
    model.eval()
    return trainer


def _save_model(run: Run, model: SentenceTransformer) -> None:
    """Write the model beside its place and rename: it appears when it is whole."""
    half = run.model_dir.with_name("model.half")
    shutil.rmtree(run.model_dir, ignore_errors=True)  # of a lease that ended while measuring
    model.save_pretrained(str(half), safe_serialization=True, create_model_card=False)
    half.rename(run.model_dir)
