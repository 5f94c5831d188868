"""Pushing real models with the real client to a loopback Hub."""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from safetensors.numpy import load_file, save_file

from ststudio.compare.encoder import get_encoder
from ststudio.errors import StudioError
from ststudio.hub.package import contents_of
from ststudio.hub.push import push, push_state, start_push, wait, zip_model
from ststudio.hub.repository import Repository
from ststudio.runs.run import Run
from ststudio.runs.store import RunStore
from ststudio.settings import get_settings
from tests.hub.server import Hub
from tests.hub.store import front_matter
from tests.push.conftest import ALICE, BOB, EXPIRED, FINE, READER, MakeRun

WRITTEN_HERE = {"README.md", "ststudio/recipe.json", "ststudio/report.json"}


def expected_files(run: Run) -> set[str]:
    """What a repository holds after a push, and nothing else."""
    model = {
        path.relative_to(run.model_dir).as_posix()
        for path in run.model_dir.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    return model | WRITTEN_HERE | {".gitattributes"}


def commits(hub: Hub, repo_id: str) -> list[str]:
    return [commit.title for commit in hub.repo("model", repo_id).history()]


def check_whole(hub: Hub, run: Run, repo_id: str) -> None:
    """One commit of ours on top of the Hub's own, with every file as it lies here."""
    repo = hub.repo("model", repo_id)
    assert commits(hub, repo_id) == ["Fine-tuned with ST Studio", "initial commit"]
    files = repo.resolve().files
    assert set(files) == expected_files(run)
    weights = run.model_dir / "model.safetensors"
    assert files["model.safetensors"].data == weights.read_bytes()


def test_a_model_is_pushed_as_one_private_commit_and_loaded_back(
    hub: Hub, make_run: MakeRun, whole_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = make_run(whole_model)

    with caplog.at_level(logging.DEBUG):
        pushed = push(run, ALICE, "all-MiniLM-help-desk")

    repo = hub.repo("model", "alice/all-MiniLM-help-desk")
    assert pushed == {
        "url": f"{hub.url}/alice/all-MiniLM-help-desk",
        "commit": repo.resolve().sha,
        "verified": True,
    }
    check_whole(hub, run, "alice/all-MiniLM-help-desk")
    assert repo.private
    readme = repo.file("README.md").data.decode()
    assert 'SentenceTransformer("alice/all-MiniLM-help-desk")' in readme
    assert ModelCard(readme).data.to_dict() == front_matter(readme)
    assert json.loads(repo.file("ststudio/recipe.json").data) == run.recipe
    state = push_state(run)
    assert state is not None
    assert (state["state"], state["stage"], state["reason"]) == ("done", "done", None)
    assert (
        state["bytes"] == state["total"] > whole_model.joinpath("model.safetensors").stat().st_size
    )
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if ALICE.encode() in path.read_bytes()]
    assert ALICE not in caplog.text
    assert not list(run.path.glob(".*"))


def test_progress_is_told_by_bytes_and_a_second_push_joins(hub: Hub, run: Run) -> None:
    hub.fail("PUT /lfs-storage", hang_seconds=1.0)
    first = start_push(run, ALICE, "model")
    assert (first["state"], first["stage"]) == ("running", "signing in")

    results: list[Any] = []
    joined = threading.Thread(target=lambda: results.append(push(run, ALICE, "model")))
    joined.start()
    seen = set()
    while (state := wait(run, 0.02)) and state["state"] == "running":
        seen.add(state["stage"])
        assert 0 <= state["bytes"] <= state["total"] or state["total"] == 0
    joined.join()

    assert "uploading" in seen
    assert state is not None
    assert results == [{key: state[key] for key in ("url", "commit", "verified")}]
    check_whole(hub, run, "alice/model")


def test_the_same_push_again_changes_nothing(hub: Hub, run: Run) -> None:
    first = push(run, ALICE, "model")

    assert push(run, ALICE, "model") == first
    check_whole(hub, run, "alice/model")


def test_another_model_replaces_ours_and_leaves_what_people_added(
    hub: Hub, make_run: MakeRun, run: Run, tiny_model: Path, tmp_path: Path
) -> None:
    push(run, ALICE, "model")
    added = {"LICENSE": b"MIT", "2_Dense/config.json": b"{}", "2_Dense/model.safetensors": b"x"}
    hub.add_repo("model", "alice/model", added)
    lighter = tmp_path / "lighter"
    shutil.copytree(tiny_model, lighter)
    (lighter / "note.json").write_text("{}")

    second = make_run(lighter, title="Something else")
    pushed = push(second, ALICE, "model")

    files = set(hub.repo("model", "alice/model").resolve().files)
    assert files == expected_files(second) | {"LICENSE"}
    assert pushed["verified"]
    assert len(commits(hub, "alice/model")) == 4


@pytest.mark.parametrize(
    ("token", "name", "sentence"),
    [
        (EXPIRED, "model", "does not accept this token"),
        (READER, "model", "may only read"),
        ("", "model", "Sign in"),
        (ALICE, "lookers/model", "may not write to lookers.*Allowed: alice, acme"),
        (ALICE, "bob/model", "may not write to bob"),
        (FINE, "model", "may not write to alice.*Allowed: acme"),
        (ALICE, "../model", "no name for a repository"),
    ],
)
def test_who_may_not_push_is_told_why_and_nothing_is_made(
    hub: Hub, run: Run, token: str, name: str, sentence: str
) -> None:
    with pytest.raises(StudioError, match=sentence):
        push(run, token, name)

    assert hub.store.repos == {}
    state = push_state(run)
    assert state is not None and state["state"] == "failed"
    assert not token or token not in json.dumps(state)


def test_an_organisation_takes_the_push_when_it_is_chosen(hub: Hub, run: Run) -> None:
    assert push(run, ALICE, "acme/model", private=False)["verified"]

    assert not hub.repo("model", "acme/model").private


def test_a_repository_of_another_kind_stays_as_it_is(hub: Hub, run: Run) -> None:
    sha = hub.add_repo("model", "alice/precious", {"README.md": b"# Mine\n"}, private=True)

    with pytest.raises(StudioError, match="not made by ST Studio.*another name"):
        push(run, ALICE, "precious")

    assert hub.repo("model", "alice/precious").resolve().sha == sha


def test_a_private_push_does_not_go_where_everyone_reads(hub: Hub, run: Run) -> None:
    push(run, ALICE, "model", private=False)
    before = hub.repo("model", "alice/model").resolve().sha

    with pytest.raises(StudioError, match="is public"):
        push(run, ALICE, "model", include_samples=True)

    assert hub.repo("model", "alice/model").resolve().sha == before


@pytest.mark.parametrize("unclear", [None, 0, "", "false"])
def test_what_is_neither_true_nor_false_is_private_and_without_rows(
    hub: Hub, run: Run, unclear: Any
) -> None:
    push(run, ALICE, "model", private=unclear, include_samples=unclear or "yes")

    repo = hub.repo("model", "alice/model")
    assert repo.private
    assert b"secret row" not in repo.file("README.md").data


def test_a_repository_that_this_sign_in_cannot_see_is_explained(hub: Hub, run: Run) -> None:
    hub.add_repo("model", "alice/model", {"README.md": b"#"}, private=True)
    hub.add_user("alice", "hf_oauthOauth", role="oauth")

    with pytest.raises(StudioError, match="shows no repository alice/model.*another name"):
        push(run, "hf_oauthOauth", "model")


def test_after_failing_for_good_the_push_is_repeated(hub: Hub, run: Run) -> None:
    hub.fail("/commit/", status=500, times=None)
    with pytest.raises(StudioError, match="error .500. about .*download the model"):
        push(run, ALICE, "model")
    assert len(commits(hub, "alice/model")) == 1

    hub.faults.clear()
    assert push(run, ALICE, "model")["verified"]
    check_whole(hub, run, "alice/model")


def test_a_hub_that_goes_away_is_told_in_time(hub: Hub, run: Run) -> None:
    hub.close()

    start = time.monotonic()
    with pytest.raises(StudioError, match="cannot be reached"):
        push(run, ALICE, "model")
    assert time.monotonic() - start < 15


def test_a_model_that_cannot_be_loaded_back_is_said_to_be_unproven(hub: Hub, run: Run) -> None:
    hub.fail("/resolve/", status=500, times=None)

    pushed = push(run, ALICE, "model")

    assert pushed["verified"] is False
    state = push_state(run)
    assert state is not None and "could not be loaded back" in state["reason"]
    check_whole(hub, run, "alice/model")


def test_other_vectors_than_here_are_noticed(
    hub: Hub, run: Run, tiny_model: Path, whole_model: Path, tmp_path: Path
) -> None:
    commit = push(run, ALICE, "model")["commit"]
    repo, contents = Repository("alice/model", ALICE), contents_of(run)
    changed = tmp_path / "changed"
    shutil.copytree(tiny_model, changed)
    weights = load_file(changed / "model.safetensors")
    weights["embeddings.word_embeddings.weight"][100:5_000] *= -1
    save_file(weights, changed / "model.safetensors", {"format": "pt"})

    def same(model_dir: Path) -> bool:
        return repo.same_vectors(commit, contents, model_dir, lambda: None)

    assert same(run.model_dir)
    assert not same(changed)
    wider = tmp_path / "wider"
    shutil.copytree(whole_model, wider)
    assert not same(wider)
    assert not repo.same_vectors(commit, {**contents, "2_Dense/x": wider}, changed, lambda: None)


def test_a_push_ends_at_its_time_limit_and_can_be_repeated(
    hub: Hub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STSTUDIO_PUSH_SECONDS", "2")
    monkeypatch.setenv("STSTUDIO_HUB_SECONDS", "4")
    get_settings.cache_clear()
    hub.fail("PUT /lfs-storage", hang_seconds=3.5)

    start = time.monotonic()
    with pytest.raises(StudioError, match="more than 2 s"):
        push(run, ALICE, "model")
    assert time.monotonic() - start < 3.5

    monkeypatch.setenv("STSTUDIO_PUSH_SECONDS", "60")
    get_settings.cache_clear()
    assert push(run, ALICE, "model")["verified"]
    time.sleep(2)  # the first thread wakes up meanwhile, and must not spoil anything
    check_whole(hub, run, "alice/model")
    state = push_state(run)
    assert state is not None and state["state"] == "done"


def test_a_push_that_a_restart_cut_off_has_failed(hub: Hub, run: Run) -> None:
    run.write("push", {"state": "running", "stage": "uploading", "reason": None})

    state = push_state(run)

    assert state is not None
    assert state["state"] == "failed" and "Push again" in state["reason"]
    assert push(run, ALICE, "model")["verified"]


def test_a_run_deleted_during_its_push_ends_it(hub: Hub, run: Run) -> None:
    hub.fail("POST /api/repos/create", hang_seconds=1)
    start_push(run, ALICE, "model")
    while "/api/repos/create" not in [request.path for request in hub.requests]:
        time.sleep(0.01)
    RunStore(run.path.parent).delete(run)

    assert wait(run, 30) is None
    assert len(commits(hub, "alice/model")) == 1


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_run_without_its_model_is_not_pushed(
    hub: Hub, make_run: MakeRun, tiny_model: Path, state: str
) -> None:
    with pytest.raises(StudioError, match="no fine-tuned model"):
        start_push(make_run(tiny_model, state=state), ALICE, "model")

    assert hub.requests == []


def test_the_zip_holds_what_a_push_sends(hub: Hub, run: Run, tmp_path: Path) -> None:
    path = zip_model(run)

    assert path.parent == run.path
    with zipfile.ZipFile(path) as pack:
        assert set(pack.namelist()) == expected_files(run) - {".gitattributes"}
        kinds = {info.filename: info.compress_type for info in pack.infolist()}
        pack.extractall(tmp_path / "unpacked")
    assert kinds["model.safetensors"] == zipfile.ZIP_STORED
    texts = ["One text", "another"]
    vectors = [get_encoder().vectors(f, texts) for f in (run.model_dir, tmp_path / "unpacked")]
    assert vectors[0] == vectors[1]
    assert not list(run.path.glob(".*"))


def test_nobody_elses_token_helps(hub: Hub, run: Run) -> None:
    push(run, ALICE, "model")

    with pytest.raises(StudioError, match="may not write to alice"):
        push(run, BOB, "alice/model")
