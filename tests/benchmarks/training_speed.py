"""One step of training here against the stock trainer's, in turn, in one run.

python -m tests.benchmarks.training_speed [--steps 12] [--rounds 3] [--bf16] [--base-size] ...

On real QQP triplets and SNLI triplets (STSTUDIO_REAL_DATA), MultipleNegativesRankingLoss, batches
of 16 and 64. Stock is SentenceTransformerTrainer with the fused AdamW, padded, in float32, and
with --bf16 once more with its own bf16=True. Trained here is without the transformer's dropout;
"still" is the stock trainer without it as well, so that what that alone gives is not hidden.
--base-size takes a BERT-base of random weights: time does not depend on them. On a GPU the pairs
a second and the most memory held are shown as well.
"""

import argparse
import gzip
import json
import os
import shutil
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
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer import losses
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
from sentence_transformers.sentence_transformer.trainer import SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)
from transformers import AutoModel, BertConfig, PrinterCallback, TrainerCallback

from ststudio.shelf import packaged_model
from ststudio.training import models
from ststudio.training.bucketing import bucketed
from ststudio.training.tokens import Tokens
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
        return statistics.median(steps[len(steps) // 4 :])  # the first ones warm up


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


READERS = {"QQP": qqp, "SNLI": snli}


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


def base_size(packaged: Path, folder: Path) -> Path:
    """Write a BERT-base with random weights under the packaged model's tokenizer."""
    shutil.copytree(packaged, folder / "inner", ignore=lambda *_: ["model.safetensors"])
    AutoModel.from_config(BertConfig()).save_pretrained(folder / "inner")
    inner = Transformer(str(folder / "inner"), max_seq_length=256)
    pooling = Pooling(inner.get_embedding_dimension())
    SentenceTransformer(modules=[inner, pooling, Normalize()]).save(str(folder / "whole"))
    return folder / "whole"


def timed(
    folder: Path, rows: Dataset, batch: int, steps: int, kind: str, bf16: bool
) -> tuple[float, float]:
    """Return a step's seconds by the trainer of that kind, and the MB of GPU memory at most."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    stock = kind == "stock"
    model = SentenceTransformer(str(folder)) if stock else models.load_model(folder)
    clock = Clock()
    with tempfile.TemporaryDirectory() as out, ExitStack() as stack:
        make: Callable[..., Any] = SentenceTransformerTrainer
        own: dict[str, Any] = {}
        if kind == "ours":
            texts = {"": [text for name in COLUMNS for text in rows[name]]}
            tokens = Tokens(model)
            stack.enter_context(used_vocabulary(tokens, texts))
            forward = stack.enter_context(bucketed(model, bf16))
            make, own = Trainer, {"bucketed": forward, "tokens": tokens}
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
    held = torch.cuda.max_memory_allocated() / 1e6 if torch.cuda.is_available() else 0.0
    return clock.step_seconds, held


def told(batch: int, stock: float, seen: list[tuple[float, float]]) -> str:
    seconds = statistics.median(second for second, _ in seen)
    text = f"{1000 * seconds:.1f} ms ({stock / seconds:.2f}"
    held = max(megabytes for _, megabytes in seen)
    return f"{text}; {batch / seconds:.0f} rows/s, {held:.0f} MB)" if held else f"{text})"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--base-size", action="store_true")
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    parser.add_argument("--data", nargs="+", default=["QQP", "SNLI"])
    parser.add_argument("--batches", nargs="+", type=int, default=[16, 64])
    asked = parser.parse_args()
    data = Path(os.environ["STSTUDIO_REAL_DATA"])
    kinds = [(kind, bf16) for bf16 in (False, True)[: 1 + asked.bf16] for kind in asked.kinds]
    packaged = packaged_model()
    assert packaged is not None
    print(f"{torch.get_num_threads()} threads, {models.device()}; a step's median (times as fast)")
    with tempfile.TemporaryDirectory() as made:
        folder = base_size(packaged, Path(made)) if asked.base_size else packaged
        for name in asked.data:
            rows = dataset(READERS[name](data))
            for batch in asked.batches:
                seen: dict[tuple[str, bool], list[tuple[float, float]]] = {k: [] for k in kinds}
                for _ in range(asked.rounds):
                    for kind, bf16 in kinds:
                        found = timed(folder, rows, batch, asked.steps, kind, bf16)
                        seen[kind, bf16].append(found)
                stock = statistics.median(seconds for seconds, _ in seen["stock", False])
                print(f"{name} batch {batch}:")
                for (kind, bf16), of in seen.items():
                    name_of = f"{kind}{' bf16' if bf16 else ''}"
                    print(f"    {name_of:<11} {told(batch, stock, of)}", flush=True)


if __name__ == "__main__":
    main()
