"""Jobs and their steps, run for real."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from mlcicd import engine
from mlcicd.engine.progress import Plain
from mlcicd.errors import UsageError
from mlcicd.plan.model import Call, Load, Save, Setup
from tests.unit.engine.kit import Run, assert_gone, git, job, log, pipeline, states


def test_a_job_runs_in_a_clean_clone_of_the_commit(run: Run, repository: Path) -> None:
    (repository / "value").write_text("edited\n")
    (repository / "ignored").write_text("x")
    head = git(repository, "rev-parse", "HEAD")
    look = "cat value; ls -A; git rev-parse HEAD; git status --short; git show $MLCICD_BASE:value; pwd"
    outcome = run(job("a", f"{look}; echo scribble > value"))
    assert outcome.exit_code == 0
    lines = log(outcome, "a").splitlines()[1:]
    assert lines[:-1] == ["new", ".git", ".gitignore", "value", head, "old"]
    assert not Path(lines[-1]).is_relative_to(repository)
    assert (repository / "value").read_text() == "edited\n"


def test_the_clone_is_removed_and_kept_on_request(run: Run) -> None:
    assert run(job("a")).clones is None
    assert list(run.scratch.iterdir()) == []
    outcome = run(job("a"), keep=True)
    assert outcome.clones
    assert (outcome.clones / "a" / "value").read_text() == "new\n"
    assert f"clones: {outcome.clones}" in engine.places(outcome)


def test_hooks_of_the_caller_do_not_run(run: Run, repository: Path) -> None:
    (run.scratch / "hooks").mkdir()
    hook = run.scratch / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {run.scratch}/ran\n")
    hook.chmod(0o755)
    (run.scratch / ".gitconfig").write_text(f"[core]\n hooksPath = {run.scratch}/hooks\n")
    assert run(job("a")).exit_code == 0
    assert not (run.scratch / "ran").exists()


def test_nothing_appears_in_the_caller_s_git_status(run: Run, repository: Path) -> None:
    run(job("a", "mkdir .mlcicd; echo 1 > .mlcicd/report.json", save="r"))
    assert git(repository, "status", "--porcelain") == ""


def test_setup_makes_the_project_s_environment_first(run: Run) -> None:
    test = Call(name="Test", verb="test")
    outcome = run(job("a", steps=(Setup(), test)), tool=("echo", "called"), config="other.yaml")
    assert log(outcome, "a").splitlines() == [
        "$ mlcicd setup --config other.yaml",
        "called setup --config other.yaml",
        "$ mlcicd test --config other.yaml",
        "called test --config other.yaml",
    ]


def test_a_job_without_history_has_an_empty_folder_and_no_configuration(run: Run) -> None:
    look = Call(name="Look", verb="do", inputs={"script": "ls -A | wc -l"})
    outcome = run(job("a", steps=(Setup(history="none", project=False), look)), config="other.yaml")
    assert log(outcome, "a").split() == ["$", "mlcicd", "do", "--script", "ls", "-A", "|", "wc", "-l", "0"]


def test_steps_after_a_failure_are_left_out_except_keeping(run: Run) -> None:
    steps = (
        Setup(project=False),
        Call(name="Write", verb="do", inputs={"script": "mkdir .mlcicd; echo 1 > .mlcicd/facts.json"}),
        Call(name="Break", verb="do", inputs={"script": "exit 3"}),
        Call(name="Never", verb="do", inputs={"script": "echo 2 > .mlcicd/never"}),
        Save(artifact="kept", paths=(".mlcicd/", "value", "absent")),
    )
    outcome = run(job("a", steps=steps))
    kept = sorted(str(p.relative_to(outcome.artifacts)) for p in outcome.artifacts.rglob("*") if p.is_file())
    assert kept == ["kept/.mlcicd/facts.json", "kept/value"]
    assert outcome.jobs[0].exit == 3
    assert outcome.jobs[0].cause == "Break: exit 3 (something outside failed)"
    assert outcome.exit_code == 1
    assert "nothing to keep: absent does not exist" in log(outcome, "a")


def test_artifacts_travel_and_absent_ones_are_left_out(run: Run) -> None:
    write = "mkdir -p .mlcicd/{0}; echo {0} > .mlcicd/{0}/f"
    steps = (
        Setup(project=False),
        Load(artifacts=("a", "nobody", "b")),
        Call(name="Read", verb="do", inputs={"script": "cat .mlcicd/*/f"}),
    )
    outcome = run(
        job("a", write.format("a"), save="a"),
        job("b", write.format("b"), save="b"),
        job("c", needs=("a", "b"), steps=steps),
    )
    assert outcome.exit_code == 0
    assert log(outcome, "c").splitlines() == [
        "mlcicd: no artifact nobody",
        "$ mlcicd do --script cat .mlcicd/*/f",
        "a",
        "b",
    ]


def test_the_report_of_this_run_is_put_where_people_look(run: Run, repository: Path) -> None:
    write = "mkdir .mlcicd; for f in report.json report.html train.json; do echo new > .mlcicd/$f; done"
    outcome = run(job("a", write, save="r"))
    assert outcome.report == repository / ".mlcicd" / "report.html"
    assert outcome.report.read_text() == "new\n"
    assert not (repository / ".mlcicd" / "train.json").exists()
    assert run(job("a")).report is None, "the report of the run before must not pass for this one's"


def test_a_step_sees_no_more_of_the_environment_than_it_needs(run: Run, repository: Path) -> None:
    environ = {
        "LC_TIME": "C",
        "UV_OFFLINE": "1",
        "UV_PROJECT_ENVIRONMENT": "/elsewhere",
        "https_proxy": "http://proxy.example.org",
        "GITHUB_ACTIONS": "true",
        "GITLAB_CI": "true",
        "GIT_DIR": "/elsewhere",
        "MLCICD_TOKEN": "token",
        "PYTHONPATH": "/elsewhere",
        "AWS_SECRET_ACCESS_KEY": "hush",
    }
    outcome = run(job("a", "env"), environ=environ)
    seen = dict(line.split("=", 1) for line in log(outcome, "a").splitlines() if "=" in line)
    assert seen.keys() - {"_", "PWD", "OLDPWD", "SHLVL"} == {
        *("PATH", "HOME", "LC_TIME", "UV_OFFLINE", "https_proxy"),
        *(
            "CI",
            "MLCICD_SHA",
            "MLCICD_BASE",
            "MLCICD_EVENT",
            "PYTHONUNBUFFERED",
            "GIT_TERMINAL_PROMPT",
            "GIT_LFS_SKIP_SMUDGE",
        ),
    }
    assert (seen["MLCICD_SHA"], seen["MLCICD_BASE"]) == (outcome.commit, git(repository, "rev-parse", "main"))


def test_a_secret_is_seen_by_the_step_that_declares_it_and_by_no_log(run: Run) -> None:
    tell = 'test -n "$KEY" && echo "has $KEY" || echo without'
    steps = (
        Setup(project=False),
        Call(name="First", verb="do", inputs={"script": tell}),
        Call(name="Second", verb="do", inputs={"script": tell}, secrets=("KEY", "MISSING")),
        Call(name="Third", verb="do", inputs={"script": tell}),
    )
    outcome = run(job("a", steps=steps), environ={"KEY": "hunter22"})
    said = [line for line in log(outcome, "a").splitlines() if not line.startswith("$")]
    assert said == ["without", "has ***", "without"]
    assert "note: not set in your environment, so steps run without: MISSING\n" in run.text


def test_a_module_of_the_repository_is_not_taken_for_one_of_ours(run: Run, repository: Path) -> None:
    (repository / "click.py").write_text("raise SystemExit('the wrong click')")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "three")
    steps = (Setup(project=False), Call(name="Ask", verb="--version"))
    request = engine.Request(folder=repository, environ=dict(os.environ))
    outcome = engine.run(pipeline(job("a", steps=steps)), request, Plain(run.lines.append))
    assert outcome.exit_code == 0, log(outcome, "a")


def test_the_time_limit_ends_a_job_and_its_children(run: Run) -> None:
    script = "mkdir .mlcicd; echo 1 > .mlcicd/f; trap '' TERM; (sleep 97.5 & echo $! > .mlcicd/pid; wait); sleep 97.5"
    outcome = run(job("a", script, timeout=0.005, save="kept"), grace=0.1)
    assert outcome.jobs[0].state == "failed"
    assert "not done after 0.005 min" in outcome.jobs[0].cause
    assert outcome.jobs[0].seconds < 5
    assert_gone(int((outcome.artifacts / "kept/.mlcicd/pid").read_text()))


def test_what_a_step_leaves_running_is_ended_and_not_waited_for(run: Run) -> None:
    outcome = run(job("a", "sleep 98.5 & mkdir .mlcicd; echo $! > .mlcicd/pid", save="kept"))
    assert outcome.exit_code == 0
    assert outcome.jobs[0].seconds < 5
    assert_gone(int((outcome.artifacts / "kept/.mlcicd/pid").read_text()))


def test_a_broken_clone_fails_its_job_in_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("git", "clone", "/nowhere/at/all", "x")
    monkeypatch.setattr("mlcicd.engine.workspace.clone_commands", lambda source, folder: (command,))
    outcome = run(job("a"))
    assert states(outcome) == {"a": "failed"}
    assert outcome.jobs[0].cause == "clone: exit 128"
    assert "/nowhere/at/all" in run.text


def test_a_missing_program_fails_its_job_in_words(run: Run) -> None:
    outcome = run(job("a"), tool=("no-such-program",))
    assert states(outcome) == {"a": "failed"}
    assert "no-such-program" in outcome.jobs[0].cause


def test_two_runs_of_one_repository_do_not_mix(run: Run, repository: Path) -> None:
    run(job("a"))
    with (repository / ".mlcicd" / "run" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another `mlcicd run`"):
            run(job("a"))
    assert run(job("a")).exit_code == 0


def test_a_full_disk_fails_the_job_in_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mlcicd.engine.log.Log.write", full)
    outcome = run(job("a", save="kept"))
    assert states(outcome) == {"a": "failed"}
    assert outcome.jobs[0].cause.endswith("a.log: No space left on device")
