"""What `setup` installs with uv beside what the project itself asks for."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mlcicd import resources, secrets
from mlcicd.errors import OutsideError
from mlcicd.runtime import process

SECONDS = 600.0
# Hash-locked, as all that mlcicd's own environment holds.
FAST = "setup/fast.txt"


def uv(arguments: Sequence[str], environ: Mapping[str, str], root: Path, action: str, hint: str) -> None:
    """Run uv.

    Args:
        arguments: what it is to do; an environment is named by `--python`.
        environ: the environment of the project's programs.
        root: the project's folder.
        action: what did not work, when it does not.
        hint: the next step then.

    Raises:
        OutsideError: when it fails.
    """
    # An environment that is active is not the one that is meant.
    clean = {name: value for name, value in environ.items() if name not in ("VIRTUAL_ENV", "UV_PYTHON")}
    answer = process.ask(["uv", *arguments], cwd=root, environ=clean, timeout=SECONDS)
    if answer.exit:
        detail = "\n".join(secrets.lines(answer.err.splitlines()[-15:], environ))
        raise OutsideError(action, detail=detail, hint=hint)


def duckdb(environ: Mapping[str, str], root: Path, say: Callable[[str], None]) -> None:
    """Install DuckDB beside mlcicd, unless it is there.

    Raises:
        OutsideError: when it cannot be installed.
    """
    if importlib.util.find_spec("duckdb"):
        return
    listed = resources.find("actions") / FAST
    arguments = ["pip", "install", "--quiet", "--python", sys.executable, "--require-hashes", "-r", str(listed)]
    hint = "install mlcicd with it: uv tool install 'mlcicd[fast]'"
    uv(arguments, environ, root, "duckdb, which judges tables, could not be installed beside mlcicd", hint)
    say("duckdb installed beside mlcicd, to judge tables")
