"""Models that stand left and right in a search: where each lies, and how it reads a text."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from ststudio.data.prompts import family_of, own_prompts
from ststudio.errors import StudioError
from ststudio.fetch import ModelRef, download_model
from ststudio.model_files import FAMILY
from ststudio.runs.documents import read_json
from ststudio.runs.model_facts import EARLIER_RUN, named_base
from ststudio.runs.run import Run
from ststudio.runs.store import get_store

BASE, TUNED = "base", "tuned"  # a run's own two; others are "run:<id>" or an id on the Hub


NO_MODEL = (
    "This run has no fine-tuned model to compare. Wait until it has finished, or pick another run."
)
NO_BASE = (
    "The base model of this run is not here. Start the run again, or compare with another model "
    "under 'Other texts, other models'."
)


class Compared(Protocol):
    """What a comparison needs to know of a run."""

    @property
    def base_dir(self) -> Path:
        """Return the folder of the base model."""

    @property
    def model_dir(self) -> Path:
        """Return the folder of the fine-tuned model."""

    @property
    def examples_dir(self) -> Path:
        """Return the folder of queries.parquet and relevant.parquet."""

    @property
    def embeddings_dir(self) -> Path:
        """Return the folder of points.parquet, base.npy and tuned.npy."""

    @property
    def recipe(self) -> dict[str, Any]:
        """Return what was asked of the run, as JSON."""


def check_compared(run: Compared) -> None:
    """Raise StudioError where a run has not yet, or never will have, what is compared."""
    rows = run.examples_dir.is_dir() or run.embeddings_dir.is_dir()
    if run.model_dir.is_dir() and not rows:
        raise StudioError(
            "This model was opened from the Hub, and the rows it was trained on did not come with "
            "it. Add texts of your own under 'Other texts, other models'; both models search them."
        )
    if not run.model_dir.is_dir() or not (run.embeddings_dir / "tuned.npy").is_file():
        raise StudioError(NO_MODEL)
    if not run.base_dir.is_dir():
        raise StudioError(NO_BASE)


@dataclass(frozen=True)
class Side:
    """One of two models: how it reads queries and documents, and what it has embedded already."""

    title: str
    model: Path
    query: str = ""  # before a query
    document: str = ""  # before a document
    max_seq_length: int | None = None  # tokens, where a run's recipe says so
    vectors: Path | None = None  # of the run's own points
    is_base: bool = False

    @property
    def colour(self) -> str:
        """Return how the page shows it: a run's base in grey, every other model not."""
        return BASE if self.is_base else TUNED

    @cached_property
    def key(self) -> str:
        """Return a name for all that a text's vector depends on: files, prompt, length."""
        files = [path for path in sorted(self.model.rglob("*")) if path.is_file()]
        stamps = [(path.stat().st_size, path.stat().st_mtime_ns) for path in files]
        told = repr((str(self.model.resolve()), stamps, self.document, self.max_seq_length))
        return hashlib.sha256(told.encode()).hexdigest()[:32]


def own_sides(run: Compared) -> dict[str, Side]:
    """Return a run's base and fine-tuned model, which read texts alike, as they were measured.

    A pushed model that was opened has embedded nothing, and may come without its base.
    """
    if not run.model_dir.is_dir():
        raise StudioError(NO_MODEL)
    # The run measured both models with the same prompts, its recipe's; the fine-tuned one has them.
    said = (read_json(run.model_dir / FAMILY) or {}).get("prompts") or {}
    prompts = (said.get("query") or "", said.get("document") or "")
    length = run.recipe.get("max_seq_length")
    files = (run.embeddings_dir / f"{name}.npy" for name in (BASE, TUNED))
    base, tuned = (file if file.is_file() else None for file in files)
    sides = {
        BASE: Side("Base", run.base_dir, *prompts, length, base, is_base=True),
        TUNED: Side("Fine-tuned", run.model_dir, *prompts, length, tuned),
    }
    return sides if run.base_dir.is_dir() else {TUNED: sides[TUNED]}


def find_side(run: Run, name: object, token: str | None = None) -> Side:
    """Find a model by what it is called beside a run; raise StudioError where it is none.

    One of the Hub is fetched where it is not here yet; it reads texts as its own files say, or as
    its family was trained to where they say nothing.
    """
    own = own_sides(run)
    if not isinstance(name, str) or not name.strip():
        allowed = f"{BASE}, {TUNED}, {EARLIER_RUN}<id>, or a model's id on the Hub"
        raise StudioError(f"{name!r} is no model to compare. Choose one of: {allowed}.")
    name = name.strip()
    if name == BASE and BASE not in own:
        raise StudioError(NO_BASE)
    if name in own:
        return own[name]
    if name.startswith(EARLIER_RUN):
        other = get_store().open(name.removeprefix(EARLIER_RUN))
        title = str(other.facts.get("title") or "run")
        side = own_sides(other)[TUNED]
        return Side(f"{title}, run {other.id[:6]}", side.model, side.query, side.document)
    found, takes = named_base(name, token)
    assert isinstance(found, ModelRef)
    words, kin = own_prompts(takes.prompts, takes.default_prompt), family_of(found.id)
    if kin and not any(words.values()):
        words = {"query": kin.query, "document": kin.document}
    folder = download_model(found, token=token)
    return Side(found.id, folder, words["query"], words["document"])
