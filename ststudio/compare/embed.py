"""A corpus embedded block by block, by one model or two: what is done can be searched at once."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from sentence_transformers import SentenceTransformer

from ststudio.errors import StudioError
from ststudio.runs.documents import read_json, write_json
from ststudio.training import models
from ststudio.training.bucketing import bucketed

Vectors = npt.NDArray[np.float32]

# Texts between two reports: inside of a block texts are sorted by length, so a large one is
# embedded faster, and a small one is searched sooner.
BLOCK = 256
BATCH_SIZE = 64
NICE = 10  # on a CPU runs and searches go first


@dataclass
class Filling:
    """One model's vectors of a corpus, as they are written: [texts, width] from the top."""

    model: SentenceTransformer
    prompt: str
    file: Path
    progress: Path
    total: int

    @property
    def done(self) -> int:
        """Return how many texts are embedded; a killed process leaves what it had said."""
        return int((read_json(self.progress) or {"done": 0})["done"])

    def add(self, texts: Sequence[str]) -> None:
        """Embed the next texts and write their vectors, then that they are there."""
        with bucketed(self.model):
            vectors = self.model.encode(
                list(texts),
                prompt=self.prompt,
                batch_size=BATCH_SIZE,
                normalize_embeddings=True,
                show_progress_bar=False,
            ).astype(np.float32)
        if not np.isfinite(vectors).all():
            raise StudioError(
                "The model gave no usable vectors for some of these texts: it has diverged, "
                "or is damaged. Compare another model."
            )
        done = self.done
        self._write(done, vectors)
        write_json(self.progress, {"done": done + len(texts)})

    def _write(self, row: int, vectors: Vectors) -> None:
        """Write rows into a file that has its full size from the start, so that it can be mapped.

        Not through a map: on a full disk that ends the process instead of raising.
        """
        width = vectors.shape[1]
        if row == 0:
            np.lib.format.open_memmap(  # holes, until they are written
                self.file, mode="w+", dtype=np.float32, shape=(self.total, width)
            )
        start = self.file.stat().st_size - 4 * width * (self.total - row)
        with self.file.open("r+b") as sink:
            sink.seek(start)
            sink.write(np.ascontiguousarray(vectors).tobytes())


def embed_job(message: dict[str, Any]) -> dict[str, int]:
    """Embed a corpus by all sides in step, each from where it had come."""
    if models.device() == "cpu":
        os.nice(NICE)
    texts = pq.read_table(message["texts"], columns=["text"])["text"]
    fillings = [_filling(side, len(texts)) for side in message["sides"]]
    for start in range(0, len(texts), BLOCK):
        for filling in fillings:
            left = texts[max(start, filling.done) : start + BLOCK].to_pylist()
            if left and filling.done < start + BLOCK:
                filling.add(left)
    return {"texts": len(texts)}


def _filling(side: dict[str, Any], total: int) -> Filling:
    file, progress = Path(side["vectors"]), Path(side["progress"])
    file.parent.mkdir(parents=True, exist_ok=True)
    model = models.load_model(Path(side["model"]))
    model.eval()
    if side["max_seq_length"]:
        models.set_length(model, side["max_seq_length"])
    return Filling(model, side["prompt"], file, progress, total)
