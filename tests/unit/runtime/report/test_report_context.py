"""Which data both sides are of, and what the project adds itself; both from real repositories."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mlcicd.config import load
from mlcicd.runtime.project import Project
from mlcicd.runtime.report import provenance, render, sections
from mlcicd.runtime.report.model import Report
from tests.unit.runtime.repository import git

OUT = "outs:\n- {{md5: {md5}, size: 3, hash: md5, path: {path}}}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository that tracks two files in two folders; HEAD is the base."""
    git(tmp_path, "init", "-q")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/raw.csv.dvc").write_text(OUT.format(md5="1" * 32, path="raw.csv"))
    (tmp_path / "labels.csv.dvc").write_text(OUT.format(md5="2" * 32, path="labels.csv"))
    (tmp_path / "README.md").write_text("hello\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "base")
    return tmp_path


def names(data: provenance.Data) -> tuple[str, ...]:
    return tuple(name for notice in data.notices for name in notice.names)


def test_the_same_data_has_the_same_revision(root: Path) -> None:
    (root / "README.md").write_text("changed\n")
    # Another way of writing the file is no other data.
    (root / "labels.csv.dvc").write_text(f"outs:\n  - path: labels.csv\n    md5: '{'2' * 32}'\n    desc: the truth\n")
    data = provenance.data(root, git(root, "rev-parse", "HEAD"))
    assert data.revision
    assert data.revision.base == data.revision.change != ""
    assert data.notices == ()


@pytest.mark.parametrize("committed", [True, False])
def test_data_that_changed_came_or_went_is_named(root: Path, committed: bool) -> None:
    base = git(root, "rev-parse", "HEAD")
    (root / "data/raw.csv.dvc").write_text(OUT.format(md5="3" * 32, path="raw.csv"))
    (root / "data/new.csv.dvc").write_text(OUT.format(md5="4" * 32, path="new.csv"))
    (root / "labels.csv.dvc").unlink()
    if committed:
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", "change")
    data = provenance.data(root, base)
    assert names(data) == ("data/new.csv", "data/raw.csv", "labels.csv")
    assert data.revision
    assert data.revision.base != data.revision.change
    assert provenance.data(root, "").revision == data.revision.model_copy(update={"base": ""})


def test_a_folder_of_the_repository_has_its_own_data(root: Path) -> None:
    base = git(root, "rev-parse", "HEAD")
    (root / "data/raw.csv.dvc").write_text(OUT.format(md5="3" * 32, path="raw.csv"))
    assert names(provenance.data(root / "data", base)) == ("raw.csv",)


def test_what_dvc_could_not_read_either_is_no_data(root: Path) -> None:
    base = git(root, "rev-parse", "HEAD")
    for broken in ("", "outs: [", "[]", "outs: {a: b}", "outs: [3]", "\xff"):
        (root / "labels.csv.dvc").write_bytes(broken.encode("latin-1"))
        assert names(provenance.data(root, base)) == ("labels.csv",)


def test_without_tracked_data_there_is_no_revision(root: Path) -> None:
    shutil.rmtree(root / "data")
    (root / "labels.csv.dvc").unlink()
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "none")
    assert provenance.data(root, git(root, "rev-parse", "HEAD")) == provenance.Data()


def added(root: Path, *files: str) -> sections.Added:
    config = load.parse(
        f"version: 1\ntrain: {{command: x}}\nreport: {{sections: [{', '.join(files)}]}}\n", "mlcicd.yaml"
    )
    return sections.read(Project(config=config, root=root))


def test_the_projects_own_texts_are_bounded_and_their_secrets_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "verysecretvalue")
    (tmp_path / "a.md").write_text("# Notes\nkey verysecretvalue\n")
    (tmp_path / "b.md").write_bytes(b"\xff\x00" + b"x\n" * 9_000)
    (tmp_path / "d.md").mkdir()
    found = added(tmp_path, "a.md", "gone.md", "b.md")
    assert [section.name for section in found.sections] == ["a.md", "b.md"]
    assert found.sections[0].lines == ("# Notes", "key ***")
    assert len(found.sections[1].lines) == 120
    assert found.sections[1].lines[-1] == "…"
    assert found.notices == ()
    (notice,) = added(tmp_path, "d.md", "a.md", "a.md", "b.md").notices
    assert notice.names == ("d.md: Is a directory", "b.md: only 3 files are shown")


def test_they_are_shown_as_text_and_as_theirs(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("</details>\n```\n[click](https://evil.example) @team <script>x</script>\n")
    report = Report(state="pass", sections=added(tmp_path, "notes.md").sections)
    comment = render.markdown(report)
    assert "<b>From the project</b> · <code>notes.md</code>" in comment
    assert "````text\n</details>\n```\n[click](https://evil.example) @team" in comment
    page = render.html(report)
    assert "<script>x" not in page
    assert "[click](https://evil.example)" in page
