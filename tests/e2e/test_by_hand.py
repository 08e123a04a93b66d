"""The actions without the generator, and what they are installed by."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlcicd import demo
from tests.e2e.conftest import COMMIT, ROOT
from tests.e2e.harness import environment as surroundings
from tests.e2e.harness import repo as repository
from tests.e2e.harness.act import references
from tests.e2e.harness.tools import SYSTEM_PATH, Tools

pytestmark = pytest.mark.e2e


def test_the_example_workflow_of_the_documentation(
    clone: demo.Demo, act: Any, github_forge: Any, published: Path, programs: list[Path], tools: Tools
) -> None:
    text = (ROOT / "docs/examples/by-hand.yml").read_text("utf-8")
    folder = clone.repo / ".github/workflows"
    settings = clone.repo / "mlcicd.yaml"
    steps = "steps: [{name: Build features, after: train, run: test -s dvc.lock}]\n"
    settings.write_text(settings.read_text("utf-8").replace("[github, gitlab]", "[gitlab]") + steps, encoding="utf-8")
    assert clone.shell.mlcicd("generate") == 0
    (folder / "by-hand.yml").write_text(text.replace("COMMIT", COMMIT).replace("VERSION", "v0.1.0"), encoding="utf-8")
    repository.commit(clone.repo, "By hand")
    done = act(
        clone.repo,
        "pull_request",
        repository.pull_request(clone.repo),
        references=references([folder, ROOT / "actions"], tools, {"mlcicd/mlcicd": published}),
        env={"GITHUB_API_URL": github_forge.url},
        secrets={"GITHUB_TOKEN": github_forge.token},
        programs=programs,
    )
    done.assert_jobs({"train": "success", "lock": "success", "report": "success"})
    (comment,) = github_forge.comments
    assert "passed" in comment["body"]


def test_actions_that_are_copied_into_the_repository(
    clone: demo.Demo, act: Any, github_forge: Any, programs: list[Path], wheel: Path, tools: Tools
) -> None:
    """No reference leaves the repository, and the comment runs the base branch's copy of the actions."""
    settings = clone.repo / "mlcicd.yaml"
    text = settings.read_text("utf-8")
    for old, new in {
        "[github, gitlab]": "[github]",
        "tool:\n": "tool:\n  actions: vendored\n",
        # A secret is seen by the step that declares it, and by no other.
        "  command: pytest": '  command: test -z "$TRACKER_KEY" && pytest',
        "  command: dvc repro": '  secrets: [TRACKER_KEY]\n  command: test "$TRACKER_KEY" = tracker-key-1 && dvc repro',
    }.items():
        assert old in text
        text = text.replace(old, new)
    settings.write_text(text, encoding="utf-8")
    assert clone.shell.mlcicd("generate") == 0
    repository.commit(clone.repo, "Copy the actions here")
    repository.git(clone.repo, "switch", "--quiet", "--create", "change")
    comment = clone.repo / ".github/mlcicd/comment/action.yml"
    comment.write_text("runs: {using: composite, steps: [{run: exit 1, shell: bash}]}\n", encoding="utf-8")
    repository.commit(clone.repo, "Tamper with the action that holds the token")
    workflow = clone.repo / ".github/workflows/mlcicd.yml"
    assert "mlcicd/mlcicd/actions" not in workflow.read_text("utf-8")
    done = act(
        clone.repo,
        "pull_request",
        repository.pull_request(clone.repo, base="feature", head="change"),
        references=references([workflow, clone.repo / ".github/mlcicd"], tools),
        env={"GITHUB_API_URL": github_forge.url},
        secrets={"GITHUB_TOKEN": github_forge.token, "TRACKER_KEY": "tracker-key-1"},
        programs=programs,
    )
    expected = dict.fromkeys(("test", "validate", "train", "report", "comment"), "success")
    done.assert_jobs({"check": "failure", **expected})
    assert len(github_forge.comments) == 1


@pytest.mark.parametrize("source", ["checkout", "requirement"])
def test_setup_brings_uv_where_there_is_none(source: str, published: Path, wheel: Path, tmp_path: Path) -> None:
    variables = surroundings.clean(os.environ, tmp_path / "home", SYSTEM_PATH) | {
        "RUNNER_TEMP": str(tmp_path / "a folder"),
        "MLCICD_SOURCE": str(wheel) if source == "requirement" else "",
    }
    (tmp_path / "a folder").mkdir()
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    install = [str(python), "-I", str(published / "actions/setup/install.py")]
    done = subprocess.run(install, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "mlcicd, version" in done.stdout
    tool = tmp_path / "a folder/mlcicd/bin/mlcicd"
    # What lies in the repository cannot be imported instead of what was installed.
    (tmp_path / "click.py").write_text("raise SystemExit('shadowed')\n")
    used = subprocess.run([str(tool), "--version"], cwd=tmp_path, env=variables, capture_output=True, text=True)
    assert used.returncode == 0, used.stderr
    assert (tool.parent / "uv").exists()
