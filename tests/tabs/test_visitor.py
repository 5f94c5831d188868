"""What is private on the Hub is listed, looked at and read for its owner, and for nobody else."""

import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from gradio.exceptions import Error
from starlette.requests import Request

from ststudio.hub.account import owner_token
from ststudio.settings import get_settings
from ststudio.tabs.data import diagnose, download_parts
from ststudio.tabs.mending import apply_fix
from ststudio.tabs.picking import offer, pick_hub, pick_pasted, pick_sample
from ststudio.tabs.session import Session
from ststudio.tabs.visitor import visitor_token
from tests.hub.server import Hub
from tests.training.tiny import tiny_model

ALICE, BOB = "hf_alice", "hf_bob"
PRIVATE, GATED = "alice/private", "alice/gated"
CSV = b"question,answer\n" + b"".join(
    f"where is item number {n} kept,shelf {n % 7} in room {n} has the item\n".encode()
    for n in range(120)
)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """Serve a Hub with two people, of whom one has datasets of her own."""
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("STSTUDIO_DATA", str(tmp_path / "studio"))
        caches = (get_settings, owner_token)
        for cached in caches:
            cached.cache_clear()
        hub.add_user("alice", ALICE)
        hub.add_user("bob", BOB)
        hub.add_repo("dataset", PRIVATE, {"train.csv": CSV}, private=True)
        hub.add_repo("dataset", GATED, {"train.csv": CSV}, gated=True)
        yield hub
        for cached in caches:
            cached.cache_clear()


def asks(token: str | None) -> gr.Request:
    """Make the request that a page or program of this person sends."""
    return gr.Request(headers={"authorization": f"Bearer {token}"} if token else {})


def read(repo_id: str, token: str | None) -> list[Session]:
    """Look at a dataset as the page does: first rows, then all."""
    return list(pick_hub(Session(), repo_id, None, None, None, asks(token)))


@pytest.mark.parametrize("repo_id", [PRIVATE, GATED])
def test_an_owner_sees_what_is_hers(repo_id: str, hub: Hub, tmp_path: Path) -> None:
    subsets, splits, said = offer(repo_id, None, asks(ALICE))
    assert [name for _, name in splits["choices"]] == ["train"]
    assert "not open to everyone" in said

    glanced, session = read(repo_id, ALICE)
    assert glanced.glance[0]["question"] == "where is item number 0 kept"
    assert session.ready and session.diagnosis and session.diagnosis["rows"]["kept"] == 120

    mended = apply_fix(session, {"code": "swap", "args": {}}, asks(ALICE))
    assert mended.diagnosis and mended.diagnosis["columns"]["anchor"] == "answer"
    assert Path(download_parts(session, asks(ALICE))).stat().st_size > 1_000
    found = diagnose({"kind": "hub", "id": repo_id}, request=asks(ALICE))
    assert found["rows"]["kept"] == 120

    downloads = [request for request in hub.requests if "/resolve/" in request.path]
    assert len(downloads) == 2  # the first rows, and all: a click does not fetch them again
    kept = [path for path in (tmp_path / "studio").rglob("*") if path.is_file()]
    assert not [path for path in kept if b"item number" in path.read_bytes()]
    assert not [path for path in kept if ALICE.encode() in path.read_bytes()]
    assert ALICE not in repr(mended)


@pytest.mark.parametrize("token", [None, BOB])
@pytest.mark.parametrize(
    ("repo_id", "words"),
    [(PRIVATE, "if it is private, sign in"), (GATED, "gated.+accept its terms")],
)
def test_nobody_else_does_even_while_the_owner_reads_it(
    token: str | None, repo_id: str, words: str, hub: Hub
) -> None:
    glanced, session = read(repo_id, ALICE)

    with pytest.raises(Error, match=f"(?i){words}"):
        read(repo_id, token)
    with pytest.raises(Error, match=f"(?i){words}"):
        apply_fix(session, {"code": "swap", "args": {}}, asks(token))  # her page, his request
    with pytest.raises(Error, match=f"(?i){words}"):
        download_parts(session, asks(token))
    with pytest.raises(Error, match=f"(?i){words}"):
        pinned = {
            "kind": "hub",
            "id": repo_id,
            "revision": hub.repo("dataset", repo_id).resolve().sha,
        }
        diagnose(pinned, request=asks(token))
    _, _, said = offer(repo_id, None, asks(token))
    assert "sign in" in said.lower()


def test_who_was_let_in_once_is_asked_about_each_time(hub: Hub) -> None:
    hub.admit("dataset", GATED, "bob")
    _, session = read(GATED, BOB)
    assert session.ready
    hub.repo("dataset", GATED).admitted.discard("bob")
    with pytest.raises(Error, match="gated"):
        apply_fix(session, {"code": "swap", "args": {}}, asks(BOB))


@pytest.mark.parametrize(
    ("headers", "is_owner"),
    [
        ({"host": "127.0.0.1:7860"}, True),
        ({"host": "localhost:7860"}, True),
        ({"host": "[::1]:7860"}, True),
        ({"host": "studio.example"}, False),  # a tunnel, or a name that was bound to this machine
        ({"host": "localhost.example:7860"}, False),
        ({"host": "127.0.0.1:7860", "x-forwarded-for": "203.0.113.7"}, False),
        ({"host": "localhost", "forwarded": "for=203.0.113.7"}, False),
        ({}, False),
    ],
)
def test_the_owners_token_is_for_the_owners_own_browser(
    headers: dict[str, str], is_owner: bool, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", ALICE)
    assert visitor_token(gr.Request(headers=headers)) == (ALICE if is_owner else None)


def test_a_bearer_that_is_not_the_hubs_is_not_sent_there(hub: Hub) -> None:
    for value in ("Bearer eyJhbGciOi.company.jwt", "Basic aGY6aGY=", "hf_bare", "Bearer "):
        assert visitor_token(gr.Request(headers={"authorization": value})) is None
    assert visitor_token(gr.Request(headers={"x-hf-authorization": f"bearer {BOB}"})) == BOB


def signed_in(told: object, **headers: str) -> gr.Request:
    """Make the request of a browser whose cookie holds what the sign-in left in it."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "headers": raw, "session": {"oauth_info": told}}
    return gr.Request(Request(scope))


def test_a_sign_in_counts_until_it_runs_out_and_a_header_before_it(hub: Hub) -> None:
    told = {"access_token": ALICE, "expires_at": time.time() + 60}
    assert visitor_token(signed_in(told)) == ALICE
    assert visitor_token(signed_in(told, authorization=f"Bearer {BOB}")) == BOB
    assert visitor_token(signed_in({**told, "expires_at": time.time() - 1})) is None
    for nothing in (None, {}, {"access_token": None}, {"access_token": 7}):
        assert visitor_token(signed_in(nothing)) is None


def test_a_sign_in_opens_private_data_as_far_as_it_reaches(hub: Hub) -> None:
    told = {"access_token": ALICE, "expires_at": time.time() + 60}
    session = list(pick_hub(Session(), PRIVATE, None, None, None, signed_in(told)))[-1]
    assert session.ready
    hub.add_user("alice", "hf_oauth_alice", role="oauth")
    narrow = signed_in({**told, "access_token": "hf_oauth_alice"})
    with pytest.raises(Error, match="if it is private, sign in"):
        list(pick_hub(Session(), PRIVATE, None, None, None, narrow))


def test_a_private_base_model_is_looked_at_for_its_owner_whatever_the_rows_are_from(
    hub: Hub, tmp_path: Path
) -> None:
    tiny_model(tmp_path / "bare").save_pretrained(str(tmp_path / "tiny"), create_model_card=False)
    hub.add_repo("model", "alice/tiny", tmp_path / "tiny", private=True)
    chosen = Session(base_model="alice/tiny")
    rows = CSV.decode()
    for token, unread in ((ALICE, False), (BOB, True), (None, True)):
        for session in (
            pick_sample(chosen, "sample-pair", asks(token)),
            pick_pasted(chosen, rows, asks(token)),
        ):
            found = [finding["code"] for finding in (session.diagnosis or {})["findings"]]
            assert ("model_unread" in found) is unread


def test_the_owners_token_signs_nobody_in_who_has_a_sign_in_of_their_own(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", ALICE)
    told = {"access_token": BOB, "expires_at": time.time() + 60}
    assert visitor_token(signed_in(told, host="localhost:7860")) == BOB
