"""Kept vectors: found again by model, prompt and text; a broken file costs nothing but time."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding
from tokenizers import Tokenizer

from ststudio.shelf import packaged_model
from ststudio.training.remembered import Remembered, fingerprint
from ststudio.training.vectors import KeptVectors, key_of
from tests.training.tiny import tiny_model

TEXTS = ["the printer is out of paper", "my badge does not open the door", "short"]
VECTOR = np.arange(8, dtype=np.float32)


def test_what_is_kept_is_found_again_by_another_process_s_eyes(tmp_path: Path) -> None:
    keys = [key_of("model", "", str(number)) for number in range(1_200)]
    KeptVectors(tmp_path / "v").put({key: VECTOR + n for n, key in enumerate(keys)})
    found = KeptVectors(tmp_path / "v").get([*keys, key_of("model", "", "other")])
    assert list(sorted(found)) == sorted(keys)
    np.testing.assert_array_equal(found[keys[700]], VECTOR + 700)


def test_model_prompt_and_text_each_make_another_key() -> None:
    keys = {
        key_of("a", "b", "c"),
        key_of("ab", "", "c"),
        key_of("a", "", "bc"),
        key_of("a", "", "c"),
        key_of("a", "b", ""),
    }
    assert len(keys) == 5


def test_the_least_used_half_goes_when_there_are_too_many(tmp_path: Path) -> None:
    page = np.ones(900, dtype=np.float32)  # one of SQLite's 4,096 bytes for each
    kept = KeptVectors(tmp_path / "v", most_bytes=200_000)
    keys = [key_of("model", "", str(number)) for number in range(60)]
    kept.put({key: page for key in keys[:40]})
    time.sleep(0.01)
    assert len(kept.get(keys[:2])) == 2  # used again, so these two stay
    kept.put({key: page for key in keys[40:]})
    found = kept.get(keys)
    assert len(found) == 30 and {*keys[:2], *keys[40:]} <= set(found)


def test_what_nobody_used_for_long_is_forgotten_and_its_room_given_back(tmp_path: Path) -> None:
    kept = KeptVectors(tmp_path / "v")
    kept.put({key_of("model", "", str(number)): np.ones(4_000) for number in range(100)})
    size = kept.file.stat().st_size
    kept.forget(time.time() - 60)
    assert kept.file.stat().st_size == size
    kept.forget(time.time() + 60)
    assert kept.file.stat().st_size < size / 10
    KeptVectors(tmp_path / "none").forget(time.time())
    assert not (tmp_path / "none").exists()


def test_a_broken_file_is_begun_anew_and_an_unusable_place_keeps_nothing(tmp_path: Path) -> None:
    key = key_of("model", "", "text")
    kept = KeptVectors(tmp_path / "v")
    kept.file.write_bytes(b"this is no database at all" * 100)
    assert kept.get([key]) == {}
    kept.put({key: VECTOR})
    assert list(kept.get([key])) == [key]
    folder = tmp_path / "folder"
    folder.mkdir()
    KeptVectors(folder).put({key: VECTOR})
    assert KeptVectors(folder).get([key]) == {}


def test_a_second_run_embeds_nothing_that_the_first_one_did(tmp_path: Path) -> None:
    kept = KeptVectors(tmp_path / "v")
    first = Remembered(tiny_model(tmp_path / "a"), kept=kept)
    wanted = first.encode_query(TEXTS), first.encode(TEXTS[:2])
    model = tiny_model(tmp_path / "b")
    passes = []
    model[0].register_forward_hook(lambda *_: passes.append(1))
    second = Remembered(model, kept=kept)
    assert second.share_unknown({"query": TEXTS, "": [*TEXTS, "x" * sum(map(len, TEXTS))]}) == (
        pytest.approx(1 / 3)
    )
    np.testing.assert_array_equal(second.encode_query(TEXTS), wanted[0])
    np.testing.assert_array_equal(second.encode(TEXTS[:2]), wanted[1])
    assert not passes
    second.encode(["a text that nobody embedded before"])
    assert passes


def test_with_prompts_a_text_is_another_in_each_role(tmp_path: Path) -> None:
    kept = KeptVectors(tmp_path / "v")
    model = tiny_model(tmp_path)
    model.prompts = {"query": "query: ", "document": ""}
    Remembered(model, kept=kept).encode_query(TEXTS)
    again = Remembered(model, kept=kept)
    assert again.share_unknown({"document": TEXTS}) == 1
    assert again.share_unknown({"query": TEXTS}) == 0
    model.prompts = {"query": "search_query: ", "document": ""}
    assert Remembered(model, kept=kept).share_unknown({"query": TEXTS}) == 1


def test_whatever_changes_the_vectors_changes_the_fingerprint(tmp_path: Path) -> None:
    def base():  # noqa: ANN202
        return tiny_model(tmp_path / "m")

    known = fingerprint(base())
    asked = base()
    asked.encode(TEXTS)  # a tokenizer remembers how it padded
    assert fingerprint(asked) == known

    shorter = base()
    shorter.max_seq_length = 16
    pooled = base()
    pooled[1] = Pooling(32, pooling_mode="cls")
    moved = base()
    next(iter(moved.parameters())).data[0, 0] += 1e-3
    heads = base()
    heads[0].model.config.num_attention_heads = 4
    assert len({known, *map(fingerprint, (shorter, pooled, moved, heads))}) == 5


def test_a_static_embedding_that_cuts_elsewhere_is_another_model(tmp_path: Path) -> None:
    packaged = packaged_model()
    assert packaged is not None

    def static(tokens: int | None) -> str:
        torch.manual_seed(1)
        tokenizer = Tokenizer.from_file(str(packaged / "tokenizer.json"))
        tokenizer.no_truncation()
        if tokens:
            tokenizer.enable_truncation(tokens)
        return fingerprint(
            SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)])
        )

    assert static(None) == static(None) != static(16)
