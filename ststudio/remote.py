"""The Hub at the other end of the network: one client, its time-outs, its errors in words."""

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import httpx2
from huggingface_hub import HfApi, set_client_factory
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from ststudio.errors import StudioError
from ststudio.patience import OutOfPatience, left, limit_repeats, limit_wait, listening, longest
from ststudio.settings import get_settings
from ststudio.signing_in import to_read

Kind = Literal["model", "dataset"]
Answer = TypeVar("Answer")

REPO_ID = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)  # without an owner: the oldest repositories
COMMIT = re.compile(r"[0-9a-f]{40}")
TOKEN = re.compile(r"[!-~]{1,4096}")  # what may stand in a header
PUBLIC_HUB = "https://huggingface.co"
LONGEST_WAIT = 20  # seconds, whatever the Hub's Retry-After says
LONGEST_INTERACTIVE_WAIT = 3  # seconds, where a person waits for one small answer


class HubAway(StudioError):
    """The Hub does not answer; what was fetched before may serve."""


@dataclass(frozen=True)
class RemoteFile:
    """One file of a repository at a pinned commit."""

    path: str
    bytes: int
    sha256: str | None = None  # of files in large file storage
    commit: str | None = None  # where it stands, if that is not where the others do


def _client() -> httpx2.Client:
    return httpx2.Client(
        event_hooks={"request": [limit_wait], "response": [limit_repeats]},
        follow_redirects=True,
        timeout=None,  # filled in for each request
    )


set_client_factory(_client)


def endpoint() -> str:
    """Return the Hub's address, read from the environment at each call."""
    return os.environ.get("HF_ENDPOINT", PUBLIC_HUB).rstrip("/")


def credential(token: str | None) -> str | Literal[False]:
    """Return what the Hub's client sends: this token, or none; never one found on this machine."""
    if token and not TOKEN.fullmatch(token):
        raise StudioError("This is not a Hub token. Sign in again, or use another.")
    return token or False


def hub(token: str | None = None) -> HfApi:
    """Return the Hub's client, anonymous without a token."""
    return HfApi(endpoint=endpoint(), token=credential(token))


def check_id(repo_id: object, kind: Kind) -> str:
    """Return a well-formed repository id, or raise StudioError; an id is never a path."""
    example = "sentence-transformers/all-MiniLM-L6-v2" if kind == "model" else "stanfordnlp/snli"
    text = repo_id.strip() if isinstance(repo_id, str) else ""
    try:
        if not REPO_ID.fullmatch(text) or text.strip("./") != text:
            raise HFValidationError
        validate_repo_id(text)
    except HFValidationError:
        raise StudioError(
            f"{str(repo_id)[:80]!r} is not the id of a {kind} on the Hub; "
            f"an id looks like {example!r}."
        ) from None
    return text


def ask(
    call: Callable[[], Answer], what: str, patience: float = LONGEST_INTERACTIVE_WAIT
) -> Answer:
    """Make one call to the Hub, at most twice, and word what goes wrong as StudioError.

    With a patience of 0 it is made once: what it does is not to be done twice.
    """
    with listening():
        return _asked(call, what, patience)


def _asked(call: Callable[[], Answer], what: str, patience: float) -> Answer:
    for last in (False, True):
        try:
            return call()
        except StudioError:
            raise
        except (httpx2.HTTPError, ConnectionError) as error:
            wait = _wait_before_retry(error)
            if last or wait is None or wait > min(patience, left()):
                raise explain(error, what) from None
        except (ValueError, TypeError, KeyError, AttributeError, httpx2.InvalidURL) as error:
            if last or not patience:  # cut short, or not the Hub at all
                raise HubAway(
                    f"The Hub's answer about {what} could not be read. Try again in a minute."
                ) from error
            wait = 0
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StudioError(f"There is no room to store {what} here ({reason}).") from error
        time.sleep(wait)
    raise AssertionError  # the second round returns or raises


def _wait_before_retry(error: Exception) -> float | None:
    """Return the seconds after which asking again makes sense, or None."""
    if isinstance(error, (httpx2.TimeoutException, OutOfPatience)):
        return None  # somebody has waited long enough
    if not isinstance(error, HfHubHTTPError):
        return 0.2  # a broken connection
    response = error.response
    if response.status_code != 429 and response.status_code < 500:
        return None
    wait = response.headers.get("Retry-After", "")
    return float(wait) if wait.isdigit() else 0.5


def explain(error: Exception, what: str) -> StudioError:
    """Turn a failure at the Hub into one sentence that names the fix."""
    for kind, sentence in NOT_THERE.items():
        if isinstance(error, kind):
            return StudioError(sentence.format(what=what, hub=endpoint(), how=to_read()))
    if isinstance(error, OutOfPatience):
        return HubAway(f"The Hub gave no answer for {longest():g} s about {what}. {OFFLINE_ADVICE}")
    if isinstance(error, httpx2.TimeoutException):
        seconds = get_settings().hub_seconds
        return HubAway(f"The Hub did not answer within {seconds} s about {what}. {OFFLINE_ADVICE}")
    if isinstance(error, HfHubHTTPError):
        return _explain_status(error.response, what)
    return HubAway(f"The Hub cannot be reached for {what}. {OFFLINE_ADVICE}")


OFFLINE_ADVICE = "Try again in a minute, or use the sample data and the default model."

# The first that fits: a gated repository is also a kind of missing one.
NOT_THERE: dict[type[Exception], str] = {
    GatedRepoError: "On the Hub, {what} is gated, and you are not among those let in. Open its "
    "page on {hub}, accept its terms there, then sign in as the same person: {how}.",
    RepositoryNotFoundError: "The Hub shows no such thing as {what}. Check the spelling of the "
    "id; if it is private, sign in as someone who may read it: {how}.",
    RevisionNotFoundError: "On the Hub, {what} has no such revision. Leave the revision empty for "
    "the newest, or copy a commit's hash from its page.",
    EntryNotFoundError: "A file of {what} has gone from the Hub. Try again with the newest "
    "revision.",
}


def _explain_status(response: httpx2.Response, what: str) -> StudioError:
    status = response.status_code
    if status == 401:
        return StudioError(
            "The Hub does not accept this token: it has run out, or was withdrawn. Sign in again, "
            "or use another."
        )
    if status == 403:
        return StudioError(
            f"The Hub refuses access to {what}. Sign in as someone who may read it: {to_read()}."
        )
    if status == 429:
        wait = response.headers.get("Retry-After", "60")
        return HubAway(f"The Hub asks to wait {wait} s before more of {what}. Sign in, or wait.")
    return HubAway(f"The Hub answers with an error ({status}) about {what}. {OFFLINE_ADVICE}")
