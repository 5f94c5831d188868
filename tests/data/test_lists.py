"""Lists of texts: expanded side by side, or one drawn by a seed; nothing lost uncounted."""

from typing import Any

import pytest

from ststudio.data.doctor import Diagnosis, diagnose
from ststudio.data.tables import Table
from ststudio.errors import StudioError
from tests.data.made import REAL, REAL_SETS, make
from tests.data.seen import find


def after(rows: Table, *fixes: tuple[str, dict[str, Any]]) -> Diagnosis:
    return diagnose(rows, [{"code": code, "args": args} for code, args in fixes])


def texts(found: Diagnosis, role: str) -> list[Any]:
    assert found.prepared is not None
    return found.prepared.splits["train"][role].to_pylist()  # type: ignore[no-any-return]


BOTH = (("expand_lists", {"role": "positive"}), ("expand_lists", {"role": "negative"}))


def listed(positives: int, negatives: int, rows: int = 60) -> Table:
    return make(
        lambda i, w: {
            "query": w.ask(),
            "pos": [f"pos {n} of {i}: {w.say()}" for n in range(positives)],
            "neg": [f"neg {n} of {i}: {w.say()}" for n in range(negatives)],
        },
        rows,
    )


def test_both_lists_go_side_by_side_the_shorter_again_and_again() -> None:
    found = after(listed(2, 5), *BOTH)
    assert found.rows["kept"] == 300
    assert [text[:5] for text in texts(found, "positive")[:5]] == [
        "pos 0",
        "pos 1",
        "pos 0",
        "pos 1",
        "pos 0",
    ]
    assert [text[:5] for text in texts(found, "negative")[:5]] == [f"neg {n}" for n in range(5)]
    assert "60 rows became 300" in find(found, "reshaped").message


def test_a_row_whose_lists_are_empty_is_counted() -> None:
    rows = make(
        lambda i, w: {
            "query": w.ask(),
            "pos": [w.say()],
            "neg": [] if i % 6 == 0 else [w.say(), w.say()],
        }
    )
    found = after(rows, BOTH[1])
    assert found.rows == {
        "read": 60,
        "kept": 100,
        "left_out": 10,
        "left_out_lines": [1, 7, 13, 19, 25, 31, 37, 43, 49, 55],
    }


def test_one_text_of_each_list_is_drawn_by_the_seed() -> None:
    rows = listed(1, 8)
    drawn = [
        texts(after(rows, ("sample_lists", {"role": "negative", "seed": seed})), "negative")
        for seed in (0, 1)
    ]
    assert drawn[0] != drawn[1]
    assert drawn[0] == texts(after(rows, ("sample_lists", {"role": "negative"})), "negative")
    assert {text[:5] for text in drawn[0]} == {f"neg {n}" for n in range(8)}
    assert [text.split(":")[0].split()[-1] for text in drawn[0]] == [str(n) for n in range(60)]


def test_more_rows_than_the_limit_are_refused_and_a_draw_is_offered() -> None:
    rows = listed(1, 30, rows=1_000)
    with pytest.raises(StudioError, match="30,000 rows, and 20,000 are the limit.*Draw one"):
        after(rows, ("expand_lists", {"role": "negative"}))
    offered = find(diagnose(rows), "several_texts").fix
    assert offered is not None and offered.code == "sample_lists"
    assert diagnose(rows, [offered]).rows["kept"] == 1_000


@pytest.mark.skipif(not REAL, reason="STSTUDIO_REAL_DATA names no folder")
def test_every_negative_of_real_triplets_goes_with_a_positive() -> None:
    rows = REAL_SETS["QQP_triplets"]()
    pairs = [
        max(len(row["set.pos"]), len(row["set.neg"]))
        for split in rows.splits.values()
        for row in split.to_pylist()
    ]
    assert after(rows, *BOTH).rows["kept"] == sum(pairs) > len(pairs)
