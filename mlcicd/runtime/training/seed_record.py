"""The metrics of every seed, beside `dvc.lock` in git, so that a later change can be compared with more than one run.

The file names the metric files that it belongs to by their MD5: once one of them is written by another training, what
stands here of it says nothing any more and is not used.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlcicd.runtime.facts import Hardware, Seed

FILE = "metrics.seeds.json"
MAX_BYTES = 1024 * 1024
MAX_SEEDS = 50
MAX_GPUS = 16

_NOTE = "Written by `mlcicd train` (train.repeat): metrics by seed. It belongs in git, beside dvc.lock."

Seeds = Mapping[str, Mapping[int, float]]  # by file:key, then by seed


def write(root: Path, seeds: Sequence[Seed], machine: Hardware | None = None) -> list[str]:
    """Write the record of a training with several seeds; the same metrics on the same machine give the same bytes.

    Returns:
        The file that was written, as a list; empty when fewer than two seeds succeeded.
    """
    done = sorted((seed for seed in seeds if seed.exit == 0), key=lambda seed: seed.seed)
    names = sorted({name for seed in done for name in seed.metrics})
    files = {file: raw for file in sorted({_file(root, name) for name in names}) if (raw := _read(root / file))}
    if len(done) < 2 or not files:
        return []
    record: dict[str, Any] = {
        "note": _NOTE,
        "files": {file: _md5(raw) for file, raw in files.items()},
        "metrics": {
            name: {str(seed.seed): seed.metrics[name] for seed in done if name in seed.metrics}
            for name in names
            if _file(root, name) in files
        },
    }
    if machine:  # in whole GiB, for machines of one type differ by some MiB
        record["machine"] = {"cpus": machine.cpus, "gib": round(machine.memory / 2**30), "gpus": list(machine.gpus)}
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    if len(text.encode()) > MAX_BYTES:
        return []
    (root / FILE).write_text(text, encoding="utf-8")
    return [FILE]


def read(raw: bytes, is_current: Callable[[str, str], bool]) -> tuple[Seeds, str]:
    """Return what a record says of the metric files that it still belongs to, and why it says nothing of others.

    Args:
        raw: the file, which a person may have edited.
        is_current: tells of a metric file and an MD5 whether this is its content.
    """
    try:
        record: Any = json.loads(raw) if len(raw) <= MAX_BYTES else None
        files = {str(file): str(md5) for file, md5 in record["files"].items()}
        seeds = {str(name): _numbers(values) for name, values in record["metrics"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}, f"{FILE} is not what `mlcicd train` writes"
    stale = [file for file, md5 in files.items() if not is_current(file, md5)]
    kept = {
        name: values
        for name, values in seeds.items()
        if any(_belongs(name, file) for file in files if file not in stale)
    }
    why = f"{FILE} belongs to an earlier version of {', '.join(stale)}" if stale else ""
    return kept, why


def machine(raw: bytes) -> Hardware | None:
    """Return the machine of a record; None when it does not say."""
    try:
        found: Any = json.loads(raw)["machine"] if len(raw) <= MAX_BYTES else None
        gpus = tuple(str(gpu)[:200] for gpu in found["gpus"][:MAX_GPUS])
        return Hardware(cpus=int(found["cpus"]), memory=int(found["gib"]) * 2**30, gpus=gpus)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None


def _numbers(values: Any) -> dict[int, float]:
    found = {int(seed): float(value) for seed, value in list(values.items())[:MAX_SEEDS]}
    return {seed: value for seed, value in found.items() if math.isfinite(value)}


def _file(root: Path, name: str) -> str:
    """Return the file in `file:key`; a colon may stand in both."""
    parts = name.split(":")
    candidates = [":".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]
    return next((file for file in candidates if (root / file).is_file()), parts[0])


def _belongs(name: str, file: str) -> bool:
    return name.startswith(f"{file}:")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()
