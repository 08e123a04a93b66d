"""The second workflow: it follows the first one, for forks alone, and has nothing of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mlcicd import generate
from mlcicd.errors import UsageError
from tests.unit.platforms.test_forks import read

FOLDER = "forks/expected/.github/workflows"


def test_it_follows_the_workflow_by_its_name_and_its_path() -> None:
    first, second = read(f"{FOLDER}/mlcicd.yml"), read(f"{FOLDER}/mlcicd-comment.yml")
    (trigger,) = second[True].values()  # YAML 1.1 takes `on` for true
    assert trigger == {"workflows": [first["name"]], "types": ["completed"]}
    condition = second["jobs"]["comment"]["if"]
    assert "startsWith(github.event.workflow_run.path, '.github/workflows/mlcicd.yml')" in condition
    assert "head_repository.full_name != github.repository" in condition


def test_it_has_no_checkout_and_only_the_rights_that_it_needs() -> None:
    second = read(f"{FOLDER}/mlcicd-comment.yml")
    job = second["jobs"]["comment"]
    assert second["permissions"] == {}
    assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert [step["uses"].split("@")[0] for step in job["steps"]] == [
        "mlcicd/mlcicd/actions/setup",
        "mlcicd/mlcicd/actions/comment",
    ]


def test_copied_actions_are_those_of_the_default_branch(tmp_path: Path) -> None:
    settings = "version: 1\nplatforms: [github]\ntrain: {command: make}\nreport: {metrics: [m.json], forks: post}\n"
    path = tmp_path / "mlcicd.yaml"
    path.write_text(settings + "tool: {actions: vendored, source: ./x.whl}\n")
    generate.apply(generate.compare(path, tmp_path), tmp_path)
    text = (tmp_path / ".github/workflows/mlcicd-comment.yml").read_text("utf-8")
    (checkout,) = [one for one in yaml.safe_load(text)["jobs"]["comment"]["steps"] if "checkout" in one["uses"]]
    assert checkout["with"] == {"persist-credentials": False}


def test_where_no_platform_can_do_it_the_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mlcicd.yaml"
    path.write_text("version: 1\nplatforms: [gitlab]\nreport: {metrics: [m.json], forks: post}\ntrain: {command: x}\n")
    with pytest.raises(UsageError, match="no platform here can do that") as caught:
        generate.compare(path, tmp_path)
    assert "fork's own project" in caught.value.detail
    path.write_text(path.read_text().replace("[gitlab]", "[github, gitlab]"))
    assert "mlcicd-comment.yml" in str([change.path for change in generate.compare(path, tmp_path).changes])
