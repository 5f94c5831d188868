"""The app's side of the encoder process: one long-lived child, restarted when it dies."""

import json
import math
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ststudio.child import Child, ChildDied
from ststudio.compare.projection import LAYOUTS, map_file
from ststudio.compare.scope import own_view
from ststudio.compare.sides import Compared, check_compared
from ststudio.errors import StudioError
from ststudio.settings import get_settings

QUERY_CHARACTERS = 2_000
MOST_HITS = 100
SEARCH_SECONDS = 60.0  # the first search imports the libraries and loads two models
VECTORS_SECONDS = 120.0
MAP_SECONDS = 120.0  # t-SNE and UMAP; then their process is ended


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
        self._mapping = threading.Lock()  # one t-SNE or UMAP at a time

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

    def map(self, run: Compared, method: object = "pca") -> dict[str, Any]:
        """Return both models' maps of a run's points, laid out once and then kept."""
        if not isinstance(method, str) or method not in LAYOUTS:
            allowed = ", ".join(LAYOUTS)
            raise StudioError(f"There is no map by {method!r}. Choose one of: {allowed}.")
        check_compared(run)
        file = map_file(run.embeddings_dir, method)
        if not file.exists():
            message = {"do": "map", "embeddings": str(run.embeddings_dir), "method": method}
            if method == "pca":
                self._ask(message, MAP_SECONDS)
            else:
                self._ask_mapper(message, file)
        layout: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return layout

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

    def _ask_mapper(self, message: dict[str, Any], file: Path) -> None:
        if not self._mapping.acquire(timeout=MAP_SECONDS):
            raise StudioError("Another map is being laid out. Try again in a minute, or use pca.")
        try:
            if not file.exists():  # who held the lock may have made it
                _lay_out(message, self._folder())
        finally:
            self._mapping.release()


def _lay_out(message: dict[str, Any], home: Path) -> None:
    child = Child("map", home)
    try:
        child.ask(message, MAP_SECONDS)
    except TimeoutError:
        raise StudioError(
            f"The map by {message['method']} took more than {MAP_SECONDS:.0f} seconds and was "
            "ended. Use pca, or a run with fewer texts."
        ) from None
    except ChildDied as death:
        raise StudioError(f"The map by {message['method']} failed; use pca. {death}") from None
    finally:
        child.kill()


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
