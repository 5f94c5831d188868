"""What a search is about: which texts, by which two models, and which hits count."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ststudio.compare.corpora import KeptCorpus, open_corpus, own_corpus
from ststudio.compare.sides import (
    BASE,
    TUNED,
    Compared,
    Side,
    check_compared,
    find_side,
    own_sides,
)
from ststudio.errors import StudioError
from ststudio.runs.run import Run

CONTAINS_CHARACTERS = 200


@dataclass(frozen=True)
class Scope:
    """What is searched, who stands left and right, and which hits are shown of all."""

    corpus: str | None = None  # None: the run's own
    left: str = BASE
    right: str = TUNED
    contains: str = ""
    group: str = ""
    relevant: bool = False
    min_score: float | None = None

    @classmethod
    def from_json(cls, value: object) -> "Scope":
        """Read a scope, raising StudioError for an unknown key or a value of another kind."""
        if value is None:
            return cls()
        allowed = [known.name for known in fields(cls)]
        if not isinstance(value, Mapping):
            raise StudioError(f"A search's scope is an object with any of: {', '.join(allowed)}.")
        unknown = [str(key) for key in value if key not in allowed]
        if unknown:
            raise StudioError(
                f"A search's scope has no {unknown[0]!r}. Allowed: {', '.join(allowed)}."
            )
        given = {key: part for key, part in value.items() if part is not None}
        for key, part in given.items():
            _check(key, part)
        return cls(**given)

    @property
    def filters(self) -> dict[str, Any]:
        """Return what hits must be, without what says nothing."""
        texts = {"contains": self.contains, "group": self.group, "relevant": self.relevant}
        said: dict[str, Any] = {name: value for name, value in texts.items() if value}
        return said if self.min_score is None else {**said, "min_score": self.min_score}


def _check(key: str, value: object) -> None:
    kinds: dict[str, tuple[type | tuple[type, ...], str]] = {
        "relevant": (bool, "true or false"),
        "min_score": ((int, float), "a number from -1 to 1"),
    }
    kind, words = kinds.get(key, (str, "a text"))
    fits = isinstance(value, kind) and (key == "relevant") is isinstance(value, bool)
    if fits and key == "min_score":
        fits = -1 <= value <= 1  # type: ignore[operator]
    if not fits:
        raise StudioError(f"A search's {key} is {words}, not {value!r}.")
    if key == "contains" and len(str(value)) > CONTAINS_CHARACTERS:
        raise StudioError(f"Texts are filtered by at most {CONTAINS_CHARACTERS} characters.")


def own_view(run: Compared) -> dict[str, Any]:
    """Return what the encoder is told of a run's own corpus and its two models."""
    check_compared(run)
    sides = own_sides(run)
    return {
        "texts": str(run.embeddings_dir / "points.parquet"),
        "queries": str(run.examples_dir / "queries.parquet"),
        "sides": [_own(side) for side in sides.values()],
        "filters": {},
    }


def view(run: Run, scope: Scope, token: str | None = None) -> dict[str, Any]:
    """Return what the encoder is told of a search; raise StudioError where nothing is embedded."""
    own = scope.corpus is None
    shown = own_view(run) if own else {}
    if scope.left == BASE and scope.right == TUNED and own:
        return {**shown, "filters": scope.filters}
    corpus, sides = compared(run, scope, token)
    told = [_own(side) if own and side.vectors else _kept(corpus, side) for side in sides]
    if not own:
        shown = {"texts": str(corpus.texts_file), "queries": None}
    return {**shown, "sides": told, "filters": scope.filters}


def compared(
    run: Run, scope: Scope, token: str | None = None
) -> tuple[KeptCorpus, tuple[Side, Side]]:
    """Find the texts and the two models of a search; raise StudioError where one is not here."""
    if scope.corpus is None:
        check_compared(run)
        corpus = own_corpus(run.embeddings_dir / "points.parquet")
    else:
        corpus = open_corpus(scope.corpus)
    return corpus, (find_side(run, scope.left, token), find_side(run, scope.right, token))


def embedding(scope: Scope, sides: tuple[Side, Side]) -> list[Side]:
    """Return the models that have, or had, to embed the texts: a run has embedded its own."""
    own = scope.corpus is None
    return [side for side in sides if not (own and side.vectors)]


def _own(side: Side) -> dict[str, Any]:
    told = {"model": str(side.model), "prompt": side.query, "vectors": str(side.vectors)}
    return {**told, "points": True, "rows": None}


def _kept(corpus: KeptCorpus, side: Side) -> dict[str, Any]:
    rows = corpus.done(side)
    if not rows:
        raise StudioError(
            f"{side.title} has embedded none of these {corpus.size:,} texts yet. "
            "Embed them, or wait for the first of them, and search again."
        )
    told = {"model": str(side.model), "prompt": side.query}
    return {**told, "vectors": str(corpus.vectors_file(side)), "points": False, "rows": rows}
