"""report.json, version 1: all that passes from jobs that run the change's code to the one that may write.

Facts, no markup and no prose.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from mlcicd.runtime.evidence import Method
from mlcicd.runtime.verdict import Verdict

MAX_BYTES = 256 * 1024
MAX_TEXT = 500
MAX_POINTS = 200
MAX_LINES = 120  # of a section
MAX_SECTIONS = 3
MAX_CLASSES = 20
MAX_BARS = 40
MAX_NEEDS = 20

Reading = Literal["", "better", "worse", "changed", "small", "unclear", "same", "single", "machine", "untrained"]
State = Literal["pass", "fail", "error", "no-baseline", "smoke", "inconclusive"]
Job = Literal["data", "status", "test", "validate", "train"]

Sha = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})?$")]
LINK = r"^(https?://[A-Za-z0-9.:\[\]-]+/[A-Za-z0-9._~/%@+-]*)?$"
Link = Annotated[str, StringConstraints(pattern=LINK, max_length=MAX_TEXT)]
# An experiment tracker's pages have their place behind a # or a ?.
PAGE = r"^(https?://[A-Za-z0-9.:\[\]-]+/[A-Za-z0-9._~/%@+#?=&-]*)?$"
DIGEST = r"^([0-9a-f]{12})?$"
# NaN and the infinities are facts about a metric; JSON has no numbers for them, so they travel as text.
Number = Annotated[float, Field(strict=False)]


class Part(BaseModel):
    """A piece of the report: nothing unknown, no long text, never changed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, str_max_length=MAX_TEXT, ser_json_inf_nan="strings"
    )


class Difference(Part):
    """Where the true difference, change minus base, lies (95 %): by which method, of `n` runs, examples or values."""

    low: float
    high: float
    method: Method
    n: int


class Metric(Part):
    """One number on both sides; None where a side does not have it.

    Attributes:
        seeds, base_seeds: its values over repetitions of training, in their order; none when it ran once.
        direction: which way is good, told by its name; "" when that does not say.
        interval: of the difference, where something tells of noise.
        margin: a difference that is too small to matter.
        reading: `better`, `worse` or `changed` (nothing says which way is good) only when all of the interval is beyond
            the margin; `small` when all of it is inside; `unclear` between; `single` when nothing tells of noise;
            `machine` when it is about the machine, and the sides had different ones; `untrained` when the base has
            changed since its value was measured; `same` when both sides are; ""
            when there is nothing to compare.
    """

    name: str
    file: str
    key: str
    base: Number | None = None
    change: Number | None = None
    seeds: Annotated[tuple[Number, ...], Field(max_length=20)] = ()
    base_seeds: Annotated[tuple[Number, ...], Field(max_length=20)] = ()
    direction: Literal["", "higher", "lower"] = ""
    interval: Difference | None = None
    margin: float = 0
    reading: Reading = ""


class Param(Part):
    """One parameter that differs, as text; None where a side does not have it."""

    name: str
    file: str
    base: str | None = None
    change: str | None = None


class Unread(Part):
    """A file, or one key of it, that could not be read as what it should be."""

    side: Literal["base", "change"]
    file: str
    key: str = ""
    reason: str


class Line(Part):
    """One line of a curve, by growing x."""

    side: Literal["base", "change", "other"]
    name: str
    points: Annotated[tuple[tuple[float, float], ...], Field(max_length=MAX_POINTS)]


class Curve(Part):
    """One plot of lines, or of loose points."""

    kind: Literal["line", "scatter"] = "line"
    title: str
    x_label: str
    y_label: str
    lines: Annotated[tuple[Line, ...], Field(max_length=4)]


class Bar(Part):
    """One bar on both sides; None where a side does not have it."""

    name: str
    base: Number | None = None
    change: Number | None = None


class Bars(Part):
    """One bar chart, longest first; `more` were left out."""

    title: str
    label: str
    value: str
    bars: Annotated[tuple[Bar, ...], Field(max_length=MAX_BARS)]
    more: int = 0


Count = Annotated[int, Field(ge=0, le=10**15)]
CountRow = Annotated[tuple[Count, ...], Field(max_length=MAX_CLASSES)]
Counts = Annotated[tuple[CountRow, ...], Field(max_length=MAX_CLASSES)]


class Confusion(Part):
    """One confusion matrix, a row for each actual class, a column for each predicted one, in the order of `classes`.

    `base` and `change` are empty where a side does not have it. `others` rare classes count as the last one.
    """

    title: str
    actual: str
    predicted: str
    classes: Annotated[tuple[str, ...], Field(max_length=MAX_CLASSES)]
    others: int = 0
    base: Counts = ()
    change: Counts = ()

    @model_validator(mode="after")
    def _square(self) -> Confusion:
        size = len(self.classes)
        if any(counts and [len(row) for row in counts] != [size] * size for counts in (self.base, self.change)):
            raise ValueError("its rows and columns are not those of its classes")
        return self


class Image(Part):
    """A picture that the pipeline drew, of so many bytes; it lies in the page, not here."""

    name: str
    side: Literal["base", "change"]
    bytes: Count


class Expectation(Part):
    """One expectation's outcome."""

    type: str
    column: str = ""
    severity: Literal["critical", "warning", "info"] = "critical"
    success: bool
    expected: str = ""
    observed: str = ""
    error: str = ""
    engine: Literal["gx", "duckdb", "spark", "mlcicd"] = "gx"


class Checkpoint(Part):
    """A checkpoint, suite or other group of checks: counts of all, and the ones worth a row, failed first.

    `warnings` of those that failed are no reason to refuse. `rows` of data, -1 when unknown.
    """

    name: str
    kind: Literal["checkpoint", "suite", "checks", "split", "scan"] = "checkpoint"
    success: bool
    suite: str = ""
    asset: str = ""
    error: str = ""
    rows: int = -1
    passed: int
    failed: int
    warnings: int = 0
    expectations: Annotated[tuple[Expectation, ...], Field(max_length=40)] = ()


class Validation(Part):
    """How data validation went."""

    success: bool
    seconds: Number
    error: str = ""
    checkpoints: Annotated[tuple[Checkpoint, ...], Field(max_length=20)] = ()


class Tests(Part):
    """How the project's tests went; the counts are -1 when unknown."""

    command: str
    exit: int
    seconds: Number
    passed: int
    failed: int
    skipped: int
    failures: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    tail: Annotated[tuple[str, ...], Field(max_length=20)] = ()


class Stage(Part):
    """One DVC stage, the wall seconds it took (0 when it did not run), and the stages whose results it reads."""

    name: str
    state: Literal["run", "cached", "unchanged", "failed"]
    seconds: Number = 0
    needs: Annotated[tuple[str, ...], Field(max_length=MAX_NEEDS)] = ()


class Tracked(Part):
    """A run in an experiment tracker, and the address of its page."""

    tool: Literal["mlflow", "dvclive", "wandb"]
    run: str
    link: Annotated[str, StringConstraints(pattern=PAGE, max_length=MAX_TEXT)] = ""


class Cost(Part):
    """What training cost by a price that was known: an estimate. `price` is that of one minute, in `unit`."""

    minutes: Annotated[int, Field(ge=0)]
    price: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    unit: Literal["$", "compute minutes"] = "$"


class Gpu(Part):
    """One GPU that training had: memories in bytes, -1 when they are not known."""

    name: str
    memory: int = -1
    free: int = -1


class GpuCheck(Part):
    """The GPUs as they were before training, which needs or prefers one; `problem` says why none could be used."""

    need: Literal["required", "preferred", "none"]
    problem: str = ""
    driver: str = ""
    devices: Annotated[tuple[Gpu, ...], Field(max_length=16)] = ()
    framework: str = ""


class Training(Part):
    """How training went: wall and CPU seconds; peak memories and memory of the machine in bytes.

    `smoke` names the parameters that a smoke training overrode; `timed_out` when it was ended at its time limit.
    `no_gpu` says why it ran on the CPU although its runner prefers a GPU.
    """

    command: str
    exit: int
    seconds: Number
    cpu_seconds: Number = 0
    peak_memory: int = 0
    gpu_memory: int = 0
    timed_out: bool = False
    smoke: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    no_gpu: str = ""
    cost: Cost | None = None
    tracked: Annotated[tuple[Tracked, ...], Field(max_length=5)] = ()
    cpus: int = 0
    memory: int = 0
    gpus: Annotated[tuple[str, ...], Field(max_length=16)] = ()
    stages: Annotated[tuple[Stage, ...], Field(max_length=50)] = ()
    tail: Annotated[tuple[str, ...], Field(max_length=20)] = ()


class OwnStep(Part):
    """What a step or job of the team's own did: wall seconds, exit status (124 at its time limit), last lines.

    `when` says where a step stands beside `stage`; a job has none. One that may fail is no reason to refuse. `tail` is
    there when it failed.
    """

    name: str
    when: Literal["before", "after", "job"] = "job"
    stage: Literal["", "status", "test", "validate", "train", "report"] = ""
    exit: int
    seconds: Number
    may_fail: bool = False
    tail: Annotated[tuple[str, ...], Field(max_length=20)] = ()

    @property
    def failed(self) -> bool:
        """Whether it is a reason to refuse."""
        return self.exit != 0 and not self.may_fail


class Fetched(Part):
    """What was fetched for the jobs; `repaired` came again for a corrupt copy; `error` when fetching failed."""

    files: int
    bytes: int
    verified: bool
    repaired: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    error: str = ""


class Stale(Part):
    """A stage or file that is not what the rest of the repository says, and why."""

    name: str
    why: Annotated[tuple[str, ...], Field(max_length=5)] = ()


class InStep(Part):
    """Whether code, data, parameters, lock and metrics agree; `missing` is what the DVC remote lacks.

    `repair` are the commands that bring all in step.
    """

    success: bool
    compared: int
    stale: Annotated[tuple[Stale, ...], Field(max_length=20)] = ()
    missing: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    repair: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    error: str = ""


class Outdated(Part):
    """Evidence that is not of this commit: what `job` left is of the commit `sha`, or of other locks when that is "".

    `used`: it is believed all the same, with a warning, which happens outside CI only.
    """

    job: Job
    sha: Sha = ""
    used: bool


class SelfTest(Part):
    """How the gates did when they were shown a far worse model: how many closed, and which stayed open.

    `open` are those that no model at all could close.
    """

    closed: int
    open: Annotated[tuple[str, ...], Field(max_length=20)] = ()


class Machine(Part):
    """A type of machine: processors, memory in bytes, GPUs by name."""

    cpus: int
    memory: int
    gpus: Annotated[tuple[str, ...], Field(max_length=16)] = ()


class Revision(Part):
    """Which data each side is of: digests over the hashes of all that `*.dvc` files track; "" when there is none."""

    base: Annotated[str, StringConstraints(pattern=DIGEST)] = ""
    change: Annotated[str, StringConstraints(pattern=DIGEST)] = ""


class Section(Part):
    """A text that the project's own pipeline wrote, shown as it is: the file's name and its first lines."""

    name: str
    lines: Annotated[tuple[str, ...], Field(max_length=MAX_LINES)] = ()


class Notice(Part):
    """Something the reader of the report has to know; the words for it are in `words`."""

    kind: Literal[
        "gates-changed", "sections-removed", "settings-changed", "base-config", "base-lost", "not-measured",
        "no-metrics", "facts", "dvc", "metric-code", "outputs-changed", "weak-gates", "seeds", "predictions",
        "overrides", "data-changed", "units", "plots", "sections", "templates", "steps", "cut", "dropped",
        "fork", "secrets", "base-untrained",
    ]  # fmt: skip
    names: Annotated[tuple[str, ...], Field(max_length=20)] = ()


class Report(Part):
    """One run's report.

    Attributes:
        key: which of several comments on one change this is.
        title: the project's name, or "".
        run, attempt: order of runs; larger is newer; 0 outside CI.
        sha, base: commits; "" when unknown, or when there is no base.
        base_found: how the base was found, or why there is none.
        link_run, link_commit: addresses, "" outside CI.
        missing: jobs that should have left facts and did not.
        outdated: jobs whose facts are of another commit.
        base_machine: what the base was trained on, when that is another type than the change's.
        gpu: what a look at the training machine's GPUs found, where there was one.
        metrics: on either side; unchanged ones too.
        params: only those that differ.
        steps: steps and jobs of the team's own, failed ones first.
    """

    version: Literal[1] = 1
    key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "default"
    title: str = ""
    state: State
    run: int = 0
    attempt: int = 1
    sha: Sha = ""
    base: Sha = ""
    base_found: str = ""
    link_run: Link = ""
    link_commit: Link = ""
    missing: Annotated[tuple[Job, ...], Field(max_length=5)] = ()
    outdated: Annotated[tuple[Outdated, ...], Field(max_length=5)] = ()
    gates: Annotated[tuple[Verdict, ...], Field(max_length=100)] = ()
    self_test: SelfTest | None = None
    metrics: Annotated[tuple[Metric, ...], Field(max_length=200)] = ()
    unread: Annotated[tuple[Unread, ...], Field(max_length=50)] = ()
    params: Annotated[tuple[Param, ...], Field(max_length=50)] = ()
    curves: Annotated[tuple[Curve, ...], Field(max_length=12)] = ()
    bars: Annotated[tuple[Bars, ...], Field(max_length=6)] = ()
    confusions: Annotated[tuple[Confusion, ...], Field(max_length=4)] = ()
    images: Annotated[tuple[Image, ...], Field(max_length=20)] = ()
    data: Fetched | None = None
    revision: Revision | None = None
    base_machine: Machine | None = None
    status: InStep | None = None
    validation: Validation | None = None
    tests: Tests | None = None
    gpu: GpuCheck | None = None
    training: Training | None = None
    steps: Annotated[tuple[OwnStep, ...], Field(max_length=20)] = ()
    sections: Annotated[tuple[Section, ...], Field(max_length=MAX_SECTIONS)] = ()
    notices: Annotated[tuple[Notice, ...], Field(max_length=20)] = ()


def link(address: str) -> str:
    """Return an address as it may stand in a report, or ""."""
    return address if len(address) <= MAX_TEXT and re.fullmatch(LINK, address) else ""
