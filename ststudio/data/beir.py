"""A retrieval set in one JSON object: a corpus, queries, and which documents answer which."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ststudio.data.gather import Full, Gathering
from ststudio.data.judgements import named_by
from ststudio.data.losses import merged
from ststudio.data.tables import SPLIT_NAMES, LeftOut, Retrieval
from ststudio.errors import StudioError

# What people and libraries call the three parts, and the fields of their rows.
PARTS = {
    "corpus": ("corpus", "documents", "docs", "passages", "collection"),
    "queries": ("queries", "questions", "topics"),
    "qrels": ("qrels", "relevant_docs", "relevant", "relevance", "judgements", "judgments"),
}
KEYS = ("_id", "id", "docid", "doc_id", "pid", "qid", "query_id", "corpus_id", "query-id")
TEXTS = ("text", "contents", "content", "body", "passage", "query", "question")
QUERY_IDS = ("query-id", "query_id", "qid", "query")
DOCUMENT_IDS = ("corpus-id", "corpus_id", "doc_id", "docid", "pid", "document_id", "doc")
GRADES = ("score", "relevance", "label", "rel")
NO_GRADE = "its judgement is no number"


def find_retrieval(value: Any) -> dict[str, Any] | None:  # noqa: ANN401
    """Return the three parts of a retrieval set under our names, None where it is none."""
    if not isinstance(value, Mapping):
        return None
    plain = {str(name).lower().replace("-", "_"): part for name, part in value.items()}
    found = {
        part: next((plain[name] for name in names if plain.get(name) is not None), None)
        for part, names in PARTS.items()
    }
    whole = all(isinstance(part, Mapping | list) for part in found.values())
    return found if whole else None


def read_retrieval(
    parts: Mapping[str, Any], name: str, limits: Mapping[str, int]
) -> tuple[Retrieval, bool, tuple[LeftOut, ...]]:
    """Read the three parts; raise StudioError where one lacks.

    Tells also whether a limit was met, and which judgements were left out.
    """
    judged = {
        split: _gathered(_judged(part), limits) for split, part in _by_split(parts["qrels"]).items()
    }
    qrels = {split: found.table() for split, (found, _) in judged.items() if found.rows}
    named = named_by(qrels, limits["rows"])
    texts = {
        part: _gathered(_texts(parts[part]), limits, ids)
        for part, ids in (("corpus", named.documents), ("queries", named.queries))
    }
    corpus, queries = (found.table() for found, _ in texts.values())
    if not qrels or not corpus.num_rows or not queries.num_rows:
        raise StudioError(
            f"{name} looks like a retrieval set, but its corpus, queries or judgements cannot be "
            'read. It needs {"corpus": {id: text}, "queries": {id: text}, "qrels": {id: {id: 1}}}.'
        )
    full = any(full or found.passed_over for found, full in (*judged.values(), *texts.values()))
    return Retrieval(corpus, queries, qrels), full, merged(found for found, _ in judged.values())


def _gathered(
    rows: Iterator[dict[str, Any] | str], limits: Mapping[str, int], sought: Sequence[str] = ()
) -> tuple[Gathering, bool]:
    gathering = Gathering(
        limits["rows"],
        limits["decoded_bytes"],
        limits["columns"],
        limits["cell_characters"],
        sought=dict.fromkeys(sought),
    )
    try:
        for line, row in enumerate(rows, 1):
            if isinstance(row, str):
                gathering.leave_out(line, row)
            else:
                gathering.add(line, row)
    except Full:
        return gathering, True
    return gathering, False


def _texts(part: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    pairs = part.items() if isinstance(part, Mapping) else enumerate(part)
    for key, entry in pairs:
        if isinstance(entry, str):
            yield {"id": str(key), "text": entry}
        elif isinstance(entry, Mapping):
            own = next((entry[name] for name in KEYS if name in entry), key)
            text = next((entry[name] for name in TEXTS if isinstance(entry.get(name), str)), "")
            title = entry.get("title")
            whole = f"{title} {text}".strip() if isinstance(title, str) else text
            yield {"id": str(own), "text": whole}


def _by_split(qrels: Any) -> dict[str, Any]:  # noqa: ANN401
    if isinstance(qrels, Mapping) and all(str(key).lower() in SPLIT_NAMES for key in qrels):
        return {SPLIT_NAMES[str(key).lower()]: judged for key, judged in qrels.items()}
    return {"train": qrels}


def _judged(qrels: Any) -> Iterator[dict[str, Any] | str]:  # noqa: ANN401
    if isinstance(qrels, Mapping):
        for query, documents in qrels.items():
            yield from _of_query(str(query), documents)
        return
    for row in qrels:
        if isinstance(row, Mapping):
            query = next((row[name] for name in QUERY_IDS if name in row), None)
            document = next((row[name] for name in DOCUMENT_IDS if name in row), None)
            grade = next((row[name] for name in GRADES if name in row), 1)
            yield _judgement(query, document, grade)
        elif isinstance(row, list) and len(row) in (2, 3, 4):  # 4: TREC's, with its 0 between
            grade = row[-1] if len(row) > 2 else 1
            yield _judgement(row[0], row[2 if len(row) == 4 else 1], grade)


def _of_query(query: str, documents: Any) -> Iterator[dict[str, Any] | str]:  # noqa: ANN401
    if isinstance(documents, Mapping):
        for document, grade in documents.items():
            yield _judgement(query, document, grade)
    elif isinstance(documents, list):
        for document in documents:
            yield _judgement(query, document, 1)
    elif documents is not None:
        yield _judgement(query, documents, 1)


def _judgement(query: Any, document: Any, grade: Any) -> dict[str, Any] | str:  # noqa: ANN401
    """Return one judgement, or the reason why it is none."""
    try:
        score = float(grade)
    except (TypeError, ValueError, OverflowError):
        return NO_GRADE
    if not math.isfinite(score):
        return NO_GRADE
    return {"query-id": str(query), "corpus-id": str(document), "score": score}
