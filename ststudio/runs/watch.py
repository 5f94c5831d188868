"""When a run must be ended from outside: a step that hangs, or no end long after its time."""

import time

from ststudio.runs.run import Run
from ststudio.settings import Settings
from ststudio.training.racers import total_seconds

GRACE_SECONDS = 45.0  # for loading and measuring beyond what the recipe's time suggests
HUNG_SECONDS = 8.0  # past the time limit; with looking and ending, the reason stands within ten


class Watch:
    """Watch one run from the process that started it, from now on."""

    def __init__(self, run: Run, settings: Settings, grace_seconds: float = GRACE_SECONDS) -> None:
        self.run = run
        self.still_seconds = settings.hard_stop_seconds
        self.extra = grace_seconds + self.still_seconds
        seconds = total_seconds(run.recipe)
        self.deadline = time.monotonic() + 1.5 * seconds + self.extra

    def reason(self) -> str | None:
        """Say why the run must be ended now, or return None."""
        state, silent = self.run.state, time.time() - self.run.last_sign
        if state.get("until") and "measured" not in state:
            limit = min(float(state["until"]), self.run.stop_asked)
            past = time.time() - limit
            if past > HUNG_SECONDS and silent > float(state["patience"]):
                return (
                    f"Near step {state.get('step', 0)} training stood still for {silent:.0f} s, "
                    f"{past:.0f} s past its time, and was ended. Nothing was kept. "
                    "Try smaller batches, shorter texts or another loss."
                )
        late = time.monotonic() - self.deadline
        # A slow machine may still be measuring: what stands still or takes twice its time ends.
        if late > 0 and (silent > self.still_seconds or late > self.extra):
            return "No sign of life after the time limit; it was ended."
        return None
