"""The order of jobs, and what becomes of those that need a failed one."""

from __future__ import annotations

import pytest

from mlcicd.engine.schedule import select
from mlcicd.errors import UsageError
from tests.unit.engine.kit import Run, job, log, pipeline, states


def test_a_job_waits_for_what_it_needs(run: Run) -> None:
    mark = f"echo $(date +%s%N) >> {run.scratch}/{{}}"
    outcome = run(
        job("last", mark.format("last"), needs=("middle",)),
        job("middle", mark.format("middle"), needs=("first",)),
        job("first", f"sleep 0.2; {mark.format('first')}"),
        parallel=3,
    )
    times = [int((run.scratch / name).read_text()) for name in ("first", "middle", "last")]
    assert times == sorted(times)
    assert [result.job for result in outcome.jobs] == ["last", "middle", "first"]


def test_independent_jobs_overlap(run: Run) -> None:
    # Each waits for the other: run one after the other, the first would give up.
    meet = "touch {0}/{1}; i=0; while [ ! -e {0}/{2} ]; do i=$((i+1)); [ $i -lt 200 ] || exit 9; sleep 0.02; done"
    a, b = (job(x, meet.format(run.scratch, x, y)) for x, y in ("ab", "ba"))
    assert states(run(a, b, parallel=2)) == {"a": "passed", "b": "passed"}


def test_no_more_jobs_at_once_than_allowed(run: Run) -> None:
    script = f"mkdir {run.scratch}/only || exit 9; sleep 0.05; rmdir {run.scratch}/only"
    assert run(*(job(id, script) for id in "abc"), parallel=1).exit_code == 0


def test_a_failure_skips_what_needs_it_but_not_what_always_runs(run: Run) -> None:
    outcome = run(
        job("train", "exit 1"),
        job("deploy", needs=("train",)),
        job("announce", needs=("deploy",)),
        job("report", needs=("train", "deploy"), always=True),
        job("other"),
    )
    assert states(outcome) == {
        "train": "failed",
        "deploy": "skipped",
        "announce": "skipped",
        "report": "passed",
        "other": "passed",
    }
    assert [result.cause for result in outcome.jobs[:3]] == [
        "Do it: exit 1 (the answer is no)",
        "needs train, which failed",
        "needs deploy, which was skipped",
    ]
    assert outcome.exit_code == 1


def test_a_job_that_may_fail_only_warns(run: Run) -> None:
    outcome = run(job("comment", "exit 3", may_fail=True), job("next", needs=("comment",)))
    assert states(outcome) == {"comment": "warned", "next": "passed"}
    assert outcome.exit_code == 0


def test_a_need_that_does_not_run_on_this_event_is_no_need(run: Run) -> None:
    outcome = run(job("a", events=("push",)), job("b", needs=("a",)), event="pull_request")
    assert states(outcome) == {"b": "passed"}


def test_only_the_wanted_jobs_and_what_they_need(run: Run) -> None:
    outcome = run(job("a"), job("b", needs=("a",)), job("c"), job("d", needs=("b", "c")), jobs=("b",))
    assert states(outcome) == {"a": "passed", "b": "passed"}
    assert "2 jobs" in run.text


def test_an_unknown_job_gets_a_guess() -> None:
    jobs = pipeline(job("train"), job("report", events=("push",)))
    with pytest.raises(UsageError, match="--job trian: no such job — did you mean 'train'") as caught:
        select(jobs, "pull_request", ("trian",))
    assert caught.value.hint == "the jobs are train"
    with pytest.raises(UsageError, match="--job report: does not run on pull_request") as caught:
        select(jobs, "pull_request", ("report",))
    assert caught.value.hint == "--event push"


def test_output_comes_in_the_same_order_every_time(run: Run) -> None:
    jobs = [job(id) for id in "abcd"]
    for _ in range(2):
        run(*jobs, parallel=4)
    starts = [line for line in run.lines if line.endswith(": started")]
    assert starts == [f"{id}: started" for id in "abcd"] * 2


def test_a_defect_in_the_engine_is_not_swallowed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("defect")

    monkeypatch.setattr("mlcicd.engine.results.save", fail)
    with pytest.raises(RuntimeError, match="defect"):
        run(job("a", save="x"), job("b", "sleep 99"), parallel=2)
    assert list(run.scratch.iterdir()) == []


def test_logs_are_apart(run: Run) -> None:
    outcome = run(job("a", "echo from a"), job("b", "echo from b"), parallel=2)
    assert log(outcome, "a").splitlines()[1:] == ["from a"]
    assert log(outcome, "b").splitlines()[1:] == ["from b"]
