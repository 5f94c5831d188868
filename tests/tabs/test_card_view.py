"""The card before the push: as it will be, and without a row that nobody asked to show."""

from __future__ import annotations

from pathlib import Path

import pytest

from ststudio.runs.store import get_store
from ststudio.settings import get_settings
from ststudio.tabs.card_view import card_text, download_report, redraw, report_text, views
from ststudio.tabs.session import Session
from tests.push.conftest import FACTS, RECIPE, REPORT


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A page that shows a run of its own."""
    monkeypatch.setenv("STSTUDIO_DATA", str(tmp_path))
    get_settings.cache_clear()
    run, key = get_store().create(RECIPE, FACTS)
    run.write("report", REPORT)
    return Session().with_run(run.id, key, "Tickets")


def test_the_card_is_shown_as_people_read_it_beside_its_whole_text(session: Session) -> None:
    read, text = views(get_store().open(session.run or ""), "tickets")
    assert read.startswith("# all-MiniLM-L6-v2 fine-tuned on Help desk")
    assert text.startswith("---\nbase_model:") and text.endswith(read)
    assert 'SentenceTransformer("you/tickets")' in read


def test_rows_are_shown_when_the_box_is_ticked(session: Session) -> None:
    assert "secret row" not in "".join(redraw(session, None, "tickets", False))
    assert all("secret row" in shown for shown in redraw(session, None, "tickets", True))
    assert redraw(Session(), None, "tickets", True) == ("", "")


def test_a_name_that_is_none_stays_out_of_the_card(session: Session) -> None:
    read, _ = redraw(session, None, '"); import os; ("', False)
    assert 'SentenceTransformer("path/to/this/folder")' in read and "import os" not in read


def test_programs_get_the_same_card_and_report(session: Session) -> None:
    run = session.run or ""
    assert card_text(run, repo_id="ada/x") == redraw(session, "ada", "x", False)[1]
    assert "secret row" not in card_text(run, include_samples="yes")  # type: ignore[arg-type]
    assert report_text(run).startswith("<!doctype html>")


def test_a_report_is_offered_once_there_is_a_model(session: Session) -> None:
    with pytest.raises(Exception, match="no report yet"):
        download_report(session)
    run = get_store().open(session.run or "")
    run.model_dir.mkdir()
    run.embeddings_dir.mkdir()
    (run.embeddings_dir / "tuned.npy").touch()
    file = Path(download_report(session))
    assert file.name == "report.html" and "Fine-tuning helped" in file.read_text(encoding="utf-8")
    assert run.path not in file.parents
