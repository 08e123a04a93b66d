"""The setup action's installer, with a stand-in for `uv` that records how it was called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlcicd import resources

UV = """#!/bin/sh
echo "$*" >> "$RUNNER_TEMP/calls"
env > "$RUNNER_TEMP/environment"
mkdir -p "$RUNNER_TEMP/mlcicd/bin" "$RUNNER_TEMP/mlcicd/lib/python3.12/site-packages"
printf '#!/bin/sh\\n' > "$RUNNER_TEMP/mlcicd/bin/python"
cp "$RUNNER_TEMP/mlcicd/bin/python" "$RUNNER_TEMP/mlcicd/bin/mlcicd"
chmod +x "$RUNNER_TEMP/mlcicd/bin/python" "$RUNNER_TEMP/mlcicd/bin/mlcicd"
"""


@pytest.mark.parametrize("source", ["", "mlcicd==0.1.0"])
def test_uv_never_reads_the_settings_of_the_repository(tmp_path: Path, source: str) -> None:
    calls = install(tmp_path, {"MLCICD_SOURCE": source})
    assert len(calls) == (3 if source else 2)
    assert all(f"--project {tmp_path}" in call for call in calls)


@pytest.mark.parametrize("source", ["", "mlcicd==0.1.0"])
def test_dependencies_are_hash_locked_whatever_the_source(tmp_path: Path, source: str) -> None:
    calls = install(tmp_path, {"MLCICD_SOURCE": source})
    locked = resources.find("actions") / "setup" / "requirements.txt"
    assert calls[1].endswith(f"--require-hashes --requirement {locked}")
    assert [call.rsplit(" ", 1)[1] for call in calls[2:]] == [source] * bool(source)


@pytest.mark.parametrize(
    ("name", "reaches"),
    [
        ("PIP_INDEX_URL", True),
        ("UV_DEFAULT_INDEX", True),
        ("UV_INDEX_OURS_PASSWORD", True),
        ("PIP_FIND_LINKS", True),
        ("PIP_CERT", True),
        ("UV_CACHE_DIR", True),
        ("PIP_TARGET", False),
        ("PIP_USER", False),
        ("PIP_CONSTRAINT", False),
        ("UV_CONSTRAINT", False),
        ("UV_OVERRIDE", False),
        ("UV_PYTHON", False),
        ("UV_PROJECT_ENVIRONMENT", False),
        ("PYTHONPATH", False),
        ("VIRTUAL_ENV", False),
        ("HTTPS_PROXY", True),
    ],
)
def test_the_installation_is_apart_from_the_project(tmp_path: Path, name: str, reaches: bool) -> None:
    install(tmp_path, {name: "told"})
    assert (f"{name}=told" in (tmp_path / "environment").read_text().splitlines()) == reaches


def install(folder: Path, variables: dict[str, str]) -> list[str]:
    """Run the installer; return how it called uv."""
    (folder / "uv").write_text(UV)
    (folder / "uv").chmod(0o755)
    environ = {"RUNNER_TEMP": str(folder), "PATH": f"{folder}:/usr/bin:/bin", **variables}
    installer = resources.find("actions") / "setup" / "install.py"
    subprocess.run([sys.executable, "-I", str(installer)], env=environ, cwd=folder, check=True)
    return (folder / "calls").read_text().splitlines()
