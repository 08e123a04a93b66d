"""Digests of images, asked of a registry on loopback."""

from __future__ import annotations

import pytest

from mlcicd.errors import OutsideError, UsageError
from mlcicd.pinning import registry
from tests.unit.pinning.server import Reply, Server

DIGEST = "sha256:" + "d" * 64
FOUND = Reply(headers={"Docker-Content-Digest": DIGEST})
MANIFEST = "HEAD /v2/team/train/manifests/1"


def challenge(realm: str, rest: str = ',service="it",scope="repository:team/train:pull"') -> Reply:
    return Reply(status=401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"{rest}'})


def host(server: Server) -> str:
    return server.url.removeprefix("http://")


def test_a_registry_in_the_name(server: Server) -> None:
    server.say(MANIFEST, FOUND)
    assert registry.digest(f"{host(server)}/team/train:1", "") == DIGEST
    _, headers = server.asked[0]
    assert headers["Accept"].startswith("application/vnd.oci.image.index.v1+json, ")
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("image", "path"),
    [
        ("python:3.12", "library/python/manifests/3.12"),
        ("python", "library/python/manifests/latest"),
        ("team/train:1", "team/train/manifests/1"),
    ],
)
def test_a_registry_that_is_named(server: Server, image: str, path: str) -> None:
    server.say(f"HEAD /v2/{path}", FOUND)
    assert registry.digest(image, server.url + "/") == DIGEST


@pytest.mark.parametrize("answer", [b'{"token": "abc"}', b'{"access_token": "abc"}'])
def test_a_token_for_anybody_is_fetched_where_the_registry_says(server: Server, answer: bytes) -> None:
    server.say(MANIFEST, challenge(f"{server.url}/token"), FOUND)
    server.say("GET /token", Reply(answer))
    assert registry.digest("team/train:1", server.url) == DIGEST
    assert server.paths()[1] == "GET /token?scope=repository%3Ateam%2Ftrain%3Apull&service=it"
    assert server.asked[2][1]["Authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        ([Reply(status=404)], "HTTP 404"),
        ([Reply(status=403)], "HTTP 403"),
        ([Reply(status=429)], "HTTP 429"),
        ([Reply(status=500)], "HTTP 500"),
        ([Reply(status=302, headers={"Location": "http://127.0.0.1:9/"})], "HTTP 302"),
        ([Reply()], "names no digest"),
        ([Reply(headers={"Docker-Content-Digest": "sha256:zz"})], "names no digest"),
        ([Reply(status=401)], "wants a log-in"),
        ([Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})], "wants a log-in"),
        ([challenge("ftp://example")], "wants a log-in"),
    ],
)
def test_a_registry_that_does_not_tell(server: Server, replies: list[Reply], words: str) -> None:
    server.say(MANIFEST, *replies)
    with pytest.raises(OutsideError) as raised:
        registry.digest("team/train:1", server.url)
    assert words in raised.value.message
    assert "crane digest team/train:1" in raised.value.hint


@pytest.mark.parametrize(
    "answer", [Reply(b"<html>"), Reply(b"[]"), Reply(b"{}"), Reply(b'{"token": "a\\nb"}'), Reply(b"{}", 403)]
)
def test_a_token_that_is_none(server: Server, answer: Reply) -> None:
    server.say(MANIFEST, challenge(f"{server.url}/token"), FOUND)
    server.say("GET /token", answer)
    with pytest.raises(OutsideError, match="gives no token"):
        registry.digest("team/train:1", server.url)


def test_a_failure_that_passes_is_asked_again(server: Server) -> None:
    server.say(MANIFEST, Reply(status=502), Reply(status=503), FOUND)
    assert registry.digest("team/train:1", server.url) == DIGEST


def test_one_that_is_silent_is_given_up(server: Server) -> None:
    server.say(MANIFEST, Reply(seconds=5))
    with pytest.raises(OutsideError, match="does not answer: ReadTimeoutError"):
        registry.digest("team/train:1", server.url, timeout=0.1)
    assert len(server.asked) == 3


def test_nobody_is_there() -> None:
    with pytest.raises(OutsideError, match="does not answer: NewConnectionError"):
        registry.digest("127.0.0.1:9/a:1", "")


def test_nothing_names_a_registry() -> None:
    with pytest.raises(registry.Unnamed, match="its name has no registry"):
        registry.digest("python:3.12", "")


@pytest.mark.parametrize("address", ["registry.example", "file:///etc", "https://"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match="must be an address"):
        registry.digest("python:3.12", address)


def test_the_machines_proxy_is_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    server.say("HEAD http://registry.invalid/v2/team/train/manifests/1", FOUND)
    assert registry.digest("team/train:1", "http://registry.invalid") == DIGEST
