"""What may import what, and what must not be imported at all."""

from __future__ import annotations

import subprocess
import sys

from mlcicd.cli import VERBS

HEAVY = ("pydantic", "jinja2", "ruamel", "urllib3", "rich", "dvc", "great_expectations", "pandas")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)


def test_import_contracts() -> None:
    done = run("-c", "from importlinter.cli import lint_imports_command as lint; lint()")
    assert done.returncode == 0, done.stdout


def test_help_imports_nothing_heavy() -> None:
    done = run("-X", "importtime", "-m", "mlcicd", "--help")
    assert done.returncode == 0
    assert all(f" {verb} " in done.stdout for verb in VERBS)
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "click" in loaded
    assert not loaded & set(HEAVY)
