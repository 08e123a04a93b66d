"""What the team adds, run here: folders that outlive a run, services, containers, and jobs only a platform can run."""

from __future__ import annotations

from pathlib import Path

from mlcicd.plan.model import Call, Folder, Foreign, Job, Service, Setup
from tests.unit.engine.kit import Run, git, job, log, states

DB = Service(name="db", variable="DB_HOST", image="postgres:17", port=5432)


def keeping(script: str, *files: str, id: str = "a") -> Job:
    call = Call(name="Do it", verb="do", inputs={"script": script})
    folder = Folder(purpose=f"{id}-models", path="models/cache", files=files)
    return job(id, steps=(Setup(project=False), folder, call))


def commit(repository: Path, **files: str) -> None:
    for name, text in files.items():
        (repository / name).write_text(text)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "Change")


def test_a_folder_is_there_in_the_next_run_of_its_job_alone(run: Run) -> None:
    make = "test ! -e models; mkdir -p models/cache; echo one > models/cache/x"
    assert states(run(keeping(make)))["a"] == "passed"
    assert log(run(keeping("cat models/cache/x")), "a").splitlines()[-1] == "one"
    assert states(run(keeping("test ! -e models", id="b")))["b"] == "passed"


def test_a_new_copy_begins_when_a_file_changes(run: Run, repository: Path) -> None:
    commit(repository, lock="1")
    run(keeping("mkdir -p models/cache; echo one > models/cache/x", "lock", "absent"))
    assert log(run(keeping("cat models/cache/x", "lock", "absent")), "a").splitlines()[-1] == "one"
    commit(repository, lock="2")
    assert states(run(keeping("test ! -e models", "lock", "absent")))["a"] == "passed"


def test_a_job_that_fails_leaves_its_folder_as_it_was(run: Run) -> None:
    run(keeping("mkdir -p models/cache; echo good > models/cache/x"))
    run(keeping("rm models/cache/x; echo bad > models/cache/x; false"))
    assert log(run(keeping("cat models/cache/x")), "a").splitlines()[-1] == "good"


def test_a_job_in_a_platforms_words_is_skipped_and_holds_nobody_up(run: Run) -> None:
    foreign = job("scan", steps=(), foreign={"github": Foreign(path="ci/scan.yml")})
    outcome = run(foreign, job("after", "echo ran", needs=("scan",)))
    assert states(outcome) == {"scan": "skipped", "after": "passed"}
    assert outcome.exit_code == 0
    assert "only github can run it" in run.text


def test_what_stands_beside_a_job_is_the_callers_to_start(run: Run) -> None:
    outcome = run(job("a", 'echo "at ${DB_HOST:-nowhere}"', services=(DB,)), environ={})
    assert log(outcome, "a").splitlines()[-1] == "at nowhere"
    assert "services are not started here; start them yourself and set where they are: db (DB_HOST)" in run.text


def test_a_service_that_the_caller_started_is_told_to_its_job_alone(run: Run) -> None:
    jobs = (job("a", 'echo "at ${DB_HOST:-nowhere}"', services=(DB,)), job("b", 'echo "at ${DB_HOST:-nowhere}"'))
    outcome = run(*jobs, environ={"DB_HOST": "127.0.0.2"})
    assert [log(outcome, id).splitlines()[-1] for id in ("a", "b")] == ["at 127.0.0.2", "at nowhere"]
    assert "services" not in run.text


def test_a_container_is_told_to_be_left_out(run: Run) -> None:
    outcome = run(job("a", container="python:3.12"))
    assert states(outcome) == {"a": "passed"}
    assert "run here without their containers: a" in run.text
