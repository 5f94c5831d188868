"""The rows of a run as a private dataset on the Hub, for a job that cannot reach this machine."""

import io
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from huggingface_hub import CommitOperationAdd

from ststudio.data.examples import PARTS
from ststudio.hub.card import TAG
from ststudio.hub.origins import data_words
from ststudio.hub.repository import check_ours, committed, reached
from ststudio.remote import hub
from ststudio.runs.run import Run
from ststudio.settings import get_settings

Tables = Mapping[str, pa.Table]  # by the file's name

MESSAGE = "Rows of a run of ST Studio"


def push_rows(run: Run, tables: Tables, repo_id: str, token: str | None) -> None:
    """Put a run's rows into a private dataset by one commit; the same again changes nothing."""
    client = hub(token)
    contents = {f"{name}.parquet": _parquet(table) for name, table in tables.items()}
    contents["README.md"] = dataset_card(run, list(tables)).encode()

    def make() -> None:
        client.create_repo(repo_id, repo_type="dataset", private=True, exist_ok=True)

    def commit() -> None:
        info = client.dataset_info(repo_id, timeout=get_settings().hub_seconds)
        check_ours(info, private=True)
        # As streams: bytes would go by another protocol, whose time-outs are its own.
        files = [CommitOperationAdd(path, io.BytesIO(data)) for path, data in contents.items()]
        committed(client, info, files, MESSAGE, "dataset")

    reached(make, repo_id)
    reached(commit, repo_id)


def dataset_card(run: Run, names: Sequence[str]) -> str:
    """Return the dataset's card: what `load_dataset` finds where, and no row."""
    parts = [{"split": name, "path": f"{name}.parquet"} for name in PARTS if name in names]
    others = [
        {"config_name": name, "data_files": f"{name}.parquet"}
        for name in names
        if name not in PARTS
    ]
    front = {
        "tags": [TAG],
        "configs": [{"config_name": "default", "data_files": parts, "default": True}, *others],
    }
    return (
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n\n# {MESSAGE}\n\n"
        f"Train, dev and test as a run used them, made of {data_words(run)}.\n"
    )


def _parquet(table: pa.Table) -> bytes:
    written = io.BytesIO()
    pq.write_table(table, written, compression="zstd")
    return written.getvalue()
