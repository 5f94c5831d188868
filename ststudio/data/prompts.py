"""Prompts: the words that a model wants before a text, by the part the text plays."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ststudio.data.cases import PROMPT_OF_ROLE, Case
from ststudio.errors import StudioError

ALIKE = "alike"  # the part of texts that all play the same: two sentences, texts with a class
PARTS = ("query", "document", ALIKE)
# sentence-transformers reads the first of these that is there, and its own default, an empty
# "document", always is: E5's "passage" would be skipped without a word.
DOCUMENT_NAMES = ("document", "passage", "corpus")


@dataclass(frozen=True)
class Family:
    """Models that were trained with words before their texts, as their authors document it."""

    name: str
    ids: str  # a pattern for the whole id on the Hub
    query: str
    document: str = ""
    alike: str = ""
    needed: bool = True  # without them it is another model; else they help searches a little

    def before(self, column: str) -> str:
        """Return the words before a column's texts."""
        return {"query": self.query, "document": self.document, ALIKE: self.alike}[part_of(column)]


RETRIEVE = "Given a web search query, retrieve relevant passages that answer the query"
REPRESENT = "Represent this sentence for searching relevant passages: "

# From each family's model cards. The first that fits: E5's instruct models are not E5's others.
FAMILIES = (
    Family(
        "E5 instruct",
        r"(.*/)?(.*[-_])?e5-.*instruct.*",
        query=f"Instruct: {RETRIEVE}\nQuery: ",
        alike="Instruct: Retrieve semantically similar text\nQuery: ",
    ),
    Family(
        "E5",
        r"(.*/)?(.*[-_])?e5-(small|base|large)([-_.].*)?",
        query="query: ",
        document="passage: ",
        alike="query: ",
    ),
    Family("BGE", r"baai/bge-(small|base|large)-en(-v1\.5)?", query=REPRESENT, needed=False),
    Family(
        "BGE",
        r"baai/bge-(small|base|large)-zh(-v1\.5)?",
        query="为这个句子生成表示以用于检索相关文章：",
        needed=False,
    ),
    Family(
        "Nomic Embed",
        r"nomic-ai/(nomic-embed-text-v.*|modernbert-embed-.*)",
        query="search_query: ",
        document="search_document: ",
        alike="clustering: ",
    ),
    Family("Arctic Embed 2", r"snowflake/snowflake-arctic-embed-.*-v2\.0", query="query: "),
    Family("Arctic Embed", r"snowflake/snowflake-arctic-embed-.*", query=REPRESENT),
    Family("mxbai", r"mixedbread-ai/mxbai-embed-(2d-)?large-v1", query=REPRESENT),
    Family(
        "Qwen3 Embedding",
        r"qwen/qwen3-embedding-.*",
        query=f"Instruct: {RETRIEVE}\nQuery:",
        needed=False,
    ),
    Family(
        "EmbeddingGemma",
        r"google/embeddinggemma-.*",
        query="task: search result | query: ",
        document="title: none | text: ",
        alike="task: sentence similarity | query: ",
    ),
)


def family_of(model_id: str) -> Family | None:
    """Find the family of a model by its id on the Hub."""
    return next((kin for kin in FAMILIES if re.fullmatch(kin.ids, model_id, re.IGNORECASE)), None)


def part_of(column: str) -> str:
    """Return the part that a column's texts play: query, document, or all alike."""
    return PROMPT_OF_ROLE.get(column, ALIKE)


def own_prompts(prompts: Mapping[str, str | None], default_name: str | None) -> dict[str, str]:
    """Return what a model's configuration puts before texts, by part; empty for nothing."""
    every = prompts.get(default_name or "") or ""
    return {
        "query": prompts.get("query") or every,
        "document": next(filter(None, map(prompts.get, DOCUMENT_NAMES)), every),
        ALIKE: every,
    }


def chosen_prompts(given: Mapping[str, str]) -> dict[str, str]:
    """Return a recipe's {column: text} by part; raise StudioError where columns disagree."""
    chosen: dict[str, str] = {}
    for column, text in given.items():
        if chosen.setdefault(part_of(column), text) != text:
            alike = [other for other in given if part_of(other) == part_of(column)]
            raise StudioError(
                f"{' and '.join(alike)} are embedded in the same way when they are measured and "
                "searched, so one prompt stands before both. Give them the same text."
            )
    return chosen


def agreed_prompts(case: Case, given: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Return the one prompt of each part that training, evaluation and search all use.

    What the recipe gives comes first, an empty text included; then the model's own.
    """
    agreed = {**own, **chosen_prompts(given)}
    if part_of(case.unit) == ALIKE:
        return dict.fromkeys(PARTS, agreed[ALIKE])
    return agreed


def column_prompts(case: Case, agreed: Mapping[str, str]) -> dict[str, str]:
    """Return the text before each of a case's columns; empty for nothing."""
    return {column: agreed[part_of(column)] for column in case.columns}
