"""The endpoints' contract, over plain HTTP, on the app as it is started by anyone."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TOKEN
from tests.hub.server import Hub
from tests.served import App, Refused

ENDED = ("finished", "failed", "stopped", "interrupted")
CSV = b"query;answer\n" + b"".join(
    f"where is item number {n} kept;shelf {n % 7} in room {n} has the item\n".encode()
    for n in range(60)
)


@pytest.fixture(scope="module")
def run(served_run: dict[str, Any]) -> dict[str, Any]:
    return served_run


def test_the_catalogue_names_every_case_and_the_four_samples(app: App) -> None:
    rows = app.call("catalog")
    keys = {"id", "title", "case", "rows", "licence", "origin", "source"}
    assert all(set(row) == keys for row in rows)
    samples = {row["id"]: row["case"] for row in rows if row["origin"] == "builtin"}
    assert samples == {
        "sample-pair-score": "pair-score",
        "sample-pair": "pair",
        "sample-text-class": "text-class",
        "sample-triplet": "triplet",
    }


def test_a_file_is_diagnosed_and_can_be_trained_on_by_its_upload_id(app: App) -> None:
    found = app.call("diagnose", source={}, file=app.upload("shelf.csv", CSV))
    assert found["case"] == "pair"
    assert found["columns"] == {"anchor": "query", "positive": "answer"}
    assert found["rows"]["kept"] == 60
    assert found["lengths"]["limit"] == 256
    assert found["loss"]["reads"].keys() == {"anchor", "positive"}
    again = app.call("diagnose", source={"kind": "upload", "id": found["upload"]})
    assert again == found


@pytest.mark.parametrize(
    "source",
    [
        {"kind": "builtin", "id": f"sample-{case}"}
        for case in ("pair-score", "pair", "text-class", "triplet")
    ],
)
def test_every_sample_is_read_without_an_error(app: App, source: dict[str, Any]) -> None:
    found = app.call("diagnose", source=source)
    assert found["case"] == source["id"].removeprefix("sample-")
    assert [f for f in found["findings"] if f["level"] == "error"] == []
    assert len(found["preview"]) == 5


def test_a_base_model_that_is_not_there_is_said_beside_the_diagnosis(app: App) -> None:
    source = {"kind": "builtin", "id": "sample-pair"}
    found = app.call("diagnose", source=source, base_model="nobody/no-model")
    assert found["case"] == "pair" and found["lengths"] is None
    assert "model_unread" in [finding["code"] for finding in found["findings"]]


def test_what_is_private_is_read_for_whom_the_token_names(app: App, served_hub: Hub) -> None:
    served_hub.add_repo("dataset", "ada/private", {"train.csv": CSV}, private=True)
    source = {"kind": "hub", "id": "ada/private"}
    assert app.call("diagnose", source=source)["rows"]["kept"] == 60  # as the owner of HF_TOKEN
    served_hub.add_user("bob", "hf_bob")
    with pytest.raises(Refused, match="if it is private, sign in"):
        app.call("diagnose", token="hf_bob", source=source)


def test_a_run_ends_with_a_report(run: dict[str, Any]) -> None:
    assert run["position"] in (0, 1)
    end = run["end"]
    assert end["state"] == "finished", end["reason"]
    assert set(end) == {
        "state", "stopping", "step", "steps", "position", "eta_seconds", "loss", "reason", "log",
        "report", "push",
    }  # fmt: skip
    report = end["report"]
    assert set(report) == {
        "metric", "n", "baseline", "score", "delta", "interval", "verdict", "metrics",
        "forgetting", "rows_used", "train_seconds", "seconds",
    }  # fmt: skip
    assert report["n"] >= 150
    assert end["position"] is None and end["step"] == end["steps"] == 3
    steps = [entry["step"] for entry in end["log"] if "loss" in entry]
    assert steps == [1, 2, 3]


def test_a_run_is_given_as_a_script(app: App, run: dict[str, Any]) -> None:
    script = app.call("script", run=run["run"])
    compile(script, "train.py", "exec")
    assert script.startswith("# /// script\n") and "trainer.train()\n" in script
    assert run["key"] not in script and run["run"] not in script


def test_the_log_is_given_from_an_entry_on(app: App, run: dict[str, Any]) -> None:
    assert app.call("run_state", run=run["run"], since=3)["log"] == run["end"]["log"][3:]


def test_a_search_ranks_for_both_models(app: App, run: dict[str, Any]) -> None:
    found = app.call("search", run=run["run"], query="lost my lamp", top_k=5)
    assert [hit["rank"] for hit in found["base"]] == [1, 2, 3, 4, 5]
    assert set(found["base"][0]) == {"rank", "id", "text", "score", "relevant"}
    assert set(found["tuned"][0]) == {"rank", "id", "text", "score", "relevant", "base_rank"}
    assert all(hit["relevant"] is None for hit in found["base"])


def test_what_changed_most_is_listed_with_ranks(app: App, run: dict[str, Any]) -> None:
    found = app.call("changed", run=run["run"])
    assert set(found) == {"by", "counts", "better", "worse"} and found["by"] == "rank"
    assert sum(found["counts"].values()) == run["end"]["report"]["n"]
    row = (*found["better"], *found["worse"])[0]
    hits = app.call("search", run=run["run"], query=row["query"], top_k=100)
    for side in ("base", "tuned"):
        ranks = [hit["rank"] for hit in hits[side] if hit["relevant"]]
        assert min(ranks, default=101) == min(row[f"{side}_rank"], 101)


def test_any_texts_are_searched_by_both_models_once_they_are_embedded(
    app: App, run: dict[str, Any]
) -> None:
    lines = [f"Shelf {n} holds the {word}" for n in range(20) for word in ("lamps", "badges")]
    added = app.call("add_corpus", file=app.upload("shelves.txt", "\n".join(lines).encode()))
    assert added["texts"] == 40 and added["columns"] == ["text"]
    assert app.call("add_corpus", texts=lines)["corpus"] == added["corpus"]
    scope = {"corpus": added["corpus"], "left": "base", "right": f"run:{run['run']}"}
    with pytest.raises(Refused, match="embedded none of these 40 texts"):
        app.call("search", run=run["run"], query="lamp", scope=scope)
    state = app.call("embed_corpus", run=run["run"], scope=scope)
    while state["state"] in ("waiting", "running"):
        time.sleep(0.2)
        state = app.call("embedding_state", run=run["run"], scope=scope)
    assert state == {"state": "finished", "done": 40, "total": 40, "reason": None}
    narrowed = {**scope, "contains": "SHELF 7 "}
    found = app.call("search", run=run["run"], query="where is my lamp", top_k=3, scope=narrowed)
    for side in ("base", "tuned"):
        assert [hit["text"] for hit in found[side]][0] == "Shelf 7 holds the lamps"
        assert len(found[side]) == 2 and {hit["relevant"] for hit in found[side]} == {None}


@pytest.mark.slow
def test_a_runs_own_texts_are_searched_by_other_models(app: App, run: dict[str, Any]) -> None:
    scope = {"left": "tuned", "right": "sentence-transformers/all-MiniLM-L6-v2"}
    state = app.call("embed_corpus", run=run["run"], scope=scope)
    while state["state"] in ("waiting", "running"):
        time.sleep(0.2)
        state = app.call("embedding_state", run=run["run"], scope=scope)
    assert state["state"] == "finished", state
    query = {"run": run["run"], "query": "lost my lamp", "top_k": 5}
    own, other = app.call("search", **query), app.call("search", **query, scope=scope)
    assert [hit["id"] for hit in other["base"]] == [hit["id"] for hit in own["tuned"]]
    assert [hit["id"] for hit in other["tuned"]] == [hit["id"] for hit in own["base"]]


def test_the_map_has_test_texts_then_corpus(app: App, run: dict[str, Any]) -> None:
    found = app.call("map", run=run["run"])
    assert found["method"] == "pca"
    assert set(found["points"][0]) == {"id", "text", "group", "base", "tuned"}
    assert set(found["measures"]) == {
        "trustworthiness_base", "trustworthiness_tuned", "neighbour_overlap"
    }  # fmt: skip


def test_what_was_forgotten_is_part_of_the_report(run: dict[str, Any]) -> None:
    found = run["end"]["report"]["forgetting"]
    assert set(found) == {
        "source", "metric", "n", "baseline", "score", "delta", "interval", "verdict"
    }  # fmt: skip
    assert found["source"] == "hand-written" and found["n"] >= 100
    assert 0.6 < found["baseline"] < 0.95  # of fewer pairs where the machine is slow


def test_the_anatomy_tells_how_similar_test_pairs_are(app: App, run: dict[str, Any]) -> None:
    found = app.call("anatomy", run=run["run"])
    assert set(found) == {
        "together", "apart", "pairs", "chosen_on", "edges", "base", "tuned", "mistakes"
    }  # fmt: skip
    assert set(found["mistakes"]) == {"still", "broken", "mended"}


def test_a_push_makes_one_private_commit_and_checks_it(
    app: App, served_hub: Hub, run: dict[str, Any]
) -> None:
    pushed = app.call("push", run=run["run"], key=run["key"], repo_name="helpdesk")
    assert pushed["verified"] is True
    repo = served_hub.repo("model", "ada/helpdesk")
    assert repo.private
    assert pushed["commit"] == repo.resolve().sha
    assert app.call("run_state", run=run["run"])["push"]["state"] == "done"


def test_card_and_report_tell_of_the_run_without_its_rows(app: App, run: dict[str, Any]) -> None:
    card, report = app.call("card", run=run["run"]), app.call("report", run=run["run"])
    preview = app.call("diagnose", source={"kind": "builtin", "id": "sample-triplet"})["preview"]
    texts = [text for row in preview for text in row.values()]
    for told in (card, report):
        assert "help desk" in told.lower() and not [text for text in texts if text in told]
    assert "SentenceTransformer(" in card and "@inproceedings{reimers-2019-sentence-bert" in card
    assert "| learning\\_rate | " in card and "Trained with Python 3." in card
    assert texts[0][:20] in app.call("card", run=run["run"], include_samples=True)


def test_a_run_goes_on_on_jobs_as_whom_the_token_names(
    app: App, served_hub: Hub, run: dict[str, Any]
) -> None:
    own = {"run": run["run"], "key": run["key"]}
    assert app.call("job_state", token=TOKEN, **own) is None
    asked = {"repo_name": "longer", "flavor": "t4-small", "minutes": 60}
    started = app.call("run_longer", token=TOKEN, **own, **asked)
    assert started["dollars"] == 0.6
    job = served_hub.store.jobs[started["id"]]
    assert job.spec["secrets"] == {"HF_TOKEN": TOKEN}
    job.stage, job.lines = "RUNNING", ["step 1"]
    state = app.call("job_state", token=TOKEN, **own)
    assert (state["stage"], state["log"]) == ("RUNNING", ["step 1"])
    with pytest.raises(Refused, match="owner key"):
        app.call("stop_job", run=run["run"], key="0" * 32)
    assert app.call("stop_job", token=TOKEN, **own)["stage"] == job.stage == "CANCELED"


def test_the_token_is_nowhere_below_the_data_folder(app: App, run: dict[str, Any]) -> None:
    for file in app.folder.rglob("*"):
        if file.is_file():
            assert TOKEN.encode() not in file.read_bytes(), file


def test_a_stop_keeps_what_was_learned(app: App) -> None:
    source = {"kind": "builtin", "id": "sample-pair"}
    started = app.call(
        "start_run", recipe={"source": source, "max_seconds": 200, "eval_steps": 500}
    )
    while not app.call("run_state", run=started["run"])["step"]:
        time.sleep(0.1)
    assert app.call("stop_run", run=started["run"], key=started["key"])["stopping"] is True
    end = app.until(started["run"], *ENDED)
    assert end["state"] == "stopped"
    assert end["report"]["n"] >= 100
    assert app.call("search", run=started["run"], query="printer", top_k=1)["tuned"]


@pytest.mark.slow
def test_two_runs_are_one_after_the_other_and_a_waiting_one_can_be_stopped(app: App) -> None:
    asked = {"max_steps": 3, "eval_steps": 3, "max_seconds": 5}
    recipe = {"source": {"kind": "builtin", "id": "sample-pair"}, **asked}
    first, second = (app.call("start_run", recipe=recipe) for _ in range(2))
    assert app.call("run_state", run=second["run"])["position"] in (1, 2)
    assert app.call("stop_run", run=second["run"], key=second["key"])["state"] == "stopped"
    assert app.until(first["run"], *ENDED)["state"] == "finished"
    app.call("delete_run", run=second["run"], key=second["key"])
    with pytest.raises(Refused, match="There is no run"):
        app.call("run_state", run=second["run"])


def test_only_the_owner_stops_deletes_and_pushes(app: App, run: dict[str, Any]) -> None:
    for name in ("stop_run", "delete_run"):
        with pytest.raises(Refused, match="owner key"):
            app.call(name, run=run["run"], key="0" * 32)
    with pytest.raises(Refused, match="owner key"):
        app.call("push", run=run["run"], key="0" * 32, repo_name="mine")


@pytest.mark.parametrize(
    ("name", "parameters", "says"),
    [
        ("diagnose", {"source": {"kind": "hub", "id": "nobody/nothing"}}, "nobody/nothing"),
        ("diagnose", {"source": {"kind": "upload", "id": "0" * 32}}, "[Uu]pload"),
        ("diagnose", {"source": {"kind": "disk", "id": "x"}}, "builtin"),
        ("diagnose", {"source": {"kind": "builtin", "id": "sample-9"}}, "sample-triplet"),
        ("diagnose", {"source": {}, "file": {"path": "/etc/hostname"}}, "[Uu]pload"),
        ("diagnose", {"source": {}, "file": {"path": "/etc"}}, "[Uu]pload"),
        ("start_run", {"recipe": {}}, "source"),
        ("start_run", {"recipe": {"source": {}, "outputs": "/"}}, "Allowed"),
        (
            "start_run",
            {
                "recipe": {
                    "source": {"kind": "builtin", "id": "sample-pair"},
                    "base_model": "nobody/no-model",
                }
            },
            "nobody/no-model",
        ),
        ("run_state", {"run": "../../etc/passwd"}, "32 hexadecimal"),
        ("search", {"run": "0" * 32, "query": "x", "top_k": 1}, "There is no run"),
        ("add_corpus", {}, "Give one of"),
        ("add_corpus", {"texts": []}, "no text"),
        ("add_corpus", {"file": {"path": "/etc/hostname"}}, "[Uu]pload"),
        ("add_corpus", {"source": {"kind": "builtin", "id": "sample-pair"}, "column": "x"}, "x"),
        ("embed_corpus", {"run": "0" * 32}, "There is no run"),
        ("changed", {"run": "nothing"}, "32 hexadecimal"),
        ("script", {"run": "0" * 32}, "There is no run"),
    ],
)
def test_a_mistake_is_answered_by_a_sentence_in_time(
    app: App, name: str, parameters: dict[str, Any], says: str
) -> None:
    started = time.monotonic()
    with pytest.raises(Refused, match=says):
        app.call(name, **parameters)
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("empty.csv", b""),
        ("one.csv", b"question,answer\nwhere,there\n"),
        ("numbers.csv", b"a,b\n" + b"1,2\n" * 50),
        ("noise.parquet", bytes(range(256)) * 20),
        ("page.pdf", b"%PDF-1.7 nothing"),
    ],
)
def test_a_file_that_will_not_do_is_explained(app: App, file: str, content: bytes) -> None:
    try:
        found = app.call("diagnose", source={}, file=app.upload(file, content))
    except Refused as refusal:
        assert len(str(refusal)) > 20
    else:
        assert [f for f in found["findings"] if f["level"] == "error"]


def test_a_bad_search_is_explained(app: App, run: dict[str, Any]) -> None:
    for parameters in (
        {"query": "", "top_k": 3},
        {"query": "x", "top_k": 0},
        {"query": "x", "scope": {"corpora": "x"}},
        {"query": "x", "scope": {"corpus": "../.."}},
        {"query": "x", "scope": {"left": "nobody/no-model"}},
        {"query": "x", "scope": {"right": "run:" + "0" * 32}},
        {"query": "x", "scope": {"relevant": True}},
    ):
        with pytest.raises(Refused):
            app.call("search", run=run["run"], **parameters)


def test_a_foreign_site_cannot_start_a_run(app: App) -> None:
    import urllib.error
    import urllib.request

    request = urllib.request.Request(
        f"{app.url}/gradio_api/call/v2/start_run",
        data=b"{}",
        headers={"origin": "https://evil.example", "content-type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=20)
    assert refusal.value.code == 403


@pytest.mark.slow
def test_the_app_stays_small_however_often_it_is_called(app: App, run: dict[str, Any]) -> None:
    for _ in range(1_100):  # each call is a session to Gradio, which keeps 1,000
        app.call("run_state", run=run["run"])
    assert app.memory() < 400


def test_a_restart_finds_the_runs_again(
    app: App, run: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    again = App(Path(app.folder))
    try:
        assert again.call("run_state", run=run["run"])["report"] == run["end"]["report"]
    finally:
        again.close()
