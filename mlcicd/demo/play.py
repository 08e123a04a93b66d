"""The whole demo, from an empty folder to the report."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from mlcicd import workfolder
from mlcicd.demo.repository import Demo, adopt, build, change
from mlcicd.demo.shell import Say
from mlcicd.demo.terminal import readable

# Exit codes from here on are 128 + the number of the signal that stopped the run.
STOPPED = 128


def play(folder: Path, *, keep: bool, say: Say) -> int:
    """Make the example in `folder`, run its pull-request pipeline, and return the exit code of that run.

    Args:
        folder: made when absent; must be empty or of an earlier demo, which is replaced.
        keep: leave the clones that the jobs ran in.
        say: called with every line a person should see.

    Raises:
        UsageError: when the folder holds anything else; nothing is touched then.
        OutsideError: when a program is missing or fails.
    """
    started = time.monotonic()
    demo = build(folder, say=say)
    adopt(demo)
    change(demo)
    say("\n# The pull request, run here: each job in a clean clone, compared with main")
    code = demo.shell.mlcicd("run", *(["--keep"] if keep else []))
    if code >= STOPPED:
        return code
    _show(demo, say)
    say(f"\nFrom nothing to here in {time.monotonic() - started:.0f} s. Try another value in params.yaml, commit, and")
    # By its path, because `uv run` puts mlcicd on PATH for this one command only.
    say(f"  cd {demo.repo} && {Path(sys.executable).with_name('mlcicd')} run")
    return code


def _show(demo: Demo, say: Say) -> None:
    """Print the report, and where everything is."""
    from rich.console import Console
    from rich.markdown import Markdown

    folder = demo.repo / workfolder.FOLDER
    report = folder / "report.md"
    if report.exists():
        say("")
        Console().print(Markdown(readable(report.read_text("utf-8"))))
        say("")
        say(f"report      {report}\n            {folder / 'report.html'}")
    generated = demo.shell.run(["git", "show", "--name-only", "--format=", "main"]).splitlines()
    say("generated   " + "\n            ".join(str(demo.repo / name) for name in generated))
