"""Nothing learned is no win, whichever of ten checkpoints did best on dev."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.runs.store import RunStore
from ststudio.settings import get_settings
from ststudio.shelf import packaged_model
from ststudio.training.influence import average_precision, spearman
from ststudio.training.interval import Floats, Ints, paired_means
from ststudio.training.neighbours import nearest_other
from ststudio.training.recipe import Recipe
from ststudio.training.train import train
from ststudio.training.verdict import verdict
from tests.training.samples import examples_of, real_examples
from tests.training.simulated import GAINS

CHECKPOINTS, RUNS = 10, 200
DEV, TEST = 200, 500
KEPT = 0.98  # of what a model makes of a text, from one checkpoint to the next
CLASSES = 8
CENTRES = np.random.default_rng(0).normal(size=(CLASSES, 16))

Evidence = Callable[[Floats, Floats], Floats]  # of what is true of the rows, and of the noise


def triplet_hits(truth: Floats, noise: Floats) -> Floats:
    return (noise[:, 0] > -0.9).astype(float)


def query_gains(truth: Floats, noise: Floats) -> Floats:
    place = np.floor(np.exp(1.5 * noise[:, 0])).astype(int)
    return np.append(GAINS, 0.0)[np.minimum(place, 10)]


def score_ranks(truth: Floats, noise: Floats) -> Floats:
    return spearman(truth, truth + 0.7 * noise[:, 0])


def label_precisions(truth: Floats, noise: Floats) -> Floats:
    return average_precision((truth > 0.4).astype(float), truth + noise[:, 0])


def nearest_of(truth: Floats, noise: Floats) -> tuple[Ints, Ints]:
    labels = (np.abs(truth) * 1e6).astype(np.int64) % CLASSES
    vectors = CENTRES[labels] + 1.9 * noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return labels, nearest_other(vectors @ vectors.T)


def class_neighbours(truth: Floats, noise: Floats) -> Floats:
    labels, nearest = nearest_of(truth, noise)
    return (labels[nearest] == labels).astype(float)


def wins(evidence: Evidence, chosen_on_test: bool = False) -> int:
    """Count the wins among runs whose every checkpoint is as good as the base, in truth."""
    found = 0
    rng = np.random.default_rng(11)
    for _ in range(RUNS):
        truth = rng.normal(size=DEV + TEST)
        noise = rng.normal(size=(DEV + TEST, 16))
        models = [noise]
        for _ in range(CHECKPOINTS):
            fresh = rng.normal(size=noise.shape)
            models.append(KEPT * models[-1] + np.sqrt(1 - KEPT**2) * fresh)
        dev = [evidence(truth[:DEV], model[:DEV]).mean() for model in models]
        scores = dev[1:]
        if chosen_on_test:
            scores = [evidence(truth[DEV:], model[DEV:]).mean() for model in models[1:]]
        pair = [model[DEV:] for model in (noise, models[1 + int(np.argmax(scores))])]
        before, after = (evidence(truth[DEV:], model) for model in pair)
        rests = evidence is class_neighbours
        nearest = [nearest_of(truth[DEV:], model)[1] for model in pair] if rests else []
        interval = paired_means(before, after, np.arange(TEST), nearest)
        found += verdict(interval, TEST) == "WIN"
    return found


@pytest.mark.parametrize(
    "evidence",
    [
        triplet_hits,
        query_gains,
        score_ranks,
        label_precisions,
        pytest.param(class_neighbours, marks=pytest.mark.slow),
    ],
)
def test_the_best_of_ten_noise_checkpoints_wins_in_at_most_a_twentieth_of_runs(
    evidence: Evidence,
) -> None:
    assert wins(evidence) <= 0.05 * RUNS


def test_chosen_on_the_test_rows_themselves_far_more_would_win() -> None:
    assert wins(triplet_hits, chosen_on_test=True) > 0.1 * RUNS


def shuffled(examples: Examples, seed: int, parts: tuple[str, ...]) -> Examples:
    """Give the rows of these parts each other's positives."""
    rng = np.random.default_rng(seed)
    tables: dict[str, Any] = {}
    for part in parts:
        table: pa.Table = getattr(examples, part)
        place = table.column_names.index("positive")
        mixed = table["positive"].take(rng.permutation(table.num_rows))
        tables[part] = table.set_column(place, "positive", mixed)
    return replace(examples, **tables)


def report_of(folder: Path, examples: Examples) -> dict[str, Any]:
    """Fine-tune the packaged model for forty steps with ten looks at dev; return the report."""
    recipe = Recipe(
        {"kind": "builtin", "id": "sample-pair"},
        max_steps=40,
        eval_steps=4,
        max_seconds=float(get_settings().run_seconds),
        max_seq_length=32,
    ).derived(CASES[examples.case])
    run, _ = RunStore(folder).create(recipe.to_json(), {"case": examples.case})
    replace(examples, dev=examples.dev.slice(0, 100)).save(run.examples_dir)
    base = packaged_model()
    assert base is not None
    run.write_base(base)
    assert train(run)[0] == "finished"
    assert 3 <= len([entry for entry in run.log() if "metric" in entry]) <= 11
    report = run.report
    assert report is not None
    return report


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", ["questions", "tickets", "replies"])
def test_shuffled_positives_never_win_in_a_real_run(
    name: str, tmp_path: Path, real_hub: dict[str, str]
) -> None:
    learned, everywhere = ("train", "dev"), ("train", "dev", "test")
    examples = {
        "questions": lambda: shuffled(real_examples(real_hub, "QQP_triplets"), 1, learned),
        "tickets": lambda: shuffled(examples_of("triplet"), 2, learned),
        "replies": lambda: shuffled(examples_of("pair"), 3, everywhere),
    }[name]()
    report = report_of(tmp_path, examples)
    assert report["n"] >= 150 and report["verdict"] != "WIN", report
