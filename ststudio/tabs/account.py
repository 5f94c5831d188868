"""Who one is here, and where one may push: said on the page, chosen by hand, asked by programs."""

import html
from typing import Any

import gradio as gr

from ststudio.errors import StudioError
from ststudio.hub.account import Account
from ststudio.hub.account import whoami as ask_whoami
from ststudio.signing_in import has_button, to_push
from ststudio.tabs import QUIET, REVISED, explained
from ststudio.tabs.documented import publish
from ststudio.tabs.header import SIGN_IN
from ststudio.tabs.visitor import visitor_token

CLICK_SIGN_IN = f"() => document.querySelector('#{SIGN_IN}').click()"


@explained
def whoami(request: gr.Request | None = None) -> dict[str, Any]:
    """Say whose token a request carries, and where it may push: one's own namespace first."""
    account = ask_whoami(visitor_token(request))
    return {"name": account.name, "namespaces": list(account.namespaces)}


def account_words(account: Account) -> str:
    """Say who pushes, and where that is allowed."""
    names = ", ".join(f"**{html.escape(name)}**" for name in account.namespaces)
    return f"Signed in as **{html.escape(account.name)}**. This sign-in may push to: {names}."


def show(namespace: str | None, request: gr.Request | None = None) -> tuple[Any, ...]:
    """Return who one is, where to push, whether to offer signing in, and whether one may push."""
    token = visitor_token(request)
    nowhere = gr.update(choices=[], value=None, visible=False)
    shut = gr.update(interactive=False)
    if token is None:
        return to_push(), nowhere, gr.update(visible=has_button()), shut
    try:
        account = ask_whoami(token)
    except StudioError as error:
        return html.escape(str(error)), nowhere, gr.update(visible=False), shut
    names = list(account.namespaces)
    chosen = namespace if namespace in names else names[0]
    listed = gr.update(choices=names, value=chosen, visible=True)
    return account_words(account), listed, gr.update(visible=False), gr.update(interactive=True)


def full_name(namespace: str | None, name: str) -> str:
    """Return the repository's id in the namespace that was chosen; a whole id stays as it is."""
    name = (name or "").strip()
    return f"{namespace}/{name}" if namespace and name and "/" not in name else name


def build(tab: gr.Tab, push: gr.Button) -> gr.Dropdown:
    """Lay out who one is and wire it; return the choice of a namespace, to be placed.

    The button that pushes can be pressed by who may push.
    """
    words = gr.Markdown(to_push(), elem_id="account-words")
    sign_in = gr.Button(
        "Sign in with Hugging Face", visible=False, elem_id="sign-in-here", variant="huggingface"
    )
    namespace = gr.Dropdown(
        [],
        label="Owner",
        info="You, or an organisation.",
        visible=False,
        elem_id="owner",
        min_width=200,
        render=False,
        **REVISED,
    )
    sign_in.click(None, js=CLICK_SIGN_IN)
    tab.select(show, namespace, [words, namespace, sign_in, push], **QUIET)
    publish(whoami, "whoami")
    return namespace
