"""The routes that read: who am I, search, information, listings, files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, quote

import yaml

from tests.hub.access import (
    find_commit,
    find_file,
    find_repo,
    need_admission,
    need_login,
    need_write,
)
from tests.hub.people import object_id
from tests.hub.store import Commit, File, Repo, parameter_counts, repo_object_id
from tests.hub.wire import Answer, Call, Refusal

TAGGED_KEYS = ("license", "language", "base_model", "task_categories", "size_categories")
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def whoami(call: Call) -> Answer:
    """Describe the owner of the token."""
    return Answer.of(need_login(call).whoami())


def search(call: Call, kind: str) -> Answer:
    """List the repositories that match every word and every filter."""
    words = call.first("search").lower().split()
    wanted = {value for key in ("filter", "pipeline_tag") for value in call.query.get(key, [])}
    found = []
    for repo in call.store.repos.values():
        mine = repo.kind == kind and repo.open_to(call.visitor) and "refs/heads/main" in repo.refs
        named = all(word in repo.id.lower() for word in words)
        author = call.first("author", repo.namespace) == repo.namespace
        if mine and named and author and wanted <= set(_tags(repo, _card(repo, "main"))):
            found.append(_describe(repo, repo.resolve(), blobs=False))
    if call.first("sort") == "downloads":
        found.sort(key=lambda item: -item["downloads"])
    if not call.asks("full"):
        found = [{k: v for k, v in item.items() if k not in FULL_ONLY} for item in found]
    return Answer.of(found[: int(call.first("limit", "1000"))])


FULL_ONLY = ("siblings", "sha", "cardData", "config", "safetensors", "usedStorage")


def info(call: Call, kind: str, id: str, revision: str | None = None) -> Answer:
    """Describe one repository at one revision."""
    repo = find_repo(call, kind, id)
    commit = find_commit(repo, revision or "main")
    data = _describe(repo, commit, blobs=call.asks("blobs"))
    expand = call.query.get("expand", []) + call.query.get("expand[]", [])
    if expand:
        data = {key: value for key, value in data.items() if key in {"_id", "id", *expand}}
    return Answer.of(data)


def _describe(repo: Repo, commit: Commit, blobs: bool) -> dict[str, Any]:
    card = _card(repo, commit.sha)
    data = {
        "_id": repo_object_id(repo),
        "id": repo.id,
        "author": repo.namespace,
        "sha": commit.sha,
        "lastModified": commit.when,
        "createdAt": repo.history(commit.sha)[-1].when,
        "private": repo.private,
        "gated": repo.gated,
        "disabled": False,
        "downloads": repo.downloads,
        "likes": 0,
        "tags": _tags(repo, card),
        "cardData": card or None,
        "usedStorage": sum(file.size for file in commit.files.values()),
        "siblings": [_sibling(file, blobs) for file in commit.files.values()],
    }
    return data | (_describe_model(repo, commit, card) if repo.kind == "model" else {})


def _describe_model(repo: Repo, commit: Commit, card: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {"modelId": repo.id}
    data |= {key: card[key] for key in ("library_name", "pipeline_tag") if key in card}
    if "config.json" in commit.files:
        config = json.loads(commit.files["config.json"].data)
        data["config"] = {k: config[k] for k in ("architectures", "model_type") if k in config}
    weights = commit.files.get("model.safetensors")
    if weights is not None and (counts := parameter_counts(weights)):
        data["safetensors"] = {"parameters": counts, "total": sum(counts.values())}
    return data


def _card(repo: Repo, revision: str) -> dict[str, Any]:
    try:
        return repo.card(revision)
    except yaml.YAMLError:
        return {}


def _tags(repo: Repo, card: dict[str, Any]) -> list[str]:
    tags = [str(card[key]) for key in ("library_name", "pipeline_tag") if key in card]
    for key in TAGGED_KEYS:
        tags += [f"{key}:{value}" for value in _listed(card.get(key))]
    return list(dict.fromkeys(tags + _listed(card.get("tags")) + ["region:us"]))


def _listed(value: object) -> list[str]:
    return [str(item) for item in (value if isinstance(value, list) else [value]) if item]


def _sibling(file: File, blobs: bool) -> dict[str, Any]:
    data: dict[str, Any] = {"rfilename": file.path}
    if blobs:
        data |= {"blobId": file.oid, "size": file.size}
        if file.lfs:
            pointer = len(file.pointer)
            data["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": pointer}
    return data


def _entry(file: File) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "oid": file.oid, "size": file.size, "path": file.path}
    if file.lfs:
        pointer = len(file.pointer)
        entry["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": pointer}
    return entry


def _entries(commit: Commit, expand: bool) -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    for path, file in sorted(commit.files.items()):
        for folder in reversed(PurePosixPath(path).parents[:-1]):
            oid = object_id(str(folder)).ljust(40, "0")
            folder_entry = {"type": "directory", "oid": oid, "size": 0, "path": str(folder)}
            entries.setdefault(str(folder), folder_entry)
        entries[path] = _entry(file)
    if expand:
        last = {"id": commit.sha, "title": commit.title, "date": commit.when}
        entries = {path: entry | {"lastCommit": last} for path, entry in entries.items()}
    return entries


def tree(call: Call, kind: str, id: str, revision: str, path: str | None = None) -> Answer:
    """List a folder, or with `recursive` all that is below it."""
    commit = find_commit(find_repo(call, kind, id), revision)
    entries = _entries(commit, call.asks("expand"))
    if path and entries.get(path, {}).get("type") != "directory":
        raise Refusal(404, f"{path} does not exist on '{revision}'", "EntryNotFound")
    above = f"{path}/" if path else ""
    below = [entry for name, entry in entries.items() if name.startswith(above)]
    if not call.asks("recursive"):
        below = [e for e in below if str(PurePosixPath(e["path"]).parent) == (path or ".")]
    return Answer.of(below)


def paths_info(call: Call, kind: str, id: str, revision: str) -> Answer:
    """Describe the paths that exist among those asked for."""
    commit = find_commit(find_repo(call, kind, id), revision)
    if "json" in call.headers.get("content-type", ""):
        form: dict[str, list[Any]] = json.loads(call.body)
    else:
        form = parse_qs(call.body.decode())
    expand = str(form.get("expand", [""])[0]).lower() == "true"
    entries = _entries(commit, expand)
    return Answer.of([entries[path] for path in form.get("paths", []) if path in entries])


def refs(call: Call, kind: str, id: str) -> Answer:
    """List branches, converts, tags and, if asked, pull requests."""
    repo = find_repo(call, kind, id)
    found: dict[str, list[dict[str, str]]] = {"branches": [], "converts": [], "tags": []}
    folders = {"heads": "branches", "convert": "converts", "tags": "tags"}
    if call.asks("include_prs"):
        found["pullRequests"] = []
        folders["pr"] = "pullRequests"
    for ref, sha in repo.refs.items():
        _, folder, name = ref.split("/", 2)
        if folder in folders:
            found[folders[folder]].append({"name": name, "ref": ref, "targetCommit": sha})
    return Answer.of(found)


def commits(call: Call, kind: str, id: str, revision: str) -> Answer:
    """List the history, the newest commit first."""
    repo = find_repo(call, kind, id)
    return Answer.of(list(_log(repo.history(find_commit(repo, revision).sha))))


def _log(history: Iterable[Commit]) -> Iterable[dict[str, Any]]:
    for commit in history:
        item = {"id": commit.sha, "title": commit.title, "message": commit.message}
        yield item | {"authors": [{"user": commit.author}], "date": commit.when}


def auth_check(call: Call, kind: str, id: str, write: str | None = None) -> Answer:
    """Say whether this visitor may read, or write."""
    repo = find_repo(call, kind, id)
    need_admission(call, repo)
    if write:
        need_write(call, repo)
    return Answer.of({})


def resolve(call: Call, kind: str | None, id: str, revision: str, path: str) -> Answer:
    """Serve one file, or a range of it."""
    repo = find_repo(call, kind or "model", id)
    commit = find_commit(repo, revision)
    file = find_file(call, repo, commit, path)
    name = quote(PurePosixPath(path).name)
    headers = {
        "Content-Type": "application/octet-stream" if file.lfs else "text/plain; charset=utf-8",
        "Content-Disposition": f"inline; filename*=UTF-8''{name}; filename=\"{name}\";",
        "X-Repo-Commit": commit.sha,
        "ETag": f'"{file.etag}"',
        "Accept-Ranges": "bytes",
    }
    if file.lfs:
        headers |= {"X-Linked-Etag": f'"{file.sha256}"', "X-Linked-Size": str(file.size)}
    span = RANGE.fullmatch(call.headers.get("range", ""))
    return _part(file.data, span, headers) if span else Answer(200, file.data, headers)


def _part(data: bytes, asked: re.Match[str], headers: dict[str, str]) -> Answer:
    first, last = asked.groups()
    start = int(first) if first else max(len(data) - int(last or 0), 0)
    stop = min(int(last) + 1, len(data)) if first and last else len(data)
    if start >= stop:
        raise Refusal(416, "Range not satisfiable", None, {"Content-Range": f"bytes */{len(data)}"})
    span = {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"}
    return Answer(206, data[start:stop], headers | span)
