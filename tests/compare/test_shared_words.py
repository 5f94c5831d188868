"""What the words of a query and a text share."""

import pytest

from ststudio.compare.shared_words import marked, stem


@pytest.mark.parametrize(
    "forms",
    [
        ("jam", "jams", "jammed", "jamming", "Jam's"),
        ("print", "prints", "printed", "printing"),
        ("city", "cities"),
        ("make", "makes", "making"),
        ("class", "classes"),
        ("business", "BUSINESS"),
        ("bus", "buses"),
        ("carry", "carried", "carries"),
    ],
)
def test_forms_of_a_word_have_one_stem(forms: tuple[str, ...]) -> None:
    assert len(set(map(stem, forms))) == 1, [stem(form) for form in forms]


def test_different_words_keep_different_stems() -> None:
    words = ("bus", "bill", "ring", "red", "bed", "this", "press", "pres", "paper", "pape")
    assert len(set(map(stem, words))) >= len(words) - 1


def test_shared_words_are_marked_whatever_their_form_and_case() -> None:
    assert marked("Printers jammed", "my PRINTER jams") == (
        "<mark>Printers</mark> <mark>jammed</mark>"
    )


def test_words_of_grammar_and_other_words_are_not() -> None:
    assert marked("What is in the box?", "where is the key in this?") == "What is in the box?"
    assert marked("I don’t know", "don't") == "I don’t know"


def test_text_of_the_data_is_text() -> None:
    said = marked("<img src=x onerror=alert(1)> & lamp", "img lamp <b>")
    assert said == "&lt;<mark>img</mark> src=x onerror=alert(1)&gt; &amp; <mark>lamp</mark>"


def test_other_scripts_are_read_too() -> None:
    assert marked("Мой ПРИНТЕР сломан", "принтер") == "Мой <mark>ПРИНТЕР</mark> сломан"
    assert marked("ﬁne straße", "fine STRASSE") == "<mark>ﬁne</mark> <mark>straße</mark>"
