"""A recipe and its rows in the trainer's own terms: arguments, columns, steps."""

from typing import Any

import pyarrow as pa
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)

from ststudio.data.cases import Case
from ststudio.data.examples import Examples
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.training import models, pace
from ststudio.training.livelog import class_counts, same_share
from ststudio.training.recipe import Recipe
from ststudio.training.trainer import Trainer


def training_arguments(
    run: Run, recipe: Recipe, case: Case, examples: Examples, prompts: dict[str, str]
) -> SentenceTransformerTrainingArguments:
    """Return the recipe as sentence-transformers' own training arguments."""
    cpu = models.device() == "cpu"
    return SentenceTransformerTrainingArguments(
        output_dir=str(run.scratch_dir),
        use_cpu=cpu,
        seed=recipe.seed,
        max_steps=1,  # set when the number of batches is known
        per_device_train_batch_size=recipe.per_device_train_batch_size or 16,
        learning_rate=recipe.learning_rate or 0.0,
        warmup_steps=recipe.warmup_steps,
        weight_decay=recipe.weight_decay,
        lr_scheduler_type=recipe.lr_scheduler_type,
        bf16=False,  # Bucketed casts: accelerate would cast what is measured, too
        batch_sampler=recipe.batch_sampler or case.batch_sampler,
        prompts=prompts or None,
        eval_strategy="steps" if examples.dev.num_rows else "no",
        eval_on_start=bool(examples.dev.num_rows) and not recipe.late_baseline,
        save_strategy="no",  # Live keeps the best weights: a checkpoint costs a second
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to=[],
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=not cpu,
        # The next batch travels while this one is still at work.
        accelerator_config={"non_blocking": not cpu},
    )


def of_rows(trainer: Trainer, read: Case, rows: pa.Table) -> dict[str, Any]:
    """Return what the watchdog is to know of the rows and of the first batches."""
    # Another loader than the training's, whose order of rows must not be used up.
    loader = trainer.get_train_dataloader()
    labels = rows["label"].to_pylist() if "label" in rows.column_names else []
    batches: Any = loader.batch_sampler if labels else ()
    return {
        "columns": len(read.columns),
        "steps_per_epoch": len(loader),
        "same": same_share([rows[column].to_pylist() for column in read.columns]),
        "batches": class_counts(batches, labels),
    }


def trainable(rows: pa.Table) -> pa.Table:
    """Name the label column as the trainer expects it, keeping the order of the inputs."""
    return rows.rename_columns([{"score": "label"}.get(name, name) for name in rows.column_names])


def class_count(rows: pa.Table) -> int:
    """Count the classes of the rows, 0 where they have none."""
    return len(rows.column("label").unique()) if "label" in rows.column_names else 0


def set_steps(trainer: Trainer, recipe: Recipe) -> None:
    """Ask for the recipe's steps; Live cuts them to the time once it knows the pace."""
    batches = len(trainer.get_train_dataloader())
    if batches == 0:
        raise StudioError("These rows make no whole batch. Use a smaller batch or more rows.")
    steps = pace.asked_steps(recipe, batches)
    trainer.args.max_steps = steps
    trainer.args.eval_steps = recipe.eval_steps or max(1, -(-steps // pace.MOST_DEV_EVALUATIONS))
    trainer.args.logging_steps = max(1, steps // 200)


def rows_used(trainer: Trainer, rows: int) -> int:
    """Count the distinct rows that training can have seen, the sampler's choice included."""
    batch = trainer.args.per_device_train_batch_size
    per_epoch = len(trainer.get_train_dataloader()) * batch
    return int(min(per_epoch, trainer.state.global_step * batch, rows))
