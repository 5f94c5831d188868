"""How long a run will take: the machine's measured pace, scaled to model, rows and recipe."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ststudio.model_shape import Shape
from ststudio.training.loss_settings import GUIDE
from ststudio.training.pace import FEWEST_TEST_UNITS, asked_steps, fit_steps, measuring_budget
from ststudio.training.recipe import DEFAULT_SECONDS, Recipe

SIZES = 6  # of a run's steps, each recorded once on a GPU before it is replayed
CHUNK_TOKENS = 48  # what one more chunk of like length costs in a step (training/bucketing.py)
RECOMPUTED = 4 / 3  # of a step's arithmetic, by losses that embed a batch twice to save memory
# Seconds on two cores, beside what is measured: the trainer made and its rows prepared; the work
# of a step that is no arithmetic (batches, log, callbacks); both models' metrics, and to write
# model, vectors and report.
PREPARED_SECONDS = 1.0
STEP_SECONDS = 0.006
FEW_SECONDS = 1.0


@dataclass(frozen=True)
class Line:
    """Seconds as a line over tokens: what one pass costs anyway, and what a token adds."""

    fixed: float
    token: float

    @classmethod
    def through(cls, points: Sequence[Sequence[float]]) -> "Line":
        """Lay a line through two measured (tokens, seconds), neither part below zero."""
        (few, soon), (many, late) = points
        token = max((late - soon) / (many - few), 0.3 * late / many)
        token = min(token, late / many)
        return cls(max(soon - token * few, 0.0), token)


@dataclass(frozen=True)
class Machine:
    """How fast this machine trains and embeds with one model, as a warm worker measured it."""

    shape: Shape
    train: Line  # forward and backward
    encode: Line  # forward, in float32
    optimizer: float  # seconds for each weight that is trained
    load: float  # seconds to load the model
    batch: int  # texts that are embedded at once
    recorded: float = 0.0  # seconds that each size of a step costs once, on a GPU

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Machine":
        """Read what the worker sent."""
        shape = Shape(**value["shape"])

        def line(name: str) -> Line:
            points = value[name]
            return Line.through([(_read(n, each, shape.hidden), s) for n, each, s in points])

        told = {name: value[name] for name in ("optimizer", "load", "batch", "recorded")}
        return cls(shape, line("train"), line("encode"), **told)


def _read(tokens: float, each: float, hidden: int) -> float:
    """Return tokens of texts `each` so long, with the share that attention adds to a long one."""
    return tokens * (1 + each / (6 * max(hidden, 1)))


@dataclass(frozen=True)
class Texts:
    """How long the texts of a role are, in tokens."""

    mean: float
    square: float  # mean of the squares
    spread: float  # standard deviation

    @classmethod
    def of(cls, role: Mapping[str, Any], limit: int | None) -> "Texts":
        """Read a role's histogram, each text cut at `limit` tokens."""
        edges, counts = role["edges"], role["counts"]
        longest = role["quantiles"]["100"]
        middles = [(a + b) / 2 for a, b in zip(edges, edges[1:], strict=False)]
        if counts[-1]:  # the last bar holds the longer ones, too
            middles[-1] = max(middles[-1], (edges[-2] + longest) / 2)
        cut = [min(middle, limit or longest) for middle in middles]
        total = max(sum(counts), 1)
        mean = sum(n * tokens for n, tokens in zip(counts, cut, strict=True)) / total
        square = sum(n * tokens**2 for n, tokens in zip(counts, cut, strict=True)) / total
        return cls(mean, square, math.sqrt(max(square - mean**2, 0.0)))

    def read(self, hidden: int) -> float:
        """Return a text's tokens with what attention adds."""
        return self.mean + self.square / (6 * max(hidden, 1))


# The general pairs, by one model: those of the base are kept from run to run.
GENERAL_TEXTS, GENERAL = 600, Texts(14.0, 220.0, 5.0)


@dataclass(frozen=True)
class Work:
    """What a run goes through: rows and how long their texts are."""

    roles: tuple[Texts, ...]  # of the columns, in order
    train_rows: int
    dev_rows: int
    test_units: int
    corpus: int  # texts, the test's own answers among them

    @property
    def answers(self) -> Texts:
        """Return the role of the corpus's texts."""
        return self.roles[min(1, len(self.roles) - 1)]


@dataclass(frozen=True)
class Estimate:
    """How long a run will take until its report, and what it will have done by then."""

    seconds: float
    steps: int  # of one racer, where several race
    training_seconds: float  # of all racers
    measuring_seconds: float
    cut: bool  # the time allows fewer steps than were asked for

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as JSON values, to a tenth of a second."""
        return {
            name: round(value, 1) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def estimate(machine: Machine, shape: Shape, work: Work, recipe: Recipe) -> Estimate:
    """Estimate a run of a derived recipe on one base model."""
    many = max(1, len(recipe.race or ()))
    load = machine.load * (0.5 + 0.5 * _ratio(shape.trained, machine.shape.trained))
    limit = recipe.max_seconds or DEFAULT_SECONDS
    batch = recipe.per_device_train_batch_size or 16
    step = _step_seconds(machine, shape, work, recipe)
    dev = _dev_seconds(machine, shape, work)
    asked = asked_steps(recipe, max(1, -(-work.train_rows // batch)))
    recorded = min(SIZES, asked) * machine.recorded
    plan = fit_steps(asked, 0, max(limit - recorded, step), step, dev)
    looks = 1 + -(-plan.steps // (recipe.eval_steps or plan.eval_steps)) if work.dev_rows else 0
    training = min(recorded + plan.steps * step + looks * dev, limit + step + dev)
    before = many * (load + PREPARED_SECONDS + training)
    measuring = _measuring_seconds(machine, shape, work, many * limit, before) + load
    return Estimate(before + measuring, plan.steps, many * training, measuring, plan.cut)


def _ratio(one: float, other: float) -> float:
    return one / other if other else 1.0


def _step_seconds(machine: Machine, shape: Shape, work: Work, recipe: Recipe) -> float:
    """Estimate a step: the columns of a batch go through together, packed or in chunks."""
    batch = recipe.per_device_train_batch_size or 16
    texts = batch * len(work.roles)
    tokens = batch * sum(role.read(shape.hidden) for role in work.roles)
    if not shape.packed:
        # Lengths spread evenly over `width`, in k chunks, cost texts * width / 2k tokens of padding
        # and k times what a chunk costs; the best k makes both the same.
        width = math.sqrt(12) * max(role.spread for role in work.roles)
        tokens += max(CHUNK_TOKENS, math.sqrt(2 * CHUNK_TOKENS * texts * width))
    line = _scaled(machine.train, machine.shape, shape)
    arithmetic = line.fixed + line.token * tokens
    if (recipe.loss or "").startswith("Cached"):
        arithmetic *= RECOMPUTED
    if GUIDE in recipe.loss_settings:  # it embeds the same texts, once
        arithmetic += _scaled(machine.encode, machine.shape, shape).token * tokens
    return arithmetic + machine.optimizer * shape.trained + STEP_SECONDS


def _scaled(line: Line, known: Shape, shape: Shape) -> Line:
    """Scale what was measured with one model to another one."""
    return Line(
        line.fixed * _ratio(shape.layers, known.layers),
        line.token * _ratio(shape.multiplied, known.multiplied),
    )


def _encode_seconds(machine: Machine, shape: Shape, counts: Sequence[tuple[float, Texts]]) -> float:
    line = _scaled(machine.encode, machine.shape, shape)
    tokens = sum(count * role.read(shape.hidden) for count, role in counts)
    return line.token * tokens + line.fixed * sum(count for count, _ in counts) / machine.batch


def _dev_seconds(machine: Machine, shape: Shape, work: Work) -> float:
    counts = [(work.dev_rows, role) for role in work.roles]
    return _encode_seconds(machine, shape, counts)


def _measuring_seconds(
    machine: Machine, shape: Shape, work: Work, training: float, gone: float
) -> float:
    """Estimate how long both models take over test rows and as much of the corpus as fits."""

    def both(units: float, corpus: float) -> float:
        counts = [(units, work.roles[0]), (corpus, work.answers)]
        return 2 * _encode_seconds(machine, shape, counts)

    general = _encode_seconds(machine, shape, [(GENERAL_TEXTS, GENERAL)])
    dev = [(work.dev_rows, role) for role in work.roles]
    beside = general + 2 * _encode_seconds(machine, shape, dev)
    few = min(work.test_units, FEWEST_TEST_UNITS)
    least = both(few, min(work.corpus, few) if len(work.roles) > 1 else 0)
    allowed = max(measuring_budget(training, gone), least)
    encoding = min(beside + both(work.test_units, work.corpus), allowed)
    return encoding + FEW_SECONDS
