"""Weights that the Hub's own bot converted to safetensors, where a model has only pickles."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from huggingface_hub.community import Discussion
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.hf_api import ModelInfo

from ststudio.errors import StudioError
from ststudio.listing import commit_of, files_of, model_info
from ststudio.model_files import INDEX, WEIGHTS, Module, without_weights
from ststudio.remote import HubAway, RemoteFile, ask, hub

BOT = "SFconvertbot"  # the Hub's account behind its Space safetensors/convert
STATES = ("open", "merged")  # of its pull requests; a closed one was turned down
MOST = 20  # pull requests of the bot that are looked at
PICKLES = re.compile(r"(.*/)?pytorch_model(-\d{5}-of-\d{5})?\.bin")

Files = Mapping[str, RemoteFile]


@dataclass(frozen=True)
class Conversion:
    """Weights in safetensors at a commit of a pull request, by the paths they would have."""

    files: Files
    parameters: int | None  # as the Hub counts them


def with_weights(
    info: ModelInfo, modules: Iterable[Module], token: str | None, commit: str | None = None
) -> tuple[dict[str, RemoteFile], int | None]:
    """Return a model's files and how many parameters the Hub counts in them.

    Where modules have only pickles, the weights are those of the Hub's conversion, if there is one;
    `commit` is where it was found before.
    """
    files = files_of(info)
    missing = {module.prefix for module in without_weights(files, modules)}
    found = _conversion(info, token, commit) if missing and _pickles(files) else None
    if found is None:
        return files, info.safetensors.total if info.safetensors is not None else None
    added = {path: file for path, file in found.files.items() if _folder(path) in missing}
    return {**files, **added}, found.parameters


def _folder(path: str) -> str:
    return path[: path.rfind("/") + 1]


def _conversion(info: ModelInfo, token: str | None, commit: str | None) -> Conversion | None:
    """Find the first pull request of the Hub's bot that converted the pickles of this commit.

    Nobody else's is looked at: whoever may open a pull request could plant weights.
    """
    if commit is not None:
        return _converted(info, commit, token)
    for number in _pull_requests(info.id, token):
        try:
            found = _converted(info, f"refs/pr/{number}", token)
        except HubAway:
            raise
        except StudioError:  # owners may delete the commits of a pull request that has ended
            continue
        if found is not None:
            return found
    return None


def _pull_requests(repo_id: str, token: str | None) -> list[int]:
    """List the numbers of the bot's pull requests, oldest first: later ones change no choice."""

    def get() -> list[Discussion]:
        asked = hub(token).get_repo_discussions(repo_id, author=BOT, discussion_type="pull_request")
        try:
            return list(islice(asked, MOST))
        except HfHubHTTPError as error:
            # The model could be read, so its discussions are what is not there: switched off.
            if error.response.status_code in (403, 404):
                return []
            raise

    found = ask(get, f"the conversions of the model {repo_id!r}")
    # Asked for by author, and still looked at: the weights are trusted for this name alone.
    return sorted(
        one.num
        for one in found
        if one.author == BOT and one.is_pull_request and one.status in STATES
    )


def _converted(info: ModelInfo, revision: str, token: str | None) -> Conversion | None:
    """Return the weights at a revision that holds the same pickles; nothing else of it is used."""
    other = model_info(info.id, revision, token)
    files = files_of(other)
    pickles = _pickles(files_of(info))
    if not all(pickles.values()) or _pickles(files) != pickles:
        return None  # converted from other weights than those asked for
    weights = {
        path: replace(file, commit=commit_of(other))
        for path, file in files.items()
        if _is_weights(path)
    }
    count = other.safetensors.total if other.safetensors is not None else None
    return Conversion(weights, count) if weights else None


def _is_weights(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name == INDEX or WEIGHTS.fullmatch(name) is not None


def _pickles(files: Files) -> dict[str, str | None]:
    """Return the hashes of a model's pickled weights by path."""
    return {path: file.sha256 for path, file in files.items() if PICKLES.fullmatch(path)}
