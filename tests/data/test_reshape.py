"""Fixes: what each does to the rows, and that their chain is replayed and said in words."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ststudio.data.cases import CASES
from ststudio.data.doctor import Diagnosis, diagnose
from ststudio.data.findings import Fix
from ststudio.data.flatten import neighbours
from ststudio.data.mend import _partners
from ststudio.data.reshape import FIXES, describe, fix_recipe, parse_fixes
from ststudio.data.tables import Table
from ststudio.errors import StudioError
from tests.data.made import REAL, REAL_SETS, Writer, make, table
from tests.data.test_doctor import COLUMN, NAMES


def after(rows: Table, *fixes: tuple[str, dict[str, Any]]) -> Diagnosis:
    return diagnose(rows, [{"code": code, "args": args} for code, args in fixes])


def texts(found: Diagnosis, role: str, split: str = "train") -> list[Any]:
    assert found.prepared is not None
    values: list[Any] = found.prepared.splits[split][role].to_pylist()
    return values


def nli(*rows: tuple[str, str, int]) -> Table:
    w = Writer()
    more = [(w.say(), w.say(), number % 3) for number in range(30)]  # enough to be sure of the case
    return table(
        {"premise": premise, "hypothesis": hypothesis, "label": label}
        for premise, hypothesis, label in (*rows, *more)
    )


def test_triplets_from_entailment_and_contradiction() -> None:
    rows = nli(
        ("A dog runs fast.", "An animal moves.", 0),
        ("A dog runs fast.", "A dog sleeps here.", 2),
        ("A dog runs fast.", "It is a warm day.", 1),
        ("A dog runs fast.", "Something is running.", 0),
        ("A dog runs fast.", "No dog is there.", 2),
        ("A dog runs fast.", "A dog is not still.", 0),
        ("Two men are talking.", "People speak.", 0),
        ("One cat is eating.", "The cat is fasting.", 2),
    )
    found = after(rows, ("nli_to_triplets", {}))
    assert found.case == "triplet"
    assert found.columns == {
        "anchor": "premise",
        "positive": "hypothesis",
        "negative": "hypothesis",
    }
    assert found.preview[:4] == [
        {"anchor": "A dog runs fast.", "positive": p, "negative": n}
        for p, n in (
            ("An animal moves.", "A dog sleeps here."),
            ("Something is running.", "No dog is there."),
            ("A dog is not still.", "A dog sleeps here."),
        )
    ]
    said = next(f.message for f in found.findings if f.code == "reshaped")
    assert "38 rows became 3 triplets" in said and "11 entailed rows" in said


def test_entailed_pairs() -> None:
    found = after(nli(("A dog runs.", "An animal moves.", 0)), ("entailment_pairs", {}))
    assert (found.case, found.rows["kept"], found.label) == ("pair", 11, None)
    assert found.preview[0] == {"anchor": "A dog runs.", "positive": "An animal moves."}


def pairs(**label: Any) -> Table:
    (name, of), *_ = label.items()
    return make(lambda i, w: {"sentence1": w.say(), "sentence2": w.say(), name: of(i)})


def test_pairs_keep_only_the_similar() -> None:
    rows = pairs(label=lambda i: i % 3 == 0)
    found = after(rows, ("keep_positives", {}))
    assert (found.case, found.rows["kept"]) == ("pair", 20)
    assert texts(found, "anchor") == rows.splits["train"]["sentence1"].to_pylist()[::3]


def test_scores_are_scaled_then_made_into_pairs_or_classes() -> None:
    rows = pairs(score=lambda i: i % 11 / 2)
    scaled = ("scale_score", {"low": 0, "high": 5})
    assert texts(after(rows, scaled), "score")[:3] == [0.0, 0.1, 0.2]
    found = after(rows, scaled, ("score_to_pairs", {"at_least": 0.9}))
    assert (found.case, found.rows["kept"]) == ("pair", 10)
    for code in ("score_to_pairs", "score_to_classes"):
        with pytest.raises(StudioError, match="Scale the scores"):
            after(rows, (code, {}), scaled)  # 0.8 of 5 points is not "similar"


def test_scores_made_into_classes() -> None:
    found = after(pairs(score=lambda i: i / 60), ("score_to_classes", {"at_least": 0.5}))
    assert found.case == "pair-class"
    assert texts(found, "label") == [0] * 30 + [1] * 30


def test_triplets_without_their_negatives() -> None:
    rows = make(
        lambda i, w: {
            "query": f"Where is number {i // 2}?",
            "pos": f"Number {i // 2} is here.",
            "neg": w.say(),
        }
    )
    found = after(rows, ("triplets_to_pairs", {}))
    assert (found.case, found.rows["kept"], found.rows["left_out"]) == ("pair", 30, 30)


def test_swapped_columns_swap_back() -> None:
    rows = make(lambda i, w: {"anchor": w.say(), "positive": w.say()})
    once, twice = after(rows, ("swap", {})), after(rows, ("swap", {}), ("swap", {}))
    assert once.columns == {"anchor": "positive", "positive": "anchor"}
    assert texts(once, "anchor") == rows.splits["train"]["positive"].to_pylist()
    assert texts(twice, "anchor") == rows.splits["train"]["anchor"].to_pylist()


def test_lists_are_expanded_or_their_first_text_is_taken() -> None:
    rows = make(lambda i, w: {"query": w.ask(), "pos": [w.say()], "neg": [w.say() for _ in "abc"]})
    first = diagnose(rows)
    assert texts(first, "negative") == [row[0] for row in rows.splits["train"]["neg"].to_pylist()]
    every = after(rows, ("expand_lists", {"role": "negative"}))
    assert every.rows["kept"] == 180
    assert texts(every, "negative") == sum(rows.splits["train"]["neg"].to_pylist(), [])
    assert texts(every, "anchor")[:4] == [texts(first, "anchor")[0]] * 3 + [
        texts(first, "anchor")[1]
    ]


def test_labelled_triplets_become_texts_with_a_class() -> None:
    rows = make(
        lambda i, w: {"anchor": w.say(), "positive": w.say(), "negative": w.say(), "label": i % 5}
    )
    found = diagnose(rows)
    assert found.case == "triplet"
    fix = next(f.fix for f in found.findings if f.fix and f.fix.code == "flatten_triplets")
    flat = after(rows, (fix.code, fix.args))
    assert (flat.case, flat.rows["kept"]) == ("text-class", 120)


def test_documents_become_pairs_of_neighbouring_sentences() -> None:
    rows = make(lambda i, w: {"text": " ".join(w.say() for _ in range(9))})
    found = diagnose(rows)
    assert found.case is None and found.errors[0].code == "no_case"
    fix = found.errors[0].fix
    assert fix is not None
    made = after(rows, (fix.code, fix.args))
    assert (made.case, made.rows["kept"]) == ("pair", 240)
    assert not made.errors
    assert made.prepared is not None
    assert len(set(made.prepared.splits["train"]["unit"].to_pylist())) == 60


@pytest.mark.parametrize(("sentences", "offered"), [(2, "documents_to_pairs"), (1, None)])
def test_documents_of_two_sentences_are_offered_as_pairs_and_single_ones_are_not(
    sentences: int, offered: str | None
) -> None:
    rows = make(lambda i, w: {"id": i, "text": " ".join(w.say() for _ in range(sentences))})
    fix = diagnose(rows).errors[0].fix
    assert (fix and fix.code) == offered


def test_neighbours_take_no_sentence_twice() -> None:
    text = "This is the first sentence. Here comes the second one! A third, is it not one? Short."
    found = list(neighbours(text))
    assert found == [("This is the first sentence.", "Here comes the second one!")]


def test_a_text_called_unlike_itself_contradicts() -> None:
    w = Writer()
    labelled = [{"sentence1": w.say(), "sentence2": w.say(), "label": n % 2} for n in range(40)]
    scored = [{"sentence1": w.say(), "sentence2": w.say(), "score": n / 8} for n in range(41)]
    same = {"sentence1": "One and the same text.", "sentence2": "One and the same text."}
    for rows, label, wrong, right in ((labelled, "label", 0, 1), (scored, "score", 1.0, 4.5)):
        contradicting = [*rows, {**same, label: wrong}]
        assert after(table(contradicting), ("drop_contradicting", {})).rows["left_out"] == 1
        agreeing = [*rows, {**same, label: right}]
        assert after(table(agreeing), ("drop_contradicting", {})).rows["left_out"] == 0


def test_a_renamed_column_is_read_by_its_new_name() -> None:
    rows = make(lambda i, w: {"x": w.say(), "y": w.say(), "z": i / 60})
    called = [
        ("rename_column", {"column": column, "name": name})
        for column, name in (("x", "query"), ("y", "passage"), ("z", "year"))
    ]
    found = after(rows, *called)
    assert (found.case, found.columns) == ("pair", {"anchor": "query", "positive": "passage"})
    classes = table(
        [{"text": Writer(i).say(), "c": i % 2} for i in range(60)], {"c": ("lamp", "badge")}
    )
    named = after(classes, ("rename_column", {"column": "c", "name": "topic"})).prepared
    assert named is not None and named.class_names == ("lamp", "badge")


def test_a_dropped_column_is_gone_before_anything_is_guessed() -> None:
    rows = make(lambda i, w: {"sentence1": w.say(), "sentence2": w.say(), "score": i / 60})
    found = after(rows, ("drop_columns", {"columns": ["score"]}))
    assert (found.case, found.findings[0].code) == ("pair", "too_few_rows")


@pytest.mark.parametrize(
    "code, args, said",
    [
        ("rename_column", {"column": "a", "name": "b"}, "no other column has"),
        ("rename_column", {"column": "a", "name": "\ud800"}, "will not do"),
        ("rename_column", {"column": "nowhere", "name": "c"}, "There is no column"),
        ("drop_columns", {"columns": ["a", "b"]}, "drop every column"),
        ("drop_columns", {"columns": [["a"]]}, "There is no column"),
        ("cap_classes", {"at_most": 5}, "Only rows with classes"),
        ("sample_lists", {"role": "anchor", "seed": -1}, "A seed is"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(code: str, args: dict[str, Any], said: str) -> None:
    rows = make(lambda i, w: {"a": w.say(), "b": w.say()})
    with pytest.raises(StudioError, match=said):
        after(rows, (code, args))


def test_roles_are_reordered_by_assigning_them() -> None:
    rows = make(lambda i, w: {"anchor": w.say(), "positive": w.say(), "negative": w.say()})
    turned = [
        ("assign", {"role": "positive", "column": "negative"}),
        ("assign", {"role": "negative", "column": "positive"}),
    ]
    assert after(rows, *turned).columns == {
        "anchor": "anchor",
        "positive": "negative",
        "negative": "positive",
    }


def test_what_a_fix_says_of_the_recipe() -> None:
    chain = parse_fixes([{"code": "swap"}, {"code": "use_base_model", "args": {"id": "a/b"}}])
    assert fix_recipe(chain) == {"base_model": "a/b"}
    assert fix_recipe(()) == {}


def test_arguments_are_said_in_words() -> None:
    assert describe(Fix("map_labels", {"map": {"oui": 1, "bof": 0}})) == (
        'read the label "oui" as 1, "bof" as 0'
    )
    assert describe(Fix("drop_columns", {"columns": ["id", "url"]})) == 'leave out "id", "url"'
    assert describe(Fix("use_case", {"case": "pair"})) == "read it as Case 2 · Pairs of positives"


def test_classes_with_too_few_rows_are_dropped() -> None:
    rows = make(lambda i, w: {"text": w.say(), "label": "rare" if i < 3 else "abc"[i % 3]})
    found = after(rows, ("drop_rare_classes", {"at_least": 4}))
    assert (found.rows["kept"], found.rows["left_out"]) == (57, 3)
    assert found.rows["left_out_lines"] == [1, 2, 3]


def test_contradicting_triplets_and_pairs_in_any_order() -> None:
    w = Writer()
    rows = [{"anchor": w.say(), "positive": w.say(), "negative": w.say()} for _ in range(40)]
    rows.append({**rows[0], "positive": rows[0]["negative"], "negative": w.say()})
    assert after(table(rows), ("drop_contradicting", {})).rows["left_out"] == 2
    scored = [{"sentence1": w.say(), "sentence2": w.say(), "score": n / 40} for n in range(41)]
    scored.append(
        {"sentence1": scored[0]["sentence2"], "sentence2": scored[0]["sentence1"], "score": 0.9}
    )
    assert after(table(scored), ("drop_contradicting", {})).rows["left_out"] == 2


def test_every_fix_says_what_it_does() -> None:
    for code, kind in FIXES.items():
        args = {name: f"<{name}>" for name in kind.args}
        said = describe(Fix(code, args))
        assert said and "{" not in said
        assert kind.of is None or kind.of in CASES
    assert {code for case in CASES.values() for code in case.reshape} <= FIXES.keys()


def test_left_out_arguments_take_their_defaults() -> None:
    assert parse_fixes([{"code": "score_to_pairs"}]) == (Fix("score_to_pairs", {"at_least": 0.8}),)


@pytest.mark.parametrize(
    "fix",
    [
        {"code": "scale_score", "args": {"low": 0}},
        {"code": "scale_score", "args": {"low": True, "high": 5}},
        {"code": "swap", "args": {"loud": 1}},
        {"code": "drop_rare_classes", "args": [2]},
        {"code": ["swap"]},
        {},
        None,
    ],
)
def test_a_malformed_fix_is_refused(fix: Any) -> None:
    with pytest.raises(StudioError):
        parse_fixes([fix])


@given(st.lists(st.integers(0, 6), max_size=30), st.lists(st.integers(0, 6), max_size=30))
def test_partners_share_their_key_and_take_turns(wanted: list[int], offered: list[int]) -> None:
    places = _partners(np.array(wanted, int), np.array(offered, int))
    for key, place in zip(wanted, places, strict=True):
        assert (place < 0) == (key not in offered)
        assert place < 0 or offered[place] == key
    for key in set(wanted) & set(offered):
        used = [place for k, place in zip(wanted, places, strict=True) if k == key]
        assert len(set(used)) == min(len(used), offered.count(key))


DEFAULTS: dict[str, dict[str, Any]] = {
    "expand_lists": {"role": "positive"},
    "sample_lists": {"role": "anchor"},
    "rename_column": {"column": "a", "name": "text"},
    "drop_columns": {"columns": ["id"]},
    "cap_classes": {"at_most": 2},
    "use_label": {"column": "a", "kind": "class"},
    "documents_to_pairs": {"column": "a"},
    "flatten_triplets": {"columns": ["anchor"], "label": "a"},
    "scale_score": {"low": 0, "high": 9},
}


@settings(max_examples=100, deadline=2_000, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(NAMES, COLUMN, min_size=1, max_size=5),
    st.lists(
        st.sampled_from([c for c, kind in FIXES.items() if c in DEFAULTS or not kind.args])
        | st.sampled_from(["classes_to_pairs", "classes_to_triplets"]),
        min_size=1,
        max_size=3,
    ),
)
def test_any_fix_of_any_table_is_done_or_refused_in_words(
    columns: dict[str, Any], chain: list[str]
) -> None:
    rows = Table({"train": pa.table(columns)}, {}, 12)
    try:
        diagnose(rows, [{"code": code, "args": DEFAULTS.get(code, {})} for code in chain])
    except StudioError as error:
        assert str(error).strip().endswith((".", ")"))


@pytest.mark.skipif(not REAL, reason="STSTUDIO_REAL_DATA names no folder")
def test_real_snli_makes_triplets() -> None:
    found = after(REAL_SETS["snli"](), ("nli_to_triplets", {}))
    assert found.case == "triplet" and found.rows["kept"] > 2_000 and not found.errors
