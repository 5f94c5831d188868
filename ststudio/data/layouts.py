"""Where a dataset's repository keeps its rows: subsets and splits, from its card or its folders."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ststudio.data.tables import SPLIT_NAMES
from ststudio.errors import StudioError
from ststudio.fetch import DatasetRef
from ststudio.remote import RemoteFile

# What data/formats.py reads, the best first where a repository holds the same rows twice.
SUFFIXES = (".parquet", ".jsonl", ".ndjson", ".csv", ".tsv", ".json", ".txt")
NOT_ROWS = re.compile(
    r"(dataset_infos?|dataset_dict|state|label_names|package|config|metadata|croissant)\.json"
    r"|(requirements|readme|license|notice)[\w.-]*\.txt|\..*",
    re.IGNORECASE,
)
DEFAULT = "default"
CORPUS, QUERIES = "corpus", "queries"  # the subsets of a retrieval set
QRELS = "qrels"  # beside a corpus and queries: the judgements that join them
MOST_DOUBLE_STARS = 3  # in a pattern: each one multiplies the work of matching
NAMED = 20  # subsets or splits listed in a message


@dataclass(frozen=True)
class Subset:
    """One configuration of a dataset, and the files of each of its splits."""

    name: str
    splits: dict[str, tuple[RemoteFile, ...]]
    is_default: bool = False


def suffix_of(path: str) -> str:
    """Return how the name ends, without .gz, or nothing if such files are not read."""
    plain = path.lower().removesuffix(".gz")
    return next((suffix for suffix in SUFFIXES if plain.endswith(suffix)), "")


def find_subsets(ref: DatasetRef) -> tuple[Subset, ...]:
    """List the subsets that can be read: those of the card, else those the folders show."""
    return tuple(_from_card(ref)) or _from_folders(ref)


def _from_card(ref: DatasetRef) -> Iterator[Subset]:
    configs = ref.card.get("configs")
    for config in configs if isinstance(configs, list) else []:
        if not isinstance(config, dict):
            continue
        splits: dict[str, list[RemoteFile]] = {}
        for split, pattern in _patterns(config):
            files = [file for file in ref.files if suffix_of(file.path)]
            found = [file for file in files if matches(file.path, pattern)]
            splits.setdefault(split, []).extend(found)
        filled = {split: tuple(files) for split, files in splits.items() if files}
        if filled:
            is_default = bool(config.get("default"))
            yield Subset(str(config.get("config_name", DEFAULT)), filled, is_default)


def _patterns(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the split and the pattern of all data files that a card names, in all its ways."""
    files = config.get("data_files")
    if files is None and isinstance(config.get("data_dir"), str):
        files = f"{config['data_dir'].rstrip('/')}/**"
    if isinstance(files, dict):
        files = [{"split": split, "path": path} for split, path in files.items()]
    for entry in files if isinstance(files, list) else [files]:
        split, paths = "train", entry
        if isinstance(entry, dict):
            split, paths = str(entry.get("split", "train")), entry.get("path")
        for path in paths if isinstance(paths, list) else [paths]:
            if isinstance(path, str):
                yield split, path


def matches(path: str, pattern: str) -> bool:
    """Match a path in the repository; a pattern that points elsewhere matches nothing."""
    parts = pattern.removeprefix("./").split("/")
    outside = ".." in parts or parts[0] == "" or "://" in pattern
    if outside or len(pattern) > 300 or pattern.count("**") > MOST_DOUBLE_STARS:
        return False
    return _match(path.split("/"), parts)


def _match(names: list[str], parts: list[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        if len(parts) == 1:
            return bool(names)
        return any(_match(names[start:], parts[1:]) for start in range(len(names)))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _match(names[1:], parts[1:])


def _from_folders(ref: DatasetRef) -> tuple[Subset, ...]:
    by_subset: dict[str, list[RemoteFile]] = {}
    for file in sorted(ref.files, key=lambda file: file.path):
        if suffix_of(file.path) and not NOT_ROWS.fullmatch(file.path.rpartition("/")[2]):
            by_subset.setdefault(_subset_name(file.path), []).append(file)
    found = [Subset(name, _splits(files)) for name, files in by_subset.items()]
    return tuple(sorted(found, key=lambda subset: subset.name != DEFAULT))


def _subset_name(path: str) -> str:
    """Take the first folder for a subset's name, unless it names a split or just "data"."""
    folder, slash, _ = path.partition("/")
    return DEFAULT if not slash or folder.lower() == "data" or split_of(folder) else folder


def split_of(name: str) -> str:
    """Find a split's usual name among the words of a file's name, or of another split's."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "")


def _splits(files: list[RemoteFile]) -> dict[str, tuple[RemoteFile, ...]]:
    """Group the files of a subset by split, one format only."""
    best = min((suffix_of(file.path) for file in files), key=SUFFIXES.index)
    splits: dict[str, list[RemoteFile]] = {}
    for file in files:
        if suffix_of(file.path) == best:
            names = reversed(file.path.split("/"))
            found = next((split for name in names if (split := split_of(name))), "")
            splits.setdefault(found, []).append(file)
    unnamed = splits.pop("", [])
    if unnamed and "train" not in splits:
        splits["train"] = unnamed
    return {split: tuple(files) for split, files in splits.items()}


def is_retrieval(subsets: tuple[Subset, ...]) -> bool:
    """Tell whether the subsets are a corpus and the queries put to it."""
    return {CORPUS, QUERIES} <= {subset.name for subset in subsets}


def choose_subset(subsets: tuple[Subset, ...], wanted: str | None, dataset: str) -> Subset:
    """Return the subset asked for, or the only one; raise StudioError with the list."""
    names = [subset.name for subset in subsets]
    if wanted:
        found = [subset for subset in subsets if subset.name == wanted]
        if not found:
            raise StudioError(
                f"{dataset} has no subset {wanted[:80]!r}. Its subsets: {_list(names)}."
            )
        return found[0]
    if len(subsets) == 1:
        return subsets[0]
    usual = (DEFAULT, QRELS)
    default = [subset for subset in subsets if subset.is_default or subset.name in usual]
    if not default:
        raise StudioError(f"{dataset} has several subsets. Choose one: {_list(names)}.")
    return default[0]


def choose_splits(
    subset: Subset, wanted: str | None, dataset: str
) -> dict[str, tuple[RemoteFile, ...]]:
    """Return the files by usual split name: of the split asked for as train, else of all."""
    names = usual_splits(subset, wanted, dataset)
    return {usual: subset.splits[name] for usual, name in names.items()}


def usual_splits(subset: Subset, wanted: str | None, dataset: str) -> dict[str, str]:
    """Return the subset's own names of splits by their usual ones; raise StudioError."""
    names = list(subset.splits)
    if wanted:
        if wanted not in subset.splits:
            raise StudioError(
                f"{dataset} has no split {wanted[:80]!r}. Its splits: {_list(names)}."
            )
        return {"train": wanted}
    if len(names) == 1:
        return {"train": names[0]}
    chosen: dict[str, str] = {}
    for name in names:
        if usual := split_of(name):
            chosen.setdefault(usual, name)
    if not chosen:
        raise StudioError(f"{dataset} has splits of other names. Choose one: {_list(names)}.")
    if "train" not in chosen:  # what is there is what can be learned from
        first = next(iter(chosen))
        chosen = {"train": chosen.pop(first), **chosen}
    return chosen


def _list(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(name[:80] for name in names[:NAMED]) + more
