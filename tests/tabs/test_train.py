"""The Fine-tune tab's handlers."""

import gradio as gr

from ststudio.tabs.session import Session
from ststudio.tabs.train import base_of
from ststudio.training.recipe import DEFAULT_MODEL

FIX = {"code": "use_base_model", "args": {"id": "owner/multilingual"}}


def test_a_base_model_that_a_fix_decides_is_picked_once_and_taken_back_with_the_fix() -> None:
    fixed = Session(fixes=(FIX,))
    assert base_of(fixed, DEFAULT_MODEL) == ("owner/multilingual", "owner/multilingual")
    shown, decided = base_of(fixed, "owner/multilingual")  # what the visitor picked since stays
    assert (shown, decided) == (gr.skip(), "owner/multilingual")
    assert base_of(Session(), "owner/multilingual") == (DEFAULT_MODEL, DEFAULT_MODEL)
