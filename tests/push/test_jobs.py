"""A longer run on Jobs, asked of a loopback Hub by the real client."""

from __future__ import annotations

import base64
import io
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import HfApi

from ststudio.errors import StudioError
from ststudio.hub import flavors
from ststudio.hub.jobs import JobWish, cancel_job, data_name, follow_job, start_job
from ststudio.runs.run import Run
from ststudio.training.script import exported, train_script
from tests.conftest import Training
from tests.hub.jobs import Job
from tests.hub.server import Hub
from tests.push.conftest import ALICE, EXPIRED, FINE, READER, MakeRun
from tests.training.samples import examples_of
from tests.training.scripted import trained

WISH = JobWish("tickets", "t4-small", 90)
OAUTH = "hf_oauthOauthOauth"


@pytest.fixture(autouse=True)
def no_prices_of_another_hub() -> Iterator[None]:
    """Ask each test's own Hub for its prices."""
    flavors._listed.cache_clear()
    yield


@pytest.fixture(scope="module")
def taught(training: Training) -> Run:
    """Return a run of the session's, asked for before a test has a folder of its own."""
    return training.run("pair")


@pytest.fixture
def run(make_run: MakeRun, tiny_model: Any, taught: Run) -> Run:
    """A run that has ended, with a small model and the rows of one that was trained."""
    run = make_run(tiny_model, **{**taught.facts, "recipe": taught.recipe})
    shutil.copytree(taught.examples_dir, run.examples_dir)
    return run


def only(hub: Hub) -> Job:
    """Return the one job that was started."""
    (job,) = hub.store.jobs.values()
    assert isinstance(job, Job)
    return job


def test_the_request_holds_what_was_asked_for_field_by_field(hub: Hub, run: Run) -> None:
    started = start_job(run, ALICE, WISH)

    job = only(hub)
    script = train_script(run, push_to="alice/tickets", data="alice/tickets-data")
    assert job.owner == "alice"
    assert job.spec == {
        "dockerImage": "ghcr.io/astral-sh/uv:python3.12-bookworm",
        "command": ["bash", "-c", 'echo "$TRAIN_PY" | base64 -d > train.py && uv run train.py'],
        "arguments": [],
        "environment": {
            "TRAIN_PY": base64.b64encode(script.encode()).decode(),
            "HF_ENDPOINT": hub.url,
        },
        "secrets": {"HF_TOKEN": ALICE},
        "flavor": "t4-small",
        "timeoutSeconds": 5_400,
        "labels": {"name": "st-studio-tickets"},
    }
    assert started == {
        "id": job.id,
        "namespace": "alice",
        "repo": "alice/tickets",
        "data": "alice/tickets-data",
        "flavor": "t4-small",
        "minutes": 90,
        "epochs": None,
        "dollars": 0.9,
        "url": f"{hub.url}/jobs/alice/{job.id}",
        "stage": "SCHEDULING",
        "message": None,
    }
    assert hub.repo("model", "alice/tickets").private


def test_the_token_is_in_the_jobs_secrets_and_nowhere_else(hub: Hub, run: Run) -> None:
    start_job(run, ALICE, WISH)
    follow_job(run, ALICE)

    spec = {**only(hub).spec, "secrets": None}
    assert ALICE not in json.dumps(spec)
    for file in run.path.rglob("*"):
        assert not file.is_file() or ALICE.encode() not in file.read_bytes(), file


def test_the_rows_go_first_as_a_private_dataset_by_one_commit(hub: Hub, run: Run) -> None:
    start_job(run, ALICE, WISH)

    repo = hub.repo("dataset", "alice/tickets-data")
    assert repo.private
    commits = [commit.title for commit in repo.history()]
    assert commits == ["Rows of a run of ST Studio", "initial commit"]
    files, rows = repo.resolve().files, exported(run)[1]
    assert set(files) == {f"{name}.parquet" for name in rows} | {"README.md", ".gitattributes"}
    for name, table in rows.items():
        assert pq.read_table(io.BytesIO(files[f"{name}.parquet"].data)).equals(table)
    front = yaml.safe_load(files["README.md"].data.decode().split("---")[1])
    assert front["configs"][0]["data_files"][0] == {"split": "train", "path": "train.parquet"}

    only(hub).stage = "ERROR"
    follow_job(run, ALICE)
    start_job(run, ALICE, WISH)
    assert len(repo.history()) == 2  # the same rows again are no commit


def test_more_epochs_than_the_run_took_are_written_into_the_script(hub: Hub, run: Run) -> None:
    start_job(run, ALICE, JobWish("tickets", "t4-small", 90, 4))
    script = base64.b64decode(only(hub).spec["environment"]["TRAIN_PY"]).decode()
    rows = exported(run)[1]["train"].num_rows
    steps = math.ceil(4 * rows / run.recipe["per_device_train_batch_size"])
    assert f"STEPS = {steps}  # 4 epochs" in script
    assert 'PUSH_TO = "alice/tickets"' in script
    compile(script, "train.py", "exec")


def test_a_dataset_of_someones_own_is_not_written_over(hub: Hub, run: Run) -> None:
    sha = hub.add_repo("dataset", "alice/tickets-data", {"mine.csv": b"a,b"}, private=True)
    with pytest.raises(StudioError, match="not made by ST Studio"):
        start_job(run, ALICE, WISH)
    assert hub.repo("dataset", "alice/tickets-data").resolve().sha == sha
    assert hub.store.jobs == {}


def test_stage_and_log_are_followed_to_the_end(hub: Hub, run: Run) -> None:
    assert follow_job(run, ALICE) is None
    start_job(run, ALICE, WISH)
    assert follow_job(run, ALICE) == {**(run.job or {}), "log": []}

    job = only(hub)
    job.stage, job.lines = "RUNNING", [f"step {n}" for n in range(100)]
    seen = follow_job(run, ALICE)
    assert seen is not None
    assert seen["stage"] == "RUNNING" and seen["log"] == job.lines[-60:]

    job.stage, job.message = "ERROR", "Job timed out\u202e"
    job.lines.append("<b>\u202edone\x1b[31m")
    seen = follow_job(run, ALICE)
    assert seen is not None
    assert (seen["stage"], seen["message"]) == ("ERROR", "Job timed out")
    assert seen["log"][-1] == "<b>done [31m"
    assert run.job is not None and run.job["stage"] == "ERROR"


def test_where_a_job_stands_is_said_though_its_log_is_away(hub: Hub, run: Run) -> None:
    start_job(run, ALICE, WISH)
    only(hub).stage = "RUNNING"
    hub.fail("/logs", status=500, times=None)
    seen = follow_job(run, ALICE)
    assert seen is not None and (seen["stage"], seen["log"]) == ("RUNNING", [])


def test_a_job_is_cancelled_and_then_another_may_start(hub: Hub, run: Run) -> None:
    start_job(run, ALICE, WISH)
    with pytest.raises(StudioError, match="under way already"):
        start_job(run, ALICE, WISH)
    assert cancel_job(run, ALICE)["stage"] == "CANCELED"
    assert only(hub).stage == "CANCELED"
    with pytest.raises(StudioError, match="no longer run to cancel"):
        cancel_job(run, ALICE)
    start_job(run, ALICE, WISH)
    assert len(hub.store.jobs) == 2


@pytest.mark.parametrize(
    ("token", "wish", "sentence"),
    [
        (None, WISH, "Sign in"),
        (EXPIRED, WISH, "does not accept this token"),
        (READER, WISH, "may only read"),
        (FINE, WISH, "may not write to alice"),
        (ALICE, JobWish("../x", "t4-small", 60), "no name for a repository"),
        (ALICE, JobWish("x", "h1000", 60), "no machine 'h1000'.*Allowed: cpu-basic, t4-small"),
        (ALICE, JobWish("x", "a100x4", 60), "no machine 'a100x4'"),  # train.py is one process
        (ALICE, JobWish("x", "t4-small", 4), "5 to 1,440 minutes; '4' is not"),
        (ALICE, JobWish("x", "t4-small", 60, 0), "0.1 to 100 epochs; '0' is not"),
        (ALICE, JobWish("x", "t4-small", True), "minutes; 'True' is not"),
        (ALICE, JobWish("x", "t4-small", "60"), "minutes; '60' is not"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    hub: Hub, run: Run, token: str | None, wish: JobWish, sentence: str
) -> None:
    with pytest.raises(StudioError, match=sentence):
        start_job(run, token, wish)
    assert hub.store.jobs == {} and hub.store.repos == {} and run.job is None


def test_a_sign_in_without_the_scope_is_told_what_is_missing(hub: Hub, run: Run) -> None:
    hub.add_user("alice", OAUTH, role="oauth")
    with pytest.raises(StudioError, match="lacks the right to start Jobs .scope `jobs`.*tokens"):
        start_job(run, OAUTH, WISH)
    assert hub.store.jobs == {} and run.job is None


def test_an_account_without_credit_is_told_where_it_is_bought(hub: Hub, run: Run) -> None:
    hub.fail("POST /api/jobs/alice", status=402)
    with pytest.raises(StudioError, match="no credit.*settings/billing"):
        start_job(run, ALICE, WISH)
    assert run.job is None


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"reset": True, "after": True}, {"truncate": True}]
)
def test_a_lost_answer_does_not_start_a_second_job(
    hub: Hub, run: Run, fault: dict[str, Any]
) -> None:
    hub.fail("POST /api/jobs/alice", **fault)
    with pytest.raises(StudioError, match="may have been started all the same.*settings/jobs"):
        start_job(run, ALICE, WISH)
    assert len(hub.store.jobs) <= 1


def test_somebody_elses_token_sees_no_job(hub: Hub, run: Run) -> None:
    start_job(run, ALICE, WISH)
    hub.add_user("eve", "hf_eveEveEve")
    for call in (follow_job, cancel_job):
        with pytest.raises(StudioError, match="no such job"):
            call(run, "hf_eveEveEve")


def test_a_repository_of_another_kind_is_refused_before_the_job(hub: Hub, run: Run) -> None:
    hub.add_repo("model", "alice/tickets", {"README.md": b"# Mine"}, private=True)
    with pytest.raises(StudioError, match="not made by ST Studio"):
        start_job(run, ALICE, WISH)
    assert hub.store.jobs == {}


@pytest.mark.slow
def test_what_is_sent_trains_and_pushes_by_itself(
    hub: Hub, tiny_model: Path, tmp_path: Path
) -> None:
    run = trained(tmp_path / "studio" / "runs", tiny_model, examples_of("triplet"))
    start_job(run, ALICE, JobWish("tickets", "t4-small", 60, 0.5))
    spec, room = only(hub).spec, tmp_path / "job"
    room.mkdir()
    (room / "train.py").write_bytes(base64.b64decode(spec["environment"]["TRAIN_PY"]))

    # As the container would, but for uv and the GPU: what it needs comes from the Hub alone.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    told = {**spec["environment"], **spec["secrets"], "HF_HOME": str(room / "home")}
    done = subprocess.run(
        [sys.executable, "train.py"],
        cwd=room,
        env={**plain, **told, "HF_HUB_DISABLE_XET": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )

    assert done.returncode == 0, done.stderr
    repo = hub.repo("model", "alice/tickets")
    assert repo.private and {"model.safetensors", "README.md"} <= set(repo.resolve().files)
    readme = repo.file("README.md").data.decode()
    rows = exported(run)[1]["train"].to_pylist()
    assert not [row for row in rows[:50] if row["anchor"] in readme]
    assert "Warning" not in done.stdout and ALICE not in done.stdout + done.stderr


def test_machines_come_with_prices_the_cheapest_first(hub: Hub) -> None:
    found = flavors.flavors()
    assert [one.name for one in found] == ["cpu-basic", "t4-small"]
    t4 = found[1]
    assert (t4.title, t4.hardware) == ("T4 small", "4 vCPU, 15 GB, T4 16 GB")
    assert t4.dollars_per_hour == pytest.approx(0.6) and t4.most(90) == pytest.approx(0.9)


def test_without_the_hubs_prices_nothing_is_offered(hub: Hub) -> None:
    hub.fail("/api/jobs/hardware", status=500, times=None)
    with pytest.raises(StudioError, match="machines of Jobs and their prices.*train.py"):
        flavors.flavors()


def test_the_datasets_name_fits_however_long_the_models_is() -> None:
    assert data_name("alice/model") == "alice/model-data"
    long = data_name("alice/" + "m" * 90 + "-.abcd")
    assert len(long.partition("/")[2]) <= 96 and "-.-" not in long


def test_the_loopback_hub_answers_the_client_as_the_hub_does(hub: Hub) -> None:
    api = HfApi(endpoint=hub.url, token=ALICE)
    info = api.run_job(image="python:3.12", command=["true"], namespace="alice")
    assert api.inspect_job(job_id=info.id, namespace="alice").status.stage == "SCHEDULING"
    only(hub).lines = ["one", "two"]
    assert list(api.fetch_job_logs(job_id=info.id, namespace="alice", tail=1)) == ["two"]
    api.cancel_job(job_id=info.id, namespace="alice")
    assert api.inspect_job(job_id=info.id, namespace="alice").status.stage == "CANCELED"
