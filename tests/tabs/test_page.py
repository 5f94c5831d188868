"""The page as Gradio holds it."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import gradio as gr
import pytest
from gradio.blocks import BlocksConfig
from gradio.state_holder import SessionState, StateHolder

from ststudio.tabs.page import CLOSED_MINUTES, SWEEP_SECONDS, Page


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


def call(built: Page, name: str, session: str, *inputs: object) -> None:
    """Run one of the page's events as a request of that session does."""
    state = built.state_holder[session]
    event = next(fn for fn in built.fns.values() if fn.api_name == name)
    run = built.process_api(block_fn=event, inputs=list(inputs), state=state, session_hash=session)
    asyncio.run(run)


def served() -> Page:
    with Page() as built:
        text, kept = gr.Textbox("as built"), gr.State("")
        gr.Button().click(str.upper, text, text, api_name="call")
        gr.Button().click(lambda words: (words, words), text, [kept, text], api_name="keep")
        gr.Button().click(lambda: gr.update(label="New"), None, text, api_name="change")
        own: dict[str, Any] = {"api_name": "own", "api_visibility": "private"}
        gr.Button().click(str.upper, text, text, **own)
    built.state_session_capacity = 200
    StateHolder().set_blocks(built)
    return built


@pytest.mark.parametrize(
    ("name", "left"), [("call", []), ("keep", ["a"]), ("change", ["a"]), ("own", ["a"])]
)
def test_the_session_of_a_programs_call_is_forgotten_where_nothing_is_in_it(
    name: str, left: list[str]
) -> None:
    built = served()
    call(built, name, "a", *([] if name == "change" else ["words"]))
    assert list(built.state_holder.session_data) == left
    assert list(built.state_holder.time_last_used) == left


def test_calls_of_programs_push_no_page_out() -> None:
    built = served()
    call(built, "keep", "page", "mine")
    for number in range(2 * built.state_session_capacity):
        call(built, "call", f"program {number}", "words")
    assert "mine" in built.state_holder.session_data["page"].state_data.values()


def test_events_sweep_closed_pages_out_now_and_then() -> None:
    built = served()
    call(built, "keep", "closed", "mine")
    built.state_holder.session_data["closed"].is_closed = True
    built.state_holder.time_last_used["closed"] = datetime.now() - timedelta(hours=1)
    call(built, "keep", "open", "mine")
    assert "closed" in built.state_holder.session_data  # swept a moment ago
    built.swept -= 2 * SWEEP_SECONDS
    call(built, "keep", "open", "mine")
    assert list(built.state_holder.session_data) == ["open"]


def test_pages_closed_long_ago_are_forgotten_and_open_ones_stay() -> None:
    built = served()
    for session in ("open", "closed", "just closed"):
        call(built, "keep", session, "mine")
    long_ago = datetime.now() - timedelta(hours=1)
    for session in ("closed", "just closed"):
        built.state_holder.session_data[session].is_closed = True
    for session in ("open", "closed"):
        built.state_holder.time_last_used[session] = long_ago
    built.forget_closed(datetime.now() - timedelta(minutes=CLOSED_MINUTES))
    assert list(built.state_holder.session_data) == ["open", "just closed"]
