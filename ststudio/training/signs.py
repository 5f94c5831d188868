"""Signs of not learning, read from a run's log: each is said in words where it is there."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean, variance

from ststudio.training.livelog import WINDOW, Facts, Log
from ststudio.training.recipe import USUAL_STEPS

# Losses of real batches differ by a tenth and more: eight in a row so close to one value are one.
SAME = 0.02
# So far from that value, five times as much, a loss has been elsewhere.
ELSEWHERE = 0.1
# A gradient's norm is about 1 here, of which float32 tells 1e-7.
NO_GRADIENT = 1e-6
# Where the right answer has this probability already, the gradient, which is what is missing to
# 1, has lost nineteen twentieths of what it could teach.
KNOWN = 0.95
# Adam moves a weight by about the rate in each step. A thirtieth of a usual run's way: less than
# any run goes that merely has few steps, or a rate a third or a tenth of the usual.
FAR_LESS = 1 / 30
# Standard errors of one measurement on dev. Two models on the same units differ by less: where
# their units correlate by 0.8, as is usual, these are three standard errors of the difference.
BEYOND_NOISE = 2.0


def no_number(log: Log, facts: Facts) -> str | None:
    """Find a loss or a gradient that is no number."""
    if all(map(math.isfinite, (*log.losses[-1:], *log.norms[-1:]))):
        return None
    return (
        f"The loss became infinite or no number at step {log.steps[-1]}. "
        "Nothing was kept. Try a learning rate ten times smaller."
    )


def no_metric(log: Log, facts: Facts) -> str | None:
    """Find a dev metric that is no number."""
    if math.isfinite(log.metric):
        return None
    return "The held-out metric is no number any more: the model embeds all texts alike."


def _bare(facts: Facts, one_class: bool) -> str | None:
    """Find batches that hold one class only, or no two texts of any."""
    few = [classes < 2 if one_class else most < 2 < classes for classes, most in facts.batches]
    # Half: below that, longer training sees what it needs all the same.
    if not facts.of_classes or not few or mean(few) < 0.5:
        return None
    lack = "hold a single class" if one_class else "hold no two texts of a class"
    return f"{mean(few):.0%} of the batches {lack}, so that {facts.loss} has nothing to compare."


def one_class(log: Log, facts: Facts) -> str | None:
    """Find batches of one class."""
    return _bare(facts, one_class=True)


def no_pairs(log: Log, facts: Facts) -> str | None:
    """Find batches in which every text is the only one of its class."""
    return _bare(facts, one_class=False)


def _fruitless(facts: Facts) -> bool:
    """Tell whether the batches are what is wrong."""
    return bool(_bare(facts, one_class=True) or _bare(facts, one_class=False))


def _margin(facts: Facts) -> float:
    return float(facts.settings.get("margin", 0.0))


def _guessing(facts: Facts) -> float:
    return math.log(max(2, facts.batch_size * (facts.columns - 1)))


def _as_known(facts: Facts) -> float:
    return -math.log(KNOWN)


def _near_margin(facts: Facts) -> float:
    return (1 - KNOWN) * _margin(facts)


@dataclass(frozen=True)
class Marks:
    """Two losses that say something: all texts alike, and nothing left to teach."""

    alike: Callable[[Facts], float]
    words: str
    known: Callable[[Facts], float]


MARKS = {
    "MultipleNegativesRankingLoss": Marks(_guessing, "that of guessing", _as_known),
    "CachedMultipleNegativesRankingLoss": Marks(_guessing, "that of guessing", _as_known),
    "TripletLoss": Marks(_margin, "its margin", _near_margin),
    "BatchHardTripletLoss": Marks(_margin, "its margin", _near_margin),
    "BatchSemiHardTripletLoss": Marks(_margin, "its margin", _near_margin),
    "BatchHardSoftMarginTripletLoss": Marks(lambda _: math.log(2), "ln 2", _as_known),
}


def _stands(log: Log, facts: Facts) -> str | None:
    """Say so where the latest losses stand at the value of texts that are all alike."""
    marks = MARKS.get(facts.loss)
    if marks is None or len(log.last) < WINDOW or _fruitless(facts):
        return None
    value = marks.alike(facts)
    if any(abs(loss - value) > SAME * value for loss in log.last):
        return None
    return f"The loss stands still at {value:.3g}, {marks.words}"


def _began_elsewhere(log: Log, facts: Facts) -> bool:
    marks = MARKS[facts.loss]
    value = marks.alike(facts)
    return abs(mean(log.first) - value) > ELSEWHERE * value


def same_texts(log: Log, facts: Facts) -> str | None:
    """Find a loss that compares texts with themselves."""
    said = _stands(log, facts)
    if said is None or facts.same < 0.5:  # where most rows teach, the others are noise
        return None
    return f"{said}: in {facts.same:.0%} of the training rows the texts compared are the same."


def alike_from_the_start(log: Log, facts: Facts) -> str | None:
    """Find a model that embedded all texts alike at first and does not learn otherwise."""
    said = _stands(log, facts)
    # A model from zero does so, and learns: it has a third of the steps to show it.
    if said is None or not log.apart or 3 * log.steps[-1] < facts.steps:
        return None
    if same_texts(log, facts) or rate_too_low(log, facts) or _began_elsewhere(log, facts):
        return None
    return f"{said}, as in the first steps: this model embeds all texts alike, and stays so."


def collapsed(log: Log, facts: Facts) -> str | None:
    """Find a model that has come to embed all texts alike."""
    said = _stands(log, facts)
    if said is None or same_texts(log, facts) or not _began_elsewhere(log, facts):
        return None
    return f"{said}: by now the model embeds all texts alike."


def _learned(log: Log, facts: Facts) -> bool:
    """Tell whether dev stands above the base model's by more than chance."""
    if len(log.looks) < 2:
        return False
    base, best = log.looks[0][1], max(metric for _, metric in log.looks)
    return best - base > BEYOND_NOISE * facts.noise(base)


def no_gradient(log: Log, facts: Facts) -> str | None:
    """Find losses or gradients of nothing, where nothing was learned before."""
    losses, norms = log.last, log.norms[-WINDOW:]
    if len(losses) < WINDOW or _fruitless(facts):
        return None
    nothing = not any(losses) or (len(norms) == WINDOW and max(norms) <= NO_GRADIENT)
    if not nothing or _learned(log, facts) or same_texts(log, facts):
        return None
    return f"For {WINDOW} entries of the log there was nothing to learn: no loss, or no gradient."


def too_easy(log: Log, facts: Facts) -> str | None:
    """Find a loss that is at its floor at once."""
    marks = MARKS.get(facts.loss)
    if marks is None or len(log.first) < WINDOW or mean(log.first) >= marks.known(facts):
        return None
    return (
        f"Too easy: the loss was {mean(log.first):.2g} from the first steps on, so the base model "
        "tells right from wrong in these batches already, and little is left to learn."
    )


def rate_too_high(log: Log, facts: Facts) -> str | None:
    """Find a loss that rises, or a dev metric that falls below the base model's."""
    # BatchAll's is the mean of what is still wrong: it may rise while ever less is.
    sums_all = facts.loss != "BatchAllTripletLoss"
    if sums_all and log.apart and min(log.last) > max(log.first):
        return (
            f"The loss rises: {mean(log.first):.3g} in the first steps, {mean(log.last):.3g} in "
            "the latest. The learning rate is too high."
        )
    if len(log.looks) < 3:
        return None
    base = log.looks[0][1]
    falls = [base - metric for _, metric in log.looks[-2:]]
    if min(falls) <= BEYOND_NOISE * facts.noise(base):
        return None
    return (
        f"The held-out metric fell from {base:.3f} to {log.looks[-1][1]:.3f}, which is more than "
        "chance: the model forgets what it knew. The learning rate is too high."
    )


def rate_too_low(log: Log, facts: Facts) -> str | None:
    """Find weights that travel hardly at all, and a loss and a metric that show it."""
    usual = facts.usual_rate * USUAL_STEPS
    way = facts.learning_rate * facts.steps
    if way >= FAR_LESS * usual or not log.apart or 3 * log.steps[-1] < facts.steps:
        return None
    error = math.sqrt((variance(log.first) + variance(log.last)) / WINDOW)
    moved = abs(mean(log.last) - mean(log.first)) > BEYOND_NOISE * error
    if moved or _learned(log, facts):
        return None
    return (
        f"The loss has not moved in {log.steps[-1]} steps. The learning rate of "
        f"{facts.learning_rate:.1g} is too low: the weights hardly change."
    )


def overfitting(log: Log, facts: Facts) -> str | None:
    """Find a dev metric that falls from its best while the loss goes on falling."""
    step, best = best_look(log)
    after = [metric for at, metric in log.looks if at > step]
    if step == 0 or len(after) < 2 or rate_too_high(log, facts):
        return None
    if best - max(after[-2:]) <= BEYOND_NOISE * facts.noise(best):
        return None
    until = [loss for at, loss in zip(log.steps, log.losses, strict=True) if at <= step]
    if mean(log.last) >= mean(until[-WINDOW:]):
        return None
    return (
        f"The loss still falls, while the held-out metric fell from {best:.3f} at step {step} to "
        f"{after[-1]:.3f}: it learns the training rows by heart."
    )


def best_look(log: Log) -> tuple[int, float]:
    """Return step and metric of the best look, the earliest where equal."""
    return max(log.looks, key=lambda look: (look[1], -look[0]), default=(0, 0.0))
