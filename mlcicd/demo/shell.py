"""Commands as a person types them: shown, then run."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcicd.errors import OutsideError
from mlcicd.runtime import project

Say = Callable[[str], None]
TAIL = 30
MISSING = "install it (it must be on PATH) and run `mlcicd demo` again"


@dataclass(frozen=True, kw_only=True)
class Shell:
    """A folder to type commands in; `say` shows a line, and without it all is silent."""

    folder: Path
    say: Say | None = None

    def tell(self, line: str) -> None:
        """Show a line."""
        if self.say:
            self.say(line)

    def type(self, command: str) -> None:
        """Show a command and run it in the project's environment; its output is only for failures."""
        self.tell(f"$ {command}")
        self.run(shlex.split(command))

    def run(self, argv: Sequence[str]) -> str:
        """Run a program in the project's environment, and return what it printed.

        Raises:
            OutsideError: when there is no such program, or it fails.
        """
        try:
            done = subprocess.run(
                argv,
                cwd=self.folder,
                env=project.environ(self.folder, os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            )
        except FileNotFoundError:
            raise OutsideError(f"{argv[0]}: no such program", hint=MISSING) from None
        if done.returncode:
            raise OutsideError(
                f"`{shlex.join(argv)}` failed with exit status {done.returncode} in {self.folder}",
                detail="\n".join(done.stdout.splitlines()[-TAIL:]),
            )
        return done.stdout

    def mlcicd(self, *arguments: str) -> int:
        """Run this very mlcicd as a program; its output is seen as it comes. Return its exit code."""
        self.tell(f"$ mlcicd {shlex.join(arguments)}")
        hidden = None if self.say else subprocess.DEVNULL
        # -P: no file of the folder can stand in for a module of ours.
        tool = [sys.executable, "-P", "-m", "mlcicd", *arguments]
        with subprocess.Popen(tool, cwd=self.folder, stdout=hidden, stderr=hidden) as child:
            while True:
                try:
                    return child.wait()
                except KeyboardInterrupt:
                    # Typed at the terminal, so the child has it too: let it stop its jobs and tidy up.
                    continue
