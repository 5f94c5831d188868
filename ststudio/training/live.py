"""The trainer's callback: live log, time limit and stop flag."""

import math
import time
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ststudio.errors import StudioError
from ststudio.runs.store import Run

STATE_SECONDS = 0.3  # between two writes of state.json


class Live(TrainerCallback):
    """Show each step in the run's directory; stop at the time limit or when asked to.

    The weights that did best on dev are kept in memory where `keeps_best`.
    """

    def __init__(self, run: Run, metric: str, max_seconds: float, keeps_best: bool) -> None:
        self.run, self.metric, self.max_seconds = run, f"eval_{metric}", max_seconds
        self.keeps_best = keeps_best
        self.best = -math.inf
        self.best_weights: dict[str, torch.Tensor] = {}
        self.started = 0.0
        self.written = 0.0
        self.stopped = False
        self.out_of_time = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Start the clock."""
        self.started = time.monotonic()
        self.run.update(step=0, steps=state.max_steps)

    @property
    def seconds(self) -> float:
        """Return the seconds since training began."""
        return time.monotonic() - self.started

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Say where training stands; on stop or time-out evaluate and keep what was learned."""
        now = time.monotonic()
        if now - self.written > STATE_SECONDS or state.global_step in (1, state.max_steps):
            self.written = now
            per_step = self.seconds / state.global_step
            self.run.update(
                step=state.global_step,
                steps=state.max_steps,
                training_seconds_left=per_step * (state.max_steps - state.global_step),
            )
        self.stopped = self.stopped or self.run.stopping
        self.out_of_time = self.out_of_time or self.seconds > self.max_seconds
        if self.stopped or self.out_of_time:
            control.should_training_stop = True
            control.should_evaluate = True

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
        if "loss" in logs:
            if not math.isfinite(logs["loss"]) or not math.isfinite(logs.get("grad_norm", 0.0)):
                raise StudioError(
                    f"The loss became infinite or no number at step {state.global_step}. "
                    "Nothing was kept. Try a learning rate ten times smaller."
                )
            self.run.append_log(
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
            entry = {"step": state.global_step, "metric": metric, "seconds": self.seconds}
            self.run.append_log(entry)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **rest: Any,
    ) -> None:
        """Keep the weights when dev is as good as ever; at step 0 there is nothing to keep."""
        value = (metrics or {}).get(self.metric, -math.inf)
        if self.keeps_best and state.global_step and value >= self.best:
            self.best = value
            weights = rest["model"].state_dict()
            self.best_weights = {name: w.detach().cpu().clone() for name, w in weights.items()}

    def restore_best(self, model: torch.nn.Module) -> None:
        """Go back to the best weights, where some were kept."""
        if self.best_weights:
            model.load_state_dict(self.best_weights)
            self.best_weights = {}
