"""Vectors at a lower precision, searched exactly: float32, int8, and binary, both rescored."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Rows = npt.NDArray[np.intp]

RESCORED = 4  # times as many candidates are scored again, as sentence-transformers' searches do it
BLOCK = 8_192  # rows of whole numbers that are made floats at once


def top(scores: Floats, count: int) -> Rows:
    """Return the columns of the best scores of each row, best first, the earlier where equal."""
    count = min(count, scores.shape[1])
    found = np.empty((len(scores), count), dtype=np.intp)
    for place, row in enumerate(scores):
        last = np.partition(row, len(row) - count)[len(row) - count]
        some = np.flatnonzero(row >= last)  # bits have many equals: all that may be the last one
        found[place] = some[np.argsort(-row[some], kind="stable")][:count]
    return found


class Float32:
    """The vectors as they are: each score is the cosine."""

    times = 1

    def __init__(self, vectors: Floats) -> None:
        self.vectors = vectors

    @staticmethod
    def bytes(dims: int) -> int:
        """Return the bytes of one vector."""
        return 4 * dims

    def scores(self, queries: Floats) -> Floats:
        """Score every vector for each query, [queries, vectors]."""
        scores: Floats = queries @ self.vectors.T
        return scores

    def restored(self, rows: Rows) -> Floats:
        """Return what is known of these vectors as floats, for scoring them again."""
        return self.vectors[rows]


class Int8:
    """One byte a number, by the range that each dimension has in the corpus.

    Candidates are found by whole numbers alone, then scored by the query as it was.
    """

    times = RESCORED

    def __init__(self, vectors: Floats) -> None:
        self.start = vectors.min(axis=0)
        steps = (vectors.max(axis=0) - self.start) / 255
        self.steps = np.where(steps == 0, 1, steps)
        self.vectors = self._rounded(vectors)

    def _rounded(self, vectors: Floats) -> npt.NDArray[np.int8]:
        """Round as sentence-transformers' quantize_embeddings does (a test holds them equal)."""
        places = np.clip(np.floor((vectors - self.start) / self.steps), 0, 255)
        return (places - 128).astype(np.int8)

    @staticmethod
    def bytes(dims: int) -> int:
        """Return the bytes of one vector."""
        return dims

    def scores(self, queries: Floats) -> Floats:
        """Score every vector by the product of whole numbers, [queries, vectors]."""
        wanted = self._rounded(queries).astype(np.float32).T
        parts = [
            self.vectors[start : start + BLOCK].astype(np.float32) @ wanted
            for start in range(0, len(self.vectors), BLOCK)
        ]
        return np.concatenate(parts).T

    def restored(self, rows: Rows) -> Floats:
        """Return these vectors as floats, as far as one byte tells."""
        values: Floats = (self.vectors[rows].astype(np.float32) + 128) * self.steps + self.start
        return values


class Binary:
    """One bit a number, its sign: candidates by how many bits differ, then scored by the query."""

    times = RESCORED

    def __init__(self, vectors: Floats) -> None:
        self.dims = vectors.shape[1]
        self.vectors = self._packed(vectors)

    @staticmethod
    def bytes(dims: int) -> int:
        """Return the bytes of one vector."""
        return -(-dims // 8)

    def _packed(self, vectors: Floats) -> npt.NDArray[np.uint64]:
        bits = np.packbits(vectors > 0, axis=1)
        room = -bits.shape[1] % 8  # compared in words of 64 bits
        return np.pad(bits, ((0, 0), (0, room))).view(np.uint64)

    def scores(self, queries: Floats) -> Floats:
        """Score every vector by how few bits differ from the query's, [queries, vectors]."""
        found = np.empty((len(queries), len(self.vectors)), dtype=np.float32)
        for row, query in enumerate(self._packed(queries)):
            differ = np.bitwise_count(self.vectors ^ query)
            np.negative(differ.sum(axis=1, dtype=np.int32), out=found[row], casting="unsafe")
        return found

    def restored(self, rows: Rows) -> Floats:
        """Return these vectors' bits as floats."""
        bits = np.unpackbits(self.vectors[rows].view(np.uint8), axis=-1)[..., : self.dims]
        return bits.astype(np.float32)


Index = Float32 | Int8 | Binary
PRECISIONS: dict[str, type[Index]] = {"float32": Float32, "int8": Int8, "binary": Binary}


def search(index: Index, queries: Floats, k: int) -> Rows:
    """Return the rows of the best `k` vectors for each query, [queries, k], best first."""
    rows = top(index.scores(queries), k * index.times)
    if index.times == 1:
        return rows
    again = np.einsum("qd,qcd->qc", queries, index.restored(rows))
    order = np.argsort(-again, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(rows, order, axis=1)
