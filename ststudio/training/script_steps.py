"""The training in a train.py: loss, arguments, and the course of steps that a run took."""

from typing import Any

import numpy as np

from ststudio.data.prompts import ALIKE, part_of
from ststudio.training.export import Export
from ststudio.training.loss_settings import COSINE, EUCLIDEAN, GUIDE
from ststudio.training.losses import LOSSES
from ststudio.training.pace import MOST_DEV_EVALUATIONS
from ststudio.training.script_text import Code, call, literal, named

LOSS = "sentence_transformers.sentence_transformer.losses"
LOGGED = 20  # lines of loss in a run

IN_BFLOAT16 = "# The run trained in bfloat16: expect numbers close to its own, not the same.\n"
KEEP_BEST = '''\
class KeepBest(TrainerCallback):
    """Go back to the weights that did best on dev, the latest of equals, at the end."""

    best, weights = -math.inf, None

    def on_evaluate(self, args, state, control, metrics, model, **kwargs):
        if metrics[f"eval_{METRIC}"] >= self.best:
            self.best = metrics[f"eval_{METRIC}"]
            self.weights = {n: w.detach().cpu().clone() for n, w in model.state_dict().items()}

    def on_train_end(self, args, state, control, model, **kwargs):
        if self.weights is not None:
            model.load_state_dict(self.weights)


'''
AS_THE_RUN_DID = '''\
class AsTheRunDid(TrainerCallback):
    """Plan the steps, measure dev and stop when the run did, which had a time to keep.

    Take it out of `callbacks` to train for all STEPS.
    """

    def on_step_end(self, args, state, control, lr_scheduler, **kwargs):
'''
BEND = """\
        if state.global_step in PLANNED:  # the learning rate follows the new plan
            state.max_steps = PLANNED[state.global_step]
            still = torch.optim.SGD([torch.zeros(1)])
            warmup = args.get_warmup_steps(state.max_steps)
            bent = get_scheduler(args.lr_scheduler_type, still, warmup, state.max_steps)
            lr_scheduler.lr_lambdas = bent.lr_lambdas * len(lr_scheduler.lr_lambdas)
"""
LOOK = """\
        control.should_evaluate = state.global_step in MEASURED
"""
STOP = """\
        control.should_training_stop = state.global_step >= LAST_STEP
"""


def replays(export: Export) -> bool:
    """Tell whether arguments alone would not take the course that the run took."""
    course = export.course
    return course.bent or (export.has_dev and course.every is None)


def course_constants(export: Export) -> str:
    """Return the constants that say how a run's steps went, where that was not as asked."""
    if not replays(export):
        return ""
    course = export.course
    lines = ""
    if course.planned:
        steps = ", ".join(f"{step}: {steps}" for step, steps in course.planned.items())
        lines += f"PLANNED = {{{steps}}}  # after a step: how many the run then planned in all\n"
    if export.has_dev:
        lines += (
            f"MEASURED = {literal(list(course.looks), 0, 11)}  # steps at which it measured dev\n"
        )
    return f"{lines}LAST_STEP = {course.last}\n"


def callbacks_code(export: Export) -> Code:
    """Return the classes of the callbacks that the run needs."""
    code = Code()
    if export.keeps_best:
        code.add(KEEP_BEST, "math", "transformers:TrainerCallback")
    if replays(export):
        code.add(AS_THE_RUN_DID, "transformers:TrainerCallback")
        if export.course.planned:
            code.add(BEND, "transformers:get_scheduler")
        code.add((LOOK if export.has_dev else "") + STOP + "\n\n")
    return code


def callbacks(export: Export) -> list[str]:
    """Return the callbacks as a call makes them."""
    best = ["KeepBest()"] if export.keeps_best else []
    return best + (["AsTheRunDid()"] if replays(export) else [])


def arguments_code(export: Export) -> Code:
    """Return the lines that make the training arguments."""
    recipe = export.recipe
    every = export.course.every or -(-export.course.asked // MOST_DEV_EVALUATIONS)
    given: dict[str, Any] = {
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": recipe.lr_scheduler_type,
        "warmup_steps": recipe.warmup_steps,
        "weight_decay": recipe.weight_decay,
        "batch_sampler": recipe.batch_sampler or export.case.batch_sampler,
        "prompts": column_prompts(export),
    }
    measured = {"eval_strategy": "steps", "eval_steps": every} if export.has_dev else {}
    bf16 = export.run.state.get("trained_in") == "bfloat16"
    logged = max(1, export.course.asked // LOGGED)
    arguments = [
        "output_dir=OUTPUT",
        "max_steps=STEPS",
        "per_device_train_batch_size=BATCH_SIZE",
        *named({name: value for name, value in given.items() if value not in (None, {}, 0.0)}),
        *(["bf16=torch.cuda.is_available() and torch.cuda.is_bf16_supported()"] if bf16 else []),
        *named({**measured, "save_strategy": "no", "logging_steps": logged}),
        "logging_nan_inf_filter=False",
        "seed=SEED",
    ]
    name = "SentenceTransformerTrainingArguments"
    text = call(f"args = {name}", arguments)
    if bf16:
        text = f"{IN_BFLOAT16}{text}"
    return Code(text, {f"sentence_transformers:{name}"})


def column_prompts(export: Export) -> dict[str, str]:
    """Return the text before each column, as the trainer takes it."""
    names = {"query": "query", "document": "document", ALIKE: "query"}
    before = {name: export.prompts.get(names[part_of(name)]) for name in export.columns}
    return {name: text for name, text in before.items() if text}


def _triplet_distance(name: str) -> tuple[str, str]:
    return f"TripletDistanceMetric.{name.upper()}", f"{LOSS}:TripletDistanceMetric"


def _batch_distance(name: str) -> tuple[str, str]:
    owner = "BatchHardTripletLossDistanceFunction"
    return f"{owner}.{name}_distance", f"{LOSS}:{owner}"


# Where a loss's own class calls a setting otherwise than the recipe does.
RENAMED = {"TripletLoss": {"margin": "triplet_margin"}}


def loss_code(export: Export) -> Code:
    """Return the lines that make the loss."""
    recipe, code = export.recipe, Code()
    assert recipe.loss in LOSSES
    settings = dict(recipe.loss_settings)
    arguments = ["model"]
    if settings.pop(GUIDE, None):
        arguments.append("guide")
    distance = settings.pop("distance", None)
    if distance in (COSINE, EUCLIDEAN):
        spelled = _triplet_distance if recipe.loss == "TripletLoss" else _batch_distance
        value, needed = spelled(distance)
        arguments.append(f"distance_metric={value}")
        code.add("", needed)
    renamed = RENAMED.get(recipe.loss, {})
    arguments += named({renamed.get(name, name): value for name, value in settings.items()})
    if recipe.loss == "SoftmaxLoss":
        arguments.append("embedding_dimension=model.get_embedding_dimension()")
        arguments += named({"num_labels": len(export.examples.train["label"].unique())})
    if LOSSES[recipe.loss].gathers:
        code.add("# With several processes, the texts of the others are wrong answers, too\n")
        arguments.append("gather_across_devices=args.world_size > 1")
    code.add(call(f"loss = {recipe.loss}", arguments), f"{LOSS}:{recipe.loss}")
    if recipe.matryoshka_dims:
        whole = np.load(export.run.embeddings_dir / "tuned.npy", mmap_mode="r").shape[1]
        dims = sorted({whole, *(d for d in recipe.matryoshka_dims if d < whole)}, reverse=True)
        wrapped = ["model", "loss", *named({"matryoshka_dims": dims})]
        code.add(call("loss = MatryoshkaLoss", wrapped), f"{LOSS}:MatryoshkaLoss")
    return code
