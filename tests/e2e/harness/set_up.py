"""Running a program that makes a tool ready, and the one way in which that fails."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class MissingTool(Exception):
    """A program cannot be had; the message names it and says how to get it."""


# Where systems keep the certificates that they trust; node brings its own and does not look there.
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


def _trust() -> dict[str, str]:
    return next(({"NODE_EXTRA_CA_CERTS": path} for path in BUNDLES if Path(path).is_file()), {})


def run_set_up(argv: list[str], cwd: Path, what: str, **environ: str) -> None:
    """Run a program to its end.

    Args:
        what: what is missing when it fails, and how to get it.
        environ: variables added to ours.

    Raises:
        MissingTool: with the end of its output.
    """
    done = subprocess.run(
        argv,
        cwd=cwd,
        env=_trust() | os.environ | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise MissingTool(f"{what}\n`{' '.join(argv[:3])} …` ended with {done.returncode}:\n{last}")
