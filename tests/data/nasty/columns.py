"""Nasty files whose columns are the trouble: names, orders, labels, scores, faults in rows."""

import json
from collections.abc import Callable, Iterable, Sequence

from tests.data.nasty import (
    ANSWERS,
    DOCUMENTS,
    QUESTIONS,
    TEXTS,
    TOLD,
    N,
    Nasty,
    asked,
    classed,
    judged,
    lines,
    nli,
    scored,
    triplets,
)
from tests.data.nasty.delimited import GERMAN

PAIR = {"sentence1": "sentence1", "sentence2": "sentence2"}
NLI = {"premise": "premise", "hypothesis": "hypothesis"}
QA = {"anchor": "question", "positive": "answer"}
TEXT = {"text": "text"}


def csv(header: Sequence[object], rows: Iterable[Sequence[object]]) -> bytes:
    """Write a header and rows as comma-separated text."""
    return lines([header, *rows]).encode()


def scores(name: str, write: Callable[[float], object], *codes: str, **more: object) -> Nasty:
    """Return scored pairs, each score from 0 to 1 written in some way."""
    data = csv(("sentence1", "sentence2", "score"), ((s, t, write(v)) for s, t, v in scored()))
    return Nasty(name, data, "pair-score", PAIR, "score", codes=codes, **more)  # type: ignore[arg-type]


SCORES = [
    scores("scores-0-to-1.csv", float),
    scores("scores-0-to-5.csv", lambda v: 5 * v, "score_range", errors=("score_range",)),
    scores("scores-1-to-5.csv", lambda v: round(4 * v) + 1, "score_range", errors=("score_range",)),
    scores("scores-minus-1-to-1.csv", lambda v: round(2 * v - 1, 2), errors=("score_range",)),
    scores("scores-0-to-100.csv", lambda v: round(100 * v), errors=("score_range",)),
    scores("scores-1-to-10.csv", lambda v: round(9 * v) + 1, errors=("score_range",)),
    scores(
        "scores-per-cent.csv", lambda v: f"{100 * v:.0f}%", "score_text", errors=("score_range",)
    ),
    scores(
        "scores-per-cent-spaced.csv",
        lambda v: f"{100 * v:.1f} %".replace(".", ","),
        "score_text",
        errors=("score_range",),
    ),
    scores(
        "scores-with-words.csv",
        lambda v: "n/a" if v > 0.97 else v,
        "label_missing",
        kept=sum(v <= 0.97 for _, _, v in scored()),
    ),
    scores("scores-all-alike.csv", lambda v: 1.0, errors=("score_constant",)),
    Nasty(
        "scores-under-another-name.csv",
        csv(
            ("PairID", "Sentence A", "Sentence B", "similarity_score"),
            ((i, *row) for i, row in enumerate(scored())),
        ),
        "pair-score",
        {"sentence1": "Sentence A", "sentence2": "Sentence B"},
        "similarity_score",
        codes=("label_renamed", "id_column"),
    ),
    scores(
        "scores-and-words.csv",
        lambda v: f"{round(2 * v)} - " + ("unrelated", "close", "identical")[round(2 * v)],
        "score_text",
        errors=("score_range",),
    ),
    Nasty(
        "score-first.csv",
        csv(("relatedness", "s1", "s2"), ((v, s, t) for s, t, v in scored())),
        "pair-score",
        {"sentence1": "s1", "sentence2": "s2"},
        "relatedness",
    ),
    Nasty(
        "sts-benchmark.tsv",
        "".join(
            f"main-captions\tMSRvid\t2012test\t{i:04d}\t{5 * v:.3f}\t{s}\t{t}\n"
            for i, (s, t, v) in enumerate(scored())
        ).encode(),
        "pair-score",
        {"sentence1": "column6", "sentence2": "column7"},
        "column5",
        codes=("header_assumed", "score_range"),
        errors=("score_range",),
    ),
    Nasty(
        "label-and-score.csv",
        csv(
            ("sentence1", "sentence2", "label", "score"),
            ((s, t, int(v > 0.5), v) for s, t, v in scored()),
        ),
        "pair-score",
        PAIR,
        "score",
        codes=("two_labels",),
    ),
]


def classes(name: str, write: Callable[[str], object], *codes: str, **more: object) -> Nasty:
    """Return texts with three classes, each written in some way."""
    data = csv(("text", "label"), ((text, write(area)) for text, area in classed()))
    return Nasty(name, data, "text-class", TEXT, "label", codes=codes, **more)  # type: ignore[arg-type]


NUMBER = {"Anvil": 0, "Lantern": 1, "Marl": 2}
CLASSES = [
    classes("classes-in-words.csv", str, "label_strings", never=("label_renumbered",)),
    classes("classes-from-1.csv", lambda a: NUMBER[a] + 1, "label_renumbered"),
    classes("classes-as-floats.csv", lambda a: float(NUMBER[a]), "label_float_classes"),
    classes("classes-with-gaps.csv", lambda a: NUMBER[a] * 10 + 10, "label_renumbered"),
    classes(
        "classes-with-minus-1.csv",
        lambda a: NUMBER[a] - 1,
        "label_missing",
        kept=sum(a != "Anvil" for _, a in classed()),
    ),
    classes("one-class.csv", lambda a: "help", errors=("one_class",), stuck=("one_class",)),
    Nasty(
        "classes-missing.csv",
        csv(
            ("text", "label"), ((t, "" if i % 10 == 0 else a) for i, (t, a) in enumerate(classed()))
        ),
        "text-class",
        TEXT,
        "label",
        kept=54,
        codes=("label_missing",),
        lines=(1, 11, 21, 31, 41, 51),
    ),
    Nasty(
        "message-and-team.csv",
        csv(
            ("ticket_id", "created_at", "message", "team"),
            (
                (f"T-{i:05d}", f"2024-03-{1 + i % 28:02d} 08:00", t, a)
                for i, (t, a) in enumerate(classed())
            ),
        ),
        "text-class",
        {"text": "message"},
        "team",
        codes=("label_renamed", "label_strings"),
    ),
    Nasty(
        "intent-first.csv",
        csv(("intent", "utterance"), ((a, t) for t, a in classed())),
        "text-class",
        {"text": "utterance"},
        "intent",
    ),
    Nasty(
        "trec-like.csv",
        csv(
            ("label-coarse", "label-fine", "question"),
            ((NUMBER[a], 3 * NUMBER[a] + i % 3, t) for i, (t, a) in enumerate(classed())),
        ),
        "text-class",
        {"text": "question"},
        "label-coarse",
    ),
    Nasty(
        "texto-etiqueta.csv",
        lines([("texto", "etiqueta"), *classed()], ";").encode(),
        "text-class",
        {"text": "texto"},
        "etiqueta",
    ),
    Nasty(
        "text-und-kategorie.csv",
        lines(
            [("Nr.", "Kategorie", "Nachricht"), *((i, a, t) for i, (t, a) in enumerate(classed()))],
            ";",
        ).encode("cp1252"),
        "text-class",
        {"text": "Nachricht"},
        "Kategorie",
    ),
    Nasty(
        "sentiment-yes-no.csv",
        csv(
            ("review", "recommended"),
            ((t, ("yes", "no")[i % 2]) for i, (t, _) in enumerate(classed())),
        ),
        "text-class",
        {"text": "review"},
        "recommended",
    ),
    Nasty(
        "fasttext.txt",
        "".join(f"__label__{area} {text}\n" for text, area in classed()).encode(),
        "text-class",
        {"text": "column2"},
        "column1",
        first={"text": classed()[0][0]},
    ),
    Nasty(
        "stars.csv",
        csv(
            ("user_id", "stars", "review_title", "review_body", "language"),
            ((f"u{i}", 1 + i % 5, TOLD[i][:30], t, "en") for i, (t, _) in enumerate(classed())),
        ),
        "text-class",
        {"text": "review_body"},
        "stars",
    ),
]


def alike(name: str, write: Callable[[int], object], *codes: str, **more: object) -> Nasty:
    """Return pairs that are alike or not, which is written in some way."""
    data = csv(("sentence1", "sentence2", "label"), ((s, t, write(v)) for s, t, v in judged()))
    first = {"label": 1}
    return Nasty(name, data, "pair-class", PAIR, "label", codes=codes, first=first, **more)  # type: ignore[arg-type]


PAIRS = [
    alike("pairs-0-1.csv", int),
    alike("pairs-as-floats.csv", float, "label_float_classes"),
    alike("pairs-as-truth.csv", lambda v: ("False", "True")[v], "label_bool"),
    alike("pairs-yes-no.csv", lambda v: ("no", "Yes")[v], "label_strings"),
    alike("pairs-vrai-faux.csv", lambda v: ("faux", "vrai")[v], "label_strings"),
    alike("pairs-ja-nein.csv", lambda v: ("nein", "ja")[v], "label_strings"),
    alike("pairs-minus-1.csv", lambda v: 2 * v - 1),
    alike("pairs-1-2.csv", lambda v: v + 1, errors=("label_strings",)),
    alike("pairs-in-words.csv", lambda v: ("not a duplicate", "duplicate")[v], "label_strings"),
    Nasty(
        "quora.tsv",
        lines(
            [
                ("id", "qid1", "qid2", "question1", "question2", "is_duplicate"),
                *((i, 2 * i + 1, 2 * i + 2, s, t, v) for i, (s, t, v) in enumerate(judged())),
            ],
            "\t",
        ).encode(),
        "pair-class",
        {"sentence1": "question1", "sentence2": "question2"},
        "is_duplicate",
        codes=("id_column", "label_renamed"),
    ),
    Nasty(
        "camel-case.csv",
        csv(
            ("pairId", "isDuplicate", "textA", "textB"),
            ((f"p{i}", v, s, t) for i, (s, t, v) in enumerate(judged())),
        ),
        "pair-class",
        {"sentence1": "textA", "sentence2": "textB"},
        "isDuplicate",
    ),
    Nasty(
        "query-document-relevance.csv",
        csv(
            ("query", "document", "relevance"),
            ((QUESTIONS[i], (ANSWERS[i], ANSWERS[-1 - i])[i % 2], 1 - i % 2) for i in range(N)),
        ),
        "pair-class",
        {"sentence1": "query", "sentence2": "document"},
        "relevance",
    ),
    Nasty(
        "all-alike.csv",
        csv(("sentence1", "sentence2", "label"), ((s, t, 1) for s, t, _ in judged())),
        "pair-class",
        PAIR,
        "label",
        errors=("one_class",),
    ),
    Nasty(
        "source-target.csv",
        csv(("Source", "Target"), asked()),
        "pair",
        {"anchor": "Source", "positive": "Target"},
    ),
    Nasty(
        "frage-antwort.csv",
        lines([("Frage", "Antwort", "Autor"), *((q, a, "Ann") for q, a in GERMAN)], ";").encode(),
        "pair",
        {"anchor": "Frage", "positive": "Antwort"},
    ),
    Nasty(
        "pregunta-respuesta.csv",
        csv(("respuesta", "pregunta"), ((a, q) for q, a in asked())),
        "pair",
        {"anchor": "pregunta", "positive": "respuesta"},
    ),
    Nasty(
        "positive-before-anchor.csv",
        csv(("positive", "anchor"), ((a, q) for q, a in asked())),
        "pair",
        {"anchor": "anchor", "positive": "positive"},
    ),
    Nasty(
        "answers-called-anchor.csv",
        csv(("anchor", "positive"), ((a, q) for q, a in asked())),
        "pair",
        {"anchor": "anchor", "positive": "positive"},
        codes=("swapped",),
    ),
    Nasty(
        "extra-columns.csv",
        csv(
            ("uuid", "url", "date", "author", "lang", "question", "answer", "votes", "licence"),
            (
                (
                    f"{i:08x}-0000-4000-8000-{i:012x}",
                    f"https://desk.example/{i}",
                    f"2024-01-{1 + i % 28:02d}",
                    f"user{i % 7}",
                    "en",
                    q,
                    a,
                    i * i % 90,
                    "CC-BY-4.0",
                )
                for i, (q, a) in enumerate(asked())
            ),
        ),
        "pair",
        QA,
        codes=("id_column",),
        never=("negatives_as_positives",),
    ),
    Nasty(
        "with-its-topic.csv",
        csv(
            ("question", "answer", "topic"),
            ((q, a, ("printing", "access", "travel")[i % 3]) for i, (q, a) in enumerate(asked())),
        ),
        "pair",
        QA,
        codes=("extra_column",),
    ),
    Nasty(
        "split-column.csv",
        csv(
            ("split", "question", "answer"),
            (
                (("train", "train", "train", "dev", "test")[i % 5], q, a)
                for i, (q, a) in enumerate(asked(100))
            ),
        ),
        "pair",
        QA,
        read=100,
        kept=100,
        splits={"train": 60, "validation": 20, "test": 20},
    ),
    Nasty(
        "split-column-classes.tsv",
        lines(
            [
                ("text", "label", "set"),
                *((t, a, ("TRAIN", "TEST")[i % 4 == 3]) for i, (t, a) in enumerate(classed(100))),
            ],
            "\t",
        ).encode(),
        "text-class",
        TEXT,
        "label",
        read=100,
        kept=100,
        splits={"train": 75, "test": 25},
    ),
    Nasty(
        "same-question-twice.csv",
        csv(("question", "answer"), [*asked(), *asked(12)]),
        "pair",
        QA,
        read=72,
        kept=72,
        codes=("duplicates",),
    ),
    Nasty(
        "its-own-answer.csv",
        csv(
            ("question", "answer"),
            ((q, q if i % 6 == 0 else a) for i, (q, a) in enumerate(asked())),
        ),
        "pair",
        QA,
        codes=("same_texts",),
    ),
]

KINDS = ("entailment", "neutral", "contradiction")
INFERENCE = [
    Nasty(
        "nli-in-words.csv",
        csv(("premise", "hypothesis", "label"), ((p, h, KINDS[v]) for p, h, v in nli())),
        "nli",
        NLI,
        "label",
        codes=("label_strings", "reshape"),
    ),
    Nasty(
        "nli-in-numbers.csv", csv(("premise", "hypothesis", "label"), nli()), "nli", NLI, "label"
    ),
    Nasty(
        "nli-as-sentences.csv",
        csv(("sentence1", "sentence2", "label"), ((p, h, KINDS[v].upper()) for p, h, v in nli())),
        "nli",
        {"premise": "sentence1", "hypothesis": "sentence2"},
        "label",
    ),
    Nasty(
        "snli.txt",
        lines(
            [
                ("gold_label", "sentence1", "sentence2", "captionID", "pairID", "label1"),
                *(
                    (
                        ("-" if i % 10 == 9 else KINDS[v]),
                        p,
                        h,
                        f"{i // 3}.jpg#1",
                        f"{i // 3}.jpg#1r{i}",
                        KINDS[v],
                    )
                    for i, (p, h, v) in enumerate(nli())
                ),
            ],
            "\t",
        ).encode(),
        "nli",
        {"premise": "sentence1", "hypothesis": "sentence2"},
        "gold_label",
        kept=54,
        codes=("label_missing",),
    ),
    Nasty(
        "nli-minus-1.csv",
        csv(
            ("premise", "hypothesis", "label"),
            ((p, h, -1 if i % 10 == 9 else v) for i, (p, h, v) in enumerate(nli())),
        ),
        "nli",
        NLI,
        "label",
        kept=54,
        codes=("label_missing",),
    ),
    Nasty(
        "premessa-ipotesi.csv",
        lines(
            [("premessa", "ipotesi", "relazione")]
            + [(p, h, ("implicazione", "neutrale", "contraddizione")[v]) for p, h, v in nli()],
            ";",
        ).encode(),
        "nli",
        {"premise": "premessa", "hypothesis": "ipotesi"},
        "relazione",
    ),
    Nasty(
        "nli-numbered-words.csv",
        csv(
            ("sentence_A", "sentence_B", "entailment_label"),
            ((p, h, f"{v} - {KINDS[v]}") for p, h, v in nli()),
        ),
        "nli",
        {"premise": "sentence_A", "hypothesis": "sentence_B"},
        "entailment_label",
    ),
    Nasty(
        "nli-capitals.csv",
        csv(
            ("Index", "Premise", "Hypothesis", "Judgement"),
            ((i, p, h, "ENC"[v]) for i, (p, h, v) in enumerate(nli())),
        ),
        "nli",
        {"premise": "Premise", "hypothesis": "Hypothesis"},
        "Judgement",
    ),
]

TRIPLETS = [
    Nasty(
        "query-pos-neg.csv",
        csv(("query", "pos", "neg"), triplets()),
        "triplet",
        {"anchor": "query", "positive": "pos", "negative": "neg"},
    ),
    Nasty(
        "neg-pos-query.csv",
        csv(("neg", "pos", "query"), ((n, p, q) for q, p, n in triplets())),
        "triplet",
        {"anchor": "query", "positive": "pos", "negative": "neg"},
    ),
    Nasty(
        "hard-negatives.csv",
        csv(
            ("anchor", "positive", "hard_negative_1", "hard_negative_2"),
            ((q, p, n, ANSWERS[i + 80]) for i, (q, p, n) in enumerate(triplets())),
        ),
        "triplet",
        {"anchor": "anchor", "positive": "positive", "negative": "hard_negative_1"},
    ),
    Nasty(
        "labelled-triplets.csv",
        csv(
            ("anchor", "positive", "negative", "label"),
            ((q, p, n, i % 4) for i, (q, p, n) in enumerate(triplets())),
        ),
        "triplet",
        {"anchor": "anchor", "positive": "positive", "negative": "negative"},
        codes=("extra_column",),
    ),
    Nasty(
        "positive-is-negative.csv",
        csv(
            ("anchor", "positive", "negative"),
            ((q, p, p if i % 6 == 0 else n) for i, (q, p, n) in enumerate(triplets())),
        ),
        "triplet",
        {"anchor": "anchor", "positive": "positive", "negative": "negative"},
        codes=("same_texts",),
        errors=("same_texts",),
    ),
    Nasty(
        "chosen-rejected.jsonl",
        "\n".join(
            json.dumps({"prompt": q, "chosen": p, "rejected": n}) for q, p, n in triplets()
        ).encode(),
        "triplet",
        {"anchor": "prompt", "positive": "chosen", "negative": "rejected"},
    ),
]

ALONE = [
    Nasty(
        "documents.csv",
        csv(("id", "content"), enumerate(DOCUMENTS)),
        None,
        read=len(DOCUMENTS),
        kept=len(DOCUMENTS),
        errors=("no_case",),
    ),
    Nasty(
        "numbers-only.csv",
        csv(("a", "b"), ((i, i * 3 % 7) for i in range(N))),
        None,
        errors=("no_case",),
        stuck=("no_case",),
    ),
    Nasty(
        "short-texts-alone.csv",
        csv(("text",), ([q.rpartition(". ")[2]] for q in QUESTIONS[:N])),  # one sentence each
        None,
        errors=("no_case",),
        stuck=("no_case",),
    ),
    Nasty(
        "title-summary-text.csv",  # no text that belongs to the others is pushed away from them
        csv(
            ("title", "summary", "text"), ((TOLD[i][:40], TOLD[i], DOCUMENTS[i]) for i in range(N))
        ),
        "pair",
        {"anchor": "title", "positive": "summary"},
        codes=("extra_column",),
    ),
    Nasty(
        "recipes.csv",  # three texts, none of them called a negative
        csv(
            ("recipe_name", "ingredients", "directions"),
            ((TOLD[i][:30], f"{TOLD[i][30:60]}, salt", DOCUMENTS[i]) for i in range(N)),
        ),
        "pair",
        {"anchor": "recipe_name", "positive": "ingredients"},
        codes=("extra_column",),
    ),
    Nasty(
        "goods.csv",
        csv(
            ("sku", "name", "description", "price", "in_stock"),
            (
                (f"S{i:04d}", TOLD[i][:30], DOCUMENTS[i], f"{9.99 + 4 * i:.2f}", str(i % 2 > 0))
                for i in range(N)
            ),
        ),
        "pair",
        {"anchor": "name", "positive": "description"},
    ),
    Nasty(
        "few-sentences-again-and-again.csv",  # sentences are no names of classes
        csv(
            ("sentence", "similar", "dissimilar"),
            (
                (
                    f"The lift of hall {i % 8} waits.",
                    f"In hall {i % 8} it stands.",
                    f"Rain at {i % 7}.",
                )
                for i in range(N)
            ),
        ),
        "triplet",
        {"anchor": "sentence", "positive": "similar", "negative": "dissimilar"},
        errors=("too_few_rows",),
        stuck=("too_few_rows",),
    ),
    Nasty(
        "title-and-body.csv",
        csv(("title", "body"), ((TOLD[i][:40], DOCUMENTS[i]) for i in range(N))),
        "pair",
        {"anchor": "title", "positive": "body"},
    ),
]

FILES = [*SCORES, *CLASSES, *PAIRS, *INFERENCE, *TRIPLETS, *ALONE]
assert len(TEXTS) > N
