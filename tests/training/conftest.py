"""The real datasets, served by the loopback Hub."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ststudio.data.examples import Examples
from tests.hub.server import Hub
from tests.training.samples import examples_of

IDS = {
    "stsb": "sentence-transformers/stsb",
    "QQP_triplets": "embedding-data/QQP_triplets",
    "trec": "CogComp/trec",
    "snli": "stanfordnlp/snli",
    "sentence-compression": "embedding-data/sentence-compression",
    "banking77": "PolyAI/banking77",
    "scifact": "BeIR/scifact",
    "scifact-qrels": "BeIR/scifact-qrels",
}


@pytest.fixture(scope="session")
def real_hub(real_data: Path) -> Iterator[dict[str, str]]:
    """Serve the real datasets under their ids on the Hub; return the ids by folder."""
    with Hub() as hub:
        for folder, repo_id in IDS.items():
            hub.add_repo("dataset", repo_id, real_data / folder)
        os.environ["HF_ENDPOINT"] = hub.url
        yield IDS
        del os.environ["HF_ENDPOINT"]


@pytest.fixture(scope="session")
def examples() -> Examples:
    """Return the sample's pairs, prepared."""
    return examples_of("pair")
