"""`mlcicd init` on disk: what it writes, prints, keeps and refuses."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mlcicd.cli import main
from mlcicd.config.load import load

REPOSITORY = {
    "dvc.yaml": "stages:\n  train: {cmd: x}\n",
    "tests/test_a.py": "import pytest\n",
    "pytest.ini": "[pytest]\n",
}


def run(*arguments: str) -> int:
    """Return the exit code of `mlcicd init …`."""
    with pytest.raises(SystemExit) as ended:
        main(["init", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_writes_one_file_and_says_what_it_saw(make, capsys: pytest.CaptureFixture[str]) -> None:
    root = make(REPOSITORY)
    before = sorted(path for path in root.rglob("*"))
    assert run("--root", str(root)) == 0
    assert sorted(root.rglob("*")) == sorted([*before, root / "mlcicd.yaml"])
    assert load(root / "mlcicd.yaml").train
    out = capsys.readouterr().out
    assert "pipeline     train      dvc.yaml\n" in out
    assert "tests        pytest -q  tests/\n" in out
    assert "note: git: not a git repository" in out
    assert out.endswith("mlcicd.yaml: new\nnext: mlcicd generate\n")


def test_the_current_folder_is_the_default(make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make(REPOSITORY))
    assert run() == 0
    assert Path("mlcicd.yaml").exists()


def test_print_writes_nothing_and_prints_only_the_file(make, capsys: pytest.CaptureFixture[str]) -> None:
    root = make(REPOSITORY)
    assert run("--root", str(root), "--print") == 0
    assert not (root / "mlcicd.yaml").exists()
    printed = capsys.readouterr()
    assert run("--root", str(root)) == 0
    assert (root / "mlcicd.yaml").read_text() == printed.out
    assert "pipeline" in printed.err


def test_an_up_to_date_file_is_not_written_again(make, capsys: pytest.CaptureFixture[str]) -> None:
    root = make(REPOSITORY)
    run("--root", str(root))
    os.utime(root / "mlcicd.yaml", ns=(1, 1))
    inode = (root / "mlcicd.yaml").stat().st_ino
    assert run("--root", str(root)) == 0
    assert (root / "mlcicd.yaml").stat().st_mtime_ns == 1
    assert (root / "mlcicd.yaml").stat().st_ino == inode
    assert "mlcicd.yaml: nothing to add" in capsys.readouterr().out


def test_what_is_missing_is_added_and_bytes_and_mode_stay(make, capsys: pytest.CaptureFixture[str]) -> None:
    root = make(REPOSITORY)
    path = root / "mlcicd.yaml"
    old = b"\xef\xbb\xbf# mine\r\nversion:    1\r\ntest: {command: 'make'}   # ours\r\n"
    path.write_bytes(old)
    path.chmod(0o640)
    assert run("--root", str(root)) == 0
    new = path.read_bytes()
    assert new.startswith(old)
    assert b"\n" not in new.replace(b"\r\n", b"")
    assert path.stat().st_mode & 0o777 == 0o640
    assert load(path).train
    assert "mlcicd.yaml: added project, train" in capsys.readouterr().out


def test_an_invalid_file_stays_as_it_is(make, capsys: pytest.CaptureFixture[str]) -> None:
    root = make({**REPOSITORY, "mlcicd.yaml": "version: 1\ntrian: {}\n"})
    assert run("--root", str(root)) == 2
    assert (root / "mlcicd.yaml").read_text() == "version: 1\ntrian: {}\n"
    assert "did you mean 'train'?" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["link", "dangling", "folder"])
def test_a_link_or_folder_in_place_is_refused(make, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    root = make({"other.yaml": "version: 1\n"})
    path = root / "mlcicd.yaml"
    if kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("other.yaml" if kind == "link" else "nowhere.yaml")
    assert run("--root", str(root)) == 2
    assert "is a folder or a link, not a file" in capsys.readouterr().err
    assert (root / "other.yaml").read_text() == "version: 1\n"
    assert not (root / "nowhere.yaml").exists()


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--root", str(tmp_path / "gone")) == 2
    assert "gone: no such folder" in capsys.readouterr().err


def test_below_the_top_of_a_repository_is_refused(make, capsys: pytest.CaptureFixture[str]) -> None:
    root = make({f"ml/{name}": text for name, text in REPOSITORY.items()})
    subprocess.run(["git", "init", "-q", root], check=True)
    assert run("--root", str(root / "ml")) == 2
    assert f"mlcicd init --root {root}" in capsys.readouterr().err
    assert run("--root", str(root)) == 0
    assert load(root / "mlcicd.yaml").project.root == "ml"


def test_names_cannot_speak_to_the_terminal(make, capsys: pytest.CaptureFixture[str]) -> None:
    root = make({"dvc.yaml": '{"stages": {"\\u001b[31mred\\nnext: rm": {"cmd": "x"}}}'})
    assert run("--root", str(root)) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\nnext: rm" not in out
    assert "\x1b" not in (root / "mlcicd.yaml").read_text()


def test_a_disk_that_refuses_is_explained(
    make, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make(REPOSITORY)

    def refuse(self: Path, data: bytes) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert run("--root", str(root)) == 3
    assert "mlcicd.yaml: cannot be written: Permission denied" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["", "ml/"])
def test_nothing_is_added_where_the_pipeline_cannot_be_read(make, capsys: pytest.CaptureFixture[str], folder) -> None:
    old = "version: 1\ntest: {command: make}\n"
    broken = "stages:\n<<<<<<< HEAD\n  train: {cmd: x}\n=======\n  fit: {cmd: x}\n>>>>>>> other\n"
    files = {f"{folder}dvc.yaml": broken, f"{folder}metrics.json": '{"accuracy": 0.9}', f"{folder}train.py": "x = 1\n"}
    root = make({**files, "mlcicd.yaml": old})
    assert run("--root", str(root)) == 0
    assert (root / "mlcicd.yaml").read_text() == old
    out = capsys.readouterr().out
    assert f"note: {folder}dvc.yaml: not used: line " in out
    assert f"mlcicd.yaml: nothing added, for what {folder}dvc.yaml says is not known" in out
