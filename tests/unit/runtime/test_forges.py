"""Both forges against a scripted server on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlcicd.errors import OutsideError
from mlcicd.runtime.forges import FORGES, Forge
from mlcicd.runtime.forges.http import Client, Refusal
from tests.unit.runtime.forge_server import Server, note, serve


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as state:
        yield state


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest) -> Forge:
    return FORGES[request.param]


def client(server: Server, forge: Forge, waits: list[float] | None = None) -> Client:
    pause = (waits if waits is not None else []).append
    return Client(api=server.url, headers=forge.headers("s3cret"), pause=pause)


def test_every_page_is_listed(server: Server, forge: Forge) -> None:
    server.comments = [note(number, f"text {number}") for number in range(1, 6)]
    found = list(forge.comments(client(server, forge), "o/r", 7))
    assert [item.id for item in found] == [1, 2, 3, 4, 5]
    assert len(server.seen("GET")) == 3
    assert (found[0].author, found[0].bot) == ("bot", forge is FORGES["github"])


def test_github_names_its_paths_and_header(server: Server) -> None:
    forge = FORGES["github"]
    forge.create(client(server, forge), "o/r", 7, "x")
    forge.update(client(server, forge), "o/r", 7, 1, "y")
    assert [(verb, path) for verb, path, _, _ in server.requests] == [
        ("POST", "/repos/o/r/issues/7/comments"),
        ("PATCH", "/repos/o/r/issues/comments/1"),
    ]
    assert {headers["Authorization"] for _, _, headers, _ in server.requests} == {"Bearer s3cret"}


def test_gitlab_names_its_paths_and_header_and_skips_system_notes(server: Server) -> None:
    forge = FORGES["gitlab"]
    forge.create(client(server, forge), "group/r", 7, "x")
    forge.update(client(server, forge), "group/r", 7, 1, "y")
    assert [(verb, path) for verb, path, _, _ in server.requests] == [
        ("POST", "/projects/group%2Fr/merge_requests/7/notes"),
        ("PUT", "/projects/group%2Fr/merge_requests/7/notes/1"),
    ]
    assert {headers["PRIVATE-TOKEN"] for _, _, headers, _ in server.requests} == {"s3cret"}
    server.comments = [note(1, "changed title", system=True), note(2, "mine", "project_9_bot_f00")]
    (found,) = forge.comments(client(server, forge), "9", 7)
    assert (found.id, found.bot) == (2, True)
    assert "per_page=100&order_by=created_at&sort=asc" in server.seen("GET")[0]


def test_a_token_of_a_run_is_nobody(server: Server, forge: Forge) -> None:
    server.fail("GET", "/user", (403, {}, '{"message": "Resource not accessible by integration"}'))
    assert forge.whoami(client(server, forge)) == ""
    assert forge.whoami(client(server, forge)) == "bot"
    server.fail("GET", "/user", (401, {}, '{"message": "Bad credentials"}'))
    with pytest.raises(Refusal, match="HTTP 401: Bad credentials"):
        forge.whoami(client(server, forge))


def test_a_read_is_tried_again_and_waits_as_asked(server: Server, forge: Forge) -> None:
    waits: list[float] = []
    server.fail("GET", "/user", (502, {}, "<html>"), (429, {"Retry-After": "7"}, "{}"))
    assert forge.whoami(client(server, forge, waits)) == "bot"
    assert waits == [2, 7]


def test_a_read_gives_up(server: Server, forge: Forge) -> None:
    server.fail("GET", "/user", *[(500, {}, "{}")] * 3)
    with pytest.raises(Refusal, match="HTTP 500"):
        forge.whoami(client(server, forge))
    assert len(server.requests) == 3


def test_a_write_is_never_tried_again(server: Server, forge: Forge) -> None:
    server.fail("POST", "", (502, {}, "{}"))
    with pytest.raises(Refusal, match="HTTP 502"):
        forge.create(client(server, forge), "o/r", 7, "x")
    assert len(server.seen("POST")) == 1


@pytest.mark.parametrize("how", ["redirect", "next page"])
def test_the_token_goes_to_no_other_host(server: Server, how: str) -> None:
    forge = FORGES["github"]
    other = "http://localhost:9/x"
    if how == "redirect":
        server.fail("GET", "/comments", (302, {"Location": other}, ""))
    else:
        server.fail("GET", "/comments", (200, {"Link": f'<{other}>; rel="next"'}, "[]"))
    with pytest.raises(OutsideError, match="the token is not sent to another host"):
        list(forge.comments(client(server, forge), "o/r", 7))


def test_a_redirect_on_the_same_host_is_followed(server: Server) -> None:
    forge = FORGES["github"]
    server.comments = [note(1, "x")]
    server.fail("GET", "/repos/o/r", (301, {"Location": "/repositories/1/issues/7/comments"}, ""))
    assert len(list(forge.comments(client(server, forge), "o/r", 7))) == 1


def test_an_answer_that_is_not_json_and_one_that_is_no_list(server: Server, forge: Forge) -> None:
    server.fail("GET", "", (200, {}, "<html>login</html>"), (200, {}, "{}"))
    for expected in ("the answer is not JSON", "expected a list"):
        with pytest.raises(OutsideError, match=expected):
            list(forge.comments(client(server, forge), "o/r", 7))


def test_no_server_is_explained_without_the_token(forge: Forge) -> None:
    waits: list[float] = []
    nowhere = Client(api="http://127.0.0.1:1", headers=forge.headers("s3cret"), pause=waits.append)
    with pytest.raises(OutsideError, match=r"127\.0\.0\.1:1/user") as caught:
        forge.whoami(nowhere)
    assert waits == [2, 4]
    assert "s3cret" not in repr(nowhere) + caught.value.message + caught.value.hint
