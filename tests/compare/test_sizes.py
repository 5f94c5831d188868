"""Sizes of vectors: the report's own quality at full size, and a choice by the stated rule."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ststudio.compare import sizes
from ststudio.compare.precisions import Float32
from ststudio.compare.sizes import Kept, cut, dimensions, filled, gains, measure, overlaps, sensible
from ststudio.errors import StudioError
from ststudio.tabs.sizing import measured
from ststudio.training.evaluation import ndcg
from tests.compare.conftest import ComparedRun
from tests.conftest import Training


def quiet(share: float, words: str) -> None:
    assert 0 <= share <= 1 and words


@pytest.fixture(scope="module")
def found(compared: ComparedRun) -> dict:
    return measure(Kept.read(compared.embeddings_dir, compared.examples_dir), None, quiet)


def copied(run: ComparedRun, folder: Path) -> ComparedRun:
    shutil.copytree(run.path, folder)
    return ComparedRun(folder)


@pytest.mark.slow
def test_full_float32_is_the_quality_that_the_report_has(training: Training) -> None:
    run = training.run("pair")
    *_, found = measured(run)
    assert isinstance(found, dict) and found["relevance"] and run.report is not None
    whole = found["rows"][0]
    assert (whole["dims"], whole["precision"]) == (384, "float32")
    assert whole["quality"]["base"] == pytest.approx(run.report["baseline"], abs=1e-6)
    assert whole["quality"]["tuned"] == pytest.approx(run.report["score"], abs=1e-6)
    assert list(measured(run)) == [found]  # the run keeps it: nothing is measured again
    assert run.sizes == found


def test_every_size_is_measured_for_both_models(found: dict) -> None:
    sized = [(row["dims"], row["precision"]) for row in found["rows"]]
    assert len(sized) == len(set(sized)) == 15
    assert {dims for dims, _ in sized} == {384, 288, 192, 96, 48}
    for row in found["rows"]:
        assert set(row["quality"]) == {"base", "tuned"}
        assert row["ms"] > 0 and row["ms_scaled"] > 0
    bytes_of = {(row["dims"], row["precision"]): row["mb"] for row in found["rows"]}
    assert bytes_of[384, "float32"] == 1_536 and bytes_of[384, "int8"] == 384
    assert bytes_of[96, "binary"] == 12
    assert found["n"] == found["of"] == 2 and found["texts"] == 120


def test_the_quality_is_ndcg_as_the_report_measures_it() -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(20, 50))
    relevant = [frozenset(map(int, rng.integers(0, 50, rng.integers(1, 15)))) for _ in range(20)]
    ids = [f"{row:02d}" for row in range(50)]
    wanted = ndcg(scores, ids, [{ids[row] for row in some} for some in relevant])
    found = gains(np.argsort(-scores, axis=1)[:, :10], relevant)
    np.testing.assert_allclose(found, wanted)


def test_without_relevance_it_is_the_hits_that_stay(compared: ComparedRun, tmp_path: Path) -> None:
    run = copied(compared, tmp_path / "run")
    none = pa.table({"query": pa.array([], pa.string()), "doc": pa.array([], pa.string())})
    pq.write_table(none, run.examples_dir / "relevant.parquet")
    found = measure(Kept.read(run.embeddings_dir, run.examples_dir), [64], quiet)
    assert not found["relevance"]
    assert found["rows"][0]["quality"] == {"base": 1.0, "tuned": 1.0}
    assert all(0 <= value <= 1 for row in found["rows"] for value in row["quality"].values())
    assert overlaps(np.array([[1, 2]]), np.array([[2, 3]])).tolist() == [0.5]


def test_trained_dimensions_are_those_that_are_cut_to() -> None:
    assert dimensions(384, [128, 64, 384]) == [384, 128, 64]
    assert dimensions(384, None) == [384, 288, 192, 96, 48]
    assert dimensions(2, None)[-1] == 1


def test_cut_vectors_are_unit_vectors_of_the_first_numbers() -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 16))
    vectors[0, :4] = 0
    small = cut(vectors, 4)
    np.testing.assert_allclose(np.linalg.norm(small[1:], axis=1), 1, rtol=1e-6)
    assert np.isfinite(small).all()
    np.testing.assert_allclose(small[1] / small[1, 0], vectors[1, :4] / vectors[1, 0], rtol=1e-5)


def rows(*qualities_and_sizes: tuple[float, int]) -> list[dict]:
    return [{"quality": {"tuned": quality}, "mb": mb} for quality, mb in qualities_and_sizes]


def test_the_smallest_that_loses_little_enough_is_chosen() -> None:
    some = rows((0.80, 1_536), (0.795, 384), (0.78, 48), (0.60, 12))
    assert sensible(some, "tuned", 0.0) == 0
    assert sensible(some, "tuned", 0.01) == 1
    assert sensible(some, "tuned", 0.02) == 2
    equal = rows((0.80, 1_536), (0.79, 96), (0.80, 96))
    assert sensible(equal, "tuned", 0.02) == 2


def test_few_queries_do_not_allow_a_large_loss(found: dict) -> None:
    assert all(allowed <= sizes.MOST_LOSS for allowed in found["allowed"].values())


def test_a_corpus_is_filled_up_with_its_own_rows() -> None:
    corpus = np.arange(6, dtype=np.float32).reshape(3, 2)
    more = filled(Float32(corpus), 100).vectors
    assert more.shape == (100, 2) and (more[:3] == corpus).all()
    assert {tuple(row) for row in more} == {tuple(row) for row in corpus}
    assert filled(Float32(corpus), 2).vectors.shape == (3, 2)


def test_too_few_texts_and_numbers_that_are_none_are_refused(
    compared: ComparedRun, tmp_path: Path
) -> None:
    run = copied(compared, tmp_path / "run")
    vectors = np.load(run.embeddings_dir / "tuned.npy")
    vectors[3] = np.nan
    np.save(run.embeddings_dir / "tuned.npy", vectors)
    with pytest.raises(StudioError, match="diverged"):
        Kept.read(run.embeddings_dir, run.examples_dir)
    points = pq.read_table(run.embeddings_dir / "points.parquet")
    pq.write_table(points.slice(0, 9), run.embeddings_dir / "points.parquet")
    with pytest.raises(StudioError, match="corpus of 7 texts"):
        Kept.read(run.embeddings_dir, run.examples_dir)
