"""Examples: three parts that share no text, and a corpus in which the answers lie."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ststudio.data.cases import CASES
from ststudio.data.doctor import diagnose
from ststudio.data.examples import Examples, make_examples
from ststudio.data.rows import text_keys
from ststudio.data.splits import planned
from ststudio.data.tables import Retrieval, Table
from ststudio.errors import StudioError
from tests.data.made import REAL, REAL_SETS, Writer, make, table

PARTS = ("train", "dev", "test")


def examples(rows: Table, seed: int = 0, limit: int | None = None, *fixes: Any) -> Examples:
    return make_examples(rows, diagnose(rows, fixes), seed, limit)


def keys(part: pa.Table) -> set[str]:
    """Return all texts of a part, without case and punctuation."""
    columns = [name for name in part.column_names if pa.types.is_string(part[name].type)]
    return {key for name in columns for key in text_keys(part[name]).to_pylist()}


def assert_parted(made: Examples) -> None:
    held = [keys(getattr(made, name)) for name in PARTS]
    assert not held[0] & held[1] and not held[0] & held[2] and not held[1] & held[2]


def pairs(rows: int, seed: int = 1) -> Table:
    return make(lambda i, w: {"anchor": w.ask(), "positive": w.say()}, rows, seed)


def test_parts_are_cut_from_train_where_the_source_has_none() -> None:
    made = examples(pairs(1_000))
    assert [getattr(made, name).num_rows for name in PARTS] == [700, 100, 200]
    assert made.train.column_names == ["anchor", "positive"]
    assert_parted(made)
    assert made.notes[0] == "test and dev cut from train by anchor"


def test_the_source_s_own_parts_are_kept() -> None:
    w = Writer()
    rows = [[{"text": w.say(), "label": n % 4} for n in range(size)] for size in (60, 30, 40)]
    made = examples(table(rows[0], validation=rows[1], test=rows[2]))
    assert made.train["text"].to_pylist() == [row["text"] for row in rows[0]]
    assert made.dev["text"].to_pylist() == [row["text"] for row in rows[1]]
    assert made.test["text"].to_pylist() == [row["text"] for row in rows[2]]
    assert made.train.column_names == ["text", "label"]
    assert made.dropped == {}


def test_only_what_lacks_is_cut() -> None:
    w = Writer()
    rows = [[{"anchor": w.say(), "positive": w.say()} for _ in range(n)] for n in (300, 120)]
    made = examples(table(rows[0], test=rows[1]))
    assert (made.train.num_rows, made.dev.num_rows, made.test.num_rows) == (250, 50, 120)


def test_held_out_parts_are_limited_in_units_not_rows() -> None:
    w = Writer()
    test = [{"anchor": a, "positive": w.say()} for a in (w.ask() for _ in range(700)) for _ in "ab"]
    made = examples(table([{"anchor": w.ask(), "positive": w.say()} for _ in range(99)], test=test))
    assert len(set(made.test["anchor"].to_pylist())) == 500
    assert (made.test.num_rows, made.dropped["over_limit"]) == (1_000, 400)


def test_rows_that_leak_are_dropped_and_counted() -> None:
    w = Writer()
    train = [{"anchor": w.ask(), "positive": w.say()} for _ in range(100)]
    clean = [{"anchor": w.ask(), "positive": w.say()} for _ in range(30)]
    leaks = [
        train[3],
        {"anchor": train[5]["anchor"].upper(), "positive": w.say()},
        {"anchor": w.ask(), "positive": " " + train[6]["positive"]},
        {"anchor": train[7]["positive"], "positive": w.say()},
    ]
    made = examples(table(train, validation=clean[:10], test=[*clean[10:], *leaks]))
    assert made.dropped == {"leak": 4}
    assert made.test.num_rows == 20
    assert_parted(made)


def test_a_test_that_leaks_whole_is_cut_from_train_anew() -> None:
    w = Writer()
    train = [{"anchor": w.ask(), "positive": w.say()} for _ in range(300)]
    made = examples(table(train, test=train[:50]))
    assert made.test.num_rows == 100
    assert_parted(made)


def test_dev_never_holds_a_text_of_test() -> None:
    w = Writer()
    rows = [[{"text": w.say(), "label": n % 2} for n in range(40)] for _ in range(3)]
    made = examples(table(rows[0], validation=rows[1], test=rows[2] + rows[1][:6]))
    assert (made.test.num_rows, made.dev.num_rows) == (46, 34)
    assert_parted(made)


def test_shared_texts_cost_hardly_a_row() -> None:
    def row(i: int, w: Writer) -> dict[str, str]:
        return {
            "anchor": f"{i % 400} where?",
            "positive": f"There is {i // 2 % 400}.",
            "negative": f"Not at {i % 400 // 4}.",
        }

    made = examples(make(row, 800))
    assert_parted(made)
    assert made.dropped.get("leak", 0) == 0
    assert made.test.num_rows >= 100


def test_max_train_rows_changes_train_alone() -> None:
    rows = pairs(400)
    whole, cut = examples(rows), examples(rows, limit=50)
    assert cut.train.num_rows == 50
    assert cut.dropped["train_limit"] == whole.train.num_rows - 50
    for name in ("dev", "test", "corpus", "queries", "relevant"):
        assert getattr(whole, name).equals(getattr(cut, name))
    whole_rows = whole.train.num_rows
    assert any(note.startswith(f"50 of {whole_rows} training rows") for note in cut.notes)


def test_the_seed_decides() -> None:
    rows = pairs(300)
    assert examples(rows, 3, 100).train.equals(examples(rows, 3, 100).train)
    assert not examples(rows, 3, 100).test.equals(examples(rows, 4, 100).test)


def test_texts_have_a_neighbour_of_their_class_in_each_part() -> None:
    def row(i: int, w: Writer) -> dict[str, Any]:
        return {"text": w.say(), "label": "single" if i == 0 else f"class {i % 23}"}

    made = examples(make(row, 300))
    for part in (made.train, made.dev, made.test):
        assert min(Counter(part["label"].to_pylist()).values()) >= 2
    assert made.dropped["rare_class"] >= 1
    assert made.test.num_rows > 80


def test_a_text_alone_in_its_class_is_not_tested() -> None:
    w = Writer()
    train = [{"text": w.say(), "label": n % 3} for n in range(60)]
    test = [{"text": w.say(), "label": n % 2 if n else 2} for n in range(20)]
    made = examples(table(train, test=test))
    assert made.test["label"].to_pylist() == [row["label"] for row in test[1:]]
    assert made.dropped == {"rare_class": 1}


def test_rows_tied_into_one_giant_group_stay_in_train() -> None:
    def row(i: int, w: Writer) -> dict[str, str]:
        common = {"negative": "The one that all of these share."} if i % 2 else {}
        return {"anchor": w.ask(), "positive": w.say(), "negative": w.say()} | common

    rows = make(row, 600)
    for made in [examples(rows, seed) for seed in range(6)]:
        assert made.dropped == {}
        assert made.test.num_rows == 120


def test_documents_are_never_parted() -> None:
    rows = make(lambda i, w: {"text": " ".join(f"{w.say()[:-1]} {i}." for _ in range(8))}, 200)
    fix = {"code": "documents_to_pairs", "args": {"column": "text"}}
    made = examples(rows, 0, None, fix)
    held = [
        {text.split()[-1] for text in getattr(made, name)["anchor"].to_pylist()} for name in PARTS
    ]
    assert not held[0] & held[1] and not held[0] & held[2] and not held[1] & held[2]


def test_an_error_blocks() -> None:
    rows = make(lambda i, w: {"sentence1": w.say(), "sentence2": w.say(), "score": i / 10})
    with pytest.raises(StudioError, match="Scale them"):
        make_examples(rows, diagnose(rows), 0, None)
    fix = {"code": "scale_score", "args": {"low": 0, "high": 6}}
    made = examples(rows, 0, None, fix)
    assert made.train.column_names == ["sentence1", "sentence2", "score"]
    assert max(made.train["score"].to_pylist()) <= 1


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(StudioError, match="at least 8|At least 8"):
        examples(pairs(9))
    with pytest.raises(StudioError, match="raise max_train_rows"):
        examples(pairs(100), limit=3)


def test_what_is_planned_leaves_enough_to_learn_from() -> None:
    assert planned(10_000) == (200, 500)
    assert planned(1_000) == (100, 200)
    assert planned(200) == (33, 67)
    for units in range(16, 3_000):
        dev, test = planned(units)
        assert dev >= 1 and test >= 3 and dev + test <= units / 2 + 1


def test_save_and_load(tmp_path: Path) -> None:
    made = examples(pairs(200))
    made.save(tmp_path / "examples")
    loaded = Examples.load(tmp_path / "examples")
    assert loaded == made
    assert sorted(path.name for path in (tmp_path / "examples").iterdir()) == [
        "corpus.parquet",
        "dev.parquet",
        "examples.json",
        "queries.parquet",
        "relevant.parquet",
        "test.parquet",
        "train.parquet",
    ]


def answers(made: Examples) -> dict[str, set[str]]:
    asked = dict(zip(*(made.queries[name].to_pylist() for name in ("id", "text")), strict=True))
    texts = dict(zip(*(made.corpus[name].to_pylist() for name in ("id", "text")), strict=True))
    found: dict[str, set[str]] = {}
    for row in made.relevant.to_pylist():
        found.setdefault(asked[row["query"]], set()).add(texts[row["doc"]])
    return found


def test_corpus_of_pairs_holds_every_answer_at_its_head(limits: Callable[..., None]) -> None:
    limits(CORPUS_TEXTS=20_000)
    made = examples(pairs(3_500))
    assert answers(made) == {row["anchor"]: {row["positive"]} for row in made.test.to_pylist()}
    assert made.corpus.num_rows == 2_000
    assert "Searched and measured within 2,000 documents of 3,500." in made.notes
    head = set(made.corpus["id"].to_pylist()[: made.test.num_rows])
    assert head == set(made.relevant["doc"].to_pylist())
    assert len(set(made.corpus["id"].to_pylist())) == 2_000
    assert not keys(made.queries) & keys(made.corpus.select(["text"]))


def test_corpus_of_scored_pairs_answers_with_what_scores_high() -> None:
    rows = make(lambda i, w: {"text1": w.say(), "text2": w.say(), "score": i % 11 / 10}, 300)
    made = examples(rows)
    wanted = {r["sentence1"]: {r["sentence2"]} for r in made.test.to_pylist() if r["score"] >= 0.8}
    assert answers(made) == wanted


def test_corpus_of_classes_answers_with_the_class() -> None:
    rows = make(lambda i, w: {"text": w.say(), "label": "abcde"[i % 5]}, 300)
    made = examples(rows)
    groups = dict(zip(*(made.corpus[n].to_pylist() for n in ("text", "group")), strict=True))
    names = sorted(set(groups.values()))
    for row in made.test.to_pylist():
        found = answers(made)[row["text"]]
        assert found == {text for text, group in groups.items() if group == names[row["label"]]}
    assert not keys(made.test) & keys(made.corpus.select(["text"]))


def test_a_retrieval_set_is_measured_on_its_own_corpus() -> None:
    w = Writer()
    corpus = pa.table(
        {"id": [f"doc-{n}" for n in range(400)], "text": [w.say() for _ in range(400)]}
    )
    queries = pa.table({"id": [str(n) for n in range(300)], "text": [w.ask() for _ in range(300)]})
    judged = {
        split: pa.table(
            {
                "query-id": [str(n) for n in numbers for _ in "ab"],
                "corpus-id": [f"doc-{n + more}" for n in numbers for more in (0, 100)],
                "score": [1, 0] * len(numbers),
            }
        )
        for split, numbers in (("train", range(240)), ("test", range(240, 300)))
    }
    rows = Table(judged, {}, 600, retrieval=Retrieval(corpus, queries, judged))
    found = diagnose(rows)
    assert (found.case, found.rows["kept"], found.rows["left_out"]) == ("pair", 300, 300)
    made = make_examples(rows, found, 0, None)
    assert made.corpus.num_rows == 400
    assert made.queries["id"].to_pylist() == [str(n) for n in range(240, 300)]
    assert set(made.relevant["doc"].to_pylist()) == {f"doc-{n}" for n in range(240, 300)}
    assert made.test.num_rows == 60


WORDS = st.sampled_from(
    [
        f"{word} and {more} are here"
        for word in "abcdefghijklmn"
        for more in ("lamp", "badge", "parcel", "claim")
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(WORDS, WORDS, WORDS, st.integers(0, 3)), min_size=20, max_size=120),
    st.lists(st.tuples(WORDS, WORDS, WORDS, st.integers(0, 3)), max_size=20),
    st.sampled_from(["pair", "triplet", "pair-class", "text-class", "pair-score", "nli"]),
    st.integers(0, 3),
)
def test_no_text_is_on_two_sides(
    train: list[tuple[Any, ...]], test: list[tuple[Any, ...]], case: str, seed: int
) -> None:
    roles = CASES[case].columns

    def row(values: tuple[Any, ...]) -> dict[str, Any]:
        label = values[3] % (2 if case == "pair-class" else 3)
        labels = {"score": {"score": values[3] / 3}, "class": {"label": label}}
        return dict(zip(roles, values[:3], strict=False)) | labels.get(CASES[case].label or "", {})

    learned = [row(values) for values in train]
    rows = table(learned, test=[row(values) for values in test]) if test else table(learned)
    found = diagnose(rows, [{"code": "drop_same_texts"}], case=case)
    assume(not found.errors)
    try:
        made = make_examples(rows, found, seed, None)
    except StudioError:
        assume(False)
    assert_parted(made)
    again = make_examples(rows, found, seed, None)
    assert all(getattr(made, name).equals(getattr(again, name)) for name in PARTS)
    ids = set(made.corpus["id"].to_pylist())
    assert set(made.relevant["doc"].to_pylist()) <= ids
    assert set(made.relevant["query"].to_pylist()) <= set(made.queries["id"].to_pylist())


@pytest.mark.skipif(not REAL, reason="STSTUDIO_REAL_DATA names no folder")
@pytest.mark.parametrize("name", REAL_SETS)
def test_real_set_makes_examples(name: str) -> None:
    made = examples(REAL_SETS[name](), 0, 1_280)
    assert_parted(made)
    unit = CASES[made.case].unit
    assert 80 <= len(set(made.dev[unit].to_pylist())) <= 220
    assert 100 <= len(set(made.test[unit].to_pylist())) <= 500
    assert made.train.num_rows >= 800
    assert made.relevant.num_rows >= 100
