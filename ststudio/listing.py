"""What the Hub says of a repository at one commit: whether it may be read, and its files."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from huggingface_hub.hf_api import DatasetInfo, ModelInfo

from ststudio.errors import StudioError
from ststudio.remote import COMMIT, HubAway, Kind, RemoteFile, ask, endpoint, hub
from ststudio.settings import get_settings
from ststudio.signing_in import to_read

Info = TypeVar("Info", ModelInfo, DatasetInfo)


def model_info(repo_id: str, revision: str | None, token: str | None) -> ModelInfo:
    """Ask what a model's repository holds at a revision; raise StudioError where it is closed."""
    return _told(hub(token).model_info, "model", repo_id, revision, token)


def dataset_info(repo_id: str, revision: str | None, token: str | None) -> DatasetInfo:
    """Ask what a dataset's repository holds at a revision; raise StudioError where it is closed."""
    return _told(hub(token).dataset_info, "dataset", repo_id, revision, token)


def _told(
    get: Callable[..., Info], kind: Kind, repo_id: str, revision: str | None, token: str | None
) -> Info:
    seconds = get_settings().hub_seconds
    asked = partial(get, repo_id, revision=revision, files_metadata=True, timeout=seconds)
    info = ask(asked, f"the {kind} {repo_id!r}")
    _refuse_closed(info, kind, repo_id, token)
    return info


def _refuse_closed(
    info: ModelInfo | DatasetInfo, kind: Kind, repo_id: str, token: str | None
) -> None:
    page = f"{endpoint()}/{'datasets/' if kind == 'dataset' else ''}{repo_id}"
    if info.disabled:
        raise StudioError(f"The Hub has disabled the {kind} {repo_id!r}. Choose another.")
    if info.gated and not token:
        raise StudioError(
            f"The {kind} {repo_id!r} is gated. Accept its terms at {page}, then sign in as the "
            f"same person: {to_read()}."
        )


def is_private(info: ModelInfo | DatasetInfo) -> bool:
    """Tell whether only some may read it; a gate is no different."""
    return bool(info.private or info.gated)


def commit_of(info: ModelInfo | DatasetInfo) -> str:
    """Return the commit that the Hub described; raise HubAway where it named none."""
    if not COMMIT.fullmatch(info.sha or ""):
        raise HubAway(f"The Hub named no commit for {info.id!r}. Try again in a minute.")
    return str(info.sha)


def files_of(info: ModelInfo | DatasetInfo) -> dict[str, RemoteFile]:
    """Return a repository's files by their paths, those of unknown size left out."""
    return {
        sibling.rfilename: RemoteFile(
            sibling.rfilename, sibling.size, sibling.lfs.sha256 if sibling.lfs else None
        )
        for sibling in info.siblings or ()
        if sibling.size is not None
    }
