"""Every file that users get, and every action, is clean under every linter that runs offline."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.harness.lint import ignored, lint_action, lint_github, lint_gitlab, lint_updates
from tests.e2e.harness.tools import Tools

ROOT = Path(__file__).parent.parent
WORKFLOWS = [
    *sorted((ROOT / "tests/golden").glob("*/expected/.github/workflows/*.yml")),
    *sorted((ROOT / ".github/workflows").glob("*.yml")),
]
PIPELINES = sorted((ROOT / "tests/golden").glob("*/expected/.gitlab/mlcicd.yml"))


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix().replace("tests/golden/", "").split("/")[0]


pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("path", WORKFLOWS, ids=short)
def test_workflow(path: Path, tools: Tools) -> None:
    # It looks for the workflow that another one follows in this repository, and knows no label of a team's.
    known = ('workflow "ML pipeline" specified', 'label "gpu" is unknown', 'label "ubuntu-gpu-t4" is unknown')
    found = [one for one in lint_github(path, tools) if not any(words in one for words in known)]
    assert found == []


def test_actions(tools: Tools) -> None:
    assert lint_action(ROOT / "actions", tools) == []


def test_workflow_by_hand(tools: Tools, tmp_path: Path) -> None:
    text = (ROOT / "docs/examples/by-hand.yml").read_text("utf-8")
    (tmp_path / "by-hand.yml").write_text(text.replace("COMMIT", "0" * 40).replace("VERSION", "v0.1.0"), "utf-8")
    assert lint_github(tmp_path, tools) == []


def test_what_zizmor_is_told_to_ignore_is_what_is_declared(tools: Tools) -> None:
    found = {(short(path), audit) for path in WORKFLOWS for audit in ignored(path, tools)}
    assert found == {
        ("forks", "dangerous-triggers"),  # the poster runs on `workflow_run`, and has no checkout of the fork
        ("gpu", "self-hosted-runner"),  # a machine of the team's, which no fork's code reaches
        ("vendored", "self-repository"),  # actions that are copied beside the workflow, for servers and closed networks
        (".github", "self-repository"),  # the actions under test are this checkout's
    }


UPDATES = [
    ROOT / ".github/dependabot.yml",
    ROOT / "templates/renovate.json",
    *sorted((ROOT / "tests/golden").glob("*/expected/.github/dependabot.yml")),
]


@pytest.mark.parametrize("path", UPDATES, ids=short)
def test_what_keeps_pins_new(path: Path, tools: Tools) -> None:
    assert lint_updates(path, tools) == []


@pytest.mark.parametrize(
    ("name", "text", "finding"),
    [
        ("renovate.json", '{"extends": 5}', "check-jsonschema"),
        ("dependabot.yml", "version: 2\nupdates: []\nmore: 1\n", "check-jsonschema"),
        (
            "dependabot.yml",
            "version: 2\nupdates:\n  - package-ecosystem: github-actions\n    directory: /\n"
            "    schedule: {interval: weekly}\n",
            "dependabot-cooldown",
        ),
    ],
)
def test_what_keeps_pins_new_is_judged(name: str, text: str, finding: str, tmp_path: Path, tools: Tools) -> None:
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / name).write_text(text, "utf-8")
    assert any(finding in one for one in lint_updates(tmp_path / ".github" / name, tools))


@pytest.mark.parametrize("path", PIPELINES, ids=short)
def test_gitlab_pipeline(path: Path, tools: Tools) -> None:
    assert lint_gitlab(path, tools) == []
