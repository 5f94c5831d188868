"""What leaves this machine of a run: the model, its card, the recipe and the report."""

import json
import re
import tempfile
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

from ststudio.errors import StudioError
from ststudio.hub.card import RECIPE_FILE, REPORT_FILE, card
from ststudio.hub.origins import NO_NAME, base_name, shared_recipe
from ststudio.runs.run import Run

Contents = dict[str, Path | bytes]  # by path in the repository

NAME_CHARACTERS = 60  # of a proposed name

REPORT_KEYS = (
    "metric n baseline score delta interval verdict metrics forgetting classifier rows_used "
    "train_seconds seconds race"
).split()


def propose_name(run: Run) -> str:
    """Return a name for the repository, made of base and data."""
    words = f"{base_name(run)} {run.facts.get('title') or 'fine-tuned'}"
    ascii_words = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    name = "-".join(re.findall(r"[A-Za-z0-9]+", ascii_words))
    if len(name) > NAME_CHARACTERS:  # cut between two words where there are any
        name = name[:NAME_CHARACTERS].rpartition("-")[0] or name[:NAME_CHARACTERS]
    return name or "st-studio-model"


def shared_report(run: Run) -> dict[str, Any]:
    """Return the report's numbers."""
    report = run.report or {}
    return {key: report[key] for key in REPORT_KEYS if key in report}


def contents_of(run: Run, include_samples: bool = False, repo_id: str = NO_NAME) -> Contents:
    """Return every file of a push by its path in the repository."""
    contents: Contents = {
        path.relative_to(run.model_dir).as_posix(): path
        for path in sorted(run.model_dir.rglob("*"))
        if path.is_file() and not path.is_symlink() and not path.name.startswith(".")
    }
    contents["README.md"] = card(run, include_samples, repo_id).encode()
    contents[RECIPE_FILE] = json.dumps(shared_recipe(run), indent=1).encode()
    contents[REPORT_FILE] = json.dumps(shared_report(run), indent=1).encode()
    return contents


def size(content: Path | bytes) -> int:
    """Count the bytes of one file."""
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def zip_model(run: Run, include_samples: bool = False) -> Path:
    """Pack what a push would send; the file appears in the run's folder when it is whole."""
    if not run.has_model:
        raise StudioError("This run has no fine-tuned model to download. Wait until it finishes.")
    with tempfile.TemporaryDirectory(prefix=".zip-", dir=run.path) as folder:
        half = Path(folder) / "model.zip"
        with zipfile.ZipFile(half, "w", strict_timestamps=False) as pack:
            for path, content in contents_of(run, include_samples).items():
                _add(pack, path, content)
        return half.replace(run.path / half.name)


def _add(pack: zipfile.ZipFile, path: str, content: Path | bytes) -> None:
    # Weights hardly get smaller, and take long to try.
    kind = zipfile.ZIP_STORED if path.endswith(".safetensors") else zipfile.ZIP_DEFLATED
    if isinstance(content, bytes):
        pack.writestr(path, content, kind)
    else:
        pack.write(content, path, kind)
