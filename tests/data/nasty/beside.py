"""Nasty files of people's exports: dates, users, positions and measures beside what is meant."""

from tests.data.nasty import ANSWERS, DOCUMENTS, QUESTIONS, TOLD, N, Nasty, classed, lines, scored
from tests.data.nasty.jsons import as_json

USERS = ("lulu59", "", "Sab", "kim.b")
DATE = "Mon Apr {:02d} 22:58:49 PDT 2009"
RELATIONS = ("folgt", "neutral", "Widerspruch")

FILES = [
    Nasty(
        "search-log.csv",  # where a hit stood, and how often it was clicked, is no score of it
        lines(
            [
                ("query", "clicked_title", "position", "clicks", "day"),
                *(
                    (QUESTIONS[i], ANSWERS[i], 1 + i * 7 % 10, 90 + i * 13 % 200, "2024-03-05")
                    for i in range(N)
                ),
            ]
        ).encode(),
        "pair",
        {"anchor": "query", "positive": "clicked_title"},
        never=("score_range",),
    ),
    Nasty(
        "messages-without-names.csv",  # a date in words is no text, nor is a user
        lines(
            [
                (4 * (i % 2), 1467810000 + 31 * i, DATE.format(1 + i % 28), "NO_QUERY",
                 f"user{i % 9}", TOLD[i])
                for i in range(N)
            ]
        ).encode(),
        "text-class",
        {"text": "column6"},
        "column1",
        codes=("header_assumed",),
    ),
    Nasty(
        "avis.csv",  # who wrote it is not what it says
        lines(
            [
                ("date", "pseudo", "commentaire", "note", ""),
                *(("2021-02-11", USERS[i % 4], TOLD[i], 1 + i % 5, "") for i in range(N)),
            ],
            ";",
        ).encode("utf-8-sig"),
        "text-class",
        {"text": "commentaire"},
        "note",
    ),
    Nasty(
        "priorities.csv",
        lines(
            [
                ("Meldung", "Prio", "who"),
                *((TOLD[i], f"{1 + i % 3}.0", ("Raj", "Ann")[i % 2]) for i in range(N)),
            ]
        ).encode(),
        "text-class",
        {"text": "Meldung"},
        "Prio",
    ),
    Nasty(
        "proches.csv",  # a remark on some rows is no class
        lines(
            [
                ("id", "phrase", "proche", "éloignée", "commentaire"),
                *(
                    (i, QUESTIONS[i], ANSWERS[i], ANSWERS[-1 - i], "ok" if i % 3 else "")
                    for i in range(N)
                ),
            ],
            ";",
        ).encode("cp1252"),
        "triplet",
        {"anchor": "phrase", "positive": "proche", "negative": "éloignée"},
    ),
    Nasty(
        "urteile.csv",
        lines(
            [
                ("Prämisse", "Hypothese", "Urteil"),
                *((TOLD[i // 3], TOLD[-1 - i], RELATIONS[i % 3]) for i in range(N)),
            ],
            ";",
        ).encode(),
        "nli",
        {"premise": "Prämisse", "hypothesis": "Hypothese"},
        "Urteil",
        codes=("label_strings",),
    ),
    Nasty(
        "matches.json",  # in hundredths, and nobody got all of them
        as_json(
            [{"job": a, "cv": b, "match": round(97 * score)} for a, b, score in scored()]
        ),
        "pair-score",
        {"sentence1": "job", "sentence2": "cv"},
        "match",
        errors=("score_range",),
    ),
    Nasty(
        "specialties.json",  # two sorts of classes, of which one is of the patients
        as_json(
            [
                {"note_id": i, "specialty": area, "transcription": text,
                 "age_group": ("adult", "child")[i % 2]}
                for i, (text, area) in enumerate(classed())
            ]
        ),
        "text-class",
        {"text": "transcription"},
        "specialty",
    ),
    Nasty(
        "chunks-with-sizes.csv",
        lines(
            [
                ("source", "chunk", "text", "n_tokens"),
                *(("manual.pdf", i, DOCUMENTS[i], 20 + i % 12) for i in range(N)),
            ]
        ).encode(),
        errors=("no_case",),
    ),
    Nasty(
        "sensors.csv",
        lines(
            [
                ("time", "temp_c", "humidity", "co2"),
                *(
                    (f"2024-05-01 {i // 3:02d}:{20 * (i % 3):02d}", 20 + i % 7 / 10, 40 + i % 30,
                     500 + i * 37 % 600)
                    for i in range(N)
                ),
            ]
        ).encode(),
        errors=("no_case",),
        stuck=("no_case",),
    ),
]  # fmt: skip
