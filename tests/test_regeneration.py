"""docs/regeneration.md, executed from top to bottom: every command, every answer."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcicd.cli import main

PAGE = (Path(__file__).parent.parent / "docs/regeneration.md").read_text("utf-8")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def steps() -> Iterator[tuple[str, str]]:
    """Yield each command and the answer below it."""
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, answer = part.partition("\n")
            yield command, answer


def says(answer: str, output: str) -> bool:
    """Tell whether the output is the answer; a line `…` stands for any lines, elsewhere it stands for part of one."""
    pattern = "".join(
        "(?:.*\n)*" if line == "…\n" else ".*".join(map(re.escape, line.split("…"))) for line in answer.splitlines(True)
    )
    return re.fullmatch(pattern, output) is not None


def test_the_walk_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLCICD_COMMIT", COMMIT)
    (tmp_path / "mlcicd.yaml").write_text(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    done = list(steps())
    assert len(done) > 20
    for command, answer in done:
        if command.startswith("mlcicd "):
            with pytest.raises(SystemExit):
                main(shlex.split(command)[1:])
            output = "".join(capsys.readouterr())
        else:
            shell = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
            output = shell.stdout + shell.stderr
        assert says(answer, output), f"$ {command}\n{output}\nis not\n{answer}"


@pytest.mark.parametrize(
    ("answer", "output", "expected"),
    [
        ("a …\n", "a b\n", True),
        ("a …\n", "b\n", False),
        ("a\n…\nb\n", "a\nx\ny\nb\n", True),
        ("a\n…\nb\n", "a\nx\n", False),
        ("a\n", "a\nb\n", False),
    ],
)
def test_an_answer_can_be_wrong(answer: str, output: str, expected: bool) -> None:
    assert says(answer, output) is expected
