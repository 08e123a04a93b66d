"""The neutral pipeline. A platform lays it out as a file; the engine executes it here.

There is no step that carries shell text: a user's command is read from mlcicd.yaml by the verb that runs it,
so no text of the user's ever stands in a generated script.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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
        argument: what the command is about, where it takes a word without an option; the action's input `name`.
        inputs: its options without the dashes; the action's inputs have the same names.
        secrets: variables this step sees, and no other.
        identity: clouds that this step logs in to as the job.
        why: comment for the reader of the generated file.
    """

    name: str
    verb: str
    argument: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    identity: tuple[Identity, ...] = ()
    why: str = ""

    @property
    def command(self) -> tuple[str, ...]:
        """The command line behind `mlcicd`, where no action stands for it."""
        words = ("generate", "--check") if self.verb == "check" else (self.verb,)
        about = (self.argument,) if self.argument else ()
        return (*words, *about, *(word for name, value in self.inputs.items() for word in (f"--{name}", value)))


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


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Bring back a folder of the team's own as an earlier run left it, and keep it for a later one.

    A pull request's run only reads it. What comes back is trusted no more than what could write it.

    Attributes:
        purpose: tells folders apart.
        path: the folder, relative to the repository.
        files: files whose content names the copy: when one changes, a new copy begins. Without any, each run that
            may write leaves a newer copy.
    """

    purpose: str
    path: str
    files: tuple[str, ...] = ()


Step = Setup | Call | Save | Load | Cache | Folder


@dataclass(frozen=True, kw_only=True)
class Service:
    """A program beside the job, in a container of its own.

    Attributes:
        name: how a job in a container reaches it.
        variable: what holds the address for the job's programs.
        image: its image.
        env: its variables.
        port: where it listens.
    """

    name: str
    variable: str
    image: str
    port: int
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """A job in the words of one platform, which alone can run it: a file, and what it says once it is read."""

    path: str
    tree: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A runner in each platform's words, and what it costs (see `runners` in the configuration).

    Attributes:
        name: in the configuration.
        labels: by platform.
        image: container image, where a platform needs one for every job.
        price: dollars an hour, or a name in the table of `prices`.
        gpus: it has GPUs for sure, and a container that a job brings along is to be given them.
    """

    name: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    image: str | None = None
    price: float | str | None = None
    gpus: bool = False


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job.

    Attributes:
        id: unique, also the artifact's name.
        name: what people see.
        why: one line for the reader of the plan and of the generated file.
        events: when it runs; none for the job that the end of a fork's run starts.
        needs: ids of jobs that come first.
        always: runs even when one of `needs` failed.
        may_fail: its failure does not fail the pipeline.
        trusted: must not run for code from a fork (it has secrets, an identity that clouds let in, a write permission
            or a machine of the team's).
        timeout: minutes.
        environment: where the platform keeps what only such jobs may see; empty when the job sees nothing.
        container: image that the job runs in; None: the machine as it is.
        services: programs beside it.
        foreign: the job in each platform's own words, instead of steps; empty for every job that can run anywhere.
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
    environment: str = ""
    container: str | None = None
    services: tuple[Service, ...] = ()
    foreign: Mapping[str, Foreign] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret a step of this job sees, in order, once."""
        return tuple(dict.fromkeys(name for step in self.steps if isinstance(step, Call) for name in step.secrets))

    @property
    def identity(self) -> tuple[Identity, ...]:
        """Every cloud a step of this job logs in to, in order, once."""
        return tuple(dict.fromkeys(one for step in self.steps if isinstance(step, Call) for one in step.identity))

    @property
    def writes(self) -> bool:
        """Whether its token may change something on the platform (proving an identity changes nothing)."""
        return any(right.level == "write" and right.scope != "identity" for right in self.permissions)

    @property
    def cache(self) -> Cache | None:
        """The folder that outlives this job."""
        return next((step for step in self.steps if isinstance(step, Cache)), None)

    @property
    def folders(self) -> tuple[Folder, ...]:
        """The folders of the team's own that outlive this job."""
        return tuple(step for step in self.steps if isinstance(step, Folder))

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
        profile: which keys the platform knows, and what the team's linter has to accept (`tool.profile`).
        vendored: our actions are copied into the repository instead of named by commit.
        source: requirement that installs mlcicd; empty for the release that generates.
        pins: versions and commits of actions, and digests of images, instead of those that mlcicd knows (`tool.pins`).
        updates: who keeps them new; None for what is usual on a platform.
        templates: the team's own templates instead of ours, by their names.
    """

    jobs: tuple[Job, ...]
    branch: str
    python: str
    profile: Literal["standard", "ghes", "strict"] = "standard"
    vendored: bool = False
    source: str = ""
    pins: Mapping[str, str] = field(default_factory=dict)
    updates: Literal["dependabot", "renovate", "none"] | None = None
    templates: Mapping[str, str] = field(default_factory=dict)
    for_forks: Job | None = None

    def job(self, id: str) -> Job:
        """Return the job called `id`."""
        return next(job for job in self.jobs if job.id == id)

    def on(self, event: Event) -> tuple[Job, ...]:
        """Return the jobs of one event; what they need but does not run then is left out of `needs`."""
        return tuple(job for job in self.jobs if event in job.events)
