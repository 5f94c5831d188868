"""Pull requests, as the real client lists them."""

from tests.hub.conftest import client
from tests.hub.server import Hub


def test_pull_requests_are_listed_over_several_pages(hub: Hub) -> None:
    for author in ("bob", "carol", "bob", "bob"):
        hub.add_pull_request("alice/tiny", {"x.txt": author.encode()}, author)
    found = list(client(hub).get_repo_discussions("alice/tiny", discussion_type="pull_request"))
    assert [(one.num, one.author) for one in found] == [
        (4, "bob"), (3, "bob"), (2, "carol"), (1, "bob")
    ]  # fmt: skip
    mine = list(client(hub).get_repo_discussions("alice/tiny", author="carol"))
    assert [(one.num, one.status, one.git_reference) for one in mine] == [(2, "open", "refs/pr/2")]
    files = client(hub).list_repo_files("alice/tiny", revision="refs/pr/2")
    assert "x.txt" in files and "config.json" in files


def test_a_pull_request_that_a_client_opens_is_listed(hub: Hub) -> None:
    client(hub, "hf_bob").upload_file(
        path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="alice/tiny", create_pr=True,
        commit_message="One more file",
    )  # fmt: skip
    (found,) = client(hub).get_repo_discussions("alice/tiny")
    assert (found.title, found.author, found.status) == ("One more file", "bob", "open")
