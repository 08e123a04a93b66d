"""The setup action's installer, with a stand-in for `uv` that records how it was called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlcicd import resources

UV = """#!/bin/sh
echo "$*" >> "$RUNNER_TEMP/calls"
mkdir -p "$RUNNER_TEMP/mlcicd/bin" "$RUNNER_TEMP/mlcicd/lib/python3.12/site-packages"
printf '#!/bin/sh\\n' > "$RUNNER_TEMP/mlcicd/bin/python"
cp "$RUNNER_TEMP/mlcicd/bin/python" "$RUNNER_TEMP/mlcicd/bin/mlcicd"
chmod +x "$RUNNER_TEMP/mlcicd/bin/python" "$RUNNER_TEMP/mlcicd/bin/mlcicd"
"""


@pytest.mark.parametrize("source", ["", "mlcicd==0.1.0"])
def test_uv_never_reads_the_settings_of_the_repository(tmp_path: Path, source: str) -> None:
    (tmp_path / "uv").write_text(UV)
    (tmp_path / "uv").chmod(0o755)
    environ = {"RUNNER_TEMP": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin", "MLCICD_SOURCE": source}
    installer = resources.find("actions") / "setup" / "install.py"
    subprocess.run([sys.executable, "-I", str(installer)], env=environ, cwd=tmp_path, check=True)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 2
    assert all(f"--project {tmp_path}" in call for call in calls)
