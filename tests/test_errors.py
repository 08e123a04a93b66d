"""Each pair in errors/ is a configuration and exactly what a person reads about it.

After an intended change: `MLCICD_UPDATE_GOLDEN=1 uv run pytest tests/test_errors.py`, and review the difference.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcicd.cli import explain
from mlcicd.config.load import load, parse
from mlcicd.errors import MlcicdError, UsageError

CASES = sorted((Path(__file__).parent / "errors").glob("*.yaml"))


def printed(error: MlcicdError) -> str:
    """What the command line prints, without colour."""
    import click

    @click.command()
    def show() -> None:
        explain(error)

    return CliRunner().invoke(show).output


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_message_is_exactly_as_expected(case: Path) -> None:
    with pytest.raises(UsageError) as caught:
        parse(case.read_text("utf-8"))
    expected = case.with_suffix(".out")
    if os.environ.get("MLCICD_UPDATE_GOLDEN"):
        expected.write_text(printed(caught.value), encoding="utf-8")
    assert printed(caught.value) == expected.read_text("utf-8")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_message_or_a_configuration(raw: bytes) -> None:
    outcome(raw)


FRAGMENTS = st.sampled_from(
    ["version: 1\n", "train: {}\n", "train:\n", "  command: x\n", "- a\n", "gates:\n", "  - {metric: a, min: ", "1}\n",
     "? ", "&a ", "*a", "!!python/object:x ", "{", "}", "[", "]", ": ", "\t", "'", '"', "|\n", "2024-13-45", "0o9",
     "1:30", "~", "\ufeff", "%YAML 1.1\n", "---\n", "...\n", "<<: ", "\x00", "\x85", "é", "😀", "1e999", ".inf", "#",
     "platforms: [github]\n", "runners: {a: {github: 1}}\n"]
)  # fmt: skip


@settings(max_examples=700, deadline=None)
@given(st.lists(FRAGMENTS, max_size=12))
def test_anything_like_yaml_gives_a_message_or_a_configuration(parts: list[str]) -> None:
    outcome("".join(parts).encode())


def outcome(raw: bytes) -> None:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return
    with contextlib.suppress(UsageError):
        parse(text)


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("noise", b"\x00\xff" * 500_000, "too large"),
        ("latin-1", "version: 1\nproject: {name: é}\n".encode("latin-1"), "mlcicd.yaml:2: not UTF-8"),
        ("deep", b"[" * 20_000, "1 problem"),
        ("binary", bytes(range(256)) * 4, "not UTF-8"),
    ],
)
def test_files_that_are_no_text(name: str, raw: bytes, expected: str, tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_bytes(raw)
    with pytest.raises(UsageError) as caught:
        load(tmp_path / "mlcicd.yaml")
    assert expected in printed(caught.value)


def test_a_missing_file_names_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file") as caught:
        load(tmp_path / "mlcicd.yaml")
    assert "mlcicd init" in caught.value.hint


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "mlcicd.yaml")


def test_below_the_folder_of_the_file_its_place_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlcicd.yaml").touch()
    (tmp_path / "ml").mkdir()
    monkeypatch.chdir(tmp_path / "ml")
    with pytest.raises(UsageError, match="no such file") as caught:
        load(Path("mlcicd.yaml"))
    assert caught.value.hint == f"there is one in {tmp_path}: run this there"
