"""Who may see and change what, refused in the Hub's own words."""

from __future__ import annotations

from typing import Any

from tests.hub.people import Visitor
from tests.hub.store import Commit, File, NotOnHub, Repo, Store
from tests.hub.wire import Call, Refusal


def authenticate(store: Store, header: str | None) -> Visitor | None:
    """Find who sent this Authorization header; refuse unknown and expired tokens."""
    if header is None or header.startswith("Basic "):  # an app's own, at the token's endpoint
        return None
    visitor = store.visitors.get(header.removeprefix("Bearer "))
    if visitor is None or visitor.expired:
        raise Refusal(401, "Invalid credentials in Authorization header")
    return visitor


def need_login(call: Call) -> Visitor:
    """Refuse anonymous callers."""
    if call.visitor is None:
        raise Refusal(401, "Invalid username or password.")
    return call.visitor


def find_repo(call: Call, kind: str, id: str) -> Repo:
    """Find a repository; one that is private looks to strangers as if it were not there."""
    repo = call.store.repos.get((kind, id))
    if repo is not None and repo.open_to(call.visitor):
        return repo
    if call.visitor is None:
        raise Refusal(401, "Invalid username or password.", "RepoNotFound")
    raise Refusal(404, "Repository not found", "RepoNotFound")


def find_commit(repo: Repo, revision: str) -> Commit:
    """Find the commit that a branch, tag, ref or hash names."""
    try:
        return repo.resolve(revision)
    except NotOnHub:
        raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound") from None


def find_file(call: Call, repo: Repo, commit: Commit, path: str) -> File:
    """Find one file, if this visitor is through the gate."""
    need_admission(call, repo)
    if path not in commit.files:
        headers = {"X-Repo-Commit": commit.sha}
        raise Refusal(404, "Entry not found", "EntryNotFound", headers)
    return commit.files[path]


def need_admission(call: Call, repo: Repo) -> None:
    """Refuse to show the files of a gated repository to those not admitted."""
    if repo.lets_in(call.visitor):
        return
    restricted = f"Access to {repo.kind} {repo.id} is restricted"
    if call.visitor is None:
        message = f"{restricted}. You must have access to it and be authenticated to access it."
        raise Refusal(401, f"{message} Please log in.", "GatedRepo")
    message = f"{restricted} and you are not in the authorized list."
    raise Refusal(403, f"{message} Visit {call.store.url}/{repo.path} to ask.", "GatedRepo")


def need_write(call: Call, repo: Repo) -> Visitor:
    """Refuse those who may not change this repository."""
    visitor = need_login(call)
    created = repo.creator == visitor.token or visitor.role != "oauth"
    if visitor.may_write(repo.namespace) and created:
        return visitor
    if visitor.role == "read":
        raise Refusal(403, "Authorization error.")
    message = "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request"
    raise Refusal(403, message)


def need_namespace(visitor: Visitor, kind: str, namespace: str) -> None:
    """Refuse those who may not create or delete repositories there."""
    if not visitor.may_write(namespace):
        message = f'You don\'t have the rights to create a {kind} under the namespace "{namespace}"'
        raise Refusal(403, message)


def need(data: Any, *keys: str) -> list[Any]:
    """Take values out of a JSON object; refuse one that lacks them."""
    missing = [key for key in keys if key not in data]
    if missing:
        raise Refusal(400, f"{missing} is required", "BadRequest")
    return [data[key] for key in keys]
