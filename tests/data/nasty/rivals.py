"""Nasty files in which two columns could be meant, and only one of them is."""

import textwrap

from tests.data.nasty import (
    ANSWERS,
    DOCUMENTS,
    QUESTIONS,
    TOLD,
    N,
    Nasty,
    asked,
    judged,
    lines,
    scored,
    triplets,
)
from tests.data.nasty.delimited import FRENCH, GERMAN, RUSSIAN
from tests.data.nasty.jsons import as_json, jsonl

THIRDS = (1, 1.33, 1.67, 2, 2.33, 2.67, 3)
SIGNED = "Shared under CC0 by the help desk, no. {} ({})"
CUT = 35  # characters of a title

SCORES = [
    Nasty(
        "fuzzy-matches-in-per-cent.csv",  # few values, each met several times: scores all the same
        lines(
            [
                ("Segment", "Memory hit", "Match"),
                *((s, t, f"{round(100 * v)} %") for s, t, v in scored(steps=9)),
            ],
            ";",
        ).encode(),
        "pair-score",
        {"sentence1": "Segment", "sentence2": "Memory hit"},
        "Match",
        codes=("score_text", "score_range"),
        errors=("score_range",),
    ),
    Nasty(
        "tax-rates.csv",  # per cent beside one text alone: then it can only be a class
        lines(
            [("Artikel", "MwSt"), *((TOLD[i], ("7 %", "19 %")[i % 3 > 0]) for i in range(N))]
        ).encode(),
        "text-class",
        {"text": "Artikel"},
        "MwSt",
    ),
    Nasty(
        "graded-offers.csv",  # the article's number returns as classes do
        lines(
            [
                ("article_sku", "offer", "search_phrase", "grade"),
                *(
                    (40_000 + i % 12, TOLD[i], QUESTIONS[i % 15][:CUT], THIRDS[i * 5 % 7])
                    for i in range(N)
                ),
            ]
        ).encode(),
        "pair-score",
        {"sentence1": "search_phrase", "sentence2": "offer"},
        "grade",
        codes=("id_column", "score_range"),
        errors=("score_range",),
    ),
]

SCREENED = ("title", "abstract", "relevant")
RELATIONS = [
    Nasty(
        "graded-titles.csv",  # how relevant a document is says nothing of its query alone
        lines(
            [
                ("query", "document_title", "relevance"),
                *((QUESTIONS[i % 15], TOLD[i][:CUT], i * 3 % 4) for i in range(N)),
            ]
        ).encode(),
        "pair-score",
        {"sentence1": "query", "sentence2": "document_title"},
        "relevance",
        errors=("score_range",),
    ),
    Nasty(
        "anfrage-dokument.csv",
        lines(
            [
                ("Anfrage", "Dokument", "relevant"),
                *((s, t, ("nein", "ja")[v]) for s, t, v in judged()),
            ]
        ).encode(),
        "pair-class",
        {"sentence1": "Anfrage", "sentence2": "Dokument"},
        "relevant",
    ),
    Nasty(
        "answers-marked.csv",
        lines(
            [
                ("question", "answer", "correct"),
                *((s, t, ("no", "yes")[v]) for s, t, v in judged()),
            ]
        ).encode(),
        "pair-class",
        {"sentence1": "question", "sentence2": "answer"},
        "correct",
    ),
    Nasty(
        "screened-abstracts.csv",  # whether an abstract is taken in says nothing of its title
        lines([SCREENED, *((TOLD[i][:CUT], DOCUMENTS[i], i % 3 % 2) for i in range(N))]).encode(),
        "text-class",
        {"text": "abstract"},
        "relevant",
    ),
    Nasty(
        "translations-by-domain.csv",
        lines(
            [
                ("en", "fr", "domain"),
                *(
                    (q, f, ("law", "care")[i % 2])
                    for i, ((q, _), (f, _)) in enumerate(zip(asked(), FRENCH, strict=False))
                ),
            ]
        ).encode(),
        "pair",
        {"anchor": "en", "positive": "fr"},
    ),
    Nasty(
        "key-and-value.csv",  # short words are asked for here, and number nothing
        lines(
            [("Key", "Value"), *((f"{q.split()[0]} {i}", a) for i, (q, a) in enumerate(asked()))]
        ).encode(),
        "pair",
        {"anchor": "Key", "positive": "Value"},
    ),
]

PAIRS = [
    Nasty(
        "sentences-of-articles.tsv",  # every sentence of an article has the same title
        lines(
            [
                ("QID", "Question", "PageID", "PageTitle", "LineID", "Line", "Correct"),
                *(
                    (
                        f"Q{i // 4}",
                        QUESTIONS[i // 4],
                        f"P{i // 4}",
                        f"All that is known of {TOLD[i // 4][:CUT]}",
                        f"P{i // 4}-{i % 4}",
                        ANSWERS[i],
                        int(i % 4 == 1),
                    )
                    for i in range(N)
                ),
            ],
            "\t",
        ).encode(),
        "pair-class",
        {"sentence1": "Question", "sentence2": "Line"},
        "Correct",
        codes=("id_column", "extra_column"),
    ),
    Nasty(
        "title-and-passage.csv",  # a passage says more than its title, which names the document
        lines(
            [
                ("query", "document_title", "passage"),
                *((QUESTIONS[i], TOLD[i][:CUT], DOCUMENTS[i]) for i in range(N)),
            ]
        ).encode(),
        "pair",
        {"anchor": "query", "positive": "passage"},
    ),
    Nasty(
        "translations-with-attribution.txt",
        "".join(
            f"{q}\t{f}\t{SIGNED.format(7 * i, ('ann', 'bo')[i % 2])}\n"
            for i, ((q, _), (f, _)) in enumerate(zip(asked(), FRENCH, strict=False))
        ).encode(),
        "pair",
        {"anchor": "column1", "positive": "column2"},
        codes=("header_assumed", "extra_column"),
    ),
    Nasty(
        "functions.jsonl",  # the same function twice, with and without what stands around it
        jsonl(
            {
                "repository_name": "desk",
                "func_path_in_repository": f"desk/part{i % 9}.py",
                "whole_func_string": f'def step_{i}():\n    """{a}"""\n    return [{i}, {i + 1}]',
                "func_code_string": f'def step_{i}():\n    """{a}"""\n    return [{i}, {i + 1}]'
                + "\n" * (i % 2),
                "func_documentation_string": a,
            }
            for i, a in enumerate(ANSWERS[:N])
        ),
        "pair",
        {"anchor": "func_documentation_string", "positive": "func_code_string"},
        never=("same_texts",),
    ),
    Nasty(
        "reader-training.json",  # the answer is a phrase; the passages say which is the positive
        as_json(
            [
                {
                    "question": q,
                    "answers": [a[:CUT]],
                    "positive_ctxs": [{"title": a[:CUT], "text": a, "score": 1000}],
                    "negative_ctxs": [],
                    "hard_negative_ctxs": [{"title": n[:CUT], "text": n, "score": 17.5}] * 2,
                }
                for q, a, n in triplets()
            ]
        ),
        "triplet",
        {
            "anchor": "question",
            "positive": "positive_ctxs.text",
            "negative": "hard_negative_ctxs.text",
        },
        codes=("nested",),
    ),
]


TOLD_BEFORE = "Represent this sentence for searching relevant passages: "
LAYOUTS = [
    Nasty(
        "talks-in-three-languages.tsv",  # a second translation is no negative
        lines(
            [
                ("talk", "en", "fr", "ru"),
                *(
                    (f"talk_{i // 5}", q, f, r)
                    for i, ((q, _), (f, _), (r, _)) in enumerate(
                        zip(asked(), FRENCH, RUSSIAN, strict=False)
                    )
                ),
            ],
            "\t",
        ).encode(),
        "pair",
        {"anchor": "en", "positive": "fr"},
        codes=("extra_column",),
    ),
    Nasty(
        "found-by-a-search-engine.json",  # one score for everything is none
        as_json(
            {
                "took": 3,
                "hits": {
                    "total": {"value": N},
                    "hits": [
                        {
                            "_index": "desk",
                            "_score": 1.0,
                            "_source": {"title": TOLD[i][:CUT], "content": DOCUMENTS[i]},
                        }
                        for i in range(N)
                    ],
                },
            }
        ),
        "pair",
        {"anchor": "_source.title", "positive": "_source.content"},
    ),
    Nasty(
        "ideal-answers.json",  # the kind of question is no class to learn, once it is answered
        as_json(
            {
                "questions": [
                    {
                        "body": q,
                        "type": ("yesno", "list", "factoid")[i % 3],
                        "ideal_answer": [a],
                        "snippets": [{"text": DOCUMENTS[i], "beginSection": "abstract"}],
                    }
                    for i, (q, a) in enumerate(asked())
                ]
            }
        ),
        "pair",
        {"anchor": "body", "positive": "ideal_answer"},
    ),
    Nasty(
        "intents-as-arrays.json",  # one word each, met twice on average: still classes
        as_json({"train": [[TOLD[i], f"intent_{i * 7 % 29}"] for i in range(N)]}),
        "text-class",
        {"text": "text"},
        "label",
        codes=("class_in_arrays",),
    ),
    Nasty(
        "quiz.csv",
        lines(
            [
                ("question", "distractor2", "distractor1", "correct_answer"),
                *((q, ANSWERS[-3 - i], n, a) for i, (q, a, n) in enumerate(triplets())),
            ]
        ).encode(),
        "triplet",
        {"anchor": "question", "positive": "correct_answer", "negative": "distractor2"},
        codes=("extra_column",),
    ),
    Nasty(
        "instructions-before-short-queries.tsv",  # what all queries begin with is no attribution
        lines(((f"{TOLD_BEFORE}{q.split()[-1]}", a, n) for q, a, n in triplets()), "\t").encode(),
        "triplet",
        {"anchor": "column1", "positive": "column2", "negative": "column3"},
        codes=("header_assumed",),
    ),
]


def named(name: str, names: tuple[str, str, str], texts: list[tuple[str, str]]) -> Nasty:
    """Make a file of texts, texts that belong to them and texts that do not."""
    rows = [(a, b, texts[i - 7][1]) for i, (a, b) in enumerate(texts[:N])]
    roles = dict(zip(("anchor", "positive", "negative"), names, strict=True))
    return Nasty(name, lines([names, *rows], ";").encode(), "triplet", roles)


NEGATIVES = [
    Nasty(
        "negatives-of-a-few-replies.csv",  # every reply is met in every part
        lines(
            [
                ("question", "reply", "wrong reply"),
                *((QUESTIONS[i], ANSWERS[i % 20], ANSWERS[(i + 1 + i % 7) % 20]) for i in range(N)),
            ]
        ).encode(),
        "triplet",
        {"anchor": "question", "positive": "reply", "negative": "wrong reply"},
        errors=("too_few_rows",),
    ),
    named("kein-treffer.csv", ("Anfrage", "Treffer", "Kein Treffer"), GERMAN),
    named("falsche-antwort.csv", ("Frage", "Richtige Antwort", "Falsche Antwort"), GERMAN),
    named("nicht-relevant.csv", ("Suche", "Relevant", "Nicht relevant"), GERMAN),
    named("non-pertinent.csv", ("requête", "pertinent", "non pertinent"), asked(N)),
    named("incorrecto.csv", ("consulta", "correcto", "incorrecto"), asked(N)),
    named("sbagliata.csv", ("domanda", "risposta", "risposta sbagliata"), asked(N)),
    named("неверный.csv", ("вопрос", "верный ответ", "неверный ответ"), RUSSIAN),
]

ABOVE = "# Questions to the desk\n\nCopied on Monday.\n\n"
BELOW = "\nLast edited by Ann\n"
WIKI = "".join(
    f"| {' | '.join(map(str, cells))} |\n"
    for cells in [("#", "Question", "Answer"), (":--", ":---", "---:")]
    + [(i, q, a) for i, (q, a) in enumerate(asked(), 1)]
)
TABLES = [
    Nasty(
        "wiki-table-with-numbers.txt",  # a mark for numbers is no mark of a comment
        WIKI.encode(),
        "pair",
        {"anchor": "Question", "positive": "Answer"},
        never=("header_assumed", "lines_skipped"),
        first={"anchor": QUESTIONS[0], "positive": ANSWERS[0]},
    ),
    Nasty(
        "wiki-page-with-table.txt",
        (ABOVE + WIKI + BELOW).encode(),
        "pair",
        {"anchor": "Question", "positive": "Answer"},
        read=N + 1,
        codes=("ragged_rows", "lines_skipped"),
        never=("header_assumed",),
        lines=(N + 8,),
        first={"anchor": QUESTIONS[0], "positive": ANSWERS[0]},
    ),
]

HANDBOOK = [" ".join(TOLD[i : i + 4]) for i in range(0, 4 * N, 4)]
PROSE = [
    Nasty(
        "handbook.txt",  # a paragraph a line, and an empty line below
        "\n\n".join(HANDBOOK).encode(),
        None,
        read=2 * N - 1,
        errors=("no_case",),
        codes=("empty_rows",),
    ),
    Nasty(
        "handbook-broken-at-a-width.txt",
        "\n\n".join(textwrap.fill(paragraph, 72) for paragraph in HANDBOOK).encode(),
        None,
        codes=("records_assumed",),
        errors=("no_case",),
    ),
]

FILES = [*SCORES, *RELATIONS, *PAIRS, *LAYOUTS, *NEGATIVES, *TABLES, *PROSE]
