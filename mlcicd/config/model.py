"""mlcicd.yaml, version 1: every key with its type, default, meaning and example.

This module is the file format. The JSON Schema, `docs/config.md`, the starter file's comments and the
messages about wrong values are derived from it, so a key is added here and nowhere else.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

PlatformName = Literal["github", "gitlab"]
Cloud = Literal["aws", "gcp", "azure"]
CLOUDS: tuple[Cloud, ...] = ("aws", "gcp", "azure")


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
Size = Annotated[str, _form(r"^[1-9][0-9]{0,4}(MB|GB)$", "a size such as 500MB or 2GB")]
ParamName = Annotated[
    str, _form(r"^([A-Za-z0-9_./-]+\.(yaml|yml|json|toml):)?[A-Za-z0-9_.-]{1,120}$", "the key path of a parameter")
]
MetricName = Annotated[str, _form(r"^[A-Za-z0-9_./:@%+ -]{1,120}$", "the name of a metric")]


def minutes(duration: str) -> int:
    """Return a duration such as "6h" in minutes."""
    return int(duration[:-1]) * {"m": 1, "h": 60, "d": 1440}[duration[-1]]


def megabytes(size: str) -> int:
    """Return a size such as "2GB" in megabytes (10^6 bytes)."""
    return int(size[:-2]) * {"MB": 1, "GB": 1000}[size[-2:]]


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


class Aws(Section):
    """A role in AWS that the job's own identity may take."""

    role: Annotated[
        str, _form(r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}$", "the ARN of a role")
    ] = Field(description="Role to take.", examples=["arn:aws:iam::123456789012:role/ml-data"])
    region: Annotated[str, _form(r"^[a-z]{2}(-[a-z]+)+-[0-9]$", "a region such as eu-west-1")] | None = Field(
        None, description="Region of the bucket and of the token service.", examples=["eu-west-1"]
    )


class Gcp(Section):
    """A service account in Google Cloud that the job's own identity may use."""

    provider: Annotated[
        str,
        _form(
            r"^projects/[0-9]+/locations/global/workloadIdentityPools/[a-z0-9-]{4,32}/providers/[a-z0-9-]{4,32}$",
            "projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER",
        ),
    ] = Field(
        description="Workload identity provider, by its full name.",
        examples=["projects/123456789/locations/global/workloadIdentityPools/mlcicd/providers/forge"],
    )
    service_account: Annotated[
        str, _form(r"^[a-z0-9-]+@[a-z0-9.-]+\.iam\.gserviceaccount\.com$", "the address of a service account")
    ] = Field(description="Service account to use.", examples=["ml-data@acme-ml.iam.gserviceaccount.com"])


_Uuid = Annotated[
    str, _form(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "an id such as 8d9c0a51-…, in small letters")
]


class Azure(Section):
    """An application in Azure that the job's own identity may use."""

    client: _Uuid = Field(description="Application (client) id.", examples=["8d9c0a51-5f7e-4f0e-9d2f-2f3a1c0b7e11"])
    tenant: _Uuid = Field(description="Directory (tenant) id.", examples=["0b7e1111-5f7e-4f0e-9d2f-2f3a1c0b7e11"])


class Credentials(Section):
    """How data steps log in to the DVC remote: by the job's own identity (OIDC, nothing stored), or by secrets."""

    secrets: tuple[Variable, ...] = Field(
        (),
        description="Secrets (GitHub) or variables (GitLab) that data steps see as environment variables, "
        "and no other step does. GitLab shows project variables to every job: make them protected and masked.",
        examples=[["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]],
    )
    aws: Aws | None = Field(
        None,
        description="Take a role in AWS with the job's own identity token. `mlcicd plan --trust` prints the trust "
        "policy that the role needs.",
        examples=[{"role": "arn:aws:iam::123456789012:role/ml-data", "region": "eu-west-1"}],
    )
    gcp: Gcp | None = Field(None, description="The same for Google Cloud, by workload identity federation.")
    azure: Azure | None = Field(None, description="The same for Azure, by a federated credential.")

    @property
    def clouds(self) -> tuple[Cloud, ...]:
        """The clouds that the job's own identity logs in to."""
        return tuple(name for name in CLOUDS if getattr(self, name) is not None)


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
    cache: Size | None = Field(
        None,
        description="Keep up to this much of DVC's cache between runs, in the CI system's cache. What comes back is "
        "hashed before it is used, and what the lock no longer names is not kept. Nothing is kept when absent.",
        examples=["2GB"],
    )


When = Literal["data", "train"]
CheckName = Literal["rows", "schema", "duplicates", "categories", "balance", "leakage"]
_AFTER = "When it is judged: once the `data` is here, or after `train` has made it."


class Suite(Section):
    """One table, and what is expected of it."""

    data: RelativePath | None = Field(None, description="CSV or Parquet file.", examples=["data/raw.csv"])
    table: Text | None = Field(
        None,
        description="Table of a database, instead of a file. The project's environment needs SQLAlchemy and the "
        "database's driver.",
        examples=["orders"],
    )
    connection: Variable | None = Field(
        None,
        description="Secret that holds the SQLAlchemy address of the table's database; no other step sees it.",
        examples=["WAREHOUSE_URL"],
    )
    suite: RelativePath | None = Field(
        None,
        description="File of expectations: Great Expectations' own JSON, or the short YAML that "
        "`mlcicd validate --suggest` writes. Without it only the built-in checks are made.",
        examples=["expectations/raw.yaml"],
    )
    label: Text | None = Field(None, description="Column of the class, for the check `balance`.", examples=["target"])
    after: When = Field("data", description=_AFTER, examples=["train"])

    @model_validator(mode="after")
    def _names_one_table(self) -> Suite:
        if (self.data is None) == (self.table is None):
            raise ValueError("needs one of data (a file) and table (of a database)")
        if (self.table is None) != (self.connection is None):
            raise ValueError("table and connection belong together")
        return self


class Split(Section):
    """Two files that must have no row in common."""

    train: RelativePath = Field(description="CSV or Parquet file to train on.", examples=["data/train.csv"])
    test: RelativePath = Field(description="CSV or Parquet file to test on.", examples=["data/test.csv"])
    key: tuple[Text, ...] = Field(
        (), description="Columns that tell one row from another; all columns when absent.", examples=[["patient"]]
    )
    after: When = Field("train", description=_AFTER, examples=["data"])


COMPARING: tuple[CheckName, ...] = ("rows", "schema", "categories", "balance")


class Checks(Section):
    """The built-in checks of every file under `suites` and `splits`."""

    skip: Annotated[tuple[CheckName, ...], AfterValidator(_unique)] = Field(
        (), description="Checks that are not made.", examples=[["duplicates"]]
    )
    rows: float = Field(
        0.5, gt=0, allow_inf_nan=False, description="Largest change of the row count against the base, as a share.",
        examples=[0.2],
    )  # fmt: skip
    balance: float = Field(
        0.1, gt=0, le=1, description="Largest change of a class's share of the rows against the base.", examples=[0.05]
    )

    @property
    def compares(self) -> bool:
        """Whether any check looks at what a file was before the change."""
        return not set(COMPARING) <= set(self.skip)


class Validate(Section):
    """Checks of the data: Great Expectations checkpoints and suites, and built-in ones."""

    checkpoints: Annotated[tuple[Text, ...], AfterValidator(_unique)] = Field(
        (), description="Great Expectations 1.x checkpoints, by name, of the project in `gx/`.", examples=[["raw"]]
    )
    suites: tuple[Suite, ...] = Field((), description="Tables and what is expected of them, without a `gx/` project.")
    splits: tuple[Split, ...] = Field((), description="Training and test files, checked for rows in both.")
    checks: Checks = Field(default_factory=Checks, description="The built-in checks, on by default.")
    engine: Literal["auto", "duckdb", "gx", "spark"] = Field(
        "auto",
        description="What judges `suites`: `duckdb` (many times faster and in bounded memory; expectations it does not "
        "know go through Great Expectations), `gx` on pandas, `gx` on Spark, or `auto`: duckdb where it can.",
        examples=["duckdb"],
    )
    memory: Size | None = Field(
        None, description="Most memory that DuckDB may use; its own default (80 %) when absent.", examples=["500MB"]
    )
    values: bool = Field(
        False,
        description="Show the most frequent unexpected values. Off, no value of a row leaves the machine.",
        examples=[True],
    )
    unpickle: tuple[RelativePath, ...] = Field(
        (),
        description="Tracked files that may run code when they are loaded: pickles that call functions known for it, "
        "such as os.system. Any other such file is refused.",
        examples=[["models/legacy.pkl"]],
    )
    timeout: Duration = Field("30m", description="Time limit of the job.", examples=["30m"])

    @model_validator(mode="after")
    def _has_something_to_check(self) -> Validate:
        if not (self.checkpoints or self.suites or self.splits):
            raise ValueError("needs something to check: checkpoints, suites or splits")
        return self

    @property
    def connections(self) -> tuple[str, ...]:
        """The secrets that hold addresses of databases."""
        return tuple(dict.fromkeys(suite.connection for suite in self.suites if suite.connection))

    def at(self, when: When) -> bool:
        """Tell whether anything is judged then."""
        return (
            bool(self.files(when))
            or (when == "data" and bool(self.checkpoints))
            or any(suite.after == when for suite in self.suites)
        )

    def files(self, when: When) -> tuple[str, ...]:
        """Return the files that are judged then by themselves, each once."""
        suites = [suite.data for suite in self.suites if suite.data and suite.after == when]
        splits = [path for split in self.splits if split.after == when for path in (split.train, split.test)]
        return tuple(dict.fromkeys((*suites, *splits)))


class Status(Section):
    """The job that proves that code, data, parameters, lock and metrics agree."""

    remote: bool = Field(
        True,
        description="Also ask the DVC remote whether it has everything that the lock names, so that a lock without "
        "its data cannot be merged.",
        examples=[False],
    )
    timeout: Duration = Field("15m", description="Time limit of the job.", examples=["15m"])


class Test(Section):
    """The project's own tests."""

    command: Command = Field(description="Shell command, run in the project's environment.", examples=["pytest -q"])
    timeout: Duration = Field("30m", description="Time limit of the job.", examples=["30m"])


class Smoke(Section):
    """A shorter training, to see that the code works."""

    params: Annotated[dict[ParamName, bool | int | float | str], Field(min_length=1)] = Field(
        description="Parameters and their values in a smoke training: `key.path` in params.yaml, or `file:key.path`.",
        examples=[{"train.epochs": 1, "prepare.rows": 1000}],
    )


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

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """What each platform calls the machine."""
        return {"github": self.github, "gitlab": self.gitlab}


class Predictions(Section):
    """What a model said of each example of the test set, so that the noise of the test set can be told."""

    file: RelativePath = Field(description="CSV file, one row per example.", examples=["predictions.csv"])
    label: Text = Field(description="Column of the truth.", examples=["label"])
    prediction: Text = Field(description="Column of what the model said.", examples=["prediction"])
    id: Text | None = Field(
        None, description="Column that names the example; rows are matched in their order when absent.", examples=["id"]
    )
    metric: MetricName = Field(
        "accuracy",
        description="Metric that the rows make up: the share of rows where both are equal, or with `kind: error` the "
        "mean absolute difference.",
        examples=["accuracy"],
    )
    kind: Literal["match", "error"] = Field("match", description="How a row is scored.", examples=["error"])
    group: Text | None = Field(
        None, description="Column of what belongs together (a patient, a day): drawn together.", examples=["patient"]
    )


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
    comment: Literal["always", "changed", "failed", "never"] = Field(
        "always",
        description="When a comment is posted: on every change, only when a metric moved or something failed, only "
        "when something failed, or never. One that is there is always brought up to date.",
        examples=["changed"],
    )
    forks: Literal["summary", "post"] = Field(
        "summary",
        description="Where the report of a fork's pull request stands: in the run's summary, or also in a comment, "
        "posted by a second workflow that has no code of the fork (GitHub).",
        examples=["post"],
    )
    predictions: Predictions | None = Field(
        None, description="Per-example predictions, for an interval with a single training on each side."
    )
    margins: dict[MetricName, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default_factory=dict,
        description="Differences too small to matter, by metric: less is never called better or worse.",
        examples=[{"accuracy": 0.002}],
    )
    sections: tuple[RelativePath, ...] = Field(
        (),
        description="Markdown files that the project's pipeline writes; shown at the end, as theirs, without markup.",
        examples=[["notes.md"]],
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
    against: Branch = Field(
        "base",
        description="What `max-drop` and `max-rise` compare with: `base`, or a branch or tag such as `champion`.",
        examples=["champion"],
    )
    inconclusive: Literal["warn", "fail"] = Field(
        "warn",
        description="What it means when an interval is known and reaches over the bound of `max-drop` or `max-rise`.",
        examples=["fail"],
    )
    slice: Text | None = Field(
        None,
        description="Judge the worst value of this column of `report.predictions` instead of all rows.",
        examples=["site"],
    )
    min_count: int = Field(
        200, ge=1, description="Rows that a value of `slice` must have to be judged.", examples=[200]
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
    tool: Tool = Field(default_factory=Tool, description="Where CI gets mlcicd from.")

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
        return self

    def runner(self, name: str) -> Runner:
        """Return the runner called `name`; an unwritten `default` is the platform's ordinary machine."""
        return self.runners.get(name, Runner())


class PlacedError(ValueError):
    """A problem between keys, found on the whole file, that belongs to one place in it."""

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        super().__init__(reason)
        self.path = path
