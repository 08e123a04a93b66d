from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlcicd.errors import UsageError
from mlcicd.lint import read
from mlcicd.lint.find import find

FILES = {
    ".github/workflows/a.yml": "workflow",
    ".github/workflows/b.yaml": "workflow",
    ".github/workflows/deep/c.yml": None,
    ".github/workflows/README.md": None,
    ".github/dependabot.yml": "dependabot",
    ".github/labels.yml": None,
    ".github/actions/x/action.yml": "action",
    "action.yml": "action",
    "actions/y/action.yaml": "action",
    "tests/data/.github/workflows/old.yml": None,
    "node_modules/z/action.yml": None,
    ".venv/z/action.yml": None,
    "lib/site-packages/z/action.yml": None,
    ".gitlab-ci.yml": "gitlab",
    "sub/.gitlab-ci.yml": None,
    ".gitlab/ci/train.yml": "?",
    "templates/train.yml": "?",
    "templates/gpu/template.yml": "?",
    "templates/gpu/values.yml": None,
    "config.yml": None,
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a: {script: x}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*paths: Path) -> dict[str, str]:
    return {target.name: target.kind or "?" for target in find(paths)}


def test_what_a_platform_would_read(repository: Path) -> None:
    assert found(Path()) == {name: kind for name, kind in FILES.items() if kind}


def test_a_folder_inside_knows_its_place(repository: Path) -> None:
    workflows = {".github/workflows/a.yml": "workflow", ".github/workflows/b.yaml": "workflow"}
    assert found(Path(".github/workflows")) == workflows
    assert found(Path(".github")) == {name: kind for name, kind in FILES.items() if kind and name.startswith(".github")}
    assert found(repository / ".github/workflows") == workflows


def test_a_named_file_and_its_folder_are_one(repository: Path) -> None:
    assert found(
        Path(".github/workflows/a.yml"), Path("./.github/workflows"), Path(".github/../.github/workflows")
    ) == {
        ".github/workflows/a.yml": "workflow",
        ".github/workflows/b.yaml": "workflow",
    }


def test_a_named_file_may_be_anything(repository: Path) -> None:
    [target] = find([Path("config.yml")])
    assert (target.kind, target.named) == (None, True)


def test_outside_the_current_folder_names_stay_as_given(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "sub")
    assert list(found(repository / "action.yml")) == [(repository / "action.yml").as_posix()]


def test_links_in_circles_end(repository: Path) -> None:
    (repository / "sub/loop").symlink_to(repository)
    (repository / ".github/workflows/self.yml").symlink_to("self.yml")
    (repository / ".github/workflows/twin.yml").symlink_to("a.yml")
    names = found(Path())
    assert ".github/workflows/self.yml" in names
    assert not [name for name in names if "loop" in name or "twin" in name]


def test_what_a_pipeline_includes_is_judged_too(repository: Path) -> None:
    for name in ("ci/train.yml", "ci/sub/deep.yml", "more/a.yml", "more/sub/b.yml", "one.yml", "hidden.txt"):
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text("a: {script: x}\n")
    Path(".gitlab-ci.yml").write_text(
        "include:\n  - /ci/*.yml\n  - local: /more/**.yml\n  - local: ../outside.yml\n  - https://x/y.yml\n"
        "  - local: nothing.yml\n  - {project: a/b, file: c.yml}\n  - local: [1]\n  - 3\n  - local: '\\0'\n"
    )
    Path("ci/train.yml").write_text("include: one.yml\n")
    Path("one.yml").write_text("include: [ci/train.yml, .gitlab-ci.yml]\n")
    before = set(found(Path()))
    paths = read.files(find([Path()])).paths
    assert {name for name in paths if name not in before} == {"ci/train.yml", "more/a.yml", "more/sub/b.yml", "one.yml"}
    assert list(read.files(find([Path(".gitlab-ci.yml")])).paths) == [".gitlab-ci.yml"]


@pytest.mark.parametrize("path", ["nothing", "nothing/a.yml"])
def test_what_does_not_exist_is_wrong_usage(repository: Path, path: str) -> None:
    with pytest.raises(UsageError, match="no such file"):
        find([Path(path)])


def test_nothing_to_judge_is_not_clean(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no CI files here"):
        find([tmp_path])


@pytest.mark.parametrize(
    ("content", "message", "place"),
    [
        (b"a: \xff\n", "it is not UTF-8", (1, 4)),
        ("a: é\nb: ".encode() + b"\xff\n", "it is not UTF-8", (2, 4)),
        (b"\xff\xfea\x00", "it is not UTF-8", (1, 1)),
        (b"a: [\n", "did not find expected node content", (2, 1)),
        (b"#" * (read.MAX_BYTES + 1), "it is larger than 10 MB", (1, 1)),
        (None, "it is a folder, a device, or a link to nothing", (1, 1)),
    ],
)
def test_what_cannot_be_read_is_a_finding(
    tmp_path: Path, content: bytes | None, message: str, place: tuple[int, int]
) -> None:
    path = tmp_path / ".gitlab-ci.yml"
    path.symlink_to("nowhere") if content is None else path.write_bytes(content)
    files = read.files(find([path]))
    [one] = files.unreadable
    assert (one.rule, one.severity, one.message) == ("M0", "error", f"cannot be judged: {message}")
    assert (one.line, one.column) == place
    assert not files.documents
    assert list(files.paths) == [one.path]


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "action.yml"
    path.write_text("a: b")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    [one] = read.files(find([path])).unreadable
    assert "ermission denied" in one.message


def test_named_and_unknown_is_a_finding_found_and_unknown_is_none(repository: Path) -> None:
    Path("config.yml").write_text("a: b\n")
    Path("templates/train.yml").write_text("apiVersion: v1\n")
    Path("templates/gpu/template.yml").write_text("{{ if x }}\n{{ end }}\na: [\n")
    assert [one.message for one in read.files(find([Path("config.yml")])).unreadable] == [
        "is no workflow, action, GitLab pipeline or dependabot file"
    ]
    files = read.files(find([Path()]))
    assert not files.unreadable
    assert ".gitlab/ci/train.yml" in files.documents
    assert not [name for name in files.paths if name.startswith("templates")]


def test_a_broken_pipeline_in_a_folder_is_a_finding(repository: Path) -> None:
    Path(".gitlab/ci/train.yml").write_text("a: [\n")
    assert [one.path for one in read.files(find([Path()])).unreadable] == [".gitlab/ci/train.yml"]
