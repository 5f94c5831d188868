"""What the names of columns speak for, and what they rule out."""

import pytest

from ststudio.data.names import are_translations, hint, may_be_negative, names_a_title


@pytest.mark.parametrize(
    "name",
    ["Kein Treffer", "nicht relevant", "falsche Antwort", "no match", "non pertinent", "incorrecto"]
    + ["risposta sbagliata", "неверный ответ", "wrong_answer", "distractor3", "不相关", "誤答"],
)
def test_what_does_not_belong_is_a_negative_and_no_positive(name: str) -> None:
    assert hint("negative", name) > 0.5 and not hint("positive", name)
    assert may_be_negative(name, "whatever")


@pytest.mark.parametrize("name", ["Treffer", "richtige Antwort", "correct_answer", "верный ответ"])
def test_what_belongs_is_a_positive_and_no_negative(name: str) -> None:
    assert hint("positive", name) >= 0.5 and not hint("negative", name)


def test_the_last_word_of_a_name_says_what_it_is() -> None:
    assert hint("positive", "ideal_answer") >= 0.8 > hint("positive", "answer_text_length")
    assert names_a_title("DocumentTitle") and not names_a_title("title_of_passage")


def test_a_field_that_only_holds_the_text_leaves_the_name_to_what_holds_it() -> None:
    assert hint("positive", "positive_ctxs.text") > hint("positive", "answers")
    assert not hint("anchor", "snippets.text")
    assert hint("text", "data.text") == 1.0 and hint("positive", "_source.content") == 0.5


def test_names_of_languages_are_translations_of_each_other() -> None:
    assert are_translations("en", "de") and are_translations("translation.en", "translation.ja")
    assert not are_translations("a", "p") and not may_be_negative("fr", "de")
    assert may_be_negative("n", "p")
