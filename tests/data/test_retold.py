"""What scripts do with rows is what the page does with them: every fix, and every way to part."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ststudio.data import retold
from ststudio.data.cases import CASES
from ststudio.data.findings import Label
from ststudio.data.reshape import FIXES
from ststudio.data.rows import Rows
from ststudio.data.splits import DEV_UNITS, TEST_UNITS, part
from ststudio.training.telling import Telling

LABELS = {"score": "score", "class": "label"}
OWN = (("test", "test", TEST_UNITS), ("validation", "dev", DEV_UNITS))
WORDS = "lamp desk badge door key printer screen cable chair router".split()
# Of each fix that scripts can tell: the case it takes, and its arguments.
MENDED: dict[str, tuple[str, dict[str, Any]]] = {
    "swap": ("pair", {}),
    "drop_duplicates": ("pair-class", {}),
    "drop_same_texts": ("triplet", {}),
    "scale_score": ("pair-score", {"low": 0, "high": 5}),
    "keep_positives": ("pair-class", {}),
    "entailment_pairs": ("nli", {}),
    "score_to_pairs": ("pair-score", {"at_least": 0.8}),
    "score_to_classes": ("pair-score", {"at_least": 0.5}),
    "triplets_to_pairs": ("triplet", {}),
    "drop_rare_classes": ("text-class", {"at_least": 21}),
}


def made(case: str, sizes: dict[str, int], seed: int, words: int = 2) -> retold.Frames:
    """Make rows whose texts repeat, in other cases and with other punctuation, across splits."""
    rng = np.random.default_rng(seed)
    frames = {}
    for split, rows in sizes.items():
        columns: dict[str, Any] = {}
        for role in CASES[case].columns:
            texts = [" ".join(rng.choice(WORDS, words)) for _ in range(rows)]
            ends = rng.choice(["", "!", "?", " …"], rows)
            columns[role] = [
                (text.upper() if rng.random() < 0.2 else text) + end
                for text, end in zip(texts, ends, strict=True)
            ]
        if CASES[case].label == "score":
            columns["score"] = rng.integers(0, 11, rows) / 10
        if CASES[case].label == "class":
            columns["label"] = rng.integers(0, {"nli": 3, "pair-class": 2}.get(case, 7), rows)
        frames[split] = pd.DataFrame(columns)
    return frames


def rows_of(case: str, frames: retold.Frames) -> Rows:
    """Return frames as the page holds rows."""
    kind, names = CASES[case].label, CASES[case].columns
    splits = {}
    for split, frame in frames.items():
        columns = {name: pa.chunked_array([pa.array(frame[name], pa.string())]) for name in names}
        if kind:
            columns[LABELS[kind]] = pa.chunked_array([pa.array(frame[LABELS[kind]])])
        columns["unit"] = columns[names[0]]
        columns["row"] = pa.chunked_array([pa.array(range(1, len(frame) + 1))])
        splits[split] = pa.table(columns)
    return Rows(case, {n: n for n in names}, Label("y", kind) if kind else None, splits)


def plain(rows: Rows) -> dict[str, list[dict[str, Any]]]:
    """Return rows without unit and number."""
    return {
        name: split.drop_columns(["unit", "row"]).to_pylist() for name, split in rows.splits.items()
    }


def records(frames: retold.Frames) -> dict[str, list[dict[str, Any]]]:
    return {name: frame.to_dict("records") for name, frame in frames.items()}


def test_every_fix_that_scripts_can_tell_is_compared() -> None:
    assert set(MENDED) == {code for code, kind in FIXES.items() if kind.retold}


@pytest.mark.parametrize("code", MENDED)
@pytest.mark.parametrize("seed", range(5))
def test_a_fix_does_in_a_script_what_it_does_on_the_page(code: str, seed: int) -> None:
    case, args = MENDED[code]
    frames = made(case, {"train": 150, "validation": 40, "test": 40}, seed, words=1)
    kind = FIXES[code]
    assert kind.retold is not None
    before, after = plain(rows_of(case, frames)), plain(kind.step(rows_of(case, frames), **args))
    assert records(kind.retold(frames, **args)) == after
    assert before != after


@pytest.mark.parametrize(
    ("case", "words", "sizes"),
    [
        ("pair", 2, {"train": 900}),
        ("pair", 3, {"train": 3_000}),
        ("pair", 1, {"train": 60}),
        ("triplet", 4, {"train": 400, "test": 900}),
        ("pair-score", 3, {"train": 500, "validation": 700, "test": 900}),
        ("pair-class", 3, {"train": 500, "validation": 300}),
        ("text-class", 2, {"train": 90}),
        ("text-class", 3, {"train": 1_500}),
        ("text-class", 3, {"train": 600, "test": 900}),
    ],
)
@pytest.mark.parametrize("seed", [0, 42])
def test_rows_are_parted_as_on_the_page(
    case: str, words: int, sizes: dict[str, int], seed: int
) -> None:
    frames = made(case, sizes, seed, words)
    wanted = part(rows_of(case, frames), seed).places
    telling = Telling(frames, {})
    places = telling.part(OWN, seed)
    if telling.classified:
        trained = places.pop("train")
        retold.drop_lonely(frames, places)
        places["train"] = trained
    assert set(places) == set(wanted)
    for name, (split, rows) in wanted.items():
        assert places[name][0] == split
        np.testing.assert_array_equal(places[name][1], rows)
    assert "".join(telling.lines).count("\n") == len(telling.lines)


def test_texts_are_numbered_however_they_lie_in_memory() -> None:
    pieces = pa.chunked_array([["a", "B!"], ["b", "A"]])
    frame = pa.table({"anchor": pieces, "positive": pieces}).to_pandas()
    assert retold.numbered({"train": frame})["train"].tolist() == [[0, 0], [1, 1], [1, 1], [0, 0]]


def test_incomplete_rows_are_left_out() -> None:
    frame = pd.DataFrame({"text": ["a", None, "  ", "b", "c"], "label": [1.0, 1.0, 1.0, None, 0.0]})
    kept = retold.complete({"train": frame})["train"]
    assert kept.to_dict("records") == [{"text": "a", "label": 1}, {"text": "c", "label": 0}]


def test_classes_are_numbered_by_a_map_or_in_order() -> None:
    frames = {"train": pd.DataFrame({"text": ["a", "b", "c"], "label": ["no", "yes", "?"]})}
    named = retold.classes(frames, {"no": 0, "yes": 1})["train"]
    assert named["label"].tolist()[:2] == [0, 1] and named["label"].isna()[2]
    assert retold.sorted_classes(frames)["train"]["label"].tolist() == [1, 2, 0]
