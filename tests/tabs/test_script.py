"""The script as the page hands it out: with the rows to their owner, without to who looks on."""

import zipfile
from pathlib import Path

import gradio as gr
import pytest

from ststudio.data.examples import Examples
from ststudio.tabs.script import download, script
from ststudio.tabs.session import Session
from tests.training.samples import examples_of
from tests.training.told import told


@pytest.fixture(scope="module")
def examples() -> Examples:
    return examples_of("triplet")


@pytest.fixture
def run_id(examples: Examples) -> str:
    from ststudio.runs.store import get_store

    return told(get_store().folder, examples).id


def test_the_owner_gets_the_rows_beside_the_script(run_id: str) -> None:
    own = Session().with_run(run_id, "k" * 32, "tickets")
    with zipfile.ZipFile(download(own)) as pack:
        names = set(pack.namelist())
        assert names == {"train.py", *(f"data/{part}.parquet" for part in ("train", "dev", "test"))}
        assert pack.read("train.py").decode() == script(run_id)


def test_who_only_looks_at_a_run_gets_the_script_without_its_rows(
    run_id: str, examples: Examples
) -> None:
    file = Path(download(Session(run=run_id)))
    assert file.name == "train.py"
    text = file.read_text(encoding="utf-8")
    assert text == script(run_id)
    rows = examples.train.to_pylist()
    assert not any(value in text for row in rows for value in row.values())


def test_without_a_run_there_is_a_sentence() -> None:
    with pytest.raises(gr.Error, match="Finish a run first"):
        download(Session())
