"""A model is put together on the page: drawn as it is chosen, refused where it cannot be."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_page import pick_sample, tab


@pytest.mark.slow
def test_layers_are_drawn_as_they_are_chosen_and_refused_in_their_place(page: Page) -> None:
    pick_sample(page, "Case 4 · Triplets")
    tab(page, "Fine-tune")
    page.get_by_text("Build a model from zero").click()
    drawing, rate = page.locator("#layers"), page.get_by_label("Learning rate").first
    expect(rate).to_have_value("0.0001")
    page.locator("#start").get_by_text("From zero: a small Transformer").click()
    expect(drawing.locator("li")).to_have_count(3)
    expect(drawing).to_contain_text("4.4 million weights in all")
    expect(rate).to_have_value("0.0005")
    page.locator("#behind").get_by_label("CNN").click()
    expect(drawing.locator("li")).to_have_count(4)
    page.get_by_label("kernel sizes, odd").fill("2, 4")
    expect(drawing).to_contain_text("kernel_sizes = [2, 4] of CNN is not allowed")
    page.locator("#start").get_by_text("The base model as it is").click()
    expect(drawing.locator("li")).to_have_count(0)
    expect(rate).to_have_value("0.0001")
    page.locator("#lora").get_by_label("LoRA").click()
    expect(rate).to_have_value("0.001")
