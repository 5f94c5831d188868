"""The header offers what there is: sign-in and duplicate on a Space, neither elsewhere."""

import gradio as gr
import pytest

from ststudio.tabs import header


def built() -> set[str]:
    with gr.Blocks() as page:
        header.build()
    return {type(block).__name__ for block in page.blocks.values()}


def test_elsewhere_there_is_neither() -> None:
    assert not built() & {"LoginButton", "DuplicateButton"}


def test_a_space_can_be_duplicated(monkeypatch: pytest.MonkeyPatch) -> None:
    # Signing in stands in the browser's test: Gradio reads its environment when it is imported.
    monkeypatch.setenv("SYSTEM", "spaces")
    monkeypatch.setenv("SPACE_ID", "ada/studio")
    assert built() >= {"DuplicateButton"} and "LoginButton" not in built()


def test_what_it_runs_on_and_its_limits_are_said() -> None:
    words = header.facts()
    assert "Runs on" in words and "20,000 rows" in words and "24 hours" in words
