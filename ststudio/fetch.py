"""Models and datasets in from the Hub: a pinned commit, allow-listed files only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub.hf_api import ModelInfo

from ststudio.conversion import with_weights
from ststudio.errors import StudioError
from ststudio.fetched_model import check_folder
from ststudio.listing import commit_of, dataset_info, files_of, is_private, model_info
from ststudio.model_config import tidy
from ststudio.model_files import (
    PLAIN,
    Module,
    check_parameters,
    choose_files,
    choose_tokenizer,
    read_json,
    read_modules,
)
from ststudio.remote import HubAway, RemoteFile, ask, check_id, hub
from ststudio.settings import MB
from ststudio.shelf import (
    DEFAULT_MODEL,
    PACKAGED_REVISION,
    ModelRef,
    appearing,
    kept,
    kept_model,
    model_folder,
    packaged_model,
    tokenizer_folder,
)
from ststudio.tokenizer_file import complete_tokenizers
from ststudio.transfer import download, download_span, read_small

__all__ = [
    "DEFAULT_MODEL",
    "DatasetRef",
    "ModelRef",
    "download_file",
    "download_model",
    "download_tokenizer",
    "hub",
    "resolve_dataset",
    "resolve_model",
]

SMALL_BYTES = 1 * MB  # of a configuration read before anything is downloaded

Progress = Callable[[int, int], None]  # bytes so far, bytes in all


@dataclass(frozen=True)
class DatasetRef:
    """A dataset's repository at a pinned commit: its files and its card's metadata."""

    id: str
    revision: str
    files: tuple[RemoteFile, ...]
    card: Mapping[str, Any] = field(default_factory=dict, repr=False)
    licence: str = ""
    private: bool = False
    listed_before: int = 0  # files of another branch, that were listed to find this one


def resolve_model(base_model: str | Mapping[str, Any], token: str | None = None) -> ModelRef:
    """Find a base model without downloading its weights; raise StudioError where it won't do."""
    repo_id, revision, weights = _named(base_model)
    if repo_id == DEFAULT_MODEL and revision in (None, "main", PACKAGED_REVISION):
        folder = packaged_model()
        if folder is not None:
            size = (folder / "model.safetensors").stat().st_size
            return ModelRef(repo_id, PACKAGED_REVISION, "packaged", size)
    try:
        info = model_info(repo_id, revision, token)
    except HubAway:
        found = kept_model(repo_id, revision)
        if found is None:
            raise
        return _expected(found, weights)
    _, chosen = _model_parts(info, token)
    total = sum(file.bytes for file in chosen)
    converted = next((file.commit for file in chosen if file.commit), None)
    ref = ModelRef(repo_id, commit_of(info), "hub", total, is_private(info), converted)
    return _expected(kept(ref) if model_folder(ref).is_dir() else ref, weights)


def _named(base_model: str | Mapping[str, Any]) -> tuple[str, str | None, str | None]:
    if isinstance(base_model, Mapping):
        unknown = set(base_model) - {"id", "revision", "weights_revision"}
        if unknown:
            raise StudioError(f"A base model is {{id, revision}}; {sorted(unknown)[0]!r} is not.")
        name = check_id(base_model.get("id"), "model")
        revision, weights = (base_model.get(key) for key in ("revision", "weights_revision"))
        return name, check_revision(revision), check_revision(weights)
    return check_id(base_model, "model"), None, None


def _expected(ref: ModelRef, weights: str | None) -> ModelRef:
    """Return a model; raise StudioError where its weights are not those a recipe was run with."""
    if weights not in (None, ref.weights_revision):
        raise StudioError(
            f"{ref.id}: the Hub's conversion of its weights is no longer at {weights!r}, where the "
            "recipe had it. Leave weights_revision out to train what is there now."
        )
    return ref


def check_revision(revision: object) -> str | None:
    """Return a revision's name, or None for the newest; raise StudioError for anything else."""
    if revision in (None, ""):
        return None
    if not isinstance(revision, str) or len(revision) > 200 or not revision.isprintable():
        raise StudioError("A revision is a branch, a tag or a commit's hash from the Hub.")
    return revision


def _model_parts(
    info: ModelInfo, token: str | None, weights_revision: str | None = None
) -> tuple[tuple[Module, ...], tuple[RemoteFile, ...]]:
    """Read what the model is made of, and choose its files; raise StudioError to refuse it."""
    files, revision, repo_id = files_of(info), commit_of(info), info.id

    def small(path: str) -> bytes:
        if files[path].bytes > SMALL_BYTES:
            raise StudioError(f"{repo_id}: {path} is too large. Choose another model.")
        return read_small("model", repo_id, revision, files[path], token)

    modules: tuple[Module, ...] = PLAIN
    if "modules.json" in files:
        modules = read_modules(small("modules.json"), repo_id)
    files, count = with_weights(info, modules, token, weights_revision)
    chosen = choose_files(files, modules, repo_id)
    if count is not None:
        check_parameters(count, repo_id)
    for module in modules:
        path = f"{module.prefix}config.json"
        if module.name == "Transformer":
            tidy("config.json", module.name, read_json(small(path), path, repo_id), repo_id)
    return modules, chosen


def download_model(
    ref: ModelRef,
    progress: Progress | None = None,
    token: str | None = None,
    folder: Path | None = None,
) -> Path:
    """Fetch a model's allow-listed files, check them, and return their folder.

    A model that is not on the shelf goes there, or to `folder` where one is named.
    """
    packaged = packaged_model() if ref.origin == "packaged" else None
    if packaged is not None:
        return packaged
    if model_folder(ref).is_dir():
        return model_folder(ref)
    folder = folder or model_folder(ref)
    info = model_info(ref.id, ref.revision, token)
    modules, chosen = _model_parts(info, token, ref.weights_revision)
    total, done = sum(file.bytes for file in chosen), 0
    with appearing(folder) as part:
        for file in chosen:
            count = _counter(progress, done, total)
            commit = file.commit or ref.revision
            download("model", ref.id, commit, file, part / file.path, token, count)
            done += file.bytes
        check_folder(part, modules, ref.id)
        complete_tokenizers(part, modules, ref.id)
    return folder


def download_tokenizer(ref: ModelRef, token: str | None = None) -> Path:
    """Fetch a model's tokenizer and small configuration, never its weights; return the folder."""
    if ref.origin == "packaged" or model_folder(ref).is_dir():
        return download_model(ref, token=token)  # all of it is here
    folder = tokenizer_folder(ref)
    if folder.is_dir():
        return folder
    info = model_info(ref.id, ref.revision, token)
    modules, chosen = _model_parts(info, token, ref.weights_revision)
    with appearing(folder) as part:
        for file in choose_tokenizer(chosen):
            download("model", ref.id, ref.revision, file, part / file.path, token)
        check_folder(part, modules, ref.id, weights=False)
        complete_tokenizers(part, modules, ref.id)
    return folder


def _counter(progress: Progress | None, done: int, total: int) -> Callable[[int], None] | None:
    return None if progress is None else lambda have: progress(done + have, total)


def resolve_dataset(
    repo_id: object, revision: object = None, token: str | None = None
) -> DatasetRef:
    """Find a dataset and list its files; raise StudioError where it cannot be read."""
    name, wanted = check_id(repo_id, "dataset"), check_revision(revision)
    info = dataset_info(name, wanted, token)
    card: dict[str, Any] = vars(info.card_data) if info.card_data is not None else {}
    licence = card.get("license")
    return DatasetRef(
        name,
        commit_of(info),
        tuple(files_of(info).values()),
        card,
        ", ".join(map(str, licence)) if isinstance(licence, list) else str(licence or ""),
        is_private(info),
    )


def check_admission(ref: DatasetRef, token: str | None) -> None:
    """Raise StudioError where the files of a gated or private dataset may not be read."""
    what = f"the dataset {ref.id!r}"
    ask(lambda: hub(token).auth_check(ref.id, repo_type="dataset"), what)


def download_file(
    ref: DatasetRef,
    file: RemoteFile,
    target: Path,
    token: str | None = None,
    span: tuple[int, int] | None = None,
) -> None:
    """Fetch one file of a dataset, or only its bytes from `span[0]` up to `span[1]`."""
    if span is None:
        download("dataset", ref.id, ref.revision, file, target, token)
    else:
        download_span("dataset", ref.id, ref.revision, file, target, span, token)
