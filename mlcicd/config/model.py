"""mlcicd.yaml, version 1: every key with its type, default, meaning and example.

The modules of this file format are `model` and those it puts together: `fields`, `data`, `validation`, `around`,
`judging`. The JSON Schema, `docs/config.md`, the starter file's comments and the messages about wrong values are
derived from them, so a key is added here and nowhere else.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from mlcicd.config import extensions, sources, strict
from mlcicd.config.around import Surroundings
from mlcicd.config.data import Data
from mlcicd.config.fields import (
    Branch,
    Command,
    Duration,
    JobId,
    Name,
    OwnFolder,
    OwnVariable,
    ParamName,
    PinName,
    PinValue,
    PlatformName,
    PythonVersion,
    RelativePath,
    Section,
    Size,
    Stage,
    Text,
    Variable,
    unique,
)
from mlcicd.config.judging import Gate, Report
from mlcicd.config.placed import PlacedError
from mlcicd.config.prices import Product
from mlcicd.config.validation import Validate


class Project(Section):
    """The repository and its environment."""

    name: Text | None = Field(
        None, description="Title of the report; by default nothing is added.", examples=["digits"]
    )
    python: PythonVersion = Field("3.12", description="Python of the project's environment.", examples=["3.12"])
    install: Command | None = Field(
        None,
        description="Shell command that makes the project's environment in `.venv` (uv is on PATH). "
        "Without it the programs on PATH are used as they are.",
        examples=["uv sync --frozen"],
    )
    root: RelativePath = Field(
        ".", description="Folder of the project inside the repository; commands run there.", examples=["ml"]
    )
    default_branch: Branch = Field(
        "main", description="Branch that pull requests are compared with and that trains on push.", examples=["main"]
    )


class Status(Surroundings):
    """The job that proves that code, data, parameters, lock and metrics agree."""

    remote: bool = Field(
        True,
        description="Also ask the DVC remote whether it has everything that the lock names, so that a lock without "
        "its data cannot be merged.",
        examples=[False],
    )
    timeout: Duration = Field("15m", description="Time limit of the job.", examples=["15m"])


class Test(Surroundings):
    """The project's own tests."""

    command: Command = Field(description="Shell command, run in the project's environment.", examples=["pytest -q"])
    timeout: Duration = Field("30m", description="Time limit of the job.", examples=["30m"])


class Smoke(Section):
    """A shorter training, to see that the code works."""

    params: Annotated[dict[ParamName, bool | int | float | str], Field(min_length=1)] = Field(
        description="Parameters and their values in a smoke training: `key.path` in params.yaml, or `file:key.path`.",
        examples=[{"train.epochs": 1, "prepare.rows": 1000}],
    )


class Train(Surroundings):
    """How the model is trained."""

    command: Command = Field(
        "dvc repro --pull --allow-missing",
        description="Shell command, run in the project's environment. With these two options DVC runs only stages "
        "that changed and fetches only what those read.",
        examples=["dvc repro --pull --allow-missing"],
    )
    runner: Name = Field("default", description="Name of the runner, one of `runners`.", examples=["gpu"])
    timeout: Duration = Field(
        "5h",
        description="Time limit of training. It is then ended, and what it left is kept; the job has some minutes "
        "more. GitHub's hosted machines stop at 6 h.",
        examples=["5h"],
    )
    secrets: tuple[Variable, ...] = Field(
        (),
        description="Secrets or variables that the training step sees, and no other step does.",
        examples=[["WANDB_API_KEY"]],
    )
    lock: Literal["none", "propose", "commit"] = Field(
        "none",
        description="What happens to the new `dvc.lock` and metrics after training in CI, once their data is pushed: "
        "nothing, a pull request against the branch, or a commit on it.",
        examples=["propose"],
    )
    repeat: int = Field(
        1, ge=1, le=20, description="Train this many times with different seeds, for intervals.", examples=[5]
    )
    seed: ParamName | None = Field(
        None,
        description="Parameter that holds the seed (`key.path`, or `file:key.path`). Repetition n also sees "
        "`MLCICD_SEED`. The last repetition has the seed that is committed.",
        examples=["train.seed"],
    )
    smoke: Smoke | None = Field(
        None,
        description="On pull requests train shorter, with these parameters; the default branch trains in full.",
        examples=[{"params": {"train.epochs": 1}}],
    )


class Runner(Section):
    """A kind of machine, in each platform's words."""

    github: tuple[Text, ...] = Field(
        (),
        description="Labels of the GitHub runner; `ubuntu-latest` when absent.",
        examples=[["self-hosted", "linux", "gpu"]],
    )
    gitlab: tuple[Text, ...] = Field(
        (), description="Tags of the GitLab runner; any runner when absent.", examples=[["gpu"]]
    )
    image: Text | None = Field(
        None,
        description="Container image on GitLab, with python3 and git in it; `python:<project.python>` when absent.",
        examples=["pytorch/pytorch:2.9.0-cuda12.6-cudnn9-runtime"],
    )
    gpu: Literal["required", "preferred", "none"] = Field(
        "none",
        description="Whether training checks the machine's GPUs before data is fetched: `required` fails without a "
        "usable one, `preferred` then trains on the CPU (with the parameters of `train.smoke`, where there are some) "
        "and says so, `none` does not look.",
        examples=["required"],
    )
    gpu_count: int = Field(1, ge=1, le=64, description="GPUs that `gpu` asks for.", examples=[2])
    gpu_memory: Size | None = Field(
        None, description="Memory that must be free on each of them; not asked for when absent.", examples=["12GB"]
    )
    price: Annotated[float, Field(gt=0, allow_inf_nan=False)] | Product | None = Field(
        None,
        description="What the machine costs, for estimates: dollars an hour, or a name of our dated table "
        "(`linux_4_core_gpu`: GitHub's hosted GPU machine). GitLab's hosted ones are known by their tag.",
        examples=[3.12],
    )

    @model_validator(mode="after")
    def _asks_for_a_gpu(self) -> Runner:
        if self.gpu == "none" and (self.gpu_count > 1 or self.gpu_memory):
            raise ValueError("gpu-count and gpu-memory say what gpu asks for: add gpu: required or gpu: preferred")
        return self

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """What each platform calls the machine."""
        return {"github": self.github, "gitlab": self.gitlab}


class ExtraStep(Section):
    """A step of the team's own in the job of a stage."""

    name: Text = Field(description="What it is called; `mlcicd step NAME` runs it here.", examples=["Build features"])
    before: Stage | None = Field(None, description="Runs right before what the stage does.", examples=["train"])
    after: Stage | None = Field(
        None, description="Runs right after what the stage does, when that succeeded.", examples=["train"]
    )
    run: Command = Field(description="Shell command, run in the project's environment.", examples=["make features"])
    env: dict[OwnVariable, Text] = Field(
        default_factory=dict, description="Variables that it sees; no secrets.", examples=[{"FEATURES": "all"}]
    )
    secrets: tuple[Variable, ...] = Field(
        (), description="Secrets that it sees, and no other step.", examples=[["FEATURE_STORE_TOKEN"]]
    )
    timeout: Duration = Field("15m", description="Time limit of the step.", examples=["15m"])

    @property
    def slug(self) -> str:
        """The name as small letters, digits and dashes: how generated files and `mlcicd step` call it."""
        return extensions.slug(self.name)

    @property
    def stage(self) -> str:
        """The stage it stands beside."""
        return self.before or self.after or ""


class ExtraJob(Surroundings):
    """A job of the team's own: one command for every platform, or a job in each platform's own words."""

    name: Text | None = Field(None, description="What people see; its id when absent.", examples=["Documentation"])
    after: tuple[JobId, ...] = Field((), description="Jobs that come first.", examples=[["test"]])
    before: tuple[JobId, ...] = Field((), description="Jobs that wait for it.", examples=[["train"]])
    run: Command | None = Field(
        None, description="Shell command, run in the project's environment.", examples=["make docs"]
    )
    secrets: tuple[Variable, ...] = Field((), description="Secrets that it sees.", examples=[["DOCS_TOKEN"]])
    runner: Name = Field("default", description="Name of the runner, one of `runners`.", examples=["gpu"])
    timeout: Duration = Field("30m", description="Time limit of the job.", examples=["30m"])
    may_fail: bool = Field(False, description="Whether its failure leaves the pipeline green.", examples=[True])
    keep: tuple[OwnFolder, ...] = Field((), description="Files and folders to keep.", examples=[["site/"]])
    github: RelativePath | None = Field(
        None,
        description="File with the job in GitHub's own words, instead of `run`. It is judged by `mlcicd lint`.",
        examples=["ci/docs.github.yml"],
    )
    gitlab: RelativePath | None = Field(
        None,
        description="File with the job in GitLab's own words, instead of `run`. It is judged by `mlcicd lint`.",
        examples=["ci/docs.gitlab.yml"],
    )

    @property
    def files(self) -> dict[str, str]:
        """The files with the job in a platform's own words, by platform."""
        named = {"github": self.github, "gitlab": self.gitlab}
        return {platform: path for platform, path in named.items() if path}


class Tool(Section):
    """Where CI gets mlcicd from, and how its files are written."""

    profile: Literal["standard", "ghes", "strict"] = Field(
        "standard",
        description="`standard`: github.com and GitLab; `ghes`: GitHub Enterprise Server, without keys it does not "
        "know; `strict`: nothing that a security linter has to be told to ignore (no self-hosted runner, no poster for "
        "forks, images by digest).",
        examples=["strict"],
    )
    environment: Name = Field(
        "mlcicd",
        description="Environment of the jobs that may write. Jobs that see secrets or log in to a cloud have the one "
        "with `-data` behind it. Keep secrets there: then no other job can ask for them.",
        examples=["mlcicd"],
    )
    updates: Literal["dependabot", "renovate", "none"] | None = Field(
        None,
        description="Who keeps pins new: its configuration is written once where there is none. Dependabot on GitHub "
        "when absent, else nobody.",
        examples=["renovate"],
    )
    pins: dict[PinName, PinValue] = Field(
        default_factory=dict,
        description="Commits of actions and digests of images instead of those that mlcicd knows; `mlcicd pins` writes "
        "them.",
        examples=[{"python:3.12": "sha256:" + "0" * 64}],
    )
    templates: RelativePath | None = Field(
        None,
        description="Folder of templates of the team's own, by the names ours have under `templates/`. What they make "
        "is checked against the plan.",
        examples=["ci/templates"],
    )

    actions: Literal["published", "vendored"] = Field(
        "published",
        description="`published`: workflows name our actions by commit; `vendored`: the actions are copied to "
        "`.github/mlcicd/` (no network, no release needed) and the tool comes from `source`.",
        examples=["published"],
    )
    source: Text | None = Field(
        None,
        description="Requirement that installs mlcicd on GitLab, and on GitHub with vendored actions; "
        "this release when absent. It names one build: `mlcicd==VERSION`, `git+URL@COMMIT` with all 40 digits, a path "
        "in the repository, or a wheel's address.",
        examples=["mlcicd==0.1.0"],
    )

    @model_validator(mode="after")
    def _comes_from_one_build(self) -> Tool:
        if self.source and (form := sources.unpinned(self.source)):
            raise PlacedError(("tool", "source"), f"'{self.source}' may be another program tomorrow: write {form}")
        return self


class Config(Section):
    """One mlcicd.yaml."""

    version: Literal[1] = Field(description="Version of the file format.", examples=[1])
    platforms: Annotated[tuple[PlatformName, ...], Field(min_length=1), AfterValidator(unique)] = Field(
        ("github",), description="Where the pipeline runs.", examples=[["github", "gitlab"]]
    )
    project: Project = Field(default_factory=Project, description="The repository and its environment.")
    data: Data | None = Field(None, description="Fetch data with DVC; without it no job touches DVC data.")
    status: Status | None = Field(
        None,
        description="Refuse a change whose code, data, parameters, lock and metrics do not agree. For teams that train "
        "before they push; not for those who let CI train and `train.lock` bring the lock back.",
    )
    validate_: Validate | None = Field(None, alias="validate", description="Checks of the data.")
    test: Test | None = Field(None, description="The project's own tests.")
    train: Train | None = Field(None, description="How the model is trained.")
    runners: dict[Name, Runner] = Field(
        default_factory=dict, description="Kinds of machine by name. `default` exists without being written."
    )
    report: Report = Field(default_factory=Report, description="What is compared and where it is shown.")
    gates: tuple[Gate, ...] = Field((), description="Conditions the change must meet.")
    steps: tuple[ExtraStep, ...] = Field((), description="Steps of the team's own, in the jobs of stages.")
    jobs: dict[JobId, ExtraJob] = Field(default_factory=dict, description="Jobs of the team's own, by id.")
    tool: Tool = Field(default_factory=Tool, description="Where CI gets mlcicd from, and how its files are written.")

    @field_validator("data", "status", "validate_", "test", "train", mode="before")
    @classmethod
    def _says_something(cls, section: Any) -> Any:
        """A key without a value would leave its section out, which nobody means who writes `data:`."""
        if section is None:
            raise ValueError("has no value: give it keys, or {} for the defaults, or remove it")
        return section

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Config:
        if self.train and self.train.runner != "default" and self.train.runner not in self.runners:
            known = ", ".join(["default", *self.runners])
            raise PlacedError(("train", "runner"), f"no runner is named '{self.train.runner}'; known: {known}")
        if not (self.train or self.validate_ or self.test or self.status):
            raise PlacedError((), "there is nothing to run: add at least one of train, validate, test, status")
        if self.train is None and self.validate_ and self.validate_.at("train"):
            raise PlacedError(("validate",), "something is to be judged after train, but there is no train section")
        if self.train and self.train.lock != "none" and self.data is None:
            raise PlacedError(("train", "lock"), "a lock is returned once its data is pushed: add a data section")
        extensions.check(self)
        return self

    @model_validator(mode="after")
    def _is_strict(self) -> Config:
        """A profile that needs no exception admits nothing that needs one."""
        if self.tool.profile != "strict":
            return self
        if self.report.forks == "post":
            raise PlacedError(("report", "forks"), "tool.profile is strict, and a poster for forks has to be excused")
        if self.tool.actions == "vendored":
            raise PlacedError(("tool", "actions"), "tool.profile is strict, and copied actions have to be excused")
        for name, runner in self.runners.items():
            if not all(strict.is_hosted(label) for label in runner.github):
                raise PlacedError(("runners", name, "github"), strict.MACHINE)
        for path, image in self.images():
            if not strict.is_by_digest(image) and image not in self.tool.pins:
                raise PlacedError(path, f"tool.profile is strict: name {image} by digest, or pin it in tool.pins")
        return self

    def images(self) -> list[tuple[tuple[str, ...], str]]:
        """Return every container image that a platform will be told, each with the place of its key."""
        found: list[tuple[tuple[str, ...], str]] = []
        if "gitlab" in self.platforms:
            found.append((("project", "python"), f"python:{self.project.python}"))
        found += [(("runners", name, "image"), one.image) for name, one in self.runners.items() if one.image]
        around = {"status": self.status, "test": self.test, "validate": self.validate_, "train": self.train}
        places: list[tuple[tuple[str, ...], Surroundings]] = [((key,), one) for key, one in around.items() if one]
        places += [(("jobs", id), job) for id, job in self.jobs.items()]
        for place, one in places:
            found += [((*place, "container"), one.container)] if one.container else []
            found += [((*place, "services", name, "image"), service.image) for name, service in one.services.items()]
        return found

    def env(self, stage: str) -> dict[str, str]:
        """Return the variables that the programs of a stage see; a stage without such a key has none."""
        section = {"status": self.status, "test": self.test, "validate": self.validate_, "train": self.train}.get(stage)
        return dict(section.env) if section else {}

    def runner(self, name: str) -> Runner:
        """Return the runner called `name`; an unwritten `default` is the platform's ordinary machine."""
        return self.runners.get(name, Runner())
