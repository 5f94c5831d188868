"""Links to a run, a pushed model and a recipe: what they are, and what is said of them."""

import gradio as gr
import pytest

from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.tabs.session import Session
from ststudio.tabs.sharing import NOTHING, kept_words, link_to, recipe, recipe_words, show

SAMPLE = {"kind": "builtin", "id": "sample-pair"}
PAGE = gr.Request(headers={"host": "127.0.0.1:7860", "origin": "http://127.0.0.1:7860"})


def made(**recipe: object) -> Run:
    run, _ = get_store().create({"source": SAMPLE, **recipe}, {"title": "pairs"})
    return run


def test_a_link_is_the_pages_own_address_and_on_a_space_the_hubs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert link_to("run=1", PAGE) == "http://127.0.0.1:7860/?run=1"
    assert link_to("run=1", gr.Request(headers={"host": "studio"})) == "http://studio/?run=1"
    monkeypatch.setenv("SYSTEM", "spaces")
    monkeypatch.setenv("SPACE_ID", "ada/studio")
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    assert link_to("run=1", PAGE) == "https://huggingface.co/spaces/ada/studio?run=1"


def test_it_is_said_how_long_a_run_is_kept_and_what_the_link_shows_then() -> None:
    run = made()
    assert "kept for 24 hours after its end" in kept_words(run)
    run.end("finished")
    words = kept_words(run)
    assert "It is kept until" in words and "UTC" in words and "has expired" in words


def test_the_links_of_the_run_that_is_shown() -> None:
    assert show(Session(), PAGE)[0] == NOTHING
    run = made()
    words, _, link, model, _, _, of_recipe = show(Session(run=run.id), PAGE)
    assert link == f"http://127.0.0.1:7860/?run={run.id}"
    assert of_recipe == f"http://127.0.0.1:7860/?recipe={run.id}"
    assert not model["visible"]
    run.write("push", {"state": "done", "repo": "ada/pairs"})
    assert show(Session(run=run.id), PAGE)[4] == "http://127.0.0.1:7860/?model=ada/pairs"


def test_a_recipe_shares_no_upload_and_no_other_run() -> None:
    run = made(source={"kind": "upload", "id": "a" * 32}, base_model="run:" + "b" * 32)
    shared = recipe(run.id)
    assert shared["source"] == {"kind": "upload"} and shared["base_model"] == "an earlier run"
    assert "those are not shared" in recipe_words(run)
