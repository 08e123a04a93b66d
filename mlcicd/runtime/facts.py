"""What each verb leaves in `.mlcicd/` for the report: small JSON files with facts, no prose and no markup.

A verb writes its file whether it succeeded or not; a file that is absent means that the job never got so far.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlcicd import secrets
from mlcicd.errors import UsageError
from mlcicd.runtime import origin, redact
from mlcicd.runtime.origin import Origin
from mlcicd.workfolder import FOLDER as FOLDER
from mlcicd.workfolder import make as make

STEPS = FOLDER / "steps"  # one file for each step or job of the team's own
MAX_BYTES = 4 * 1024 * 1024


class Facts(BaseModel):
    """A record that is written once and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class VerbFacts(Facts):
    """What one verb leaves; `origin` is the commit and the locks that it is about, which `write` knows."""

    origin: Origin | None = None


class DataFacts(VerbFacts):
    """What `data` delivered: file count, bytes, seconds; `verified` when every file was hashed.

    Attributes:
        retries: how many times a failed transfer was tried again.
        repaired: files whose object in the cache was corrupt and came again from the remote.
    """

    targets: tuple[str, ...]
    files: int
    bytes: int
    seconds: float
    verified: bool
    retries: int = 0
    repaired: tuple[str, ...] = ()
    error: str = ""


Engine = Literal["gx", "duckdb", "spark", "mlcicd"]


class Expectation(Facts):
    """One expectation's outcome. `observed` and `expected` are short texts without raw rows of data.

    `engine` is what judged it; `mlcicd` stands for the built-in checks.
    """

    type: str
    column: str = ""
    severity: Literal["critical", "warning", "info"] = "critical"
    success: bool
    expected: str = ""
    observed: str = ""
    error: str = ""
    engine: Engine = "gx"


class Checkpoint(Facts):
    """What was expected of one table; `error` when that could not be judged, `rows` is -1 when it is unknown.

    `kind` tells a Great Expectations checkpoint (`name` is its name) from a suite on a table, the built-in checks
    of a file or of a split, and the scan of files for code (`name` is the file, the table, "TRAIN and TEST", or
    "tracked files", each in `column`).
    """

    name: str
    kind: Literal["checkpoint", "suite", "checks", "split", "scan"] = "checkpoint"
    success: bool
    suite: str = ""
    asset: str = ""
    rows: int = -1
    expectations: tuple[Expectation, ...] = ()
    error: str = ""


class ValidateFacts(VerbFacts):
    """What `validate` found; `success` is false when an expectation of severity critical failed."""

    success: bool
    checkpoints: tuple[Checkpoint, ...]
    seconds: float
    error: str = ""


class TestFacts(VerbFacts):
    """What `test` found; the counts are -1 when the command left no JUnit file to read them from."""

    command: str
    exit: int
    seconds: float
    passed: int = -1
    failed: int = -1
    skipped: int = -1
    failures: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()


class StepFacts(VerbFacts):
    """What a step or job of the team's own did: wall seconds, exit status (124 at its time limit), and its last lines.

    `tail` is there when it failed, secrets scrubbed.
    """

    name: str
    command: str
    exit: int
    seconds: float
    tail: tuple[str, ...] = ()


class Stage(Facts):
    """One DVC stage, the wall seconds it took (0 when it did not run), and the stages whose results it reads."""

    name: str
    state: Literal["run", "cached", "unchanged", "failed"]
    seconds: float = 0
    needs: tuple[str, ...] = ()


class Hardware(Facts):
    """The machine: `memory` in bytes, `gpus` by name."""

    cpus: int
    memory: int
    gpus: tuple[str, ...] = ()


class Gpu(Facts):
    """One GPU that training has: memories in bytes, -1 when they are not known."""

    name: str
    memory: int = -1
    free: int = -1


class GpuFacts(VerbFacts):
    """What `gpu` found before training.

    Attributes:
        need: what the runner promises.
        problem: why no GPU can be used, one line; "" when one can.
        driver: its version, "" when it is not known.
        framework: what computed on the devices, with its version; "" when none is installed.
    """

    need: Literal["required", "preferred", "none"]
    problem: str = ""
    driver: str = ""
    devices: tuple[Gpu, ...] = ()
    framework: str = ""
    seconds: float = 0


class Cost(Facts):
    """What training cost by a price that was known: an estimate. `price` is that of one minute, in `unit`."""

    minutes: Annotated[int, Field(ge=0)]
    price: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    unit: Literal["$", "compute minutes"] = "$"


class Seed(Facts):
    """One repetition of training: its seed, wall seconds, and its numeric metrics by `file:key`."""

    seed: int
    exit: int
    seconds: float
    metrics: dict[str, float] = {}


class Tracked(Facts):
    """A run that training recorded in an experiment tracker; `link` is an address, or ""."""

    tool: Literal["mlflow", "dvclive", "wandb"]
    run: str
    link: str = ""


class TrainFacts(VerbFacts):
    """How training went: wall and CPU seconds, peak memories of its processes in bytes, last lines when it failed.

    Attributes:
        timed_out: it was ended at its time limit.
        smoke: parameters that were overridden for a smoke training, as `name=value`; none in a full one.
        no_gpu: why it ran on the CPU although its runner prefers a GPU; "" otherwise.
        cost: of the machine in CI while it trained; None when no price is known.
        seeds: the repetitions, when there were several; the metrics that git holds are those of the last.
        tracked: what it recorded in experiment trackers.
        lock: how the way back of `dvc.lock` stands: `pushed` when the remote has, verified, all that it names.
        hidden: files of which the copy for other jobs has secrets hidden; `left out` behind a name: there is none.
        tail: its last lines when it failed, secrets scrubbed.
    """

    command: str
    exit: int
    seconds: float
    cpu_seconds: float = 0
    peak_memory: int = 0
    gpu_memory: int = 0
    hardware: Hardware
    timed_out: bool = False
    smoke: tuple[str, ...] = ()
    no_gpu: str = ""
    cost: Cost | None = None
    seeds: tuple[Seed, ...] = ()
    stages: tuple[Stage, ...] = ()
    outputs: tuple[str, ...] = ()
    tracked: tuple[Tracked, ...] = ()
    lock: Literal["none", "pushed", "failed"] = "none"
    hidden: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()


class LockFacts(VerbFacts):
    """What became of the lock and the metrics of a training.

    Attributes:
        state: `unchanged` (git has them already), `committed`, `proposed`, `moved` (the branch has another commit by
            now, whose own run brings its own), `skipped` (there is nowhere or nothing to bring back), `refused`.
        branch: that the commit is on.
        commit: its id.
        link: address of the pull or merge request.
        files: what changed, relative to the repository.
        reason: what happened and why, one line.
    """

    state: Literal["unchanged", "committed", "proposed", "moved", "skipped", "refused"]
    branch: str = ""
    commit: str = ""
    link: str = ""
    files: tuple[str, ...] = ()
    reason: str = ""


class Step(Facts):
    """Something that `status` compared: a stage, a `.dvc` file (`data`), or another file of the repository.

    Attributes:
        stale: it is not what the rest of the repository says; `why` has the reasons, one line each.
        repair: the command that brings it in step; "" when nothing has to be done.
    """

    name: str
    kind: Literal["stage", "data", "file"] = "stage"
    stale: bool = False
    why: tuple[str, ...] = ()
    repair: str = ""


class StatusFacts(VerbFacts):
    """What `status` found; `success` when all that was compared is in step.

    Attributes:
        steps: what was compared, stale ones first.
        remote: whether the DVC remote has everything that the lock and `.dvc` files name.
        missing: what it does not have, one line each.
        repair: the commands that bring everything in step, one a line.
        notes: what could not be told, or is no reason to refuse.
    """

    success: bool
    steps: tuple[Step, ...] = ()
    remote: Literal["not asked", "complete", "incomplete"] = "not asked"
    missing: tuple[str, ...] = ()
    repair: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0
    error: str = ""


Kind = TypeVar("Kind", bound=VerbFacts)


def write(facts: VerbFacts, name: str, folder: Path = FOLDER) -> Path:
    """Write `<folder>/<name>.json` with its origin, atomically, and return its path; git ignores the folder.

    No secret is written: see `redact`.
    """
    make(folder)
    path = folder / f"{name}.json"
    scratch = path.with_suffix(".tmp")
    known = facts.model_copy(update={"origin": origin.here()})
    shown, _ = redact.record(known, secrets.redactor())
    scratch.write_text(shown.model_dump_json(indent=1) + "\n", encoding="utf-8")
    scratch.replace(path)
    return path


def forget(name: str, folder: Path = FOLDER) -> None:
    """Remove what an earlier run left, so that it cannot pass for this one's."""
    (folder / f"{name}.json").unlink(missing_ok=True)


def read(kind: type[Kind], name: str, folder: Path = FOLDER) -> Kind | None:
    """Return the facts called `name`, or None when that job left none.

    Raises:
        UsageError: when the file is there but is not what the verb writes.
    """
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    if path.stat().st_size > MAX_BYTES:
        raise UsageError(f"{path}: larger than {MAX_BYTES:,} bytes")
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{path}: {where}: {first['msg']}", hint="it must come from the same version of mlcicd"
        ) from None
