"""Pull requests: opened by anyone, and listed page by page."""

from __future__ import annotations

from collections.abc import Mapping

from tests.hub.access import find_repo
from tests.hub.store import Commit, File, PullRequest, Repo
from tests.hub.wire import Answer, Call

PAGE = 2  # the Hub's are longer; what matters is that there are several


def open_pull(repo: Repo, files: Mapping[str, File], pull: PullRequest) -> str:
    """Add files to main's in a pull request of its own; give the commit's hash."""
    head = repo.resolve()
    number = 1 + len(repo.pulls)
    repo.pulls[number] = pull
    commit = Commit({**head.files, **files}, pull.title, author=pull.author, parent=head.sha)
    return repo.add(commit, f"refs/pr/{number}")


def listing(call: Call, kind: str, id: str) -> Answer:
    """List the pull requests, the newest first, those of one author if asked."""
    repo = find_repo(call, kind, id)
    found = []
    for number, pull in sorted(repo.pulls.items(), reverse=True):
        # Names that differ in case alone are one here: a client that needs to know must look.
        if call.first("author", pull.author).lower() == pull.author.lower():
            found.append(
                {
                    "num": number,
                    "author": {"name": pull.author, "type": "user"},
                    "repo": {"name": repo.id, "type": repo.kind},
                    "title": pull.title,
                    "status": pull.status,
                    "createdAt": repo.resolve().when,
                    "isPullRequest": True,
                    "numComments": 1,
                }
            )
    start = PAGE * int(call.first("p", "0"))
    page = found[start : start + PAGE]
    return Answer.of({"discussions": page, "count": len(found), "start": start})
