"""The encoder process: embeds queries, ranks texts exactly, one message at a time."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import torch
from sentence_transformers import SentenceTransformer

from ststudio.compare.held import MAPPED, MODELS, OWN, RELEVANT, TEXTS, Scores, Texts
from ststudio.compare.map_job import MODELS as SIDES
from ststudio.compare.neighbourhood import neighbours_job, place
from ststudio.errors import StudioError

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

# Two threads embed one short query 13 % faster on idle cores; on busy ones they wait for each
# other: two models' p95 was 423 ms with two threads and 50 ms with one.
torch.set_num_threads(1)
# Two models embed a query side by side instead: they wait for each other once, at the end.
SIDE_BY_SIDE = ThreadPoolExecutor(2)


def query_vector(model: SentenceTransformer, query: str, prompt: str | None) -> Scores:
    """Embed a query, of unit length; raise StudioError where that gives no numbers."""
    vector = model.encode_query(
        query, prompt=prompt, normalize_embeddings=True, show_progress_bar=False
    )
    if not np.isfinite(vector).all():
        raise StudioError("The model gave no usable vector for this query. Try another wording.")
    return np.asarray(vector, dtype=np.float32)


def query_scores(
    model: SentenceTransformer, query: str, vectors: Scores, prompt: str | None
) -> Scores:
    """Return the cosine of a query with [texts, width] unit vectors."""
    scores: Scores = vectors @ query_vector(model, query, prompt)
    return scores


def best(scores: Scores, count: int) -> npt.NDArray[np.intp]:
    """Return the rows of the best scores, best first, the earlier row first where equal."""
    count = min(count, len(scores))
    last = -np.partition(-scores, count - 1)[count - 1]
    rows = np.flatnonzero(scores >= last)  # a full sort of 100,000 takes fifteen times as long
    return rows[np.argsort(-scores[rows], kind="stable")][:count]


def rank(scores: Scores, row: int) -> int:
    """Return a row's rank among all, from 1, in the order of `best`."""
    better = int(np.count_nonzero(scores > scores[row]))  # JSON knows no NumPy numbers
    return 1 + better + int(np.count_nonzero(scores[:row] == scores[row]))


def shown(scores: Scores, allowed: Mask | None, least: float | None, count: int) -> Rows:
    """Return the rows of the best scores among those that the filters let through."""
    if allowed is None and least is None:
        return best(scores, count)
    passes = np.ones(len(scores), bool) if allowed is None else allowed
    rows = np.flatnonzero(passes if least is None else passes & (scores >= least))
    return rows[best(scores[rows], count)] if len(rows) else rows


def allowed_rows(
    texts: Texts, rows: int, filters: Mapping[str, Any], relevant: frozenset[str] | None
) -> Mask | None:
    """Tell which of the first rows the filters let through, whatever their score; None for all."""
    mask = np.ones(rows, bool)
    if "contains" in filters:
        found = pc.match_substring(texts.texts[:rows], filters["contains"], ignore_case=True)
        mask &= found.to_numpy(zero_copy_only=False)
    if "group" in filters:
        if texts.groups is None:
            raise StudioError("These texts have no classes to filter by.")
        mask &= pc.equal(texts.groups[:rows], filters["group"]).to_numpy(zero_copy_only=False)
    if filters.get("relevant"):
        if relevant is None:
            raise StudioError("Which texts are relevant is known for held-out queries only.")
        mask &= np.fromiter((texts.id(row) in relevant for row in range(rows)), bool, rows)
    return None if mask.all() else mask


def hits(
    texts: Texts, scores: Scores, rows: Rows, relevant: frozenset[str] | None
) -> list[dict[str, Any]]:
    """Describe rows, the best first, each with its rank among all."""
    found = []
    for row in rows.tolist():
        key = texts.id(row)
        found.append(
            {
                "rank": rank(scores, row),
                "id": key,
                "text": texts.text(row),
                "score": round(float(scores[row]), 6),
                "relevant": None if relevant is None else key in relevant,
            }
        )
    return found


def vectors_of(side: Mapping[str, Any], texts_file: Path) -> Scores:
    """Return the [texts, width] unit vectors that a side has of what is searched."""
    file = Path(side["vectors"])
    if side["points"]:
        return OWN.get(file, texts_file)
    if not file.exists():
        raise StudioError("These texts are no longer here. Add them again.")
    return MAPPED.get(file)[: side["rows"]]


def search_job(message: dict[str, Any]) -> dict[str, Any]:
    """Rank texts by two models for one query; what one has not embedded yet counts for neither.

    Then `searched` says how many of the texts were ranked.
    """
    texts_file, query, filters = Path(message["texts"]), message["query"], message["filters"]
    texts = TEXTS.get(texts_file)
    answers = RELEVANT.get(Path(message["queries"])) if message["queries"] else {}
    relevant = answers.get(query)
    vectors = [vectors_of(side, texts_file) for side in message["sides"]]
    count = min(map(len, vectors))
    models = [MODELS.get(Path(side["model"])) for side in message["sides"]]
    prompts = [side["prompt"] for side in message["sides"]]
    mine = [held[:count] for held in vectors]
    # One model's tokenizer serves one thread at a time.
    each = map if models[0] is models[1] else SIDE_BY_SIDE.map
    before, after = each(query_scores, models, [query] * 2, mine, prompts)
    allowed = allowed_rows(texts, count, filters, relevant) if filters else None
    least, top_k = filters.get("min_score"), message["top_k"]
    rows = shown(after, allowed, least, top_k)
    tuned = [
        {**hit, "base_rank": rank(before, row)}
        for hit, row in zip(hits(texts, after, rows, relevant), rows, strict=True)
    ]
    base = hits(texts, before, shown(before, allowed, least, top_k), relevant)
    part = {} if count == len(texts) else {"searched": count, "texts": len(texts)}
    return {"base": base, "tuned": tuned, **part}


def place_job(message: dict[str, Any]) -> dict[str, Any]:
    """Find a query's place in a map of both models, embedded as for a search."""
    models = [MODELS.get(Path(message[name])) for name in SIDES]
    prompt = models[-1].prompts.get("query")
    folder, method = Path(message["embeddings"]), message["method"]
    return {
        name: place(folder, method, name, query_vector(model, message["query"], prompt))
        for name, model in zip(SIDES, models, strict=True)
    }


def vectors_job(message: dict[str, Any]) -> list[list[float]]:
    """Embed texts as the model does it by itself: no prompt added, nothing normalised."""
    model = MODELS.get(Path(message["model"]))
    vectors = model.encode(message["texts"], show_progress_bar=False)
    return [[float(number) for number in vector] for vector in vectors]


WORK: dict[str, Callable[[dict[str, Any]], Any]] = {
    "search": search_job,
    "vectors": vectors_job,
    "neighbours": neighbours_job,
    "place": place_job,
}


def encode_job(message: dict[str, Any]) -> Any:  # noqa: ANN401
    """Do what a message asks for."""
    return WORK[message["do"]](message)
