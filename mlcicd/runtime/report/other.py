"""What a gate or a reading compares with: the metrics, seeds and predictions of one commit, out of git and DVC."""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlcicd.config.judging import Predictions
from mlcicd.errors import MlcicdError
from mlcicd.runtime import base as bases
from mlcicd.runtime import committed
from mlcicd.runtime.facts import Hardware
from mlcicd.runtime.metrics import Unusable, Values
from mlcicd.runtime.report import doubted, predictions
from mlcicd.runtime.report import sides as both
from mlcicd.runtime.report.judged import Side
from mlcicd.runtime.report.predictions import Rows
from mlcicd.runtime.report.sides import Declared, Sides
from mlcicd.runtime.training import seed_record
from mlcicd.runtime.training.seed_record import Seeds
from mlcicd.runtime.validation import base_data


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads commits.

    Attributes:
        sides: the workspace and the base.
        known: the metric files that DVC declares.
        environ: environment of the project's programs, with the log-in of the remote.
        remote: name of the DVC remote; DVC's own choice when None.
        predictions: how predictions are read; None when nobody wants them.
        is_new: the base's configuration has no predictions, so they are not compared yet.
        columns: those of slices.
        by_dvc: training is DVC's, so `dvc.lock` says of what the metrics of a commit are.
        stale: filled with what a record of seeds no longer belongs to.
    """

    sides: Sides
    known: Declared
    environ: Mapping[str, str]
    remote: str | None = None
    predictions: Predictions | None = None
    is_new: bool = False
    columns: Sequence[str] = ()
    by_dvc: bool = True
    stale: list[str] = field(default_factory=list)

    def change(self, values: Values | None, found: Seeds) -> Side:
        """Return the side of the workspace, whose metrics and seeds are known."""
        if self.predictions is None or values is None:
            return Side(values=values, seeds=found)
        try:
            rows = self._rows(_read(self.sides.root / self.predictions.file))
        except Unusable as error:
            return Side(values=values, seeds=found, unread=str(error))
        return Side(values=values, seeds=found, rows=rows)

    def commit(self, found: bases.Base, values: Values | None = None) -> Side:
        """Return the side of a commit; `values` when they have been read already."""
        if not found.sha:
            return Side(reason=found.found)
        sides = dataclasses.replace(self.sides, base=found.sha)
        seeds, machine = self._seeds(found.sha)
        values, changed = self._doubted(found.sha, values or both.before(sides, self.known))
        side = Side(values=values, seeds=seeds, machine=machine, untrained=changed)
        if self.predictions is None or self.is_new or not (self.sides.root / self.predictions.file).is_file():
            return side
        try:
            return dataclasses.replace(side, rows=self._rows_at(found, self.predictions.file))
        except Unusable as error:
            return dataclasses.replace(side, unread=str(error))

    def _doubted(self, sha: str, values: Values | None) -> tuple[Values | None, dict[str, str]]:
        """Return metrics without those that somebody wrote over, and what changed since the others were measured."""
        if values is None or not self.by_dvc:
            return values, {}
        try:
            doubts = committed.find(self.sides.root, sha)
        except MlcicdError as error:
            return values, {file: error.message for file, _ in values.numbers}  # nothing vouches for them
        return doubted.without(values, doubts.altered), doubted.untrained(values, doubts)

    def _seeds(self, sha: str) -> tuple[Seeds, Hardware | None]:
        root = self.sides.root
        raw = bases.show(root, sha, seed_record.FILE)
        if raw is None:
            return {}, None
        found, stale = seed_record.read(raw, lambda file, md5: md5 in _digests(root, sha, file))
        if stale:
            self.stale.append(stale)
        return found, seed_record.machine(raw) if found else None

    def _rows_at(self, found: bases.Base, file: str) -> Rows | None:
        with tempfile.TemporaryDirectory(prefix="mlcicd-predictions-") as folder:
            root, here = self.sides.root, Path(folder)
            reader = base_data.Base(root=root, environ=self.environ, commit=found, folder=here, remote=self.remote)
            before = reader.version(file)
            if before.absent:
                return None
            path = before.path or (root / file if before.same else None)
            if path is None:
                raise Unusable(before.note)
            return self._rows(_read(path))

    def _rows(self, raw: bytes) -> Rows | None:
        return predictions.parse(raw, self.predictions, self.columns) if self.predictions else None


def _digests(root: Path, sha: str, file: str) -> set[str]:
    """Return the MD5 of a metric file at a commit: of git's copy, else what the locks say that DVC has."""
    content = bases.show(root, sha, file)
    if content is not None:
        return {hashlib.md5(content, usedforsecurity=False).hexdigest()}
    locks = (bases.show(root, sha, name) or b"" for name in bases.listed(root, sha, "dvc.lock"))
    return {md5 for lock in locks for path, md5 in both.locked(lock) if f"/{file}".endswith(f"/{path}")}


def _read(path: Path) -> bytes:
    """Read a file of predictions, of which one byte too many is enough to refuse it."""
    try:
        with path.open("rb") as stream:
            return stream.read(predictions.MAX_BYTES + 1)
    except FileNotFoundError:
        raise Unusable("no such file") from None
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from None
