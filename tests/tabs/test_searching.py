"""Search on the page: what hits look like, and what is said where there are none."""

from ststudio.tabs.changed import shown
from ststudio.tabs.hits import hits_html, movement, said
from ststudio.tabs.scoping import Chosen
from ststudio.tabs.searching import NOTHING, compare_query, narrow
from ststudio.tabs.session import Session

HIT = {"rank": 2, "id": "d1", "text": "<b>Lamp</b> is gone", "score": 0.51, "relevant": True}


def test_a_hit_says_what_it_shares_how_far_it_moved_and_that_it_is_relevant() -> None:
    shown_hit = hits_html([{**HIT, "base_rank": 5}], "tuned", "my lamps")
    assert '<li value="2">' in shown_hit
    assert "&lt;b&gt;<mark>Lamp</mark>&lt;/b&gt; is gone" in shown_hit
    assert "▲3" in shown_hit and "relevant" in shown_hit and "width:51%" in shown_hit


def test_a_title_of_the_data_is_text() -> None:
    assert "<h4>&lt;i&gt;</h4>" in hits_html([HIT], "base", "", "<i>")
    assert "&lt;i&gt;" in said("<i>")


def test_a_rank_beyond_what_is_shown_is_new_only_to_a_hit_that_is_not() -> None:
    assert "new, from 30" in movement({"rank": 3, "base_rank": 30})
    assert "▲10" in movement({"rank": 20, "base_rank": 30})  # a filter shows it
    assert "same" in movement({"rank": 30, "base_rank": 30})
    assert "▼2" in movement({"rank": 3, "base_rank": 1})


def test_nothing_that_passes_is_said() -> None:
    assert "No text passes" in hits_html([], "base")


def test_an_empty_query_clears_the_results_and_a_mistake_is_said_in_place() -> None:
    session = Session(run="0" * 32)
    assert compare_query(session, Chosen(), "  ") == NOTHING
    words, left, right, found = compare_query(session, Chosen(), "lamp")
    assert "There is no run" in words and (left, right, found) == ("", "", {})


def test_filters_that_only_a_runs_own_texts_know_are_not_asked_of_others() -> None:
    chosen = narrow(Chosen(), " ink ", "any", 0.0, True)
    assert chosen.scope.filters == {"contains": "ink", "relevant": True}
    assert narrow(chosen, "", "money", 0.4, True).scope.filters == {
        "group": "money",
        "relevant": True,
        "min_score": 0.4,
    }
    other = Chosen(corpus="0" * 64, contains="ink", group="money", relevant=True)
    assert other.scope.filters == {"contains": "ink"}


def test_what_changed_is_listed_better_and_worse() -> None:
    counts = {"better": 1, "worse": 0, "same": 4, "unknown": 2}
    row = {"query": "my lamp", "base_rank": 1_400, "tuned_rank": 1}
    words, better, worse = shown({"by": "rank", "counts": counts, "better": [row], "worse": []})
    assert "**1** of 5" in words and "2 more" in words
    assert (
        better.raw_samples == [["1,400\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}1", "my lamp"]]
        and better.visible
    )
    assert not worse.visible


def test_without_answers_no_change_is_called_better() -> None:
    counts = {"queries": 3, "of": 10, "mean": 4.2}
    found = {"by": "overlap", "counts": counts, "apart": [{"query": "my lamp", "shared": 2}]}
    words, apart, worse = shown(found)
    assert "4.2" in words and "for you to judge" in words
    assert apart.raw_samples == [["2 of 10", "my lamp"]] and apart.label == "Fewest in common"
    assert not worse.visible
