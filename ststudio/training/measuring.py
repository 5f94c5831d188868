"""Before and after, measured: test rows and corpus through both models, their vectors are kept."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sentence_transformers import SentenceTransformer

from ststudio.data.cases import CASES, PROMPT_OF_ROLE, Case
from ststudio.data.examples import Examples
from ststudio.runs.run import Run
from ststudio.training import pace
from ststudio.training.anatomy import anatomy
from ststudio.training.evaluation import compare
from ststudio.training.live import STATE_SECONDS
from ststudio.training.neighbours import unit_rows
from ststudio.training.parts import Part
from ststudio.training.recipe import Recipe
from ststudio.training.remembered import Remembered

PROBE_TEXTS = 48


def encoding_seconds(model: SentenceTransformer, texts: Sequence[str], seed: int) -> float:
    """Measure the seconds that one character takes to embed, on a sample of the texts."""
    rng = np.random.default_rng(seed)
    sample = [texts[index] for index in rng.integers(0, len(texts), PROBE_TEXTS)]
    model.encode(sample[:4])  # the first call pays for what later ones reuse
    start = time.perf_counter()
    model.encode(sample, batch_size=PROBE_TEXTS)
    return (time.perf_counter() - start) / sum(map(len, sample))


def fit(
    run: Run,
    recipe: Recipe,
    case: Case,
    models: tuple[Remembered, Remembered],
    examples: Examples,
    budget: float,
) -> Examples:
    """Cut what both models could not embed in `budget` seconds, by the seed, not by the result.

    What an earlier run has embedded by the base model takes no time.
    """
    base, tuned = models
    texts = _texts(case, examples)
    corpus = texts["document"] + examples.test.column(0).to_pylist()
    rate = encoding_seconds(tuned.model, corpus, recipe.seed)
    each = rate * (1.0 + base.share_unknown(texts))
    left = budget - each * sum(map(len, _beside(examples)))
    fitted, notes = pace.fit_examples(examples, case, each, left, recipe.seed)
    if notes:
        replace(fitted, dev=examples.dev).save(run.examples_dir)
        run.add_notes(notes)
    return fitted


def _texts(case: Case, examples: Examples) -> dict[str, list[str]]:
    """Return all texts that are measured, by the role in which they are embedded."""
    texts: dict[str, list[str]] = {"document": examples.corpus.column("text").to_pylist()}
    for name in case.columns:
        role = PROMPT_OF_ROLE.get(name, "")
        texts.setdefault(role, []).extend(examples.test.column(name).to_pylist())
    return texts


def _beside(examples: Examples) -> list[str]:
    """Return the training texts that are embedded because the corpus answers no test text."""
    corpus = Part.of_test(examples).corpus
    return [] if corpus is examples.corpus else corpus["text"].to_pylist()


class Progress:
    """Say how many texts were embedded, as often as a page looks."""

    def __init__(self, run: Run, total: int) -> None:
        self.run, self.total = run, total
        self.started = self.written = time.monotonic()
        self.done = 0

    def __call__(self, texts: int) -> None:
        """Count texts that were embedded, and estimate the seconds that the others take."""
        self.done = min(self.done + texts, self.total)
        now = time.monotonic()
        if self.done and now - self.written > STATE_SECONDS:
            self.written = now
            left = (self.total - self.done) * (now - self.started) / self.done
            self.run.update(measured=self.done / self.total, measuring_seconds=left)


def _distinct(examples: Examples) -> int:
    """Count the different texts that one model embeds."""
    inputs = CASES[examples.case].columns
    columns = [part[name] for part in (examples.test, examples.dev) for name in inputs]
    texts = [*columns, examples.corpus["text"]]
    distinct = {text for column in texts for text in column.unique().to_pylist()}
    return len(distinct.union(_beside(examples)))


def measure(
    run: Run, case: Case, examples: Examples, models: tuple[Remembered, Remembered]
) -> dict[str, Any]:
    """Embed test rows and corpus with both models; keep the vectors and return the report."""
    base, tuned = models
    known = len(base) - len(tuned)  # but for the general pairs, which both have embedded by now
    told = Progress(run, max(1, 2 * _distinct(examples) - known))
    for model in models:
        model.progress = told
    report = compare(case, examples, *models)
    run.write("anatomy", anatomy(case, examples, models))  # before the vectors, which open the tab
    units = examples.test.column(0).unique().to_pylist()
    corpus = examples.corpus.column("text").to_pylist()
    as_query = PROMPT_OF_ROLE.get(case.unit) == "query"
    folder = run.embeddings_dir
    folder.mkdir(exist_ok=True)
    pq.write_table(points(examples, units), folder / "points.parquet")
    for name, model in zip(("base", "tuned"), models, strict=True):
        tests = (model.encode_query if as_query else model.encode)(units)
        vectors = np.concatenate([tests, model.encode_document(corpus)])
        np.save(folder / f"{name}.npy", unit_rows(vectors).astype(np.float32))
    return report


def points(examples: Examples, units: list[str]) -> pa.Table:
    """Return what map and search show: test texts first, then the corpus."""
    groups: dict[str, str] = {}
    if examples.test.column_names[-1] == "label" and examples.test.num_columns == 2:
        names = dict(enumerate(examples.class_names))
        labels = (names.get(label, str(label)) for label in examples.test.column(1).to_pylist())
        groups = dict(zip(examples.test.column(0).to_pylist(), labels, strict=True))
    corpus = examples.corpus
    return pa.table(
        {
            "id": [f"test-{number}" for number in range(len(units))]
            + corpus.column("id").to_pylist(),
            "text": units + corpus.column("text").to_pylist(),
            "group": [groups.get(text, "") for text in units] + corpus.column("group").to_pylist(),
            "kind": ["test"] * len(units) + ["corpus"] * corpus.num_rows,
        }
    )
