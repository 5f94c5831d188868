"""The page is wired as its handlers expect, and serves every endpoint of the contract."""

import warnings

from ststudio.runs.store import get_store
from ststudio.tabs.documented import ENDPOINTS
from ststudio.tabs.session import Session
from ststudio.ui import build_ui, keep


def test_the_page_is_built_without_a_warning_and_offers_the_endpoints() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # Gradio warns of a wrong number of inputs
        page = build_ui()
    named = page.get_api_info()["named_endpoints"]
    assert set(named) == {f"/{name}" for name in ENDPOINTS}
    searched = [parameter["parameter_name"] for parameter in named["/search"]["parameters"]]
    assert searched == ["run", "query", "top_k", "scope"]
    pushed = [parameter["parameter_name"] for parameter in named["/push"]["parameters"]]
    assert pushed == ["run", "key", "repo_name", "private", "include_samples"]


def test_the_browser_forgets_no_run_that_a_slower_click_did_not_know_of() -> None:
    run, key = get_store().create({}, {"title": "pairs"})
    gone = {"run": "0" * 32, "key": "k", "title": "deleted since"}
    before = keep(Session().with_run(run.id, key, "pairs"), None)
    later = keep(Session(base_model="a/b"), {**before, "runs": [*before["runs"], gone]})
    assert [kept["key"] for kept in later["runs"]] == [key]
