"""A run's examples as a private dataset on the Hub, for a job that cannot reach this machine."""

import yaml
from huggingface_hub import CommitOperationAdd

from ststudio.data.examples import PARTS, TABLES
from ststudio.hub.card import TAG
from ststudio.hub.markdown import plain
from ststudio.hub.origins import TITLE_CHARACTERS
from ststudio.hub.repository import check_ours, reached
from ststudio.remote import hub
from ststudio.runs.run import Run
from ststudio.settings import get_settings

MESSAGE = "Examples of a run of ST Studio"


def push_examples(run: Run, repo_id: str, token: str | None) -> None:
    """Put a run's examples into a private dataset by one commit; the same again changes nothing."""
    client = hub(token)

    def make() -> None:
        client.create_repo(repo_id, repo_type="dataset", private=True, exist_ok=True)

    def commit() -> None:
        info = client.dataset_info(repo_id, timeout=get_settings().hub_seconds)
        check_ours(info, private=True)
        files = [
            CommitOperationAdd(f"{name}.parquet", run.examples_dir / f"{name}.parquet")
            for name in TABLES
        ]
        client.create_commit(
            repo_id,
            [CommitOperationAdd("README.md", dataset_card(run).encode()), *files],
            repo_type="dataset",
            commit_message=MESSAGE,
            parent_commit=info.sha,
            num_threads=1,
        )

    reached(make, repo_id)
    reached(commit, repo_id)


def dataset_card(run: Run) -> str:
    """Return the dataset's card: what `load_dataset` finds where, and no row."""
    parts = [{"split": name, "path": f"{name}.parquet"} for name in PARTS]
    others = [
        {"config_name": name, "data_files": f"{name}.parquet"}
        for name in TABLES
        if name not in PARTS
    ]
    front = {
        "tags": [TAG],
        "configs": [{"config_name": "default", "data_files": parts, "default": True}, *others],
    }
    words = plain(run.facts.get("title") or "the owner's own data", TITLE_CHARACTERS)
    return (
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n\n# Examples of a run of ST Studio\n\n"
        f"Train, dev and test rows made of {words}, with the corpus that its searches go through.\n"
    )
