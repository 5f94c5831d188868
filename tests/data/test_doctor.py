"""The doctor: case, roles, label, findings and their fixes."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ststudio.data.cases import CASES
from ststudio.data.doctor import diagnose
from ststudio.data.tables import Table
from ststudio.errors import StudioError
from tests.data.made import REAL, REAL_SETS, Writer, make, table
from tests.data.seen import find

Row = Callable[[int, Writer], dict[str, Any]]
JUDGED = ("entailment", "neutral", "contradiction", "-")
SIX = ["kestrel", "lantern", "mosaic", "anvil", "sorrel", "marl"]

# name: (row, case, columns, label column)
LAYOUTS: dict[str, tuple[Row, str, dict[str, str], str | None]] = {
    "QQP triplets": (
        lambda i, w: {"set": {"query": w.ask(), "pos": [w.ask()], "neg": [w.ask()] * (1 + i % 3)}},
        "triplet",
        {"anchor": "set.query", "positive": "set.pos", "negative": "set.neg"},
        None,
    ),
    "sentence compression": (
        lambda i, w: {"set": [w.say(15), w.say(6)]},
        "pair",
        {"anchor": "set.0", "positive": "set.1"},
        None,
    ),
    "five captions": (
        lambda i, w: {"set": [w.say() for _ in range(5)]},
        "pair",
        {"anchor": "set.0", "positive": "set.1"},
        None,
    ),
    "list triplet": (
        lambda i, w: {"set": [(a := w.say()), a[:-1] + " again.", w.say()]},
        "triplet",
        {"anchor": "set.0", "positive": "set.1", "negative": "set.2"},
        None,
    ),
    "snli": (
        lambda i, w: {"premise": w.say(), "hypothesis": w.say(), "label": i % 4 - (i % 4 == 3) * 4},
        "nli",
        {"premise": "premise", "hypothesis": "hypothesis"},
        "label",
    ),
    "nli in words": (
        lambda i, w: {"sentence1": w.say(), "sentence2": w.say(), "gold_label": JUDGED[i % 4]},
        "nli",
        {"premise": "sentence1", "hypothesis": "sentence2"},
        "gold_label",
    ),
    "trec": (
        lambda i, w: {"text": w.ask(), "coarse_label": i % 3, "fine_label": i % 9},
        "text-class",
        {"text": "text"},
        "coarse_label",
    ),
    "stsb": (
        lambda i, w: {"sentence1": w.say(), "sentence2": w.say(), "score": i / 60},
        "pair-score",
        {"sentence1": "sentence1", "sentence2": "sentence2"},
        "score",
    ),
    "banking77": (
        lambda i, w: {"text": w.ask(), "label": i % 7},
        "text-class",
        {"text": "text"},
        "label",
    ),
    "squad": (
        lambda i, w: {
            "id": f"57{i}be",
            "title": "Normans",
            "context": " ".join(w.say() for _ in range(4)),
            "question": w.ask(),
            "answers": {"text": [w.say(2)], "answer_start": [3]},
        },
        "pair",
        {"anchor": "question", "positive": "context"},
        None,
    ),
    "quora pairs": (
        lambda i, w: {
            "id": i,
            "qid1": 2 * i,
            "qid2": 2 * i + 1,
            "question1": w.ask(),
            "question2": w.ask(),
            "is_duplicate": i % 2,
        },
        "pair-class",
        {"sentence1": "question1", "sentence2": "question2"},
        "is_duplicate",
    ),
    "passages judged": (
        lambda i, w: {"query": w.ask(), "passage": w.say(20), "label": i % 2},
        "pair-class",
        {"sentence1": "query", "sentence2": "passage"},
        "label",
    ),
    "faq": (
        lambda i, w: {"answer": w.say(20), "question": w.ask(), "topic": SIX[i % 6]},
        "pair",
        {"anchor": "question", "positive": "answer"},
        None,
    ),
    "help desk": (
        lambda i, w: {"ticket_id": f"T-{i}", "description": w.say(20), "team": SIX[i % 3]},
        "text-class",
        {"text": "description"},
        "team",
    ),
    "class first": (
        lambda i, w: {"Class Index": i % 4 + 1, "Title": w.say(5), "Description": w.say(25)},
        "text-class",
        {"text": "Description"},
        "Class Index",
    ),
    "hard negatives": (
        lambda i, w: {f"{name}": w.say() for name in ("query", "positive", "neg_1", "neg_2")},
        "triplet",
        {"anchor": "query", "positive": "positive", "negative": "neg_1"},
        None,
    ),
    "instructions": (
        lambda i, w: {"instruction": w.say(), "input": "", "output": w.say(20)},
        "pair",
        {"anchor": "instruction", "positive": "output"},
        None,
    ),
    "German scores": (
        lambda i, w: {"satz1": w.say(), "satz2": w.say(), "wert": f"0,{i + 10}"},
        "pair-score",
        {"sentence1": "satz1", "sentence2": "satz2"},
        "wert",
    ),
    "unnamed scores": (
        lambda i, w: {"column_1": w.say(), "column_2": w.say(), "column_3": i / 60},
        "pair-score",
        {"sentence1": "column_1", "sentence2": "column_2"},
        "column_3",
    ),
    "unnamed 0 and 1": (
        lambda i, w: {"column_1": i % 2, "column_2": w.say(), "column_3": w.say()},
        "pair-class",
        {"sentence1": "column_2", "sentence2": "column_3"},
        "column_1",
    ),
    "unnamed class": (
        lambda i, w: {"column_1": SIX[i % 6], "column_2": w.say()},
        "text-class",
        {"text": "column_2"},
        "column_1",
    ),
    "unnamed pairs, answer first": (
        lambda i, w: {"column_1": w.say(20), "column_2": w.ask()},
        "pair",
        {"anchor": "column_2", "positive": "column_1"},
        None,
    ),
    "unnamed triplets": (
        lambda i, w: {f"column_{n}": w.say() for n in (1, 2, 3)},
        "triplet",
        {"anchor": "column_1", "positive": "column_2", "negative": "column_3"},
        None,
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout_is_read_with_no_help(name: str) -> None:
    row, case, columns, label = LAYOUTS[name]
    found = diagnose(make(row))
    assert (found.case, found.columns) == (case, columns)
    assert (found.label and found.label.column) == label
    assert 0 < found.confidence <= 1
    shown = [*CASES[case].columns, *([found.prepared.label_name] if label else [])]  # type: ignore[union-attr]
    assert list(found.preview[0]) == shown
    assert len(found.preview) == 5


def test_clear_layouts_are_surer_than_unnamed_ones() -> None:
    named, unnamed = (diagnose(make(LAYOUTS[n][0])) for n in ("stsb", "unnamed scores"))
    assert named.confidence > 0.9 > unnamed.confidence
    assert named.runner_up is None
    assert unnamed.runner_up == "pair"


def pair(i: int, w: Writer, **more: Any) -> dict[str, Any]:
    return {"sentence1": w.say(), "sentence2": w.say(), **more}


# name: (row, code, level, what the fix's chain leaves of the code)
FAULTS: dict[str, tuple[Row, str, str]] = {
    "label under another name": (
        lambda i, w: pair(i, w, similarity_score=i / 60),
        "label_renamed",
        "info",
    ),
    "label and score": (
        lambda i, w: pair(i, w, label=i % 2, score=i / 60),
        "two_labels",
        "warning",
    ),
    "ids": (lambda i, w: pair(i, w, pair_id=i, score=i / 60), "id_column", "info"),
    "extra text": (
        lambda i, w: pair(i, w, remark=w.say(), score=i / 60),
        "extra_column",
        "warning",
    ),
    "labels as text": (
        lambda i, w: {"text": w.say(), "label": SIX[i % 6]},
        "label_strings",
        "info",
    ),
    "labels as booleans": (lambda i, w: pair(i, w, label=i % 2 == 0), "label_bool", "info"),
    "labels as floats": (
        lambda i, w: {"text": w.say(), "label": float(i % 3)},
        "label_float_classes",
        "info",
    ),
    "labels from 1": (
        lambda i, w: {"text": w.say(), "label": i % 3 + 1},
        "label_renumbered",
        "info",
    ),
    "labels missing": (
        lambda i, w: {"text": w.say(), "label": None if i % 6 == 0 else i % 5},
        "label_missing",
        "warning",
    ),
    "words for pairs": (
        lambda i, w: pair(i, w, label=("duplicate", "not duplicate")[i % 2]),
        "label_strings",
        "info",
    ),
    "unknown words for pairs": (
        lambda i, w: pair(i, w, label=("red", "green")[i % 2]),
        "label_strings",
        "error",
    ),
    "scores to 5": (lambda i, w: pair(i, w, score=i / 12), "score_range", "error"),
    "scores as text": (lambda i, w: pair(i, w, score=f"0,{i + 10}"), "score_text", "info"),
    "scores per cent": (lambda i, w: pair(i, w, score=f"{i} %"), "score_range", "error"),
    "scores all the same": (lambda i, w: pair(i, w, score=0.5), "score_constant", "error"),
    "a text as its own positive": (
        lambda i, w: {"anchor": (a := w.say()), "positive": a if i < 9 else w.say()},
        "same_texts",
        "warning",
    ),
    "a positive as negative": (
        lambda i, w: {
            "anchor": w.say(),
            "positive": (p := w.say()),
            "negative": p if i < 3 else w.say(),
        },
        "same_texts",
        "error",
    ),
    "contradiction": (
        lambda i, w: {"text": "The same text." if i < 4 else w.say(), "label": i % 2},
        "contradicting",
        "warning",
    ),
    "repeats": (
        lambda i, w: {
            "anchor": w.say() if i > 9 else "One.",
            "positive": w.say() if i > 9 else "Two.",
        },
        "duplicates",
        "warning",
    ),
    "one class": (lambda i, w: {"text": w.say(), "label": 0}, "one_class", "error"),
    "rare class": (
        lambda i, w: {"text": w.say(), "label": i % 3 if i else 9},
        "rare_classes",
        "warning",
    ),
    "empty texts": (
        lambda i, w: {"anchor": w.say(), "positive": " " if i % 7 == 0 else w.say()},
        "empty_text",
        "warning",
    ),
    "near-empty texts": (
        lambda i, w: {"anchor": w.say(), "positive": "x" if i % 7 == 0 else w.say()},
        "empty_text",
        "warning",
    ),
    "nulls": (
        lambda i, w: {"anchor": w.say(), "positive": None if i % 7 == 0 else w.say()},
        "nulls",
        "warning",
    ),
    "few rows": (lambda i, w: {"anchor": w.say(), "positive": w.say()}, "too_few_rows", "warning"),
    "question and answer swapped": (
        lambda i, w: {"anchor": w.say(20), "positive": w.ask()},
        "swapped",
        "warning",
    ),
    "no case": (lambda i, w: {"a": i, "b": i % 3}, "no_case", "error"),
    "nested": (lambda i, w: {"data": {"query": w.ask(), "answer": w.say()}}, "nested", "info"),
    "several texts": (
        lambda i, w: {"query": w.ask(), "pos": [w.say(), w.say()]},
        "several_texts",
        "info",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found_and_its_fix_mends_it(name: str) -> None:
    row, code, level = FAULTS[name]
    rows = make(row)
    found = diagnose(rows)
    finding = find(found, code)
    assert finding.level == level
    assert finding.message.strip().endswith(".")
    if finding.fix is None:
        return
    mended = diagnose(rows, [asdict(finding.fix)])
    left = [f for f in mended.findings if f.code == code and f.fix == finding.fix]
    assert not left
    assert not [f for f in mended.errors if f not in found.errors]


def test_clean_rows_have_no_findings() -> None:
    rows = make(lambda i, w: {"anchor": w.ask(), "positive": w.say()}, rows=800)
    assert diagnose(rows).findings == ()


def test_negatives_are_never_trained_as_positives() -> None:
    rows = make(LAYOUTS["passages judged"][0])
    found = diagnose(rows, [{"code": "use_case", "args": {"case": "pair"}}])
    finding = find(found, "negatives_as_positives")
    assert finding.level == "error"
    assert finding.fix is not None
    mended = diagnose(rows, [asdict(f) for f in (*found.fixes, finding.fix)])
    assert mended.case == "pair-class"
    kept = diagnose(rows, [{"code": "keep_positives"}])
    assert (kept.case, kept.rows["kept"]) == ("pair", 30)
    assert not kept.errors


def test_score_scales() -> None:
    def scale(scores: list[float]) -> dict[str, Any]:
        w = Writer()
        rows = table(pair(0, w, score=score) for score in scores)
        finding = find(diagnose(rows), "score_range")
        assert finding.fix is not None
        mended = diagnose(rows, [asdict(finding.fix)]).prepared
        assert mended is not None
        values = mended.splits["train"]["score"].to_pylist()
        assert min(values) >= 0 and max(values) <= 1
        return finding.fix.args

    assert scale([i % 51 / 10 for i in range(60)]) == {"low": 0, "high": 5}
    assert scale([1 + i % 41 / 10 for i in range(60)]) == {"low": 1, "high": 5}
    assert scale([i * 1.7 for i in range(59)]) == {"low": 0, "high": 100}
    assert scale([i % 21 / 10 - 1 for i in range(60)]) == {"low": -1, "high": 1}
    assert scale([float(i % 7 + 1) for i in range(60)]) == {"low": 1, "high": 7}


def test_missing_labels_are_dropped_and_counted() -> None:
    found = diagnose(make(LAYOUTS["snli"][0]))
    assert found.rows["kept"] == 45
    assert found.rows["left_out"] == 15
    assert found.rows["left_out_lines"] == [4, 8, 12, 16, 20, 24, 28, 32, 36, 40]
    assert find(found, "reshape").fix is not None


def test_names_of_classes_give_numbers_their_meaning() -> None:
    w = Writer()
    rows = table(
        [{"premise": w.say(), "hypothesis": w.say(), "label": i % 3} for i in range(60)],
        class_names={"label": ("contradiction", "entailment", "neutral")},
    )
    found = diagnose(rows)
    assert [row["label"] for row in found.preview] == [2, 0, 1, 2, 0]
    pairs = table(
        [pair(i, w, label=i % 2) for i in range(60)], {"label": ("duplicate", "not_duplicate")}
    )
    assert [row["label"] for row in diagnose(pairs).preview] == [1, 0, 1, 0, 1]


def test_words_that_texts_share_tell_which_class_is_similar() -> None:
    w = Writer()
    rows = table(
        {
            "text1": (a := w.say()),
            "text2": a[:-1] + " again." if i % 2 else w.say(),
            "label": "oui oui" if i % 2 else "bof",
        }
        for i in range(60)
    )
    finding = find(diagnose(rows), "label_strings")
    assert finding.fix is not None
    assert finding.fix.args == {"map": {"oui oui": 1, "bof": 0}}
    mended = diagnose(rows, [asdict(finding.fix)])
    assert not mended.errors
    assert [row["label"] for row in mended.preview] == [0, 1, 0, 1, 0]


def test_leaks_between_the_source_s_own_splits_are_counted() -> None:
    w = Writer()
    train = [{"text": w.say(), "label": i % 3} for i in range(60)]
    found = diagnose(table(train, test=[*train[:5], {"text": w.say(), "label": 0}]))
    assert find(found, "leak").message.startswith("5 of 6 rows")
    assert found.splits == {"train": 60, "test": 6}


def test_what_the_reader_assumed_is_said() -> None:
    rows = make(LAYOUTS["stsb"][0])
    told = Table(rows.splits, {}, 60, (), (("truncated_by_limit", "The first 60 rows of 90."),))
    assert find(diagnose(told), "truncated_by_limit").level == "warning"


def test_too_few_rows_block() -> None:
    rows = make(lambda i, w: {"anchor": w.say(), "positive": w.say()}, rows=6)
    assert find(diagnose(rows), "too_few_rows").level == "error"


def test_what_an_earlier_diagnosis_said_changes_nothing() -> None:
    rows = make(LAYOUTS["snli"][0], rows=200)
    chain = [{"code": "nli_to_triplets"}]
    first = diagnose(table(_premises()), chain)
    again = diagnose(table(_premises()), chain, first.case, first.columns, first.label)
    assert first.to_json() == again.to_json()
    plain = diagnose(rows)
    assert plain.label is not None
    before = diagnose(rows, [], plain.case, plain.columns, asdict(plain.label))
    assert before.to_json() == plain.to_json()


def _premises() -> list[dict[str, Any]]:
    w = Writer()
    return [
        {"premise": premise, "hypothesis": w.say(), "label": label}
        for premise in [w.say() for _ in range(80)]
        for label in range(3)
    ]


def test_overruling_case_columns_and_label() -> None:
    rows = make(lambda i, w: {"a": w.say(), "b": w.say(), "c": w.say(), "n": i % 4})
    found = diagnose(rows, [], "pair", {"anchor": "c", "positive": "a"})
    assert (found.case, found.columns) == ("pair", {"anchor": "c", "positive": "a"})
    chain = [
        {"code": "use_case", "args": {"case": "text-class"}},
        {"code": "assign", "args": {"role": "text", "column": "b"}},
        {"code": "use_label", "args": {"column": "n", "kind": "class"}},
    ]
    found = diagnose(rows, chain)
    assert (found.case, found.columns) == ("text-class", {"text": "b"})
    assert found.label is not None and found.label.column == "n"


@pytest.mark.parametrize(
    "fixes, case, columns, label, said",
    [
        ([{"code": "explode"}], None, None, None, "There is no fix"),
        ([{"code": "scale_score", "args": {"low": "x"}}], None, None, None, "takes low, high"),
        (["swap"], None, None, None, "There is no fix"),
        ("swap", None, None, None, "Fixes are a list"),
        ([{"code": "nli_to_triplets"}], None, None, None, "Only"),
        ([], "pears", None, None, "There is no case"),
        ([], None, {"author": "sentence1"}, None, "There is no role"),
        ([], None, {"anchor": "nowhere"}, None, 'There is no column "nowhere"'),
        ([], None, None, {"column": "nowhere", "kind": "class"}, 'There is no column "nowhere"'),
        ([], None, None, {"column": "score"}, "A label is"),
    ],
)
def test_a_wrong_wish_is_refused_in_words(
    fixes: Any,
    case: str | None,
    columns: Any,
    label: Any,
    said: str,
) -> None:
    rows = make(LAYOUTS["stsb"][0])
    with pytest.raises(StudioError, match=said):
        diagnose(rows, fixes, case, columns, label)


def test_json_shape() -> None:
    said = diagnose(make(LAYOUTS["stsb"][0])).to_json()
    assert list(said) == [
        "case",
        "confidence",
        "runner_up",
        "columns",
        "label",
        "rows",
        "splits",
        "findings",
        "preview",
        "parts",
        "dropped",
    ]
    assert said["parts"]["test"] == {"rows": 20, "units": 20}
    assert said["rows"] == {"read": 60, "kept": 60, "left_out": 0, "left_out_lines": []}
    assert said["label"] == {"column": "score", "kind": "score"}


@pytest.mark.parametrize("name", ["QQP triplets", "banking77", "stsb"])
def test_twenty_thousand_rows_take_under_three_seconds(name: str) -> None:
    rows = make(LAYOUTS[name][0], rows=20_000)
    start = time.perf_counter()
    diagnose(rows)
    assert time.perf_counter() - start < 3


VALUES = st.one_of(
    st.none(),
    st.text(max_size=30),
    st.sampled_from(["NA", "-", "1", "0", "4,5", "80 %", "yes", "entailment", "?", "\0", "🦉"]),
)
COLUMN = st.one_of(
    st.lists(VALUES, min_size=12, max_size=12).map(lambda v: pa.array(v, pa.string())),
    st.lists(st.one_of(st.none(), st.integers(-3, 9)), min_size=12, max_size=12).map(
        lambda v: pa.array(v, pa.int64())
    ),
    st.lists(st.one_of(st.none(), st.floats()), min_size=12, max_size=12).map(
        lambda v: pa.array(v, pa.float64())
    ),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=12, max_size=12).map(
        lambda v: pa.array(v, pa.bool_())
    ),
    st.lists(st.one_of(st.none(), st.lists(VALUES, max_size=4)), min_size=12, max_size=12).map(
        lambda v: pa.array(v, pa.list_(pa.string()))
    ),
)
NAMES = st.sampled_from(
    [
        "anchor",
        "positive",
        "negative",
        "label",
        "score",
        "set",
        "text",
        "premise",
        "hypothesis",
        "a",
        "b",
        "",
        "id",
        "set.0",
        "sentence1",
        "sentence2",
    ]
)


TABLES = st.dictionaries(NAMES, COLUMN, min_size=1, max_size=5)


@settings(max_examples=100, deadline=2_000, suppress_health_check=[HealthCheck.too_slow])
@given(TABLES)
def test_any_table_gets_a_diagnosis(columns: dict[str, pa.Array]) -> None:
    check_any_table(columns)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TABLES)
def test_two_thousand_tables_get_a_diagnosis(columns: dict[str, pa.Array]) -> None:
    check_any_table(columns)


def check_any_table(columns: dict[str, pa.Array]) -> None:
    rows = Table({"train": pa.table(columns)}, {}, 12)
    found = diagnose(rows)
    assert found.rows["kept"] + found.rows["left_out"] == found.rows["read"]
    for finding in found.findings:
        if finding.fix:
            diagnose(rows, [asdict(finding.fix)])


@pytest.mark.skipif(not REAL, reason="STSTUDIO_REAL_DATA names no folder")
@pytest.mark.parametrize(
    "name, case, columns, label, kept",
    [
        ("stsb", "pair-score", {"sentence1": "sentence1", "sentence2": "sentence2"}, "score", 8628),
        ("trec", "text-class", {"text": "text"}, "coarse_label", 5952),
        ("banking77", "text-class", {"text": "text"}, "label", 13083),
        ("snli", "nli", {"premise": "premise", "hypothesis": "hypothesis"}, "label", 10272),
        (
            "QQP_triplets",
            "triplet",
            {"anchor": "set.query", "positive": "set.pos", "negative": "set.neg"},
            None,
            6000,
        ),
        ("sentence-compression", "pair", {"anchor": "set.0", "positive": "set.1"}, None, 6000),
        ("scifact", "pair", {"anchor": "queries.text", "positive": "corpus.text"}, None, 1258),
    ],
)
def test_real_set_is_read_with_no_help(
    name: str, case: str, columns: dict[str, str], label: str | None, kept: int
) -> None:
    found = diagnose(REAL_SETS[name]())
    assert (found.case, found.columns) == (case, columns)
    assert (found.label and found.label.column) == label
    assert found.rows["kept"] == kept
    assert found.confidence > 0.7 and found.runner_up is None
    assert not found.errors
