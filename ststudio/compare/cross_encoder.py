"""A cross-encoder at work: it reads the query together with each hit, and scores the pair."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import CrossEncoder

from ststudio.errors import StudioError
from ststudio.training import models

BATCH = 16
THREADS = 4  # at most: runs and searches want cores too

_held: dict[Path, CrossEncoder] = {}  # the one that was asked for last


def load(folder: Path) -> CrossEncoder:
    """Load a cross-encoder from a folder of checked files; nothing it holds is run as code."""
    if folder not in _held:
        _held.clear()
        model = CrossEncoder(
            str(folder),
            device=models.device(),
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True, "weights_only": True, "dtype": "float32"},
        )
        model.predict([("a", "b")], show_progress_bar=False)  # the first call pays for later ones
        _held[folder] = model
    return _held[folder]


def rerank_job(message: dict[str, Any]) -> dict[str, Any]:
    """Score the query with each text, and say how long that took."""
    torch.set_num_threads(min(THREADS, torch.get_num_threads()))
    start = time.perf_counter()
    model = load(Path(message["model"]))
    loaded = time.perf_counter()
    pairs = [(message["query"], text) for text in message["texts"]]
    scores = np.asarray(model.predict(pairs, batch_size=BATCH, show_progress_bar=False))
    done = time.perf_counter()
    if scores.shape != (len(pairs),) or not np.isfinite(scores).all():
        raise StudioError("This cross-encoder gave no usable scores. Choose another.")
    return {
        "scores": [float(score) for score in scores],
        "ms": 1_000 * (done - loaded),
        "load_seconds": loaded - start,
    }
