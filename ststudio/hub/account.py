"""Who is signed in, and what may be written."""

import ipaddress
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from ststudio.errors import StudioError
from ststudio.remote import (
    LONGEST_INTERACTIVE_WAIT,
    OFFLINE_ADVICE,
    HubAway,
    ask,
    check_id,
    hub,
)
from ststudio.settings import get_settings
from ststudio.signing_in import to_push

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

WRITERS = frozenset({"admin", "write", "contributor"})  # roles in an organisation
PUSH_ADVICE = "Try again in a minute, or download the model here."
TOKEN_NAMES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


@dataclass(frozen=True)
class Account:
    """Someone on the Hub, and the namespaces this sign-in may write to, one's own first."""

    name: str
    namespaces: tuple[str, ...]

    def repo_id(self, name: object) -> str:
        """Return the full id of a repository to push to; raise StudioError for one not allowed."""
        text = name.strip() if isinstance(name, str) else ""
        full = text if "/" in text else f"{self.name}/{text}"
        try:
            check_id(full, "model")
            check_id(full.partition("/")[2], "model")
        except StudioError:
            raise StudioError(
                f"{str(name)[:100]!r} is no name for a repository. Use letters, digits, '-', '_' "
                "and '.', at most 96, with neither '-' nor '.' at an end or doubled, like "
                f"'my-model' or '{self.namespaces[0]}/my-model'."
            ) from None
        if full.partition("/")[0] not in self.namespaces:
            raise StudioError(
                f"{self.name} may not write to {full.partition('/')[0]} with this sign-in. "
                f"Allowed: {', '.join(self.namespaces)}."
            )
        return full


def whoami(token: str | None) -> Account:
    """Ask the Hub who a token belongs to; raise StudioError where it cannot be used to push."""
    if not token:
        raise StudioError(f"Sign in to the Hub first. {to_push()}")
    account = account_of(token)
    if not account.namespaces:
        raise StudioError(
            f"The token of {account.name} may only read. Sign in with one that may write, "
            "or download the model here."
        )
    return account


def account_of(token: str) -> Account:
    """Ask the Hub who a token belongs to, whatever it may do; raise StudioError."""
    return reach(lambda: _account(hub(token).whoami()), "your account")


def reach(
    call: Callable[[], Answer],
    what: str,
    advice: str = PUSH_ADVICE,
    patience: float = LONGEST_INTERACTIVE_WAIT,
) -> Answer:
    """Make one call to the Hub, at most twice; what goes wrong becomes advice for a push."""
    try:
        return ask(call, what, patience)
    except HubAway as error:
        sentence = str(error)
        if sentence.endswith(OFFLINE_ADVICE):
            sentence = sentence.removesuffix(OFFLINE_ADVICE) + advice
        raise HubAway(sentence) from None


def _account(answer: dict[str, Any]) -> Account:
    name = answer["name"]
    if not isinstance(name, str):
        raise TypeError("no name")
    organisations = [
        organisation["name"]
        for organisation in answer.get("orgs") or ()
        if organisation.get("roleInOrg") in WRITERS
    ]
    granted = _granted(answer.get("auth") or {})
    mine = (name, *organisations)
    return Account(name, tuple(one for one in mine if granted is None or one in granted))


def _granted(auth: dict[str, Any]) -> frozenset[str] | None:
    """Return the namespaces a token is limited to, or None for all its owner may write to."""
    token = auth.get("accessToken") or {}
    role = token.get("role")
    if role == "read":
        return frozenset()
    if role != "fineGrained":
        return None  # a write token, or a sign-in by OAuth
    return frozenset(_scoped(token.get("fineGrained") or {}))


def _scoped(grants: dict[str, Any]) -> Iterator[str]:
    for grant in grants.get("scoped") or ():
        entity = grant.get("entity") or {}
        if entity.get("type") in ("user", "org") and "repo.write" in grant.get("permissions", ()):
            yield entity["name"]


@cache
def owner_token() -> str | None:
    """Take HF_TOKEN out of the environment; return it where only its owner can reach the page."""
    tokens = [os.environ.pop(name, "").strip() for name in TOKEN_NAMES]
    token = next(filter(None, tokens), None)
    if token is None or _alone():
        return token
    log.warning(
        "HF_TOKEN is ignored: it signs everyone in who reaches this page, so it counts only where "
        "the server is bound to loopback, not shared, and no Space."
    )
    return None


def _alone() -> bool:
    if "SPACE_ID" in os.environ or os.environ.get("GRADIO_SHARE", "").lower() == "true":
        return False
    host = get_settings().host
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
