"""Markup: counted, shown, and taken out with the text kept."""

import time
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ststudio.data.doctor import diagnose
from ststudio.data.examples import make_examples
from ststudio.data.markup import stripped
from ststudio.data.tables import Retrieval, Table
from tests.data.made import Writer, make
from tests.data.seen import codes, find

STRIP = {"code": "strip_markup"}


@pytest.mark.parametrize(
    "written, kept",
    [
        ("<p>Reset the <b>bad</b>ge.</p><br/>Now", "Reset the badge. Now"),
        ("<a href=\"x>y\" class='q'>A link</a>", "A link"),
        ("<script>var x = 1;</script>Hello<!-- no -->", "Hello"),
        ("AT&amp;T &lt; all &#8364;5&nbsp;", "AT&T < all €5"),
        ("See [the docs](https://x.example/z) ![map](./a.png)", "See the docs map"),
        ("# Title\n**Note:** all", "Title\nNote: all"),
        ("```python\nx = 1\n```", "x = 1"),
        ("https://x.example/a?b=c", ""),
        # These hold none.
        ("3 < 5 > 2, see <unk> and <ada@x.example>", None),
        ("R&D; a ** b ** c; #1 and # 2", None),
        ("Visit https://x.example now", None),
        ("I <3 this <p", None),
    ],
)
def test_text_is_kept_and_marks_are_not(written: str, kept: str | None) -> None:
    texts = pa.chunked_array([[written, None], ["plain"]])
    assert stripped(texts).to_pylist() == [written if kept is None else kept, None, "plain"]


@given(st.lists(st.text(alphabet="<>&;#*`[]()!/apbr\"' \nx1", max_size=60), max_size=5))
def test_any_text_survives(texts: list[str]) -> None:
    assert len(stripped(pa.chunked_array([texts], pa.string()))) == len(texts)


def ticket(i: int, w: Writer) -> dict[str, Any]:
    body = f"<div>{w.say()}</div>" if i % 3 == 0 else w.say()
    return {"anchor": w.ask(), "positive": "www.example.org/1" if i == 5 else body}


def test_rows_with_markup_are_counted_shown_and_mended() -> None:
    rows = make(ticket, 120)
    finding = find(diagnose(rows), "markup")
    assert finding.level == "warning" and '(34%), as in "<div>' in finding.message
    mended = diagnose(rows, [STRIP])
    assert "markup" not in codes(mended)
    assert "taken out of 41 rows" in find(mended, "reshaped").message
    assert "1 row was left out by a fix: nothing but markup (row 6)" in (
        find(mended, "dropped").message
    )
    assert mended.rows["kept"] == 119


def test_texts_that_read_alike_without_markup_are_one_unit() -> None:
    rows = make(
        lambda i, w: (
            {"anchor": f"<b>Ask {i // 2}</b>" if i % 2 else f"Ask {i // 2}"} | {"positive": w.say()}
        )
    )
    prepared = diagnose(rows, [STRIP]).prepared
    assert prepared is not None
    assert len(set(prepared.splits["train"]["unit"].to_pylist())) == 30


def test_a_retrieval_set_keeps_its_own_corpus() -> None:
    w = Writer()
    texts = [f"<p>{w.say()}</p>" for _ in range(300)]
    ids = [str(n) for n in range(300)]
    corpus = pa.table({"id": ids, "text": texts})
    queries = pa.table({"id": ids, "text": [f"<i>{w.ask()}</i>" for _ in ids]})
    judged = {"train": pa.table({"query-id": ids, "corpus-id": ids})}
    rows = Table(judged, {}, 300, retrieval=Retrieval(corpus, queries, judged))
    made = make_examples(rows, diagnose(rows, [STRIP]), 0, None)
    assert made.corpus.num_rows == 300 and not made.corpus["text"].to_pylist()[0].startswith("<")
    assert made.relevant.num_rows == made.test.num_rows > 50


def test_twenty_thousand_rows_of_markup_are_mended_in_three_seconds() -> None:
    rows = make(lambda i, w: {"anchor": f"<p>{w.ask()}</p>", "positive": w.say(20)}, 20_000)
    start = time.perf_counter()
    diagnose(rows, [STRIP])
    assert time.perf_counter() - start < 3
