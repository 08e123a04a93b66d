"""What a fork's code never meets in generated files: an identity, and the right to keep something for others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mlcicd import resources
from mlcicd.plan.stages.common import CACHE

GOLDEN = Path(__file__).parents[2] / "golden"
SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"
SAME_PROJECT = "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID"


def read(path: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((GOLDEN / path).read_text("utf-8"))
    return found


def test_on_gitlab_a_job_with_an_identity_is_in_no_forks_pipeline() -> None:
    jobs = read("oidc/expected/.gitlab/mlcicd.yml")
    proving = {name: job for name, job in jobs.items() if "id_tokens" in job}
    assert set(proving) == {"mlcicd-train", "mlcicd-report"}
    rules = [rule["if"] for job in proving.values() for rule in job["rules"] if "merge_request" in rule["if"]]
    assert len(rules) == 2
    assert all(rule.endswith(SAME_PROJECT) for rule in rules)


def test_on_github_only_the_report_runs_for_forks_which_get_no_identity_there() -> None:
    jobs = read("oidc/expected/.github/workflows/mlcicd.yml")["jobs"]
    proving = {name: job for name, job in jobs.items() if job["permissions"].get("id-token") == "write"}
    assert set(proving) == {"train", "report"}
    assert [name for name, job in proving.items() if SAME_REPOSITORY not in job.get("if", "")] == ["report"]


def test_on_gitlab_a_fork_keeps_nothing_for_others() -> None:
    for name, job in read("cache/expected/.gitlab/mlcicd.yml").items():
        if "cache" not in job:
            continue
        ours, anybody, *rest = job["rules"]
        assert ours["if"].endswith(SAME_PROJECT), name
        assert "variables" not in ours
        assert anybody["variables"] == {"MLCICD_CACHE_POLICY": "pull"}
        assert not any("merge_request" in rule["if"] for rule in rest)
        assert [one["paths"] for one in job["cache"]] == [[f"{CACHE}/"]]


def test_on_github_a_fork_keeps_nothing_for_others() -> None:
    action = yaml.safe_load((resources.find("actions") / "cache/action.yml").read_text("utf-8"))
    saves, restores = action["runs"]["steps"]
    assert saves["uses"].startswith("actions/cache@")
    assert saves["if"] == f"github.event_name != 'pull_request' || {SAME_REPOSITORY}"
    assert restores["uses"].startswith("actions/cache/restore@")
    assert saves["with"] == restores["with"]
    assert action["inputs"]["path"]["default"] == CACHE
