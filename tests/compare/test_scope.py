"""What a search is about, as programs say it."""

from typing import Any

import pytest

from ststudio.compare.scope import Scope
from ststudio.errors import StudioError


def test_nothing_given_is_the_runs_own_corpus_by_its_own_models() -> None:
    assert Scope.from_json(None) == Scope.from_json({}) == Scope()
    assert Scope().filters == {}


def test_what_says_nothing_filters_nothing() -> None:
    given = {"contains": "", "group": None, "relevant": False, "min_score": 0}
    assert Scope.from_json(given).filters == {"min_score": 0}
    assert Scope.from_json({"contains": "ink", "relevant": True}).filters == {
        "contains": "ink",
        "relevant": True,
    }


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("own", "corpus, left, right"),
        ({"corpora": "x"}, "Allowed: corpus, left"),
        ({"contains": 3}, "contains is a text"),
        ({"contains": "x" * 201}, "at most 200"),
        ({"left": ["base"]}, "left is a text"),
        ({"relevant": 1}, "true or false"),
        ({"min_score": "0.5"}, "a number from -1 to 1"),
        ({"min_score": True}, "a number from -1 to 1"),
        ({"min_score": 7}, "a number from -1 to 1"),
        ({"min_score": float("nan")}, "a number from -1 to 1"),
    ],
)
def test_a_scope_that_is_none_is_refused(value: Any, says: str) -> None:  # noqa: ANN401
    with pytest.raises(StudioError, match=says):
        Scope.from_json(value)
