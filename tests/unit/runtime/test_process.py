from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from mlcicd.errors import OutsideError
from mlcicd.runtime import process


def run(command, tmp_path, **options):
    shown: list[bytes] = []
    done = process.run(process.shell(command), cwd=tmp_path, environ=os.environ, show=shown.append, **options)
    return done, b"".join(shown).decode()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie that init has not collected yet is not running.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_output_of_both_streams_is_shown_and_its_end_is_kept(tmp_path):
    done, shown = run("echo out; echo err >&2; seq 60", tmp_path)
    assert shown.startswith("out\nerr\n1\n")
    assert done.exit == 0
    assert done.tail == tuple(str(number) for number in range(21, 61))


def test_output_is_shown_before_the_program_has_ended(tmp_path):
    times: list[float] = []
    began = time.monotonic()
    done = process.run(
        process.shell("printf half; sleep 0.5; echo; echo end"),
        cwd=tmp_path,
        environ=os.environ,
        show=lambda chunk: times.append(time.monotonic() - began),
    )
    assert times[0] < 0.4 < times[-1]
    assert done.tail == ("half", "end")


@pytest.mark.parametrize(
    ("command", "exit"),
    [("exit 7", 7), ("false | cat", 1), ("false; echo on", 1), ("kill -9 $$", 137), ("kill -TERM $$", 143)],
)
def test_the_exit_status_is_that_of_the_first_error(tmp_path, command, exit):
    assert run(command, tmp_path)[0].exit == exit


def test_a_progress_bar_is_lines(tmp_path):
    seen: list[str] = []
    done, _ = run(r"printf '10%%\r50%%\r100%%\n\n'", tmp_path, see=seen.append)
    assert seen == list(done.tail) == ["10%", "50%", "100%"]


def test_an_endless_line_is_cut(tmp_path):
    done, _ = run("head -c 200000 /dev/zero | tr '\\0' x", tmp_path)
    assert done.tail
    assert max(map(len, done.tail)) == process.MAX_LINE


def test_past_its_time_limit_a_program_ends_with_all_its_children(tmp_path):
    done, shown = run("sleep 60 & echo $!; wait", tmp_path, timeout=0.5)
    assert done.exit == 124
    assert 0.5 <= done.seconds < 5
    assert not is_alive(int(shown))


def test_what_was_left_in_the_background_is_ended_and_not_waited_for(tmp_path):
    began = time.monotonic()
    done, shown = run("sleep 60 & echo $!", tmp_path)
    assert time.monotonic() - began < 5
    assert done.exit == 0
    assert not is_alive(int(shown))


def test_a_child_that_closes_its_output_is_still_waited_for(tmp_path):
    done, _ = run("exec >/dev/null 2>&1; sleep 0.3; exit 3", tmp_path)
    assert done.exit == 3
    assert done.seconds >= 0.3


def test_cancelling_ends_the_children(tmp_path, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    pids: list[int] = []

    def show(chunk: bytes) -> None:
        pids.append(int(chunk))
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()

    with pytest.raises(KeyboardInterrupt):
        process.run(process.shell("echo $$; exec sleep 60"), cwd=tmp_path, environ=os.environ, show=show)
    assert not is_alive(pids[0])
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_program_that_is_not_there_is_named(tmp_path):
    for start in (process.run, process.ask):
        with pytest.raises(OutsideError, match="nosuch: cannot be started"):
            start(["nosuch"], cwd=tmp_path, environ={"PATH": ""})


def test_asking_keeps_the_streams_apart(tmp_path):
    program = "import sys; print(sys.stdin.read()); print('e', file=sys.stderr); sys.exit(4)"
    answer = process.ask([sys.executable, "-c", program], cwd=tmp_path, environ=os.environ, stdin="question")
    assert (answer.exit, answer.out, answer.err) == (4, "question\n", "e\n")


def test_what_goes_on_printing_in_the_background_is_not_waited_for(tmp_path):
    done = process.run(process.shell("yes & exit 3"), cwd=tmp_path, environ=os.environ, show=lambda _: None, timeout=20)
    assert done.exit == 3


@pytest.mark.parametrize(("exit", "step"), [(127, "not found"), (137, "memory"), (1, "its output is above")])
def test_the_next_step_follows_from_how_a_command_ended(exit: int, step: str) -> None:
    assert step in process.advice(exit)


def test_only_the_time_limit_is_called_one(tmp_path):
    assert run("sleep 5", tmp_path, timeout=0.2)[0].timed_out
    done, _ = run("exit 124", tmp_path, timeout=5)
    assert (done.exit, done.timed_out) == (124, False)


def test_a_question_is_given_up_after_its_time(tmp_path):
    answer = process.ask(["sleep", "5"], cwd=tmp_path, environ=os.environ, timeout=0.1)
    assert (answer.exit, answer.out) == (124, "")


def test_the_process_that_was_started_is_told_and_leads_a_session(tmp_path):
    pids: list[int] = []
    done, shown = run("ps -o sid= -p $$", tmp_path, started=pids.append)
    assert done.exit == 0
    assert int(shown) == pids[0]


def test_a_closed_terminal_ends_the_children(tmp_path):
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGHUP)).start()
    with pytest.raises(KeyboardInterrupt):
        process.run(process.shell("exec sleep 60"), cwd=tmp_path, environ=os.environ, show=lambda _: None)
