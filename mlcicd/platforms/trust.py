"""What a cloud has to be told so that it lets this repository's jobs in: policies and commands, to read and to run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from mlcicd.config.data import Aws, Azure, Credentials, Gcp
from mlcicd.config.fields import Cloud
from mlcicd.config.identity import audience
from mlcicd.config.model import Config
from mlcicd.errors import UsageError
from mlcicd.plan.build import data_environment
from mlcicd.platforms import PLATFORMS
from mlcicd.platforms.common import Claims

_FILL_IN = "; put the bucket and the folder of the DVC remote in"


def text(config: Config, names: Mapping[str, tuple[str, str]], remote: str = "") -> str:
    """Return what each cloud has to be told: whom to let in, and what of the data they may touch.

    Args:
        config: the configuration.
        names: host and repository of the platforms where they are known.
        remote: the address of the DVC remote, where it is known.

    Raises:
        UsageError: when no cloud is configured.
    """
    credentials = config.data.credentials if config.data else Credentials()
    if not credentials.clouds:
        raise UsageError(
            "there is no log-in by the job's own identity: data.credentials names no cloud",
            hint="add aws, gcp or azure there (docs/config.md shows how)",
        )
    branch, environment = config.project.default_branch, data_environment(config)
    claims = {
        platform: PLATFORMS[platform].claims(*names.get(platform, ("", "")), branch, environment)
        for platform in config.platforms
    }
    parts = []
    for cloud in credentials.clouds:
        body = _CLOUDS[cloud](getattr(credentials, cloud), audience(cloud, credentials), claims)
        parts.append("\n".join([f"# {cloud}, for jobs on {' and '.join(claims)}", *body]))
    if credentials.aws:
        writes = config.train is not None and config.train.lock != "none"
        parts.append("\n".join(_s3(credentials.aws, remote, writes=writes)))
    parts += ["\n".join(f"# note: {note}" for note in one.notes) for one in claims.values()]
    if len(claims) > 1 and credentials.gcp:
        parts.append("# note: a provider of gcp trusts one issuer, so the other platform needs a provider of its own")
    return "\n\n".join(parts) + "\n"


def _aws(section: Aws, meant: str, claims: Mapping[str, Claims]) -> Iterator[str]:
    """One document for all platforms: each update of a role's policy replaces the one before."""
    for one in claims.values():
        create = ("aws", "iam", "create-open-id-connect-provider")
        yield _command(*create, "--url", one.issuer, "--client-id-list", meant)
    yield "# as mlcicd-trust.json; it takes the place of the role's whole policy, so keep what else is in there"
    yield _policy(_lets_in(section, meant, one) for one in claims.values())
    yield _command(
        "aws", "iam", "update-assume-role-policy", "--role-name", _role(section),
        "--policy-document", "file://mlcicd-trust.json",
    )  # fmt: skip


def _lets_in(section: Aws, meant: str, claims: Claims) -> dict[str, Any]:
    account, issuer = section.role.split(":")[4], claims.issuer.removeprefix("https://")
    exact = not any("*" in subject for subject in claims.subjects)
    return {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:{_partition(section)}:iam::{account}:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": _conditions(issuer, meant, claims.subjects, exact=exact),
    }


def _s3(section: Aws, remote: str, *, writes: bool) -> Iterator[str]:
    """Say what the role needs of the data: with a lock that goes back, its data and the run cache are pushed."""
    address = urlsplit(remote)
    known = address.scheme == "s3"
    bucket, prefix = (address.hostname, address.path.strip("/")) if known else ("BUCKET", "PREFIX")
    arn = f"arn:{_partition(section)}:s3:::{bucket}"
    actions = ["s3:GetObject", *(["s3:PutObject"] if writes else [])]
    yield "# what the role may do with the data, as mlcicd-data.json" + ("" if known else _FILL_IN)
    yield _policy(
        [
            # No condition on a prefix: then S3 would answer 403, not 404, for an object that is absent.
            {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [arn]},
            {"Effect": "Allow", "Action": actions, "Resource": ["/".join(filter(None, (arn, prefix, "*")))]},
        ]
    )
    yield _command(
        "aws", "iam", "put-role-policy", "--role-name", _role(section), "--policy-name", "mlcicd-data",
        "--policy-document", "file://mlcicd-data.json",
    )  # fmt: skip


def _policy(statements: Iterable[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=2)


def _partition(section: Aws) -> str:
    return section.role.split(":")[1]


def _role(section: Aws) -> str:
    return section.role.rpartition("/")[2]


def _conditions(issuer: str, meant: str, subjects: tuple[str, ...], *, exact: bool) -> dict[str, Any]:
    who = {f"{issuer}:sub": list(subjects)}
    if exact:
        return {"StringEquals": {f"{issuer}:aud": meant, **who}}
    return {"StringEquals": {f"{issuer}:aud": meant}, "StringLike": who}


def _gcp(section: Gcp, meant: str, claims: Mapping[str, Claims]) -> Iterator[str]:
    _, number, _, _, _, pool, _, provider = section.provider.split("/")
    where = [f"--project={number}", "--location=global"]
    members = f"principalSet://iam.googleapis.com/projects/{number}/locations/global/workloadIdentityPools/{pool}"
    yield _command("gcloud", "iam", "workload-identity-pools", "create", pool, *where)
    for one in claims.values():
        claim, repository = one.repository
        yield _command(
            "gcloud", "iam", "workload-identity-pools", "providers", "create-oidc", provider, *where,
            f"--workload-identity-pool={pool}", f"--issuer-uri={one.issuer}",
            f"--attribute-mapping=google.subject=assertion.{claim},attribute.repository=assertion.{claim}",
            f"--attribute-condition={one.condition}",
        )  # fmt: skip
        yield _command(
            "gcloud", "iam", "service-accounts", "add-iam-policy-binding", section.service_account,
            "--role=roles/iam.workloadIdentityUser", f"--member={members}/attribute.repository/{repository}",
        )  # fmt: skip


def _azure(section: Azure, meant: str, claims: Mapping[str, Claims]) -> Iterator[str]:
    for platform, one in claims.items():
        for number, subject in enumerate(one.subjects, 1):
            body = {"name": f"{platform}-{number}", "issuer": one.issuer, "audiences": [meant]}
            yield from _credential(section, body, subject)


def _credential(section: Azure, body: dict[str, Any], subject: str) -> Iterator[str]:
    if "*" not in subject:
        yield _command(
            "az", "ad", "app", "federated-credential", "create", "--id", section.client,
            "--parameters", json.dumps({**body, "subject": subject}),
        )  # fmt: skip
        return
    matching = {"value": f"claims['sub'] matches '{subject}'", "languageVersion": 1}
    yield "# any branch: only flexible credentials can say that, which Azure calls a preview"
    place = f"https://graph.microsoft.com/beta/applications(appId='{section.client}')/federatedIdentityCredentials"
    sent = json.dumps({**body, "claimsMatchingExpression": matching})
    yield _command("az", "rest", "--method", "post", "--url", place, "--body", sent)


_CLOUDS: Mapping[Cloud, Callable[..., Iterator[str]]] = {
    "aws": _aws,
    "gcp": _gcp,
    "azure": _azure,
}


def _command(*words: str) -> str:
    return shlex.join(words)
