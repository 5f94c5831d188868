"""Corpora beside a run's own, kept by what they hold: texts, and what models embedded of them."""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ststudio.compare.points import corpus_texts
from ststudio.compare.sides import Side
from ststudio.data.findings import count
from ststudio.data.names import names_a_text
from ststudio.data.sources import open_source
from ststudio.data.tables import Table
from ststudio.data.unused import changed, forget_unused, size_of
from ststudio.errors import StudioError
from ststudio.runs.documents import read_json, write_json
from ststudio.settings import get_settings
from ststudio.shelf import appearing

CORPORA = "corpora"  # the folder of all of them
ID = re.compile(r"[0-9a-f]{64}")
TEXTS, FACTS, VECTORS, PROGRESS = "texts.parquet", "facts.json", "vectors.npy", "progress.json"
LIKELY = ("text", "sentence", "content", "passage", "document", "body")  # a corpus's column


@dataclass(frozen=True)
class KeptCorpus:
    """Texts on disk, and what models have embedded of them so far."""

    path: Path

    @property
    def id(self) -> str:
        """Return the hash of the texts, by which it is found again."""
        return self.path.name

    @property
    def texts_file(self) -> Path:
        """Return the file of the texts, one a row."""
        return self.path / TEXTS

    @property
    def size(self) -> int:
        """Return how many texts there are."""
        return int((read_json(self.path / FACTS) or {"texts": 0})["texts"])

    def vectors_file(self, side: Side) -> Path:
        """Return the file of a model's [texts, width] unit vectors, filled from the top."""
        return self.path / side.key / VECTORS

    def progress_file(self, side: Side) -> Path:
        """Return the file that says how far a model has come."""
        return self.path / side.key / PROGRESS

    def done(self, side: Side) -> int:
        """Return how many texts, from the first on, a model has embedded."""
        return int((read_json(self.progress_file(side)) or {"done": 0})["done"])

    def touch(self) -> None:
        """Note that it is of use."""
        os.utime(self.path)


def corpora_folder() -> Path:
    """Return the folder of all corpora."""
    return get_settings().folder / CORPORA


def open_corpus(corpus_id: object) -> KeptCorpus:
    """Find a corpus by its id, raising StudioError where it is none or gone."""
    if not isinstance(corpus_id, str) or not ID.fullmatch(corpus_id):
        raise StudioError("A corpus's id is what /add_corpus returned as 'corpus'.")
    corpus = KeptCorpus(corpora_folder() / corpus_id)
    try:
        corpus.touch()
    except OSError:
        raise StudioError("These texts are no longer here. Add them again.") from None
    return corpus


def keep_corpus(texts: Sequence[str]) -> KeptCorpus:
    """Keep texts, in their order; the same ones are kept once."""
    told = hashlib.sha256()
    for text in texts:
        data = text.encode()
        told.update(len(data).to_bytes(8, "big") + data)
    corpus = KeptCorpus(corpora_folder() / told.hexdigest())
    if not corpus.path.is_dir():
        with appearing(corpus.path) as part:
            pq.write_table(pa.table({"text": pa.array(texts, pa.string())}), part / TEXTS)
            write_json(part / FACTS, {"texts": len(texts)})
    corpus.touch()
    return corpus


def own_corpus(points_file: Path) -> KeptCorpus:
    """Return a run's own corpus as one that other models than the run's can embed."""
    corpus = _known(points_file, points_file.stat().st_mtime_ns)
    try:
        corpus.touch()
        return corpus
    except OSError:  # forgotten meanwhile
        return keep_corpus(corpus_texts(points_file))


@lru_cache(maxsize=64)
def _known(points_file: Path, stamp: int) -> KeptCorpus:
    return keep_corpus(corpus_texts(points_file))


def clean_texts(texts: Iterable[object]) -> tuple[list[str], list[str]]:
    """Return the texts worth searching, each once, and what was done to the others in words."""
    settings = get_settings()
    given = [text.strip() for text in texts if isinstance(text, str)]
    filled = [text.encode("utf-8", "replace").decode() for text in given if text]
    distinct = list(dict.fromkeys(filled))
    cut = [text[: settings.cell_characters] for text in distinct]
    kept = cut[: settings.corpus_texts]
    if not kept:
        raise StudioError("There is no text in this. Add at least one line or cell with words.")
    shortened = sum(len(text) > settings.cell_characters for text in distinct[: len(kept)])
    notes = {
        "empty": len(given) - len(filled),
        "met before": len(filled) - len(distinct),
        f"beyond the limit of {settings.corpus_texts:,}": len(distinct) - len(kept),
    }
    said = [f"{count(number, 'text')} left out: {why}" for why, number in notes.items() if number]
    if shortened:
        most = settings.cell_characters
        said.append(f"{count(shortened, 'text')} cut after {most:,} characters")
    return kept, said


def open_texts(source: Mapping[str, Any], token: str | None = None) -> Table:
    """Open a source; of a file with one text a line the first line is a text like the others."""
    table = open_source(source, token)
    names = table.splits["train"].column_names
    lines = source.get("kind") == "upload" and table.delimited and len(names) == 1
    if lines and not names_a_text(names[0]):
        return open_source(source, token, [{"code": "first_row_is_data"}])
    return table


def text_columns(table: Table) -> list[str]:
    """Return the columns that hold texts, the likeliest first; raise StudioError where none do."""
    found = _parts(table)[0]
    names = [name for name in found.column_names if found.schema.field(name).type == pa.string()]
    if not names:
        listed = ", ".join(found.column_names[:8])
        raise StudioError(f"No column of this holds texts (it has {listed}). Pick another dataset.")

    def likelihood(name: str) -> tuple[int, float]:
        cells = [cell for cell in found[name].slice(0, 200).to_pylist() if cell]
        named = LIKELY.index(name.lower()) if name.lower() in LIKELY else len(LIKELY)
        return named, -sum(map(len, cells)) / max(1, len(cells))

    return sorted(names, key=likelihood)


def column_texts(table: Table, column: str | None) -> tuple[str, list[Any]]:
    """Return a column's name and its cells in all splits; raise StudioError for an unknown one."""
    names = text_columns(table)
    chosen = column or names[0]
    if chosen not in names:
        raise StudioError(f"There is no column of texts called {chosen!r}. It has: {names}.")
    parts = [part for part in _parts(table) if chosen in part.column_names]
    return chosen, [cell for part in parts for cell in part[chosen].to_pylist()]


def _parts(table: Table) -> list[pa.Table]:
    """Return what holds the texts: a retrieval set's documents, else the rows of all splits."""
    return [table.retrieval.corpus] if table.retrieval else list(table.splits.values())


def kept_corpora_bytes(folder: Path) -> int:
    """Count the bytes of all corpora."""
    return sum(map(size_of, _folders(folder)))


def forget_corpora(folder: Path, before: float, most: int) -> None:
    """Forget corpora last used before a time, and the longest unused over `most` bytes."""
    forget_unused(_folders(folder), _used, before, most)


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*") if path.is_dir()]


def _used(path: Path) -> float:
    """Return when a corpus was last searched, or embedded by some model."""
    return max(map(changed, (path, *path.glob(f"*/{PROGRESS}"))))
