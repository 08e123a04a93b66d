"""The team's own steps and jobs: where they stand, what they see, and whom they keep out."""

from __future__ import annotations

import graphlib
import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcicd.config import extensions
from mlcicd.config.load import load, parse
from mlcicd.errors import UsageError
from mlcicd.plan import show
from mlcicd.plan.build import build
from mlcicd.plan.model import Call, Job, Load
from mlcicd.platforms import PLATFORMS

EXTENDED = Path(__file__).parents[2] / "golden/extended/mlcicd.yaml"
TEST = "version: 1\ntest: {command: pytest}\n"


def verbs(job: Job) -> list[str]:
    return [f"{step.verb} {step.argument}".strip() for step in job.steps if isinstance(step, Call)]


def test_the_order_that_the_configuration_is_held_against_is_the_plans() -> None:
    everything = parse(
        "version: 1\nplatforms: [github]\ndata: {}\nstatus: {}\ntest: {command: x}\nvalidate: {checkpoints: [a]}\n"
        "train: {lock: propose}\n"
    )
    jobs = build(everything).jobs
    assert {job.id: set(job.needs) for job in jobs} == {id: set(extensions._ORDER[id]) for id in extensions._ORDER}
    assert {job.id for job in jobs} == set(extensions.targets(everything))
    sometimes = {job.id for job in jobs if len(job.events) < 3}
    assert sometimes <= set(extensions._SOMETIMES)


@pytest.mark.parametrize("text", [TEST, "version: 1\ntrain: {}\nreport: {comment: never}\n"])
def test_targets_are_the_jobs_that_there_are(text: str) -> None:
    config = parse(text)
    assert set(extensions.targets(config)) == {job.id for job in build(config).jobs}


def test_steps_stand_right_beside_what_the_stage_does() -> None:
    train = build(load(EXTENDED)).job("train")
    assert verbs(train) == ["data", "step build-features", "train", "step export-the-model"]


def test_steps_of_a_stage_stand_in_the_order_of_the_file() -> None:
    steps = "steps: [{name: b, run: x, before: test}, {name: c, run: x, after: test}, {name: a, run: x, before: test}]"
    assert verbs(build(parse(TEST + steps)).job("test")) == ["step b", "step a", "test", "step c"]


def test_a_validation_after_training_has_its_steps_in_that_job() -> None:
    late = "version: 1\ntrain: {}\nvalidate: {suites: [{data: out.csv, after: train}]}\n"
    steps = "steps: [{name: a, run: x, before: validate}]\n"
    assert verbs(build(parse(late + steps)).job("train")) == ["train", "step a", "validate"]
    both = late.replace("after: train}]", "after: train}, {data: in.csv}]")
    pipeline = build(parse(both + steps))
    assert verbs(pipeline.job("train")) == ["train", "validate"]
    assert verbs(pipeline.job("validate")) == ["step a", "validate"]


def test_a_secret_reaches_its_step_alone_and_keeps_forks_out() -> None:
    pipeline = build(load(EXTENDED))
    seen = {step.argument: step.secrets for job in pipeline.jobs for step in job.steps if isinstance(step, Call)}
    assert {name: secrets for name, secrets in seen.items() if secrets} == {
        "build-features": ("STORE_TOKEN",), "publish": ("PAGES_TOKEN",)
    }  # fmt: skip
    assert pipeline.job("train").trusted
    assert pipeline.job("train").environment == "mlcicd-data"
    assert pipeline.job("publish").trusted
    assert not pipeline.job("test").trusted
    assert build(parse(TEST + "steps: [{name: a, run: x, before: test, secrets: [KEY]}]")).job("test").trusted


def test_a_job_that_waits_for_one_that_forks_do_not_have_is_not_theirs_either() -> None:
    """On one platform it would be skipped, on the other it would run without what it waits for."""
    jobs = "jobs: {a: {run: x, secrets: [KEY], before: [test]}, b: {run: x, after: [test]}, c: {run: x}}\n"
    trusted = {job.id: job.trusted for job in build(parse(TEST + jobs)).jobs}
    assert trusted == {
        "a": True, "b": True, "c": False, "test": True, "check": False, "report": False, "comment": True
    }  # fmt: skip


def test_limits_grow_by_the_steps_own() -> None:
    limits = {job.id: job.timeout for job in build(load(EXTENDED)).jobs}
    assert (limits["test"], limits["validate"], limits["train"], limits["publish"]) == (45, 45, 335, 10)


def test_what_a_job_waits_for_brings_its_results() -> None:
    pipeline = build(load(EXTENDED))
    loads = {job.id: step.artifacts for job in pipeline.jobs for step in job.steps if isinstance(step, Load)}
    assert loads["docs"] == ("mlcicd-test",)
    assert loads["publish"] == ("mlcicd-report",)
    assert not any("mlcicd-docs" in names for names in loads.values())


def test_each_step_is_kept_by_name() -> None:
    """All jobs' results meet in the report's job: a folder would let one job speak for another's steps."""
    for job in build(load(EXTENDED)).jobs:
        kept = [path for save in job.saves for path in save.paths if "steps" in path]
        own = [f".mlcicd/steps/{step.argument}.json" for step in job.steps if isinstance(step, Call) if step.argument]
        assert kept == own


def test_people_see_what_is_beside_a_job() -> None:
    text = show.text(build(load(EXTENDED)), PLATFORMS)
    assert "does        data → step build-features → train → step export-the-model" in text
    assert "feature-store (redis:8@sha256:" in text
    assert "from        ci/scan.github.yml (github), ci/scan.gitlab.yml (gitlab)" in text
    assert "reuses      .cache/huggingface, .cache/compiled" in text


def _has_order(wanted: dict[str, tuple[list[str], list[str]]]) -> bool:
    """What the standard library says of the same order."""
    graph: dict[str, set[str]] = {"check": set(), "test": set(), "report": {"test"}, "comment": {"report"}}
    for id, (after, before) in wanted.items():
        graph.setdefault(id, set()).update(after)
        for other in before:
            graph.setdefault(other, set()).add(id)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError:
        return False
    return True


IDS = ["a", "b", "c"]
NAMED = st.lists(st.sampled_from([*IDS, "check", "test", "report"]), max_size=3, unique=True)


@settings(max_examples=300, deadline=None)
@given(st.fixed_dictionaries({id: st.tuples(NAMED, NAMED) for id in IDS}))
def test_any_order_is_a_pipeline_or_a_message(wanted: dict[str, tuple[list[str], list[str]]]) -> None:
    jobs = {id: f"{{run: x, after: {after}, before: {before}}}" for id, (after, before) in wanted.items()}
    text = TEST + "jobs:\n" + "".join(f"  {id}: {job}\n" for id, job in jobs.items()).replace("'", "")
    if not _has_order(wanted):
        with pytest.raises(UsageError) as told:
            parse(text)
        assert re.search("would wait for itself|is the job itself", told.value.detail)
        return
    config = parse(text)
    ordered = [job.id for job in build(config).jobs]
    for id, (after, before) in wanted.items():
        for first, second in itertools.chain(((one, id) for one in after), ((id, one) for one in before)):
            assert ordered.index(first) < ordered.index(second)
