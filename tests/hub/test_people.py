"""Who may see and change what."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
)

from tests.hub.conftest import MODEL, WEIGHTS, client, download
from tests.hub.server import Hub


def test_a_private_repository_is_hidden_from_strangers(hub: Hub, tmp_path: Path) -> None:
    hub.add_repo("model", "acme/secret", MODEL, private=True)

    for token, status in ((None, 401), ("hf_bob", 404)):
        with pytest.raises(RepositoryNotFoundError) as caught:
            download(hub, tmp_path, repo="acme/secret", token=token)
        assert caught.value.response.status_code == status
    assert download(hub, tmp_path, repo="acme/secret", token="hf_alice") == WEIGHTS


def test_a_gated_repository_shows_its_card_and_keeps_its_files(hub: Hub, tmp_path: Path) -> None:
    hub.add_repo("model", "alice/gated", MODEL, gated=True)

    assert client(hub, None).model_info("alice/gated").gated == "auto"
    for token, status in ((None, 401), ("hf_bob", 403)):
        with pytest.raises(GatedRepoError) as caught:
            download(hub, tmp_path, repo="alice/gated", token=token)
        assert caught.value.response.status_code == status
    hub.admit("model", "alice/gated", "bob")
    assert download(hub, tmp_path, repo="alice/gated", token="hf_bob") == WEIGHTS


def test_whoami_tells_name_organisations_and_role(hub: Hub) -> None:
    hub.add_user("alice", "hf_fine", role="fineGrained", writes=("acme",), orgs={"acme": "write"})
    me = client(hub).whoami()
    assert (me["type"], me["name"]) == ("user", "alice")
    assert {org["name"]: org["roleInOrg"] for org in me["orgs"]} == {
        "acme": "write",
        "lookers": "read",
    }
    assert me["auth"]["accessToken"]["role"] == "write"

    access = client(hub, "hf_fine").whoami()["auth"]["accessToken"]
    grants = {g["entity"]["name"]: g["permissions"] for g in access["fineGrained"]["scoped"]}
    assert access["role"] == "fineGrained"
    assert grants == {"alice": ["repo.content.read"], "acme": ["repo.content.read", "repo.write"]}


def test_tokens_that_may_not_write_get_403_and_expired_ones_401(hub: Hub) -> None:
    hub.add_user("alice", "hf_read", role="read")
    hub.add_user("alice", "hf_old", expired=True)
    hub.add_user("alice", "hf_fine", role="fineGrained", writes=("acme",), orgs={"acme": "write"})

    def refused(token: str, repo: str = "alice/new") -> int:
        with pytest.raises(HfHubHTTPError) as caught:
            client(hub, token).create_repo(repo)
        return caught.value.response.status_code

    assert [refused("hf_read"), refused("hf_fine"), refused("hf_bob"), refused("hf_old")] == [
        *(403, 403, 403, 401)
    ]
    assert refused("hf_alice", "lookers/new") == 403
    assert client(hub, "hf_fine").create_repo("acme/new").repo_id == "acme/new"
    with pytest.raises(HfHubHTTPError) as caught:
        client(hub, "hf_read").upload_file(
            path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="alice/tiny"
        )
    assert caught.value.response.status_code == 403
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        client(hub, "hf_old").whoami()


def test_a_sign_in_that_contributes_sees_only_what_it_created(hub: Hub) -> None:
    hub.add_user("alice", "hf_oauth", role="oauth")
    hub.add_repo("model", "alice/secret", MODEL, private=True)
    api = client(hub, "hf_oauth")

    api.create_repo("alice/mine", private=True)
    api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="alice/mine")
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("alice/secret")
    with pytest.raises(HfHubHTTPError, match="403"):
        api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="alice/tiny")
