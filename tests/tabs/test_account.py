"""Who one is, and where one may push, as the page and programs are told."""

from typing import Any

import gradio as gr
import pytest
from gradio.exceptions import Error

from ststudio.tabs.account import full_name, show, whoami
from tests.hub.server import Hub


def asks(token: str | None) -> gr.Request:
    return gr.Request(headers={"authorization": f"Bearer {token}"} if token else {})


@pytest.fixture
def hub(own_hub: Hub) -> Hub:
    own_hub.add_user("carol", "hf_carol", orgs={"acme": "admin", "lookers": "read", "lab": "write"})
    own_hub.add_user("carol", "hf_only_read", role="read")
    own_hub.add_user(
        "carol", "hf_oauth_carol", role="oauth", orgs={"acme": "contributor", "lookers": "read"}
    )
    return own_hub


def test_ones_own_namespace_comes_first_and_organisations_where_one_may_write(hub: Hub) -> None:
    words, namespaces, sign_in, push = show(None, asks("hf_carol"))
    assert "Signed in as **carol**" in words and "lookers" not in words
    assert namespaces["choices"] == ["carol", "acme", "lab"] and namespaces["value"] == "carol"
    assert not sign_in["visible"] and push["interactive"]
    assert show("lab", asks("hf_carol"))[1]["value"] == "lab"  # what was chosen stays
    assert show("gone", asks("hf_carol"))[1]["value"] == "carol"
    assert whoami(asks("hf_oauth_carol")) == {"name": "carol", "namespaces": ["carol", "acme"]}


@pytest.mark.parametrize(
    ("token", "says"),
    [(None, "HF_TOKEN"), ("hf_only_read", "may only read"), ("hf_unknown", "does not accept")],
)
def test_who_may_not_push_is_told_why_and_gets_no_choice(
    hub: Hub, token: str | None, says: str
) -> None:
    words, namespaces, _, push = show("carol", asks(token))
    assert says in words and not namespaces["visible"] and not push["interactive"]
    with pytest.raises(Error, match=says):
        whoami(asks(token))


@pytest.mark.parametrize(
    ("namespace", "name", "full"),
    [
        ("acme", " model ", "acme/model"),
        ("acme", "carol/model", "carol/model"),
        (None, "model", "model"),
        ("acme", "", ""),
    ],
)
def test_the_owner_that_was_chosen_stands_before_the_name(
    namespace: Any, name: str, full: str
) -> None:
    assert full_name(namespace, name) == full
