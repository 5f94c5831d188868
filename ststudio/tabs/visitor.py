"""Who asks: the visitor's own token, which stays in the request it came with."""

import gradio as gr

from ststudio.hub.account import owner_token

BEARERS = ("x-hf-authorization", "authorization")


def visitor_token(request: gr.Request | None) -> str | None:
    """Return the caller's own token, or the owner's where the app serves nobody else."""
    if request is not None:
        for name in BEARERS:
            value = request.headers.get(name) or ""
            if value.lower().startswith("bearer "):
                return value[7:].strip()
    return owner_token()
