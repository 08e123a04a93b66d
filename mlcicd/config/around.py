"""What the job of any stage may have around it: variables, a container, services, folders that are kept."""

from __future__ import annotations

from pydantic import Field

from mlcicd.config.fields import Image, JobId, OwnFolder, OwnVariable, PlainPath, Section, Text, Variable


class Service(Section):
    """A program beside the job, in a container of its own, such as a database."""

    image: Image = Field(description="Container image, by digest where it can be.", examples=["postgres:17"])
    env: dict[Variable, Text] = Field(
        default_factory=dict, description="Variables of that container; no secrets.", examples=[{"POSTGRES_DB": "ml"}]
    )
    port: int = Field(
        ge=1,
        le=65535,
        description="Port it listens on. The job finds it at `<NAME>_HOST` and this port.",
        examples=[5432],
    )


class Kept(Section):
    """A folder that outlives the job, such as downloaded weights."""

    path: OwnFolder = Field(description="Folder inside the repository.", examples=[".cache/huggingface"])
    key: tuple[PlainPath, ...] = Field(
        (),
        description="Files whose content names the copy: when one changes, a new copy begins.",
        examples=[["uv.lock"]],
    )


class Surroundings(Section):
    """What a stage's job has around it."""

    env: dict[OwnVariable, Text] = Field(
        default_factory=dict,
        description="Variables that the stage's programs see; no secrets. Read at run time: a change needs no "
        "`mlcicd generate`.",
        examples=[{"OMP_NUM_THREADS": "4"}],
    )
    container: Image | None = Field(
        None,
        description="Container image the job runs in, with python3, git and bash in it. `mlcicd run` does without.",
        examples=["pytorch/pytorch:2.9.0-cuda12.6-cudnn9-runtime"],
    )
    services: dict[JobId, Service] = Field(
        default_factory=dict,
        description="Programs beside the job, by name. `mlcicd run` does not start them.",
        examples=[{"db": {"image": "postgres:17", "port": 5432}}],
    )
    cache: tuple[Kept, ...] = Field((), description="Folders that outlive the job.", examples=[[{"path": ".cache/hf"}]])
