"""One step of training here against the stock trainer's, in turn, in one run.

python -m tests.benchmarks.training_speed [--steps 12] [--rounds 3] [--bf16]

On real QQP triplets and SNLI triplets (STSTUDIO_REAL_DATA), MultipleNegativesRankingLoss, batches
of 16 and 64. Stock is SentenceTransformerTrainer with the fused AdamW, padded, in float32, and
with --bf16 once more with its own bf16=True. Trained here is without the transformer's dropout;
"still" is the stock trainer without it as well, so that what that alone gives is not hidden.
"""

import argparse
import gzip
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import losses
from sentence_transformers.sentence_transformer.trainer import SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)
from transformers import PrinterCallback, TrainerCallback

from ststudio.shelf import packaged_model
from ststudio.training import models
from ststudio.training.bucketing import bucketed
from ststudio.training.trainer import Trainer
from ststudio.training.vocabulary import used_vocabulary

ROWS = 4000
COLUMNS = ("anchor", "positive", "negative")
KINDS = ("stock", "still", "ours")


class Clock(TrainerCallback):
    """Time each step, optimizer and logging included."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.ends.append(time.perf_counter())

    @property
    def step_seconds(self) -> float:
        steps = [b - a for a, b in zip(self.ends[1:], self.ends[2:], strict=False)]
        return statistics.mean(steps)


def qqp(folder: Path) -> Iterator[tuple[str, str, str]]:
    with gzip.open(folder / "QQP_triplets" / "QQP_triplets.jsonl.gz", "rt") as lines:
        for line in lines:
            row = json.loads(line)["set"]
            yield row["query"], row["pos"][0], row["neg"][0]


def snli(folder: Path) -> Iterator[tuple[str, str, str]]:
    file = folder / "snli" / "plain_text" / "train-00000-of-00001.parquet"
    rows = pq.read_table(file).slice(0, 20 * ROWS).to_pylist()
    kinds: dict[str, dict[int, str]] = {}
    for row in rows:
        kinds.setdefault(row["premise"], {}).setdefault(row["label"], row["hypothesis"])
    for premise, found in kinds.items():
        if 0 in found and 2 in found:
            yield premise, found[0], found[2]


def dataset(rows: Iterator[tuple[str, str, str]]) -> Dataset:
    taken = [row for row, _ in zip(rows, range(ROWS), strict=False)]
    return Dataset.from_dict(dict(zip(COLUMNS, map(list, zip(*taken, strict=True)), strict=True)))


def arguments(folder: str, batch: int, steps: int, bf16: bool) -> Any:
    return SentenceTransformerTrainingArguments(
        output_dir=folder,
        use_cpu=not torch.cuda.is_available(),
        max_steps=steps,
        per_device_train_batch_size=batch,
        learning_rate=2e-5,
        warmup_steps=0.1,
        optim="adamw_torch_fused",
        bf16=bf16,
        eval_strategy="no",
        save_strategy="no",
        logging_steps=1,
        report_to=[],
        disable_tqdm=True,
        seed=42,
    )


def timed(rows: Dataset, batch: int, steps: int, kind: str, bf16: bool) -> float:
    """Return the seconds of a step by the trainer of that kind, on the same rows and seed."""
    folder = packaged_model()
    assert folder is not None
    stock = kind == "stock"
    model = SentenceTransformer(str(folder)) if stock else models.load_model(folder)
    clock = Clock()
    with tempfile.TemporaryDirectory() as out, ExitStack() as stack:
        make: Callable[..., Any] = SentenceTransformerTrainer
        own: dict[str, Any] = {}
        if kind == "ours":
            texts = {"": [text for name in COLUMNS for text in rows[name]]}
            stack.enter_context(used_vocabulary(model, texts))
            make, own = Trainer, {"bucketed": stack.enter_context(bucketed(model, bf16))}
        trainer = make(
            model=model,
            args=arguments(out, batch, steps, bf16 and kind != "ours"),
            train_dataset=rows,
            loss=losses.MultipleNegativesRankingLoss(model),
            callbacks=[clock],
            **own,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return clock.step_seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bf16", action="store_true")
    asked = parser.parse_args()
    data = Path(os.environ["STSTUDIO_REAL_DATA"])
    kinds = [(kind, bf16) for bf16 in (False, True)[: 1 + asked.bf16] for kind in KINDS]
    print(f"{torch.get_num_threads()} threads, {models.device()}; milliseconds a step, median")
    for name, read in (("QQP", qqp), ("SNLI", snli)):
        rows = dataset(read(data))
        for batch in (16, 64):
            seconds: dict[tuple[str, bool], list[float]] = {kind: [] for kind in kinds}
            for _ in range(asked.rounds):
                for kind, bf16 in kinds:
                    seconds[kind, bf16].append(timed(rows, batch, asked.steps, kind, bf16))
            stock = statistics.median(seconds["stock", False])
            figures = ", ".join(
                f"{kind}{' bf16' if bf16 else ''} {1000 * statistics.median(of):.0f}"
                f" ({stock / statistics.median(of):.2f})"
                for (kind, bf16), of in seconds.items()
            )
            print(f"{name} batch {batch}: {figures}", flush=True)


if __name__ == "__main__":
    main()
