"""Install mlcicd into $RUNNER_TEMP/mlcicd, apart from the project and from the runner's own Python.

Dependencies come from the hash-locked files beside this one; mlcicd itself is this action's own checkout, so that
action and tool are always of the same commit. With MLCICD_SOURCE it is that requirement instead.
What the workflow tells pip, uv and Python for the project's sake does not reach this installation.
Runs on any Python 3.8 or newer, with nothing but the standard library.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LAUNCHER = """#!/bin/sh
# -I: whatever lies in the repository being checked can not be imported instead of mlcicd.
exec "$(dirname "$0")/python" -I -m mlcicd "$@"
"""
# How the package index is reached is the machine's business. Everything else that pip and uv take from the environment
# (a target folder, constraints, overrides, another Python) would change what is installed, or where.
REACHING = re.compile(
    r"(PIP|UV)_(INDEX|NO_INDEX|DEFAULT_|EXTRA_INDEX|FIND_LINKS|TRUSTED_HOST|INSECURE_HOST|CERT|CLIENT_CERT|PROXY|KEYRING"
    r"|CONFIG_FILE|CACHE_DIR|NO_CACHE|HTTP|TIMEOUT|RETRIES|NATIVE_TLS|SYSTEM_CERTS|OFFLINE|LINK_MODE|CONCURRENT"
    r"|PYTHON_(INSTALL|DOWNLOADS|PREFERENCE|CACHE))"
)


def main() -> None:
    """Make the environment; print what was installed."""
    home = Path(os.environ["RUNNER_TEMP"]) / "mlcicd"
    source = os.environ.get("MLCICD_SOURCE", "")
    uv = shutil.which("uv") or bootstrap(home.with_name("mlcicd-uv"))
    # Away from the repository: what its pyproject.toml tells uv (an index, a version) is not about this tool.
    away = ["--project", os.environ["RUNNER_TEMP"]]
    run(uv, "venv", "--quiet", "--clear", *away, "--python", ">=3.11", str(home))
    python = str(home / "bin" / "python")
    install = [uv, "pip", "install", "--quiet", *away, "--python", python]
    run(*install, "--require-hashes", "--requirement", str(HERE / "requirements.txt"))
    if source:
        run(*install, source)
    else:
        link(home, HERE.parent.parent)
    if not (home / "bin" / "uv").exists():
        (home / "bin" / "uv").symlink_to(uv)
    run(str(home / "bin" / "mlcicd"), "--version")


def bootstrap(folder: Path) -> str:
    """Install the locked uv with pip and return its path."""
    run(sys.executable, "-I", "-m", "venv", str(folder))
    locked = ["--require-hashes", "--requirement", str(HERE / "uv.txt")]
    run(str(folder / "bin" / "python"), "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *locked)
    return str(folder / "bin" / "uv")


def link(home: Path, checkout: Path) -> None:
    """Make the checkout importable in the environment, and give it a launcher; nothing is built."""
    packages = next((home / "lib").glob("python3.*")) / "site-packages"
    (packages / "mlcicd.pth").write_text(str(checkout) + "\n", encoding="utf-8")
    launcher = home / "bin" / "mlcicd"
    launcher.write_text(LAUNCHER, encoding="utf-8")
    launcher.chmod(0o755)


def run(*command: str) -> None:
    """Run a command; its failure ends this one, with its own message as the last thing in the log."""
    code = subprocess.run(command, env=environment(), check=False).returncode
    if code:
        sys.exit(f"mlcicd setup: '{' '.join(command[:3])} ...' failed with exit code {code}")


def environment() -> "dict[str, str]":
    """Return the environment of the installation: the machine's, without what is meant for the project's own."""
    ours = re.compile(r"(PIP|UV|PYTHON|VIRTUAL_ENV|CONDA)")
    kept = {name: value for name, value in os.environ.items() if not ours.match(name) or REACHING.match(name)}
    # Trust the certificates that this machine trusts (a company's own, say), not only those that uv brings.
    return {"UV_SYSTEM_CERTS": "true", **kept}


if __name__ == "__main__":
    main()
