"""The report of a fork's run: its change is the forge's word, and what it says is data."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mlcicd.cli import cli
from mlcicd.errors import OutsideError, UsageError
from mlcicd.runtime import ci, comment
from tests.e2e.harness.github_forge import GitHubForge

SHA = "c" * 40
RUN = 4242
FORK = 55


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[GitHubForge]:
    (tmp_path / "nothing.json").write_text("{}")
    with GitHubForge(tmp_path / "nothing.json") as made:
        made.head = SHA
        made.pulls = [pull(7)]
        yield made
        assert not [one for one in made.violations if "token" in one]


def pull(number: int, **head: Any) -> dict[str, Any]:
    known = {"ref": "patch", "label": "stranger:patch", "sha": SHA, "repo": {"id": FORK}}
    return {"number": number, "state": "open", "head": {**known, **head}, "base": {"ref": "main"}}


def event(**run: Any) -> dict[str, Any]:
    known = {
        "id": RUN,
        "event": "pull_request",
        "run_number": 12,
        "run_attempt": 2,
        "head_sha": SHA,
        "head_branch": "patch",
        "head_repository": {"id": FORK, "full_name": "stranger/ml", "owner": {"login": "stranger"}},
        "pull_requests": [],
    }
    return {"repository": {"id": 1, "full_name": "acme/ml"}, "workflow_run": {**known, **run}}


def archive(**fields: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("report.json", json.dumps({"state": "pass", "sha": SHA, **fields}))
        zipped.writestr("report.md", "[click](https://evil.example)")
    return buffer.getvalue()


def environ(forge: GitHubForge, tmp_path: Path, **run: Any) -> dict[str, str]:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event(**run)))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": forge.url,
        "GITHUB_REPOSITORY": forge.project,
        "GITHUB_EVENT_PATH": str(path),
        "GITHUB_SHA": "0" * 40,
        "GITHUB_RUN_NUMBER": "900",
        "GITHUB_TOKEN": forge.token,
    }


def post(forge: GitHubForge, tmp_path: Path, **run: Any) -> list[str]:
    variables = environ(forge, tmp_path, **run)
    here, source = ci.source(variables)
    return comment.for_fork(source, "always", here, variables, list[float]().append)


def test_the_report_is_posted_where_the_forge_says(forge: GitHubForge, tmp_path: Path) -> None:
    forge.keep(RUN, archive(run=99, key="default", link_run="https://evil.example/x"))
    forge.keep(RUN + 1, archive(title="another run's"))
    assert post(forge, tmp_path) == ["commented on change 7"]
    (made,) = forge.comments
    assert made["body"].startswith(f"<!-- mlcicd:report v=1 key=default run=12 attempt=2 sha={SHA} state=pass ")
    assert "[run 12](https://github.com/acme/ml/actions/runs/4242)" in made["body"]
    assert "The code of a fork reported these numbers about itself" in made["body"]
    assert "evil" not in made["body"]


def test_words_and_links_of_the_fork_are_left_out(forge: GitHubForge, tmp_path: Path) -> None:
    gate = {"metric": "accuracy", "rule": "min", "bound": 0.9, "status": "fail", "value": 0.1}
    run = {"tool": "wandb", "run": "x", "link": "https://evil.example/#y"}
    training = {"command": "x", "exit": 0, "seconds": 1.0, "tracked": [run]}
    forge.keep(RUN, archive(state="fail", gates=[gate], training=training, title="@org/team #1 <img src=x>"))
    post(forge, tmp_path)
    body = forge.comments[0]["body"]
    assert "state=fail" in body.partition("\n")[0]
    assert "❌ 1 gate failed" in body
    assert "evil" not in body
    assert "`@org/team #1 <img src=x>`" in body


@pytest.mark.parametrize(
    "pulls",
    [
        [],
        [pull(7, sha="d" * 40)],
        [pull(7, repo={"id": 56})],
        [pull(7, repo=None)],
        [pull(7) | {"state": "closed"}],
        [pull(7, ref="other", label="stranger:other")],
    ],
)
def test_a_change_that_is_not_at_this_commit_gets_nothing(
    forge: GitHubForge, tmp_path: Path, pulls: list[dict[str, Any]]
) -> None:
    forge.pulls = pulls
    forge.keep(RUN, archive())
    assert post(forge, tmp_path) == ["nothing to post: no open change is at ccccccc any more"]
    assert forge.writes == []


def test_a_newer_push_in_between_is_noticed(forge: GitHubForge, tmp_path: Path) -> None:
    forge.keep(RUN, archive())
    forge.head = "d" * 40
    assert post(forge, tmp_path) == ["change 7 has a newer commit than ccccccc: its own run comments"]
    assert forge.writes == []


def test_a_conclusion_that_the_facts_do_not_bear_is_refused(forge: GitHubForge, tmp_path: Path) -> None:
    gate = {"metric": "accuracy", "rule": "min", "bound": 0.9, "status": "fail", "value": 0.1}
    forge.keep(RUN, archive(state="pass", gates=[gate]))
    with pytest.raises(UsageError, match="says pass, and the facts say fail"):
        post(forge, tmp_path)
    assert forge.writes == []


@pytest.mark.parametrize("sha", ["", "d" * 40])
def test_a_report_of_another_commit_is_refused(forge: GitHubForge, tmp_path: Path, sha: str) -> None:
    forge.keep(RUN, archive(sha=sha))
    with pytest.raises(UsageError, match="this run about ccccccc"):
        post(forge, tmp_path)
    assert forge.writes == []


def test_what_is_no_archive_is_refused(forge: GitHubForge, tmp_path: Path) -> None:
    forge.keep(RUN, b"<html>")
    with pytest.raises(UsageError, match="mlcicd-report of the run 4242: not accepted: it is not a ZIP archive"):
        post(forge, tmp_path)
    assert forge.writes == []


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [(0, 0, "no artifact called"), (2, 0, "2 artifacts called"), (1, 3_000_000, "larger than 2,097,152 bytes: not")],
)
def test_an_artifact_that_is_not_as_expected_is_not_read(
    forge: GitHubForge, tmp_path: Path, count: int, size: int, expected: str
) -> None:
    for _ in range(count):
        forge.keep(RUN, archive() + bytes(size))
    with pytest.raises(OutsideError, match=expected):
        post(forge, tmp_path)
    assert forge.writes == []


@pytest.mark.parametrize(
    "run", [{"event": "push"}, {"head_repository": {"id": 1, "owner": {"login": "acme"}}}, {"head_repository": None}]
)
def test_what_is_no_run_of_a_fork_is_refused(forge: GitHubForge, tmp_path: Path, run: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="was not started by the run of a fork") as caught:
        post(forge, tmp_path, **run)
    assert "forks: post" in caught.value.hint
    assert forge.requests == []


def test_the_command_does_it(forge: GitHubForge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forge.pulls = []
    variables = environ(forge, tmp_path) | {"MLCICD_COMMENT_FROM_FORK": "true"}
    done = CliRunner().invoke(cli, ["comment"], env=variables, auto_envvar_prefix="MLCICD")
    assert done.output == "nothing to post: no open change is at ccccccc any more\n"
    here = CliRunner().invoke(cli, ["comment"], env={"MLCICD_COMMENT_FROM_FORK": "", "GITHUB_ACTIONS": ""})
    assert "was not started" not in str(here.exception)
