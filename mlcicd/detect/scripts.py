"""A project without DVC: a training script and metric files that have their usual names."""

from __future__ import annotations

from mlcicd.detect.files import Folder, Seen

SCRIPTS = ("train.py", "src/train.py", "scripts/train.py")
METRICS = ("metrics.json", "metrics.yaml", "metrics.yml", "metrics.toml")


def command(folder: Folder) -> Seen[str] | None:
    """Return the command that runs the training script; None when none has a usual name."""
    script = next((name for name in SCRIPTS if folder.has(name)), None)
    return Seen(value=f"python {script}", source=script) if script else None


def metrics(folder: Folder) -> tuple[str, ...]:
    """Return the metric files in the project's folder."""
    return tuple(name for name in METRICS if folder.has(name))
