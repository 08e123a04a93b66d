from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mlcicd.runtime.process import Answer
from mlcicd.runtime.storage import transfer
from mlcicd.runtime.storage.transfer import Tries

NO_PROC = not Path("/proc/self/io").exists()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(transfer, "PAUSES", (0.0, 0.0, 0.0))


def passing(answer: Answer) -> str:
    return "busy" if "busy" in answer.err or "nothing was transferred" in answer.err else ""


def ask(tmp_path, script: str, tries: Tries | None = None) -> Answer:
    argv = [sys.executable, "-c", script]
    return transfer.ask(argv, cwd=tmp_path, environ=dict(os.environ), tries=tries or Tries(), passing=passing)


FAILS_TWICE = """
import pathlib, sys
log = pathlib.Path("log")
log.write_text((log.read_text() if log.exists() else "") + "x")
sys.exit("busy" if len(log.read_text()) < 3 else 0)
"""


def test_what_may_pass_is_tried_again_and_counted(tmp_path):
    said: list[str] = []
    tries = Tries(say=said.append)
    assert ask(tmp_path, FAILS_TWICE, tries).exit == 0
    assert tries.retries == 2
    assert said == ["busy; trying again in 0 s (attempt 2 of 4)", "busy; trying again in 0 s (attempt 3 of 4)"]


def test_attempts_end(tmp_path):
    tries = Tries()
    found = ask(tmp_path, "import sys; print('out'); sys.exit('busy')", tries)
    # Two streams have no order between them.
    assert (found.exit, found.out, sorted(found.err.splitlines())) == (1, "", ["busy", "out"])
    assert tries.retries == transfer.ATTEMPTS - 1


def test_the_budget_is_of_time_too(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "BUDGET", -1.0)
    tries = Tries()
    ask(tmp_path, "import sys; sys.exit('busy')", tries)
    assert tries.retries == 0


def test_the_budget_is_one_for_all_transfers(tmp_path):
    tries = Tries(retries=transfer.ATTEMPTS - 1)
    ask(tmp_path, "import sys; sys.exit('busy')", tries)
    assert tries.retries == transfer.ATTEMPTS - 1


def test_what_cannot_pass_is_not_tried_again(tmp_path):
    tries = Tries()
    assert ask(tmp_path, "import sys; sys.exit('denied')", tries).err == "denied\n"
    assert tries.retries == 0


@pytest.mark.skipif(NO_PROC, reason="nothing can be watched here")
def test_a_program_in_which_nothing_moves_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "STALL", 0.3)
    monkeypatch.setattr(transfer, "LOOK", 0.05)
    monkeypatch.setattr(transfer, "ATTEMPTS", 1)
    answer = ask(tmp_path, "import time; print('begun', flush=True); time.sleep(60)")
    assert answer.exit == 124
    assert answer.err.startswith("begun\n")
    assert "ERROR: nothing was transferred for 0 s" in answer.err


@pytest.mark.skipif(NO_PROC, reason="nothing can be watched here")
def test_a_program_that_moves_or_thinks_is_not_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "STALL", 0.4)
    monkeypatch.setattr(transfer, "LOOK", 0.05)
    writes = "import time\nfor n in range(12):\n    open('f', 'ab').write(b'x' * 2000)\n    time.sleep(0.1)"
    assert ask(tmp_path, writes).exit == 0
    monkeypatch.setattr(transfer, "LEAST_CPU", 0.05)
    assert ask(tmp_path, "import time\nend = time.monotonic() + 1\nwhile time.monotonic() < end: pass").exit == 0


@pytest.mark.skipif(NO_PROC, reason="nothing can be watched here")
def test_a_wrapper_is_watched_with_what_it_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "STALL", 0.4)
    monkeypatch.setattr(transfer, "LOOK", 0.05)
    script = "for n in 1 2 3 4 5 6 7 8; do head -c 5000 /dev/zero > f; sleep 0.1; done"
    assert ask(tmp_path, f"import subprocess; subprocess.run(['sh', '-c', {script!r}], check=True)").exit == 0
