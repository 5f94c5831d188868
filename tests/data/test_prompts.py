"""One prompt for each part a text plays, by its family, its configuration or the recipe."""

import pytest

from ststudio.data.cases import CASES
from ststudio.data.prompts import (
    FAMILIES,
    agreed_prompts,
    chosen_prompts,
    column_prompts,
    family_of,
    own_prompts,
)
from ststudio.errors import StudioError

E5 = {"query": "query: ", "passage": "passage: "}


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("intfloat/e5-small-v2", "E5"),
        ("intfloat/multilingual-e5-base", "E5"),
        ("someone/my-multilingual-e5-small-tickets", "E5"),
        ("intfloat/multilingual-e5-large-instruct", "E5 instruct"),
        ("intfloat/e5-mistral-7b-instruct", "E5 instruct"),
        ("BAAI/bge-small-en-v1.5", "BGE"),
        ("BAAI/bge-m3", None),
        ("nomic-ai/nomic-embed-text-v1.5", "Nomic Embed"),
        ("Snowflake/snowflake-arctic-embed-xs", "Arctic Embed"),
        ("Snowflake/snowflake-arctic-embed-m-v2.0", "Arctic Embed 2"),
        ("Qwen/Qwen3-Embedding-0.6B", "Qwen3 Embedding"),
        ("thenlper/gte-small", None),
        ("sentence-transformers/all-MiniLM-L6-v2", None),
        ("someone/the5-small", None),
        ("run:e5-small", None),
    ],
)
def test_a_family_is_known_by_the_id(model: str, name: str | None) -> None:
    family = family_of(model)
    assert (family.name if family else None) == name


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.ids)
def test_every_family_wants_a_prompt_before_its_queries(family: object) -> None:
    assert family.before("anchor")  # type: ignore[attr-defined]


def test_a_configuration_names_its_document_prompt_in_several_ways() -> None:
    for name in ("document", "passage", "corpus"):
        own = own_prompts({"query": "q: ", "document": None, name: "d: "}, None)
        assert own == {"query": "q: ", "document": "d: ", "alike": ""}


def test_a_default_prompt_stands_before_every_text() -> None:
    own = own_prompts({"all": "t: "}, "all")
    assert set(own.values()) == {"t: "}


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.key)
def test_columns_that_play_the_same_part_have_the_same_prompt(case: object) -> None:
    found = column_prompts(case, agreed_prompts(case, {}, own_prompts(E5, None)))  # type: ignore[arg-type]
    wanted = {
        "anchor": "query: ", "positive": "passage: ", "negative": "passage: ",
    }  # fmt: skip
    assert found == {column: wanted.get(column, "") for column in case.columns}  # type: ignore[attr-defined]


def test_what_the_recipe_gives_comes_first_an_empty_text_too() -> None:
    agreed = agreed_prompts(CASES["triplet"], {"positive": ""}, own_prompts(E5, None))
    assert column_prompts(CASES["triplet"], agreed) == {
        "anchor": "query: ", "positive": "", "negative": ""
    }  # fmt: skip


def test_one_sentence_s_prompt_stands_before_the_other_too() -> None:
    agreed = agreed_prompts(CASES["pair-score"], {"sentence1": "s: "}, own_prompts({}, None))
    assert set(agreed.values()) == {"s: "}


@pytest.mark.parametrize(
    "given",
    [{"positive": "a", "negative": "b"}, {"sentence1": "a", "sentence2": ""}],
)
def test_columns_that_are_measured_alike_cannot_differ(given: dict[str, str]) -> None:
    with pytest.raises(StudioError, match="one prompt stands before both"):
        chosen_prompts(given)
