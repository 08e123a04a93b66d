"""The user's project: its configuration, its folder, and the environment that its programs run in."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlcicd import secrets
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
    """A project: its settings, and its folder as an absolute path.

    Attributes:
        env: variables of the team's own for the programs that are run now.
        seen: secrets of extra steps and jobs that those programs may see.
    """

    config: Config
    root: Path
    env: Mapping[str, str] = field(default_factory=dict)
    seen: tuple[str, ...] = ()

    def environ(self) -> dict[str, str]:
        """Return the environment of the project's programs, as it is now (`setup` may make it)."""
        hidden = {*self._extra_secrets} - {*self._stage_secrets, *self.seen}
        inherited = {name: value for name, value in os.environ.items() if name not in hidden}
        return environ(self.root, inherited, self.secrets) | dict(self.env)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every variable that the configuration declares to be a secret."""
        return (*self._stage_secrets, *self._extra_secrets)

    @property
    def _stage_secrets(self) -> tuple[str, ...]:
        data, train, validate = self.config.data, self.config.train, self.config.validate_
        return (
            *(data.credentials.secrets if data else ()),
            *(validate.connections if validate else ()),
            *(train.secrets if train else ()),
        )

    @property
    def _extra_secrets(self) -> tuple[str, ...]:
        """Each is for one step or job; where a platform shows it to all, it is taken out for the others here."""
        steps = [name for step in self.config.steps for name in step.secrets]
        return (*steps, *(name for job in self.config.jobs.values() for name in job.secrets))


def load(config_path: Path = Path(file.FILE), stage: str = "") -> Project:
    """Read the configuration for the repository in the working directory.

    A default file that does not exist means the defaults, so that every verb can be used alone.

    Args:
        config_path: the file.
        stage: whose variables the project's programs see.

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
    project = Project(config=config, root=root, env=config.env(stage))
    secrets.declare(project.secrets)
    return project


def environ(root: Path, inherited: Mapping[str, str], declared: Sequence[str] = ()) -> dict[str, str]:
    """Return the environment of the project's programs.

    What may write to the forge is not in it, unless it is `declared` as a secret of theirs, and nothing that gives
    orders to the CI system. `secrets` finds there which variables are declared.

    `.venv` comes first where there is one, then what was inherited, and the programs that mlcicd was installed
    with (`uv`, `dvc`), or that it installed for itself, come last, as a fallback.
    """
    withheld = ((_OWN | ci.WITHHELD) - set(declared)) | ci.ORDERS
    last = remotes.own() / "bin"
    own = str(Path(sys.executable).parent)
    venv = root / VENV
    inherited_path = [
        folder for folder in inherited.get("PATH", os.defpath).split(os.pathsep) if folder not in ("", own, str(last))
    ]
    found = _TRUST | {name: value for name, value in inherited.items() if name not in withheld} | _QUIET
    found[secrets.DECLARED] = " ".join(declared)
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
    _trust_checkout(Path.cwd())
    if project.config.project.install is None:
        say("nothing to set up: no project.install; the programs on PATH are used as they are")
    else:
        _install(project, project.config.project.install, say)
    if tables:
        equip.duckdb(project.environ(), project.root, say)
    if project.config.data is not None:
        _reach(project, project.config.data.remote, say)


def _trust_checkout(top: Path) -> None:
    """Let git read a checkout that belongs to another user, as one in a container does: this one, and no other."""
    if not ci.detect(os.environ).forge or top.stat().st_uid == os.geteuid() or not (top / ".git").exists():
        return
    config = ("git", "config", "--global")
    known = process.ask((*config, "--get-all", "safe.directory"), cwd=top, environ=os.environ)
    if str(top) in known.out.splitlines():
        return
    added = process.ask((*config, "--add", "safe.directory", str(top)), cwd=top, environ=os.environ)
    if added.exit:
        raise OutsideError(
            f"git does not read {top}, which belongs to another user, and cannot be told to",
            detail=added.err.strip(),
            hint="let HOME be a folder that this user may write, or run the container as the owner of the checkout",
        )


def _install(project: Project, command: str, say: Callable[[str], None]) -> None:
    settings = project.config.project
    environment = project.environ()
    environment.setdefault("UV_PYTHON", settings.python)
    began = time.monotonic()
    done = process.run(process.shell(command), cwd=project.root, environ=environment)
    if done.exit:
        raise OutsideError(
            f"project.install failed with exit status {done.exit} after {done.seconds:.1f} s",
            detail="\n".join(secrets.lines(done.tail, environment)),
            hint=f"run it in {settings.root} to see why: {command.strip()}",
        )
    say(f"project environment ready in {time.monotonic() - began:.1f} s")


def _reach(project: Project, name: str | None, say: Callable[[str], None]) -> None:
    """Provide a DVC with the plug-in of the remote; without a remote there is nothing to reach, and `data` says so."""
    if remote := remotes.configured(project.root, name):
        environment = project.environ()
        remotes.provide(remote, program("dvc", environment), environment, project.root, say)
