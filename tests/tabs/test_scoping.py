"""Other texts and other models on the page: added, embedded, searched, cancelled."""

import time
from pathlib import Path

import pytest
from gradio.exceptions import Error

from ststudio.compare.embedding import get_embedder
from ststudio.runs.run import Run
from ststudio.tabs.adding import OWN_TEXTS, add_hub, add_pasted, other_column
from ststudio.tabs.scoping import OWN, cancel, choose, go_on, look_again, models_of, opened
from ststudio.tabs.searching import compare_query
from ststudio.tabs.session import Session
from tests.conftest import Training
from tests.hub.server import Hub

LINES = "The lamp in room 7 is broken\n\nA badge was lost\nA badge was lost\nSoup of the day"


@pytest.fixture(scope="module")
def run(training: Training) -> Run:
    return training.run("pair")


@pytest.mark.slow
def test_pasted_lines_are_picked_embedded_and_searched(run: Run) -> None:
    held, corpus, column, words = add_pasted([], LINES)
    assert words.startswith(
        "3 texts to search. 1 text left out: empty. 1 text left out: met before"
    )
    assert corpus["choices"][1] == ("Pasted (3 texts)", held[0]["corpus"])
    assert corpus["value"] == held[0]["corpus"] and not column["visible"]

    session = Session(run=run.id)
    chosen, progress, stop, rest, timer = choose(session, OWN, corpus["value"], "base", "tuned")
    assert "of 3 texts" in progress and stop["visible"] and not rest["visible"] and timer.active
    assert "embedded none of these 3 texts" in compare_query(session, chosen, "broken light")[0]
    deadline = time.monotonic() + 120
    while look_again(session, chosen)[3].active:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    words, base, tuned, found = compare_query(session, chosen, "the lamps are broken")
    assert words == "" and "The <mark>lamp</mark> in room 7" in base and "base" in base
    assert found["query"] == "the lamps are broken" and len(found["tuned"]) == 3
    assert choose(session, chosen, corpus["value"], "base", "tuned")[0]["__type__"] == "update"


def test_a_cancelled_job_says_so_and_can_be_gone_on_with(run: Run) -> None:
    lines = "\n".join(f"A rather long text about the lamp in room {n}" for n in range(600))
    corpus = add_pasted([], lines)[1]["value"]
    session = Session(run=run.id)
    chosen = choose(session, OWN, corpus, "base", "base")[0]
    assert chosen.titles == ("Base", "Base") and chosen.kinds == ("base", "base")
    cancel(session, chosen)
    deadline = time.monotonic() + 60
    while look_again(session, chosen)[3].active:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    progress, stop, rest, _ = look_again(session, chosen)
    assert "Cancelled" in progress and rest["visible"] and not stop["visible"]
    assert go_on(session, chosen)[3].active
    cancel(session, chosen)
    assert get_embedder() is not None


def test_a_model_that_is_not_to_be_had_is_told_and_nothing_is_chosen(run: Run) -> None:
    with pytest.raises(Error, match="nobody/no-model"):
        choose(Session(run=run.id), OWN, OWN_TEXTS, "base", "nobody/no-model")


def test_a_column_of_a_dataset_is_searched_and_another_one_can_be_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "\n".join(f"question {n} asked here,a longer answer to question {n}" for n in range(20))
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.add_repo("dataset", "ada/faq", {"train.csv": f"question,answer\n{rows}".encode()})
        held, corpus, column, _ = add_hub([], "ada/faq", "", "")
        assert column["choices"] == ["answer", "question"] and column["visible"]
        held, corpus, column, words = other_column(held, "question")
    assert column["value"] == "question" and words == "20 texts to search."
    assert corpus["choices"][-1][0] == "ada/faq, question (20 texts)"
    with pytest.raises(Error, match="Type a dataset's id"):
        add_hub([], " ", "", "")


def test_models_of_this_browsers_other_runs_can_be_picked(run: Run) -> None:
    known = ({"run": run.id, "key": "k", "title": "pairs"}, {"run": "0" * 32, "title": "gone"})
    session = Session(run="1" * 32, runs=known)
    assert models_of(session)[2:] == [(f"pairs, run {run.id[:6]}", f"run:{run.id}")]
    assert models_of(Session(run=run.id, runs=known))[2:] == []


def test_another_run_begins_with_its_own_texts_and_models(run: Run) -> None:
    assert opened(run)[:4] == (OWN, OWN_TEXTS, "base", "tuned")
