"""Tests, Great Expectations, metrics, scripts, other CI, and how files are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlcicd.detect import ci, files, gx, look, metrics, scripts
from mlcicd.detect import tests as detector

UNITTEST = "import unittest\n"


@pytest.mark.parametrize(
    ("here", "command", "source", "missing"),
    [
        ({"tests/test_a.py": "", "requirements-dev.txt": "pytest\n"}, "pytest -q", "tests/", ()),
        ({"tests/unit/test_a.py": "", "pyproject.toml": "[tool.pytest.ini_options]\n"}, "pytest -q", "tests/", ()),
        ({"test/a_test.py": "", "uv.lock": 'name = "pytest"'}, "pytest -q", "test/", ()),
        ({"test_model.py": "", "requirements/test.txt": "pytest"}, "pytest -q", "test_model.py", ()),
        ({"tests/test_a.py": "def test_a(): ..."}, "pytest -q", "tests/", ("pytest",)),
        (
            {"tests/test_a.py": UNITTEST},
            "python -m unittest discover tests",
            "tests/, which imports unittest",
            (),
        ),
        ({"test_a.py": UNITTEST}, "python -m unittest discover", "test_a.py, which imports unittest", ()),
        ({"tests/test_a.py": UNITTEST, "pytest.ini": "[pytest]\n"}, "pytest -q", "tests/", ()),
        ({"pytest.ini": ""}, "pytest -q", "pytest.ini", ()),
        ({"setup.cfg": "[tool:pytest]\n"}, "pytest -q", "setup.cfg", ()),
        ({"tox.ini": "[tox]\n"}, "uvx tox", "tox.ini", ()),
        ({"noxfile.py": ""}, "uvx nox", "noxfile.py", ()),
    ],
)
def test_tests(make, here: dict[str, str], command: str, source: str, missing: tuple[str, ...]) -> None:
    found = detector.look(make(here))
    assert found is not None
    assert (found.command.value, found.command.source, found.missing) == (command, source, missing)


def test_no_tests(make) -> None:
    assert detector.look(make({"tests/data.csv": "", "tests/__init__.py": "", "contest.py": ""})) is None


def test_checkpoints(make) -> None:
    here = {
        "gx/great_expectations.yml": "",
        "gx/checkpoints/b.json": '{"name": "raw"}',
        "gx/checkpoints/a.json": "{}",
        "gx/checkpoints/broken.json": "{",
        "gx/checkpoints/list.json": "[1]",
        "gx/checkpoints/odd.json": '{"name": 3}',
        "gx/checkpoints/twice.json": '{"name": "raw"}',
        "gx/checkpoints/.ge_store_backend_id": "",
    }
    folder = make(here | {"gx/checkpoints/c.json": '{"id": 1}'})
    assert gx.look(folder) == files.Seen(value=("raw", "c"), source="gx/checkpoints")
    assert [notice.split(":")[0] for notice in folder.notices] == [
        "gx/checkpoints/broken.json",
        "gx/checkpoints/list.json",
    ]


def test_checkpoints_of_the_older_project(make) -> None:
    folder = make({"great_expectations/great_expectations.yml": "", "great_expectations/checkpoints/a.yml": ""})
    assert gx.look(folder) == files.Seen(value=(), source="great_expectations/checkpoints")
    assert "0.x" in folder.notices[0]


def test_checkpoints_without_the_configuration_file(make) -> None:
    assert gx.look(make({"gx/checkpoints/n.json": '{"name": "n"}'})) == files.Seen(
        value=("n",), source="gx/checkpoints"
    )


def test_no_great_expectations(make) -> None:
    assert gx.look(make({"gx/notes.md": ""})) is None


def test_metrics_are_named_as_gates_name_them(make) -> None:
    folder = make(
        {
            "a.json": '{"acc": 0.5, "deep": {"loss": 1}, "flag": true, "text": "x", "nan": NaN}',
            "b.yaml": "acc: 0.25\n",
            "c.toml": "count = 3\n",
            "broken.json": "{",
        }
    )
    found = metrics.read(folder, ["a.json", "b.yaml", "c.toml", "gone.json", "broken.json", "/etc/hosts", "../x.json"])
    assert [(metric.name, metric.value) for metric in found] == [
        ("a.json:acc", 0.5),
        ("deep.loss", 1),
        ("b.yaml:acc", 0.25),
        ("count", 3),
    ]
    assert [notice.split(":")[0] for notice in folder.notices] == ["broken.json"]


def test_without_dvc(make) -> None:
    folder = make({"src/train.py": "", "metrics.json": "{}"})
    assert scripts.command(folder) == files.Seen(value="python src/train.py", source="src/train.py")
    assert scripts.metrics(folder) == ("metrics.json",)


def test_other_ci_is_mentioned_and_our_own_is_not(make) -> None:
    here = {".github/workflows/a.yml": "on: push\n", ".github/workflows/b.txt": "", ".gitlab-ci.yml": f"{ci.OURS} by\n"}
    assert ci.look(make(here | {"Jenkinsfile": ""})) == (".github/workflows/a.yml", "Jenkinsfile")


@pytest.mark.parametrize(
    ("name", "raw", "notice"),
    [
        ("a.toml", b"a = ", "a.toml: not used: "),
        ("a.json", b'{"a": ' + b"9" * 5000 + b"}", "a.json: not used: "),
        ("a.json", b"[" * 100_000, "a.json: not used: "),
        ("a.yaml", b"a: [" * 2000, "a.yaml: not used: "),
        ("a.yaml", b"a: \xff", "a.yaml: not read: not UTF-8 text"),
        ("a.yaml", b"a: 2024-13-45", "a.yaml: not used: "),
        ("a.yaml", b"x" * (files.MAX_BYTES + 1), "a.yaml: not read: larger than"),
        ("setup.cfg", b"[a\nb", "setup.cfg: not used: "),
    ],
)
def test_what_cannot_be_read_is_noted(tmp_path: Path, name: str, raw: bytes, notice: str) -> None:
    (tmp_path / name).write_bytes(raw)
    folder = files.Folder(path=tmp_path)
    assert folder.mapping(name) == {}
    assert len(folder.notices) == 1
    assert folder.notices[0].startswith(notice)
    assert "\n" not in folder.notices[0]


def test_things_that_are_no_files_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").mkdir()
    os.mkfifo(tmp_path / "pyproject.toml")
    (tmp_path / "loop").symlink_to(tmp_path)
    folder = files.Folder(path=tmp_path)
    assert not folder.has("dvc.yaml", "pyproject.toml")
    assert folder.mapping("pyproject.toml") == {}
    assert folder.find(lambda name: True) == []
    assert folder.notices == []


def test_a_project_that_names_no_packages_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    assert any("which packages are needed" in notice for notice in look(tmp_path).notices)
    (tmp_path / "requirements.txt").write_text("pandas\n")
    assert not any("which packages are needed" in notice for notice in look(tmp_path).notices)
