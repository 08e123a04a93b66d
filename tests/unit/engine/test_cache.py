"""What outlives a run here: kept data; and what a step that logs in sees of the caller's own log-in."""

from __future__ import annotations

from pathlib import Path

from mlcicd.engine import results
from mlcicd.plan.model import Cache, Call, Identity, Job, Setup
from tests.unit.engine.kit import Run, git, job, log, states

AWS = Identity(cloud="aws", audience="sts.amazonaws.com", variable="MLCICD_TOKEN_AWS")


def caching(id: str, script: str) -> Job:
    call = Call(name="Do it", verb="do", inputs={"script": script})
    return job(id, steps=(Setup(project=False), Cache(purpose="train", path=".kept"), call))


def test_a_folder_that_a_job_leaves_is_there_in_the_next_run(run: Run, repository: Path) -> None:
    assert states(run(caching("a", "test ! -e .kept; mkdir .kept; echo one > .kept/x")))["a"] == "passed"
    second = run(caching("a", "cat .kept/x; rm -r .kept; mkdir .kept; echo two > .kept/y"))
    assert log(second, "a").splitlines()[-1] == "one"
    third = run(caching("a", "ls .kept"))
    assert log(third, "a").splitlines()[-1] == "y"
    assert git(repository, "status", "--porcelain") == ""


def test_a_job_that_fails_changes_nothing(run: Run) -> None:
    run(caching("a", "mkdir .kept; echo good > .kept/x"))
    assert states(run(caching("a", "rm .kept/x; echo bad > .kept/x; false")))["a"] == "failed"
    assert log(run(caching("a", "cat .kept/x")), "a").splitlines()[-1] == "good"


def test_a_job_that_leaves_none_changes_nothing(run: Run) -> None:
    run(caching("a", "mkdir .kept; echo good > .kept/x"))
    run(caching("a", "rm -r .kept"))
    assert log(run(caching("a", "cat .kept/x")), "a").splitlines()[-1] == "good"


def test_a_disk_without_room_fails_no_job(run: Run, repository: Path) -> None:
    (repository / ".mlcicd").mkdir()
    (repository / ".mlcicd/cache.new").write_text("in the way")
    outcome = run(caching("a", "mkdir .kept"))
    assert states(outcome)["a"] == "passed"
    assert "not kept for the next run" in log(outcome, "a")


def test_a_kept_file_is_copied_where_a_second_name_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/link").symlink_to("nowhere")
    (tmp_path / "kept/file").write_text("x")
    results.restore(tmp_path / "kept", tmp_path / "clone")
    assert (tmp_path / "clone/link").is_symlink()
    assert (tmp_path / "clone/file").read_text() == "x"


def test_a_step_that_logs_in_sees_the_callers_own_log_in_and_its_log_does_not(run: Run) -> None:
    show = 'echo "$AWS_PROFILE $AWS_SECRET_ACCESS_KEY $AZURE_CLIENT_ID end"'
    logs_in = Call(name="In", verb="do", inputs={"script": show}, identity=(AWS,))
    other = Call(name="Out", verb="do", inputs={"script": show})
    mine = {"AWS_PROFILE": "mine", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI", "AZURE_CLIENT_ID": "not asked for"}
    outcome = run(job("a", steps=(Setup(project=False), logs_in, other)), environ=mine)
    lines = [line for line in log(outcome, "a").splitlines() if line.endswith("end")]
    assert lines == ["mine ***  end", "   end"]
