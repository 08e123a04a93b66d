"""One comment per change: created once, then updated; by cml or natively; nothing said twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlcicd.errors import OutsideError, UsageError
from mlcicd.runtime import comment as worker
from mlcicd.runtime.ci import Ci, detect
from tests.unit.runtime.forge_server import Server, note, serve

SHA = "a" * 40
MARKER = "<!-- mlcicd:report v=1 key=default "


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as state:
        yield state


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return written(tmp_path / "report.json", state="pass", sha=SHA)


@pytest.fixture(params=["github", "gitlab"])
def ci(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> Ci:
    return Ci(
        forge=request.param,
        api=server.url,
        project="o/r",
        change=7,
        sha=SHA,
        run=3,
        token="s3cret",
        summary=tmp_path / "summary.md",
        links={"run": "https://forge.example/o/r/runs/3", "change": "https://forge.example/o/r/7"},
    )


def written(path: Path, **fields: Any) -> Path:
    path.write_text(json.dumps(fields))
    return path


def post(report: Path, ci: Ci) -> str:
    (line,) = worker.comment(report, "native", ci, {})
    return line


def test_the_first_report_creates_and_later_ones_update(server: Server, report: Path, ci: Ci) -> None:
    server.comments = [note(1, "hello", "person"), note(2, "me too", "bot"), note(3, "third", "person")]
    assert post(report, ci) == "commented on https://forge.example/o/r/7"
    assert server.comments[3]["body"].startswith(f"{MARKER}run=3 attempt=1 sha={SHA} -->\n### ML report · ✅ passed")
    written(report, state="pass", sha=SHA, title="other")
    assert post(report, ci) == "updated the comment on https://forge.example/o/r/7"
    assert len(server.comments) == 4
    assert "for `other`" in server.comments[3]["body"]


def test_an_unchanged_report_writes_nothing(server: Server, report: Path, ci: Ci) -> None:
    post(report, ci)
    server.comments[0]["body"] = server.comments[0]["body"].replace("\n", "\r\n").rstrip()
    server.requests.clear()
    assert post(report, ci) == "the comment on https://forge.example/o/r/7 says this already"
    assert {verb for verb, *_ in server.requests} == {"GET"}


@pytest.mark.parametrize("knows_itself", [True, False])
def test_a_marker_of_someone_else_is_left_alone(server: Server, report: Path, ci: Ci, knows_itself: bool) -> None:
    if not knows_itself:
        server.fail("GET", "/user", (403, {}, "{}"))
    server.comments = [note(1, f"{MARKER}run=1 -->", "person"), note(2, f"quote: {MARKER}run=1 -->", "bot")]
    post(report, ci)
    assert [item["id"] for item in server.comments] == [1, 2, 3]


def test_another_key_has_a_comment_of_its_own(server: Server, report: Path, ci: Ci) -> None:
    post(report, ci)
    written(report, state="pass", sha=SHA, key="other")
    post(report, ci)
    assert len(server.comments) == 2


@pytest.mark.parametrize(
    ("status", "expected", "hint"),
    [
        (401, "the token is not accepted", "TOKEN"),
        (403, "the token may not comment", "the"),
        (404, "7 of o/r is not there for this token", "the"),
        (422, "was not accepted", "defect"),
        (500, "a problem of its own", "later"),
    ],
)
def test_each_refusal_has_a_cause_and_a_next_step(
    server: Server, report: Path, ci: Ci, status: int, expected: str, hint: str
) -> None:
    server.fail("POST", "", (status, {}, '{"message": "no"}'))
    with pytest.raises(OutsideError, match=expected) as caught:
        post(report, ci)
    assert hint in caught.value.hint
    assert f"HTTP {status}: no" in caught.value.message
    assert len(server.seen("POST")) == 1


def test_a_read_only_token_falls_back_to_the_summary(server: Server, report: Path, ci: Ci) -> None:
    server.fail("POST", "", (403, {}, '{"message": "Resource not accessible by integration"}'))
    if ci.forge == "gitlab":
        with pytest.raises(OutsideError, match="may not comment"):
            post(report, ci)
        return
    assert post(report, ci).startswith("not posted, the report is in the run's summary")
    assert ci.summary is not None
    assert ci.summary.read_text().startswith(MARKER)


@pytest.mark.parametrize("changes", [{"forge": ""}, {"change": None}])
def test_outside_a_pull_request_there_is_nowhere_to_post(report: Path, changes: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"forge": "github", "change": 7, "sha": SHA, **changes}
    assert post(report, Ci(**fields)).startswith("nowhere to post")


@pytest.mark.parametrize(
    ("forge", "hint"), [("github", "GITHUB_TOKEN"), ("gitlab", "masked CI/CD variable GITLAB_TOKEN")]
)
def test_without_a_token_the_hint_names_the_variable(report: Path, forge: str, hint: str) -> None:
    with pytest.raises(OutsideError, match="no token") as caught:
        post(report, Ci(forge=forge, change=7, sha=SHA))
    assert hint in caught.value.hint


@pytest.mark.parametrize("token", ["to\nken", "to ken", "t\u00f6ken"])
def test_a_token_that_cannot_be_one_is_explained_and_not_shown(
    server: Server, report: Path, ci: Ci, token: str
) -> None:
    with pytest.raises(OutsideError, match="characters that no token has") as caught:
        post(report, replace(ci, token=token))
    assert token not in caught.value.message + caught.value.hint + caught.value.detail
    assert server.requests == []


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "MLCICD_TOKEN"])
def test_a_token_pasted_with_its_line_end_is_the_same_token(name: str) -> None:
    assert detect({"GITHUB_ACTIONS": "true", name: "s3cret\n"}).token == "s3cret"


def test_an_event_of_another_form_is_no_change(tmp_path: Path) -> None:
    event = written(tmp_path / "event.json", pull_request=5)
    assert detect({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(event)}).change is None


def test_a_report_of_another_commit_is_refused(server: Server, report: Path, ci: Ci) -> None:
    written(report, state="pass", sha="b" * 40)
    with pytest.raises(UsageError, match="about commit bbbbbbb, this run about aaaaaaa"):
        post(report, ci)
    written(report, state="pass")
    with pytest.raises(UsageError, match="about no commit, this run about aaaaaaa"):
        post(report, ci)
    assert server.requests == []


def test_links_come_from_the_run_and_never_from_the_report(server: Server, report: Path, ci: Ci) -> None:
    written(
        report, state="pass", sha=SHA, run=99, link_run="https://evil.example/x", link_commit="https://evil.example/y"
    )
    post(report, ci)
    assert "evil" not in server.comments[0]["body"]
    assert "[run 3](https://forge.example/o/r/runs/3)" in server.comments[0]["body"]


CML = """#!/bin/sh
printf '%s\\n' "$@" > "$LOG.argv"
printf '%s' "$REPO_TOKEN" > "$LOG.token"
for last; do :; done
cat "$last" > "$LOG.body"
echo "first line" >&2
echo "refused with $REPO_TOKEN" >&2
exit ${CML_EXIT:-0}
"""


@pytest.fixture
def cml(tmp_path: Path) -> dict[str, str]:
    """Put a stand-in on PATH that records what it was given."""
    program = tmp_path / "bin" / "cml"
    program.parent.mkdir()
    program.write_text(CML)
    program.chmod(0o755)
    return {"PATH": f"{program.parent}:/usr/bin:/bin", "LOG": str(tmp_path / "log")}


def test_cml_posts_with_the_token_in_its_environment(server: Server, report: Path, ci: Ci, cml: dict[str, str]) -> None:
    assert worker.comment(report, "cml", ci, cml) == ["posted by cml on https://forge.example/o/r/7"]
    argv = Path(cml["LOG"] + ".argv").read_text().splitlines()
    assert argv[:-1] == ["comment", "update", "--target=pr/7", "--watermark-title=default", "--publish=false"]
    assert Path(cml["LOG"] + ".token").read_text() == "s3cret"
    assert Path(cml["LOG"] + ".body").read_text().startswith(MARKER)
    assert server.requests == []


def test_when_cml_fails_it_is_said_and_posted_natively(
    server: Server, report: Path, ci: Ci, cml: dict[str, str]
) -> None:
    lines = worker.comment(report, "cml", ci, cml | {"CML_EXIT": "5"})
    assert lines == [
        "posting without cml: cml ended with exit status 5: refused with ***",
        "commented on https://forge.example/o/r/7",
    ]


def test_without_cml_it_is_posted_natively(server: Server, report: Path, ci: Ci) -> None:
    first, _ = worker.comment(report, "cml", ci, {"PATH": "/nonexistent"})
    assert first == "posting without cml: cml is not installed"
    assert len(server.comments) == 1
