"""Nasty files in Parquet: types that other readers stumble over."""

import datetime
import decimal
import io
import json
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tests.data.nasty import N, Nasty, asked, classed, judged, lines, nli, scored, triplets

QA = {"anchor": "question", "positive": "answer"}
PAIR = {"sentence1": "sentence1", "sentence2": "sentence2"}


def parq(columns: dict[str, Any], features: dict[str, Any] | None = None, **options: Any) -> bytes:
    """Write columns as Parquet, with the metadata of the datasets library if any."""
    table = pa.table(columns)
    if features:
        info = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": info})
    sink = io.BytesIO()
    parquet.write_table(table, sink, **options)
    return sink.getvalue()


def columns(rows: list[Any], *names: str) -> dict[str, Any]:
    """Turn rows into named columns."""
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


ASKED = columns(asked(), "question", "answer")
CLASSED = columns(classed(), "text", "label")
TEXT = {"text": "text"}
NAMES = ("contradiction", "entailment", "neutral")
INFERRED = columns(nli(), "premise", "hypothesis", "label")

FILES = [
    Nasty("plain.parquet", parq(ASKED), "pair", QA),
    Nasty("parquet-called.csv", parq(ASKED), "pair", QA),
    Nasty("commas-called.parquet", lines([("question", "answer"), *asked()]).encode(), "pair", QA),
    Nasty(
        "large-strings.parquet",
        parq({k: pa.array(v, pa.large_string()) for k, v in ASKED.items()}),
        "pair",
        QA,
    ),
    Nasty(
        "dictionary.parquet",
        parq({"text": CLASSED["text"], "label": pa.array(CLASSED["label"]).dictionary_encode()}),
        "text-class",
        TEXT,
        "label",
        codes=("label_strings",),
    ),
    Nasty(
        "binary-texts.parquet",
        parq({k: pa.array([t.encode() for t in v], pa.binary()) for k, v in ASKED.items()}),
        "pair",
        QA,
    ),
    Nasty(
        "class-label.parquet",
        parq(
            {**INFERRED, "label": [(1, 2, 0)[v] for v in INFERRED["label"]]},
            {"label": {"names": NAMES, "_type": "ClassLabel"}},
        ),
        "nli",
        {"premise": "premise", "hypothesis": "hypothesis"},
        "label",
        first={"label": 0},
    ),
    Nasty(
        "class-label-minus-1.parquet",
        parq(
            {
                **INFERRED,
                "label": pa.array(
                    [-1 if i % 6 == 5 else v for i, v in enumerate(INFERRED["label"])], pa.int8()
                ),
            },
            {"label": {"names": ("entailment", "neutral", "contradiction"), "_type": "ClassLabel"}},
        ),
        "nli",
        {"premise": "premise", "hypothesis": "hypothesis"},
        "label",
        kept=50,
        codes=("label_missing",),
    ),
    Nasty(
        "decimals.parquet",
        parq(
            {
                **columns(scored(), "sentence1", "sentence2", "score"),
                "score": pa.array(
                    [decimal.Decimal(str(round(v, 2))) for _, _, v in scored()], pa.decimal128(4, 2)
                ),
            }
        ),
        "pair-score",
        PAIR,
        "score",
    ),
    Nasty(
        "half-floats.parquet",
        parq(
            {
                **columns(scored(), "sentence1", "sentence2", "score"),
                "score": pa.array([v for _, _, v in scored()], pa.float32()),
            }
        ),
        "pair-score",
        PAIR,
        "score",
    ),
    Nasty(
        "timestamps.parquet",
        parq(
            {
                **ASKED,
                "asked_at": pa.array(
                    [datetime.datetime(2024, 1, 1, i % 24) for i in range(N)], pa.timestamp("ns")
                ),
                "took": pa.array([i for i in range(N)], pa.duration("s")),
            }
        ),
        "pair",
        QA,
    ),
    Nasty(
        "huge-ints.parquet",
        parq({**ASKED, "tweet": pa.array([2**63 + i for i in range(N)], pa.uint64())}),
        "pair",
        QA,
    ),
    Nasty(
        "list-of-structs.parquet",
        parq(
            {
                "query": [q for q, _, _ in triplets()],
                "positive_passages": [[{"docid": "a", "text": p}] for _, p, _ in triplets()],
                "negative_passages": [[{"docid": "b", "text": n}] for _, _, n in triplets()],
            }
        ),
        "triplet",
        {
            "anchor": "query",
            "positive": "positive_passages.text",
            "negative": "negative_passages.text",
        },
    ),
    Nasty(
        "struct.parquet",
        parq({"set": [{"query": q, "pos": [p], "neg": [n]} for q, p, n in triplets()]}),
        "triplet",
        {"anchor": "set.query", "positive": "set.pos", "negative": "set.neg"},
    ),
    Nasty(
        "vectors.parquet",
        parq({**ASKED, "embedding": pa.array([[0.0] * 4] * N, pa.list_(pa.float32(), 4))}),
        "pair",
        QA,
        codes=("nested",),
    ),
    Nasty(
        "truth.parquet",
        parq(columns([(s, t, bool(v)) for s, t, v in judged()], "sentence1", "sentence2", "label")),
        "pair-class",
        PAIR,
        "label",
        codes=("label_bool",),
    ),
    Nasty(
        "pandas-index.parquet",
        parq({**ASKED, "__index_level_0__": list(range(100, 100 + N))}),
        "pair",
        QA,
    ),
    Nasty(
        "nulls.parquet",
        parq(
            {
                "question": [None if i % 10 == 0 else q for i, q in enumerate(ASKED["question"])],
                "answer": ASKED["answer"],
                "note": pa.nulls(N),
            }
        ),
        "pair",
        QA,
        kept=54,
        codes=("nulls",),
    ),
    Nasty("same-name-twice.parquet", parq(ASKED), "pair", QA),
    Nasty("row-less.parquet", parq({"text": pa.array([], pa.string())}), refused="no rows"),
    Nasty("cut.parquet", parq(ASKED)[:400], refused="not a Parquet file"),
    Nasty("brotli.parquet", parq(ASKED, compression="brotli", row_group_size=7), "pair", QA),
]
