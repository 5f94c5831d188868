"""The way a visitor goes: data, fine-tune, compare, push; and what a reload brings back."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.hub.server import Hub
from tests.served import App

LONG = 180_000  # ms: training and measuring on a busy machine


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def pick_sample(page: Page, case: str) -> None:
    page.get_by_label(case).click()
    expect(page.locator("#story")).to_contain_text(case)


def set_seconds(page: Page, seconds: int) -> None:
    tab(page, "Fine-tune")
    box = page.get_by_role("spinbutton", name=re.compile("Training seconds")).first
    box.fill(str(seconds))
    box.blur()


def start(page: Page) -> None:
    tab(page, "Fine-tune")
    button = page.locator("#go")
    expect(button).to_be_enabled()
    button.click()
    expect(page.locator(".progress")).to_be_visible()


def test_another_dataset_brings_its_own_losses_and_no_error(page: Page) -> None:
    loss = page.locator("#loss input")
    for case, default in (("Case 2 ·", "MultipleNegatives"), ("Case 1", "CoSENT")):
        tab(page, "Data")
        pick_sample(page, case)
        page.wait_for_timeout(1_500)  # an error would stand there for some seconds
        expect(page.locator(".toast-body")).to_have_count(0, timeout=1)
        tab(page, "Fine-tune")
        expect(loss).to_have_value(re.compile(f"^{default}.*default"))
    loss.fill("HingeLoss")
    loss.press("Enter")
    page.locator("#go").click()
    expect(page.locator(".toast-body")).to_contain_text("'HingeLoss' is no loss for this data")


def test_the_whole_way_and_a_reload_in_mid_training(page: Page, served_hub: Hub) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    pick_sample(page, "Case 4 · Triplets")
    expect(page.locator("#preview tbody tr")).to_have_count(5)
    assert page.locator("#preview th span").all_text_contents() == [
        "anchor",
        "positive",
        "negative",
    ]

    set_seconds(page, 8)
    start(page)
    expect(page.locator("#progress")).to_contain_text(re.compile(r"step \d+"), timeout=LONG)
    page.reload()
    tab(page, "Fine-tune")
    expect(page.locator("#progress")).to_contain_text(re.compile("step|easuring|Finished"))
    expect(page.locator("#progress")).to_contain_text("Finished", timeout=LONG)
    expect(page.locator("#verdict")).to_contain_text("held-out")
    expect(page.locator("#curve .main-svg").first).to_be_visible()

    tab(page, "Compare")
    query = page.locator("#query input")
    query.fill("my lamp is gone")
    query.press("Enter")
    expect(page.locator(".hits.base li")).to_have_count(8)
    expect(page.locator(".hits.tuned li")).to_have_count(8)
    expect(page.locator("#map .js-plotly-plot")).to_be_visible()

    page.get_by_role("button", name="Next: Push", exact=True).click()
    expect(page.get_by_text("Signed in as")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the model (zip)", exact=True).click()
    with zipfile.ZipFile(download.value.path()) as pack:
        assert {"README.md", "model.safetensors"} <= set(pack.namelist())
    page.get_by_text("The card as it will be").click()
    expect(page.locator("#card-read")).to_contain_text('SentenceTransformer("ada/')
    name = page.get_by_label("Repository")
    name.fill("from-the-page")
    page.get_by_role("button", name="Push to the Hub", exact=True).click()
    expect(page.locator("#push-state")).to_contain_text("same vectors", timeout=LONG)
    assert served_hub.repo("model", "ada/from-the-page").private

    assert problems == []


@pytest.mark.slow
def test_a_longer_run_is_followed_and_cancelled(page: Page, served_hub: Hub) -> None:
    pick_sample(page, "Case 4 · Triplets")
    set_seconds(page, 4)
    start(page)
    expect(page.locator("#progress")).to_contain_text("Finished", timeout=LONG)
    tab(page, "Push")
    page.get_by_text("Run it longer", exact=True).click()
    expect(page.locator("#longer")).to_contain_text("At most $0.60: 60 minutes of T4 small")
    expect(page.locator("#longer")).to_contain_text("rows are pushed first")
    page.get_by_label("Where its model goes").fill("longer")
    page.get_by_role("button", name="Start the job", exact=True).click()
    expect(page.locator("#job-state")).to_contain_text("Waiting for a machine", timeout=LONG)
    (job,) = served_hub.store.jobs.values()
    job.stage, job.lines = "RUNNING", ["step 1 of 100"]
    expect(page.locator("#longer")).to_contain_text("step 1 of 100", timeout=LONG)
    page.get_by_role("button", name="Cancel the job", exact=True).click()
    expect(page.locator("#job-state")).to_contain_text("Cancelled")
    assert job.stage == "CANCELED" and served_hub.repo("dataset", "ada/longer-data").private


def test_another_browser_sees_a_shared_run_and_none_of_the_owners_buttons(
    page: Page, app: App, served_run: dict[str, Any]
) -> None:
    page.goto(f"{app.url}/?run={served_run['run']}")
    expect(page.get_by_role("tab", name="Fine-tune", exact=True)).to_have_attribute(
        "aria-selected", "true"
    )
    expect(page.locator("#verdict")).to_contain_text("held-out")
    expect(page.locator("#halt")).to_be_hidden()
    tab(page, "Push")
    expect(page.get_by_role("button", name="Download the model (zip)")).to_be_visible()
    expect(page.get_by_role("button", name="Push to the Hub")).to_be_hidden()
    expect(page.get_by_text("Delete this run")).to_be_hidden()


@pytest.mark.slow
def test_stop_keeps_what_was_learned(page: Page) -> None:
    pick_sample(page, "Case 2 · Pairs of positives")
    set_seconds(page, 200)
    start(page)
    expect(page.locator("#progress")).to_contain_text(re.compile(r"step \d+"), timeout=LONG)
    page.locator("#halt").click()
    expect(page.locator("#progress")).to_contain_text("kept", timeout=LONG)
    expect(page.locator("#verdict")).to_contain_text("held-out")


def test_a_file_is_read_mended_by_one_click_and_made_ready(page: Page, tmp_path: Path) -> None:
    rows = [f"how do I reset item {n},press button {n} twice,{n % 6}" for n in range(120)]
    file = tmp_path / "scores.csv"
    file.write_text("\n".join(["sentence1,sentence2,score", *rows]))
    page.get_by_role("tab", name="My file").click()
    page.locator("input[type=file]").set_input_files(file)
    expect(page.locator("#story")).to_contain_text("Case 1")
    fix = page.get_by_role("button", name=re.compile("Scale the scores"))
    fix.click()
    expect(page.locator(".finding.done")).to_be_visible()
    expect(page.locator(".finding.error")).to_have_count(0)
    tab(page, "Fine-tune")
    expect(page.locator("#go")).to_be_enabled()


@pytest.mark.slow
def test_pasted_rows_are_assigned_mended_undone_and_taken_home(page: Page) -> None:
    rows = [f"press button {n} twice\thow do I reset item {n}?\t{n % 6}" for n in range(90)]
    page.get_by_role("tab", name="Paste", exact=True).click()
    page.get_by_label("Rows").fill("\n".join(["text1\ttext2\tscore", *rows]))
    page.get_by_role("button", name="Read these rows", exact=True).click()
    expect(page.locator("#story")).to_contain_text("Case 1")
    expect(page.get_by_role("button", name="Next: Fine-tune", exact=True)).to_be_hidden()
    page.get_by_role("button", name=re.compile("Scale the scores")).click()
    expect(page.get_by_role("button", name="Next: Fine-tune", exact=True)).to_be_visible()

    page.get_by_text("Read it differently").click()
    page.get_by_label("Sentence1 is the column").click()
    page.get_by_role("option", name="text2", exact=True).click()
    expect(page.locator("#preview td").first).to_contain_text("how do I reset item 0?")
    page.get_by_text("Train, dev and test", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the three parts as Parquet").click()
    with zipfile.ZipFile(download.value.path()) as pack:
        assert pack.namelist() == ["train.parquet", "dev.parquet", "test.parquet"]

    page.get_by_role("button", name="Undo", exact=True).first.click()
    expect(page.locator(".finding.error")).to_contain_text("Scores run from 0 to 5")
    expect(page.get_by_role("button", name="Next: Fine-tune", exact=True)).to_be_hidden()

    page.reload()  # the rows come back, and with them what was decided
    expect(page.locator("#preview td").first).to_contain_text("how do I reset item 0?")
    expect(page.locator(".finding.error")).to_contain_text("Scores run from 0 to 5")


def test_a_hub_dataset_is_listed_before_it_is_read(
    page: Page, served_hub: Hub, tmp_path: Path
) -> None:
    for subset in ("easy", "hard"):
        (tmp_path / subset).mkdir()
        rows = [
            {"question": f"how is {subset} item {n} opened?", "answer": f"turn handle {n} twice"}
            for n in range(90)
        ]
        text = "\n".join(map(json.dumps, rows))
        (tmp_path / subset / "train.jsonl").write_text(text)
    served_hub.add_repo("dataset", "ada/handles", tmp_path)
    page.get_by_role("tab", name="Hub", exact=True).click()
    box = page.get_by_label("Dataset", exact=True)
    box.fill("ada/handles")
    box.press("Enter")
    expect(page.get_by_text("Nothing is downloaded yet")).to_be_visible()
    page.get_by_label("Subset").click()
    page.get_by_role("option", name=re.compile("hard")).click()
    page.get_by_role("button", name="Look at it", exact=True).click()
    expect(page.locator("#preview td").first).to_contain_text("how is hard item 0 opened?")
    expect(page.locator("#story")).to_contain_text("Case 2")
    expect(page.locator("#lengths .main-svg").first).to_be_visible()


def test_a_mistake_is_told_where_it_is_made_and_the_page_lives_on(page: Page) -> None:
    page.get_by_role("tab", name="Hub", exact=True).click()
    box = page.get_by_label("Dataset", exact=True)
    box.fill("nobody/nothing")
    box.press("Enter")
    page.get_by_role("button", name="Look at it", exact=True).click()
    expect(page.get_by_text("nobody/nothing").first).to_be_visible()
    page.get_by_role("tab", name="Sample", exact=True).click()
    pick_sample(page, "Case 3 · Texts with a class")


def test_text_of_the_data_is_text(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "hostile.csv"
    rows = [f"<img src=x onerror=alert({n})> question {n},**answer** {n}" for n in range(60)]
    file.write_text("\n".join(["question,answer", *rows]))
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.get_by_role("tab", name="My file").click()
    page.locator("input[type=file]").set_input_files(file)
    expect(page.locator("#preview td").first).to_contain_text("<img src=x")
    assert page.locator("#preview img").count() == 0
    assert dialogs == []


@pytest.mark.slow
def test_a_race_is_run_and_its_winner_used(page: Page) -> None:
    pick_sample(page, "Case 4 · Triplets")
    tab(page, "Fine-tune")
    expect(page.locator("#estimate")).to_contain_text("until the report", timeout=LONG)
    page.get_by_text("Race losses or models").click()
    for name in ("CachedMultipleNegatives", "GISTEmbed"):
        page.locator("#race-losses").get_by_label(name).uncheck()
    box = page.get_by_role("spinbutton", name=re.compile("Seconds for each")).first
    box.fill("5")
    box.blur()
    page.locator("#race-go").click()
    expect(page.locator("#progress")).to_contain_text(
        "Racing 2 of 2: TripletLoss: step", timeout=LONG
    )
    expect(page.locator("#race-plot .main-svg").first).to_be_visible()
    expect(page.locator("#race-words")).to_contain_text("won on dev", timeout=LONG)
    expect(page.locator("#verdict")).to_contain_text("held-out", timeout=LONG)
    page.locator("#race-use").click()
    won = page.locator("#race-words h3").inner_text().removesuffix(" won on dev")
    expect(page.get_by_label("Loss", exact=True)).to_have_value(re.compile(f"^{won}"))
