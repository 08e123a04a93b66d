"""What a value may be: types of mlcicd.yaml that many keys share, and the base of its sections."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from mlcicd.config import extensions

PlatformName = Literal["github", "gitlab"]
Cloud = Literal["aws", "gcp", "azure"]
CLOUDS: tuple[Cloud, ...] = ("aws", "gcp", "azure")


def printable(text: str) -> str:
    """Refuse control characters, line breaks and the CI systems' expressions."""
    if not text.isprintable():
        raise ValueError("must be one line of printable text")
    if "${{" in text or "$[[" in text:
        raise ValueError("must not contain a CI expression (${{ or $[[)")
    return text


def _inside(path: str) -> str:
    if path.startswith(("/", "~")) or ".." in path.split("/") or "\\" in path:
        raise ValueError("must be a path inside the repository, written with forward slashes")
    return printable(path)


def _duration(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,4}[mhd]", text):
        raise ValueError("must be a whole number and a unit: 30m, 6h or 2d")
    return text


def unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse a value that stands twice."""
    if len(set(values)) != len(values):
        raise ValueError("must not repeat a value")
    return values


Text = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(printable)]
Command = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
RelativePath = Annotated[str, StringConstraints(min_length=1, max_length=400), AfterValidator(_inside)]
Duration = Annotated[str, AfterValidator(_duration)]

# How a person is told what a pattern means.
FORMS: dict[str, str] = {}


def form(pattern: str, words: str) -> StringConstraints:
    """Return the constraint of a pattern, and keep the words by which messages explain it."""
    FORMS[pattern] = words
    return StringConstraints(pattern=pattern)


Name = Annotated[str, form(r"^[A-Za-z][A-Za-z0-9_-]{0,62}$", "a name (letters, digits, - and _)")]
Variable = Annotated[str, form(r"^[A-Z][A-Z0-9_]{0,99}$", "the name of a variable (capital letters, digits and _)")]
# Of the team's own, for programs of theirs.
OwnVariable = Annotated[Variable, AfterValidator(extensions.free)]
PlainPath = Annotated[RelativePath, AfterValidator(extensions.plain)]
OwnFolder = Annotated[RelativePath, AfterValidator(extensions.outlives)]
Branch = Annotated[str, form(r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$", "the name of a branch")]
PythonVersion = Annotated[str, form(r"^3\.[0-9]{1,2}$", 'a Python version such as "3.12"')]
Size = Annotated[str, form(r"^[1-9][0-9]{0,4}(MB|GB)$", "a size such as 500MB or 2GB")]
ParamName = Annotated[
    str, form(r"^([A-Za-z0-9_./-]+\.(yaml|yml|json|toml):)?[A-Za-z0-9_.-]{1,120}$", "the key path of a parameter")
]
MetricName = Annotated[str, form(r"^[A-Za-z0-9_./:@%+ -]{1,120}$", "the name of a metric")]
JobId = Annotated[str, form(r"^[a-z][a-z0-9-]{0,40}$", "a name (small letters, digits and -)")]
Image = Annotated[
    str,
    form(
        r"^[a-z0-9][a-z0-9._/:-]{0,200}(@sha256:[0-9a-f]{64})?$",
        "a container image such as postgres:17@sha256:… (small letters)",
    ),
]
PinName = Annotated[
    str,
    form(r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*(:[A-Za-z0-9_.-]+)?$", "an action such as actions/checkout, or an image"),
]
PinValue = Annotated[
    str,
    form(
        r"^(v[0-9]{1,9}(\.[0-9]{1,9}){0,2}([.+-][A-Za-z0-9.+-]*)?@[0-9a-f]{40}|sha256:[0-9a-f]{64})$",
        "v1.2.3@COMMIT (40 digits), or sha256:DIGEST",
    ),
]
Stage = Literal["status", "test", "validate", "train", "report"]
# The blocks of the comment, in their order; its head, its notes and its end are not to be laid out otherwise.
BlockName = Literal[
    "gates", "slices", "metrics", "tail", "curves", "confusion", "bars", "images", "changes", "status", "validation",
    "tests", "steps", "sections",
]  # fmt: skip


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
