"""Ctrl-C and kill, sent to a real process: nothing is left but the logs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.engine.kit import assert_gone

PROGRAM = """
import sys
from pathlib import Path
from tests.unit.engine.kit import TOOL, job, pipeline
from mlcicd import engine

jobs = [job("one", sys.argv[2]), job("two", sys.argv[2]), job("three", needs=("one",), always=True)]
request = engine.Request(folder=Path(sys.argv[1]), tool=TOOL, parallel=2, grace=0.2)
outcome = engine.run(pipeline(*jobs), request)
print([result.state for result in outcome.jobs])
sys.exit(outcome.exit_code)
"""

POLITE = "sleep 96.5 & echo $! > {0}/$$.pid; echo $$ > {0}/$$.self; echo begun; wait"
STUBBORN = "trap '' TERM; " + POLITE + "; sleep 96.5"


@pytest.mark.parametrize(
    ("number", "script", "code"),
    [(signal.SIGINT, POLITE, 130), (signal.SIGTERM, STUBBORN, 143)],
    ids=["ctrl-c", "kill, and steps that do not listen"],
)
def test_a_stopped_run_leaves_only_logs(
    repository: Path, tmp_path: Path, number: signal.Signals, script: str, code: int
) -> None:
    marks, scratch = tmp_path / "marks", tmp_path / "scratch"
    marks.mkdir()
    scratch.mkdir()
    environ = {**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(repository), script.format(marks)],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for(marks, 4)
    assert list(scratch.glob("mlcicd-run-*"))
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == code, output
    assert "['stopped', 'stopped', 'skipped']" in output
    for mark in marks.iterdir():
        assert_gone(int(mark.read_text()))
    assert list(scratch.iterdir()) == []
    assert (repository / ".mlcicd/run/logs/one.log").read_text().endswith("begun\nmlcicd: stopped\n")


def wait_for(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 20
    while sum(bool(mark.read_text()) for mark in folder.iterdir()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
