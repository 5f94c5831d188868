"""Who asks: the visitor's own token, which stays in the request it came with."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import gradio as gr

from ststudio.hub.account import owner_token

BEARERS = ("x-hf-authorization", "authorization")
HUB_TOKEN = "hf_"  # noqa: S105 - how the Hub's tokens begin, those of its OAuth too
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# Whoever sets these passes on the requests of others.
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def visitor_token(request: gr.Request | None) -> str | None:
    """Return the caller's own token, or the owner's where the owner's own machine asks.

    A program sends it in a header, a browser that signed in by the Hub's OAuth in a cookie that
    only this app can have signed. Whose it is, is for the Hub to say: `whoami`.
    """
    if request is None:
        return None
    for name in BEARERS:
        kind, _, value = (request.headers.get(name) or "").partition(" ")
        # Proxies sign requests in with bearers of their own, which are not for the Hub to see.
        if kind.lower() == "bearer" and value.strip().startswith(HUB_TOKEN):
            return value.strip()
    return _signed_in(request) or (owner_token() if _from_here(request) else None)


def _signed_in(request: gr.Request) -> str | None:
    """Return the token of a sign-in by OAuth, as long as it holds; this is gr.OAuthToken's own."""
    scope = getattr(request.request, "scope", None) or {}
    told: Mapping[str, Any] = (scope.get("session") or {}).get("oauth_info") or {}
    token, until = told.get("access_token"), told.get("expires_at")
    expired = isinstance(until, int | float) and until < time.time()
    return token if isinstance(token, str) and token and not expired else None


def _from_here(request: gr.Request) -> bool:
    """Tell whether a browser on this machine asks, by a name that no other site can take."""
    if any(request.headers.get(name) for name in FORWARDED):
        return False
    return urlsplit(f"//{request.headers.get('host') or ''}").hostname in LOOPBACK
