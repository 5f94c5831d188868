"""The header: what this is, who one is here, a copy of one's own, and what this runs on."""

import os
import subprocess

import gradio as gr

from ststudio.runs.lease import on_zero_gpu
from ststudio.settings import get_settings
from ststudio.signing_in import has_button, space_id
from ststudio.tabs.arriving import LEAVE

TITLE = "ST Studio"
HEAD = (
    "# ST Studio\nFine-tune a sentence-embedding model on your own data in about a minute, and "
    "see on rows it never trained on whether that helped."
)
SIGN_IN = "sign-in"  # the button's id: the Push tab clicks it too


def facts() -> str:
    """Say what this app runs on, and its limits."""
    settings = get_settings()
    return (
        f"Runs on {hardware()}. Up to {settings.rows:,} rows, {settings.run_seconds // 60} minutes "
        f"of training, and models of up to {settings.model_parameters // 1_000_000} million "
        f"weights (BERT-base has 110). Runs are kept for {settings.kept_hours} hours."
    )


def hardware() -> str:
    """Name the GPU that runs train on, or the CPU where there is none."""
    if on_zero_gpu():
        return "ZeroGPU: each run borrows a GPU, on your own daily quota there"
    ask = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        found = subprocess.run(ask, capture_output=True, text=True, timeout=5).stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired):
        found = []
    if found:
        others = f", one of {len(found)}" if len(found) > 1 else ""
        return f"a GPU ({found[0].strip()}{others})"
    return f"a CPU with {len(os.sched_getaffinity(0))} cores"


def build() -> None:
    """Lay out the header; on a Space with sign-in and duplicate."""
    with gr.Row(elem_id="header", equal_height=False):
        gr.Markdown(HEAD, elem_id="head")
        if space_id() is not None:
            with gr.Column(scale=0, min_width=220, elem_id="account"):
                if has_button():
                    sign_in = gr.LoginButton(
                        logout_value="Sign out ({})", size="sm", elem_id=SIGN_IN, min_width=200
                    )
                    sign_in.click(None, js=LEAVE)
                gr.DuplicateButton(
                    "Duplicate for a GPU of your own",
                    size="sm",
                    variant="secondary",
                    elem_id="duplicate",
                    min_width=200,
                )
    gr.Markdown(facts(), elem_id="facts")
