"""`mlcicd generate` from end to end, on the command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlcicd import release
from mlcicd.cli import cli
from mlcicd.config.load import parse
from mlcicd.errors import MlcicdError, Refused, UsageError
from mlcicd.plan.build import build
from mlcicd.platforms import github
from mlcicd.release import Release

COMMIT = "0123456789abcdef0123456789abcdef01234567"
BOTH = "version: 1\nplatforms: [github, gitlab]\ntrain: {}\n"


@pytest.fixture(autouse=True)
def _commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCICD_COMMIT", COMMIT)


def generate(root: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["generate", "--root", str(root), *options])


def failure(result: Result) -> MlcicdError:
    assert isinstance(result.exception, MlcicdError)
    return result.exception


def test_writes_both_platforms_and_the_including_file(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(BOTH)
    assert generate(tmp_path).exit_code == 0
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.yml")}
    updates = {".github/dependabot.yml"}
    assert written == {".github/workflows/mlcicd.yml", ".gitlab/mlcicd.yml", ".gitlab-ci.yml", *updates}


def test_an_existing_root_file_is_left_alone_and_the_one_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(BOTH)
    (tmp_path / ".gitlab-ci.yml").write_text("stages: [mine]\n")
    result = generate(tmp_path)
    assert "add to .gitlab-ci.yml: include: [{local: .gitlab/mlcicd.yml}]" in result.output
    assert (tmp_path / ".gitlab-ci.yml").read_text() == "stages: [mine]\n"
    (tmp_path / ".gitlab-ci.yml").write_text("include: [{local: .gitlab/mlcicd.yml}]\n")
    assert "add to" not in generate(tmp_path).output


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_an_including_file_that_is_none_is_not_passed_over(kind: str, tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(BOTH)
    place = tmp_path / ".gitlab-ci.yml"
    place.mkdir() if kind == "folder" else place.symlink_to("elsewhere.yml")
    assert "add to .gitlab-ci.yml" in generate(tmp_path).output
    assert not (tmp_path / "elsewhere.yml").exists()


def test_check_says_what_differs_and_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(BOTH)
    assert failure(generate(tmp_path, "--check")).exit_code == 1
    assert generate(tmp_path).exit_code == 0
    assert generate(tmp_path, "--check").exit_code == 0
    (tmp_path / "mlcicd.yaml").write_text(BOTH.replace("train: {}", "train: {timeout: 7h}"))
    error = failure(generate(tmp_path, "--check"))
    assert "+    timeout-minutes: 435" in error.detail
    assert "mlcicd generate" in error.hint


def test_a_state_file_that_git_ignores_is_named(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(BOTH)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("*.lock\n")
    assert "git ignores mlcicd.lock: add the line !mlcicd.lock to .gitignore" in generate(tmp_path, "--diff").output
    (tmp_path / ".gitignore").write_text("*.lock\n!mlcicd.lock\n")
    assert "git ignores" not in generate(tmp_path).output


def test_diff_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(BOTH)
    result = generate(tmp_path, "--diff")
    assert result.exit_code == 0
    assert "+  train:" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["mlcicd.yaml"]


def test_one_platform(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(BOTH)
    assert generate(tmp_path, "--platform", "gitlab").exit_code == 0
    assert not (tmp_path / ".github").exists()
    assert isinstance(failure(generate(tmp_path, "--platform", "jenkins")), UsageError)


def test_a_platform_taken_out_of_the_configuration_takes_its_files_along(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(BOTH)
    generate(tmp_path)
    (tmp_path / "mlcicd.yaml").write_text("version: 1\nplatforms: [gitlab]\ntrain: {}\n")
    assert "remove  .github/workflows/mlcicd.yml" in generate(tmp_path).output
    assert not (tmp_path / ".github/workflows/mlcicd.yml").exists()


def test_going_back_from_vendored_removes_the_copies(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text("version: 1\ntrain: {}\ntool: {actions: vendored}\n")
    generate(tmp_path)
    assert (tmp_path / ".github/mlcicd/setup/install.py").exists()
    (tmp_path / "mlcicd.yaml").write_text("version: 1\ntrain: {}\n")
    generate(tmp_path)
    assert not [path for path in (tmp_path / ".github/mlcicd").rglob("*") if path.is_file()]


def test_an_edited_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(BOTH)
    generate(tmp_path)
    path = tmp_path / ".gitlab/mlcicd.yml"
    path.write_text(path.read_text() + "# mine\n")
    assert "keep  .gitlab/mlcicd.yml" in generate(tmp_path).output
    assert path.read_text().endswith("# mine\n")


def test_a_file_of_someone_elses_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(BOTH)
    path = tmp_path / ".gitlab/mlcicd.yml"
    path.parent.mkdir()
    path.write_text("mine: 1\n")
    assert isinstance(failure(generate(tmp_path)), Refused)
    assert path.read_text() == "mine: 1\n"
    assert not (tmp_path / ".github").exists()


def test_the_state_file_is_written_and_said(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(BOTH)
    said = generate(tmp_path).output
    assert "write  mlcicd.lock" in said
    assert "commit mlcicd.lock with these files" in said
    assert "mlcicd.lock" not in generate(tmp_path).output


def test_a_build_without_a_commit_offers_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "current", lambda environ: Release(version="0.1.0"))
    (tmp_path / "mlcicd.yaml").write_text(BOTH)
    assert "vendored" in failure(generate(tmp_path)).hint
    assert not (tmp_path / ".gitlab").exists()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/home/runner/work/_actions/mlcicd/mlcicd/{COMMIT[::-1]}/mlcicd", COMMIT[::-1]),
        ("/home/runner/work/_actions/mlcicd/mlcicd/v1/mlcicd", ""),
    ],
)
def test_an_unpacked_action_knows_its_commit(path: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "PACKAGE", Path(path))
    assert release.current({}).commit == expected
    assert release.current({"MLCICD_COMMIT": COMMIT}).commit == COMMIT


def test_git_is_asked_for_the_commit_only_where_nothing_else_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("git was started")

    monkeypatch.setattr(release.subprocess, "run", refuse)
    assert release.current({"MLCICD_COMMIT": COMMIT}).commit == COMMIT


def test_a_template_that_loses_a_job_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlcicd.yaml").write_text(BOTH)
    whole = github.render(
        "github/workflow.yml.j2", github.view(build(parse(BOTH)), Release(version="1", commit=COMMIT))
    )
    monkeypatch.setattr(github, "render", lambda name, view, *more: whole.replace("needs: [train]", "needs: []"))
    assert isinstance(generate(tmp_path).exception, AssertionError)
    assert not (tmp_path / ".github").exists()
