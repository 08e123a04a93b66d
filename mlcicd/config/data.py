"""`data` of mlcicd.yaml: what DVC fetches, and how jobs log in to its remote."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mlcicd.config.fields import CLOUDS, Cloud, RelativePath, Section, Size, Text, Variable, form


class Aws(Section):
    """A role in AWS that the job's own identity may take."""

    role: Annotated[
        str, form(r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}$", "the ARN of a role")
    ] = Field(description="Role to take.", examples=["arn:aws:iam::123456789012:role/ml-data"])
    region: Annotated[str, form(r"^[a-z]{2}(-[a-z]+)+-[0-9]$", "a region such as eu-west-1")] | None = Field(
        None, description="Region of the bucket and of the token service.", examples=["eu-west-1"]
    )


class Gcp(Section):
    """A service account in Google Cloud that the job's own identity may use."""

    provider: Annotated[
        str,
        form(
            r"^projects/[0-9]+/locations/global/workloadIdentityPools/[a-z0-9-]{4,32}/providers/[a-z0-9-]{4,32}$",
            "projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER",
        ),
    ] = Field(
        description="Workload identity provider, by its full name.",
        examples=["projects/123456789/locations/global/workloadIdentityPools/mlcicd/providers/forge"],
    )
    service_account: Annotated[
        str, form(r"^[a-z0-9-]+@[a-z0-9.-]+\.iam\.gserviceaccount\.com$", "the address of a service account")
    ] = Field(description="Service account to use.", examples=["ml-data@acme-ml.iam.gserviceaccount.com"])


_Uuid = Annotated[
    str, form(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "an id such as 8d9c0a51-…, in small letters")
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
        "and no other step does. GitLab shows project variables to every job: mask them, and give them the environment "
        "`mlcicd-data` as scope.",
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
