"""Both forges against a scripted server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

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


LATER = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1009"}


@pytest.mark.parametrize(
    ("status", "headers", "said", "waits"),
    [
        (403, {"Retry-After": "7"}, "", [7]),
        (403, LATER, "API rate limit exceeded", [9]),
        (429, LATER, "", [9]),
        (429, {}, "", [2]),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "900"}, "", [1]),
        (403, {}, "You have exceeded a secondary rate limit", None),
        (403, {"Retry-After": "3600"}, "", None),
        (403, {"X-RateLimit-Remaining": "12"}, "Forbidden", None),
    ],
)
def test_one_request_too_many_is_waited_for_as_asked(
    server: Server, forge: Forge, status: int, headers: dict[str, str], said: str, waits: list[float] | None
) -> None:
    server.fail("GET", "/merge_requests/7", (status, headers, json.dumps({"message": said})))
    server.fail("GET", "/pulls/7", (status, headers, json.dumps({"message": said})))
    waited: list[float] = []
    patient = replace(client(server, forge, waited), now=lambda: 1000.0)
    if waits is None:
        with pytest.raises(Refusal) as caught:
            forge.change(patient, "9", 7)
        assert caught.value.passing == ("secondary" in said or "Retry-After" in headers)
        assert waited == []
    else:
        assert forge.change(patient, "9", 7).head == "a" * 40
        assert waited == waits


def test_a_file_is_fetched_from_where_it_lies_without_the_token(server: Server) -> None:
    forge = FORGES["github"]
    server.files["/blob"] = b"x" * 100
    elsewhere = server.url.replace("127.0.0.1", "localhost") + "/blob"
    server.fail("GET", "/zip", *[(302, {"Location": elsewhere}, "")] * 2)
    assert client(server, forge).download("/zip", 100) == b"x" * 100
    assert "Authorization" in server.requests[0][2]
    assert "Authorization" not in server.requests[1][2]
    with pytest.raises(OutsideError, match="more than 99 bytes"):
        client(server, forge).download("/zip", 99)


@pytest.mark.parametrize("location", ["ftp://localhost/x", "file:///etc/passwd"])
def test_a_file_comes_over_http_or_not_at_all(server: Server, location: str) -> None:
    server.fail("GET", "/zip", (302, {"Location": location}, ""))
    with pytest.raises(OutsideError, match="no address to fetch a file from"):
        client(server, FORGES["github"]).download("/zip", 100)


def test_an_enterprise_server_is_asked_who_looks_at_its_own_address(server: Server) -> None:
    server.files["/api/graphql"] = b'{"data": {"viewer": {"login": "our[bot]"}}}'
    server.fail("GET", "/user", (403, {}, "{}"))
    forge = FORGES["github"]
    assert forge.whoami(replace(client(server, forge), api=f"{server.url}/api/v3")) == "our[bot]"


def test_answers_of_another_form_are_no_reason_to_break(server: Server, forge: Forge) -> None:
    server.fail("POST", "", (201, {}, "[]"))
    server.fail("GET", "", (200, {}, "[1]"))
    assert forge.create(client(server, forge), "9", 7, "x") == 0
    assert forge.change(client(server, forge), "9", 7).head == ""


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
