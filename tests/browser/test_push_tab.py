"""The Push tab in a real browser: the card as it will be, whatever the data holds; a longer run."""

import secrets
import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from ststudio.runs.run import Run
from tests.hub.server import Hub
from tests.served import App

HOSTILE = (
    "<img src=x onerror=window.owned=1><script>window.owned=1</script> [x](javascript:alert(1)) "
    "</details><svg onload=window.owned=1> ![x](http://127.0.0.1:9/p.png) "
    "$$\\href{javascript:x}{y}$$"
)


def hostile_copy(app: App, run: str) -> Run:
    """Lay a run beside another one, with facts that would be markup if anything let them."""
    source = app.folder / "runs" / run
    copy = Run(Path(shutil.copytree(source, source.with_name(secrets.token_hex(16)))))
    (copy.path / "push.json").unlink(missing_ok=True)
    facts = copy.facts
    copy.update_facts(
        title=HOSTILE,
        licence=HOSTILE,
        notes=[HOSTILE],
        preview=[{HOSTILE: HOSTILE}],
        made={**facts["made"], "modules": HOSTILE, "prompts": {"query": HOSTILE}},
    )
    return copy


def test_a_hostile_dataset_is_text_in_the_card_that_is_shown(
    page: Page, app: App, served_hub: Hub, served_run: dict[str, Any]
) -> None:
    run = hostile_copy(app, served_run["run"])
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{app.url}/?run={run.id}")
    expect(page.locator("#verdict")).to_contain_text("held-out")  # where a link lands
    page.get_by_role("tab", name="Push", exact=True).click()
    page.get_by_text("The card as it will be").click()
    card = page.locator("#card-read")
    expect(card.get_by_role("heading", level=1)).to_contain_text("<img src=x onerror")

    assert page.evaluate("window.owned") is None
    assert card.locator("script, img, svg[onload], iframe").count() == 0
    links = card.locator("a").evaluate_all("all => all.map(one => one.href)")
    assert links and all(link.startswith(("https://", served_hub.url)) for link in links), links
    assert not [url for url in asked if "127.0.0.1:9" in url or url.endswith("/x")]

    with page.expect_download() as download:
        page.get_by_role("button", name="Download the report (html)").click()
    file = Path(download.value.path())
    report = page.context.new_page()
    report.set_content(file.read_text(encoding="utf-8"))
    expect(report.get_by_role("heading", level=1)).to_contain_text("<img src=x onerror")
    assert report.evaluate("window.owned") is None
    assert report.locator("script, img, a").count() == 0
    shutil.rmtree(run.path)
