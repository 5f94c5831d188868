"""What the page says of signing in is true wherever the app runs."""

import pytest

from ststudio.signing_in import has_button, space_id, to_push, to_read

SPACE = {"SYSTEM": "spaces", "SPACE_ID": "ada/studio"}
OAUTH = {**SPACE, "OAUTH_CLIENT_ID": "c", "OAUTH_SCOPES": "openid profile contribute-repos"}
READS = {**OAUTH, "OAUTH_SCOPES": "openid profile contribute-repos read-repos"}


@pytest.mark.parametrize(
    ("environment", "button", "push", "read"),
    [
        ({}, False, "HF_TOKEN", "start the app with that person's token"),
        ({"OAUTH_CLIENT_ID": "c"}, False, "HF_TOKEN", "start the app with"),
        ({"SPACE_ID": "ada/studio"}, False, "HF_TOKEN", "start the app with"),
        (SPACE, False, "has no sign-in", "has no sign-in"),
        (OAUTH, True, "sign-in at the top", "only what this app made"),
        (READS, True, "sign-in at the top", "use the sign-in at the top of this page"),
    ],
)
def test_it_is_said_as_it_is_here(
    environment: dict[str, str],
    button: bool,
    push: str,
    read: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in READS:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert has_button() is button
    assert push in to_push() and "downloads work without an account" in to_push()
    assert read in to_read()
    assert (space_id() is not None) is ("SYSTEM" in environment)
