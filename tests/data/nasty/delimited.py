"""Nasty files with rows of text between delimiters."""

import csv
import gzip

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
    scored,
)

QA = {"anchor": "question", "positive": "answer"}
PAIR = {"sentence1": "sentence1", "sentence2": "sentence2"}
TEXT = {"text": "text"}
PLAIN_ASKED = [(i, q) for i, q in enumerate(QUESTIONS) if "," not in q][:50]
ASKED = lines([("question", "answer"), *asked()])
CLASSED = lines([("text", "label"), *classed()])


def comma(value: float) -> str:
    """Write a number as most of Europe does."""
    return f"{value:.2f}".replace(".", ",")


# Words of other languages, for the encodings they were written in.
GERMAN = [
    (f"Warum {was} {wo} nicht?", f"Prüfen Sie zuerst {womit}; danach läuft {was} {wo} wieder.")
    for was in ("öffnet die Tür", "druckt das Gerät", "läuft der Lüfter", "klingelt das Telefon")
    for wo in ("im Büro", "in Köln", "auf der Straße", "beim Empfang", "in der Küche")
    for womit in ("das Kabel", "den Schlüssel", "die Größe")
]
FRENCH = [
    (f"Où {quoi} {quand} ?", f"Voilà : {quoi} {ou}, c'est noté dans le règlement n° {n}.")
    for quoi in ("déposer le colis", "payer les impôts", "réserver la salle", "jeter le café")
    for quand in ("à Noël", "après l'été", "dès février", "le soir")
    for n, ou in enumerate(("au rez-de-chaussée", "près de l'entrée", "à l'étage", "à côté"))
]
RUSSIAN = [
    (f"Почему {что} {где}?", f"Проверьте {чем}: обычно {что} {где} из-за этого.")
    for что in ("не печатает принтер", "не открывается дверь", "не звонит телефон", "шумит сервер")
    for где in ("в офисе", "на складе", "в переговорной", "у бухгалтера", "на втором этаже")
    for чем in ("кабель", "ключ", "настройки")
]
JAPANESE = [
    (
        f"{どこ}の{何}が動きません。どうすればいいですか？",
        f"{どこ}の{何}は、まず{手段}を確認してください。",
    )
    for 何 in ("印刷機", "電話機", "扇風機", "自動ドア")
    for どこ in ("会議室", "受付", "倉庫", "二階", "食堂")
    for 手段 in ("電源コード", "設定画面", "説明書")
]
POLISH = [
    (
        f"Dlaczego {co} {gdzie}?",
        f"Proszę sprawdzić {czym}; wtedy {co} {gdzie} znów będzie w porządku.",
    )
    for co in ("nie działa światło", "się zacięła drukarka", "jest głośno", "nie ma łączności")
    for gdzie in ("w łazience", "na zewnątrz", "w księgowości", "przy wejściu", "w świetlicy")
    for czym in ("włącznik", "źródło zasilania", "ustawienia")
]

ENCODINGS = [
    Nasty(
        "latin-1.csv",
        lines([("frage", "antwort"), *GERMAN], ";").encode("latin-1"),
        "pair",
        {"anchor": "frage", "positive": "antwort"},
        codes=("encoding_assumed", "delimiter_assumed"),
        first={"anchor": GERMAN[0][0]},
    ),
    Nasty(
        "cp1252-curly-quotes.csv",
        lines(
            [("question", "answer"), *((f"“{q}” – really?", f"It’s {a} …") for q, a in asked())]
        ).encode("cp1252"),
        "pair",
        QA,
        codes=("encoding_assumed",),
        first={"anchor": f"“{QUESTIONS[0]}” – really?"},
    ),
    Nasty(
        "french-cp1252.csv",
        lines([("Question", "Réponse"), *FRENCH[:N]], ";").encode("cp1252"),
        "pair",
        {"anchor": "Question", "positive": "Réponse"},
        codes=("encoding_assumed",),
        first={"positive": FRENCH[0][1]},
    ),
    Nasty(
        "russian-cp1251.csv",
        lines([("вопрос", "ответ"), *RUSSIAN], ";").encode("cp1251"),
        "pair",
        {"anchor": "вопрос", "positive": "ответ"},
        codes=("encoding_assumed",),
        first={"anchor": RUSSIAN[0][0]},
    ),
    Nasty(
        "japanese-shift-jis.csv",
        lines([("質問", "回答"), *JAPANESE]).encode("shift_jis"),
        "pair",
        {"anchor": "質問", "positive": "回答"},
        codes=("encoding_assumed",),
        first={"anchor": JAPANESE[0][0]},
    ),
    Nasty(
        "polish-cp1250.csv",
        lines([("pytanie", "odpowiedź"), *POLISH], ";").encode("cp1250"),
        "pair",
        {"anchor": "pytanie", "positive": "odpowiedź"},
        codes=("encoding_assumed",),
        first={"anchor": POLISH[0][0]},
    ),
    Nasty("bom.csv", ASKED.encode("utf-8-sig"), "pair", QA, never=("encoding_assumed",)),
    Nasty("utf-16-le.csv", b"\xff\xfe" + ASKED.encode("utf-16-le"), "pair", QA),
    Nasty("utf-16-be.csv", b"\xfe\xff" + ASKED.encode("utf-16-be"), "pair", QA),
    Nasty(
        "utf-16-without-mark.csv",
        ASKED.encode("utf-16-le"),
        "pair",
        QA,
        codes=("encoding_assumed",),
    ),
    Nasty(
        "excel-unicode.txt",
        b"\xff\xfe"
        + lines([("question", "answer"), *GERMAN], "\t").replace("\n", "\r\n").encode("utf-16-le"),
        "pair",
        QA,
        codes=("delimiter_assumed",),
        first={"anchor": GERMAN[0][0]},
    ),
    Nasty(
        "one-damaged-character.csv",
        lines([("question", "answer"), *GERMAN]).encode().replace("ü".encode(), b"\xc3", 1),
        "pair",
        QA,
        codes=("encoding_assumed",),
        first={"positive": GERMAN[0][1]},
    ),
    Nasty("packed.csv.gz", gzip.compress(ASKED.encode()), "pair", QA),
    Nasty("packed-but-called.csv", gzip.compress(ASKED.encode()), "pair", QA),
]

DELIMITERS = [
    Nasty("plain.csv", ASKED.encode(), "pair", QA, never=("delimiter_assumed", "header_assumed")),
    Nasty(
        "semicolons-decimal-commas.csv",
        lines(
            [("satz1", "satz2", "wert"), *((s, t, comma(v)) for s, t, v in scored())], ";"
        ).encode(),
        "pair-score",
        {"sentence1": "satz1", "sentence2": "satz2"},
        "wert",
        codes=("delimiter_assumed", "score_text", "label_renamed"),
        first={"score": 0.0},
    ),
    Nasty(
        "quoted-decimal-commas.csv",
        lines(
            [("sentence1", "sentence2", "score"), *((s, t, comma(v)) for s, t, v in scored())]
        ).encode(),
        "pair-score",
        PAIR,
        "score",
        codes=("score_text",),
        never=("delimiter_assumed",),
    ),
    Nasty("tabs.tsv", lines([("question", "answer"), *asked()], "\t").encode(), "pair", QA),
    Nasty(
        "tabs-called.csv",
        lines([("question", "answer"), *asked()], "\t").encode(),
        "pair",
        QA,
        codes=("delimiter_assumed",),
    ),
    Nasty("bars.txt", lines([("question", "answer"), *asked()], "|").encode(), "pair", QA),
    Nasty(
        "markdown-table.txt",
        "".join(
            f"| {' | '.join(cells)} |\n"
            for cells in [("question", "answer"), ("---", "---"), *asked()]
        ).encode(),
        "pair",
        QA,
        first={"anchor": QUESTIONS[0], "positive": ANSWERS[0]},
    ),
    Nasty(
        "triple-bars.txt",
        "".join(f"{q} ||| {a}\n" for q, a in [("question", "answer"), *asked()]).encode(),
        "pair",
        QA,
        codes=("delimiter_assumed",),
        first={"anchor": QUESTIONS[0], "positive": ANSWERS[0]},
    ),
    Nasty(
        "carets.txt",
        lines([("question", "answer", "team"), *((q, a, "x") for q, a in asked())], "^").encode(),
        "pair",
        QA,
        codes=("delimiter_assumed",),
    ),
    Nasty(
        "tildes.txt",
        lines([("text", "label"), *classed()], "~").encode(),
        "text-class",
        TEXT,
        "label",
        codes=("delimiter_assumed",),
    ),
    Nasty(
        "hive-control-a.txt",
        lines([("question", "answer"), *asked()], "\x01").encode(),
        "pair",
        QA,
        codes=("delimiter_assumed",),
    ),
    Nasty(
        "excel-says-sep.csv",
        (
            "sep=;\r\n" + lines([("question", "answer"), *asked()], ";").replace("\n", "\r\n")
        ).encode(),
        "pair",
        QA,
        codes=("delimiter_assumed",),
    ),
    Nasty(
        "tabs-among-commas.txt",  # as many commas in every text: the tab is no chance
        "".join(f"{('-1', '+1')[i % 2]}\tOn {i}, as said, {q}\n" for i, q in PLAIN_ASKED).encode(),
        "text-class",
        {"text": "column2"},
        "column1",
        read=len(PLAIN_ASKED),
        kept=len(PLAIN_ASKED),
        codes=("header_assumed",),
    ),
    Nasty("crlf.csv", ASKED.replace("\n", "\r\n").encode(), "pair", QA),
    Nasty("old-mac.csv", ASKED.replace("\n", "\r").encode(), "pair", QA),
    Nasty(
        "delimiter-at-the-end.csv",
        "".join(f"{line}," if line else "" for line in ASKED.splitlines(keepends=False)).encode()
        and "".join(f"{line},\n" for line in ASKED.splitlines()).encode(),
        "pair",
        QA,
    ),
    Nasty(
        "delimiters-at-the-end-of-rows.csv",
        ASKED.replace("\n", ",,\n").replace(",,\n", "\n", 1).encode(),
        "pair",
        QA,
    ),
    Nasty(
        "spaces-after-commas.csv",
        "".join(
            f"{q}, {a}\n"
            for q, a in [("question", "answer"), *((f'"{q}"', f'"{a}"') for q, a in asked())]
        ).encode(),
        "pair",
        QA,
        first={"anchor": QUESTIONS[0], "positive": ANSWERS[0]},
    ),
    Nasty(
        "texts-with-leading-spaces.csv",
        lines(
            [("text", "label"), *((f"   {text}  ", f" {label}") for text, label in classed())]
        ).encode(),
        "text-class",
        TEXT,
        "label",
    ),
    Nasty(
        "commas-in-texts-never-quoted.tsv",
        lines(
            [("text", "label"), *((f"{t}, 1,5, really", c) for t, c in classed())], "\t"
        ).encode(),
        "text-class",
        TEXT,
        "label",
    ),
    Nasty(
        "one-text-a-line-with-commas.txt",
        "".join(f"{text}\n" for text in DOCUMENTS[:N]).encode(),
        None,
        codes=("no_case", "header_assumed"),
        errors=("no_case",),
    ),
]

QUOTES = [
    Nasty(
        "quotes-and-newlines.csv",
        lines(
            [("question", "answer"), *((f'He asked: "{q}"\n\nThanks, Ann', a) for q, a in asked())]
        ).encode(),
        "pair",
        QA,
        first={"anchor": f'He asked: "{QUESTIONS[0]}"\n\nThanks, Ann'},
    ),
    Nasty(
        "everything-quoted.csv",
        lines([("question", "answer"), *asked()], quoting=csv.QUOTE_ALL).encode(),
        "pair",
        QA,
        first={"anchor": QUESTIONS[0]},
    ),
    Nasty(
        "single-quotes.csv",
        "".join(
            "'" + q.replace("'", "''") + "','" + a.replace("'", "''") + "'\n"
            for q, a in [("question", "answer"), *asked()]
        ).encode(),
        "pair",
        QA,
        first={"anchor": QUESTIONS[0], "positive": ANSWERS[0]},
    ),
    Nasty(
        "backslash-quotes.csv",
        "".join(
            f'"{q}","{a}"\n'
            for q, a in [
                ("question", "answer"),
                *((f'He said \\"{q}\\", twice', a) for q, a in asked()),
            ]
        ).encode(),
        "pair",
        QA,
        first={"anchor": f'He said "{QUESTIONS[0]}", twice', "positive": ANSWERS[0]},
    ),
    Nasty(
        "inch-marks.tsv",
        lines(
            [
                ("text", "label"),
                *((f'5" disk: {t}' if i % 9 == 0 else t, c) for i, (t, c) in enumerate(classed())),
            ],
            "\t",
            csv.QUOTE_NONE,
        ).encode()
        if False
        else "".join(
            f"{t}\t{c}\n"
            for t, c in [
                ("text", "label"),
                *((f'"5 inch: {t}' if i % 9 == 0 else t, c) for i, (t, c) in enumerate(classed())),
            ]
        ).encode(),
        "text-class",
        TEXT,
        "label",
    ),
    Nasty(
        "tabs-inside-cells.tsv",
        lines([("question", "answer"), *((f"{q}\tagain", a) for q, a in asked())], "\t").encode(),
        "pair",
        QA,
        first={"anchor": f"{QUESTIONS[0]}\tagain"},
    ),
]

HEADERS = [
    Nasty(
        "no-header-pairs.csv",
        lines(asked()).encode(),
        "pair",
        {"anchor": "column1", "positive": "column2"},
        codes=("header_assumed",),
    ),
    Nasty(
        "no-header-answer-first.csv",
        lines([(a, q) for q, a in asked()]).encode(),
        "pair",
        {"anchor": "column2", "positive": "column1"},
        codes=("header_assumed",),
    ),
    Nasty(
        "no-header-classes.tsv",
        lines(classed(), "\t").encode(),
        "text-class",
        {"text": "column1"},
        "column2",
        codes=("header_assumed",),
    ),
    Nasty(
        "no-header-scores.csv",
        lines(scored()).encode(),
        "pair-score",
        {"sentence1": "column1", "sentence2": "column2"},
        "column3",
        codes=("header_assumed",),
    ),
    Nasty(
        "no-header-label-first.csv",
        lines([(v, s, t) for s, t, v in judged()]).encode(),
        "pair-class",
        {"sentence1": "column2", "sentence2": "column3"},
        "column1",
        codes=("header_assumed",),
    ),
    Nasty(
        "same-name-twice.csv",
        lines([("text", "text", "label"), *judged()]).encode(),
        "pair-class",
        {"sentence1": "text", "sentence2": "text_2"},
        "label",
        codes=("names_repeated",),
        never=("header_assumed",),
    ),
    Nasty(
        "pandas-index.csv",
        lines(
            [("", "question", "answer"), *((i, q, a) for i, (q, a) in enumerate(asked()))]
        ).encode(),
        "pair",
        QA,
        codes=("id_column",),
    ),
    Nasty(
        "pandas-index-saved-twice.csv",
        lines(
            [
                ("Unnamed: 0.1", "Unnamed: 0", "text", "label"),
                *((i, i, t, c) for i, (t, c) in enumerate(classed())),
            ]
        ).encode(),
        "text-class",
        TEXT,
        "label",
        codes=("id_column",),
    ),
    Nasty(
        "r-row-names.csv",
        lines(
            [("question", "answer"), *((i + 1, q, a) for i, (q, a) in enumerate(asked()))]
        ).encode(),
        "pair",
        QA,
    ),
    Nasty(
        "empty-names.csv",
        lines([("text", "", "label"), *((t, "", c) for t, c in classed())]).encode(),
        "text-class",
        TEXT,
        "label",
    ),
    Nasty(
        "quoted-spaced-names.csv",
        ('" Question " ; " Answer "\n' + lines(asked(), ";")).encode(),
        "pair",
        {"anchor": "Question", "positive": "Answer"},
    ),
    Nasty(
        "comments-above.csv",
        ("# exported by desk 4.2, build 17\n# on 2024-03-01\n" + ASKED).encode(),
        "pair",
        QA,
        codes=("lines_skipped",),
    ),
    Nasty(
        "title-above.csv",
        (
            "Questions of the help desk, spring;\n;\n"
            + lines([("question", "answer"), *asked()], ";")
        ).encode(),
        "pair",
        QA,
        codes=("lines_skipped",),
    ),
    Nasty(
        "title-and-empty-line-above.csv",
        (
            "Export 2024-03-01\n\n" + lines([("sentence1", "sentence2", "score"), *scored()])
        ).encode(),
        "pair-score",
        PAIR,
        "score",
        codes=("lines_skipped",),
    ),
    Nasty(
        "header-in-the-middle.csv",
        (CLASSED + CLASSED.splitlines()[0] + "\n" + lines(classed(120)[60:])).encode(),
        "text-class",
        TEXT,
        "label",
        read=121,
        kept=120,
        codes=("header_repeated",),
        lines=(62,),
    ),
    Nasty(
        "two-headers.csv",
        lines(
            [("sentence1", "sentence2", "score"), ("text", "text", "0 to 1"), *scored()]
        ).encode(),
        "pair-score",
        PAIR,
        "score",
        read=61,
        lines=(2,),
    ),
    Nasty(
        "totals-at-the-end.csv",
        (lines([("sentence1", "sentence2", "score"), *scored()]) + "Total,,60\n").encode(),
        "pair-score",
        PAIR,
        "score",
        read=61,
    ),
    Nasty(
        "rows-affected.csv",
        (lines([("question", "answer"), *asked()]) + "\n(60 rows affected)\n").encode(),
        "pair",
        QA,
        read=61,
        codes=("ragged_rows",),
        lines=(63,),
    ),
    Nasty(
        "ragged.csv",
        (CLASSED + "only one cell\na,b,c,d\n").encode(),
        "text-class",
        TEXT,
        "label",
        read=62,
        codes=("ragged_rows",),
        lines=(62, 63),
    ),
    Nasty(
        "empty-rows-and-cells.csv",
        (
            ASKED + "\n\n,\n" + lines([(QUESTIONS[70], ""), ("", ANSWERS[71]), ("  ", ANSWERS[72])])
        ).encode(),
        "pair",
        QA,
        read=64,
    ),
    Nasty(
        "numbers-as-names.csv",
        lines([("0", "1"), *asked()]).encode(),
        "pair",
        {"anchor": "0", "positive": "1"},
    ),
    Nasty(
        "a-and-b.csv",
        lines([("a", "b"), *asked()]).encode(),
        "pair",
        {"anchor": "a", "positive": "b"},
    ),
    Nasty(
        "na-is-an-answer.csv",
        lines(
            [
                ("question", "answer"),
                *asked(),
                ("Which symbol has sodium?", "NA"),
                ("How many are open?", "None"),
            ]
        ).encode(),
        "pair",
        QA,
        read=62,
        kept=62,
    ),
]

REFUSED = [
    Nasty("nothing.csv", b"", refused="is empty"),
    Nasty("spaces-only.csv", b" \r\n\t\r\n ", refused="is empty"),
    Nasty("header-only.csv", b"question,answer\n", refused="no rows"),
    Nasty(
        "workbook.csv",
        b"PK\x03\x04\x14\x00\x06\x00" + b"\x00xl/workbook.xml" * 20,
        refused="Excel.*CSV",
    ),
    Nasty(
        "old-workbook.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), refused="Office.*CSV"
    ),
    Nasty("page.csv", b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", refused="web page"),
    Nasty(
        "page-without-doctype.csv",
        b"<head><title>302</title></head>\n<body>Moved, sorry</body>",
        refused="web page",
    ),
    Nasty("paper.txt", b"%PDF-1.7\n" + bytes(range(256)) * 4, refused="PDF"),
    Nasty("table.xml.txt", b"<?xml version='1.0'?><rows><row/></rows>", refused="XML"),
    Nasty(
        "pointer.csv",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n",
        refused="LFS",
    ),
    Nasty("half-packed.csv.gz", gzip.compress(ASKED.encode())[:-12], refused="damaged"),
    Nasty("sheet.xlsx", b"PK\x03\x04", refused="kind that is not read"),
]

ONE_ROW = Nasty(
    "one-row.csv",
    lines([("question", "answer"), *asked(1)]).encode(),
    "pair",
    QA,
    read=1,
    kept=1,
    errors=("too_few_rows",),
    stuck=("too_few_rows",),
)

FILES = [*ENCODINGS, *DELIMITERS, *QUOTES, *HEADERS, *REFUSED, ONE_ROW]
__all__ = ["FILES", "TOLD"]
