"""Rows that hold several rows: SQuAD's questions on paragraphs, a chatbot's intents."""

from collections.abc import Iterator, Mapping
from typing import Any

INTENTS = ("tag", "intent", "name")
SAID = ("patterns", "examples", "utterances")
REPLIES = "responses"
NO_ANSWER = "its question has no answer in its text"


def unfold(row: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield a row itself, or the questions that are nested in it; a str says why one is no row."""
    if not isinstance(row, Mapping):
        yield row
    elif _all_mappings(row.get("paragraphs")):
        for paragraph in row["paragraphs"]:
            shared = {"title": row["title"]} if isinstance(row.get("title"), str) else {}
            yield from unfold({**paragraph, **shared})
    elif _all_mappings(row.get("qas")) and isinstance(row.get("context"), str):
        outer = {name: value for name, value in row.items() if name != "qas"}
        for question in row["qas"]:
            yield _asked({**outer, **question})
    elif said := _said(row):
        others = {name: value for name, value in row.items() if name != REPLIES}
        yield from ({**others, said: text} for text in row[said])
    else:
        yield NO_ANSWER if _unanswered(row.get("answers")) else row


def _said(row: Mapping[str, Any]) -> str:
    """Return the column that lists what people say when they mean the class that a row names."""
    named = any(isinstance(row.get(name), str) for name in INTENTS)
    lists = [name for name in SAID if isinstance(row.get(name), list)]
    return lists[0] if named and len(lists) == 1 else ""


def _all_mappings(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, list) and all(isinstance(item, Mapping) for item in value)


def _asked(row: dict[str, Any]) -> dict[str, Any] | str:
    answers = row.get("answers")
    if row.pop("is_impossible", False) is True or answers == []:
        return NO_ANSWER
    row.pop("plausible_answers", None)
    if _all_mappings(answers):
        row["answers"] = {"text": [str(answer.get("text", "")) for answer in answers or ()]}
    return row


def _unanswered(answers: Any) -> bool:  # noqa: ANN401
    """Tell whether the Hub's form of an answer holds none: {"text": [], "answer_start": []}."""
    return isinstance(answers, Mapping) and "answer_start" in answers and answers.get("text") == []
