"""A Hub with one writer and one model, and the real client to reach it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from tests.hub.server import Hub

README = b"---\nlicense: mit\nlibrary_name: sentence-transformers\ntags:\n- tiny\n---\n# Tiny\n"
HEADER = json.dumps({"w": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}}).encode()
WEIGHTS = len(HEADER).to_bytes(8, "little") + HEADER + bytes(48)
MODEL = {
    "README.md": README,
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": WEIGHTS,
}
ROWS = b'{"anchor": "a cat", "score": 0.5}\n{"anchor": "a dog", "score": 1.0}\n'


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A Hub with one writer, one of whose repositories is public."""
    with Hub() as hub:
        hub.add_user("alice", "hf_alice", orgs={"acme": "write", "lookers": "read"})
        hub.add_user("bob", "hf_bob")
        hub.add_repo("model", "alice/tiny", MODEL)
        yield hub


def client(hub: Hub, token: str | None = "hf_alice") -> HfApi:
    """The real client, as a person or, with None, as nobody."""
    return HfApi(endpoint=hub.url, token=token or False)


def download(
    hub: Hub,
    folder: Path,
    path: str = "model.safetensors",
    repo: str = "alice/tiny",
    revision: str | None = None,
    token: str | None = None,
) -> bytes:
    """Fetch one file with the real client into an empty cache."""
    api = client(hub, token)
    return Path(api.hf_hub_download(repo, path, revision=revision, cache_dir=folder)).read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder on disk."""
    folder = tmp_path / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    for path, data in (MODEL | {"1_Pooling/config.json": b"{}"}).items():
        (folder / path).write_bytes(data)
    return folder
