"""`mlcicd pins --update` against a forge and a registry on loopback, which also fail in every way."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from mlcicd.errors import MlcicdError, OutsideError, Refused, UsageError
from mlcicd.pinning import newest
from mlcicd.pins import CHECKOUT
from mlcicd.runtime.forges.http import Client
from tests.unit.pinning.conftest import Repository
from tests.unit.pinning.server import Reply, Server

GITHUB = "version: 1\ntrain: {}\n"
BOTH = "version: 1\nplatforms: [github, gitlab]\ntrain: {}\n"
REPO = "GET /repos/actions/checkout"
TAG, COMMIT = "b" * 40, "a" * 40
DIGEST = "sha256:" + "d" * 64


def told(**fields: object) -> Reply:
    return Reply(json.dumps(fields).encode())


def released(server: Server, *, version: str = "v7.2.0", commit: str = COMMIT, runtime: str = "node24") -> None:
    content = base64.encodebytes(f"runs:\n  using: {runtime}\n".encode()).decode()
    server.say(f"{REPO}/releases/latest", told(tag_name=version))
    server.say(f"{REPO}/git/ref/tags/{version}", told(object={"type": "tag", "sha": TAG}))
    server.say(f"{REPO}/git/tags/{TAG}", told(object={"type": "commit", "sha": commit}))
    server.say(f"{REPO}/contents/action.yml", told(content=content))


@pytest.fixture(autouse=True)
def _environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", server.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("GITHUB_TOKEN", "secret-token")
    real = newest.client
    monkeypatch.setattr(newest, "client", lambda environ: replace(real(environ), pause=lambda _: None))


def update(repository: Repository, *options: str) -> list[str]:
    done = repository.run("pins", "--update", *options)
    assert done.exit_code == 0, done.exception
    return done.output.splitlines()


def failure(repository: Repository, *options: str) -> MlcicdError:
    before = repository.config
    error = repository.run("pins", "--update", *options).exception
    assert isinstance(error, MlcicdError)
    assert "secret-token" not in error.message + error.hint + error.detail
    assert repository.config == before
    return error


def test_the_newest_release_is_followed_to_its_commit(repository: Repository, server: Server) -> None:
    released(server)
    lines = update(repository.generated(GITHUB))
    assert lines == [f"actions/checkout: {CHECKOUT.value} -> v7.2.0@{COMMIT}", "next: mlcicd generate"]
    assert repository.config == f"{GITHUB}tool:\n  pins:\n    actions/checkout: v7.2.0@{COMMIT}\n"
    assert server.asked[-1][0].endswith(f"/contents/action.yml?ref={COMMIT}")
    assert {headers["Authorization"] for _, headers in server.asked} == {"Bearer secret-token"}


def test_a_plain_tag_and_an_action_yaml(repository: Repository, server: Server) -> None:
    released(server)
    content = server.replies.pop(f"{REPO}/contents/action.yml")
    server.replies[f"{REPO}/contents/action.yaml"] = content
    server.say(f"{REPO}/git/ref/tags/v7.2.0", told(object={"type": "commit", "sha": COMMIT}))
    assert f"-> v7.2.0@{COMMIT}" in update(repository.generated(GITHUB))[0]


def test_what_is_newest_already(repository: Repository, server: Server) -> None:
    released(server, version=CHECKOUT.version, commit=CHECKOUT.commit)
    assert update(repository.generated(GITHUB)) == ["nothing newer was found"]
    released(server, version="v6.9.9")
    assert update(repository) == ["nothing newer was found"]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"runtime": "node20"}, "v7.2.0 runs on node20, which is retired"),
        ({"version": CHECKOUT.version}, "another commit than the v7.0.1"),
    ],
)
def test_what_is_refused(repository: Repository, server: Server, facts: dict[str, str], words: str) -> None:
    released(server, **facts)
    error = failure(repository.generated(GITHUB))
    assert isinstance(error, Refused)
    assert words in error.message


@pytest.mark.parametrize(
    ("part", "reply", "words"),
    [
        ("releases/latest", Reply(b'{"message": "rate limit"}', 403), "GITHUB_TOKEN"),
        ("releases/latest", Reply(b"{}", 401), "GITHUB_TOKEN"),
        ("releases/latest", Reply(b"{}", 404), "GITHUB_API_URL"),
        ("releases/latest", Reply(b"{}", 429, {"Retry-After": "1"}), "GITHUB_TOKEN"),
        ("releases/latest", Reply(b"{}", 500), "--from FILE"),
        ("releases/latest", Reply(b"<html>"), "not JSON"),
        ("releases/latest", Reply(b'["v1"]'), "no version"),
        ("releases/latest", Reply(b'{"tag_name": "latest"}'), "no version"),
        ("releases/latest", Reply(b'{"tag_name": "v1.0.0/../x"}'), "no version"),
        ("git/ref/tags/v7.2.0", Reply(b'{"object": null}'), "leads to no commit"),
        ("git/ref/tags/v7.2.0", Reply(b'{"object": {"type": "commit", "sha": "../x"}}'), "leads to no commit"),
        (f"git/tags/{TAG}", Reply(json.dumps({"object": {"type": "tag", "sha": TAG}}).encode()), "leads to no commit"),
        ("contents/action.yml", Reply(b'{"content": "!!"}'), "does not say what runs it"),
        ("contents/action.yml", Reply(b'{"content": "/w=="}'), "not readable"),
        ("contents/action.yml", told(content=base64.b64encode(b"runs: [").decode()), "does not say"),
        ("contents/action.yml", told(content=base64.b64encode(b"runs: {using: [1]}").decode()), "does not say"),
        ("contents/action.yml", Reply(b"{}", 404), "does not say"),
    ],
)
def test_a_forge_that_does_not_tell(
    repository: Repository, server: Server, part: str, reply: Reply, words: str
) -> None:
    released(server)
    server.say(f"{REPO}/{part}", reply)
    error = failure(repository.generated(GITHUB))
    assert isinstance(error, OutsideError)
    assert words in error.message + error.hint


def test_a_failure_that_passes_is_waited_for(repository: Repository, server: Server) -> None:
    released(server)
    good = server.replies[f"{REPO}/releases/latest"][0]
    server.say(f"{REPO}/releases/latest", Reply(b"{}", 502), Reply(b"{}", 503), good)
    assert "v7.2.0" in update(repository.generated(GITHUB))[0]


def test_nobody_answers() -> None:
    api = Client(api="http://127.0.0.1:9", headers={}, pause=lambda _: None)
    with pytest.raises(OutsideError, match=r"127\.0\.0\.1:9"):
        newest.newest(api, "actions/checkout")


def test_without_a_token_none_is_sent(server: Server) -> None:
    assert "Authorization" not in newest.client({}).headers
    assert newest.client({"GITHUB_API_URL": server.url + "/"}).api == server.url


def test_an_image_needs_a_registry(repository: Repository, server: Server) -> None:
    released(server, version=CHECKOUT.version, commit=CHECKOUT.commit)
    repository.generated(BOTH)
    lines = update(repository)
    assert lines[0] == "nothing newer was found"
    assert lines[1].startswith("note: python:3.12: its name has no registry, and --registry names none: `crane digest")
    server.say("HEAD /v2/library/python/manifests/3.12", Reply(headers={"Docker-Content-Digest": DIGEST}))
    assert update(repository, "--registry", server.url)[0] == f"python:3.12: not pinned -> {DIGEST}"
    assert f"python:3.12: {DIGEST}" in repository.config


def facts(tmp_path: Path, text: str) -> tuple[str, str]:
    (tmp_path / "facts").write_text(text, "utf-8")
    return "--from", str(tmp_path / "facts")


def test_facts_from_a_file_need_no_network(repository: Repository, server: Server, tmp_path: Path) -> None:
    given = {"actions/checkout": {"version": "v7.2.0", "commit": COMMIT, "runtime": "node24"}, "python:3.12": DIGEST}
    lines = update(repository.generated(BOTH), *facts(tmp_path, json.dumps(given)))
    assert lines == [
        f"actions/checkout: {CHECKOUT.value} -> v7.2.0@{COMMIT}",
        f"python:3.12: not pinned -> {DIGEST}",
        "next: mlcicd generate",
    ]
    assert server.asked == []


BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("[]", UsageError, "must be a mapping"),
        ("{", UsageError, "cannot be read"),
        ("actions/checkout: v7", UsageError, "{version: v1.2.3"),
        (f"actions/checkout: {DIGEST}", UsageError, "{version: v1.2.3"),
        (f"actions/checkout: v7.2.0@{COMMIT}", UsageError, "{version: v1.2.3"),
        ("actions/checkout: {version: v7.2.0, commit: abc, runtime: node24}", UsageError, "40 digits"),
        ("python:3.12: latest", UsageError, "sha256:64 digits"),
        ("python:3.12: 5", UsageError, "sha256:64 digits"),
        (f"{BOMB}actions/checkout: {{version: v7.2.0, commit: {COMMIT}, runtime: *a9}}", UsageError, "aliases"),
        (f"{BOMB}? *a9\n: {DIGEST}", UsageError, "aliases"),
        (f"actions/checkout: {{version: v7.2.0, commit: {COMMIT}, runtime: [node24]}}", UsageError, "runtime: node24"),
        (f"actions/checkout: {{version: v7.2.0, commit: {COMMIT}, runtime: }}", UsageError, "runtime: node24"),
        (f"actions/checkout: {{version: 7, commit: {COMMIT}, runtime: node24}}", UsageError, "v1.2.3"),
        (f"actions/checkout: {{version: v7.2.0, commit: {'1' * 40}, runtime: node24}}", UsageError, "40 digits"),
        (f"5: {DIGEST}", UsageError, "must be a mapping of actions and images"),
        (f"? [a]\n: {DIGEST}", UsageError, "must be a mapping of actions and images"),
        (f"actions/checkout: {{version: v7.2.0, commit: {COMMIT}, runtime: node16}}", Refused, "retired"),
    ],
)
def test_facts_that_are_none(
    repository: Repository, tmp_path: Path, text: str, kind: type[MlcicdError], words: str
) -> None:
    error = failure(repository.generated(BOTH), *facts(tmp_path, text))
    assert isinstance(error, kind)
    assert words in error.message


def test_no_file_with_facts(repository: Repository, tmp_path: Path) -> None:
    assert "cannot be read" in failure(repository.generated(BOTH), "--from", str(tmp_path / "none")).message


def test_facts_without_an_update_are_a_slip(repository: Repository, tmp_path: Path) -> None:
    done = repository.generated(BOTH).run("pins", *facts(tmp_path, "{}"))
    assert done.exit_code == 2
    assert "--from belongs to --update" in done.output


def test_the_registry_can_stand_in_the_environment(
    repository: Repository, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLCICD_PINS_REGISTRY", server.url)
    released(server, version=CHECKOUT.version, commit=CHECKOUT.commit)
    server.say("HEAD /v2/library/python/manifests/3.12", Reply(headers={"Docker-Content-Digest": DIGEST}))
    assert repository.generated(BOTH).run("pins").exit_code == 0
    assert update(repository)[0] == f"python:3.12: not pinned -> {DIGEST}"
