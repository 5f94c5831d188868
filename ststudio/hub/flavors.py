"""The machines of Hugging Face Jobs: what each has, and what it may cost, as the Hub lists them."""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ststudio.errors import StudioError
from ststudio.hub.account import reach
from ststudio.remote import endpoint, hub

ADVICE = "Try again in a minute, or run train.py on a machine of your own."
KNOWN_SECONDS = 600  # that a list of prices holds
UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
ONE = ("", "1")  # accelerators: train.py is started as one process


@dataclass(frozen=True)
class Flavor:
    """One kind of machine."""

    name: str
    title: str
    hardware: str
    has_gpu: bool
    dollars_per_hour: float

    def most(self, minutes: float) -> float:
        """Return the dollars that so many minutes cost: a job that ends sooner costs less."""
        return self.dollars_per_hour * minutes / 60


def flavors() -> tuple[Flavor, ...]:
    """Return the machines on offer, the cheapest first; raise StudioError where nobody knows."""
    return _listed(endpoint(), int(time.monotonic() / KNOWN_SECONDS))


@lru_cache(maxsize=2)
def _listed(address: str, period: int) -> tuple[Flavor, ...]:
    what = "the machines of Jobs and their prices"
    found = reach(lambda: [_flavor(one) for one in hub().list_jobs_hardware()], what, ADVICE)
    return tuple(sorted(filter(None, found), key=lambda one: (one.dollars_per_hour, one.name)))


def _flavor(machine: Any) -> Flavor | None:  # noqa: ANN401
    """Return a machine that train.py can use as it is started, with its price by the hour."""
    gpu, seconds = machine.accelerator, UNIT_SECONDS.get(machine.unit_label)
    several = gpu is not None and (gpu.type != "gpu" or str(gpu.quantity) not in ONE)
    if seconds is None or several:
        return None
    parts = [machine.cpu, machine.ram, *([f"{gpu.model} {gpu.vram}"] if gpu else [])]
    price = float(machine.unit_cost_usd) * 3600 / seconds
    return Flavor(machine.name, machine.pretty_name, ", ".join(parts), gpu is not None, price)


def flavor(name: object) -> Flavor:
    """Find a machine by its name; raise StudioError for one that is not on offer."""
    known = {one.name: one for one in flavors()}
    if not isinstance(name, str) or name not in known:
        raise StudioError(
            f"There is no machine {str(name)[:40]!r} on Jobs. Allowed: {', '.join(known)}."
        )
    return known[name]
