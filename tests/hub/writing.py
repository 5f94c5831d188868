"""The routes that write: create, delete, upload, commit."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from typing import Any

import yaml

from tests.hub.access import (
    find_commit,
    find_repo,
    need,
    need_login,
    need_namespace,
    need_write,
)
from tests.hub.store import (
    GITATTRIBUTES,
    LARGEST_REGULAR_FILE,
    Commit,
    File,
    PullRequest,
    Repo,
    front_matter,
    is_lfs,
)
from tests.hub.wire import Answer, Call, Refusal


def create_repo(call: Call) -> Answer:
    """Create a repository with the commit that the Hub makes by itself."""
    visitor = need_login(call)
    wish = json.loads(call.body)
    (name,) = need(wish, "name")
    kind, namespace = wish.get("type") or "model", wish.get("organization") or visitor.name
    need_namespace(visitor, kind, namespace)
    private = wish.get("visibility") == "private" or bool(wish.get("private"))
    repo = Repo(kind, f"{namespace}/{name}", private, creator=visitor.token)
    url = f"{call.store.url}/{repo.path}"
    with call.store.lock:
        if (kind, repo.id) in call.store.repos:
            message = f"You already created this {kind} repo"
            raise Refusal(409, message, url=url, id=repo.id)
        first = File(".gitattributes", GITATTRIBUTES)
        repo.add(Commit({first.path: first}, "initial commit", author=visitor.name))
        call.store.repos[kind, repo.id] = repo
    return Answer.of({"url": url, "name": repo.id, "id": repo.id})


def delete_repo(call: Call) -> Answer:
    """Delete a repository."""
    visitor = need_login(call)
    wish = json.loads(call.body)
    (name,) = need(wish, "name")
    namespace = wish.get("organization") or visitor.name
    repo = find_repo(call, wish.get("type") or "model", f"{namespace}/{name}")
    need_write(call, repo)
    with call.store.lock:
        del call.store.repos[repo.kind, repo.id]
    return Answer.of({})


def validate_yaml(call: Call) -> Answer:
    """Check the metadata block of a README."""
    (content,) = need(json.loads(call.body), "content")
    try:
        card = front_matter(content)
    except yaml.YAMLError as error:
        errors = [{"message": f"YAML Metadata Error: {error}"}]
        return Answer.of({"errors": errors, "warnings": []}, 400)
    errors = [{"message": message} for message in _faults_in(card)]
    warnings = [] if card else [{"message": "empty or missing yaml metadata in repo card"}]
    return Answer.of({"errors": errors, "warnings": warnings}, 400 if errors else 200)


def _faults_in(card: dict[str, Any]) -> list[str]:
    messages = []
    for key in ("library_name", "pipeline_tag"):
        if not isinstance(card.get(key, ""), str):
            messages.append(f'"{key}" must be a string')
    tags = card.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        messages.append('"tags" must be an array of strings')
    if not isinstance(card.get("model-index", []), list):
        messages.append('"model-index" must be an array')
    return messages


def preupload(call: Call, kind: str, id: str, revision: str) -> Answer:
    """Tell the client which files go to large file storage, and what is there already."""
    repo = find_repo(call, kind, id)
    if not call.asks("create_pr"):
        need_write(call, repo)
    need_login(call)
    present = find_commit(repo, revision).files
    (files,) = need(json.loads(call.body), "files")
    modes = []
    for file in files:
        path, size = need(file, "path", "size")
        mode = {"path": path, "shouldIgnore": False}
        mode["uploadMode"] = "lfs" if is_lfs(path, size) else "regular"
        if path in present:
            mode["oid"] = present[path].etag
        modes.append(mode)
    return Answer.of({"files": modes})


def lfs_batch(call: Call, kind: str | None, id: str) -> Answer:
    """Hand out one upload address for each object that is not there yet."""
    repo = find_repo(call, kind or "model", id)
    need_login(call)
    (wanted,) = need(json.loads(call.body), "objects")
    objects = []
    for item in wanted:
        oid, size = need(item, "oid", "size")
        answer: dict[str, Any] = {"oid": oid, "size": size, "authenticated": True}
        if oid not in repo.lfs:
            signature = f"X-Amz-Expires=900&X-Amz-Signature={secrets.token_hex(32)}"
            storage = f"{call.store.url}/lfs-storage/{repo.kind}s/{repo.id}/{oid}?{signature}"
            verify = f"{call.store.url}/{repo.path}.git/info/lfs/objects/verify"
            answer["actions"] = {"upload": {"href": storage}, "verify": {"href": verify}}
        objects.append(answer)
    return Answer.of({"transfer": "basic", "objects": objects})


def lfs_put(call: Call, kind: str, id: str, oid: str) -> Answer:
    """Take in one object; the address is the permission."""
    repo = call.store.repos.get((kind, id))
    if repo is None or not call.first("X-Amz-Signature"):
        raise Refusal(403, "Request has expired")
    if hashlib.sha256(call.body).hexdigest() != oid:
        raise Refusal(400, "The provided 'x-amz-content-sha256' does not match what was computed.")
    repo.lfs[oid] = call.body
    return Answer(200, headers={"ETag": f'"{hashlib.md5(call.body).hexdigest()}"'})


def lfs_verify(call: Call, kind: str | None, id: str) -> Answer:
    """Confirm that an object arrived whole."""
    repo = find_repo(call, kind or "model", id)
    oid, size = need(json.loads(call.body), "oid", "size")
    if len(repo.lfs.get(oid, b"")) != size:
        raise Refusal(404, f"Object {oid} of {size} bytes was not uploaded")
    return Answer.of({"success": True})


def commit(call: Call, kind: str, id: str, revision: str) -> Answer:
    """Apply all operations of one commit, or none."""
    repo = find_repo(call, kind, id)
    as_pull_request = call.asks("create_pr")
    visitor = need_login(call) if as_pull_request else need_write(call, repo)
    lines = [json.loads(line) for line in call.body.splitlines() if line.strip()]
    headers = [line["value"] for line in lines if line["key"] == "header"]
    header: dict[str, str] = headers[0] if headers else {}
    with call.store.lock:
        head = find_commit(repo, revision)
        if not head.sha.startswith(header.get("parentCommit", "")):
            raise Refusal(412, "A commit has happened since. Please refresh and try again.")
        files = dict(head.files)
        for line in lines:
            if line["key"] != "header":
                OPERATIONS[line["key"]](repo, files, line["value"])
        title, message = header.get("summary", ""), header.get("description", "")
        number = 1 + sum(ref.startswith("refs/pr/") for ref in repo.refs)
        branch = f"refs/pr/{number}" if as_pull_request else revision
        sha = repo.add(Commit(files, title, message, visitor.name, head.sha), branch)
        if as_pull_request:
            repo.pulls[number] = PullRequest(title, visitor.name)
    address = f"{call.store.url}/{repo.path}"
    done = {"success": True, "commitOid": sha, "commitUrl": f"{address}/commit/{sha}"}
    if as_pull_request:
        done["pullRequestUrl"] = f"{address}/discussions/{number}"
    return Answer.of(done | {"hookOutput": ""})


Files = dict[str, File]


def _add_regular(_: Repo, files: Files, value: dict[str, Any]) -> None:
    path, content = need(value, "path", "content")
    data = base64.b64decode(content) if value.get("encoding") == "base64" else content.encode()
    if len(data) > LARGEST_REGULAR_FILE:
        raise Refusal(400, "Your push was rejected because it contains files larger than 10 MiB.")
    files[path] = File(path, data)


def _add_lfs(repo: Repo, files: Files, value: dict[str, Any]) -> None:
    path, oid = need(value, "path", "oid")
    if oid not in repo.lfs:
        raise Refusal(400, f"Your push was rejected because an LFS pointer is not uploaded: {oid}")
    files[path] = File(path, repo.lfs[oid])


def _delete_file(_: Repo, files: Files, value: dict[str, Any]) -> None:
    (path,) = need(value, "path")
    if files.pop(path, None) is None:
        raise Refusal(404, "A file with this name doesn't exist", "EntryNotFound")


def _delete_folder(_: Repo, files: Files, value: dict[str, Any]) -> None:
    (path,) = need(value, "path")
    below = [name for name in files if name.startswith(path.rstrip("/") + "/")]
    if not below:
        raise Refusal(404, "A folder with this name doesn't exist", "EntryNotFound")
    for name in below:
        del files[name]


OPERATIONS: dict[str, Callable[[Repo, Files, dict[str, Any]], None]] = {
    "file": _add_regular,
    "lfsFile": _add_lfs,
    "deletedFile": _delete_file,
    "deletedFolder": _delete_folder,
}
