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
    one[text._id] = gr.Textbox("mine as well", render=False)
    assert one[text._id].value == "mine as well" and other[text._id].value == "as built"
    assert other.config_values[text._id]["props"]["value"] == "as built"
    assert SessionState(built).config_values[text._id]["props"]["value"] == "as built"


def test_a_block_that_a_session_has_replaced_is_described_as_it_is_there() -> None:
    built, text = page()
    one = SessionState(built)
    one[text._id] = gr.Textbox("another", label="Changed", render=False)
    one._update_config(text._id)
    assert one.config_values[text._id]["props"]["label"] == "Changed"
    assert SessionState(built).config_values[text._id]["props"]["label"] == "A text"


def test_what_the_queue_is_told_is_what_gradio_reads() -> None:
    built, _ = page()
    plain = vars(gr.Blocks().queue()._queue)
    ours = vars(built.queue(max_size=3)._queue)
    assert set(ours) == set(plain)  # a setting of another name would be set in vain
    assert ours["max_size"] == 3
    assert ours["sleep_when_free"] > plain["sleep_when_free"]
    assert ours["ANALYTICS_MAX_EVENTS"] == 1 < plain["ANALYTICS_MAX_EVENTS"]
