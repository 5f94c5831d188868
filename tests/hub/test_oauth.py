"""The Hub's sign-in, proven with the client that the page's own uses."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from huggingface_hub import HfApi

from tests.hub.server import Hub

CALLBACK = "https://studio.example/login/callback"
SCOPE = "openid profile contribute-repos"
VERIFIER = "a-verifier-of-some-forty-characters-or-more-12345"


@pytest.fixture
def provider(hub: Hub) -> Hub:
    hub.add_user("ada", "hf_oauth_ada", role="oauth")
    hub.add_space("ada/studio", "https://studio.example", "client", "secret")
    return hub


def client(hub: Hub, secret: str = "secret") -> OAuth2Client:
    challenge = {"code_challenge_method": "S256"}
    return OAuth2Client("client", secret, scope=SCOPE, redirect_uri=f"{CALLBACK}?x=1", **challenge)


def allowed(hub: Hub, asking: OAuth2Client) -> str:
    """Let the app act for ada, and return the address that her browser is sent to."""
    url, _ = asking.create_authorization_url(
        f"{hub.url}/oauth/authorize", code_verifier=VERIFIER, nonce="n"
    )
    assert "Authorize as ada" in httpx.get(url).text
    answer = httpx.post(url, data={"as": "ada"})
    assert answer.status_code == 303
    return str(answer.headers["location"])


def test_a_code_becomes_a_token_once(provider: Hub) -> None:
    asking = client(provider)
    back = allowed(provider, asking)
    assert back.startswith(f"{CALLBACK}?x=1&code=")
    exchange = {"authorization_response": back, "code_verifier": VERIFIER}
    token = asking.fetch_token(f"{provider.url}/oauth/token", **exchange)
    assert token["access_token"] == "hf_oauth_ada" and token["scope"] == SCOPE
    me = HfApi(endpoint=provider.url, token=token["access_token"]).whoami()
    assert me["name"] == "ada" and me["auth"]["type"] == "oauth"
    with pytest.raises(Exception, match="invalid_grant|400"):
        asking.fetch_token(f"{provider.url}/oauth/token", **exchange)


def test_another_app_gets_nothing_for_the_code(provider: Hub) -> None:
    back = allowed(provider, client(provider))
    thief = client(provider, secret="guessed")
    with pytest.raises(Exception, match="invalid_client|401"):
        thief.fetch_token(
            f"{provider.url}/oauth/token", authorization_response=back, code_verifier=VERIFIER
        )


@pytest.mark.parametrize(
    "changes",
    [{"redirect_uri": "https://evil.example/"}, {"client_id": "other"}, {"scope": "everything"}],
)
def test_what_was_not_registered_is_refused(provider: Hub, changes: dict[str, str]) -> None:
    asked = {"client_id": "client", "redirect_uri": CALLBACK, "scope": "openid"}
    query = {**asked, "response_type": "code", **changes}
    assert httpx.get(f"{provider.url}/oauth/authorize", params=query).status_code == 400


def test_a_spaces_page_leads_to_its_app(provider: Hub) -> None:
    answer = httpx.get(f"{provider.url}/spaces/ada/studio?run=1")
    target = urlsplit(answer.headers["location"])
    assert (target.netloc, parse_qs(target.query)) == ("studio.example", {"run": ["1"]})
