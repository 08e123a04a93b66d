"""The environment that executed pipelines get, and how their processes are started and ended."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# How this machine reaches package indexes; everything else of the caller stays outside.
KEEP = re.compile(
    r"(SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|GIT_SSL_CAINFO|NODE_EXTRA_CA_CERTS|PIP_.*"
    r"|((HTTPS?|ALL|NO)_PROXY)|((https?|all|no)_proxy)"
    r"|UV_(CACHE_DIR|CONFIG_FILE|DEFAULT_INDEX|EXTRA_INDEX|FIND_LINKS|HTTP|INDEX|INSECURE_HOST|LINK_MODE|NATIVE_TLS"
    r"|OFFLINE|PYTHON_(DOWNLOADS|INSTALL_DIR|INSTALL_MIRROR|PREFERENCE)|SYSTEM_CERTS).*)"
)
USER_FILES = (".config/pip/pip.conf", ".pip/pip.conf", ".config/uv/uv.toml")
MARK = "HARNESS_RUN"


@dataclass(frozen=True)
class Finished:
    """One process that ended.

    Attributes:
        code: exit code.
        output: standard output and standard error, together.
        left: command lines of processes that it left running, and that were ended.
    """

    code: int
    output: str
    left: tuple[str, ...]


def clean(caller: Mapping[str, str], home: Path, path: str) -> dict[str, str]:
    """Return a small environment with its own HOME, in which pip and uv still find their index and their cache.

    Args:
        caller: normally os.environ.
        home: folder; made, and given the caller's pip and uv settings.
        path: the PATH.
    """
    user = Path(caller.get("HOME", "/nonexistent"))
    for name in USER_FILES:
        if (user / name).is_file():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(user / name, home / name)
    cache = Path(caller.get("XDG_CACHE_HOME") or user / ".cache")
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in caller.items() if KEEP.fullmatch(name)}
    return {
        "UV_CACHE_DIR": str(cache / "uv"),
        "PIP_CACHE_DIR": str(cache / "pip"),
        **kept,
        "PATH": path,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TMPDIR": str(temporary),
        # Output goes to a terminal in act, and no pager may wait for a key.
        "PAGER": "cat",
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
    }


def run(argv: list[str], *, cwd: Path, env: Mapping[str, str], log: Path, timeout: float) -> Finished:
    """Run a program to its end, whatever happens to us meanwhile, and end all it leaves behind.

    Args:
        log: file for the output; kept for a person to read.
        timeout: seconds.

    Raises:
        TimeoutError: with the end of the output.
    """
    mark = uuid.uuid4().hex
    with log.open("w") as out:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**env, MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{argv[0]} took more than {timeout:g} s; its output ends:\n{_tail(log)}") from None
        finally:
            _end(process)
            left = end_marked(mark)
    return Finished(code, log.read_text("utf-8", errors="replace"), left)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask first: act removes its workspaces and stops its steps when it is asked."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def end_marked(mark: str, patience: float = 5) -> tuple[str, ...]:
    """End the processes that carry our mark in their environment, and those they start meanwhile.

    Args:
        mark: value of the variable HARNESS_RUN.
        patience: seconds to wait until they are gone.

    Returns:
        their command lines.
    """
    found: dict[int, str] = {}
    deadline = time.monotonic() + patience
    while (alive := _marked(mark)) and time.monotonic() < deadline:
        for process in alive.keys() - found.keys():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        found |= alive
        time.sleep(0.02)
    return tuple(found.values())


def _marked(mark: str) -> dict[int, str]:
    """Return the command line of each marked process by its number."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"{MARK}={mark}".encode() in (process / "environ").read_bytes():
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(process.name)] = command.decode(errors="replace").strip()
    return found


def _tail(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-30:])
