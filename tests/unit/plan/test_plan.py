"""The jobs of a configuration, and what must hold between jobs."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mlcicd.cli import cli
from mlcicd.config.load import parse
from mlcicd.errors import UsageError
from mlcicd.plan import show
from mlcicd.plan.build import build
from mlcicd.plan.check import check
from mlcicd.plan.model import EVENTS, Call, Job, Load, Pipeline, Save
from mlcicd.plan.stages import common
from mlcicd.platforms import PLATFORMS
from mlcicd.runtime.storage import dvc_cache

FULL = """
version: 1
data: {credentials: {secrets: [KEY]}}
validate: {checkpoints: [raw]}
test: {command: pytest}
train: {runner: gpu, secrets: [TRACKER]}
runners: {gpu: {github: [gpu]}}
"""


OIDC = """
version: 1
data: {cache: 2GB, credentials: {aws: {role: "arn:aws:iam::123456789012:role/ml-data"}}}
status: {}
validate: {checkpoints: [raw]}
test: {command: pytest}
train: {}
"""
SUITES = """
version: 1
data: {credentials: {secrets: [KEY]}}
validate: {suites: [{table: orders, connection: DB, suite: a.yaml}, {data: out.csv, after: train}]}
train: {timeout: 90m, secrets: [KEY]}
"""


def job(id: str, *steps: object, needs: tuple[str, ...] = ()) -> Job:
    return Job(id=id, name=id, why="", events=EVENTS, needs=needs, steps=steps)  # type: ignore[arg-type]


def problems(*jobs: Job) -> str:
    with pytest.raises(UsageError) as caught:
        check(Pipeline(jobs=jobs, branch="main", python="3.12"))
    return caught.value.detail


def test_sections_make_jobs() -> None:
    assert [one.id for one in build(parse("version: 1\ntrain: {}\n")).jobs] == ["check", "train", "report", "comment"]
    everything = build(parse(FULL))
    assert [one.id for one in everything.jobs] == ["check", "test", "validate", "train", "report", "comment"]
    assert everything.job("train").needs == ("test", "validate")
    assert everything.job("report").needs == ("test", "validate", "train")


def test_only_the_comment_may_write() -> None:
    pipeline = build(parse(FULL))
    writers = [one.id for one in pipeline.jobs for right in one.permissions if right.level == "write"]
    assert writers == ["comment"]
    assert all(right.why for one in pipeline.jobs for right in one.permissions)


@pytest.mark.parametrize("templates", ["", "templates: {gates: ci/gates.md.j2}"])
def test_who_posts_may_read_code_only_for_templates(templates: str) -> None:
    pipeline = build(parse(f"version: 1\ntrain: {{}}\nreport: {{forks: post, {templates}}}\n"))
    assert pipeline.for_forks
    for posting in (pipeline.job("comment"), pipeline.for_forks):
        assert ("code" in [right.scope for right in posting.permissions]) == bool(templates)
        (call,) = [step for step in posting.steps if isinstance(step, Call)]
        assert call.inputs.get("templates", "") == ("mlcicd.yaml" if templates else "")


def test_secrets_reach_only_the_steps_that_need_them() -> None:
    pipeline = build(parse(FULL))
    seen = {(one.id, step.verb): step.secrets for one in pipeline.jobs for step in one.steps if isinstance(step, Call)}
    assert {key for key, secrets in seen.items() if secrets} == {
        ("validate", "data"), ("train", "data"), ("train", "train"), ("report", "report")
    }  # fmt: skip
    assert seen["train", "train"] == ("KEY", "TRACKER")
    assert all("TRACKER" not in secrets for key, secrets in seen.items() if key != ("train", "train"))


def test_what_a_fork_must_not_reach() -> None:
    trusted = {one.id for one in build(parse(FULL)).jobs if one.trusted}
    assert trusted == {"validate", "train", "comment"}
    assert {one.id for one in build(parse("version: 1\ntrain: {}\n")).jobs if one.trusted} == {"comment"}


def test_report_and_comment_run_after_failures() -> None:
    assert {one.id for one in build(parse(FULL)).jobs if one.always} == {"report", "comment"}


def test_no_comment_when_nobody_wants_one() -> None:
    assert "comment" not in [one.id for one in build(parse(FULL + "report: {comment: never}\n")).jobs]


def test_what_does_not_fit_together_is_refused() -> None:
    save, load = Save(artifact="a"), Load(artifacts=("a",))
    assert "needs 'gone', which does not exist" in problems(job("x", needs=("gone",)))
    assert "circle: " in problems(job("x", needs=("y",)), job("y", needs=("x",)))
    assert "two jobs are called 'x'" in problems(job("x"), job("x"))
    assert "loads 'a', which no job saves" in problems(job("x", load))
    assert "does not need 'x'" in problems(job("x", save), job("y", load))


def test_plan_says_everything(tmp_path) -> None:
    path = tmp_path / "mlcicd.yaml"
    path.write_text(FULL)
    run = CliRunner().invoke(cli, ["plan", "--config", str(path)])
    for text in (
        "timeout: 5h",
        "runner      gpu (github: gpu)",
        "may         write comments",
        "secrets     KEY, TRACKER",
    ):
        assert text in run.output
    facts = json.loads(CliRunner().invoke(cli, ["plan", "--json", "--config", str(path)]).output)
    assert facts["config"]["train"]["timeout"] == "5h"
    assert [one["id"] for one in facts["jobs"]][-1] == "comment"
    graph = CliRunner().invoke(cli, ["plan", "--mermaid", "--config", str(path)]).output
    assert "validate --> train" in graph
    assert "train -.-> report" in graph


EVERYWHERE = f"{OIDC}platforms: [github, gitlab]\nreport: {{forks: post}}\ntool: {{actions: vendored}}\n"


def blocks(config: str) -> list[dict[str, str]]:
    """The jobs that `mlcicd plan` prints, each as its rows."""
    settings = parse(config)
    shown = show.text(build(settings), {name: PLATFORMS[name] for name in settings.platforms})
    return [{row[2:13].strip(): row[14:] for row in block.splitlines()[2:]} for block in shown.strip().split("\n\n")]


@pytest.mark.parametrize(
    ("job", "row", "said"),
    [
        ("check", "code", "reads the change's code, and runs none of it"),
        ("train", "code", "runs the change's code"),
        ("train", "environment", "mlcicd-data"),
        ("train", "runs on", "pull_request, push, manual, not for forks"),
        ("report", "runs on", "pull_request, push, manual, not for forks on gitlab"),
        ("comment", "code", "none of the change"),
        ("comment", "environment", "mlcicd (gitlab)"),
        ("comment", "secrets", "MLCICD_TOKEN (gitlab)"),
        ("comment", "may", "read code (check out the actions that are kept here); write comments (create or update the "
         "one comment)"),
        ("poster", "runs on", "after a fork's pull request run (github)"),
        ("poster", "code", "none of the change"),
        ("poster", "environment", ""),
        ("poster", "secrets", ""),
    ],
)  # fmt: skip
def test_people_see_what_a_job_may_meet(job: str, row: str, said: str) -> None:
    ids = ["check", "status", "test", "validate", "train", "report", "comment", "poster"]
    assert blocks(EVERYWHERE)[ids.index(job)].get(row, "") == said


def test_programs_see_the_same(tmp_path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(EVERYWHERE)
    run = CliRunner().invoke(cli, ["plan", "--json", "--config", str(tmp_path / "mlcicd.yaml")])
    told = json.loads(run.output)
    found = {one["id"]: one for one in told["jobs"]}
    assert (found["report"]["code"], found["check"]["code"], found["comment"]["code"]) == ("runs", "reads", "none")
    assert {name: one["forks"] for name, one in found["report"]["platforms"].items()} == {
        "github": True,
        "gitlab": False,
    }
    assert found["comment"]["platforms"]["gitlab"]["secrets"] == ["MLCICD_TOKEN"]
    assert told["for_forks"]["started_by"] == "a fork's pull request run"
    assert list(told["for_forks"]["platforms"]) == ["github"]


def test_a_platform_that_posts_for_no_fork_shows_no_poster(tmp_path) -> None:
    config = "version: 1\nplatforms: [gitlab]\ntrain: {}\nreport: {forks: post}\n"
    assert len(blocks(config)) == 4
    (tmp_path / "mlcicd.yaml").write_text(config)
    run = CliRunner().invoke(cli, ["plan", "--json", "--config", str(tmp_path / "mlcicd.yaml")])
    assert json.loads(run.output)["for_forks"] is None


def test_no_job_of_a_fork_reaches_a_machine_of_the_team() -> None:
    own = build(parse("version: 1\ntrain: {}\ntest: {command: x}\nrunners: {default: {github: [self-hosted]}}\n"))
    assert all(one.trusted for one in own.jobs)


def test_identity_is_for_the_steps_that_talk_to_the_remote_and_not_for_forks() -> None:
    pipeline = build(parse(OIDC))
    steps = {
        (one.id, step.verb) for one in pipeline.jobs for step in one.steps if isinstance(step, Call) and step.identity
    }
    reads = {("status", "status"), ("validate", "data"), ("train", "data"), ("train", "train"), ("report", "report")}
    assert steps == reads
    assert [one.audience for one in pipeline.job("train").identity] == ["sts.amazonaws.com"]
    rights = {one.id for one in pipeline.jobs for right in one.permissions if right.scope == "identity"}
    assert rights == {"status", "validate", "train", "report"}
    assert {one.id for one in pipeline.jobs if one.trusted} == {"status", "validate", "train", "comment"}
    assert not {right.level for right in build(parse(FULL)).job("train").permissions} - {"read"}


def test_data_is_kept_where_it_is_fetched() -> None:
    pipeline = build(parse(OIDC))
    assert {one.id: one.cache.purpose for one in pipeline.jobs if one.cache} == {
        "validate": "validate",
        "train": "train",
    }
    verbs = [type(step).__name__ for step in pipeline.job("train").steps]
    assert verbs == ["Setup", "Cache", "Call", "Call", "Save"]
    assert not any(one.cache for one in build(parse(FULL)).jobs)
    assert str(dvc_cache.FOLDER) == common.CACHE


def test_what_training_makes_is_checked_in_the_same_job() -> None:
    pipeline = build(parse(SUITES))
    train = [step for step in pipeline.job("train").steps if isinstance(step, Call)]
    assert [(step.name, dict(step.inputs)) for step in train] == [
        ("Fetch data", {"for": "train"}), ("Train", {}), ("Check the results", {"when": "train"})
    ]  # fmt: skip
    assert train[2].command == ("validate", "--when", "train")
    assert [step.secrets for step in train] == [("KEY",), ("KEY",), ("DB", "KEY")]
    early = [step for step in pipeline.job("validate").steps if isinstance(step, Call)]
    assert [step.secrets for step in early] == [("KEY",), ("DB",)]
    assert pipeline.job("train").timeout == 105


def test_nothing_to_judge_before_training_is_no_job() -> None:
    text = "version: 1\nvalidate: {suites: [{data: out.csv, after: train}]}\ntrain: {}\n"
    pipeline = build(parse(text))
    assert "validate" not in [one.id for one in pipeline.jobs]
    assert pipeline.job("train").needs == ()
    assert pipeline.job("report").needs == ("train",)


def test_the_order_of_the_jobs() -> None:
    text = OIDC.replace("train: {}", "train: {lock: propose}")
    order = ["check", "status", "test", "validate", "train", "lock", "report", "comment"]
    assert [one.id for one in build(parse(text)).jobs] == order


def test_a_database_is_not_for_forks() -> None:
    text = "version: 1\nvalidate: {suites: [{table: orders, connection: DB, suite: a.yaml}]}\n"
    assert build(parse(text)).job("validate").trusted
