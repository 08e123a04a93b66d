"""A repository with an mlcicd.yaml, generated; what tests of edits begin with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from mlcicd.cli import cli
from mlcicd.errors import MlcicdError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
BOTH = "version: 1\nplatforms: [github, gitlab]\ntrain: {}\n\ntest: {command: pytest}\n"
WORKFLOW = ".github/workflows/mlcicd.yml"
PIPELINE = ".gitlab/mlcicd.yml"


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A folder; every method edits or runs something in it."""

    root: Path

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(cli, [words[0], *self.where(words[0]), *words[1:]])

    def where(self, verb: str) -> list[str]:
        return ["--config", str(self.root / "mlcicd.yaml")] if verb == "migrate" else ["--root", str(self.root)]

    def generate(self, *options: str) -> str:
        """Run it; it must succeed."""
        done = self.run("generate", *options)
        assert done.exit_code == 0, (done.output, done.exception, getattr(done.exception, "detail", ""))
        return done.output

    def refused(self, *words: str) -> MlcicdError:
        """Run it; it must fail in words."""
        done = self.run(*words)
        assert isinstance(done.exception, MlcicdError), (done.output, done.exception)
        return done.exception

    def text(self, path: str = WORKFLOW) -> str:
        return (self.root / path).read_text("utf-8")

    def put(self, text: str, path: str = "mlcicd.yaml") -> None:
        (self.root / path).write_bytes(text.encode())

    def edit(self, old: str, new: str, path: str = WORKFLOW) -> None:
        """Replace the first match of a pattern."""
        text = self.text(path)
        made = re.sub(old, new, text, count=1)
        assert made != text, f"{old} is not in {path}"
        self.put(made, path)

    def files(self) -> dict[str, bytes]:
        paths = (path for path in sorted(self.root.rglob("*")) if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in paths}


def begin(root: Path, config: str = BOTH) -> Repository:
    """Write the configuration and generate."""
    made = Repository(root=root)
    made.put(config)
    made.generate()
    return made
