"""`report` and `gates` of mlcicd.yaml: what is compared, how, and what must hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from mlcicd.config.fields import BlockName, Branch, MetricName, RelativePath, Section, Text


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
    templates: Annotated[dict[BlockName, RelativePath], Field(max_length=10)] = Field(
        default_factory=dict,
        description="Jinja templates of the team's own for blocks of the comment and the summary, as the base branch "
        "has them.",
        examples=[{"gates": "ci/gates.md.j2"}],
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
