"""What people see, without a terminal and on one."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import click
import pytest
from rich.console import Console

from mlcicd.engine import progress
from mlcicd.engine.model import Outcome, Result
from mlcicd.engine.progress import Live, Plain, duration, ending, places, summary
from mlcicd.plan.model import Permission
from tests.unit.engine.kit import Run, job


def outcome(folder: Path, *results: Result) -> Outcome:
    return Outcome(event="push", commit="c" * 40, base=None, jobs=results, folder=folder, artifacts=folder)


def test_plain_lines(run: Run, repository: Path) -> None:
    run(job("good"), job("bad", "seq 20; exit 1", needs=("good",)), job("after", needs=("bad",)))
    lines = [click.unstyle(line) for line in run.lines]
    assert lines[0].startswith("pull request: commit ")
    assert lines[0].endswith(", 3 jobs")
    assert lines[1] == "good: started"
    assert lines[2].startswith("good: passed in 0.")
    assert lines[3] == "bad: started"
    assert lines[4].startswith("bad: failed in 0.")
    assert lines[4].endswith(" s (Do it: exit 1 (the answer is no))")
    assert lines[5:20] == [f"bad | {n}" for n in range(7, 21)] + ["bad | mlcicd: Do it: exit 1 (the answer is no)"]
    assert lines[20] == f"bad: all of it is in {repository}/.mlcicd/run/logs/bad.log"
    assert lines[21] == "after: skipped (needs bad, which failed)"
    table = [line.split() for line in lines[23:26]]
    assert [row[:2] for row in table] == [["good", "passed"], ["bad", "failed"], ["after", "skipped"]]
    assert len(lines) == 26


def test_summary_has_a_line_for_each_job(tmp_path: Path) -> None:
    log = tmp_path / "log"
    lines = summary(
        outcome(tmp_path, Result(job="a", state="passed", seconds=75, log=log), Result(job="bcd", state="skipped"))
    )
    assert [click.unstyle(line) for line in lines] == ["a    passed   1 min 15 s", "bcd  skipped"]


def test_where_to_look_next(tmp_path: Path) -> None:
    logs = f"logs:   {tmp_path}/run/logs"
    assert places(outcome(tmp_path)) == [logs]
    (tmp_path / "report.html").write_text("x")
    kept = replace(outcome(tmp_path), clones=tmp_path / "clones")
    assert places(kept) == [f"report: {tmp_path}/report.html", logs, f"clones: {tmp_path}/clones"]


def test_what_may_write_on_a_forge_says_that_there_is_none(run: Run) -> None:
    write = (Permission(scope="comments", level="write", why="post"),)
    posted, read = run(job("comment", permissions=write), job("test")).jobs
    assert (posted.state, posted.cause) == ("passed", "nowhere to post: there is no forge here")
    assert (read.state, read.cause) == ("passed", "")
    assert "s (nowhere to post: there is no forge here)" in run.text
    failed, *_ = run(job("comment", "exit 1", permissions=write)).jobs
    assert "nowhere" not in failed.cause


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.7, "1 min 00 s"),
        (125, "2 min 05 s"),
        (11_230, "3 h 07 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_pipe_gets_lines_and_a_terminal_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type(progress.choose()) is Plain
    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert type(progress.choose()) is Live
    monkeypatch.setenv("TERM", "dumb")
    assert type(progress.choose()) is Plain


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(live: Live) -> list[str]:
    console = Console(file=io.StringIO(), width=60)
    console.print(live.table())
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_the_table_shows_every_job_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    live = Live(Console(file=io.StringIO(), force_terminal=True, width=60))
    live.opened("push", ["test", "train", "report"])
    live.started("test")
    live.finished(Result(job="test", state="passed", seconds=3.2))
    live.started("train")
    live.heard("train", "epoch 3 [bold]of[/] " + "a long line that does not fit " * 3)
    now += 12
    assert drawn(live) == [
        "✓ passed   test    3.2 s",
        "▶ running  train    12 s  epoch 3 [bold]of[/] a long line t…",
        "· waiting  report",
    ]


def test_on_a_terminal_only_failures_are_lines_and_the_table_goes_away(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    display = Live(Console(file=screen, force_terminal=True, color_system=None, width=100))
    run(job("good", "echo fine"), job("bad", "echo [red] broken; exit 1"), display=display, parallel=1)
    said = screen.getvalue()
    assert "good: started" not in said
    assert "bad: failed in" in said
    assert "bad | [red] broken" in said
    last = said.rpartition("bad: all of it is in")[2]
    assert last.count("good  passed") == 1
    assert "\x1b[?25l" in said, "the table was drawn"
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l"), "the cursor is back"


def test_a_warning_shows_its_log_too(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("no token\n")
    lines = ending(Result(job="comment", state="warned", cause="Post: exit 3", seconds=1, log=tmp_path / "log"))
    assert [click.unstyle(line) for line in lines][:2] == [
        "comment: warned in 1.0 s (Post: exit 3)",
        "comment | no token",
    ]
