"""What DVC keeps in a repository: the stages and files of `dvc.yaml`, the remote of `.dvc/config`.

Only these two files are read. `.dvc/config.local` is not: it is not in the repository, and holds secrets.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlcicd.detect.files import Folder, section

FILE = "dvc.yaml"
CONFIG = ".dvc/config"
# Kind of remote → secrets that DVC's plug-in for it reads from the environment.
SECRETS = {
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "azure": ("AZURE_STORAGE_CONNECTION_STRING",),
    "gdrive": ("GDRIVE_CREDENTIALS_DATA",),
    "oss": ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"),
}
_KINDS = {"gcs": "gs", "https": "http", "webdavs": "webdav", "file": "local"}
_PASSWORDS = {"secret_access_key", "session_token", "password", "connection_string", "account_key", "sas_token"}


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """One dvc.yaml; paths are relative to the folder it was looked for in, and each is written once.

    `paths` are what its stages read and write, apart from the metrics, plots and parameters.
    """

    file: str
    stages: tuple[str, ...]
    metrics: tuple[str, ...]
    plots: tuple[str, ...]
    params: tuple[str, ...]
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Remote:
    """Where DVC keeps data: `kind` is the address's scheme, "local" for a path.

    `default` tells whether DVC uses it by itself; `secrets` are the environment variables it usually needs.
    """

    name: str
    kind: str
    default: bool
    secrets: tuple[str, ...]


def files(folder: Folder) -> list[str]:
    """Return the paths of the dvc.yaml files: the one at the top, else those in folders below."""
    return [FILE] if folder.has(FILE) else folder.find(FILE.__eq__)


def is_here(folder: Folder) -> bool:
    """Tell whether `dvc init` was run in this folder."""
    return (folder.path / ".dvc").is_dir()


def look(folder: Folder, file: str) -> Pipeline | None:
    """Read a dvc.yaml; None when it is broken (which is noted) or holds no stage."""
    tree = folder.mapping(file)
    home = posixpath.dirname(file)
    stages = tree.get("stages")
    if not isinstance(stages, dict) or not stages:
        if tree:
            folder.note(file, "has no stages")
        return None
    return Pipeline(
        file=file,
        stages=tuple(str(name) for name in stages),
        metrics=_files(tree, home, "metrics"),
        plots=_files(tree, home, "plots"),
        params=_params(tree, home),
        paths=tuple(path for key in ("deps", "outs") for path in _files(tree, home, key) if "${" not in path),
    )


def remote(folder: Folder) -> Remote | None:
    """Return the remote that CI pulls from; None when there is none, or when it is not clear which (noted)."""
    config = folder.mapping(CONFIG)
    remotes = {name: section(config, f"'remote \"{name}\"'") for name in _names(config)}
    for name, settings in remotes.items():
        if kept := sorted(_PASSWORDS & settings.keys()):
            folder.note(CONFIG, f"holds {', '.join(kept)} of remote '{name}', and is committed")
    chosen = section(config, "core").get("remote")
    if chosen in remotes:
        return _remote(chosen, remotes, default=True)
    if chosen:
        folder.note(CONFIG, f"the default remote '{chosen}' is not defined there")
    elif remotes:
        folder.note(CONFIG, "names no default remote, which training pulls from: run `dvc remote default NAME`")
    elif data := folder.find(lambda name: name.endswith(".dvc")):
        folder.note(
            data[0],
            "kept with DVC, but no remote that CI could fetch it from is in .dvc/config: `dvc remote add --default "
            "NAME URL`, `dvc push`, then delete mlcicd.yaml and run `mlcicd init` again",
        )
    return _remote(next(iter(remotes)), remotes, default=False) if len(remotes) == 1 else None


def kind(url: str) -> str:
    """Return the kind of storage a remote's address names."""
    scheme, separator, _ = url.partition("://")
    return _KINDS.get(scheme.lower(), scheme.lower()) if separator else "local"


def _remote(name: str, remotes: dict[str, dict[str, Any]], *, default: bool) -> Remote:
    settings = remotes[name]
    address = settings.get("url", "")
    if kind(address) == "remote":
        # `remote://other/path` is a path on another remote of this file.
        settings = remotes.get(address.removeprefix("remote://").split("/")[0], {})
        address = settings.get("url", "")
    found = kind(address)
    public = settings.get("allow_anonymous_login", "").lower() == "true"
    return Remote(name=name, kind=found, default=default, secrets=() if public else SECRETS.get(found, ()))


def _names(config: dict[str, Any]) -> list[str]:
    start = "'remote \""
    return [name.removeprefix(start).removesuffix("\"'") for name in config if name.startswith(start)]


def _files(tree: dict[str, Any], home: str, key: str) -> tuple[str, ...]:
    """Return the files declared under `key`, by stages and at the top of the file."""
    found = [
        posixpath.normpath(posixpath.join(home, folder, path))
        for folder, stage in (*_stages(tree), ("", tree))
        for path in _paths(stage.get(key))
    ]
    return tuple(dict.fromkeys(found))


def _params(tree: dict[str, Any], home: str) -> tuple[str, ...]:
    """Return the parameter files: a stage's bare names stand for keys of params.yaml."""
    found = []
    for folder, stage in _stages(tree):
        for entry in _items(stage.get("params")):
            names = list(map(str, entry)) if isinstance(entry, dict) else ["params.yaml"]
            found += [posixpath.normpath(posixpath.join(home, folder, name)) for name in names]
    found += [posixpath.normpath(posixpath.join(home, path)) for path in _paths(tree.get("params"))]
    return tuple(dict.fromkeys(found))


def _stages(tree: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the working folder and the body of each stage; that of a `foreach` stage is under `do`."""
    for stage in section(tree, "stages").values():
        body = section(stage, "do") if isinstance(stage, dict) and "do" in stage else stage
        if isinstance(body, dict):
            yield str(body.get("wdir") or ""), body


def _paths(declared: Any) -> Iterator[str]:
    """Yield the paths in any of DVC's forms: a text, a mapping by path, or a list of both."""
    for entry in _items(declared):
        if isinstance(entry, dict):
            yield from map(str, entry)
        elif isinstance(entry, str):
            yield entry


def _items(declared: Any) -> list[Any]:
    if declared is None:
        return []
    return declared if isinstance(declared, list) else [declared]
