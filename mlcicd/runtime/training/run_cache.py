"""Which stages DVC's run cache can never spare: it remembers what a stage made of which inputs, but not of each stage.

Seen with DVC 3.67: outputs with `cache: false` are in it like others, once `dvc push --run-cache` has taken it along.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlcicd import yamlio

WORTH = 10.0  # seconds of a stage from which on a word about it is worth its line
_PIPELINE = "dvc.yaml"


def told(root: Path, seconds: Mapping[str, float]) -> list[str]:
    """Return one line about the slowest stage that can never be spared, if there is one.

    Args:
        root: the project's folder.
        seconds: how long each stage ran, by the name that DVC gives it.
    """
    slow = sorted((name for name, took in seconds.items() if took >= WORTH), key=lambda name: -seconds[name])
    reasons = ((name, _reason(declared(root, name))) for name in slow)
    return [
        f"stage {name} runs again for everybody, also with the same inputs: DVC's run cache leaves it out, "
        f"because {reason} in {_PIPELINE}"
        for name, reason in reasons
        if reason
    ][:1]


def _reason(stage: Mapping[str, Any]) -> str:
    if not stage:
        return ""
    if stage.get("always_changed"):
        return "it has `always_changed: true`"
    if not (stage.get("deps") or stage.get("params")):
        return "it has neither deps nor params"
    for key in ("outs", "metrics", "plots"):
        for path, settings in _settings(stage.get(key)):
            if settings.get("persist"):
                return f"{path} has `persist: true`"
    return ""


def _settings(entries: Any) -> list[tuple[str, Mapping[str, Any]]]:
    pairs = [entry.items() for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return [(str(path), _mapping(settings)) for pair in pairs for path, settings in pair]


def declared(root: Path, name: str) -> Mapping[str, Any]:
    """Return what `dvc.yaml` says of a stage; nothing when it cannot be read."""
    file, _, key = name.rpartition(":")
    stage = _mapping(_stages(root / (file or _PIPELINE)).get(key.partition("@")[0]))
    return _mapping(stage.get("do") or stage)


def forget(root: Path, cache: Path, names: Iterable[str], since: float) -> None:
    """Remove what DVC has just noted in its run cache of stages, as `dvc.lock` has them now.

    Args:
        root: the project's folder.
        cache: the folder of DVC's cache.
        names: the stages, by the name that DVC gives them.
        since: when they began to run, in seconds since 1970; what was noted before was true then, and stays.
    """
    notes = [note for name in names if (note := _locked(root, name))]
    for path in (cache / "runs").glob("*/*/*"):
        if path.stat().st_mtime >= since and _load(path) in notes:
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()  # DVC trips over an empty one


def _locked(root: Path, name: str) -> Mapping[str, Any]:
    file, _, key = name.rpartition(":")
    return _mapping(_stages((root / (file or _PIPELINE)).with_name("dvc.lock")).get(key))


def _stages(path: Path) -> Mapping[str, Any]:
    return _mapping(_load(path).get("stages"))


def _load(path: Path) -> Mapping[str, Any]:
    try:
        return _mapping(yamlio.load_foreign(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yamlio.Unreadable):
        return {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
