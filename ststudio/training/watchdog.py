"""Is it learning? One table of rules over the live log, and what a run does with their findings."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ststudio.data.findings import Finding, Fix, Level
from ststudio.data.negatives import CODE as MINE
from ststudio.data.negatives import RELATIVE_MARGIN
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.training import signs
from ststudio.training.livelog import Facts, Log
from ststudio.training.losses import LOSSES
from ststudio.training.recipe import LEAST_RATE

# Between the rate at which the losses of scored pairs learn and the one at which they unlearn lay
# a factor of three (training/losses.py).
GENTLER = 1 / 3
MUCH_GENTLER = 1 / 10  # where the numbers themselves gave way
MOST_BATCH = 128  # larger ones do not fit a CPU's minute


@dataclass(frozen=True)
class Rule:
    """A sign of not learning: found in words or not at all, and what mends it by a click."""

    code: str
    level: Level  # an error ends the run
    sign: Callable[[Log, Facts], str | None]
    fix: Callable[[Log, Facts], Fix | None]


def _rate(rate: float) -> Fix:
    return Fix("set_learning_rate", {"learning_rate": max(float(f"{rate:.2g}"), LEAST_RATE)})


def much_gentler(log: Log, facts: Facts) -> Fix | None:
    """Return the fix that learns ten times more gently."""
    return _rate(facts.learning_rate * MUCH_GENTLER)


def gentler(log: Log, facts: Facts) -> Fix | None:
    """Return the fix to the loss's own learning rate, or to a third of a rate no higher."""
    return _rate(min(facts.learning_rate * GENTLER, facts.usual_rate))


def usual_rate(log: Log, facts: Facts) -> Fix | None:
    """Return the fix to the loss's own learning rate."""
    return _rate(facts.usual_rate)


def another_rate(log: Log, facts: Facts) -> Fix | None:
    """Return the fix to the usual rate where it is far above that, else to three times the rate."""
    if facts.learning_rate * MUCH_GENTLER >= facts.usual_rate:
        return usual_rate(log, facts)
    return _rate(facts.learning_rate / GENTLER)


def fewer_epochs(log: Log, facts: Facts) -> Fix | None:
    """Return the fix that ends where dev was best."""
    epochs = signs.best_look(log)[0] / max(facts.steps_per_epoch, 1)
    return Fix("set_epochs", {"epochs": max(float(f"{epochs:.2g}"), 0.01)})


def grouped(log: Log, facts: Facts) -> Fix | None:
    """Return the fix that puts texts of several classes, several of each, into each batch."""
    odd = facts.batch_size < 4 or facts.batch_size % 2  # such a batch cannot be grouped
    if odd or facts.sampler == "group_by_label":
        return Fix("set_batch_size", {"rows": 2 * facts.batch_size})
    return Fix("set_batch_sampler", {"sampler": "group_by_label"})


def distinct(log: Log, facts: Facts) -> Fix | None:
    """Return the fix that drops rows of the same texts."""
    return Fix("drop_duplicates" if facts.columns == 1 else "drop_same_texts")


def harder(log: Log, facts: Facts) -> Fix | None:
    """Return the fix that makes the comparisons harder, where there is one."""
    if facts.of_classes:
        hardest = "BatchHardTripletLoss"
        return Fix("use_loss", {"loss": hardest}) if facts.loss != hardest else None
    if "negative" in LOSSES[facts.loss].reads and not facts.mined:
        return Fix(MINE, {"relative_margin": RELATIVE_MARGIN, "range_min": 0})
    if 2 * facts.batch_size <= MOST_BATCH:
        return Fix("set_batch_size", {"rows": 2 * facts.batch_size})
    return None


RULES = (
    Rule("not_a_number", "error", signs.no_number, much_gentler),
    Rule("no_metric", "warning", signs.no_metric, much_gentler),
    Rule("one_class_batches", "warning", signs.one_class, grouped),
    Rule("no_pairs_in_batches", "warning", signs.no_pairs, grouped),
    Rule("same_texts_compared", "warning", signs.same_texts, distinct),
    Rule("alike_from_the_start", "warning", signs.alike_from_the_start, another_rate),
    Rule("collapsed", "warning", signs.collapsed, much_gentler),
    Rule("no_gradient", "warning", signs.no_gradient, harder),
    Rule("too_easy", "warning", signs.too_easy, harder),
    Rule("rate_too_high", "warning", signs.rate_too_high, gentler),
    Rule("rate_too_low", "warning", signs.rate_too_low, usual_rate),
    # Where dev is large enough, the best moment is kept anyway.
    Rule("overfitting", "info", signs.overfitting, fewer_epochs),
)


def watch(entries: Sequence[Mapping[str, Any]], facts: Facts) -> list[Finding]:
    """Return what the rules find in a run's log."""
    log = Log.of(entries, facts.dimensions)
    signs_seen = ((rule, rule.sign(log, facts)) for rule in RULES)
    return [
        Finding(rule.level, rule.code, words, rule.fix(log, facts))
        for rule, words in signs_seen
        if words
    ]


class Watch:
    """Writes a run's live log, and into it each finding once, when it is first made."""

    def __init__(self, run: Run, facts: Facts) -> None:
        self.run, self.facts = run, facts
        self.entries: list[dict[str, Any]] = []
        self.said: set[str] = set()

    def know(self, **facts: Any) -> None:  # noqa: ANN401
        """Learn more of the run."""
        self.facts = replace(self.facts, **facts)

    def add(self, entry: dict[str, Any]) -> None:
        """Log an entry and what it shows; raise StudioError where the run cannot go on."""
        self.entries.append(entry)
        # JSON knows no infinity, and nothing that reads the log could draw it.
        self.run.append_log({name: _known(value) for name, value in entry.items()})
        for finding in watch(self.entries, self.facts):
            if finding.code not in self.said:
                self.said.add(finding.code)
                self.run.append_log({"step": entry["step"], "finding": asdict(finding)})
            if finding.level == "error":
                raise StudioError(finding.message)


def _known(value: Any) -> Any:  # noqa: ANN401
    return None if isinstance(value, float) and not math.isfinite(value) else value
