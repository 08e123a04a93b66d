"""`validate` of mlcicd.yaml: checkpoints, suites, splits and built-in checks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from mlcicd.config.around import Surroundings
from mlcicd.config.fields import Duration, RelativePath, Section, Size, Text, Variable, unique

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

    skip: Annotated[tuple[CheckName, ...], AfterValidator(unique)] = Field(
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


class Validate(Surroundings):
    """Checks of the data: Great Expectations checkpoints and suites, and built-in ones."""

    checkpoints: Annotated[tuple[Text, ...], AfterValidator(unique)] = Field(
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
