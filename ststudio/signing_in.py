"""How one signs in here, and how far that reaches: it depends on where the app runs."""

import os

# Scopes of a sign-in that open what its person may read, beside what this app made.
READING = frozenset({"read-repos", "write-repos", "manage-repos"})
AT_THE_TOP = "the sign-in at the top of this page"


def space_id() -> str | None:
    """Return the id of the Space that the app runs on, None elsewhere."""
    return os.environ.get("SPACE_ID") if os.environ.get("SYSTEM") == "spaces" else None


def has_button() -> bool:
    """Tell whether visitors sign in by a button: on a Space that is an OAuth app of the Hub."""
    return space_id() is not None and bool(os.environ.get("OAUTH_CLIENT_ID"))


def to_push() -> str:
    """Say how one signs in here to push."""
    if has_button():
        return f"The downloads work without an account. To push from here, use {AT_THE_TOP}."
    if space_id() is not None:
        return (
            "The downloads work without an account. This Space has no sign-in (`hf_oauth` in its "
            "README), so nothing is pushed from this page; a program may send a token with its "
            "request."
        )
    return (
        "The downloads work without an account. To push from here, start the app "
        "with a token of yours in `HF_TOKEN` (it needs the right to write)."
    )


def to_read() -> str:
    """Say how one signs in here as somebody who may read what is private, within a sentence."""
    if has_button():
        if READING & set(os.environ.get("OAUTH_SCOPES", "").split()):
            return f"use {AT_THE_TOP}"
        return (
            f"{AT_THE_TOP} reaches only what this app made, so send a token with a request by the "
            "API, or duplicate this Space with the scope read-repos"
        )
    if space_id() is not None:
        return "this Space has no sign-in, so send a token with a request by the API"
    return "start the app with that person's token in HF_TOKEN"
