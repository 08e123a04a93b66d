"""The neutral pipeline. A platform lays it out as a file; the engine executes it here.

There is no step that carries shell text: a user's command is read from mlcicd.yaml by the verb that runs it,
so no text of the user's ever stands in a generated script.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Event = Literal["pull_request", "push", "manual"]
EVENTS: tuple[Event, ...] = ("pull_request", "push", "manual")
Scope = Literal["code", "comments", "identity", "runs"]
History = Literal["none", "head", "base"]


@dataclass(frozen=True, kw_only=True)
class Permission:
    """A right the job's token needs, and why."""

    scope: Scope
    level: Literal["read", "write"]
    why: str


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A token of the job's own identity (OIDC), by which a cloud lets it in.

    Attributes:
        cloud: who gets it.
        audience: whom it is made out to; nobody else accepts it.
        variable: what holds it where a platform hands it over ready; elsewhere the verb asks for it.
    """

    cloud: str
    audience: str
    variable: str


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Check the repository out and make mlcicd available.

    Attributes:
        history: `none` (no checkout at all), `head` (the commit), `base` (and the commit it is compared with).
        project: also make the project's own environment.
        tables: also install what judges tables.
        why: comment for the reader of the generated file.
    """

    history: History = "head"
    project: bool = True
    tables: bool = False
    why: str = ""

    @property
    def command(self) -> tuple[str, ...]:
        """The command line behind `mlcicd` that makes the project's environment."""
        return ("setup", "--tables") if self.tables else ("setup",)


@dataclass(frozen=True, kw_only=True)
class Call:
    """Run one of our verbs.

    Attributes:
        name: what the step is called where people see it.
        verb: the action, e.g. `validate`; the command of the same name but for `check`.
        inputs: its options without the dashes; the action's inputs have the same names.
        secrets: variables this step sees, and no other.
        identity: clouds that this step logs in to as the job.
        why: comment for the reader of the generated file.
    """

    name: str
    verb: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    identity: tuple[Identity, ...] = ()
    why: str = ""

    @property
    def command(self) -> tuple[str, ...]:
        """The command line behind `mlcicd`, where no action stands for it."""
        words = ("generate", "--check") if self.verb == "check" else (self.verb,)
        return (*words, *(word for name, value in self.inputs.items() for word in (f"--{name}", value)))


@dataclass(frozen=True, kw_only=True)
class Save:
    """Keep `.mlcicd/` of this job, whether or not the steps before succeeded.

    Attributes:
        artifact: its name; `Load` finds it by this.
        paths: files and folders, relative to the repository.
        junit: the one among them that a platform with a test view may show there.
        metrics: the one among them, OpenMetrics text, whose numbers a platform may compare with the target branch's.
        title: what a platform that links to kept files from the change may call them; none is linked when empty.
        days: how long it is kept.
    """

    artifact: str
    paths: tuple[str, ...] = (".mlcicd/",)
    junit: str = ""
    metrics: str = ""
    title: str = ""
    days: int = 14


@dataclass(frozen=True, kw_only=True)
class Load:
    """Bring the artifacts of other jobs back, into `.mlcicd/`; one that does not exist is left out."""

    artifacts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Cache:
    """Bring back a folder as an earlier run left it, and keep it for a later one when the job succeeds.

    What comes back is whatever a run that could write it left there: the verb that uses it must not trust it.

    Attributes:
        purpose: tells folders apart where one that was kept cannot be changed any more.
        path: the folder, relative to the repository.
        why: comment for the reader of the generated file.
    """

    purpose: str
    path: str
    why: str = ""


Step = Setup | Call | Save | Load | Cache


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A runner in each platform's words (see `runners` in the configuration)."""

    name: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    image: str | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job.

    Attributes:
        id: unique, also the artifact's name.
        name: what people see.
        why: one line for the reader of the plan and of the generated file.
        events: when it runs.
        needs: ids of jobs that come first.
        always: runs even when one of `needs` failed.
        may_fail: its failure does not fail the pipeline.
        trusted: must not run for code from a fork (it has secrets, an identity that clouds let in, a write permission
            or a machine of the team's).
        timeout: minutes.
    """

    id: str
    name: str
    why: str
    events: tuple[Event, ...]
    steps: tuple[Step, ...]
    needs: tuple[str, ...] = ()
    always: bool = False
    may_fail: bool = False
    trusted: bool = False
    machine: Machine = field(default_factory=lambda: Machine(name="default"))
    timeout: int = 15
    permissions: tuple[Permission, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret a step of this job sees, in order, once."""
        return tuple(dict.fromkeys(name for step in self.steps if isinstance(step, Call) for name in step.secrets))

    @property
    def identity(self) -> tuple[Identity, ...]:
        """Every cloud a step of this job logs in to, in order, once."""
        return tuple(dict.fromkeys(one for step in self.steps if isinstance(step, Call) for one in step.identity))

    @property
    def cache(self) -> Cache | None:
        """The folder that outlives this job."""
        return next((step for step in self.steps if isinstance(step, Cache)), None)

    @property
    def saves(self) -> tuple[Save, ...]:
        """The artifacts this job keeps."""
        return tuple(step for step in self.steps if isinstance(step, Save))


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """All jobs, in an order that respects `needs`, and what they share.

    Attributes:
        for_forks: the job of a pipeline of its own, started by the end of one for a fork; None when there is none.
        branch: the default branch.
        python: version of the project's Python, such as "3.12".
        vendored: our actions are copied into the repository instead of named by commit.
        source: requirement that installs mlcicd; empty for the release that generates.
    """

    jobs: tuple[Job, ...]
    branch: str
    python: str
    vendored: bool = False
    source: str = ""
    for_forks: Job | None = None

    def job(self, id: str) -> Job:
        """Return the job called `id`."""
        return next(job for job in self.jobs if job.id == id)

    def on(self, event: Event) -> tuple[Job, ...]:
        """Return the jobs of one event; what they need but does not run then is left out of `needs`."""
        return tuple(job for job in self.jobs if event in job.events)
