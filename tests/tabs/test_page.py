"""The page as Gradio holds it."""

import gradio as gr
from gradio.blocks import BlocksConfig
from gradio.state_holder import SessionState

from ststudio.tabs.page import Page


def page() -> tuple[Page, gr.Textbox]:
    with Page() as built:
        text = gr.Textbox("as built", label="A text")
        gr.State({"kept": 1})
        gr.HTML("<b>bold</b>")
    return built, text


def test_sessions_describe_blocks_as_gradio_does() -> None:
    built, _ = page()
    plain = {key: BlocksConfig.config_for_block(key, [], one) for key, one in built.blocks.items()}
    first, second = SessionState(built), SessionState(built)
    assert first.config_values == second.config_values == plain


def test_blocks_are_described_once_for_all_sessions() -> None:
    built, text = page()
    SessionState(built)
    text.get_config = None  # type: ignore[assignment]  # whoever describes it again fails
    assert SessionState(built).config_values[text._id]["props"]["value"] == "as built"


def test_a_value_stays_in_its_session() -> None:
    built, text = page()
    one, other = SessionState(built), SessionState(built)
    one._update_value_in_config(text._id, "mine")
    assert one.config_values[text._id]["props"]["value"] == "mine"
    assert other.config_values[text._id]["props"]["value"] == "as built"
    assert SessionState(built).config_values[text._id]["props"]["value"] == "as built"


def test_a_block_that_a_session_has_replaced_is_described_as_it_is_there() -> None:
    built, text = page()
    one = SessionState(built)
    one[text._id] = gr.Textbox("another", label="Changed", render=False)
    one._update_config(text._id)
    assert one.config_values[text._id]["props"]["label"] == "Changed"
    assert SessionState(built).config_values[text._id]["props"]["label"] == "A text"
