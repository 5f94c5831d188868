"""Names that say a column numbers the rows, and names that only look so."""

import pytest

from ststudio.data.ids import names_an_id


@pytest.mark.parametrize(
    "name",
    "product_uid sku article-sku ASIN isbn QuestionID DocumentId PRODUCT_ID ID # № URL pairId "
    "doc.guid hash".split()
    + ["Ticket ID", "Created Date", "Unnamed: 0"],
)
def test_a_key_is_told_by_its_name(name: str) -> None:
    assert names_an_id(name)


@pytest.mark.parametrize(
    "name", ["Class Index", "Language", "Key", "covid", "is_valid", "text", "sky"]
)
def test_classes_and_words_that_end_alike_are_no_keys(name: str) -> None:
    assert not names_an_id(name)
