"""A run's map, laid out in a process of its own and kept beside the run's vectors."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ststudio.compare.points import read_vectors
from ststudio.compare.projection import affine, lay_out
from ststudio.compare.trust import measures, movements
from ststudio.errors import StudioError

POINTS = 10_000  # more than this no browser moves smoothly and t-SNE takes minutes
FEWEST_POINTS = 5  # fewer have no neighbourhoods to speak of
DIGITS = 4  # of coordinates whose spread is 1: a hundredth of a pixel
MODELS = ("base", "tuned")
Rows = npt.NDArray[np.intp]


def map_file(embeddings: Path, method: str) -> Path:
    """Return where a run's map is kept, so that a second look is instant."""
    return embeddings / f"map-{method}.json"


def places_file(embeddings: Path, method: str) -> Path:
    """Return where the same places are kept as arrays: base, tuned, and for PCA their axes."""
    return embeddings / f"map-{method}.npz"


def rows_file(embeddings: Path) -> Path:
    """Return where it is kept which of a run's points the map shows."""
    return embeddings / "map-rows.npy"


def read_points(folder: Path, *columns: str) -> tuple[list[dict[str, Any]], Rows]:
    """Return the points that a run's map shows, and their rows; raise StudioError for too few.

    A text that is both tested and searched is shown once: its twin would be its nearest
    neighbour under any model.
    """
    import pyarrow.parquet as pq

    known = pq.read_table(folder / "points.parquet", columns=["text", *columns]).to_pylist()
    first: dict[str, int] = {}
    for row, point in enumerate(known):
        first.setdefault(point["text"], row)
    rows = np.array(list(first.values())[:POINTS], dtype=np.intp)
    if len(rows) < FEWEST_POINTS:
        raise StudioError(
            f"A map needs at least {FEWEST_POINTS} texts and this run has {len(rows)}."
        )
    return [known[row] for row in rows], rows


def map_job(message: dict[str, Any]) -> bool:
    """Write map-<method>.json into the folder of a run's embeddings, whole or not at all."""
    folder, method = Path(message["embeddings"]), message["method"]
    if method != "pca":
        os.nice(10)  # this process is the map's own, and the last in line for the cores

    def tell(words: str, share: float) -> None:
        if "progress" in message:
            replace(Path(message["progress"]), json.dumps([words, share]).encode())

    points, rows = read_points(folder, "id", "group")
    base, tuned = (read_vectors(folder / f"{name}.npy")[rows] for name in MODELS)
    base_xy, tuned_xy = lay_out(base, tuned, method, tell)
    tell("Measuring how far the map can be trusted", 0.95)
    keep(rows_file(folder), np.save, rows)
    keep_places(places_file(folder, method), (base, tuned), (base_xy, tuned_xy), method == "pca")
    places = zip(
        points, base_xy.round(DIGITS).tolist(), tuned_xy.round(DIGITS).tolist(), strict=True
    )
    answer = {
        "method": method,
        "points": [{**point, "base": before, "tuned": after} for point, before, after in places],
        "measures": measures(base, tuned, base_xy, tuned_xy),
        "moved": movements(base, tuned).round(DIGITS).tolist(),
    }
    replace(map_file(folder, method), json.dumps(answer).encode())
    return True


def keep_places(
    file: Path, vectors: tuple[Any, Any], layouts: tuple[Any, Any], linear: bool
) -> None:
    """Keep both layouts as arrays, and where they are linear what takes any vector to its place."""
    kept = dict(zip(MODELS, layouts, strict=True))
    if linear:
        for name, known, places in zip(MODELS, vectors, layouts, strict=True):
            kept[f"{name}_axes"] = affine(known, places)
    keep(file, lambda part, arrays: np.savez(part, **arrays), kept)


def keep(file: Path, write: Callable[[Path, Any], None], value: Any) -> None:
    """Write an array file as a whole, by a function of NumPy's, which want the file's ending."""
    part = file.with_name(f".{os.getpid()}.{file.name}")
    write(part, value)
    os.replace(part, file)


def replace(file: Path, content: bytes) -> None:
    """Write a file as a whole, so that nobody reads half of it."""
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_bytes(content)
    os.replace(part, file)
