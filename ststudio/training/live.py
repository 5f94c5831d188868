"""The trainer's callback: live log, time limit and stop flag."""

import math
import time
from statistics import median
from typing import Any

import torch
from transformers import (
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    get_scheduler,
)
from transformers.trainer_utils import IntervalStrategy

from ststudio.runs.run import Run
from ststudio.training.kept import keep, take
from ststudio.training.livelog import Facts
from ststudio.training.pace import PACED_AT, fit_steps
from ststudio.training.recipe import DEFAULT_SECONDS, Recipe
from ststudio.training.watchdog import Watch

STATE_SECONDS = 0.3  # between two writes of state.json
# The seconds a run may be silent past its time before it counts as hung: two of its longest steps,
# but at least this; and more before a first step or a look at dev, whose length is not yet known.
STEP_PATIENCE = 8.0
PATIENCE = 30.0


class Live(TrainerCallback):
    """Show each step in the run's directory; stop at the time limit or when asked to.

    The weights that did best on dev are kept in memory where `keeps_best`. On a GPU that is
    `leased` they are kept on disk as well, or else the last ones that were evaluated.
    """

    def __init__(
        self,
        run: Run,
        metric: str,
        recipe: Recipe,
        keeps_best: bool,
        dev_units: int = 0,
        leased: bool = False,
    ) -> None:
        self.run, self.metric, self.recipe = run, f"eval_{metric}", recipe
        self.max_seconds = recipe.max_seconds or DEFAULT_SECONDS
        self.keeps_best, self.leased = keeps_best, leased
        self.watch = Watch(run, Facts.of(recipe, dev_units))
        self.best = -math.inf
        self.best_weights: dict[str, torch.Tensor] = {}
        self.started = 0.0
        self.written = 0.0
        self.step_started = 0.0
        self.step_seconds: list[float] = []
        self.dev_started = self.dev_seconds = 0.0
        # Warm-up starts at a learning rate of 0, so the first step changes no weight: the baseline
        # can wait for it, and the first step is on the page a second earlier.
        self.late_baseline = recipe.late_baseline
        self.asked = 0
        self.stopped = False
        self.lost = False  # the GPU, before the run was done
        self.cut = False  # fewer steps than asked for, to fit the time

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Start the clock."""
        self.started = time.monotonic()
        self.asked = state.max_steps
        self._plan(0, self.asked)
        until = time.time() + self.max_seconds
        self.run.update(step=0, steps=state.max_steps, until=until, patience=PATIENCE)

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Start a step's clock."""
        self.step_started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Return the seconds since training began."""
        return time.monotonic() - self.started

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any
    ) -> None:
        """Say where training stands; on stop or time-out evaluate and keep what was learned."""
        now = time.monotonic()
        self.step_seconds.append(now - self.step_started)
        watched = args.eval_strategy != IntervalStrategy.NO  # there is no dev to look at otherwise
        if state.global_step == 1 and self.late_baseline:
            self.dev_started = self.seconds
            control.should_evaluate = watched
        if state.global_step in PACED_AT:
            self._fit(args, state, rest["lr_scheduler"])
        if now - self.written > STATE_SECONDS or state.global_step in (1, state.max_steps):
            self.written = now
            left = self._pace() * (state.max_steps - state.global_step)
            left = max(0.0, min(left, self.max_seconds - self.seconds))
            self.run.update(
                step=state.global_step,
                steps=state.max_steps,
                training_seconds_left=left,
                patience=self._patience(),
            )
        self.stopped = self.stopped or self.run.stopping
        late = self.seconds > self.max_seconds
        self.cut = self.cut or (late and state.global_step < self.asked)
        if self.stopped or late:
            control.should_training_stop = True
            control.should_evaluate = watched
        if control.should_evaluate:
            self.run.update(patience=max(PATIENCE, 3 * self.dev_seconds))

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **rest: Any
    ) -> None:
        """Keep the last weights, evaluated or not, as measuring may outlast the lease."""
        if state.global_step != state.max_steps:
            self._plan(state.global_step, state.global_step)
        self.run.update(step=state.global_step, patience=PATIENCE)  # the last may not be written
        if self.leased and not self.keeps_best and state.global_step:
            self._keep(rest["model"], state)

    def _plan(self, step: int, steps: int) -> None:
        """Log that from a step on so many are planned in all; train.py plans them again."""
        self.run.append_log({"step": step, "steps": steps})

    def _patience(self) -> float:
        """Return the seconds without a step after which a run counts as hung, past its time."""
        return max(STEP_PATIENCE, 2 * max(self.step_seconds))

    def _is_baseline(self, state: TrainerState) -> bool:
        """Tell whether the weights are still the base model's."""
        return state.global_step == 0 or (state.global_step == 1 and self.late_baseline)

    def _pace(self) -> float:
        """Return the seconds a step takes; the first ones pay for what later ones reuse."""
        return median(self.step_seconds[1:][-10:] or self.step_seconds)

    def _fit(self, args: TrainingArguments, state: TrainerState, scheduler: Any) -> None:
        """Plan the steps that fit the time, and bend the learning rate's schedule to them."""
        left = self.max_seconds - self.seconds
        plan = fit_steps(self.asked, state.global_step, left, self._pace(), self.dev_seconds)
        self.cut = plan.cut
        if plan.steps != state.max_steps:
            self._plan(state.global_step, plan.steps)
        state.max_steps = plan.steps
        state.eval_steps = self.recipe.eval_steps or plan.eval_steps
        still = torch.optim.SGD([torch.zeros(1)], lr=1.0)  # only the schedule's shape is wanted
        shape = get_scheduler(
            self.recipe.lr_scheduler_type, still, args.get_warmup_steps(plan.steps), plan.steps
        )
        inner = getattr(scheduler, "scheduler", scheduler)  # accelerate wraps it
        inner.lr_lambdas = shape.lr_lambdas * len(inner.lr_lambdas)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Append what the trainer logs; raise StudioError when the loss is no number."""
        logs = logs or {}
        self.watch.know(steps=state.max_steps)
        if "loss" in logs:
            self.watch.add(
                {
                    "step": state.global_step,
                    "loss": logs["loss"],
                    "grad_norm": logs.get("grad_norm"),
                    "learning_rate": logs.get("learning_rate"),
                    "seconds": self.seconds,
                }
            )
        if self.metric in logs:
            metric = float(logs[self.metric])
            step = 0 if self._is_baseline(state) else state.global_step
            self.watch.add({"step": step, "metric": metric, "seconds": self.seconds})

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **rest: Any,
    ) -> None:
        """Keep the weights when dev is as good as ever; the baseline is nothing to keep."""
        if self._is_baseline(state):
            self.dev_seconds = self.seconds - self.dev_started
        else:
            value = (metrics or {}).get(self.metric, -math.inf)
            if value >= self.best or not self.keeps_best:
                self.best = value
                self._keep(rest["model"], state)
        self.run.update(patience=self._patience() if self.step_seconds else PATIENCE)

    def _keep(self, model: torch.nn.Module, state: TrainerState) -> None:
        if not self.keeps_best and not self.leased:
            return
        weights = {
            name: weight.detach().cpu().clone().contiguous()
            for name, weight in model.state_dict().items()
        }
        if self.keeps_best:
            self.best_weights = weights
        if self.leased:
            keep(self.run.kept_file, weights, step=state.global_step, seconds=self.seconds)

    def take_over(self, model: torch.nn.Module, state: TrainerState) -> None:
        """Go on from what was kept by a run that lost its GPU."""
        kept = take(self.run.kept_file, model)
        state.global_step = int(kept["step"])
        self._plan(state.global_step, state.global_step)
        self.started = time.monotonic() - kept["seconds"]
        self.lost = True

    def restore_best(self, model: torch.nn.Module) -> None:
        """Go back to the best weights, where some were kept."""
        if self.best_weights:
            model.load_state_dict(self.best_weights)
            self.best_weights = {}

    def check_whole(self, model: torch.nn.Module, step: int) -> None:
        """Raise StudioError where a weight is no number: the last steps may have no log entry."""
        if not all(bool(torch.isfinite(weight).all()) for weight in model.parameters()):
            self.watch.add({"step": step, "loss": math.nan})
