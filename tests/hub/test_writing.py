"""What goes up: repositories, uploads, commits."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    RepositoryNotFoundError,
)

from tests.hub.conftest import MODEL, WEIGHTS, client
from tests.hub.server import Hub


def test_a_folder_goes_up_as_one_commit_and_comes_back(
    hub: Hub, folder: Path, tmp_path: Path
) -> None:
    api = client(hub)
    url = api.create_repo("alice/new", private=True)
    assert (url.repo_id, str(url)) == ("alice/new", f"{hub.url}/alice/new")

    done = api.upload_folder(repo_id="alice/new", folder_path=folder, commit_message="Add model")

    repo = hub.repo("model", "alice/new")
    assert [commit.title for commit in repo.history()] == ["Add model", "initial commit"]
    assert done.oid == repo.resolve().sha
    assert repo.private
    assert repo.file("model.safetensors").lfs and not repo.file("config.json").lfs
    puts = [request for request in hub.requests if request.method == "PUT"]
    assert [(put.received, put.authorized) for put in puts] == [(len(WEIGHTS), False)]
    local = snapshot_download(
        "alice/new", endpoint=hub.url, token="hf_alice", cache_dir=tmp_path / "cache"
    )
    assert {p.name: p.read_bytes() for p in Path(local).iterdir() if p.is_file()} == {
        **MODEL,
        ".gitattributes": repo.file(".gitattributes").data,
    }


def test_uploading_the_same_again_makes_no_commit(hub: Hub, folder: Path) -> None:
    client(hub).upload_folder(repo_id="alice/tiny", folder_path=folder)
    client(hub).upload_folder(repo_id="alice/tiny", folder_path=folder)

    assert len(hub.repo("model", "alice/tiny").history()) == 2


def test_commits_delete_add_and_honour_their_parent(hub: Hub) -> None:
    first = hub.repo("model", "alice/tiny").resolve().sha
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationDelete("config.json"),
        CommitOperationAdd("docs/a.txt", b"text"),
    ]
    api = client(hub)

    done = api.create_commit("alice/tiny", operations, commit_message="c", parent_commit=first)

    assert api.list_repo_files("alice/tiny") == ["README.md", "docs/a.txt", "model.safetensors"]
    assert [c.commit_id for c in api.list_repo_commits("alice/tiny")] == [done.oid, first]
    late = [CommitOperationAdd("b.txt", b"b")]
    with pytest.raises(HfHubHTTPError, match="A commit has happened since"):
        api.create_commit("alice/tiny", late, commit_message="c", parent_commit=first)


def test_an_existing_repository_answers_409_with_its_address(hub: Hub) -> None:
    api = client(hub)
    with pytest.raises(HfHubHTTPError) as caught:
        api.create_repo("alice/tiny")
    assert caught.value.response.status_code == 409
    assert caught.value.response.json()["url"] == f"{hub.url}/alice/tiny"
    assert api.create_repo("alice/tiny", exist_ok=True).repo_id == "alice/tiny"


def test_a_repository_can_be_deleted(hub: Hub) -> None:
    client(hub).delete_repo("alice/tiny")
    with pytest.raises(RepositoryNotFoundError):
        client(hub).model_info("alice/tiny")


def test_a_pull_request_leaves_main_alone(hub: Hub) -> None:
    api = client(hub, "hf_bob")
    done = api.create_commit(
        "alice/tiny", [CommitOperationAdd("b.txt", b"b")], commit_message="c", create_pr=True
    )

    assert done.pr_revision == "refs/pr/1"
    assert not api.file_exists("alice/tiny", "b.txt")
    assert api.file_exists("alice/tiny", "b.txt", revision="refs/pr/1")
    requests = api.list_repo_refs("alice/tiny", include_pull_requests=True).pull_requests
    assert [ref.target_commit for ref in requests or []] == [done.oid]


def test_a_card_is_checked(hub: Hub) -> None:
    operation = CommitOperationAdd("README.md", b"---\ntags: 3\n---\n")
    with pytest.raises(ValueError, match='"tags" must be an array'):
        client(hub).create_commit("alice/tiny", [operation], commit_message="c")
