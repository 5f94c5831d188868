"""What the encoder process holds: models, texts, vectors, the least recently used out first."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from sentence_transformers import SentenceTransformer

from ststudio.compare.points import Rows, load_relevant, read_corpus, read_vectors
from ststudio.settings import GB, MB

Scores = npt.NDArray[np.float32]
T = TypeVar("T")

MODEL_BYTES = 2 * GB  # of weights held: over twenty small models, or two of the largest allowed
VECTOR_BYTES = 1 * GB  # two models' vectors of three corpora of 100,000 texts
TEXT_BYTES = 256 * MB


class Memory(Generic[T]):
    """Keep what was loaded from disk, the least recently used out first, by bytes.

    What is gone from the disk, or another than it was, is forgotten at the next call: a deleted
    run is deleted here too.
    """

    def __init__(self, budget: int, load: Callable[..., tuple[T, int]]) -> None:
        self.budget = budget
        self.load = load
        self.kept: OrderedDict[tuple[Path, ...], tuple[tuple[int, ...], T, int]] = OrderedDict()

    def get(self, *paths: Path) -> T:
        """Return what was loaded from these paths, loading it where it is not held."""
        for old in [old for old, (stamp, _, _) in self.kept.items() if stamps(old) != stamp]:
            del self.kept[old]
        if paths not in self.kept:
            self.kept[paths] = (stamps(paths), *self.load(*paths))
        self.kept.move_to_end(paths)
        while len(self.kept) > 1 and sum(size for *_, size in self.kept.values()) > self.budget:
            self.kept.popitem(last=False)
        return self.kept[paths][1]


def stamps(paths: tuple[Path, ...]) -> tuple[int, ...]:
    """Return when each of these last changed, 0 where there is nothing."""
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


@dataclass(frozen=True)
class Texts:
    """What is searched: texts, and of a run's own also their ids, groups and places."""

    texts: pa.ChunkedArray
    ids: pa.ChunkedArray | None = None
    groups: pa.ChunkedArray | None = None
    rows: Rows | None = None  # of the run's vectors

    def __len__(self) -> int:
        """Count the texts."""
        return len(self.texts)

    def id(self, row: int) -> str:
        """Return what a text is called: by its run, or by its place in the corpus."""
        return f"t{row}" if self.ids is None else str(self.ids[row].as_py())

    def text(self, row: int) -> str:
        """Return one text."""
        return str(self.texts[row].as_py())


def load_model(folder: Path) -> tuple[SentenceTransformer, int]:
    """Load a model from a folder of ours, in float32 on the CPU, and count its bytes."""
    model = SentenceTransformer(
        str(folder),
        device="cpu",
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"use_safetensors": True, "weights_only": True, "dtype": "float32"},
    )
    model.eval()
    return model, sum(weight.numel() * weight.element_size() for weight in model.parameters())


def load_texts(file: Path) -> tuple[Texts, int]:
    """Read a run's corpus from its points, or texts by themselves, and count their bytes."""
    if "kind" not in pq.read_schema(file).names:
        table = pq.read_table(file, columns=["text"])
        return Texts(table["text"]), table.nbytes
    table, rows = read_corpus(file)
    texts = Texts(table["text"], table["id"], table["group"], rows)
    return texts, table.nbytes + rows.nbytes


def load_own(file: Path, points_file: Path) -> tuple[Scores, int]:
    """Read a run's vectors of its own corpus, and count their bytes."""
    vectors = read_vectors(file)[read_corpus(points_file)[1]]
    return vectors, vectors.nbytes


def load_mapped(file: Path) -> tuple[Scores, int]:
    """Map vectors that may still be written, so that one copy serves, and count their bytes."""
    vectors: Scores = np.load(file, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    return vectors, vectors.nbytes


def load_answers(queries_file: Path) -> tuple[dict[str, frozenset[str]], int]:
    """Read which documents are relevant to each test query, and count their bytes, about."""
    answers = load_relevant(queries_file)
    return answers, sum(len(query) + 100 * len(ids) for query, ids in answers.items())


MODELS = Memory(MODEL_BYTES, load_model)
TEXTS = Memory(TEXT_BYTES, load_texts)
OWN = Memory(VECTOR_BYTES, load_own)
MAPPED = Memory(VECTOR_BYTES, load_mapped)
RELEVANT = Memory(TEXT_BYTES, load_answers)
