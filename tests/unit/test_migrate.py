"""Pairs in tests/migrate: `<name>.yaml` as an earlier mlcicd read it, `<name>.out` as this one does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlcicd.cli import cli
from mlcicd.config.load import parse
from mlcicd.config.migrate import migrate
from mlcicd.errors import MlcicdError, Refused, UsageError

PAIRS = Path(__file__).parent.parent / "migrate"
NAMES = sorted(path.stem for path in PAIRS.glob("*.yaml"))


def read(name: str) -> str:
    return (PAIRS / name).read_text("utf-8")


def run(path: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["migrate", "--config", str(path), *options])


@pytest.mark.parametrize("name", NAMES)
def test_pair(name: str) -> None:
    made = migrate(read(f"{name}.yaml")).text
    if os.environ.get("MLCICD_UPDATE_GOLDEN"):
        (PAIRS / f"{name}.out").write_text(made, encoding="utf-8")
    assert made == read(f"{name}.out")
    parse(made)
    assert migrate(made).text == made


@pytest.mark.parametrize("name", NAMES)
def test_line_ends_stay(name: str) -> None:
    turned = migrate(read(f"{name}.yaml").replace("\n", "\r\n")).text
    assert turned == read(f"{name}.out").replace("\n", "\r\n")


def test_what_was_removed_is_said() -> None:
    (note,) = migrate(read("removed-flow.yaml")).notes
    assert (
        note
        == "report.predictions.slices was removed (slices: [site]): a gate names its column instead: `slice: COLUMN`"
    )
    assert len(migrate(read("removed-block.yaml")).notes) == 2


def test_the_file_is_rewritten_once(tmp_path: Path) -> None:
    path = tmp_path / "mlcicd.yaml"
    path.write_text(read("snake-case.yaml"))
    checked = run(path, "--check").exception
    assert isinstance(checked, Refused)
    assert "+version: 1" in checked.detail
    assert path.read_text() == read("snake-case.yaml")
    assert "now of version 1" in run(path).output
    assert path.read_text() == read("snake-case.out")
    assert "nothing to do" in run(path).output
    assert run(path, "--check").exit_code == 0


def test_what_only_a_person_can_repair_is_told_after_the_rest_is_done(tmp_path: Path) -> None:
    path = tmp_path / "mlcicd.yaml"
    path.write_text("train: {command: make}\ngates: [{metric: a, max_drop: x}]\n")
    error = run(path).exception
    assert isinstance(error, UsageError)
    assert "gates[0].max-drop" in error.detail
    assert path.read_text().startswith("version: 1\ntrain")


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text(read("snake-case.yaml"))
    (tmp_path / "mlcicd.yaml").symlink_to("real.yaml")
    run(tmp_path / "mlcicd.yaml")
    assert (tmp_path / "mlcicd.yaml").is_symlink()
    assert (tmp_path / "real.yaml").read_text() == read("snake-case.out")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 2\ntrain: {}\n", "version 2 is of a newer mlcicd; this one knows 1"),
        ("version: one\n", "expected a number, got 'one'"),
        ("a: ]\n", "mlcicd.yaml:1:4: "),
        ("a: &x 1\nb: *x\n", "anchors"),
        ("a: 1\n---\nb: 1\n", "second document"),
        ("- a\n", "no keys and values"),
        ("", "no keys and values"),
        ("<<<<<<< HEAD\na: 1\n=======\n>>>>>>> x\n", "merge conflict markers"),
        ("a:\n\tb: 1\n", "tab"),
    ],
)
def test_what_cannot_be_migrated_says_why(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mlcicd.yaml"
    path.write_text(text)
    error = run(path).exception
    assert isinstance(error, MlcicdError)
    assert said in error.message
    assert error.hint
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("train: {}\ngates: [{metric: a, max_drop: 1}]\n", "`mlcicd migrate` rewrites it"),
        ("version: 0\ntrain: {}\n", "`mlcicd migrate` rewrites it"),
        ("version: 3\ntrain: {}\n", "is of a newer mlcicd (this one knows version 1)"),
        ("version: 1\ntrian: {}\n", "docs/config.md"),
        ('version: "1"\ntrain: {}\n', "docs/config.md"),
    ],
)
def test_every_verb_names_the_way_to_the_version_it_reads(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert hint in caught.value.hint
