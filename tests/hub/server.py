"""The loopback Hub: starts, takes people and repositories, and answers the real clients.

    with Hub() as hub:
        hub.add_user("alice", "hf_alice")
        sha = hub.add_repo("model", "alice/tiny", Path("tiny"))
        HfApi(endpoint=hub.url, token="hf_alice").model_info("alice/tiny")

Set HF_HUB_DISABLE_XET=1 before the clients are imported: this Hub knows LFS only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub import discussions, jobs, oauth, reading, viewer, writing
from tests.hub.access import authenticate
from tests.hub.faults import Fault, Faults
from tests.hub.people import Role, Visitor
from tests.hub.store import Commit, Kind, NotOnHub, PullRequest, Repo, Store, as_files
from tests.hub.wire import Answer, Call, Exchange, Refusal, Server

ID = r"(?P<id>[^/]+(?:/[^/]+)??)"  # "org/name" or, for the oldest repositories, "name"
KIND = r"(?P<kind>model|dataset|space)s"
API = rf"/api/{KIND}/{ID}"
PAGE = rf"/(?:(?P<kind>dataset|space)s/)?{ID}"
JOBS = r"/api/jobs/(?P<namespace>[^/]+)"
REVISION, PATH = r"(?P<revision>[^/]+)", r"(?P<path>.+)"

# In this order: the first that fits the whole path is called with the named groups.
ROUTES: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/api/whoami-v2", reading.whoami),
    ("POST", "/api/repos/create", writing.create_repo),
    ("DELETE", "/api/repos/delete", writing.delete_repo),
    ("POST", "/api/validate-yaml", writing.validate_yaml),
    ("GET", f"/api/{KIND}", reading.search),
    ("GET", rf"{API}/revision/{REVISION}", reading.info),
    ("GET", rf"{API}/tree/{REVISION}(?:/{PATH})?", reading.tree),
    ("POST", rf"{API}/paths-info/{REVISION}", reading.paths_info),
    ("GET", rf"{API}/refs", reading.refs),
    ("GET", rf"{API}/commits/{REVISION}", reading.commits),
    ("GET", rf"{API}/discussions", discussions.listing),
    ("GET", rf"{API}/auth-check(?P<write>/write)?", reading.auth_check),
    ("POST", rf"{API}/preupload/{REVISION}", writing.preupload),
    ("POST", rf"{API}/commit/{REVISION}", writing.commit),
    ("GET", API, reading.info),
    ("GET", "/api/jobs/hardware", jobs.hardware),
    ("POST", JOBS, jobs.start),
    ("GET", rf"{JOBS}/(?P<id>[^/]+)", jobs.look),
    ("GET", rf"{JOBS}/(?P<id>[^/]+)/logs", jobs.logs),
    ("POST", rf"{JOBS}/(?P<id>[^/]+)/cancel", jobs.cancel),
    ("GET", "/.well-known/openid-configuration", oauth.configuration),
    ("GET", "/oauth/authorize", oauth.authorize),
    ("POST", "/oauth/authorize", oauth.allow),
    ("POST", "/oauth/token", oauth.token),
    ("GET", "/oauth/userinfo", oauth.userinfo),
    ("GET", "/oauth/jwks.json", oauth.jwks),
    ("GET", f"/spaces/{ID}", oauth.space),
    ("GET", "/viewer/splits", viewer.splits),
    ("GET", "/viewer/first-rows", viewer.first_rows),
    ("GET", "/viewer/parquet", viewer.parquet_files),
    ("PUT", rf"/lfs-storage/{KIND}/{ID}/(?P<oid>\w{{64}})", writing.lfs_put),
    ("POST", rf"{PAGE}\.git/info/lfs/objects/batch", writing.lfs_batch),
    ("POST", rf"{PAGE}\.git/info/lfs/objects/verify", writing.lfs_verify),
    ("GET", rf"{PAGE}/resolve/{REVISION}/{PATH}", reading.resolve),
)
COMPILED = tuple((method, re.compile(pattern), route) for method, pattern, route in ROUTES)
Gate = Literal[False, "auto", "manual"]


class Hub:
    """A Hub on 127.0.0.1 for the length of a `with` block."""

    def __init__(self) -> None:
        self.store = Store()
        self.faults = Faults()
        self._server = Server(self._respond, self.faults)
        self.url = self.store.url = f"http://127.0.0.1:{self._server.server_port}"
        self.viewer_url = f"{self.url}/viewer"

    def __enter__(self) -> Self:
        """Start serving."""
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving, also to clients that are waiting."""
        self.close()

    def close(self) -> None:
        """Go down: open connections are cut and new ones refused."""
        self._server.stop()

    @property
    def requests(self) -> list[Exchange]:
        """The log of all requests so far; clear it to count anew."""
        return self._server.log

    def add_user(
        self,
        name: str,
        token: str,
        role: Role = "write",
        expired: bool = False,
        orgs: Mapping[str, str] | None = None,
        writes: tuple[str, ...] | None = None,
    ) -> Visitor:
        """Let someone in, or give them one more token; `orgs` maps names to roles."""
        visitor = Visitor(name, token, role, expired, dict(orgs or {}), writes)
        self.store.visitors[token] = visitor
        return visitor

    def add_space(self, space_id: str, address: str, client_id: str, secret: str) -> None:
        """Publish a Space whose app runs at an address, and let people sign in to it."""
        app = oauth.OAuthApp(client_id, secret, f"{address}/login/callback")
        self.store.spaces[space_id] = address
        self.store.apps[client_id] = app

    def add_repo(
        self,
        kind: Kind,
        repo_id: str,
        files: Mapping[str, bytes] | Path,
        private: bool = False,
        gated: bool | Gate = False,
        branch: str = "main",
    ) -> str:
        """Publish files as one commit on a branch or ref, over what is there; give its hash."""
        with self.store.lock:
            repo = self.store.repos.setdefault((kind, repo_id), Repo(kind, repo_id))
            repo.private = repo.private or private
            repo.gated = "auto" if gated is True else gated or repo.gated
            try:
                head = repo.resolve(branch)
            except NotOnHub:
                head = Commit({}, "")
            merged = {**head.files, **as_files(files)}
            parent = head.sha if head.files else None
            return repo.add(Commit(merged, "Upload files", author="hub", parent=parent), branch)

    def add_pull_request(
        self,
        repo_id: str,
        files: Mapping[str, bytes],
        author: str,
        status: str = "open",
        title: str = "Adding `safetensors` variant of this model",
    ) -> str:
        """Open a pull request over a model's main branch, as anyone may; give its commit's hash."""
        with self.store.lock:
            repo = self.repo("model", repo_id)
            return discussions.open_pull(repo, as_files(files), PullRequest(title, author, status))

    def admit(self, kind: Kind, repo_id: str, name: str) -> None:
        """Let one person through the gate of a gated repository."""
        self.repo(kind, repo_id).admitted.add(name)

    def repo(self, kind: Kind, repo_id: str) -> Repo:
        """Look at a repository: its commits, files and refs."""
        return self.store.repos[kind, repo_id]

    def fail(
        self,
        match: str,
        status: int | None = None,
        retry_after: int | None = None,
        hang_seconds: float = 0,
        reset: bool = False,
        truncate: bool = False,
        after: bool = False,
        times: int | None = 1,
        whole: bool = False,
    ) -> Fault:
        """Spoil the next `times` requests whose `METHOD path` contains or matches `match`.

        With `after` the request is carried out and only its answer is lost; with
        `whole` a file is sent whole, whatever range of it was asked for.
        """
        return self.faults.add(
            Fault(match, status, retry_after, hang_seconds, reset, truncate, after, times, whole)
        )

    def _respond(self, method: str, target: str, headers: Message, body: bytes) -> Answer:
        address = urlsplit(target)
        try:
            visitor = authenticate(self.store, headers.get("authorization"))
            query = parse_qs(address.query, keep_blank_values=True)
            call = Call(self.store, visitor, query, headers, body)
            return self._route(call, "GET" if method == "HEAD" else method, address.path)
        except Refusal as refusal:
            return refusal.answer
        except ValueError as error:
            return Answer.of({"error": f"Bad request: {error}"}, 400)

    @staticmethod
    def _route(call: Call, method: str, path: str) -> Answer:
        for verb, pattern, route in COMPILED:
            found = pattern.fullmatch(path) if verb == method else None
            if found is not None:
                groups = found.groupdict().items()
                return route(call, **{name: value and unquote(value) for name, value in groups})
        raise Refusal(404, "Sorry, we can't find the page you are looking for.")
