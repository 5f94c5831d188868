"""A pushed model comes back from the Hub as a run to look at, and nothing else does."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ststudio.compare.corpora import keep_corpus
from ststudio.compare.scope import Scope, view
from ststudio.compare.sides import own_sides
from ststudio.errors import StudioError
from ststudio.hub.opening import open_pushed, opening_state, start_opening
from ststudio.hub.package import RECIPE_FILE, REPORT_FILE
from ststudio.hub.push import push
from ststudio.runs.janitor import tidy
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.settings import get_settings
from ststudio.shelf import DEFAULT_MODEL, PACKAGED_REVISION, packaged_model
from ststudio.tabs.verdict import verdict_words
from tests.hub.server import Hub
from tests.push.conftest import ALICE, BOB, RECIPE, REPORT, MakeRun

BASE = {"id": DEFAULT_MODEL, "revision": PACKAGED_REVISION}
GENERAL = {**{key: REPORT[key] for key in REPORT if key not in ("metrics", "verdict")}}
Publish = Callable[..., str]


@pytest.fixture
def publish(hub: Hub, make_run: MakeRun, tiny_model: Path) -> Iterator[Publish]:
    """Push a run's model, or what somebody made of it since, and give its id."""

    def published(
        name: str = "opened", private: bool = False, files: Any = None, **recipe: Any
    ) -> str:
        general = {**GENERAL, "source": "hand-written", "verdict": "WIN"}
        asked = {**RECIPE, "base_model": BASE, **recipe}
        run = make_run(tiny_model, recipe=asked, report={**REPORT, "forgetting": general})
        push(run, ALICE, name, private=private)
        get_store().delete(run)
        if files:
            hub.add_repo("model", f"alice/{name}", files)
        return f"alice/{name}"

    yield published


def test_it_comes_with_report_verdict_and_base_and_without_rows(publish: Publish) -> None:
    run = open_pushed(publish())
    assert run.opened and run.opened["id"] == "alice/opened" and run.ended
    assert run.report and run.report["delta"] == pytest.approx(0.13)
    assert "cosine_mrr@10" not in run.report["metrics"]  # it was not a number
    words = verdict_words(run)
    assert "Fine-tuning helped" in words and "General English" in words
    assert run.has_model and not run.has_texts and not run.examples_dir.exists()
    sides = own_sides(run)
    assert sides["base"].model == packaged_model() and sides["base"].vectors is None
    with pytest.raises(StudioError, match="did not come with it.+texts of your own"):
        view(run, Scope())
    added = Scope(corpus=keep_corpus(["a lamp", "a badge"]).id)
    with pytest.raises(StudioError, match="Base has embedded none of these 2 texts"):
        view(run, added)


def test_who_opens_it_again_gets_the_same_run_and_nobody_owns_it(publish: Publish) -> None:
    name = publish()
    run = open_pushed(name)
    assert open_pushed(name, BOB).id == run.id
    for key in ("", "0" * 32):
        with pytest.raises(StudioError, match="owner key"):
            get_store().owned(run.id, key)


def test_a_private_one_is_only_for_whom_the_hub_lets_in(publish: Publish) -> None:
    name = publish(private=True)
    run = open_pushed(name, ALICE)
    assert open_pushed(name, ALICE).id == run.id
    for token in (None, BOB):
        with pytest.raises(StudioError, match="no such thing"):
            open_pushed(name, token)
    for file in get_settings().folder.rglob("*"):
        if file.is_file():
            assert ALICE.encode() not in file.read_bytes(), file


def test_a_base_that_is_private_is_for_whom_the_hub_lets_in_however_public_the_model(
    publish: Publish, hub: Hub, tiny_model: Path
) -> None:
    sha = hub.add_repo("model", "alice/base", tiny_model, private=True)
    name = publish(base_model={"id": "alice/base", "revision": sha})
    hers = open_pushed(name, ALICE)
    assert set(own_sides(hers)) == {"base", "tuned"}
    for token in (BOB, None):
        others = open_pushed(name, token)
        assert set(own_sides(others)) == {"tuned"} and others.id != hers.id
        assert "no such thing" in verdict_words(others)
    assert open_pushed(name, ALICE).id == hers.id


def test_it_is_forgotten_like_any_run(publish: Publish) -> None:
    run = open_pushed(publish())
    assert tidy(get_store(), get_settings(), time.time() + 23 * 3600) == []
    assert tidy(get_store(), get_settings(), time.time() + 25 * 3600) == [run.id]


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ({"base_model": "run:" + "0" * 32}, "another run's model"),
        ({"base_model": {"id": "bob/closed", "revision": "c" * 40}}, "could not be opened"),
        ({"modules": [{"type": "BoW"}, {"type": "Dense"}]}, "built from layers"),
    ],
)
def test_without_its_base_it_is_shown_and_says_why(
    publish: Publish, recipe: dict[str, Any], says: str
) -> None:
    run = open_pushed(publish(**recipe))
    assert says in html.unescape(verdict_words(run))
    assert set(own_sides(run)) == {"tuned"}
    with pytest.raises(StudioError, match="base model of this run is not here"):
        view(run, Scope(corpus=keep_corpus(["a lamp"]).id))


def changed(file: str, **values: Any) -> dict[str, bytes]:
    """Return a repository's file with other values."""
    whole = {
        RECIPE_FILE: {**RECIPE, "base_model": BASE},
        REPORT_FILE: {key: value for key, value in REPORT.items() if key != "metrics"},
    }[file]
    return {file: json.dumps({**whole, **values}).encode()}


SPOILED: tuple[tuple[dict[str, bytes], str], ...] = (
    (changed(REPORT_FILE, n=-1), "the n in ststudio/report.json is not a whole number"),
    (changed(REPORT_FILE, score=float("nan")), "the score in"),
    (changed(REPORT_FILE, score="<b>0.9</b>"), "the score in"),
    (changed(REPORT_FILE, interval=[1, 0]), "the interval in"),
    (changed(REPORT_FILE, rows_used=True), "the rows_used in"),
    (changed(REPORT_FILE, metric="<script>"), "has no cosine_ndcg@10"),
    (changed(REPORT_FILE, forgetting={"n": 3}), "the baseline in"),
    (changed(RECIPE_FILE, case="nonsense"), "is no recipe"),
    (changed(RECIPE_FILE, case=None), "names no case"),
    (changed(RECIPE_FILE, secret="x"), "is no recipe"),
    (changed(RECIPE_FILE, source={"kind": "upload", "id": "0" * 32}), "upload of another app"),
    (changed(RECIPE_FILE, source={"kind": "disk", "id": "/etc"}), "is no recipe"),
    (changed(RECIPE_FILE, fixes=[{"code": "rm"}]), "is no recipe"),
    (changed(RECIPE_FILE, prompts={"anchor": "\ud800"}), "holds text that is none"),
    ({RECIPE_FILE: b"[" * 5000}, "not valid JSON"),
    ({RECIPE_FILE: b"{}" + b" " * 1_100_000}, "has 1.1 MB"),
    ({REPORT_FILE: b"[]"}, "has no cosine_ndcg@10"),
    ({"modules.json": b'[{"type": "evil.Module", "path": ""}]'}, "only these modules"),
)


def test_what_somebody_made_of_it_since_is_refused(publish: Publish, hub: Hub) -> None:
    name = publish()
    held = hub.repo("model", name).resolve().files
    for files, says in SPOILED:
        whole = {path: held[path].data for path in (RECIPE_FILE, REPORT_FILE, "modules.json")}
        hub.add_repo("model", name, {**whole, **files})
        with pytest.raises(StudioError, match=says):
            open_pushed(name)
    assert list(get_store()) == []


def test_a_headline_follows_from_its_figures(publish: Publish) -> None:
    worse = changed(REPORT_FILE, interval=[-0.2, -0.1], baseline=0.7, score=0.5, verdict="WIN")
    run = open_pushed(publish(files=worse))
    assert run.report and run.report["verdict"] == "REGRESSION"
    assert run.report["delta"] == pytest.approx(-0.2)


def test_what_was_not_pushed_from_here_is_refused_in_a_sentence(hub: Hub, tiny_model: Path) -> None:
    hub.add_repo("model", "bob/other", tiny_model)
    for name, says in (
        ("bob/other", "was not pushed from ST Studio"),
        ("bob/nothing", "no such thing"),
        ("../etc", "is not the id of a model"),
    ):
        with pytest.raises(StudioError, match=says):
            open_pushed(name)


def ended(job: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while (state := opening_state(job))["state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return state


def test_it_is_fetched_in_the_background_and_says_how_it_went(publish: Publish, hub: Hub) -> None:
    name = publish()
    state = ended(start_opening(name))
    assert Run(get_store().folder / state["run"]).opened
    assert "no such thing" in ended(start_opening("nobody/nothing"))["reason"]
    hub.fail("ststudio/recipe.json", status=500, times=None)
    assert "error (500)" in ended(start_opening(publish("broken")))["reason"]
    assert opening_state("unknown")["state"] == "failed"
