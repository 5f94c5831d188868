"""Nasty files in JSON: lines, arrays, objects, and the layouts that datasets are known by."""

import json
from collections.abc import Iterable

from tests.data.nasty import (
    ANSWERS,
    DOCUMENTS,
    QUESTIONS,
    TOLD,
    N,
    Nasty,
    asked,
    classed,
    judged,
    lines,
    triplets,
)

QA = {"anchor": "question", "positive": "answer"}
FACT = {"anchor": "question", "positive": "context"}
SEARCH = {"anchor": "queries.text", "positive": "corpus.text"}
ROWS = [{"question": q, "answer": a} for q, a in asked()]


def jsonl(rows: Iterable[object]) -> bytes:
    """Write one row a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_json(value: object, indent: int | None = None) -> bytes:
    """Write a whole value."""
    return json.dumps(value, ensure_ascii=False, indent=indent).encode()


PLAIN = [
    Nasty("lines.jsonl", jsonl(ROWS), "pair", QA),
    Nasty("lines-called.csv", jsonl(ROWS), "pair", QA),
    Nasty("lines-called.json", jsonl(ROWS), "pair", QA),
    Nasty("lines-with-mark.jsonl", b"\xef\xbb\xbf" + jsonl(ROWS), "pair", QA),
    Nasty("lines-with-crlf.jsonl", jsonl(ROWS).replace(b"\n", b"\r\n"), "pair", QA),
    Nasty("commas-called.json", lines([("question", "answer"), *asked()]).encode(), "pair", QA),
    Nasty("commas-called.jsonl", lines([("question", "answer"), *asked()]).encode(), "pair", QA),
    Nasty("array.json", as_json(ROWS, 2), "pair", QA),
    Nasty("array-called.jsonl", as_json(ROWS), "pair", QA),
    Nasty(
        "array-of-lists.json",
        as_json([[q, a] for q, a in asked()]),
        "pair",
        {"anchor": "set.0", "positive": "set.1"},
    ),
    Nasty(
        "objects-end-to-end.json",
        b"".join(json.dumps(row, indent=1).encode() for row in ROWS),
        "pair",
        QA,
    ),
    Nasty(
        "lines-with-commas.json", b",\n".join(json.dumps(row).encode() for row in ROWS), "pair", QA
    ),
    Nasty(
        "array-with-comma-at-the-end.json",
        b"[" + b",\n".join(json.dumps(row).encode() for row in ROWS) + b",\n]",
        "pair",
        QA,
    ),
    Nasty(
        "broken-lines.jsonl",
        jsonl(ROWS[:20]) + b'{"question": "half a\n\n# note\n' + jsonl(ROWS[20:]) + b"17\n",
        "pair",
        QA,
        read=63,
        codes=("unreadable",),
        lines=(21, 23, 64),
    ),
    Nasty(
        "columns.json",
        as_json({"question": [r["question"] for r in ROWS], "answer": [r["answer"] for r in ROWS]}),
        "pair",
        QA,
    ),
    Nasty(
        "column-cut-short.json",
        as_json({k: [r[k] for r in ROWS[: 60 - 5 * (k == "answer")]] for k in QA.values()}),
        refused="nothing says which belong together",
    ),
    Nasty(
        "pandas.json",
        as_json({k: {str(i): r[k] for i, r in enumerate(ROWS)} for k in ("question", "answer")}),
        "pair",
        QA,
    ),
    Nasty(
        "pandas-split.json",
        as_json(
            {
                "columns": ["question", "answer"],
                "index": list(range(N)),
                "data": [[q, a] for q, a in asked()],
            }
        ),
        "pair",
        QA,
    ),
    Nasty(
        "wrapped.json",
        as_json({"version": "1.1", "licence": "CC", "count": N, "data": ROWS}),
        "pair",
        QA,
    ),
    Nasty(
        "wrapped-twice.json",
        as_json({"meta": {"by": "desk"}, "result": {"total": N, "items": ROWS}}),
        "pair",
        QA,
    ),
    Nasty(
        "splits.json",
        as_json({"train": ROWS[:40], "dev": ROWS[40:50], "test": ROWS[50:]}),
        "pair",
        QA,
        splits={"train": 40, "validation": 10, "test": 10},
    ),
    Nasty(
        "splits-of-columns.json",
        as_json(
            {
                s: {k: [r[k] for r in rows] for k in QA.values()}
                for s, rows in (("training", ROWS[:45]), ("validation", ROWS[45:]))
            }
        ),
        "pair",
        QA,
        splits={"train": 45, "validation": 15},
    ),
    Nasty(
        "question-to-answer.json",
        as_json(dict(asked())),
        "pair",
        {"anchor": "key", "positive": "value"},
    ),
    Nasty(
        "class-to-texts.json",
        as_json(
            {
                area: [t for t, a in classed(59) if a == area]
                for area in dict.fromkeys(a for _, a in classed())
            }
        ),
        "text-class",
        {"text": "text"},
        "label",
        read=59,
        kept=59,
    ),
    Nasty(
        "nan.jsonl", jsonl(ROWS) + b'{"question": NaN, "answer": "x y z"}\n', "pair", QA, read=61
    ),
]

NESTED = [
    Nasty(
        "nested.jsonl",
        jsonl(
            {"id": i, "data": r, "meta": {"lang": "en", "source": {"url": f"https://x/{i}"}}}
            for i, r in enumerate(ROWS)
        ),
        "pair",
        {"anchor": "data.question", "positive": "data.answer"},
        codes=("nested",),
    ),
    Nasty(
        "qqp-triplets.jsonl",
        jsonl(
            {"set": {"query": q, "pos": [p], "neg": [n, ANSWERS[i + 90]]}}
            for i, (q, p, n) in enumerate(triplets())
        ),
        "triplet",
        {"anchor": "set.query", "positive": "set.pos", "negative": "set.neg"},
        codes=("several_texts", "nested"),
    ),
    Nasty(
        "set-of-two.jsonl",
        jsonl({"set": [q, a]} for q, a in asked()),
        "pair",
        {"anchor": "set.0", "positive": "set.1"},
    ),
    Nasty(
        "set-of-five.jsonl",
        jsonl({"set": TOLD[5 * i : 5 * i + 5]} for i in range(N)),
        "pair",
        {"anchor": "set.0", "positive": "set.1"},
    ),
    Nasty(
        "bare-arrays.jsonl",
        jsonl([q, a] for q, a in asked()),
        "pair",
        {"anchor": "set.0", "positive": "set.1"},
    ),
    Nasty(
        "bare-triplets.jsonl",
        jsonl([q, q[:-1] + " please?", n] for q, p, n in triplets()),
        "triplet",
        {"anchor": "set.0", "positive": "set.1", "negative": "set.2"},
    ),
    Nasty(
        "texts-key.jsonl",
        jsonl({"texts": [q, a]} for q, a in asked()),
        "pair",
        {"anchor": "texts.0", "positive": "texts.1"},
    ),
    Nasty(
        "input-example.jsonl",
        jsonl(
            {"guid": f"g{i}", "texts": [q, a], "label": (i % 11) / 10}
            for i, (q, a) in enumerate(asked())
        ),
        "pair-score",
        {"sentence1": "texts.0", "sentence2": "texts.1"},
        "label",
    ),
    Nasty(
        "flagembedding.jsonl",
        jsonl(
            {
                "query": q,
                "pos": [p],
                "neg": [n, ANSWERS[i + 90]],
                "prompt": "Represent this sentence for searching relevant passages:",
            }
            for i, (q, p, n) in enumerate(triplets())
        ),
        "triplet",
        {"anchor": "query", "positive": "pos", "negative": "neg"},
    ),
    Nasty(
        "dpr.json",
        as_json(
            [
                {
                    "dataset": "nq",
                    "question": q,
                    "answers": [p[:12]],
                    "positive_ctxs": [{"title": "T", "text": p}],
                    "negative_ctxs": [],
                    "hard_negative_ctxs": [{"title": "U", "text": n}],
                }
                for q, p, n in triplets()
            ]
        ),
        "triplet",
        {
            "anchor": "question",
            "positive": "positive_ctxs.text",
            "negative": "hard_negative_ctxs.text",
        },
    ),
    Nasty(
        "tevatron.jsonl",
        jsonl(
            {
                "query_id": str(i),
                "query": q,
                "positive_passages": [{"docid": f"d{i}", "title": "", "text": p}],
                "negative_passages": [{"docid": f"e{i}", "title": "", "text": n}],
            }
            for i, (q, p, n) in enumerate(triplets())
        ),
        "triplet",
        {
            "anchor": "query",
            "positive": "positive_passages.text",
            "negative": "negative_passages.text",
        },
    ),
    Nasty(
        "chat.jsonl",
        jsonl(
            {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]}
            for q, a in asked()
        ),
        "pair",
        {"anchor": "messages.content.0", "positive": "messages.content.1"},
    ),
    Nasty(
        "quora-of-the-hub.jsonl",
        jsonl(
            {"questions": {"id": [2 * i, 2 * i + 1], "text": [s, t]}, "is_duplicate": bool(v)}
            for i, (s, t, v) in enumerate(judged())
        ),
        "pair-class",
        {"sentence1": "questions.text.0", "sentence2": "questions.text.1"},
        "is_duplicate",
        codes=("label_bool", "nested"),
    ),
    Nasty(
        "set-of-four.jsonl",  # the second is nearest the first, but four captions are no triplet
        jsonl({"set": [t, f"Note: {t}", *TOLD[2 * i : 2 * i + 2]]} for i, t in enumerate(TOLD[:N])),
        "pair",
        {"anchor": "set.0", "positive": "set.1"},
    ),
    Nasty(
        "paraphrases.jsonl",
        jsonl({"paraphrases": [t, f"Note: {t}", TOLD[i + 40]]} for i, t in enumerate(TOLD[:N])),
        "pair",
        {"anchor": "paraphrases.0", "positive": "paraphrases.1"},
    ),
    Nasty(
        "vectors-beside.jsonl",
        jsonl({**r, "embedding": [0.1] * 8} for r in ROWS),
        "pair",
        QA,
        codes=("nested",),
    ),
]


def squad(impossible: bool) -> dict[str, object]:
    """Return questions on paragraphs, three to each, as SQuAD nests them."""
    articles = []
    for start in range(0, N, 6):
        paragraphs = []
        for first in (start, start + 3):
            qas = [
                {
                    "id": f"5{i:05x}",
                    "question": QUESTIONS[i],
                    "answers": []
                    if impossible and i % 3 == 2
                    else [{"text": DOCUMENTS[first][:9], "answer_start": 0}],
                    **({"is_impossible": i % 3 == 2} if impossible else {}),
                }
                for i in range(first, first + 3)
            ]
            paragraphs.append({"context": DOCUMENTS[first], "qas": qas})
        articles.append({"title": f"Article {start}", "paragraphs": paragraphs})
    return {"version": "v2.0" if impossible else "1.1", "data": articles}


def hub_squad(impossible: bool) -> list[dict[str, object]]:
    """Return the same questions as the Hub flattens them."""
    return [
        {
            "id": f"5{i:05x}",
            "title": f"Article {i // 6}",
            "context": DOCUMENTS[i // 3],
            "question": QUESTIONS[i],
            "answers": {"text": [], "answer_start": []}
            if impossible and i % 3 == 2
            else {"text": [DOCUMENTS[i // 3][:9]], "answer_start": [0]},
        }
        for i in range(N)
    ]


CORPUS = {f"d{i}": {"title": "", "text": text} for i, text in enumerate(ANSWERS[:90])}
QUERIES = {f"q{i}": text for i, text in enumerate(QUESTIONS[:N])}
RELEVANT = {f"q{i}": [f"d{i}"] for i in range(N)}
LAYOUTS = [
    Nasty(
        "squad-1.json",
        as_json(squad(False)),
        "pair",
        FACT,
        first={"anchor": QUESTIONS[0], "positive": DOCUMENTS[0]},
    ),
    Nasty("squad-2.json", as_json(squad(True)), "pair", FACT, kept=40, codes=("no_answer",)),
    Nasty("squad-articles-only.json", as_json(squad(False)["data"]), "pair", FACT),
    Nasty("squad-a-line-each.jsonl", jsonl(squad(False)["data"]), "pair", FACT),  # type: ignore[arg-type]
    Nasty("squad-of-the-hub.jsonl", jsonl(hub_squad(False)), "pair", FACT),
    Nasty(
        "squad-2-of-the-hub.jsonl",
        jsonl(hub_squad(True)),
        "pair",
        FACT,
        kept=40,
        codes=("no_answer",),
    ),
    Nasty(
        "beir-objects.json",
        as_json(
            {
                "corpus": CORPUS,
                "queries": QUERIES,
                "qrels": {q: {d: 1 for d in ds} for q, ds in RELEVANT.items()},
            }
        ),
        "pair",
        SEARCH,
        first={"anchor": QUESTIONS[0], "positive": ANSWERS[0]},
    ),
    Nasty(
        "evaluator-s-own.json",
        as_json(
            {
                "queries": QUERIES,
                "corpus": {k: v["text"] for k, v in CORPUS.items()},
                "relevant_docs": RELEVANT,
            }
        ),
        "pair",
        SEARCH,
    ),
    Nasty(
        "llama-index.json",
        as_json(
            {
                "queries": QUERIES,
                "corpus": {k: v["text"] for k, v in CORPUS.items()},
                "relevant_docs": RELEVANT,
                "mode": "text",
            }
        ),
        "pair",
        SEARCH,
    ),
    Nasty(
        "beir-lists.json",
        as_json(
            {
                "corpus": [{"_id": k, **v} for k, v in CORPUS.items()],
                "queries": [{"_id": k, "text": v} for k, v in QUERIES.items()],
                "qrels": [
                    {"query-id": q, "corpus-id": d, "score": 1}
                    for q, ds in RELEVANT.items()
                    for d in ds
                ]
                + [{"query-id": "q1", "corpus-id": "d70", "score": 0}],
            }
        ),
        "pair",
        SEARCH,
        read=61,
        kept=60,
    ),
    Nasty(
        "beir-with-splits.json",
        as_json(
            {
                "corpus": CORPUS,
                "queries": QUERIES,
                "qrels": {
                    "train": {f"q{i}": {f"d{i}": 1} for i in range(40)},
                    "test": {f"q{i}": {f"d{i}": 1} for i in range(40, 60)},
                },
            }
        ),
        "pair",
        SEARCH,
        splits={"train": 40, "test": 20},
    ),
    Nasty(
        "beir-with-lost-ids.json",
        as_json(
            {
                "corpus": CORPUS,
                "queries": QUERIES,
                "qrels": {
                    **{q: {d: 1 for d in ds} for q, ds in RELEVANT.items()},
                    "q999": {"d1": 1},
                    "q0": {"d0": 1, "d999": 2},
                },
            }
        ),
        "pair",
        SEARCH,
        read=62,
    ),
]

REFUSED = [
    Nasty("empty-array.json", b"[]", refused="no rows"),
    Nasty("empty-object.json", b"{}", refused="no rows"),
    Nasty("numbers.json", b"[1, 2, 3]", refused="no rows"),
    Nasty("broken.json", b'{"question": ["a", "b"', refused="not valid JSON"),
    Nasty("deep.json", b'{"a":' * 50_000 + b"1" + b"}" * 50_000, refused="nested too deeply"),
    Nasty("array-cut-off.json", as_json(ROWS, 1)[:-40], refused="not valid JSON"),
]

FILES = [*PLAIN, *NESTED, *LAYOUTS, *REFUSED]
