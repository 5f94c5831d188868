"""The map in a real browser: it is there by itself, moves, and answers clicks and keys."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.served import App

PLACES = """() => document.querySelector('#map-plot .js-plotly-plot').data
  .filter((trace) => trace.customdata).map((trace) => [...trace.x].slice(0, 9))"""
STAR = """() => document.querySelector('#map-plot .js-plotly-plot')
  .data.at(-1).marker.symbol === 'star'"""
# Where on the screen a dot is, by the plot's own axes.
DOT = """() => {
  const plot = document.querySelector('#map-plot .js-plotly-plot');
  const { xaxis, yaxis } = plot._fullLayout, trace = plot._fullData[0];
  const frame = plot.querySelector('.nsewdrag').getBoundingClientRect();
  return [frame.x + xaxis.d2p(trace.x[0]), frame.y + yaxis.d2p(trace.y[0])];
}"""


@pytest.fixture
def compare(page: Page, app: App, served_run: dict[str, Any]) -> Page:
    page.goto(f"{app.url}/?run={served_run['run']}")
    expect(page.locator("#verdict")).to_contain_text("held-out")
    page.get_by_role("tab", name="Compare", exact=True).click()
    expect(page.locator("#map-plot .js-plotly-plot")).to_be_visible()
    expect(page.locator("#map-words")).to_contain_text("trustworthiness")
    return page


def test_the_map_is_there_by_itself_and_moves_by_key_and_by_button(compare: Page) -> None:
    slider = compare.get_by_role("slider", name=re.compile("From before"))
    compare.wait_for_function("() => document.querySelector('#map output').innerText")
    before = compare.evaluate(PLACES)
    slider.focus()
    slider.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "after: the fine-tuned model")
    compare.wait_for_timeout(300)
    after = compare.evaluate(PLACES)
    assert after != before
    slider.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("99 %"))
    compare.get_by_role("button", name="Before", exact=True).click()
    expect(slider).to_have_attribute("aria-valuetext", "before: the base model")
    compare.wait_for_timeout(300)
    assert compare.evaluate(PLACES) == before


@pytest.mark.slow
def test_a_click_on_a_dot_shows_its_neighbours_and_so_do_the_lists_and_the_keyboard(
    compare: Page,
) -> None:
    near = compare.locator("#map-near")
    compare.locator("#map-plot").scroll_into_view_if_needed()
    dot = compare.evaluate(DOT)
    compare.mouse.move(dot[0] - 3, dot[1])
    compare.mouse.move(*dot)
    expect(compare.locator("#map-plot .hoverlayer .hovertext")).to_be_visible()
    compare.mouse.click(*dot)
    expect(near.locator(".hits.base li")).to_have_count(10)
    expect(near.locator(".hits.tuned li")).to_have_count(10)
    about = near.locator("p b").first.inner_text()

    compare.get_by_role("button", name=re.compile("texts that moved most")).click()
    entry = compare.locator("#map-moved button[data-row]").first
    text = entry.inner_text()
    entry.focus()
    entry.press("Enter")
    expect(near.locator("p b").first).to_contain_text(text[:40])
    assert about

    box = compare.locator("#map-find input, #map-find textarea").first
    box.fill("lamp")
    box.press("Enter")
    expect(near.locator("p b").first).to_contain_text(re.compile("lamp", re.I))
    box.fill("no text holds these words")
    box.press("Enter")
    expect(compare.get_by_text("Try fewer words").first).to_be_visible()


@pytest.mark.slow
def test_a_query_is_drawn_in_with_its_neighbours_and_colours_the_map(compare: Page) -> None:
    box = compare.locator("#map-query input, #map-query textarea").first
    box.fill("my lamp is gone")
    box.press("Enter")
    near = compare.locator("#map-near")
    expect(near).to_contain_text("my lamp is gone")
    expect(near.locator(".hits.tuned li")).to_have_count(10)
    expect(compare.get_by_label("Search score")).to_be_checked()
    compare.wait_for_function(
        "() => document.querySelector('#map-plot .js-plotly-plot').data.length === 6"
    )
    compare.get_by_label("Clusters after").click()
    expect(compare.locator("#map .legend button").first).to_be_visible()
    compare.wait_for_function(STAR)  # the query stays


@pytest.mark.slow
def test_a_slow_map_can_be_stopped_and_the_one_before_stays(compare: Page) -> None:
    compare.get_by_label("UMAP").click()
    expect(compare.locator("#map-status")).to_contain_text("UMAP:")
    compare.get_by_role("button", name=re.compile("Stop, and keep")).click()
    expect(compare.locator("#map-status")).to_be_hidden()
    expect(compare.get_by_label("PCA (at once)")).to_be_checked()
    expect(compare.locator("#map-plot .js-plotly-plot")).to_be_visible()
