"""Every file that users get, and every action, is clean under every linter that runs offline."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.harness.lint import lint_action, lint_github, lint_gitlab
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
    # A label of the team's own is not among the hosted ones that actionlint knows, and it looks for the workflow that
    # another one follows in this repository.
    known = ('label "gpu" is unknown', 'workflow "ML pipeline" specified')
    found = [one for one in lint_github(path, tools) if not any(words in one for words in known)]
    assert found == []


def test_actions(tools: Tools) -> None:
    assert lint_action(ROOT / "actions", tools) == []


def test_workflow_by_hand(tools: Tools, tmp_path: Path) -> None:
    text = (ROOT / "docs/examples/by-hand.yml").read_text("utf-8")
    (tmp_path / "by-hand.yml").write_text(text.replace("COMMIT", "0" * 40).replace("VERSION", "v0.1.0"), "utf-8")
    assert lint_github(tmp_path, tools) == []


@pytest.mark.parametrize("path", PIPELINES, ids=short)
def test_gitlab_pipeline(path: Path, tools: Tools) -> None:
    assert lint_gitlab(path, tools) == []
