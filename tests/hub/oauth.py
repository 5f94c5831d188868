"""Signing in with the Hub: OpenID Connect as its apps use it, and the page that frames a Space."""

from __future__ import annotations

import base64
import hashlib
import html
import secrets
import time
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.hub.access import need_login
from tests.hub.people import Visitor, object_id
from tests.hub.wire import Answer, Call, Refusal

SCOPES = ("openid", "profile", "contribute-repos", "read-repos")
TOKEN_SECONDS = 8 * 3600
KEY_ID = "loopback"
PAGE = "<!doctype html><title>Authorize</title><h1>{app} wants to</h1><p>{scopes}</p>{forms}"
FORM = (
    '<form method="post" action="/oauth/authorize?{query}"><input type="hidden" name="as" '
    'value="{name}"><button>Authorize as {name}</button></form>'
)


@dataclass(frozen=True)
class OAuthApp:
    """An app that people may sign in to."""

    id: str
    secret: str
    callback: str  # where it is told of a sign-in; nowhere else


@dataclass(frozen=True)
class Grant:
    """What somebody allowed an app, to be exchanged once for a token."""

    app: OAuthApp
    visitor: Visitor
    redirect: str
    scope: str
    nonce: str | None
    challenge: str | None


@cache
def _key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": KEY_ID, "use": "sig", "alg": "RS256"})


def configuration(call: Call) -> Answer:
    """Say where everything is."""
    url = call.store.url
    return Answer.of(
        {
            "issuer": url,
            "authorization_endpoint": f"{url}/oauth/authorize",
            "token_endpoint": f"{url}/oauth/token",
            "userinfo_endpoint": f"{url}/oauth/userinfo",
            "jwks_uri": f"{url}/oauth/jwks.json",
            "scopes_supported": SCOPES,
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "code_challenge_methods_supported": ["S256"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    )


def jwks(call: Call) -> Answer:
    """Publish the key by which identities are signed."""
    return Answer.of({"keys": [_key().as_dict(private=False)]})


def authorize(call: Call) -> Answer:
    """Ask a person whether an app may act for them."""
    app = _asking(call)
    people = [visitor for visitor in call.store.visitors.values() if visitor.role == "oauth"]
    query = html.escape(urlencode(call.query, doseq=True), quote=True)
    forms = "".join(FORM.format(query=query, name=html.escape(one.name)) for one in people)
    page = PAGE.format(app=html.escape(app.id), scopes=call.first("scope"), forms=forms)
    return Answer(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})


def allow(call: Call) -> Answer:
    """Send the person back to the app with a code."""
    app = _asking(call)
    name = parse_qs(call.body.decode())["as"][0]
    people = {one.name: one for one in call.store.visitors.values() if one.role == "oauth"}
    code = secrets.token_urlsafe(16)
    call.store.grants[code] = Grant(
        app,
        people[name],
        call.first("redirect_uri"),
        call.first("scope"),
        call.first("nonce") or None,
        call.first("code_challenge") or None,
    )
    back = urlencode({"code": code, "state": call.first("state")})
    target = call.first("redirect_uri")
    return Answer(303, b"", {"Location": f"{target}{'&' if '?' in target else '?'}{back}"})


def _asking(call: Call) -> OAuthApp:
    app: OAuthApp | None = call.store.apps.get(call.first("client_id"))
    if app is None or call.first("response_type") != "code":
        raise Refusal(400, "Unknown app, or not a code flow")
    if call.first("redirect_uri").partition("?")[0] != app.callback:
        raise Refusal(400, "The redirect is not the one of this app")
    if unknown := set(call.first("scope").split()) - set(SCOPES):
        raise Refusal(400, f"Unknown scopes: {', '.join(sorted(unknown))}")
    return app


def token(call: Call) -> Answer:
    """Exchange a code for a token and an identity; a code is good once, for its app alone."""
    form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
    grant: Grant | None = call.store.grants.pop(form.get("code", ""), None)
    if grant is None or form.get("redirect_uri") != grant.redirect:
        raise Refusal(400, "invalid_grant")
    sent = call.headers.get("authorization", "").removeprefix("Basic ")
    if base64.b64decode(sent).decode() != f"{grant.app.id}:{grant.app.secret}":
        raise Refusal(401, "invalid_client")
    if grant.challenge is not None and _hashed(form.get("code_verifier", "")) != grant.challenge:
        raise Refusal(400, "invalid_grant")
    now = int(time.time())
    claims = {
        **_userinfo(grant.visitor, call.store.url),
        "iss": call.store.url,
        "aud": grant.app.id,
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        **({"nonce": grant.nonce} if grant.nonce else {}),
    }
    return Answer.of(
        {
            "access_token": grant.visitor.token,
            "token_type": "bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": grant.scope,
            "id_token": jwt.encode({"alg": "RS256", "kid": KEY_ID}, claims, _key()),
        }
    )


def _hashed(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def userinfo(call: Call) -> Answer:
    """Describe who signed in."""
    return Answer.of(_userinfo(need_login(call), call.store.url))


def _userinfo(visitor: Visitor, url: str) -> dict[str, Any]:
    return {
        "sub": object_id(visitor.name),
        "name": visitor.name.title(),
        "preferred_username": visitor.name,
        "profile": f"{url}/{visitor.name}",
        "picture": f"{url}/avatars/{visitor.name}.svg",
    }


def space(call: Call, id: str) -> Answer:
    """Lead from a Space's page to its app, which the real Hub shows in a frame there."""
    if id not in call.store.spaces:
        raise Refusal(404, "Repository not found", "RepoNotFound")
    query = urlencode(call.query, doseq=True)
    return Answer(302, b"", {"Location": f"{call.store.spaces[id]}/?{query}"})
