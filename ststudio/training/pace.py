"""How much fits the time: from the pace that was measured, steps and rows cut to size."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ststudio.data.cases import Case
from ststudio.data.examples import Examples
from ststudio.training.racers import FEWEST_DEV_UNITS
from ststudio.training.recipe import USUAL_STEPS, Recipe

BESIDE_SECONDS = 14.0  # beside training's: with the default 40 a whole run fits a minute
MEASURING_SECONDS = 10.0  # at the least, for both models over test rows and corpus
MEASURING_SHARE = 0.4  # of a longer run's training time
GENERAL_SHARE = 0.25  # of measuring, for the general pairs that tell what was forgotten
DEV_MEASURING_SHARE = 0.5  # of what the test rows leave, for dev rows; the corpus gets the rest
FEWEST_TEST_UNITS = 150  # cut no further: below 100 no verdict could be given
MOST_EPOCHS = 8.0  # on small data more epochs learn the rows by heart
DEV_SHARE = 0.15  # of training time spent on the live metric
# Steps at which the pace is measured and the plan made to fit: often, for a machine that others
# share may be twice as slow in the first steps as in the next.
PACED_AT = (3, 5, 8, 12, 18, 27, 40, 60, 90)
MOST_DEV_EVALUATIONS = 10
FEWEST_DEV_EVALUATIONS = 2


@dataclass(frozen=True)
class Pace:
    """The steps a run will take, and how often it looks at dev."""

    steps: int
    eval_steps: int
    cut: bool  # the time allows fewer steps than were asked for


def measuring_budget(training: float, seconds_gone: float) -> float:
    """Return the seconds that measuring both models may take, after so many for training."""
    share = MEASURING_SHARE * training - 10.0  # 6 s of a default run's 40
    return max(MEASURING_SECONDS, share, training + BESIDE_SECONDS - seconds_gone)


def fit_examples(
    examples: Examples, case: Case, seconds_per_character: float, budget: float, seed: int
) -> tuple[Examples, list[str]]:
    """Cut corpus, then dev, then test units, to what can be embedded in `budget` seconds.

    `seconds_per_character` is what all models together take.
    Returns the examples and one sentence for each thing that was cut.
    """
    rng = np.random.default_rng(seed)
    notes = []
    characters = budget / seconds_per_character
    test = examples.test
    wanted = _needed(examples, case)
    if wanted > characters:
        units = test.column(0).unique().to_pylist()
        keep = max(FEWEST_TEST_UNITS, int(len(units) * characters / wanted))
        if keep < len(units):
            chosen = pa.array(rng.permutation(np.array(units, dtype=object))[:keep].tolist())
            test = test.filter(pc.is_in(test.column(0), value_set=chosen.cast(test.column(0).type)))
            notes.append(f"Measured on {keep:,} of {len(units):,} test units, to fit the time.")
            examples = _with_test(examples, test)
    left = characters - _needed(examples, case)
    dev = _cut_dev(examples, case, max(DEV_MEASURING_SHARE * left, 0.0), seed)
    corpus = _cut_corpus(examples, left - _characters(dev, case), rng)
    if corpus.num_rows < examples.corpus.num_rows:
        notes.append(
            f"Searched and measured within {corpus.num_rows:,} of "
            f"{examples.corpus.num_rows:,} documents, to fit the time."
        )
    return replace(examples, dev=dev, corpus=corpus), notes


def _cut_dev(examples: Examples, case: Case, characters: float, seed: int) -> pa.Table:
    """Keep as many dev units as the characters allow, none where too few are left to choose by."""
    dev = examples.dev
    wanted = _characters(dev, case)
    if wanted <= characters:
        return dev
    units = dev.column(0).unique().to_pylist()
    keep = int(len(units) * characters / wanted)
    if keep < FEWEST_DEV_UNITS:
        return dev.slice(0, 0)
    chosen = np.random.default_rng([seed, 2]).permutation(np.array(units, dtype=object))[:keep]
    return dev.filter(pc.is_in(dev.column(0), value_set=pa.array(chosen.tolist(), pa.string())))


def _characters(rows: pa.Table, case: Case) -> float:
    """Count the characters of the different texts in a case's columns."""
    inputs = [rows.column(name) for name in case.columns]
    return float(sum(map(len, {text for column in inputs for text in column.unique().to_pylist()})))


def _needed(examples: Examples, case: Case) -> float:
    """Count the characters that the test rows cannot do without."""
    inputs = [examples.test.column(name) for name in case.columns]
    distinct = {text for column in inputs for text in column.unique().to_pylist()}
    docs = pc.is_in(examples.corpus.column("id"), value_set=examples.relevant.column("doc"))
    distinct.update(examples.corpus.filter(docs).column("text").to_pylist())
    return float(sum(map(len, distinct)))


def _with_test(examples: Examples, test: pa.Table) -> Examples:
    """Keep only the queries that the test still holds, and what is relevant to them."""
    before = set(examples.test.column(0).to_pylist())
    gone = pa.array(sorted(before - set(test.column(0).to_pylist())), pa.string())
    texts = examples.queries.column("text").cast(pa.string())
    queries = examples.queries.filter(pc.invert(pc.is_in(texts, value_set=gone)))
    kept = pc.is_in(examples.relevant.column("query"), value_set=queries.column("id"))
    return replace(examples, test=test, queries=queries, relevant=examples.relevant.filter(kept))


def _cut_corpus(examples: Examples, characters: float, rng: np.random.Generator) -> pa.Table:
    """Keep every relevant document, and others at random while characters last."""
    corpus = examples.corpus
    relevant = set(examples.relevant.column("doc").to_pylist())
    ids, texts = corpus.column("id").to_pylist(), corpus.column("text").to_pylist()
    keep = {row for row, doc in enumerate(ids) if doc in relevant}
    for row in rng.permutation(len(ids)):
        if row in keep:
            continue
        characters -= len(texts[row])
        if characters < 0:
            break
        keep.add(int(row))
    return corpus.take(sorted(keep))


def asked_steps(recipe: Recipe, steps_per_epoch: int) -> int:
    """Return the steps that the recipe asks for, or that are usual for data of this size."""
    if recipe.max_steps:
        return recipe.max_steps
    usual = min(max(USUAL_STEPS / steps_per_epoch, 1.0), MOST_EPOCHS)
    return max(1, round((recipe.num_train_epochs or usual) * steps_per_epoch))


def fit_steps(
    asked: int, done: int, seconds_left: float, step_seconds: float, dev_seconds: float
) -> Pace:
    """Plan how many steps fit the time that is left, evaluations on dev included."""
    looks = int(DEV_SHARE * seconds_left / max(dev_seconds, 1e-3))
    looks = min(max(looks, FEWEST_DEV_EVALUATIONS), MOST_DEV_EVALUATIONS)
    fits = done + int((seconds_left - looks * dev_seconds) / step_seconds)
    steps = min(asked, max(done + 1, fits))
    return Pace(steps, max(1, -(-steps // looks)), steps < asked)
