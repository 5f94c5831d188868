"""Which texts never serve as an anchor's negative, and how mining is asked for."""

import pyarrow as pa
import pytest

from ststudio.data.negatives import MOST_PARTNERS, Kinship, Mining, keys_of, wanted
from ststudio.data.recipe_fixes import RECIPE_FIXES
from ststudio.data.reshape import describe, fix_recipe, parse_fixes
from ststudio.errors import StudioError


def kin(*pairs: tuple[str, str]) -> Kinship:
    anchors, positives = zip(*pairs, strict=True)
    return Kinship(pa.chunked_array([anchors]), pa.chunked_array([positives]))


def test_an_anchors_kin_is_itself_its_positives_and_what_shares_one() -> None:
    found = kin(("a", "p"), ("a", "q"), ("b", "q"), ("b", "r"), ("c", "r"), ("c", "s"))
    assert found.of("a") == {"a", "p", "q", "b", "r"}  # c shares nothing with a
    assert found.of("unknown") == {"unknown"}


def test_texts_that_read_alike_are_one() -> None:
    found = kin(("Where is it?", "Here!"), ("where is it", "There."))
    (key,) = keys_of(["WHERE IS IT"])
    assert found.of(key) == {"where is it", "here", "there"}


def test_an_answer_to_everything_makes_nothing_alike() -> None:
    many = MOST_PARTNERS + 1
    found = kin(*((f"q{n}", "yes") for n in range(many)), *((f"q{n}", f"a{n}") for n in range(9)))
    assert found.of("q1") == {"q1", "yes", "a1"}


def test_the_last_word_counts_and_what_is_left_out_is_the_default() -> None:
    fixes = [fix for margin in (0.2, 0.1) for fix in ask(relative_margin=margin)]
    assert wanted(fixes) == Mining(relative_margin=0.1)
    assert wanted([{"code": "mine_negatives"}]) == Mining()
    assert wanted([{"code": "swap", "args": {}}]) is None


def ask(**args: object) -> list[dict[str, object]]:
    return [{"code": "mine_negatives", "args": args}]


def test_mining_is_a_fix_that_leaves_the_rest_of_the_recipe_alone() -> None:
    fixes = parse_fixes(ask(relative_margin=0.1))
    assert fix_recipe(fixes) == {}
    assert describe(fixes[0]) == "train with hard negatives, mined with a margin of 0.1"


@pytest.mark.parametrize("args", [{"relative_margin": 1.5}, {"range_min": -1}])
def test_what_cannot_be_mined_is_refused(args: dict[str, object]) -> None:
    with pytest.raises(StudioError, match="from 0 to"):
        fix_recipe(parse_fixes(ask(**args)))


def test_recipe_fixes_say_nothing_but_the_recipe() -> None:
    assert {kind.stage for kind in RECIPE_FIXES.values()} == {"recipe"}
