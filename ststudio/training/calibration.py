"""Pace of this machine, measured by a worker that waits: forward, backward, optimizer, loading."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import send_to_device
from sentence_transformers import SentenceTransformer

from ststudio.model_shape import shape_of
from ststudio.training import models
from ststudio.training.bucketing import Bucketed, bucketed
from ststudio.training.remembered import BATCH_SIZE
from ststudio.training.tokens import Tokens
from ststudio.training.vocabulary import used_vocabulary

SENTENCE = "One sentence of about the length that people write to a help desk."
# Two shapes of batch, as a line is laid through two points: short texts, and long ones. On a GPU
# few texts cost what many do.
FEW, LONG = [SENTENCE] * 16, " ".join([SENTENCE] * 8)
SHAPES = {"cpu": (FEW, [LONG] * 12), "cuda": (FEW, [LONG] * 64)}
TIMES = 2  # that each is measured: their mean, as a run will share the machine just so
WEIGHTS = 4_000_000  # that the optimizer is timed on


def calibrate(folder: Path) -> dict[str, Any]:
    """Measure the pace of the model in a folder, and leave the libraries ready for a run.

    `train` and `encode` hold (tokens, tokens of each text, seconds), one for each shape of batch;
    `optimizer` is in seconds a weight, `batch` the texts embedded at once when models are measured,
    `recorded` the seconds that one size of a step costs before it is replayed.
    """
    models.load_model(folder)  # pays for imports that the next one finds in place
    load, model = _timed(partial(models.load_model, folder), 1)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    train, encode, recorded = [], [], 0.0
    shapes = SHAPES[model.device.type]
    # As in a run: only the words in use have a gradient.
    casts = models.fast_bfloat16()
    with used_vocabulary(Tokens(model), {"": [SENTENCE]}), bucketed(model, casts) as forward:
        _pass(model.train(), forward, shapes[0])
        for texts in shapes:
            each = int(model.preprocess(texts[:1])["attention_mask"].sum())
            tokens = each * len(texts)
            step = partial(_pass, model.train(), forward, texts)
            if forward.graphs is not None:  # run as it is, then recorded, then replayed
                recorded = sum(_timed(step, 1)[0] for _ in range(2))
            train.append((tokens, each, _timed(step)[0]))
            embed = partial(model.eval().encode, texts, batch_size=len(texts))
            encode.append((tokens, each, _timed(embed)[0]))
    return {
        "shape": asdict(shape_of(config)),
        "train": train,
        "encode": encode,
        "optimizer": _optimizer_seconds(model.device) / WEIGHTS,
        "load": load,
        "batch": BATCH_SIZE[model.device.type],
        "recorded": recorded,
    }


def _timed(work: Callable[[], Any], times: int = TIMES) -> tuple[float, Any]:
    """Return the mean seconds of a few times, and what the work gave."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        result = work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return sum(seconds) / times, result


def _pass(model: SentenceTransformer, forward: Bucketed, texts: Sequence[str]) -> None:
    """Go forward and backward once, as a step of training does."""
    features = model.preprocess(list(texts))
    packed = forward.pack([features])
    there = send_to_device({"texts": features, "packed": packed}, model.device)
    (embedded,) = forward.together([there["texts"]], there["packed"])
    embedded["sentence_embedding"].sum().backward()
    model.zero_grad()


def _optimizer_seconds(device: torch.device) -> float:
    """Time a step over some weights: their norm, the step itself, their gradients set aside."""
    weight = torch.nn.Parameter(torch.zeros(WEIGHTS, device=device))
    optimizer = torch.optim.AdamW([weight], lr=1e-4, weight_decay=0.0, fused=True)

    def step() -> None:
        weight.grad = torch.ones_like(weight)
        torch.nn.utils.clip_grad_norm_([weight], 1.0)
        optimizer.step()
        optimizer.zero_grad()

    step()  # makes the moments
    return _timed(step)[0]
