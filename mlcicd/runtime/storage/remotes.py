"""Where DVC keeps the data, by its own configuration, and the plug-in it needs to get there."""

from __future__ import annotations

import configparser
import fcntl
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mlcicd.config.data import Data
from mlcicd.config.model import Config
from mlcicd.errors import OutsideError, UsageError
from mlcicd.runtime import equip, process

DVC = "dvc>=3.60,<4"
LOCAL = "local"
# Kind of remote → the package that DVC reaches it with; "" where DVC itself does.
PLUGINS: Mapping[str, str] = {
    LOCAL: "",
    "azure": "dvc-azure",
    "gdrive": "dvc-gdrive",
    "gs": "dvc-gs",
    "hdfs": "dvc-hdfs",
    "http": "dvc-http",
    "oss": "dvc-oss",
    "s3": "dvc-s3",
    "ssh": "dvc-ssh",
    "webdav": "dvc-webdav",
    "webhdfs": "dvc-webhdfs",
}
# Other schemes of the same kinds.
_SCHEMES = {"": LOCAL, "file": LOCAL, "gcs": "gs", "https": "http", "webdavs": "webdav"}
_FILES = ("config", "config.local")  # in the repository, the second of them not in git
_SECTION = re.compile(r"""^'?(?:remote\s+)"?([^"']+)"?'?$""")
_SECONDS = 60  # for asking a Python what it has

Say = Callable[[str], None]
Settings = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A DVC remote: `kind` is one of `PLUGINS`, or an unknown scheme as it is."""

    name: str
    url: str
    kind: str

    @property
    def plugin(self) -> str:
        """The package that DVC needs for it; "" for none."""
        return PLUGINS.get(self.kind, "")


def home(root: Path) -> Path:
    """Return the folder `.dvc` of the repository that a folder is in."""
    return next((found for folder in (root, *root.parents) if (found := folder / ".dvc").is_dir()), root / ".dvc")


def settings(root: Path) -> Settings:
    """Return DVC's configuration by section, as `dvc config --list` would, without starting DVC.

    Raises:
        UsageError: naming the file that is broken.
    """
    found = configparser.ConfigParser(interpolation=None, strict=False)
    for path in (*_machine(), *(home(root) / name for name in _FILES)):
        try:
            found.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            reason = str(error).splitlines()[0]
            hint = "correct the file; `dvc config --list` reads it"
            raise UsageError(f"{path}: DVC cannot use it: {reason}", hint=hint) from None
    return {name: {key: _plain(value) for key, value in found[name].items()} for name in found.sections()}


def configured(root: Path, name: str | None = None) -> Remote | None:
    """Return the remote called `name`, by default the one that DVC uses by itself; None when there is none.

    Raises:
        UsageError: when DVC's configuration is broken.
    """
    found = settings(root)
    urls = {match[1]: body.get("url", "") for key, body in found.items() if (match := _SECTION.match(key))}
    name = name or found.get("core", {}).get("remote")
    if not name or name not in urls:
        return None
    return Remote(name=name, url=urls[name], kind=_kind(urls, name))


def chosen(config: Config, name: str | None) -> str | None:
    """Return the remote to use: the named one, else the configured one, else None for DVC's own default."""
    return name or (config.data or Data()).remote


def provide(remote: Remote, dvc: Path | None, environ: Mapping[str, str], root: Path, say: Say) -> None:
    """Make sure that there is a DVC that reaches a remote: install what is absent, and say so.

    Args:
        remote: where the data is.
        dvc: the program that will be used, if there is one.
        environ: the environment of the project's programs.
        root: the project's folder.
        say: shows one line.

    Raises:
        OutsideError: when it cannot be installed.
    """
    if dvc is None:
        with _alone():
            if not (own() / "bin" / "dvc").exists():
                _make(remote, environ, root)
                say(f"the project has no dvc: {_listed(DVC, remote.plugin)} installed for mlcicd alone")
        return
    python = _python(dvc)
    if not remote.plugin or python is None or _has(python, remote.plugin, environ, root):
        return
    arguments = ["pip", "install", "--python", str(python), remote.plugin]
    equip.uv(arguments, environ, root, f"{remote.plugin} is not installed", _advice(remote.plugin))
    advice = "" if dvc.parent == own() / "bin" else "; add it to the project's own requirements"
    say(f"remote '{remote.name}' is of kind {remote.kind}: {remote.plugin} installed beside dvc{advice}")


def own() -> Path:
    """Return the environment that DVC is installed in when the project has none: beside that of mlcicd."""
    return Path(sys.prefix) / "dvc"


def _make(remote: Remote, environ: Mapping[str, str], root: Path) -> None:
    folder, action = own(), "the project has no dvc, and it could not be installed"
    wanted = [DVC, *filter(None, [remote.plugin])]
    for arguments in (
        ["venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder)],
        ["pip", "install", "--python", str(folder / "bin" / "python"), *wanted],
    ):
        equip.uv(arguments, environ, root, action, _advice(*wanted))


@contextmanager
def _alone() -> Iterator[None]:
    """Let one job at a time install: jobs on one machine may share the environment of mlcicd."""
    try:
        stream = own().with_suffix(".lock").open("w")
    except OSError as error:
        raise OutsideError(
            f"the project has no dvc, and it cannot be installed in {own().parent}: {error.strerror}",
            hint=f"add it to the project's environment: uv pip install '{DVC}'",
        ) from None
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _advice(*packages: str) -> str:
    return f"add to the project's own requirements: {' '.join(map(repr, packages))}"


def _python(dvc: Path) -> Path | None:
    """Return the Python that a `dvc` runs with; None when it is no Python program's usual place."""
    beside = dvc.resolve().parent / "python"
    return beside if beside.exists() else None


def _has(python: Path, package: str, environ: Mapping[str, str], root: Path) -> bool:
    text = f"import importlib.util as u, sys; sys.exit(u.find_spec({package.replace('-', '_')!r}) is None)"
    return process.ask([str(python), "-c", text], cwd=root, environ=environ, timeout=_SECONDS).exit == 0


def _kind(urls: Mapping[str, str], name: str) -> str:
    """Return a remote's kind; `remote://NAME/path` is of the kind of NAME."""
    seen: set[str] = set()
    while name in urls and name not in seen:
        seen.add(name)
        scheme = urlsplit(urls[name]).scheme
        if scheme != "remote":
            return _SCHEMES.get(scheme, scheme)
        name = urlsplit(urls[name]).netloc
    return LOCAL


def _machine() -> list[Path]:
    """Return the places of a machine's and a person's settings, by the variables that DVC reads too."""
    system = os.environ.get("DVC_SYSTEM_CONFIG_DIR") or "/etc/xdg/dvc"
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    person = os.environ.get("DVC_GLOBAL_CONFIG_DIR") or str(Path(home) / "dvc")
    return [Path(system) / "config", Path(person) / "config"]


def _plain(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _listed(*packages: str) -> str:
    return " and ".join(filter(None, packages))
