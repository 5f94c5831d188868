"""A model's repository on the Hub: made, updated by one commit, loaded back and compared."""

import io
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import numpy as np
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.hf_api import DatasetInfo, ModelInfo

from ststudio.compare.encoder import get_encoder
from ststudio.errors import StudioError
from ststudio.hub.account import reach
from ststudio.hub.card import TAG
from ststudio.hub.package import Contents
from ststudio.model_files import MODULE_FILES, ROOT_FILES, TRANSFORMER_FILES
from ststudio.patience import heard
from ststudio.remote import Kind, RemoteFile, hub
from ststudio.settings import get_settings
from ststudio.transfer import download

Answer = TypeVar("Answer")
Count = Callable[[str, int], None]  # told of each file how far it was read; may raise to stop

MESSAGE = "Fine-tuned with ST Studio"
HUBS_OWN = frozenset({".gitattributes"})  # what an empty repository holds

# Loaded back, the model must give these the same vectors.
PROBES = ("A short sentence.", "How do I reset my password?", "Überraschend: 東京 🎈", "0")
TOLERANCE = 1e-5

LARGE = (".safetensors", ".parquet", ".model", ".bin")  # endings that the Hub stores apart from git

REFUSED = {
    403: "The Hub does not let this sign-in write to {repo}. Sign in with a token that may, "
    "or choose another name.",
    404: "The Hub shows no repository {repo} to this sign-in: another app made it, or it was "
    "deleted meanwhile. Choose another name.",
    412: "Somebody has changed {repo} during the push. Push again.",
}


class Counted(io.BufferedReader):
    """A file that tells how far it was read."""

    tell_position: Callable[[int], None] | None = None
    furthest = 0

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))

    def read(self, size: int | None = -1) -> bytes:
        """Read, and tell."""
        data = super().read(size)
        if self.tell_position is not None:
            position = self.tell()
            if position > self.furthest:  # what is sent once more is no progress
                self.furthest = position
                heard()
            self.tell_position(position)
        return data


class Repository:
    """One repository, seen with one visitor's token."""

    def __init__(self, repo_id: str, token: str | None) -> None:
        self.id, self._token = repo_id, token
        self._client = hub(token)

    def make(self, private: bool) -> None:
        """Create the repository, if it is not there."""
        reached(lambda: self._client.create_repo(self.id, private=private, exist_ok=True), self.id)

    def check(self, private: bool) -> None:
        """Raise StudioError where what is there may not be changed."""
        reached(lambda: self._updatable(private), self.id)

    def update(self, contents: Contents, private: bool, count: Count) -> str:
        """Send everything as one commit, what is there already excepted; return its hash."""
        return reached(lambda: self._commit(contents, private, count), self.id)

    def _commit(self, contents: Contents, private: bool, count: Count) -> str:
        head = self._updatable(private)
        stale = {sibling.rfilename for sibling in head.siblings or ()} - set(contents)
        with ExitStack() as opened:
            additions = [_addition(path, contents[path], count, opened) for path in contents]
            deletions = [CommitOperationDelete(path) for path in sorted(stale) if _of_a_model(path)]
            return committed(self._client, head, [*additions, *deletions], MESSAGE, "model")

    def _updatable(self, private: bool) -> ModelInfo:
        """Return what is in the repository; raise StudioError where it is not ours to change."""
        info = self._client.model_info(self.id, timeout=get_settings().hub_seconds)
        check_ours(info, private)
        return info

    def same_vectors(
        self, commit: str, contents: Contents, model_dir: Path, go_on: Callable[[], None]
    ) -> bool:
        """Load the model back from a commit, and compare its vectors with the local ones."""
        wanted = [path for path, content in contents.items() if isinstance(content, Path)]
        files = self._files(commit)
        if set(wanted) - set(files):
            return False
        with tempfile.TemporaryDirectory(prefix=".check-", dir=model_dir.parent) as name:
            back = Path(name)
            for path in wanted:
                target = back / path
                download(
                    "model", self.id, commit, files[path], target, self._token, lambda _: go_on()
                )
            go_on()
            here, there = (
                np.asarray(get_encoder().vectors(folder, PROBES)) for folder in (model_dir, back)
            )
        return here.shape == there.shape and bool((abs(here - there) < TOLERANCE).all())

    def _files(self, commit: str) -> dict[str, RemoteFile]:
        def get() -> ModelInfo:
            seconds = get_settings().hub_seconds
            return self._client.model_info(
                self.id, revision=commit, files_metadata=True, timeout=seconds
            )

        return {
            file.rfilename: RemoteFile(
                file.rfilename, file.size, file.lfs.sha256 if file.lfs else None
            )
            for file in reached(get, self.id).siblings or ()
            if file.size is not None
        }


def reached(call: Callable[[], Answer], repo_id: str) -> Answer:
    """Make one call about a repository, at most twice, and word what the Hub refuses."""

    def careful() -> Answer:
        try:
            return _unwrapped(call)
        except HfHubHTTPError as error:
            sentence = REFUSED.get(error.response.status_code)
            if sentence is None:
                raise
            raise StudioError(sentence.format(repo=repo_id)) from None
        except FileNotFoundError:
            raise StudioError("The run was deleted during the push.") from None

    return reach(careful, repo_id)


def committed(
    client: HfApi,
    head: ModelInfo | DatasetInfo,
    operations: Sequence[CommitOperationAdd | CommitOperationDelete],
    message: str,
    kind: Kind,
) -> str:
    """Make one commit on top of what was looked at; return its hash.

    Large files go before it, one by one: together they would be sent by threads of the client's,
    which know nothing of the patience with this call.
    """
    for operation in operations:
        if isinstance(operation, CommitOperationAdd) and operation.path_in_repo.endswith(LARGE):
            client.preupload_lfs_files(
                head.id, [operation], repo_type=kind, num_threads=1, free_memory=False
            )
    done = client.create_commit(
        head.id,
        operations,
        repo_type=kind,
        commit_message=message,
        parent_commit=head.sha,
        num_threads=1,
    )
    return str(done.oid)


def check_ours(info: ModelInfo | DatasetInfo, private: bool) -> None:
    """Raise StudioError where a repository is not ours to change, or open to more than asked."""
    held = {sibling.rfilename for sibling in info.siblings or ()}
    if held - HUBS_OWN and TAG not in (info.tags or ()):
        raise StudioError(
            f"{info.id} holds something that was not made by ST Studio, and stays as it is. "
            "Choose another name."
        )
    if private and not info.private:
        raise StudioError(
            f"{info.id} is public, and a private push was asked for. Make it private in its "
            "settings on the Hub, push publicly, or choose another name."
        )


def _unwrapped(call: Callable[[], Answer]) -> Answer:
    """Make a call; what went wrong with one file, which the client wraps, is raised itself."""
    try:
        return call()
    except RuntimeError as error:
        raise error.__cause__ or error from None


def _addition(
    path: str, content: Path | bytes, count: Count, opened: ExitStack
) -> CommitOperationAdd:
    if isinstance(content, bytes):
        return CommitOperationAdd(path, content)
    file = opened.enter_context(Counted(content))
    addition = CommitOperationAdd(path, file)  # hashes the file: nothing is sent yet
    file.tell_position = lambda position: count(path, position)
    return addition


def _of_a_model(path: str) -> bool:
    """Tell what a model is loaded from, and would be loaded wrongly from if it stayed."""
    name = path.rpartition("/")[2]
    return any(names.fullmatch(name) for names in (ROOT_FILES, MODULE_FILES, TRANSFORMER_FILES))
