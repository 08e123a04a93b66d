"""Build hook: write the commit a wheel is built from into it (see mlcicd/release.py)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ReleaseHook(BuildHookInterface):
    """Adds `mlcicd/_data/release.json` to the wheel when the commit is known."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Ask `MLCICD_COMMIT`, else git; an unknown commit adds nothing."""
        if version == "editable":
            return
        commit = os.environ.get("MLCICD_COMMIT") or self._head()
        if commit:
            path = Path(self.directory) / "release.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"commit": commit}) + "\n", encoding="utf-8")
            build_data["force_include"][str(path)] = "mlcicd/_data/release.json"

    def _head(self) -> str:
        if not (Path(self.root) / ".git").exists():
            return ""
        found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=self.root, capture_output=True, text=True)
        return found.stdout.strip()
