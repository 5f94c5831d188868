"""Rerank hits with a cross-encoder: its process is kept for a while, and its cost is told."""

import threading
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ststudio.child import Child, ChildDied
from ststudio.compare.encoder import clean_query, get_encoder
from ststudio.compare.sides import Compared
from ststudio.errors import StudioError
from ststudio.rerankers import download_reranker, resolve_reranker
from ststudio.settings import get_settings

TOP_K = 20
MOST_HITS = 50  # each is a pass of a Transformer over query and text
SECONDS = 60.0  # the first time imports the libraries and loads the model
IDLE_SECONDS = 300.0  # then its process is ended: it holds memory that runs may want


class Reranker:
    """The door to the cross-encoder's process, for any thread."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self.idle_seconds = idle_seconds
        self._child: Child | None = None
        self._lock = threading.Lock()
        self._idle: threading.Timer | None = None

    @property
    def alive(self) -> bool:
        """Tell whether its process is held."""
        return self._child is not None and self._child.alive

    def score(self, folder: Path, query: str, texts: list[str]) -> dict[str, Any]:
        """Return the scores of a query with texts, and the milliseconds they took."""
        message = {"model": str(folder), "query": query, "texts": texts}
        with self._lock:
            if self._idle is not None:
                self._idle.cancel()
            if self._child is None or not self._child.alive:
                self._child = Child("rerank", get_settings().folder / "home")
            try:
                found: dict[str, Any] = self._child.ask(message, SECONDS)
            except ChildDied as death:
                raise StudioError(f"Reranking failed, try again. {death}") from None
            except TimeoutError:
                raise StudioError(
                    f"Reranking took more than {SECONDS:.0f} seconds and was ended. Take fewer "
                    "hits, or a smaller cross-encoder."
                ) from None
            finally:
                self._idle = threading.Timer(self.idle_seconds, self.close)
                self._idle.daemon = True
                self._idle.start()
        return found

    def close(self) -> None:
        """End the process; the next call starts another."""
        with self._lock:
            if self._child is not None:
                self._child.kill()


_RERANKER = Reranker()


def clean_hits(top_k: object) -> int:
    """Return how many hits are reranked, raising StudioError where that is not 2 to 50."""
    number = isinstance(top_k, int | float)
    if not number or not 2 <= top_k <= MOST_HITS or int(top_k) != top_k:  # type: ignore
        raise StudioError(f"top_k={top_k!r} must be a whole number from 2 to {MOST_HITS}.")
    return int(top_k)  # type: ignore[call-overload, no-any-return]


def fetch(model: object, token: str | None = None) -> tuple[str, Path]:
    """Fetch a cross-encoder, or find it here; return its id with its commit, and its folder."""
    ref = resolve_reranker(model, token)
    return f"{ref.id}@{ref.revision[:7]}", download_reranker(ref, token)


def rerank(
    run: Compared,
    query: object,
    folder: Path,
    top_k: object,
    view: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Rerank the best hits of a view's right model; return them with what that cost.

    The view is by default a run's own corpus, searched by its fine-tuned model. `ms` is for these
    pairs; `corpus_seconds` is what all texts that were searched would take at that rate.
    """
    asked, count = clean_query(query), clean_hits(top_k)
    found = get_encoder().search(run, asked, count, view)
    hits = found["tuned"]
    if not hits:
        raise StudioError("No hit is left to rerank. Loosen the filters, or ask something else.")
    searched = found.get("searched") or _searched_texts(run, view)
    told = _RERANKER.score(folder, asked, [hit["text"] for hit in hits])
    order = sorted(range(len(hits)), key=lambda row: (-told["scores"][row], row))
    each = told["ms"] / len(hits)
    return {
        "hits": [
            {
                "rank": place,
                **{name: hits[row][name] for name in ("id", "text", "relevant")},
                "score": told["scores"][row],
                "tuned_rank": hits[row]["rank"],
            }
            for place, row in enumerate(order, start=1)
        ],
        "cost": {
            "pairs": len(hits),
            "ms": told["ms"],
            "ms_per_pair": each,
            "corpus": searched,
            "corpus_seconds": searched * each / 1_000,
        },
        "load_seconds": told["load_seconds"],
    }


def _searched_texts(run: Compared, view: dict[str, Any] | None) -> int:
    """Count the texts that a search goes through; fewer than were prepared, where time lacked."""
    if view is not None and view["queries"] is None:  # texts of another corpus
        return pq.read_metadata(view["texts"]).num_rows
    kinds = pq.read_table(run.embeddings_dir / "points.parquet", columns=["kind"])["kind"]
    return kinds.to_pylist().count("corpus")
