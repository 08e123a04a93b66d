"""Blocks by the base's templates, where there is no checkout: asked of the forge, at the base, with suspicion."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from mlcicd.runtime import ci as detect
from mlcicd.runtime import comment as worker
from mlcicd.runtime.ci import Ci
from tests.e2e.harness.forge import Answer, Request
from tests.e2e.harness.github_forge import GitHubForge
from tests.unit.runtime import test_comment_for_fork as fork
from tests.unit.runtime.forge_server import Server, serve

SHA, BASE = "a" * 40, "b" * 40
CONFIG = "version: 1\ntrain: {}\nreport: {templates: {metrics: ci/metrics.j2}}\n"
TEMPLATE = "#### Ours\n\n{% for m in report.metrics %}{{ m.name }}: {{ m.change }}{% endfor %}\n"
HOSTILE = "</code><img src=//h/x>@org/team"


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as state:
        yield state


@pytest.fixture(params=["github", "gitlab"])
def ci(request: pytest.FixtureRequest, server: Server) -> Ci:
    return Ci(
        forge=request.param,
        api=server.url,
        project="o/r",
        change=7,
        sha=SHA,
        run=3,
        token="s3cret",
        base=("HEAD^1", BASE),
    )


@pytest.fixture
def report(tmp_path: Path) -> Path:
    metric = {"name": HOSTILE, "file": "m.json", "key": "a", "base": 1, "change": 2}
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"state": "pass", "sha": SHA, "metrics": [metric]}))
    return path


def place(ci: Ci, path: str) -> str:
    if ci.forge == "github":
        return f"/repos/o/r/contents/{path}"
    return f"/projects/o%2Fr/repository/files/{quote(path, safe='')}"


def keep(server: Server, ci: Ci, path: str, raw: bytes, **fields: Any) -> None:
    """Let the forge have a file; both forges answer it alike, with line ends in the base64 on one of them."""
    known = {"type": "file", "size": len(raw), "encoding": "base64", "content": base64.encodebytes(raw).decode()}
    server.files[place(ci, path)] = json.dumps({**known, **fields}).encode()


def both(server: Server, ci: Ci, template: str = TEMPLATE, config: str = CONFIG) -> None:
    keep(server, ci, "mlcicd.yaml", config.encode())
    keep(server, ci, "ci/metrics.j2", template.encode())


def post(report: Path, ci: Ci, config: str = "mlcicd.yaml") -> list[str]:
    return worker.comment(report, "native", "always", ci, {}, list[float]().append, config)


def asked(server: Server) -> list[str]:
    return [path for path in server.seen("GET") if "/contents/" in path or "/repository/files/" in path]


def test_a_block_is_laid_out_by_the_bases_template_and_data_stays_text(server: Server, ci: Ci, report: Path) -> None:
    both(server, ci)
    assert post(report, ci) == ["commented on change 7"]
    body = server.comments[0]["body"]
    name = "<code>&#60;&#47;code&#62;&#60;img src&#61;&#47;&#47;h&#47;x&#62;&#64;</code><code>org&#47;team</code>"
    assert f"#### Ours\n\n{name}: 2" in body
    assert "#### Metrics" not in body
    assert asked(server) == [f"{place(ci, path)}?ref={BASE}" for path in ("mlcicd.yaml", "ci/metrics.j2")]


def test_nothing_is_asked_when_no_template_is_wanted(server: Server, ci: Ci, report: Path) -> None:
    both(server, ci)
    post(report, ci, config="")
    assert asked(server) == []
    assert "#### Metrics" in server.comments[0]["body"]


def test_a_base_that_the_event_does_not_tell_is_asked_for(server: Server, ci: Ci, report: Path) -> None:
    server.base = "d" * 40
    both(server, ci)
    post(report, replace(ci, base=("HEAD^1",)))
    assert {path.partition("?ref=")[2] for path in asked(server)} == {"d" * 40}
    assert "#### Ours" in server.comments[0]["body"]


@pytest.mark.parametrize("base", ["", "main", "../../x", "b" * 39, "b" * 40 + "&x=y"])
def test_what_is_no_commit_is_not_asked_for(server: Server, ci: Ci, report: Path, base: str) -> None:
    server.base = base
    both(server, ci)
    said = post(report, replace(ci, base=(base,)))
    assert said[0] == "template not used: mlcicd.yaml: the base commit is not known"
    assert asked(server) == []
    assert "#### Metrics" in server.comments[0]["body"]


@pytest.mark.parametrize("path", ["mlcicd.yaml", "metrics.j2"])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (404, "not readable at the base commit bbbbbbb (HTTP 404)"),
        (403, "not readable at the base commit bbbbbbb (HTTP 403)"),
        (500, "HTTP 500"),
    ],
)
def test_a_file_that_the_forge_does_not_give_is_named(
    server: Server, ci: Ci, report: Path, path: str, status: int, expected: str
) -> None:
    both(server, ci)
    server.fail("GET", path, *[(status, {}, '{"message": "no"}')] * 3)
    said = post(report, ci)
    where = "mlcicd.yaml" if path == "mlcicd.yaml" else "ci/metrics.j2"
    assert said[0].startswith(f"template not used: {where}: ")
    assert expected in said[0]
    assert said[1].startswith("to read templates the ")
    assert said[2] == "commented on change 7"
    body = server.comments[0]["body"]
    assert "#### Metrics" in body
    assert "Of the team's own templates for this report: " in body


@pytest.mark.parametrize(
    ("raw", "fields", "expected"),
    [
        (b"x" * 300_000, {}, "larger than 262,144 bytes"),
        (b"x" * 40_000, {}, "larger than 32,768 bytes"),
        (b"x" * 300_000, {"size": 1}, "larger than 262,144 bytes"),
        (b"\xff\xfe", {}, "not UTF-8 text"),
        (b"x", {"encoding": "none"}, "not a file"),
        (b"x", {"content": None}, "not a file"),
        (b"x", {"content": "a"}, "the forge's answer is damaged"),
        (b"{{ report.x }}", {}, "'dict object' has no attribute 'x'"),
        (b"{% for %}", {}, "Expected an expression"),
        (b"{{ report.title.__class__ }}", {}, "unsafe"),
    ],
)
def test_a_template_that_cannot_be_used_is_named_and_the_block_is_ours(
    server: Server, ci: Ci, report: Path, raw: bytes, fields: dict[str, Any], expected: str
) -> None:
    both(server, ci)
    keep(server, ci, "ci/metrics.j2", raw, **fields)
    said = post(report, ci)
    assert said[0].startswith("template not used: ci/metrics.j2:")
    assert expected in said[0]
    assert "#### Metrics" in server.comments[0]["body"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("version: 2\n", "mlcicd.yaml:"),
        ("version: 1\nreport: {templates: {metrics: ../../x}}\n", "must be a path inside the repository"),
        ("version: 1\nreport: {templates: {verdict: x}}\n", "templates"),
        ("a: [", "mlcicd.yaml:"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_named(
    server: Server, ci: Ci, report: Path, config: str, expected: str
) -> None:
    both(server, ci, config=config)
    said = post(report, ci)
    assert said[0].startswith("template not used: mlcicd.yaml")
    assert said[0].count("mlcicd.yaml") == 1
    assert expected in said[0]
    assert len(server.comments) == 1


def test_what_the_report_of_a_change_says_about_its_base_is_not_believed(server: Server, ci: Ci, report: Path) -> None:
    report.write_text(json.dumps(json.loads(report.read_text()) | {"base": "e" * 40}))
    both(server, ci)
    post(report, ci)
    assert {path.partition("?ref=")[2] for path in asked(server)} == {BASE}


def test_cml_gets_the_block_too(server: Server, ci: Ci, report: Path, tmp_path: Path) -> None:
    program = tmp_path / "bin/cml"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nfor last; do :; done\ncat "$last" > "{tmp_path}/body"\n')
    program.chmod(0o755)
    both(server, ci)
    environ = {"PATH": f"{program.parent}:/usr/bin:/bin"}
    worker.comment(report, "cml", "always", ci, environ, list[float]().append, "mlcicd.yaml")
    assert "#### Ours" in (tmp_path / "body").read_text("utf-8")


class WithFiles(GitHubForge):
    """A forge that has files at the base, by path."""

    files: Mapping[str, bytes] = {"mlcicd.yaml": CONFIG.encode(), "ci/metrics.j2": TEMPLATE.encode()}

    def answer(self, request: Request) -> Answer:
        """Answer contents too, and what a pull request is for."""
        path = request.path.partition("/contents/")[2]
        if path and request.query == {"ref": BASE}:
            raw = self.files[path]
            content = {"size": len(raw), "encoding": "base64", "content": base64.b64encode(raw).decode()}
            return Answer(status=200, body=content)
        answer = super().answer(request)
        if request.path.endswith(f"/pulls/{self.change}"):
            return Answer(status=200, body={**answer.body, "base": {"sha": BASE}})
        return answer


def test_a_forks_report_is_laid_out_by_the_base_too(tmp_path: Path) -> None:
    (tmp_path / "nothing.json").write_text("{}")
    with WithFiles(tmp_path / "nothing.json") as forge:
        forge.head = fork.SHA
        forge.pulls = [fork.pull(7)]
        metric = {"name": HOSTILE, "file": "m.json", "key": "a", "base": 1, "change": 2}
        forge.keep(fork.RUN, fork.archive(base="e" * 40, metrics=[metric]))
        variables = fork.environ(forge, tmp_path)
        here, source = detect.source(variables)
        said = worker.for_fork(source, "always", here, variables, list[float]().append, "mlcicd.yaml")
        assert said == ["commented on change 7"]
        body = forge.comments[0]["body"]
    assert "#### Ours\n\n<code>&#60;&#47;code&#62;" in body
    assert "The code of a fork reported these numbers about itself" in body
