"""A longer run on Hugging Face Jobs: the request, where it stands, its end; no token is kept."""

import base64
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from huggingface_hub.errors import HfHubHTTPError

from ststudio.errors import StudioError
from ststudio.hub.account import Account, reach, whoami
from ststudio.hub.flavors import ADVICE, Flavor, flavor
from ststudio.hub.markdown import one_line
from ststudio.hub.repository import Repository
from ststudio.hub.rows_repository import push_rows
from ststudio.remote import PUBLIC_HUB, HubAway, endpoint, hub
from ststudio.runs.run import Run
from ststudio.training.script import exported

Answer = TypeVar("Answer")

IMAGE = "ghcr.io/astral-sh/uv:python3.12-bookworm"  # the Hub's client's own for such scripts
# Its run_uv_job would put the script into a bucket that it makes in the visitor's namespace first;
# an environment variable leaves nothing behind.
SCRIPT = "TRAIN_PY"
COMMAND = ["bash", "-c", f'echo "${SCRIPT}" | base64 -d > train.py && uv run train.py']
FEWEST_MINUTES, MOST_MINUTES = 5, 24 * 60
FEWEST_EPOCHS, MOST_EPOCHS = 0.1, 100
NAME_CHARACTERS = 96
LOG_LINES = 60
LINE_CHARACTERS = 400
ENDED = frozenset({"COMPLETED", "CANCELED", "ERROR", "DELETED"})

REFUSED = {
    402: "Jobs cost money by the minute, and this account has no credit for them. Add some at "
    "{hub}/settings/billing, or run train.py on a machine of your own.",
    403: "This sign-in lacks the right to start Jobs (scope `jobs`). Paste a token that may write "
    "and start Jobs, from {hub}/settings/tokens: it is used for this one request and not kept.",
    404: "The Hub shows no such job to this sign-in: it is somebody else's, or it was deleted.",
}


@dataclass(frozen=True)
class JobWish:
    """What the visitor asks for."""

    repo_name: str
    flavor: str
    minutes: int
    epochs: float | None = None  # None: as many steps as the run took


def data_name(repo_id: str) -> str:
    """Return the dataset's id that a job reads its examples from."""
    owner, _, name = repo_id.partition("/")
    return f"{owner}/{name[: NAME_CHARACTERS - 5].rstrip('-.')}-data"


def takes_rows_along(run: Run) -> bool:
    """Tell whether the job cannot make the run's rows of a dataset on the Hub by itself."""
    return bool(exported(run)[1])


def start_job(run: Run, token: str | None, wish: JobWish) -> dict[str, Any]:
    """Start a longer run of the same recipe on Jobs; return where it stands.

    All that could be refused is asked before the job is started, which costs money.
    """
    if not run.ended or not run.has_model:
        raise StudioError("A longer run repeats one that has ended. Wait until this one has.")
    if _alive(run):
        raise StudioError("A longer run of this one is under way already. Cancel it first.")
    minutes, epochs = _minutes(wish.minutes), _epochs(wish.epochs)
    machine = flavor(wish.flavor)
    account = whoami(token)
    repo = Repository(account.repo_id(wish.repo_name), token)
    repo.make(private=True)
    repo.check(private=True)
    data = data_name(repo.id) if takes_rows_along(run) else None
    script, rows = exported(run, repo.id, data, epochs)
    if data:
        push_rows(run, rows, data, token)
    info = _asked_once(lambda: _request(account, token, repo.id, script, machine, minutes))
    job = {
        "id": str(info.id),
        "namespace": account.name,
        "repo": repo.id,
        "data": data,
        "flavor": machine.name,
        "minutes": minutes,
        "epochs": epochs,
        "dollars": round(machine.most(minutes), 2),
        "url": f"{endpoint()}/jobs/{account.name}/{info.id}",
        "stage": str(info.status.stage),
        "message": None,
    }
    run.write("job", job)
    return job


def _request(
    account: Account, token: str | None, repo_id: str, script: str, machine: Flavor, minutes: int
) -> Any:  # noqa: ANN401
    name = re.sub("[^A-Za-z0-9_-]", "-", repo_id.partition("/")[2])
    # Inside the job the Hub is the public one, unless this app's is another.
    other = {} if endpoint() == PUBLIC_HUB else {"HF_ENDPOINT": endpoint()}
    return hub(token).run_job(
        image=IMAGE,
        command=COMMAND,
        env={SCRIPT: base64.b64encode(script.encode()).decode(), **other},
        secrets={"HF_TOKEN": token},
        flavor=machine.name,
        timeout=60 * minutes,
        labels={"name": f"st-studio-{name}"},
        namespace=account.name,
    )


def follow_job(run: Run, token: str | None) -> dict[str, Any] | None:
    """Ask where a run's job stands, and for the last lines of its log; None where there is none."""
    job = run.job
    if job is None:
        return None
    client, place = hub(token), {"job_id": job["id"], "namespace": job["namespace"]}
    info = _asked(lambda: client.inspect_job(**place))
    job |= {"stage": str(info.status.stage), "message": _line(info.status.message or "") or None}
    run.write("job", job)
    lines: list[str] = []
    with suppress(StudioError):  # a job that has just been made has none; where it stands is known
        lines = _asked(lambda: list(client.fetch_job_logs(**place, tail=LOG_LINES)))
    return {**job, "log": [_line(line) for line in lines[-LOG_LINES:]]}


def cancel_job(run: Run, token: str | None) -> dict[str, Any]:
    """End a run's job; what it has cost until then is spent."""
    job = run.job
    if job is None or job["stage"] in ENDED:
        raise StudioError("There is no longer run to cancel.")
    client, place = hub(token), {"job_id": job["id"], "namespace": job["namespace"]}
    _asked(lambda: client.cancel_job(**place))
    job |= {"stage": "CANCELED", "message": None}
    run.write("job", job)
    return job


def _alive(run: Run) -> bool:
    job = run.job
    return job is not None and job["stage"] not in ENDED


def _epochs(value: object) -> float | None:
    if value is None:
        return None
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not known or not FEWEST_EPOCHS <= float(str(value)) <= MOST_EPOCHS:
        raise StudioError(
            f"A longer run takes {FEWEST_EPOCHS} to {MOST_EPOCHS} epochs; "
            f"{str(value)[:20]!r} is not in between."
        )
    return float(str(value))


def _minutes(value: object) -> int:
    known = isinstance(value, int) and not isinstance(value, bool)
    if not known or not FEWEST_MINUTES <= int(str(value)) <= MOST_MINUTES:
        raise StudioError(
            f"A longer run takes {FEWEST_MINUTES} to {MOST_MINUTES:,} minutes; "
            f"{str(value)[:20]!r} is not in between."
        )
    return int(str(value))


def _asked(call: Callable[[], Answer]) -> Answer:
    """Make one call about a job, at most twice, and word what is refused."""
    return reach(lambda: _worded(call), "this job", ADVICE)


def _asked_once(call: Callable[[], Answer]) -> Answer:
    """Make the call that starts a job: made twice it might start two, and both are paid for."""
    unsure = f"It may have been started all the same: look at {endpoint()}/settings/jobs first."

    def careful() -> Answer:
        try:
            return _worded(call)
        except (ValueError, TypeError, KeyError):
            raise HubAway(f"The Hub's answer about the job could not be read. {unsure}") from None

    return reach(careful, "the new job", unsure, patience=0)


def _worded(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except HfHubHTTPError as error:
        sentence = REFUSED.get(error.response.status_code)
        if sentence is None:
            raise
        raise StudioError(sentence.format(hub=endpoint())) from None


def _line(text: str) -> str:
    return one_line(text, LINE_CHARACTERS)
