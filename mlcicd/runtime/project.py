"""The user's project: its configuration, its folder, and the environment that its programs run in."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcicd.config import load as file
from mlcicd.config.model import Config, Train
from mlcicd.errors import OutsideError, UsageError
from mlcicd.runtime import ci, equip, process
from mlcicd.runtime.storage import remotes

VENV = ".venv"
# Of the environment that mlcicd itself runs in, and not the project's.
_OWN = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE"})
# Trust the certificates that this machine trusts (a company's own, say), not only those that uv brings.
_TRUST = {"UV_SYSTEM_CERTS": "true"}
# What is read in CI are logs, and none of the project's tools is to report home.
_QUIET = {"DVC_NO_ANALYTICS": "1", "GX_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project: its settings, and its folder as an absolute path."""

    config: Config
    root: Path

    def environ(self) -> dict[str, str]:
        """Return the environment of the project's programs, as it is now (`setup` may make it)."""
        return environ(self.root, os.environ, self.secrets)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every variable that the configuration declares to be a secret."""
        data, train, validate = self.config.data, self.config.train, self.config.validate_
        return (
            *(data.credentials.secrets if data else ()),
            *(validate.connections if validate else ()),
            *(train.secrets if train else ()),
        )


def load(config_path: Path = Path(file.FILE)) -> Project:
    """Read the configuration for the repository in the working directory.

    A default file that does not exist means the defaults, so that every verb can be used alone.

    Raises:
        UsageError: when the file is wrong, or the project's folder does not exist.
    """
    if config_path == Path(file.FILE) and not config_path.exists():
        config = Config(version=1, train=Train())
    else:
        config = file.load(config_path)
    root = (Path.cwd() / config.project.root).resolve()
    if not root.is_dir():
        raise UsageError(
            f"{config_path}: project.root: there is no folder {config.project.root}",
            hint="run this in the repository's top folder, or correct project.root",
        )
    return Project(config=config, root=root)


def environ(root: Path, inherited: Mapping[str, str], declared: Sequence[str] = ()) -> dict[str, str]:
    """Return the environment of the project's programs.

    What may write to the forge is not in it, unless it is `declared` as a secret of theirs; `process.scrub` finds
    there which variables are.

    `.venv` comes first where there is one, then what was inherited, and the programs that mlcicd was installed
    with (`uv`, `dvc`), or that it installed for itself, come last, as a fallback.
    """
    last = remotes.own() / "bin"
    own = str(Path(sys.executable).parent)
    venv = root / VENV
    inherited_path = [
        folder for folder in inherited.get("PATH", os.defpath).split(os.pathsep) if folder not in ("", own, str(last))
    ]
    found = (
        _TRUST
        | {name: value for name, value in inherited.items() if name not in (_OWN | ci.WITHHELD) - set(declared)}
        | _QUIET
    )
    found[process.DECLARED] = " ".join(declared)
    if (venv / "bin").is_dir():
        found["VIRTUAL_ENV"] = str(venv)
        inherited_path.insert(0, str(venv / "bin"))
    fallback = (own, str(last)) if last.is_dir() else (own,)
    return found | {"PATH": os.pathsep.join(dict.fromkeys((*inherited_path, *fallback)))}


def program(name: str, environ: Mapping[str, str]) -> Path | None:
    """Find a program as a process with this environment would."""
    found = shutil.which(name, path=environ["PATH"])
    return Path(found) if found else None


def setup(project: Project, say: Callable[[str], None], *, tables: bool = False) -> None:
    """Make the project's environment by running `project.install`, and see to it that its data can be reached.

    Args:
        project: the project.
        say: shows one line.
        tables: also install what judges tables.

    Raises:
        OutsideError: when something cannot be installed.
        UsageError: when DVC's configuration is broken.
    """
    if project.config.project.install is None:
        say("nothing to set up: no project.install; the programs on PATH are used as they are")
    else:
        _install(project, project.config.project.install, say)
    if tables:
        equip.duckdb(project.environ(), project.root, say)
    if project.config.data is not None:
        _reach(project, project.config.data.remote, say)


def _install(project: Project, command: str, say: Callable[[str], None]) -> None:
    settings = project.config.project
    environment = project.environ()
    environment.setdefault("UV_PYTHON", settings.python)
    began = time.monotonic()
    done = process.run(process.shell(command), cwd=project.root, environ=environment)
    if done.exit:
        raise OutsideError(
            f"project.install failed with exit status {done.exit} after {done.seconds:.1f} s",
            detail="\n".join(process.scrub(done.tail, environment)),
            hint=f"run it in {settings.root} to see why: {command.strip()}",
        )
    say(f"project environment ready in {time.monotonic() - began:.1f} s")


def _reach(project: Project, name: str | None, say: Callable[[str], None]) -> None:
    """Provide a DVC with the plug-in of the remote; without a remote there is nothing to reach, and `data` says so."""
    if remote := remotes.configured(project.root, name):
        environment = project.environ()
        remotes.provide(remote, program("dvc", environment), environment, project.root, say)
