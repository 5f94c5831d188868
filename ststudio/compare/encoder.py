"""The app's side of the encoder process: one long-lived child, restarted when it dies."""

import math
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ststudio.child import Child, ChildDied
from ststudio.compare.scope import own_view
from ststudio.compare.sides import Compared, check_compared
from ststudio.errors import StudioError
from ststudio.settings import get_settings

QUERY_CHARACTERS = 2_000
MOST_HITS = 100
SEARCH_SECONDS = 60.0  # the first search imports the libraries and loads two models
VECTORS_SECONDS = 120.0


def clean_query(query: object) -> str:
    """Return a query fit for a tokenizer, raising StudioError where it is none."""
    if not isinstance(query, str):
        raise StudioError("The query must be a text.")
    # A lone surrogate is no character: a tokenizer panics at it, and JSON streams break.
    text = query.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
    if not text:
        raise StudioError("Type a query first: a word or a sentence.")
    if len(text) > QUERY_CHARACTERS:
        raise StudioError(
            f"The query has {len(text):,} characters; at most {QUERY_CHARACTERS:,} are allowed."
        )
    return text


def clean_top_k(top_k: object) -> int:
    """Return how many hits are asked for, raising StudioError where that is not 1 to 100."""
    whole = isinstance(top_k, int) and not isinstance(top_k, bool)
    if isinstance(top_k, float) and math.isfinite(top_k):
        whole = top_k.is_integer()  # JSON and sliders may send 10.0
    if not whole or not 1 <= int(top_k) <= MOST_HITS:  # type: ignore[call-overload]
        raise StudioError(f"top_k={top_k!r} must be a whole number from 1 to {MOST_HITS}.")
    return int(top_k)  # type: ignore[call-overload, no-any-return]


class Encoder:
    """The door to the encoder process, for any thread."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = home
        self._child: Child | None = None
        self._starting = threading.Lock()

    def search(
        self,
        run: Compared,
        query: object,
        top_k: object = 10,
        view: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Rank what a view names for one query, by default a run's own corpus by its two models."""
        message = {"do": "search", "query": clean_query(query), "top_k": clean_top_k(top_k)}
        told = view or own_view(run)
        found: dict[str, Any] = self._ask({**message, **told}, SEARCH_SECONDS)
        return found

    def neighbours(self, run: Compared, rows: Sequence[int]) -> dict[str, Any]:
        """Return the nearest texts of a map's points: `base` and `tuned`, (row, cosine) each."""
        check_compared(run)
        message = {"do": "neighbours", "embeddings": str(run.embeddings_dir), "rows": list(rows)}
        found: dict[str, Any] = self._ask(message, SEARCH_SECONDS)
        return found

    def place(self, run: Compared, method: str, query: object) -> dict[str, Any]:
        """Return where a query belongs in a map, its nearest and all cosines, by each model."""
        message = {"do": "place", "query": clean_query(query), "method": method}
        check_compared(run)
        found: dict[str, Any] = self._ask({**message, **_folders(run)}, SEARCH_SECONDS)
        return found

    def vectors(self, model_dir: Path, texts: Sequence[str]) -> list[list[float]]:
        """Embed texts by a model in a folder of ours, [texts, width], without a prompt."""
        message = {"do": "vectors", "model": str(model_dir), "texts": list(texts)}
        found: list[list[float]] = self._ask(message, VECTORS_SECONDS)
        return found

    def start(self) -> None:
        """Start the process where none runs; it imports its libraries while nobody waits."""
        self._living()

    def close(self) -> None:
        """End the process; the next call starts another."""
        with self._starting:
            if self._child is not None:
                self._child.kill()

    def _folder(self) -> Path:
        return self.home or get_settings().folder / "encoder"

    def _living(self) -> Child:
        with self._starting:
            if self._child is None or not self._child.alive:
                self._child = Child("encode", self._folder())
            return self._child

    def _ask(self, message: dict[str, Any], seconds: float) -> Any:  # noqa: ANN401
        try:
            child = self._living()
            try:
                return child.ask(message, seconds)
            except ChildDied:
                if not _gone(child):
                    raise
            return self._living().ask(message, seconds)  # once: a second death is the message's
        except ChildDied as death:
            raise StudioError(f"Comparing failed, try again. {death}") from None
        except TimeoutError:
            raise StudioError(
                f"Comparing took more than {seconds:.0f} seconds and was ended. "
                "The machine is busy: try again in a minute."
            ) from None


def _folders(run: Compared) -> dict[str, str]:
    return {
        "base": str(run.base_dir),
        "tuned": str(run.model_dir),
        "embeddings": str(run.embeddings_dir),
    }


def _gone(child: Child) -> bool:
    try:
        child.process.wait(timeout=1)  # a broken pipe is noticed before the process has ended
    except subprocess.TimeoutExpired:
        return False
    return True


_ENCODER = Encoder()


def get_encoder() -> Encoder:
    """Return the encoder of this process."""
    return _ENCODER
