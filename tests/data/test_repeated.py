"""Columns that only repeat: an attribution is no text, and a copy is no second one."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from ststudio.data.repeated import attributions, copies
from tests.data.nasty import ANSWERS, QUESTIONS

N = 40
KANJI = "会議室の印刷機受付電話倉庫扇風機二階食堂自動扉設定画面説明書電源"
INSTRUCTION = "Represent this sentence for searching relevant passages: "


def column(texts: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(texts[:N], pa.string())])


TEXTS = {"one": column(QUESTIONS), "two": column(ANSWERS)}


@pytest.mark.parametrize(
    "told",
    [
        lambda i: f"Licensed CC-BY 4.0, no. {i} (ann{i % 3})",
        lambda i: f"ann{i % 3}, photographed for the desk's paper",
        lambda i: f"© 20{i % 20:02d} the help desk" if i % 15 else "own work",
    ],
)
def test_a_line_under_every_row_is_an_attribution(told: Callable[[int], str]) -> None:
    below = column([told(i) for i in range(N)])
    assert attributions({**TEXTS, "below": below}) == {"below"}
    assert not attributions({"one": TEXTS["one"], "below": below})  # then it is the second text


def test_texts_that_begin_or_end_alike_and_say_something_are_kept() -> None:
    told = column([INSTRUCTION + text for text in QUESTIONS])
    signed = column([text + " Kind regards, your help desk" for text in ANSWERS])
    asked = column([f"問い合わせ番号と製品名を添えて{KANJI[i % 20 :]}" for i in range(N)])
    assert not attributions({**TEXTS, "told": told, "signed": signed, "asked": asked})
    below = column([f"Licensed CC-BY 4.0, no. {i}" for i in range(N)])
    assert not attributions({"below": below, **TEXTS})  # the first text is what rows are about


def test_a_copy_is_nearly_the_same_text_in_most_rows() -> None:
    spaced = column([text.replace(" ", "\n") if i % 3 else "" for i, text in enumerate(ANSWERS)])
    part = column([text[: len(text) // 2] for text in ANSWERS])
    found = copies({**TEXTS, "spaced": spaced, "part": part})
    assert found["two"] == {"spaced"} and found["spaced"] == {"two"}
    assert not found["one"] and not found["part"]
