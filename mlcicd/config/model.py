"""mlcicd.yaml, version 1: every key with its type, default, meaning and example.

This module is the file format. The JSON Schema, `docs/config.md`, the starter file's comments and the
messages about wrong values are derived from it, so a key is added here and nowhere else.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

PlatformName = Literal["github", "gitlab"]


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of printable text")
    if "${{" in text or "$[[" in text:
        raise ValueError("must not contain a CI expression (${{ or $[[)")
    return text


def _inside(path: str) -> str:
    if path.startswith(("/", "~")) or ".." in path.split("/") or "\\" in path:
        raise ValueError("must be a path inside the repository, written with forward slashes")
    return _printable(path)


def _duration(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,4}[mhd]", text):
        raise ValueError("must be a whole number and a unit: 30m, 6h or 2d")
    return text


def _unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) != len(values):
        raise ValueError("must not repeat a value")
    return values


Text = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
Command = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
RelativePath = Annotated[str, StringConstraints(min_length=1, max_length=400), AfterValidator(_inside)]
Duration = Annotated[str, AfterValidator(_duration)]

# How a person is told what a pattern means.
FORMS: dict[str, str] = {}


def _form(pattern: str, words: str) -> StringConstraints:
    FORMS[pattern] = words
    return StringConstraints(pattern=pattern)


Name = Annotated[str, _form(r"^[A-Za-z][A-Za-z0-9_-]{0,62}$", "a name (letters, digits, - and _)")]
Variable = Annotated[str, _form(r"^[A-Z][A-Z0-9_]{0,99}$", "the name of a variable (capital letters, digits and _)")]
Branch = Annotated[str, _form(r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$", "the name of a branch")]
PythonVersion = Annotated[str, _form(r"^3\.[0-9]{1,2}$", 'a Python version such as "3.12"')]
MetricName = Annotated[str, _form(r"^[A-Za-z0-9_./:@%+ -]{1,120}$", "the name of a metric")]


def minutes(duration: str) -> int:
    """Return a duration such as "6h" in minutes."""
    return int(duration[:-1]) * {"m": 1, "h": 60, "d": 1440}[duration[-1]]


class Section(BaseModel):
    """A mapping in the file: kebab-case keys, nothing unknown, never changed after loading."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        defer_build=True,  # the whole file is checked at once, so no section needs a validator of its own
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
    )


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


class Credentials(Section):
    """How data steps log in to the DVC remote."""

    secrets: tuple[Variable, ...] = Field(
        (),
        description="Secrets (GitHub) or variables (GitLab) that data steps see as environment variables, "
        "and no other step does. GitLab shows project variables to every job: make them protected and masked.",
        examples=[["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]],
    )


class Data(Section):
    """What is fetched with DVC before a job needs it."""

    remote: Text | None = Field(
        None, description="DVC remote to pull from; DVC's own default when absent.", examples=["storage"]
    )
    pull: Literal["needed", "all"] | tuple[RelativePath, ...] = Field(
        "needed",
        description="`needed`: tracked data for validation, and for training what the stages that will run read; "
        "`all`: everything; or a list of DVC targets.",
        examples=["needed"],
    )
    verify: bool = Field(
        True,
        description="Hash the files that `mlcicd data` delivers against their `.dvc` files and `dvc.lock`. "
        "DVC itself does not notice a corrupt object.",
        examples=[True],
    )
    credentials: Credentials = Field(default_factory=Credentials, description="How data steps log in to the remote.")


class Validate(Section):
    """Great Expectations checks of the data."""

    checkpoints: Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(_unique)] = Field(
        description="Great Expectations 1.x checkpoints, by name, of the project in `gx/`.", examples=[["raw"]]
    )
    timeout: Duration = Field("30m", description="Time limit of the job.", examples=["30m"])


class Test(Section):
    """The project's own tests."""

    command: Command = Field(description="Shell command, run in the project's environment.", examples=["pytest -q"])
    timeout: Duration = Field("30m", description="Time limit of the job.", examples=["30m"])


class Train(Section):
    """How the model is trained."""

    command: Command = Field(
        "dvc repro --pull --allow-missing",
        description="Shell command, run in the project's environment. With these two options DVC runs only stages "
        "that changed and fetches only what those read.",
        examples=["dvc repro --pull --allow-missing"],
    )
    runner: Name = Field("default", description="Name of the runner, one of `runners`.", examples=["gpu"])
    timeout: Duration = Field(
        "5h", description="Time limit of the job. GitHub's hosted machines stop at 6 h.", examples=["5h"]
    )
    secrets: tuple[Variable, ...] = Field(
        (),
        description="Secrets or variables that the training step sees, and no other step does.",
        examples=[["WANDB_API_KEY"]],
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

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """What each platform calls the machine."""
        return {"github": self.github, "gitlab": self.gitlab}


class Report(Section):
    """What is compared and where it is shown."""

    compare: Branch | None = Field(
        None,
        description="Branch to compare with outside a pull request; the default branch when absent.",
        examples=["main"],
    )
    publisher: Literal["cml", "native"] = Field(
        "cml",
        description="Who posts the comment: CML when it is installed (mlcicd itself when not), or always mlcicd.",
        examples=["native"],
    )
    comment: Literal["always", "never"] = Field(
        "always", description="Whether a comment is posted at all.", examples=["always"]
    )
    metrics: tuple[RelativePath, ...] = Field(
        (),
        description="JSON, YAML or TOML metric files; what `dvc.yaml` declares when absent.",
        examples=[["metrics.json"]],
    )
    params: tuple[RelativePath, ...] = Field(
        (), description="Parameter files; what `dvc.yaml` declares when absent.", examples=[["params.yaml"]]
    )


class Gate(Section):
    """One condition the change must meet. Missing or non-finite metrics fail it."""

    metric: MetricName = Field(
        description="Metric by its key path, or `file:key` where two files share one.", examples=["accuracy"]
    )
    min: float | None = Field(None, allow_inf_nan=False, description="Smallest allowed value.", examples=[0.92])
    max: float | None = Field(None, allow_inf_nan=False, description="Largest allowed value.", examples=[50])
    max_drop: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Largest allowed fall below the base.", examples=[0.005]
    )
    max_rise: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Largest allowed rise above the base.", examples=[2]
    )
    against: Literal["base"] = Field(
        "base", description="What `max-drop` and `max-rise` compare with.", examples=["base"]
    )

    @model_validator(mode="after")
    def _has_a_bound(self) -> Gate:
        if all(bound is None for bound in (self.min, self.max, self.max_drop, self.max_rise)):
            raise ValueError("needs a bound: min, max, max-drop or max-rise")
        return self


class Tool(Section):
    """Where CI gets mlcicd from."""

    actions: Literal["published", "vendored"] = Field(
        "published",
        description="`published`: workflows name our actions by commit; `vendored`: the actions are copied to "
        "`.github/mlcicd/` (no network, no release needed) and the tool comes from `source`.",
        examples=["published"],
    )
    source: Text | None = Field(
        None,
        description="Requirement that installs mlcicd on GitLab, and on GitHub with vendored actions; "
        "this release when absent.",
        examples=["mlcicd==0.1.0"],
    )


class Config(Section):
    """One mlcicd.yaml."""

    version: Literal[1] = Field(description="Version of the file format.", examples=[1])
    platforms: Annotated[tuple[PlatformName, ...], Field(min_length=1), AfterValidator(_unique)] = Field(
        ("github",), description="Where the pipeline runs.", examples=[["github", "gitlab"]]
    )
    project: Project = Field(default_factory=Project, description="The repository and its environment.")
    data: Data | None = Field(None, description="Fetch data with DVC; without it no job touches DVC data.")
    validate_: Validate | None = Field(None, alias="validate", description="Great Expectations checks of the data.")
    test: Test | None = Field(None, description="The project's own tests.")
    train: Train | None = Field(None, description="How the model is trained.")
    runners: dict[Name, Runner] = Field(
        default_factory=dict, description="Kinds of machine by name. `default` exists without being written."
    )
    report: Report = Field(default_factory=Report, description="What is compared and where it is shown.")
    gates: tuple[Gate, ...] = Field((), description="Conditions the change must meet.")
    tool: Tool = Field(default_factory=Tool, description="Where CI gets mlcicd from.")

    @field_validator("data", "validate_", "test", "train", mode="before")
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
        if not (self.train or self.validate_ or self.test):
            raise PlacedError((), "there is nothing to run: add at least one of train, validate, test")
        return self

    def runner(self, name: str) -> Runner:
        """Return the runner called `name`; an unwritten `default` is the platform's ordinary machine."""
        return self.runners.get(name, Runner())


class PlacedError(ValueError):
    """A problem between keys, found on the whole file, that belongs to one place in it."""

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        super().__init__(reason)
        self.path = path
