"""Lower precisions: the library's own numbers, searched exactly."""

import numpy as np
import pytest
from sentence_transformers.util import quantization

from ststudio.compare.precisions import Binary, Float32, Int8, search, top


def unit(rows: int, width: int = 72, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


CORPUS, QUERIES = unit(9_000), unit(7, seed=1)  # more rows than one block


def test_the_best_come_first_and_the_earlier_where_equal() -> None:
    scores = np.array([[1.0, 3.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
    assert top(scores, 3).tolist() == [[1, 2, 3], [0, 1, 2]]
    assert top(scores, 9).shape == (2, 4)


def test_whole_vectors_are_ranked_by_their_cosines() -> None:
    wanted = np.argsort(-(QUERIES @ CORPUS.T), axis=1)[:, :10]
    assert search(Float32(CORPUS), QUERIES, 10).tolist() == wanted.tolist()


def test_int8_is_what_the_library_makes_of_the_corpus() -> None:
    index = Int8(CORPUS)
    own = quantization.quantize_embeddings(CORPUS, "int8")
    assert (index.vectors == own).all()
    rows = np.arange(20).reshape(2, 10)
    ranges = np.stack([CORPUS.min(axis=0), CORPUS.max(axis=0)])
    restored = quantization._dequantize_embeddings(own[rows].astype(int), "int8", ranges)
    np.testing.assert_allclose(index.restored(rows), restored, atol=1e-6)


def test_int8_candidates_are_scored_by_whole_numbers_exactly() -> None:
    index = Int8(CORPUS)
    whole = quantization.quantize_embeddings(QUERIES, "int8", calibration_embeddings=CORPUS)
    exact = whole.astype(np.int64) @ index.vectors.astype(np.int64).T
    assert (index.scores(QUERIES) == exact).all()


@pytest.mark.parametrize("width", [8, 48, 72, 384])
def test_binary_counts_the_bits_that_differ(width: int) -> None:
    corpus, queries = unit(300, width), unit(5, width, seed=1)
    own = quantization.quantize_embeddings(corpus, "ubinary")
    assert (Binary(corpus).vectors.view(np.uint8)[:, : own.shape[1]] == own).all()
    differ = (queries[:, None] > 0) != (corpus[None] > 0)
    assert (Binary(corpus).scores(queries) == -differ.sum(axis=2)).all()


def test_binary_hits_are_scored_again_by_the_query_as_it_was() -> None:
    found = search(Binary(CORPUS), QUERIES, 10)
    hamming = ((QUERIES[:, None] > 0) != (CORPUS[None] > 0)).sum(axis=2)
    for query, rows, differ in zip(QUERIES, found, hamming, strict=True):
        candidates = np.argsort(differ, kind="stable")[:40]
        again = (CORPUS[candidates] > 0).astype(np.float32) @ query
        assert rows.tolist() == candidates[np.argsort(-again, kind="stable")[:10]].tolist()


def test_the_bytes_of_a_vector() -> None:
    assert [kind.bytes(100) for kind in (Float32, Int8, Binary)] == [400, 100, 13]
    assert len(Binary(unit(3, 384)).vectors[0].tobytes()) == Binary.bytes(384)
