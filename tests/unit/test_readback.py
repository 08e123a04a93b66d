"""What a generated file says otherwise than the plan is found, whatever it is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlcicd import contributed, readback
from mlcicd.config.load import load, parse
from mlcicd.plan.build import build
from mlcicd.plan.model import Pipeline
from mlcicd.platforms import PLATFORMS
from mlcicd.release import Release

GOLDEN = Path(__file__).parents[1] / "golden"
CHANGE = "$CI_PIPELINE_SOURCE == 'merge_request_event'"


@functools.cache
def pipeline(case: str) -> Pipeline:
    config = load(GOLDEN / case / "mlcicd.yaml")
    return contributed.taken_in(build(config), config, GOLDEN / case, config.platforms)[0]


def tree(case: str, platform: str) -> Any:
    text = (GOLDEN / case / "expected" / PLATFORMS[platform].MAIN).read_text("utf-8")
    found = yaml.safe_load(text)
    return {("on" if key is True else key): value for key, value in found.items()}


def found(case: str, platform: str, change: Callable[[Any], object]) -> list[str]:
    changed = tree(case, platform)
    change(changed)
    return list(readback.differences(platform, yaml.safe_dump(changed, sort_keys=False), pipeline(case)))


def put(*path: Any, value: Any) -> Callable[[Any], object]:
    def change(node: Any) -> None:
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = value

    return change


def drop(*path: Any) -> Callable[[Any], object]:
    def change(node: Any) -> None:
        for step in path[:-1]:
            node = node[step]
        del node[path[-1]]

    return change


def more(*path: Any, value: Any) -> Callable[[Any], object]:
    def change(node: Any) -> None:
        for step in path:
            node = node[step]
        node.append(value)

    return change


TRAIN = ("jobs", "train")
CHANGES: dict[str, tuple[str, str, Callable[[Any], object], str]] = {
    "a need": ("extended", "github", put(*TRAIN, "needs", value=["test"]), "train: needs: expected test, validate"),
    "a right": (
        "extended", "github", put(*TRAIN, "permissions", "contents", value="write"), "train: writes: expected no"
    ),
    "a right to read": (
        "extended", "github", put(*TRAIN, "permissions", "packages", value="read"),
        "train: rights: expected read code, found read code, read packages",
    ),
    "a right less": ("extended", "github", drop(*TRAIN, "permissions", "contents"), "train: rights: expected read"),
    "a right of copied actions": (
        "vendored", "github", drop("jobs", "comment", "permissions", "contents"),
        "comment: rights: expected read code, write comments, found write comments",
    ),
    "every right": ("extended", "github", put(*TRAIN, "permissions", value="write-all"), "train: writes: expected no"),
    "an identity": (
        "extended", "github", put(*TRAIN, "permissions", "id-token", value="write"), "train: clouds: expected 0"
    ),
    "rights for all": ("extended", "github", put("permissions", value={"contents": "write"}), "gives rights to every"),
    "no rights line": ("extended", "github", drop("permissions"), "gives rights to every"),
    "an event": ("extended", "github", drop("on", "push"), "test: events: expected manual, pull_request, push"),
    "forks": ("extended", "github", drop(*TRAIN, "if"), "train: forks: expected no, found yes"),
    "never": ("extended", "github", put(*TRAIN, "if", value="cancelled()"), "train: events"),
    "always": ("extended", "github", put(*TRAIN, "if", value="always()"), "train: always: expected none"),
    "not always": ("extended", "github", drop("jobs", "report", "if"), "report: always: expected"),
    "a secret": (
        "extended", "github",
        put("jobs", "test", "steps", 3, "env", value={"K": "${{ secrets.STORE_TOKEN }}"}), "test: secrets",
    ),
    "a secret of a job": (
        "extended", "github", put("jobs", "test", "env", value={"K": "${{ secrets.ANY }}"}), "test: secrets"
    ),
    "a limit": ("extended", "github", put(*TRAIN, "timeout-minutes", value=400), "train: timeout: expected 335"),
    "no limit": ("extended", "github", drop(*TRAIN, "timeout-minutes"), "train: timeout: expected 335, found 0"),
    "a gate": ("extended", "github", put("jobs", "report", "continue-on-error", value=True), "report: may_fail"),
    "no gate": ("extended", "github", drop("jobs", "report", "steps", 5), "report: verbs: expected report, found none"),
    "an artifact": ("extended", "github", drop("jobs", "test", "steps", -1), "test: saves: expected mlcicd-test"),
    "an input": ("extended", "github", drop("jobs", "comment", "steps", 1), "comment: loads: expected mlcicd-report"),
    "an environment": ("extended", "github", drop(*TRAIN, "environment"), "train: environment: expected mlcicd-data"),
    "a container": ("extended", "github", put(*TRAIN, "container", "image", value="evil:1"), "train: container"),
    "a service": ("extended", "github", drop("jobs", "test", "services"), "test: services: expected db, found none"),
    "a job": ("extended", "github", drop("jobs", "check"), "check: the job is missing"),
    "one job more": ("extended", "github", put("jobs", "more", value={"permissions": {}}), "more: there is no such"),
    "a job in its own words": (
        "extended", "github", put("jobs", "scan", "runs-on", value="self-hosted"), "scan: runs-on: is not what ci/scan"
    ),
    "its order": ("extended", "github", drop("jobs", "scan", "needs"), "scan: needs: expected docs, found none"),
    "an unclear condition": (
        "extended", "github", put("jobs", "test", "if", value="contains(github.ref, 'x')"), "when it runs is not clear"
    ),
    "a need there": ("extended", "gitlab", put("mlcicd-train", "needs", value=[]), "train: needs: expected test"),
    "forks there": (
        "extended", "gitlab", put("mlcicd-train", "rules", 0, "if", value=CHANGE), "train: forks: expected no"
    ),
    "an event there": ("extended", "gitlab", drop("mlcicd-train", "rules", 1), "train: events"),
    "always there": ("extended", "gitlab", drop("mlcicd-report", "rules", 0, "when"), "report: always: expected"),
    "a limit there": ("extended", "gitlab", put("mlcicd-train", "timeout", value="9h"), "train: timeout: expected 335"),
    "a gate there": ("extended", "gitlab", put("mlcicd-report", "allow_failure", value=True), "report: may_fail"),
    "no gate there": ("extended", "gitlab", drop("mlcicd-report", "script", 1), "report: verbs: expected report"),
    "a step more there": ("extended", "gitlab", more("mlcicd-test", "script", value="mlcicd step docs"), "test: verbs"),
    "an artifact there": ("extended", "gitlab", drop("mlcicd-test", "artifacts"), "test: saves"),
    "an input there": (
        "extended", "gitlab", put("mlcicd-report", "needs", 0, "artifacts", value=False), "report: loads"
    ),
    "an environment there": ("extended", "gitlab", drop("mlcicd-train", "environment"), "train: environment"),
    "tokens": ("oidc", "gitlab", drop("mlcicd-train", "id_tokens"), "train: clouds"),
    "no identity": ("oidc", "github", drop(*TRAIN, "permissions", "id-token"), "train: clouds"),
    "a container there": ("extended", "gitlab", put("mlcicd-train", "image", value="evil:1"), "train: container"),
    "an unclear rule": (
        "extended", "gitlab", put("mlcicd-test", "rules", 0, "changes", value=["src"]), "when it runs is not clear"
    ),
    "a job there": ("extended", "gitlab", drop("mlcicd-check"), "check: the job is missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_difference_is_found(name: str) -> None:
    case, platform, change, expected = CHANGES[name]
    lines = found(case, platform, change)
    assert any(expected in line for line in lines), lines


def every_plan() -> Iterator[tuple[str, str]]:
    for case in sorted(path.name for path in GOLDEN.iterdir()):
        for platform in load(GOLDEN / case / "mlcicd.yaml").platforms:
            yield case, platform


@pytest.mark.parametrize(("case", "platform"), list(every_plan()))
def test_what_a_template_adds_to_a_job_is_no_difference(case: str, platform: str) -> None:
    def change(tree: Any) -> None:
        # A job in its own words stays as it is.
        for job in (job for id, job in tree.get("jobs", {}).items() if id != "scan"):
            job["steps"].insert(1, {"name": "Harden", "run": "true"})
        for job in (job for id, job in tree.items() if id.startswith("mlcicd-") and id != "mlcicd-scan"):
            job["script"].insert(0, "true")

    assert found(case, platform, change) == []


@pytest.mark.parametrize(
    "text", ["", "a: [", "- a", "jobs: 1", "on: push\njobs: {a: 1}\npermissions: {}\n", "a: {b: c}"]
)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_text_that_is_no_pipeline(platform: str, text: str) -> None:
    assert list(readback.differences(platform, text, pipeline("minimal")))


PARTS: dict[str, str] = {
    "lock after smoke": "train: {lock: commit, smoke: {params: {a: 1}}}\ndata: {}\n",
    "secrets": "train: {secrets: [KEY]}\ndata: {credentials: {secrets: [STORE]}, cache: 1GB}\n",
    "identity": 'train: {}\ndata: {credentials: {azure: {client: "ID", tenant: "ID"}, secrets: [STORE]}}\nstatus: {}\n',
    "own machine": "train: {runner: gpu}\nrunners: {gpu: {github: [self-hosted, gpu], gitlab: [gpu], image: x}}\n",
    "database": "validate: {suites: [{table: a, connection: DB, suite: b.yaml}]}\n",
    "extra": "test: {command: x}\n"
    "jobs: {a: {run: x, secrets: [K], before: [report]}, b: {run: x, after: [a], may-fail: true}}\n",
}
ENDS = ("", "report: {comment: never}\n", "report: {forks: post, publisher: native}\n", "tool: {profile: ghes}\n")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("part", PARTS)
def test_both_platforms_say_what_the_plan_says(part: str, end: str) -> None:
    text = "version: 1\nplatforms: [github, gitlab]\n" + PARTS[part].replace(
        "ID", "8d9c0a51-5f7e-4f0e-9d2f-2f3a1c0b7e11"
    )
    plan = build(parse(text + end))
    release = Release(version="0.1.0", commit="0" * 40)
    for name, platform in PLATFORMS.items():
        assert list(readback.differences(name, platform.files(plan, release)[platform.MAIN], plan)) == []
