"""What may be overwritten, and what never."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcicd import write
from mlcicd.errors import OutsideError, Refused

OWNED = (".ci/mlcicd*.yml",)
NAME = ".ci/mlcicd.yml"


def kinds(files: dict[str, str], root: Path) -> dict[str, str]:
    return {change.path: change.kind for change in write.compare(files, root, OWNED)}


def put(root: Path, text: str, name: str = NAME) -> None:
    write.apply(write.compare({name: text}, root, ()), root)


def test_first_line_names_source_and_command(tmp_path: Path) -> None:
    put(tmp_path, "a: 1\n")
    first, rest = (tmp_path / NAME).read_text().split("\n", 1)
    assert "mlcicd.yaml" in first
    assert "mlcicd generate" in first
    assert rest == "a: 1\n"


def test_new_same_changed_and_stale(tmp_path: Path) -> None:
    assert kinds({NAME: "a: 1\n"}, tmp_path) == {NAME: "new"}
    put(tmp_path, "a: 1\n")
    put(tmp_path, "b: 1\n", ".ci/mlcicd-old.yml")
    assert kinds({NAME: "a: 1\n"}, tmp_path) == {NAME: "same", ".ci/mlcicd-old.yml": "stale"}
    changes = write.compare({NAME: "a: 2\n"}, tmp_path, OWNED)
    assert [change.kind for change in changes] == ["stale", "changed"]
    assert "-a: 1" in changes[1].diff
    assert "+a: 2" in changes[1].diff
    write.apply(changes, tmp_path)
    assert not (tmp_path / ".ci/mlcicd-old.yml").exists()
    assert kinds({NAME: "a: 2\n"}, tmp_path) == {NAME: "same"}


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        (lambda path: path.write_text(path.read_text() + "# mine\n"), "edited"),
        (lambda path: path.write_text(path.read_text().replace("a: 1", "a: 9")), "edited"),
        (lambda path: path.write_text("a: 1\n"), "foreign"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "foreign"),
        (lambda path: (path.unlink(), path.mkdir()), "blocked"),
        (lambda path: (path.rename(path.with_name("x")), path.symlink_to("x")), "blocked"),
    ],
)
def test_what_is_not_ours_stops_everything(edit, kind: str, tmp_path: Path) -> None:
    put(tmp_path, "a: 1\n")
    edit(tmp_path / NAME)
    before = sorted(path.name for path in (tmp_path / ".ci").iterdir())
    changes = write.compare({NAME: "a: 2\n", ".ci/mlcicd-2.yml": "x: 1\n"}, tmp_path, ())
    assert changes[1].kind == kind
    with pytest.raises(Refused) as caught:
        write.apply(changes, tmp_path)
    assert NAME in caught.value.detail
    assert caught.value.hint
    assert sorted(path.name for path in (tmp_path / ".ci").iterdir()) == before


def test_an_edited_file_that_is_no_longer_made_is_not_removed(tmp_path: Path) -> None:
    put(tmp_path, "a: 1\n", ".ci/mlcicd-old.yml")
    path = tmp_path / ".ci/mlcicd-old.yml"
    path.write_text(path.read_text() + "# mine\n")
    with pytest.raises(Refused):
        write.apply(write.compare({}, tmp_path, OWNED), tmp_path)
    assert path.exists()


def test_line_ends_turned_by_a_checkout_are_no_edit(tmp_path: Path) -> None:
    put(tmp_path, "a: 1\nb: 2\n")
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert kinds({NAME: "a: 1\nb: 2\n"}, tmp_path) == {NAME: "same"}


def test_nothing_is_left_beside_the_files(tmp_path: Path) -> None:
    put(tmp_path, "a: 1\n")
    assert [path.name for path in (tmp_path / ".ci").iterdir()] == ["mlcicd.yml"]


def test_a_disk_that_refuses_is_explained_and_nothing_is_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a: 1\n")
    before = (tmp_path / NAME).read_bytes()
    real = Path.write_bytes

    def refuse(self: Path, data: bytes) -> int:
        if "other" in self.name:
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", refuse)
    changes = write.compare({NAME: "a: 2\n", ".ci/other.yml": "a: 2\n"}, tmp_path, ())
    with pytest.raises(OutsideError, match=r"other\.yml.*: cannot be written: Permission denied") as caught:
        write.apply(changes, tmp_path)
    assert caught.value.hint
    assert [path.name for path in (tmp_path / ".ci").iterdir()] == ["mlcicd.yml"]
    assert (tmp_path / NAME).read_bytes() == before


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_folder_on_the_way_that_is_none_stops_everything(kind: str, tmp_path: Path) -> None:
    root, outside = tmp_path / "repository", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    folder = root / ".ci"
    folder.touch() if kind == "file" else folder.symlink_to(outside)
    with pytest.raises(Refused) as caught:
        put(root, "a: 1\n")
    assert NAME in caught.value.detail
    assert list(outside.iterdir()) == []
