"""Nasty files as other tools hand them out: annotators, databases, chats, printed tables."""

from tests.data.nasty import CLASSED as EVERY_CLASSED
from tests.data.nasty import Nasty, asked, classed, lines, nli, scored
from tests.data.nasty.jsons import QA, as_json, jsonl

CLASSED = classed()
FRAME = f"+{'-' * 40}+{'-' * 40}+"
CASTELLANO = ("implicación", "neutral", "contradicción")
SYSTEM = {"role": "system", "content": "You are a helpful assistant of our help desk."}

FILES = [
    Nasty(
        "ragas.csv",  # no third text that is called a reference is a negative
        lines(
            [
                ("user_input", "reference_contexts", "reference", "synthesizer_name"),
                *((q, f"['{a}', 'and more']", a[:40], "single_hop") for q, a in asked()),
            ]
        ).encode(),
        "pair",
        {"anchor": "user_input", "positive": "reference_contexts"},
    ),
    Nasty(
        "stack-exchange.csv",  # the score counts votes
        lines(
            [
                ("Id", "Score", "ViewCount", "Title", "Body", "Tags", "AnswerBody"),
                *(
                    (3 * i, i * i % 47 - 3, 31 * i, q[:50], f"<p>{q}</p>", "<excel>", f"<p>{a}</p>")
                    for i, (q, a) in enumerate(asked())
                ),
            ]
        ).encode(),
        "pair",
        {"anchor": "Title", "positive": "AnswerBody"},
        codes=("markup",),
    ),
    Nasty(
        "articles-published.jsonl",  # a state of the row is no class of its text
        jsonl(
            {"title": q[:40], "body": a, "published": i % 3 > 0, "views": 13 * i}
            for i, (q, a) in enumerate(asked())
        ),
        "pair",
        {"anchor": "title", "positive": "body"},
    ),
    Nasty(
        "intents.json",
        as_json(
            {
                "intents": [
                    {
                        "tag": area,
                        "patterns": [t for t, a in CLASSED if a == area],
                        "responses": ["One moment."],
                    }
                    for area in dict.fromkeys(a for _, a in CLASSED)
                ]
            }
        ),
        "text-class",
        {"text": "patterns"},
        "tag",
    ),
    Nasty(
        "report-above.csv",  # the last line of the title is nearly as wide as the table
        (
            "Report;;\n;;\nexported by;Ann;\n"
            + lines([("Frage", "Antwort", "Team"), *((q, a, "A") for q, a in asked())], ";")
        ).encode(),
        "pair",
        {"anchor": "Frage", "positive": "Antwort"},
        codes=("lines_skipped",),
    ),
    Nasty(
        "names-of-two-lines.csv",
        lines(
            [("Question\n(free text)", "Answer\n(max. 500)", "OK?")]
            + [(q, a, "x") for q, a in asked()]
        ).encode(),
        "pair",
        {"anchor": "Question\n(free text)", "positive": "Answer\n(max. 500)"},
    ),
    Nasty(
        "questions-and-answers.txt",
        "".join(f"Q: {q}\nA: {a}\n\n" for q, a in asked()).encode(),
        "pair",
        {"anchor": "Q", "positive": "A"},
    ),
    Nasty(
        "cards-of-several-lines.txt",
        "".join(f"- Frage: {q}\n  Antwort: {a}\n    und mehr\n" for q, a in asked()).encode(),
        "pair",
        {"anchor": "Frage", "positive": "Antwort"},
        first={"positive": f"{asked()[0][1]} und mehr"},
    ),
    Nasty(
        "printed-by-python.jsonl",
        "".join(f"{ {'question': q, 'answer': a, 'note': None}!r}\n" for q, a in asked()).encode(),
        "pair",
        QA,
    ),
    Nasty(
        "chat-with-instruction.jsonl",
        jsonl(
            {
                "messages": [
                    SYSTEM,
                    {"role": "user", "content": q},
                    {"role": "assistant", "content": a},
                ]
            }
            for q, a in asked()
        ),
        "pair",
        {"anchor": "messages.content.1", "positive": "messages.content.2"},
    ),
    Nasty(
        "annotated.json",
        as_json(
            [
                {
                    "id": i,
                    "data": {"text": text},
                    "annotations": [{"id": i, "result": [{"value": {"choices": [area]}}]}],
                }
                for i, (text, area) in enumerate(CLASSED)
            ]
        ),
        "text-class",
        {"text": "data.text"},
        "annotations.result.value.choices",
    ),
    Nasty(
        "rasa.json",
        as_json(
            {
                "rasa_nlu_data": {
                    "common_examples": [
                        {"text": text, "intent": area, "entities": []} for text, area in CLASSED
                    ],
                    "regex_features": [],
                }
            }
        ),
        "text-class",
        {"text": "text"},
        "intent",
    ),
    Nasty(
        "texts-and-classes-by-split.json",
        as_json({"train": CLASSED[:40], "val": CLASSED[40:50], "test": CLASSED[50:]}),
        "text-class",
        {"text": "text"},
        "label",
        splits={"train": 40, "validation": 10, "test": 10},
    ),
    Nasty(
        "header-as-comment.tsv",
        lines([("#question", "answer"), *asked()], "\t").encode(),
        "pair",
        {"anchor": "#question", "positive": "answer"},
        never=("lines_skipped",),
    ),
    Nasty(
        "psql.txt",
        (
            " question | answer\n----------+--------\n"
            + "".join(f" {q} | {a}\n" for q, a in asked())
            + "(60 rows)\n\n"
        ).encode(),
        "pair",
        QA,
    ),
    Nasty(
        "printed.txt",
        "".join(f"{q:<160}{a}\n" for q, a in [("question", "answer"), *asked()]).encode(),
        "pair",
        QA,
    ),
    Nasty(
        "headings.txt",
        "".join(f"## {q}\n\n{a}\n\n" for q, a in asked()).encode(),
        "pair",
        {"anchor": "heading", "positive": "text"},
    ),
    Nasty(
        "two-lines-each.txt",
        "".join(f"{i}. {q}\n{a}\n\n" for i, (q, a) in enumerate(asked(), 1)).encode()
        + b"this one has no second line\n",
        "pair",
        {"anchor": "column1", "positive": "column2"},
        read=61,
        codes=("ragged_rows",),
        first={"anchor": asked()[0][0]},
    ),
    Nasty(
        "mysql.txt",
        "\n".join(
            [
                FRAME,
                "| question | answer |",
                FRAME,
                *(f"| {q} | {a} |" for q, a in asked()),
                FRAME,
                "60 rows in set (0.00 sec)",
            ]
        ).encode(),
        "pair",
        QA,
    ),
    Nasty(
        "trec-questions.txt",
        "".join(f"{area.upper()[:4]}:{area} {text}\n" for text, area in CLASSED).encode(),
        "text-class",
        {"text": "column2"},
        "column1",
    ),
    Nasty(
        "empty-columns-at-the-end.csv",
        lines([("v1", "v2", "", "", ""), *((a, t, "", "", "") for t, a in CLASSED)]).encode(),
        "text-class",
        {"text": "v2"},
        "v1",
    ),
    Nasty(
        "nli-en-castellano.csv",
        lines(
            [
                ("premisa", "hipótesis", "etiqueta"),
                *((p, h, CASTELLANO[label]) for p, h, label in nli()),
            ]
        ).encode(),
        "nli",
        {"premise": "premisa", "hypothesis": "hipótesis"},
        "etiqueta",
    ),
    Nasty(
        "similarity-in-words.csv",
        lines(
            [
                ("sentence1", "sentence2", "similarity"),
                *((s, t, ("none", "low", "high")[round(2 * v)]) for s, t, v in scored()),
            ]
        ).encode(),
        "pair",
        {"anchor": "sentence1", "positive": "sentence2"},
        errors=("negatives_as_positives",),
    ),
    Nasty(
        "with-remarks-called-note.csv",
        lines(
            [
                ("question", "answer", "note"),
                *(
                    (q, a, ("see the manual", "ask the desk")[i % 2])
                    for i, (q, a) in enumerate(asked())
                ),
            ]
        ).encode(),
        "pair",
        QA,
        codes=("extra_column",),
        never=("negatives_as_positives",),
    ),
    Nasty(
        "texts-of-each-class.json",
        as_json(
            {
                area: [text for text, other in EVERY_CLASSED if other == area][:15]
                for area in ("Anvil", "Lantern", "Marl", "Tallow")
            }
        ),
        "text-class",
        {"text": "text"},
        "label",
    ),
    Nasty(
        "scores-von-fuenf.csv",
        lines(
            [
                ("Satz A", "Satz B", "Bewertung"),
                *((s, t, f"{5 * v:.0f} von 5") for s, t, v in scored()),
            ],
            ";",
        ).encode(),
        "pair-score",
        {"sentence1": "Satz A", "sentence2": "Satz B"},
        "Bewertung",
        errors=("score_range",),
    ),
]
