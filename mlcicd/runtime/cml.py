"""The program `cml`, as the one that writes the comment.

What its code needs where there is no checkout: the repository's address, and the commit, by the variables of the CI
system that it reads itself. It would also mark every folder as safe in the user's git settings and count its use; it
gets settings of its own, and is told not to.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlcicd.runtime.ci import Ci
from mlcicd.runtime.forges import FORGES
from mlcicd.runtime.markdown import clean

SECONDS = 120


def post(body: str, key: str, ci: Ci, environ: Mapping[str, str], *, anew: bool) -> str:
    """Write a comment; return why that failed, or "". The token goes by its environment.

    Args:
        body: the text; nothing of it is uploaded.
        key: tells several comments on one change apart.
        ci: where.
        environ: what the program inherits.
        anew: write a new comment, also where one is.
    """
    program = shutil.which("cml", path=environ.get("PATH"))
    if not program:
        return "cml is not installed"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.md"
        file.write_text(body, encoding="utf-8")
        command = [
            program,
            "comment",
            "create" if anew else "update",
            *([f"--repo={ci.git.removesuffix('.git')}"] if ci.git else []),
            f"--target=pr/{ci.change}",
            f"--watermark-title={key}",
            "--publish=false",
            str(file),
        ]
        try:
            done = subprocess.run(
                command,
                env={**environ, **_settings(ci, Path(folder))},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return clean(f"cml did not run: {error}", 200)
    if done.returncode == 0:
        return ""
    said = (done.stderr or done.stdout).decode("utf-8", "replace").replace(ci.token, "***").strip().splitlines()
    return f"cml ended with exit status {done.returncode}" + (f": {clean(said[-1], 200)}" if said else "")


def _settings(ci: Ci, folder: Path) -> dict[str, str]:
    return {
        **({FORGES[ci.forge].SHA: ci.sha} if ci.sha else {}),
        "REPO_TOKEN": ci.token,
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "ITERATIVE_DO_NOT_TRACK": "1",
    }
