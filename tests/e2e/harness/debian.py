"""Programs from Debian's packages, unpacked into a folder: nothing is installed, and root is not needed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.e2e.harness.set_up import MissingTool, run_set_up

LIBRARIES = {
    "libacl.so.1": "libacl1",
    "libffi.so.8": "libffi8",
    "libgmp.so.10": "libgmp10",
    "liblz4.so.1": "liblz4-1",
    "libpopt.so.0": "libpopt0",
    "libxxhash.so.0": "libxxhash0",
    "libzstd.so.1": "libzstd1",
}


def unpack(folder: Path, program: str) -> None:
    """Unpack the package of a program, and the libraries of it that this machine lacks, behind a small start script."""
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise MissingTool(f"{program} is not on PATH, and this is no Debian to take it from; install {program}")
    root = folder / "root"
    _download(folder, [program], root)
    missing = _missing_libraries(root, program)
    if missing:
        _download(folder, missing, root)
    start = folder / program
    start.write_text(
        '#!/bin/sh\nroot=$(dirname "$(readlink -f "$0")")/root\n'
        'LD_LIBRARY_PATH=$(echo "$root"/usr/lib/*-linux-gnu* "$root"/lib/*-linux-gnu* | tr " " :) '
        f'exec "$root/usr/bin/{program}" "$@"\n',
        encoding="utf-8",
    )
    start.chmod(0o755)
    run_set_up([str(start), "--version"], folder, f"{program} (unpacked from Debian's package)")
    for name in ("lists", "apt"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _missing_libraries(root: Path, program: str) -> list[str]:
    answer = subprocess.run(["ldd", root / "usr/bin" / program], capture_output=True, text=True, check=False).stdout
    names = [line.split()[0] for line in answer.splitlines() if "not found" in line]
    unknown = [name for name in names if name not in LIBRARIES]
    if unknown:
        raise MissingTool(f"{program} needs {', '.join(unknown)}; install it with the system's package manager")
    return [LIBRARIES[name] for name in names]


def _download(folder: Path, packages: list[str], root: Path) -> None:
    """Download packages without root and without the system's package lists, which may be absent or old."""
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    options = [
        f"-oDir::State::lists={lists}",
        f"-oDir::Cache={folder / 'apt'}",
        "-oAPT::Sandbox::User=",
        "-oDebug::NoLocking=1",
    ]
    why = f"{', '.join(packages)} from Debian; install it with the system's package manager"
    if not any(lists.glob("*Packages*")):
        run_set_up(["apt-get", *options, "-qq", "update"], folder, why)
    run_set_up(["apt-get", *options, "-qq", "download", *packages], folder, why)
    for package in folder.glob("*.deb"):
        run_set_up(["dpkg", "-x", str(package), str(root)], folder, why)
        package.unlink()
