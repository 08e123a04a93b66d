"""What rules ask about workflows and pipelines: who reaches a job, and what it inherits."""

from __future__ import annotations

import pytest

from mlcicd.lint import gitlab, workflows
from mlcicd.lint.document import Document, read
from mlcicd.lint.rules.injection import Injection

OWN = "github.event.pull_request.head.repo.full_name == github.repository"


def workflow(*jobs: str) -> Document:
    return read("w.yml", "on: pull_request\njobs:\n" + "".join(f"  {job}\n" for job in jobs), "workflow")


@pytest.mark.parametrize(
    ("condition", "kept_out"),
    [
        ("", False),
        (OWN, True),
        (f"${{{{ github.event_name != 'pull_request' || {OWN} }}}}", True),
        ("github.repository == github.event.pull_request.head.repo.full_name", True),
        ("github.event.pull_request.head.repo.fork == false", True),
        ("!github.event.pull_request.head.repo.fork", True),
        ("github.event_name == 'push'", True),
        ("github.ref == 'refs/heads/main'", True),
        ("github.event_name == 'pull_request'", False),
        ("github.event.pull_request.draft == false", False),
        ("contains(github.event.pull_request.labels.*.name, 'gpu')", False),
        ("success()", False),
    ],
)
def test_conditions_that_keep_forks_out(condition: str, kept_out: bool) -> None:
    doc = workflow(f'train: {{if: "{condition}", runs-on: x}}')
    assert workflows.keeps_forks_out(doc, doc.root.at("jobs", "train")) is kept_out


@pytest.mark.parametrize(
    ("after", "kept_out"),
    [
        ("{needs: own}", True),
        ("{needs: [other, own]}", True),
        ("{needs: between}", True),
        ("{needs: own, if: always()}", False),
        ("{needs: own, if: '!cancelled()'}", False),
        ("{needs: [other, nobody]}", False),
        ("{needs: itself}", False),
        ("{needs: own, if: always() && needs.own.result == 'success'}", True),
        ("{needs: own, if: always() && needs.own.result != 'success'}", False),
        ("{needs: own, if: always() && needs.own.outputs.go == 'true'}", True),
    ],
)
def test_a_job_runs_only_after_what_it_needs(after: str, kept_out: bool) -> None:
    jobs = (f'own: {{if: "{OWN}"}}', "other: {}", "between: {needs: own}", "itself: {needs: itself}", f"after: {after}")
    doc = workflow(*jobs)
    assert workflows.keeps_forks_out(doc, doc.root.at("jobs", "after")) is kept_out


@pytest.mark.parametrize(
    ("top", "job", "writes"),
    [
        ("", "", True),
        ("permissions: {}", "", False),
        ("permissions: read-all", "", False),
        ("permissions: {contents: write}", "", True),
        ("permissions: {contents: write}", "permissions: {}", False),
        ("permissions: {}", "permissions: {pull-requests: write}", True),
        ("permissions: {}", "permissions: write-all", True),
    ],
)
def test_whether_a_token_may_write(top: str, job: str, writes: bool) -> None:
    doc = read("w.yml", f"on: push\n{top}\njobs:\n  train:\n    runs-on: x\n    {job}\n", "workflow")
    assert workflows.may_write(doc, doc.root.at("jobs", "train")) is writes


@pytest.mark.parametrize("on", ["push", "[push]", "{push: }", "{push: {branches: [main]}}"])
def test_triggers_in_every_form(on: str) -> None:
    doc = read("w.yml", f"on: {on}\n", "workflow")
    assert workflows.triggers(doc) == {"push"}
    assert workflows.trigger(doc, "push").text == "push"


def test_secrets_by_both_spellings_but_not_the_runs_own() -> None:
    doc = read("w.yml", "a: ${{ secrets.A }} ${{ secrets['B'] }} ${{ secrets.GITHUB_TOKEN }} my_secrets.C", "workflow")
    assert workflows.secrets(doc.root) == {"A", "B"}


PIPELINE = """
default: {image: x}
variables: {A: {value: a, description: b}, B: c}
stages: [one]
.far: {tags: [far], timeout: 1h}
.near: {extends: .far, tags: [near]}
.other: {tags: [other]}
job: {extends: [.near, .other], script: [a, [b, !reference [.far, script]]], variables: {C: d}}
alone: {extends: .elsewhere, script: &lines [c]}
again: {script: *lines}
ring: {extends: ring, script: [d]}
"""


def test_what_a_job_inherits() -> None:
    found = {job.name: job for job in gitlab.jobs(read("g.yml", PIPELINE, "gitlab"))}
    assert list(found) == [".far", ".near", ".other", "job", "alone", "again", "ring"]
    # Of several parents the last one wins, and a near one before a far one.
    assert found["job"].get("tags").texts() == ["other"]
    assert found["job"].get("timeout").text == "1h"
    assert found["job"].complete
    assert not found["alone"].complete
    assert found["ring"].complete
    assert [job.name for job in found.values() if job.hidden] == [".far", ".near", ".other"]


def test_scripts_and_variables_of_a_pipeline() -> None:
    doc = read("g.yml", PIPELINE, "gitlab")
    assert [(one.label, one.text) for one in gitlab.scripts(doc)] == [
        ("job job", "a"),
        ("job job", "b"),
        ("job alone", "c"),
        ("job ring", "d"),
    ]
    assert {key.text: value.text for key, value in gitlab.variables(doc)} == {"A": "a", "B": "c", "C": "d"}


@pytest.mark.parametrize(("path", "severity"), [(".github/actions/a/action.yml", "note"), ("action.yml", "warning")])
def test_an_action_that_only_this_repository_calls_is_a_lesser_matter(path: str, severity: str) -> None:
    doc = read(path, "runs: {using: composite, steps: [{shell: bash, run: 'echo ${{ inputs.a }}'}]}", "action")
    assert [one.severity for one in Injection().check(doc)] == [severity]
