"""The line and bar that say where long work stands."""

import html
from collections.abc import Callable
from typing import Any

import gradio as gr

from ststudio.tabs import QUIET


def bar(words: str, share: float) -> str:
    """Return words, escaped, above a bar filled to `share`, 0 to 1."""
    width = 100 * min(max(share, 0.0), 1.0)
    return (
        f'<div class="progress" role="status"><div class="words">{html.escape(words)}</div>'
        f'<div class="bar"><div style="width:{width:.0f}%"></div></div></div>'
    )


def build_job(label: str, key: str) -> tuple[gr.Button, gr.Button, gr.HTML]:
    """Lay out a button that starts long work, one that stops it, and the line that follows it."""
    with gr.Row():
        go = gr.Button(label, elem_id=key)
        stop = gr.Button("Stop", min_width=80, scale=0, visible=False)
    return go, stop, gr.HTML("", elem_id=f"{key}-progress")


def wire_job(
    job: tuple[gr.Button, gr.Button, gr.HTML],
    work: Callable[..., Any],
    inputs: list[Any],
    outputs: list[Any],
) -> None:
    """Let the first button do the work, which says first how far it is, and the second end it."""
    go, stop, progress = job
    under_way: Any = go.click(
        work, inputs, [progress, *outputs], api_visibility="private", show_progress="hidden"
    )
    go.click(lambda: gr.update(visible=True), None, stop, **QUIET)
    under_way.then(lambda: gr.update(visible=False), None, stop, **QUIET)
    # After the cancelling, or a last word of what was cancelled would stand there for ever.
    ended = stop.click(None, cancels=[under_way], **QUIET)
    ended.then(lambda: ("", gr.update(visible=False)), None, [progress, stop], **QUIET)
