"""What is said of a map: true, and with every text of the data as text."""

from ststudio.compare.moved import Moved
from ststudio.tabs.map_story import moved_html, neighbours_html, trust_words

HOSTILE = "<img src=x onerror=alert(1)> & more"
POINTS = [
    {"id": "a", "text": HOSTILE, "group": "<b>g</b>"},
    {"id": "b", "text": "second", "group": "green"},
    {"id": "c", "text": "third", "group": ""},
]


def test_text_of_the_data_is_text() -> None:
    near = {"base": [(0, 0.9), (1, 0.5)], "tuned": [(0, 0.8), (2, 0.4)]}
    moved = [Moved(0, 1.5, "<i>x</i>", "green", 1, 2)]
    for page in (
        neighbours_html("about", near, POINTS),
        moved_html(moved, POINTS, "the class", True),
    ):
        assert "<img" not in page and "<b>g<" not in page and "<i>x" not in page
        assert "&lt;img" in page


def test_neighbours_say_who_leaves_who_is_new_and_who_stays() -> None:
    near = {"base": [(0, 0.9), (1, 0.5)], "tuned": [(0, 0.8), (2, 0.4)]}
    page = neighbours_html("x", near, POINTS)
    before, after = page.split('class="hits tuned"')
    assert "1 of 2 stay" in before
    assert before.count("leaves") == 1 and after.count("new") == 1
    assert "0.900" in before and "0.400" in after
    assert 'data-row="2"' in after and 'data-row="1"' in before


def test_a_moved_text_says_from_whom_to_whom_and_what_it_kept() -> None:
    moved = [
        Moved(1, 2.0, "red", "green", 3, 10),
        Moved(2, 1.0, "red", "red", 9, 10),
        Moved(2, 0.5, "", "", 9, 10),
    ]
    page = moved_html(moved, POINTS, "the class", True)
    assert "from among <b>red</b> to <b>green</b>; its cosines changed by 2.00" in page
    assert "it keeps 3 of its 10 nearest" in page
    assert "stays among <b>red</b>" in page
    assert "among texts without a name" in page
    assert page.index("second") < page.index("third")


def test_where_nothing_moved_nothing_is_listed() -> None:
    assert "No text moved" in moved_html([], POINTS, "the class", True)


def test_trust_is_said_with_its_scale_and_its_caveat() -> None:
    measures = {
        "trustworthiness_base": 0.81,
        "trustworthiness_tuned": 0.9,
        "neighbour_overlap": 0.423,
    }
    words = trust_words(measures, "Mind the gaps.")
    for part in ("0.81", "0.90", "42 %", "1.00", "0.50", "Mind the gaps."):
        assert part in words
