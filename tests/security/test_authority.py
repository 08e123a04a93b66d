"""What a job may do, in every golden case: in the plan, and read back from each platform's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mlcicd.config.load import load, parse
from mlcicd.errors import UsageError
from mlcicd.plan.build import build
from mlcicd.plan.model import Job, Setup

ACTIONS = Path(__file__).parents[2] / "actions"
GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.name for path in GOLDEN.iterdir())
# What a job's token may do at most, by the kind of job.
MOST = {
    "lock": {"contents": "write", "pull-requests": "write"},
    "comment": {"pull-requests": "write", "actions": "read", "contents": "read"},
    "": {"contents": "read", "id-token": "write"},
}


def jobs(case: str) -> list[Job]:
    pipeline = build(load(GOLDEN / case / "mlcicd.yaml"))
    return [*pipeline.jobs, *([pipeline.for_forks] if pipeline.for_forks else [])]


def workflows(case: str) -> list[dict[str, Any]]:
    found = sorted((GOLDEN / case / "expected").glob(".github/workflows/*.yml"))
    return [yaml.load(path.read_text("utf-8"), yaml.BaseLoader) for path in found]


@pytest.mark.parametrize("case", CASES)
def test_what_may_write_has_no_code_of_the_change(case: str) -> None:
    for job in jobs(case):
        if job.writes:
            setup = next(step for step in job.steps if isinstance(step, Setup))
            assert (setup.history, setup.project) == ("none", False), job.id
            assert job.trusted or job.steps[-1].inputs.get("from-fork"), job.id


@pytest.mark.parametrize("case", CASES)
def test_secrets_are_behind_an_environment_that_programs_of_the_project_do_not_share_with_what_may_write(
    case: str,
) -> None:
    for job in jobs(case):
        if job.secrets or job.identity or any(job.machine.labels.values()):
            assert job.environment == ("mlcicd" if job.writes else "mlcicd-data"), job.id
        elif not job.writes:
            assert job.environment == "", job.id


@pytest.mark.parametrize("case", CASES)
def test_the_workflow_grants_what_the_table_allows(case: str) -> None:
    for workflow in workflows(case):
        assert workflow["permissions"] == {}
        for id, job in workflow["jobs"].items():
            most = MOST.get(id, MOST[""])
            assert job["permissions"].items() <= most.items(), id
            sees = [name for step in job["steps"] for name in step.get("env", {}) if "secrets." in step["env"][name]]
            assert not sees or job["environment"], id


@pytest.mark.parametrize("case", CASES)
def test_every_workflow_grants_exactly_what_the_plan_says(case: str) -> None:
    scopes = {"contents": "code", "pull-requests": "comments", "id-token": "identity", "actions": "runs"}
    granted = [
        (id, sorted((scopes[scope], level) for scope, level in job["permissions"].items()))
        for workflow in workflows(case)
        for id, job in workflow["jobs"].items()
        if job.get("steps")
    ]
    meant = [
        (job.id, sorted((right.scope, right.level) for right in job.permissions)) for job in jobs(case) if job.steps
    ]
    own = ("scan",)  # in its platform's own words
    assert sorted(one for one in granted if one[0] not in own) == sorted(meant if granted else [])


@pytest.mark.parametrize("case", sorted({*CASES} - {"ghes"}))
def test_only_a_job_that_keeps_data_reaches_the_cache(case: str) -> None:
    for workflow in workflows(case):
        assert workflow["cache-mode"] == "none"
        for job in workflow["jobs"].values():
            used = [step.get("uses", "").partition("@")[0] for step in job["steps"]]
            keeps = any(name.endswith(("/cache", "/folder")) for name in used)
            assert job.get("cache-mode") == ("write" if keeps else None)


def test_a_server_of_ones_own_gets_no_key_it_does_not_know() -> None:
    text = (GOLDEN / "ghes/expected/.github/workflows/mlcicd.yml").read_text("utf-8")
    assert "cache-mode" not in text
    assert "deployment" not in text
    assert "actions/ghes/save@" in text
    assert "environment:\n      name: mlcicd-data\n" in text


@pytest.mark.parametrize("name", ["save", "load"])
def test_the_actions_for_a_server_take_what_ours_take(name: str) -> None:
    ours, server = (
        yaml.safe_load((ACTIONS / path / "action.yml").read_text("utf-8")) for path in (name, f"ghes/{name}")
    )
    assert server["inputs"] == ours["inputs"]


@pytest.mark.parametrize(
    ("config", "place", "words"),
    [
        ("report: {forks: post}", "report.forks", "has to be excused"),
        ("runners: {gpu: {github: [self-hosted, gpu]}}", "runners.gpu.github", "self-hosted"),
        ("runners: {gpu: {github: [Self-Hosted]}}", "runners.gpu.github", "self-hosted"),
        ("runners: {gpu: {github: [my-gpu-box]}}", "runners.gpu.github", "self-hosted"),
        ("runners: {gpu: {github: [ubuntu-latest, gpu]}}", "runners.gpu.github", "self-hosted"),
        ("runners: {gpu: {image: 'a:1@sha256:abc'}}", "runners.gpu.image", "by digest"),
        ("platforms: [gitlab]", "project.python", "python:3.12"),
        ("test: {command: pytest, services: {db: {image: 'postgres:17', port: 5432}}}", "test.services.db.image", "17"),
    ],
)
def test_the_strict_profile_admits_nothing_that_needs_an_exception(config: str, place: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(f"version: 1\ntrain: {{}}\ntool: {{profile: strict}}\n{config}\n")
    assert place in caught.value.detail
    assert words in caught.value.detail
