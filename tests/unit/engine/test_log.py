"""Masking, last lines, tails."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcicd.engine.log import LONGEST_LINE, Log, clean, excerpt


def written(tmp_path: Path, *chunks: bytes, secrets: tuple[str, ...] = ()) -> tuple[bytes, list[str]]:
    heard: list[str] = []
    with Log(tmp_path / "log", heard.append) as log:
        log.hide(secrets)
        for chunk in chunks:
            log.write(chunk)
    return (tmp_path / "log").read_bytes(), heard


def test_bytes_are_kept_as_they_are_and_lines_are_heard(tmp_path: Path) -> None:
    kept, heard = written(tmp_path, b"one\ntw", b"o\n\xff\n", b"10%\r", b"20%\r", b"no end")
    assert kept == b"one\ntwo\n\xff\n10%\r20%\rno end"
    assert heard == ["one", "�", "10%", "20%", "no end"]


def test_a_secret_is_masked_across_chunks_and_line_by_line(tmp_path: Path) -> None:
    kept, heard = written(tmp_path, b"key=hun", b"ter22;\n", b"BEGIN-KEY\n", secrets=("hunter22", "BEGIN-KEY\nEND-KEY"))
    assert kept == b"key=***;\n***\n"
    assert heard == ["key=***;", "***"]


def test_the_longer_secret_wins_and_tiny_ones_are_not_masked(tmp_path: Path) -> None:
    kept, _ = written(tmp_path, b"hunter2222 1 hunter22\n", secrets=("hunter22", "hunter2222", "1"))
    assert kept == b"*** 1 ***\n"


def test_a_line_without_end_does_not_grow_for_ever(tmp_path: Path) -> None:
    with Log(tmp_path / "log", lambda line: None) as log:
        log.write(b"x" * (LONGEST_LINE + 1))
        assert (tmp_path / "log").stat().st_size == LONGEST_LINE + 1


def test_clean_shows_what_a_terminal_would() -> None:
    assert clean("10%\r\x1b[32m100%\x1b[0m done\x07 \n") == "100% done"
    assert clean("\x1b]0;title\x07text\r\n") == "text"
    assert clean("\x9b31mred\x00") == "31mred"


def test_an_excerpt_is_the_last_lines_that_say_something(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"line {number}\n\n" for number in range(30)))
    assert excerpt(path, 3) == ["line 27", "line 28", "line 29"]
    path.write_text("")
    assert excerpt(path, 3) == []


INSTALLED = "Resolved 3 packages in 12ms\n + numpy==2.1.0\n - scipy==1.0\n ~ mine==0.1 (from file:///x)\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"$ mlcicd setup\n{INSTALLED}$ mlcicd train\nepoch 1\nValueError: x\n", ["epoch 1", "ValueError: x"]),
        (f"$ mlcicd train\n{INSTALLED}ValueError: x\n", ["ValueError: x"]),
        ("$ mlcicd train\nno\nmlcicd: nothing to keep: a does not exist\nmlcicd: Train: exit 1\n",
         ["no", "mlcicd: Train: exit 1"]),
        ("$ mlcicd setup\n + numpy==2.1.0\n", [" + numpy==2.1.0"]),
        (f"{INSTALLED}killed\n", ["killed"]),
        ("$ mlcicd train\nresult: a==b\n+ a == b\n", ["result: a==b", "+ a == b"]),
        ("$ mlcicd data\n", []),
    ],
)  # fmt: skip
def test_an_excerpt_begins_at_the_program_that_failed(tmp_path: Path, text: str, shown: list[str]) -> None:
    (tmp_path / "log").write_text(text)
    assert excerpt(tmp_path / "log", 15) == shown
