"""Which runs a training recorded in experiment trackers: read from what it printed and the files it left.

Nothing is asked of a tracker, and nothing of one is imported.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from mlcicd.runtime.facts import Tracked

MAX_RUNS = 20
MAX_TEXT = 200
MAX_FILES = 10_000  # of a local store that are looked at
_MLFLOW = re.compile(r"View run (.+) at: (\S+)$")
_MLFLOW_ID = re.compile(r"/runs/([0-9A-Za-z-]+)/?$")
_WANDB = re.compile(r"wandb: .*View run(?: (.+))? at:? (\S+)$")
_DVC = re.compile(r"Ran experiment\(s\): ([\w-]+)$")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+/[A-Za-z0-9._~/%@+#&=-]*")
_NOBODY_ELSES = ("localhost", "127.", "0.0.0.0", "::1")  # noqa: S104 - compared with, not listened on


@dataclass
class Tracker:
    """Collects runs; `began` is when training started, in seconds since 1970."""

    began: float
    runs: dict[tuple[str, str], Tracked] = field(default_factory=dict)
    experiment: str = ""

    def see(self, line: str) -> None:
        """Take one line of output."""
        line = _ANSI.sub("", line)
        if found := _WANDB.search(line):
            self._add("wandb", found[2].rstrip("/").rpartition("/")[2].partition("?")[0], found[2])
        elif found := _MLFLOW.search(line):
            known = _MLFLOW_ID.search(found[2].partition("?")[0])
            self._add("mlflow", known[1] if known else found[1], found[2])
        elif found := _DVC.match(line):
            self.experiment = found[1]

    def found(self, root: Path, *, scrub: Callable[[str], str], trained: bool) -> tuple[Tracked, ...]:
        """Return the runs of this training.

        Args:
            root: the project's folder.
            scrub: blots secrets out.
            trained: whether anything was trained at all; DVC may have brought every file from its cache.
        """
        if trained:
            for run in (*_mlflow_files(root, self.began), *_mlflow_table(root / "mlflow.db", self.began)):
                self._add("mlflow", run)
            live = root / "dvclive" / "metrics.json"
            if live.is_file() and live.stat().st_mtime >= self.began:
                self._add("dvclive", self.experiment or "dvclive")
        return tuple(_scrubbed(run, scrub) for run in list(self.runs.values())[:MAX_RUNS])

    def _add(self, tool: Literal["mlflow", "dvclive", "wandb"], run: str, address: str = "") -> None:
        run = "".join(char for char in run if char.isprintable())[:MAX_TEXT]
        if run and len(self.runs) < MAX_RUNS:
            self.runs.setdefault((tool, run), Tracked(tool=tool, run=run, link=link(address)))


def link(address: str) -> str:
    """Return an address that may stand in a report, or "": plain http or https, no credentials, no query.

    A query can hold a key (an anonymous run of Weights & Biases has one); on this machine nobody else can look.
    """
    plain = re.sub(r"\?[^#]*", "", address)
    try:
        parts = urlsplit(plain)
    except ValueError:
        return ""
    allowed = len(plain) <= MAX_TEXT and _ADDRESS.fullmatch(plain) and not _is_private(parts)
    return plain if allowed else ""


def _is_private(parts: SplitResult) -> bool:
    return parts.username is not None or (parts.hostname or "localhost").startswith(_NOBODY_ELSES)


def _scrubbed(run: Tracked, scrub: Callable[[str], str]) -> Tracked:
    kept = run.link if scrub(run.link) == run.link else ""
    return Tracked(tool=run.tool, run=scrub(run.run), link=kept)


def _mlflow_files(root: Path, began: float) -> Iterator[str]:
    """Yield the runs in MLflow's local folder: `mlruns/EXPERIMENT/RUN/meta.yaml`."""
    for number, meta in enumerate((root / "mlruns").glob("*/*/meta.yaml")):
        if number >= MAX_FILES:
            return
        # An experiment's models have such a file too.
        if re.fullmatch(r"[0-9a-f]{32}", meta.parent.name) and meta.stat().st_mtime >= began:
            yield meta.parent.name


def _mlflow_table(path: Path, began: float) -> Iterator[str]:
    """Yield the runs in MLflow's local database, which newer versions use by themselves."""
    if not path.is_file() or path.stat().st_mtime < began:
        return
    with contextlib.suppress(sqlite3.Error), contextlib.closing(
        sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=2)
    ) as store:  # fmt: skip
        query = "select run_uuid from runs where start_time >= ? order by start_time limit ?"
        yield from [str(row[0]) for row in store.execute(query, (int(began * 1000), MAX_RUNS))]
