"""One comment per change: created once, then updated; by cml or natively; nothing said twice."""

from __future__ import annotations

import json
import os
import sys
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


# A report's state follows from its facts, or it is refused.
FACTS: dict[str, dict[str, Any]] = {
    "fail": {"tests": {"command": "pytest", "exit": 1, "seconds": 1, "passed": 1, "failed": 1, "skipped": 0}},
    "error": {"missing": ["test"]},
}


def written(path: Path, **fields: Any) -> Path:
    path.write_text(json.dumps(FACTS.get(fields.get("state", ""), {}) | fields))
    return path


def post(report: Path, ci: Ci, when: worker.When = "always") -> str:
    (line,) = worker.comment(report, "native", when, ci, {}, list[float]().append)
    return line


def by_cml(report: Path, ci: Ci, environ: dict[str, str]) -> list[str]:
    return worker.comment(report, "cml", "always", ci, environ, list[float]().append)


def test_the_first_report_creates_and_later_ones_update(server: Server, report: Path, ci: Ci) -> None:
    server.comments = [note(1, "hello", "person"), note(2, "me too", "bot"), note(3, "third", "person")]
    assert post(report, ci) == "commented on https://forge.example/o/r/7"
    mark = f"{MARKER}run=3 attempt=1 sha={SHA} state=pass earlier= -->"
    assert server.comments[3]["body"].startswith(f"{mark}\n### ML report · ✅ passed")
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


def test_a_failure_that_lasts_is_told_and_nothing_is_written_blindly(server: Server, report: Path, ci: Ci) -> None:
    server.fail("POST", "", *[(500, {}, '{"message": "down"}')] * 50)
    waits: list[float] = []
    with pytest.raises(OutsideError, match="a problem of its own"):
        worker.comment(report, "native", "always", ci, {}, waits.append)
    order = [verb for verb, path, _, _ in server.requests if path.split("?")[0].endswith(("/comments", "/notes"))]
    assert order == ["GET", "POST"] * (len(order) // 2)
    assert 30 < sum(waits) < 240


@pytest.mark.parametrize("status", [500, 502, 429])
def test_a_write_is_tried_again_only_after_a_look(server: Server, report: Path, ci: Ci, status: int) -> None:
    server.fail("POST", "", (status, {"Retry-After": "9"}, "{}"))
    waits: list[float] = []
    worker.comment(report, "native", "always", ci, {}, waits.append)
    assert waits[0] == 9
    assert len(server.comments) == 1


def test_a_wait_that_is_too_long_is_not_waited_for(server: Server, report: Path, ci: Ci) -> None:
    server.fail("POST", "", (429, {"Retry-After": "3600"}, "{}"))
    waits: list[float] = []
    with pytest.raises(OutsideError, match="too many requests"):
        worker.comment(report, "native", "always", ci, {}, waits.append)
    assert waits == []


def test_a_run_of_an_older_commit_leaves_it_to_the_newer(server: Server, report: Path, ci: Ci) -> None:
    server.head = "b" * 40
    assert post(report, ci) == "https://forge.example/o/r/7 has a newer commit than aaaaaaa: its own run comments"
    assert server.comments == []


def test_an_older_run_leaves_the_comment_of_a_newer_one(server: Server, report: Path, ci: Ci) -> None:
    post(report, replace(ci, run=4))
    before = server.comments[0]["body"]
    assert "a newer run has commented" in post(report, ci)
    assert "a newer run has commented" in post(report, replace(ci, run=2, attempt=5))
    assert [item["body"] for item in server.comments] == [before]
    assert post(report, replace(ci, run=4, attempt=2)).endswith("says this already")


def test_duplicates_are_removed_and_the_newest_stays(server: Server, report: Path, ci: Ci) -> None:
    marks = [f"{MARKER}run={run} attempt=1 sha={SHA} -->" for run in (2, 9, 1, 9)]
    server.comments = [note(number, mark) for number, mark in enumerate(marks, 1)] + [note(5, marks[0], "person")]
    assert "a newer run has commented" in post(report, ci)
    assert [item["id"] for item in server.comments] == [2, 5]


def test_what_passed_and_fails_is_said_anew_and_what_goes_on_is_edited(server: Server, report: Path, ci: Ci) -> None:
    post(report, ci)
    written(report, state="fail", sha=SHA)
    assert post(report, replace(ci, run=4)).startswith("commented on")
    assert [item["id"] for item in server.comments] == [2]
    for run, state in ((5, "error"), (6, "pass")):
        written(report, state=state, sha=SHA)
        assert post(report, replace(ci, run=run)).startswith("updated")
    assert [item["id"] for item in server.comments] == [2]
    assert "<sub>Earlier runs: ❌ 5 · ❌ 4 · ✅ 3</sub>" in server.comments[0]["body"]


def test_five_earlier_runs_are_remembered(server: Server, report: Path, ci: Ci) -> None:
    for run in range(1, 9):
        post(report, replace(ci, run=run))
    assert "<sub>Earlier runs: ✅ 7 · ✅ 6 · ✅ 5 · ✅ 4 · ✅ 3</sub>" in server.comments[0]["body"]
    post(report, replace(ci, run=8, attempt=2))
    assert server.comments[0]["body"].count("Earlier runs") == 1


METRICS = {
    "still": [{"name": "a", "file": "m.json", "key": "a", "base": 1.0, "change": 1.0}],
    "moved": [{"name": "a", "file": "m.json", "key": "a", "base": 1.0, "change": 2.0}],
    "new": [{"name": "a", "file": "m.json", "key": "a", "change": 1.0}],
}


@pytest.mark.parametrize(
    ("when", "state", "metrics", "posts"),
    [
        ("always", "pass", "still", True),
        ("changed", "pass", "still", False),
        ("changed", "pass", "moved", True),
        ("changed", "no-baseline", "new", True),
        ("changed", "error", "still", True),
        ("failed", "pass", "moved", False),
        ("failed", "fail", "still", True),
    ],
)
def test_when_there_is_something_to_say(
    server: Server, report: Path, ci: Ci, when: worker.When, state: str, metrics: str, posts: bool
) -> None:
    written(report, state=state, sha=SHA, metrics=METRICS[metrics])
    said = post(report, ci, when)
    assert len(server.comments) == posts
    assert posts or said.startswith("nothing to say on")


def test_a_comment_that_is_there_is_brought_up_to_date(server: Server, report: Path, ci: Ci) -> None:
    written(report, state="fail", sha=SHA)
    post(report, ci, "failed")
    written(report, state="pass", sha=SHA)
    assert post(report, replace(ci, run=4), "failed").startswith("updated")


TOO_LONG = {
    "github": (422, '{"message": "Validation Failed", "errors": [{"message": "Body is too long (maximum is 65536)"}]}'),
    "gitlab": (400, '{"message": {"note": ["is too long (maximum is 1000000 characters)"]}}'),
}


def test_a_comment_that_is_too_long_is_shortened(server: Server, report: Path, ci: Ci) -> None:
    long = [
        {"name": f"{index:03}" + "x" * 70, "file": "p", "base": "1" * 70, "change": "2" * 70} for index in range(50)
    ]
    written(report, state="pass", sha=SHA, params=long, metrics=METRICS["moved"])
    status, said = TOO_LONG[ci.forge]
    server.fail("POST", "", *[(status, {}, said)] * 3)
    assert post(report, ci).startswith("commented")
    lengths = [len(body["body"]) for verb, _, _, body in server.requests if verb == "POST"]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] <= 4_000
    assert len(server.comments) == 1


def test_where_nobody_may_comment_the_report_is_in_the_summary(server: Server, report: Path, ci: Ci) -> None:
    server.locked = True
    server.fail("POST", "", (403, {}, '{"message": "403 Forbidden"}'))
    assert "not posted, the report is in the run's summary: its conversation is locked" in post(report, ci)
    assert ci.summary is not None
    assert ci.summary.read_text().startswith(MARKER)


@pytest.mark.parametrize("message", ["Unable to create comment because issue is locked", "Repository was archived"])
def test_a_closed_place_is_known_by_its_message(server: Server, report: Path, ci: Ci, message: str) -> None:
    server.fail("POST", "", (403, {}, json.dumps({"message": message})))
    assert "locked, or the repository archived" in post(report, ci)


def test_a_token_that_may_not_ask_who_it_is_learns_it_from_what_it_wrote(server: Server, report: Path, ci: Ci) -> None:
    server.fail("GET", "/user", *[(403, {}, "{}")] * 9)
    mark = f"{MARKER}run=9 attempt=9 sha= -->"
    server.comments = [note(1, mark, "person")]
    post(report, ci)
    assert [item["id"] for item in server.comments] == [1, 2]


@pytest.mark.parametrize("ci", ["github"], indirect=True)
def test_the_token_of_a_run_asks_who_looks(server: Server, report: Path, ci: Ci) -> None:
    server.files["/graphql"] = b'{"data": {"viewer": {"login": "our-app[bot]"}}}'
    server.fail("GET", "/user", (403, {}, "{}"))
    mark = f"{MARKER}run=9 attempt=9 sha= -->"
    server.comments = [note(1, mark, "other-app[bot]"), note(2, mark, "our-app[bot]")]
    assert "a newer run has commented" in post(report, ci)
    assert [item["id"] for item in server.comments] == [1, 2]


def test_a_read_only_token_falls_back_to_the_summary(server: Server, report: Path, ci: Ci) -> None:
    server.fail("POST", "", (403, {}, '{"message": "Resource not accessible by integration"}'))
    if ci.forge == "gitlab":
        with pytest.raises(OutsideError, match="may not comment"):
            post(report, ci)
        return
    notice = "::notice title=mlcicd::not posted, the report is in the run's summary: this run's token may only read"
    assert post(report, ci).startswith(notice)
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


# As the real one finds its comment: by its watermark, on the first page only, whoever wrote it.
CML = """#!PYTHON
import json, os, re, sys, urllib.request
log = os.environ["LOG"]
open(log + ".argv", "w").write("\\n".join(sys.argv[1:]))
open(log + ".env", "w").write(json.dumps(dict(os.environ)))
print("first line", file=sys.stderr)
print("refused with", os.environ["REPO_TOKEN"], file=sys.stderr)
if exit := int(os.environ.get("CML_EXIT", 0)):
    sys.exit(exit)
def call(method, path, body=None):
    data = body and json.dumps(body).encode()
    request = urllib.request.Request(os.environ["FORGE"] + path, data, method=method)
    return json.load(urllib.request.urlopen(request))
body = open(sys.argv[-1]).read() + '\\n\\n![](https://cml.dev/watermark.png#' + 40 * "a" + ' "CML watermark default")'
old = [one for one in call("GET", "/repos/o/r/issues/7/comments") if "CML watermark" in one["body"]]
if old and sys.argv[2] == "update":
    call("PATCH", "/repos/o/r/issues/comments/%d" % old[-1]["id"], {"body": body})
else:
    call("POST", "/repos/o/r/issues/7/comments", {"body": body})
"""


@pytest.fixture
def cml(tmp_path: Path, server: Server) -> dict[str, str]:
    """Put a stand-in on PATH that records what it was given, and posts."""
    program = tmp_path / "bin" / "cml"
    program.parent.mkdir()
    program.write_text(CML.replace("PYTHON", sys.executable))
    program.chmod(0o755)
    here = {"PATH": f"{program.parent}:/usr/bin:/bin", "LOG": str(tmp_path / "log"), "FORGE": server.url}
    return here | {"GITHUB_SHA": "0" * 40, "CI_COMMIT_SHA": "0" * 40}


def writes(server: Server) -> list[tuple[str, str]]:
    """Every write, and whose it was."""
    return [(verb, headers["User-Agent"][:6]) for verb, _, headers, _ in server.requests if verb != "GET"]


def test_cml_posts_with_the_token_in_its_environment(server: Server, report: Path, ci: Ci, cml: dict[str, str]) -> None:
    here = replace(ci, git="https://forge.example/o/r.git")
    assert by_cml(report, here, cml) == ["cml wrote the comment", "commented on https://forge.example/o/r/7"]
    argv = Path(cml["LOG"] + ".argv").read_text().splitlines()
    options = ["--repo=https://forge.example/o/r", "--target=pr/7", "--watermark-title=default", "--publish=false"]
    assert argv[:-1] == ["comment", "update", *options]
    given = json.loads(Path(cml["LOG"] + ".env").read_text())
    assert given["REPO_TOKEN"] == "s3cret"
    assert given["GITHUB_SHA" if ci.forge == "github" else "CI_COMMIT_SHA"] == SHA
    assert given["ITERATIVE_DO_NOT_TRACK"] == "1"
    assert given["GIT_CONFIG_GLOBAL"] != os.environ.get("GIT_CONFIG_GLOBAL", "")
    assert server.comments[0]["body"].startswith(MARKER)
    assert writes(server) == [("POST", "Python")]


def test_what_cml_wrote_is_known_again_and_its_duplicates_go(
    server: Server, report: Path, ci: Ci, cml: dict[str, str]
) -> None:
    server.comments = [note(number, "talk", "person") for number in (1, 2)]
    by_cml(report, ci, cml)
    assert by_cml(report, ci, cml) == ["the comment on https://forge.example/o/r/7 says this already"]
    written(report, state="pass", sha=SHA, title="newer")
    # The third comment is beyond the only page that it looks at.
    assert by_cml(report, replace(ci, run=4), cml)[0] == "cml wrote the comment"
    assert writes(server) == [("POST", "Python"), ("POST", "Python"), ("DELETE", "mlcicd")]
    (body,) = [item["body"] for item in server.comments if item["body"] != "talk"]
    assert "for `newer`" in body
    assert "<sub>Earlier runs: ✅ 3</sub>" in body


def test_cml_writes_anew_when_what_passed_fails(server: Server, report: Path, ci: Ci, cml: dict[str, str]) -> None:
    by_cml(report, ci, cml)
    written(report, state="fail", sha=SHA)
    by_cml(report, replace(ci, run=4), cml)
    assert Path(cml["LOG"] + ".argv").read_text().splitlines()[1] == "create"
    assert [item["id"] for item in server.comments] == [2]


def test_when_cml_fails_it_is_said_and_posted_natively(
    server: Server, report: Path, ci: Ci, cml: dict[str, str]
) -> None:
    lines = by_cml(report, ci, cml | {"CML_EXIT": "5"})
    assert lines == [
        "posting without cml: cml ended with exit status 5: refused with ***",
        "commented on https://forge.example/o/r/7",
    ]


def test_without_cml_it_is_posted_natively(server: Server, report: Path, ci: Ci) -> None:
    first, _ = by_cml(report, ci, {"PATH": "/nonexistent"})
    assert first == "posting without cml: cml is not installed"
    assert len(server.comments) == 1
