"""The API's documentation is true: the page's own, the README's table, and its example."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ststudio.tabs.documented import ENDPOINTS
from ststudio.ui import build_ui
from tests.conftest import TOKEN
from tests.hub.server import Hub
from tests.served import ROOT, App

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## Call it from a program", 1)[1]
ADDRESS = "http://127.0.0.1:7860"

Info = Mapping[str, Any]


@pytest.fixture(scope="module")
def named() -> Info:
    """What the app's own page of the API is made of, by endpoint."""
    found: Info = build_ui().get_api_info()["named_endpoints"]
    return found


def parameters(info: Info) -> list[str]:
    """Return an endpoint's parameters as the README writes them."""
    return [
        parameter["parameter_name"]
        + (
            f" = {json.dumps(parameter['parameter_default'])}"
            if parameter["parameter_has_default"]
            else ""
        )
        for parameter in info["parameters"]
    ]


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_apis_page_says_what_an_endpoint_does_takes_and_gives(name: str, named: Info) -> None:
    info = named[f"/{name}"]
    words, _, example = info["description"].partition(" For example: ")
    does, _, gives = words.partition(" Gives ")
    assert len(does) > 20 and does.endswith(".")
    assert gives == ENDPOINTS[name].gives + "."
    assert all(parameter["type"] for parameter in info["parameters"])
    given = set(json.loads(example))
    known = {parameter["parameter_name"] for parameter in info["parameters"]}
    needed = {p["parameter_name"] for p in info["parameters"] if not p["parameter_has_default"]}
    assert needed <= given <= known


def test_the_readmes_table_is_the_api(named: Info) -> None:
    rows = re.findall(r"^\| `/(\w+)` \| (.*?) \| (.*) \|$", SECTION, re.M)
    told = {name: (taken.strip("`"), gives) for name, taken, gives in rows}
    assert told == {
        name: (", ".join(parameters(named[f"/{name}"])) or "none", endpoint.gives)
        for name, endpoint in ENDPOINTS.items()
    }


@pytest.mark.slow
def test_the_readmes_example_runs_as_it_is(
    app: App, served_hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", SECTION.split("| endpoint |")[0], re.S)
    assert block.count(ADDRESS) == 1
    names: dict[str, Any] = {}

    exec(compile(block.replace(ADDRESS, app.url), "README.md", "exec"), names)

    said = capsys.readouterr().out
    assert "triplet {" in said and "on dev" in said and "95 % interval of the change: [" in said
    assert names["state"]["state"] == "finished" and len(names["hits"]["tuned"]) == 3
    assert names["pushed"]["verified"] is True
    assert served_hub.repo("model", "ada/helpdesk-minilm").private
    assert TOKEN not in said


def test_every_endpoint_is_offered_in_the_one_way_that_documents_it() -> None:
    for file in (Path(ROOT) / "ststudio" / "tabs").glob("*.py"):
        if file.name != "documented.py":
            assert "gr.api(" not in file.read_text(encoding="utf-8"), file
