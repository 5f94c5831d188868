"""What a dataset on the Hub holds, known from its card and the list of its files alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ststudio.data.hub_tables import find_dataset
from ststudio.data.layouts import DEFAULT, Subset
from ststudio.fetch import DatasetRef, check_admission


@dataclass(frozen=True)
class SplitListing:
    """One split: how large its files are, and how many rows the card says it has."""

    name: str
    bytes: int
    rows: int | None


@dataclass(frozen=True)
class SubsetListing:
    """One subset and its splits."""

    name: str
    splits: tuple[SplitListing, ...]
    is_default: bool


@dataclass(frozen=True)
class Listing:
    """A dataset at a pinned commit: what can be chosen of it."""

    id: str
    revision: str  # of the converted branch, where only that can be read
    subsets: tuple[SubsetListing, ...]
    licence: str
    private: bool


def list_dataset(repo_id: str, revision: str | None = None, token: str | None = None) -> Listing:
    """List a dataset's subsets and splits without downloading any of it; raise StudioError."""
    ref, subsets = find_dataset({"id": repo_id, "revision": revision}, token)
    if ref.private:
        check_admission(ref, token)
    rows = _rows(ref)
    return Listing(
        ref.id,
        ref.revision,
        tuple(_listed(subset, rows) for subset in subsets),
        ref.licence,
        ref.private,
    )


def _listed(subset: Subset, rows: Mapping[tuple[str, str], int]) -> SubsetListing:
    splits = (
        SplitListing(name, sum(file.bytes for file in files), rows.get((subset.name, name)))
        for name, files in subset.splits.items()
    )
    return SubsetListing(subset.name, tuple(splits), subset.is_default)


def _rows(ref: DatasetRef) -> dict[tuple[str, str], int]:
    """Read the numbers of rows that a card states, by subset and split."""
    stated = ref.card.get("dataset_info")
    infos = stated if isinstance(stated, list) else [stated]
    return {key: rows for info in infos for key, rows in _stated(info)}


def _stated(info: Any) -> Iterator[tuple[tuple[str, str], int]]:
    if not isinstance(info, Mapping) or not isinstance(info.get("splits"), list):
        return
    for split in info["splits"]:
        if isinstance(split, Mapping) and isinstance(split.get("num_examples"), int):
            subset = str(info.get("config_name", DEFAULT))
            yield (subset, str(split.get("name"))), split["num_examples"]
