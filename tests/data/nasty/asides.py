"""Nasty files with columns that say something of a row, and nothing of its texts."""

from tests.data.nasty import ANSWERS, DOCUMENTS, QUESTIONS, N, Nasty, judged, lines
from tests.data.nasty.jsons import as_json, jsonl

FILES = [
    Nasty(
        "threads-with-counts.jsonl",  # how many replied is no class of what was asked
        jsonl({"title": QUESTIONS[i], "body": ANSWERS[i], "num_comments": i % 5} for i in range(N)),
        "pair",
        {"anchor": "title", "positive": "body"},
        codes=("id_column",),
    ),
    Nasty(
        "answers-with-votes.json",  # the score of an answer is its readers', not of the pair
        as_json(
            [
                {
                    "question": {"body": QUESTIONS[i], "tags": ["desk", "help"]},
                    "accepted_answer": {"body": ANSWERS[i], "score": i % 7},
                }
                for i in range(N)
            ]
        ),
        "pair",
        {"anchor": "question.body", "positive": "accepted_answer.body"},
        never=("negatives_as_positives",),
    ),
    Nasty(
        "chunks-of-one-source.jsonl",  # where all texts come from is no class, nor is their page
        jsonl(
            {"text": DOCUMENTS[i], "meta": {"source": "handbook", "page": i // 7}} for i in range(N)
        ),
        errors=("no_case",),
        never=("one_class",),
    ),
    Nasty(
        "chunks-of-two-files.jsonl",
        jsonl(
            {"page_content": DOCUMENTS[i], "source": f"part-{i % 2}.pdf", "type": "Document"}
            for i in range(N)
        ),
        errors=("no_case",),
        never=("one_class",),
    ),
    Nasty(
        "posts-with-tags.json",  # tags ask nothing that a post would answer
        as_json(
            [
                {"slug": f"post-{i}", "tags": ["a", f"b{i % 4}"], "html": DOCUMENTS[i]}
                for i in range(N)
            ]
        ),
        errors=("no_case",),
    ),
    Nasty(
        "numbered-questions.csv",  # names that a number follows, and one that asks
        lines(
            [
                ("pregunta 1", "pregunta 2", "¿misma intención?"),
                *((f"¿{a}?", f"¿{b}?", ("no", "sí")[same]) for a, b, same in judged()),
            ],
            ";",
        ).encode("utf-16"),
        "pair-class",
        {"sentence1": "pregunta 1", "sentence2": "pregunta 2"},
        "¿misma intención?",
        codes=("label_strings",),
        never=("header_assumed",),
    ),
    Nasty(
        "negatifs.json",
        as_json(
            [
                {
                    "requête": QUESTIONS[i],
                    "document_pertinent": ANSWERS[i],
                    "documents_négatifs": [ANSWERS[i - 5], ANSWERS[i - 9]],
                }
                for i in range(N)
            ]
        ),
        "triplet",
        {
            "anchor": "requête",
            "positive": "document_pertinent",
            "negative": "documents_négatifs",
        },
        codes=("several_texts",),
    ),
]
