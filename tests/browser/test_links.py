"""What a link brings up in a browser that was never here: a recipe, a model, or a sentence."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_page import LONG, tab
from tests.hub.server import Hub
from tests.served import App


def selected(page: Page, name: str) -> None:
    expect(page.get_by_role("tab", name=name, exact=True)).to_have_attribute(
        "aria-selected", "true"
    )


@pytest.mark.slow
def test_a_recipe_sets_the_page_up_and_what_is_changed_since_outlives_a_reload(
    page: Page, app: App, served_run: dict[str, Any]
) -> None:
    page.goto(f"{app.url}/?recipe={served_run['run']}")
    selected(page, "Fine-tune")
    expect(page.locator("#notice")).to_contain_text("Set up by the recipe of run")
    expect(page.get_by_label("Training seconds").first).to_have_value("10")
    expect(page.locator("#estimate")).to_contain_text(re.compile(r"in 1?\d s, then"))  # not 40
    expect(page.locator("#go")).to_be_enabled()
    expect(page.get_by_text("Done: train with")).not_to_have_count(0)
    rows = page.get_by_label("Batch size")
    rows.fill("20")
    rows.blur()
    expect(page.get_by_text("Done: train in batches")).to_have_count(0)
    page.reload()
    selected(page, "Fine-tune")
    expect(page.locator("#go")).to_be_enabled()
    expect(page.get_by_text("Done: train with")).not_to_have_count(0)
    expect(page.get_by_text("Done: train in batches")).to_have_count(0)


@pytest.mark.slow
def test_a_link_to_a_run_that_is_gone_is_explained_on_a_page_that_works(
    page: Page, app: App
) -> None:
    page.goto(f"{app.url}/?run={'0' * 32}")
    expect(page.locator("#notice")).to_contain_text("The run of this link is not here")
    selected(page, "Data")
    page.get_by_label("Case 2 · Pairs of positives").click()
    expect(page.locator("#story")).to_contain_text("Case 2")


@pytest.mark.slow
def test_a_pushed_model_is_opened_from_the_hub_and_searched_beside_its_base(
    page: Page, app: App, served_hub: Hub, served_run: dict[str, Any]
) -> None:
    wish = {"repo_name": "opened-again", "private": False}
    app.call("push", run=served_run["run"], key=served_run["key"], **wish)
    page.goto(f"{app.url}/?model=ada/opened-again")
    expect(page.get_by_role("heading", name="ada/opened-again")).to_be_visible(timeout=LONG)
    selected(page, "Compare")
    expect(page.get_by_text(re.compile("held-out"))).not_to_have_count(0)
    expect(page.get_by_text("General English").first).to_be_visible()
    expect(page.locator("#map-query")).to_be_hidden()
    page.locator("#lines textarea").fill(
        "The lamp in room 7 is broken\nBadges are renewed at desk 2"
    )
    page.locator("#use-lines").click()
    query = page.locator("#query input")
    query.fill("my light is gone")
    expect(page.locator(".hits.base li")).to_have_count(2, timeout=LONG)
    expect(page.locator(".hits.tuned li")).to_have_count(2, timeout=LONG)
    tab(page, "Push")
    expect(page.get_by_text("On the Hub already")).to_be_visible()
    expect(page.locator("#share-link input, #share-link textarea")).to_have_value(
        f"{app.url}/?model=ada/opened-again"
    )
    expect(page.get_by_role("button", name="Push to the Hub")).to_be_hidden()
    page.goto(f"{app.url}/?model=ada/nothing-there")
    expect(page.locator("#notice")).to_contain_text("no such thing", timeout=LONG)
