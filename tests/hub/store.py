"""What the loopback Hub keeps: repositories, their commits and files."""

from __future__ import annotations

import hashlib
import json
import math
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml

from tests.hub.people import Visitor, object_id

Kind = Literal["model", "dataset", "space"]

# The endings of the .gitattributes file that the Hub puts into every new repository.
LFS_ENDINGS = tuple(
    ".7z .arrow .bin .bz2 .ckpt .ftz .gz .h5 .joblib .model .msgpack .npy .npz .onnx .ot .parquet"
    " .pb .pickle .pkl .pt .pth .rar .safetensors .tar .tflite .tgz .wasm .xz .zip .zst".split()
)
GITATTRIBUTES = "".join(
    f"*{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in LFS_ENDINGS
).encode()
LARGEST_REGULAR_FILE = 10 * 1024 * 1024  # bytes; above it, git without LFS is refused
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"


class NotOnHub(LookupError):
    """A revision or a file that the repository does not have."""


def is_lfs(path: str, size: int) -> bool:
    """Say whether a file of this name and size goes to large file storage."""
    return size > LARGEST_REGULAR_FILE or (size > 0 and path.endswith(LFS_ENDINGS))


def git_oid(data: bytes) -> str:
    """Hash as git does."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass(frozen=True)
class File:
    """One file of one commit."""

    path: str
    data: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Count the bytes."""
        return len(self.data)

    @property
    def lfs(self) -> bool:
        """Say whether git holds only a pointer to it."""
        return is_lfs(self.path, self.size)

    @cached_property
    def sha256(self) -> str:
        """Hash the content."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def pointer(self) -> bytes:
        """Write what git holds in its place."""
        return POINTER.format(sha256=self.sha256, size=self.size).encode()

    @cached_property
    def oid(self) -> str:
        """Hash what git holds: the content, or the pointer to it."""
        return git_oid(self.pointer if self.lfs else self.data)

    @property
    def etag(self) -> str:
        """Name the content, as the client's cache does."""
        return self.sha256 if self.lfs else self.oid


@dataclass(frozen=True)
class Commit:
    """One state of a repository, and how it came about."""

    files: Mapping[str, File] = field(repr=False)
    title: str
    message: str = ""
    author: str = "hub"
    parent: str | None = None
    date: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)

    @cached_property
    def sha(self) -> str:
        """Hash content, message and parent; the same history has the same hashes."""
        tree = {path: file.oid for path, file in sorted(self.files.items())}
        words = [tree, self.title, self.message, self.author, self.parent]
        return hashlib.sha1(json.dumps(words).encode()).hexdigest()

    @property
    def when(self) -> str:
        """Write the date as the Hub does."""
        return self.date.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass
class PullRequest:
    """One pull request; its commits are behind refs/pr/ and its number."""

    title: str
    author: str
    status: str = "open"  # or draft, closed, merged


@dataclass
class Repo:
    """One repository: commits by hash, and the refs that point at them."""

    kind: str  # a Kind
    id: str
    private: bool = False
    gated: Literal[False, "auto", "manual"] = False
    creator: str = ""  # the token that created it
    downloads: int = 0
    commits: dict[str, Commit] = field(default_factory=dict, repr=False)
    refs: dict[str, str] = field(default_factory=dict)  # {"refs/heads/main": commit hash}
    admitted: set[str] = field(default_factory=set)  # the people let through the gate
    lfs: dict[str, bytes] = field(default_factory=dict, repr=False)  # uploaded, by SHA-256
    pulls: dict[int, PullRequest] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        """Name the owner."""
        return self.id.partition("/")[0]

    @property
    def path(self) -> str:
        """Give its address below the Hub's."""
        return self.id if self.kind == "model" else f"{self.kind}s/{self.id}"

    def resolve(self, revision: str = "main") -> Commit:
        """Find the commit behind a branch, tag, ref or hash; raise NotOnHub."""
        for name in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}"):
            sha = self.refs.get(name, name)
            if sha in self.commits:
                return self.commits[sha]
        raise NotOnHub(revision)

    def file(self, path: str, revision: str = "main") -> File:
        """Find one file; raise NotOnHub."""
        files = self.resolve(revision).files
        if path not in files:
            raise NotOnHub(path)
        return files[path]

    def history(self, revision: str = "main") -> list[Commit]:
        """List the commits that led here, the newest first."""
        commits = [self.resolve(revision)]
        while commits[-1].parent is not None:
            commits.append(self.commits[commits[-1].parent])
        return commits

    def add(self, commit: Commit, branch: str = "main") -> str:
        """Take in a commit and move the branch to it; give its hash."""
        self.commits[commit.sha] = commit
        self.refs[branch if branch.startswith("refs/") else f"refs/heads/{branch}"] = commit.sha
        self.lfs |= {file.sha256: file.data for file in commit.files.values() if file.lfs}
        return commit.sha

    def card(self, revision: str = "main") -> dict[str, Any]:
        """Read the metadata block at the head of README.md."""
        readme = self.resolve(revision).files.get("README.md")
        return front_matter(readme.data.decode(errors="replace")) if readme else {}

    def open_to(self, visitor: Visitor | None) -> bool:
        """Say whether this visitor may know that it exists."""
        if not self.private:
            return True
        if visitor is None:
            return False
        if visitor.role == "oauth":
            return self.creator == visitor.token
        return visitor.belongs_to(self.namespace)

    def lets_in(self, visitor: Visitor | None) -> bool:
        """Say whether this visitor is through the gate to its files."""
        if not self.gated:
            return True
        return visitor is not None and (
            visitor.belongs_to(self.namespace) or visitor.name in self.admitted
        )


@dataclass
class Store:
    """Everything the Hub knows."""

    url: str = ""
    repos: dict[tuple[str, str], Repo] = field(default_factory=dict)
    visitors: dict[str, Visitor] = field(default_factory=dict)  # by token
    jobs: dict[str, Any] = field(default_factory=dict)  # by id
    spaces: dict[str, str] = field(default_factory=dict)  # the address of each one's app
    apps: dict[str, Any] = field(default_factory=dict)  # that people sign in to, by client id
    grants: dict[str, Any] = field(default_factory=dict)  # by the code that is good once
    lock: threading.RLock = field(default_factory=threading.RLock)


def front_matter(text: str) -> dict[str, Any]:
    """Read the YAML between two lines of three dashes; raise yaml.YAMLError."""
    if not text.startswith("---\n"):
        return {}
    block, end, _ = text[4:].partition("\n---")
    data = yaml.safe_load(block) if end else None
    return data if isinstance(data, dict) else {}


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read a folder as the files of a commit, without the clients' own cache folder."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    named = {path.relative_to(folder): path for path in paths}
    return {p.as_posix(): path.read_bytes() for p, path in named.items() if ".cache" not in p.parts}


def as_files(files: Mapping[str, bytes] | Path) -> dict[str, File]:
    """Turn a folder, or contents by path, into files."""
    contents = read_folder(files) if isinstance(files, Path) else files
    return {path: File(path, data) for path, data in contents.items()}


def parameter_counts(file: File) -> dict[str, int]:
    """Count a safetensors file's numbers by type, from its header; empty if it is not one."""
    try:
        (length,) = struct.unpack("<Q", file.data[:8])
        header = json.loads(file.data[8 : 8 + length])
    except (struct.error, ValueError):
        return {}
    counts: dict[str, int] = {}
    for name, tensor in header.items():
        if name != "__metadata__":
            counts[tensor["dtype"]] = counts.get(tensor["dtype"], 0) + math.prod(tensor["shape"])
    return counts


def repo_object_id(repo: Repo) -> str:
    """Give the repository's id in the Hub's database."""
    return object_id(f"{repo.kind}/{repo.id}")
