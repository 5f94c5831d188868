"""Signing in by the Hub's OAuth, as on a Space: with TLS, in a real browser, there and back."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.test_page import LONG, pick_sample, set_seconds, start, tab
from tests.hub.server import Hub
from tests.served import App
from tests.tls import TlsProxy

SPACE, ADA = "ada/studio", "hf_oauth_ada_loopback"
CLIENT, SECRET = "client-of-the-space", "secret-of-the-space"


class Space:
    """The app as it runs on a Space: behind TLS, known to the Hub, with a folder that stays."""

    def __init__(self, hub: Hub, proxy: TlsProxy, folder: Path) -> None:
        self.hub, self.proxy, self.folder = hub, proxy, folder
        self.environment = {
            "SYSTEM": "spaces",
            "SPACE_ID": SPACE,
            "SPACE_HOST": proxy.host,
            "OAUTH_CLIENT_ID": CLIENT,
            "OAUTH_CLIENT_SECRET": SECRET,
            "OAUTH_SCOPES": "openid profile contribute-repos",
            "OPENID_PROVIDER_URL": hub.url,
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": "hf_of_the_spaces_owner",  # never anybody else's
            "STSTUDIO_HOST": "127.0.0.1",
        }
        self.app = self._start()

    def _start(self) -> App:
        app = App(self.folder, self.environment)
        self.proxy.app_port = app.port
        return app

    def restart(self) -> None:
        """Start the app anew on the same folder."""
        self.app.close()
        self.app = self._start()


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    with Hub() as hub, TlsProxy(tmp_path_factory.mktemp("tls")) as proxy:
        hub.add_user("ada", ADA, role="oauth", orgs={"acme": "write", "lookers": "read"})
        hub.add_space(SPACE, proxy.url, CLIENT, SECRET)
        space = Space(hub, proxy, tmp_path_factory.mktemp("space"))
        yield space
        space.app.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    yield from _someone(browser)


@pytest.fixture
def colleague(browser: Browser) -> Iterator[BrowserContext]:
    yield from _someone(browser)


def _someone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, ignore_https_errors=True)
    context.set_default_timeout(60_000)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context
    context.close()


def sign_in(page: Page, button: str) -> None:
    """Press a button, allow the app what it asks for, and be back."""
    page.locator(button).click()
    expect(page.get_by_role("heading", name=f"{CLIENT} wants to")).to_be_visible()
    expect(page.get_by_text("contribute-repos")).to_be_visible()
    page.get_by_role("button", name="Authorize as ada").click()
    expect(page.locator("#sign-in")).to_contain_text("Sign out (ada)")


@pytest.mark.slow
def test_who_signs_in_comes_back_to_the_run_pushes_it_and_signs_out(
    space: Space, visitor: BrowserContext, colleague: BrowserContext
) -> None:
    page = visitor.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{space.proxy.url}/?__theme=dark&lang=en")
    expect(page.locator("#duplicate")).to_be_visible(timeout=LONG)
    pick_sample(page, "Case 4 · Triplets")
    set_seconds(page, 8)
    start(page)
    expect(page.locator("#progress")).to_contain_text("Finished", timeout=LONG)

    # Signed out: nothing can be pushed, and the page says how it could.
    tab(page, "Push")
    expect(page.locator("#account-words")).to_contain_text("sign-in at the top of this page")
    expect(page.locator("#owner")).to_be_hidden()
    expect(page.get_by_role("button", name="Push to the Hub", exact=True)).to_be_disabled()

    # There and back: the same tab, run and data, the address as it was.
    sign_in(page, "#sign-in-here")
    assert page.url == f"{space.proxy.url}/?__theme=dark&lang=en"
    expect(page.get_by_role("tab", name="Push", exact=True)).to_have_attribute(
        "aria-selected", "true"
    )
    expect(page.locator("#account-words")).to_contain_text("Signed in as ada")
    expect(page.locator("#account-words")).to_contain_text("ada, acme")
    expect(page.locator("#sign-in-here")).to_be_hidden()
    tab(page, "Data")
    expect(page.locator("#story")).to_contain_text("Case 4")
    tab(page, "Push")

    # An organisation is chosen, never assumed.
    owner = page.locator("#owner input")
    expect(owner).to_have_value("ada")
    owner.click()
    page.get_by_role("option", name="acme", exact=True).click()
    page.get_by_label("Repository").fill("from-a-space")
    page.get_by_role("button", name="Push to the Hub", exact=True).click()
    expect(page.locator("#push-state")).to_contain_text("same vectors", timeout=LONG)
    assert space.hub.repo("model", "acme/from-a-space").private

    # The link, copied as a colleague gets it.
    page.locator("#copy-share-link").click()
    expect(page.locator("#copied")).to_have_text("Copied")
    expect(page.locator("#copy-share-link")).to_have_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(rf"{space.hub.url}/spaces/{SPACE}\?run=[0-9a-f]{{32}}", link)
    page.locator("#copy-model-link").click()
    expect(page.locator("#model-link input, #model-link textarea")).to_have_value(
        f"{space.hub.url}/spaces/{SPACE}?model=acme/from-a-space"
    )

    page.locator("#sign-in").click()
    expect(page.locator("#sign-in")).to_contain_text("Sign in with Hugging Face")
    expect(page.locator("#account-words")).to_contain_text("sign-in at the top of this page")
    assert problems == []

    # The link outlives a restart where the folder does, and lets nobody do what is the owner's.
    space.restart()
    other = colleague.new_page()
    other.goto(link)
    expect(other.locator("#notice")).to_contain_text("shared with you")
    expect(other.locator("#verdict")).to_contain_text("held-out")
    expect(other.locator("#halt")).to_be_hidden()
    tab(other, "Compare")
    query = other.locator("#query input")
    query.fill("my lamp is gone")
    expect(other.locator(".hits.tuned li")).to_have_count(8)
    tab(other, "Push")
    expect(other.get_by_role("button", name="Push to the Hub")).to_be_hidden()
    expect(other.get_by_text("Delete this run")).to_be_hidden()
    sign_in(other, "#sign-in")
    tab(other, "Push")
    expect(other.get_by_role("button", name="Push to the Hub")).to_be_hidden()
    run = link.rpartition("=")[2]
    for handler in ("stop_run", "delete_run"):
        assert "owner key" in refused(other, handler, {"run": run, "key": ""})
    wish = {"run": run, "key": "0" * 32, "repo_name": "theirs"}
    assert "owner key" in refused(other, "push", wish)

    told = space.app.log.read_text()
    for secret in (ADA, SECRET, "hf_of_the_spaces_owner"):
        assert secret not in told
        for file in space.folder.rglob("*"):
            if file.is_file():
                assert secret.encode() not in file.read_bytes(), file


def refused(page: Page, name: str, parameters: dict[str, str]) -> str:
    """Call an endpoint from inside the page, with its cookie, and return what it says."""
    code = """async ([name, parameters]) => {
      const post = {method: 'POST', headers: {'content-type': 'application/json'},
                    body: JSON.stringify(parameters)};
      const asked = await fetch(`/gradio_api/call/v2/${name}`, post);
      const {event_id} = await asked.json();
      return await (await fetch(`/gradio_api/call/${name}/${event_id}`)).text();
    }"""
    answer = str(page.evaluate(code, [name, parameters]))
    assert "event: error" in answer
    return answer
