"""What a cloud has to be told so that it lets this repository's jobs in: policies and commands, to read and to run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlcicd.config.identity import audience
from mlcicd.config.model import Aws, Azure, Cloud, Config, Credentials, Gcp
from mlcicd.errors import UsageError
from mlcicd.platforms import PLATFORMS
from mlcicd.platforms.common import Claims


def text(config: Config, names: Mapping[str, tuple[str, str]]) -> str:
    """Return the trust policy of each cloud on each platform.

    Args:
        config: the configuration.
        names: host and repository of the platforms where they are known.

    Raises:
        UsageError: when no cloud is configured.
    """
    credentials = config.data.credentials if config.data else Credentials()
    if not credentials.clouds:
        raise UsageError(
            "there is no log-in by the job's own identity: data.credentials names no cloud",
            hint="add aws, gcp or azure there (docs/config.md shows how)",
        )
    parts = []
    for platform in config.platforms:
        claims = PLATFORMS[platform].claims(*names.get(platform, ("", "")), config.project.default_branch)
        for cloud in credentials.clouds:
            meant = audience(cloud, credentials)
            body = "\n".join(_CLOUDS[cloud](getattr(credentials, cloud), meant, claims, platform))
            parts.append(f"# {cloud}, for jobs on {platform}\n{body}")
        parts.append("\n".join(f"# note: {note}" for note in claims.notes))
    if len(config.platforms) > 1 and credentials.gcp:
        parts.append("# note: a provider of gcp trusts one issuer, so the other platform needs a provider of its own")
    return "\n\n".join(parts) + "\n"


def _aws(section: Aws, meant: str, claims: Claims, platform: str) -> Iterator[str]:
    account, role = section.role.split(":")[4], section.role.rpartition("/")[2]
    partition, issuer = section.role.split(":")[1], claims.issuer.removeprefix("https://")
    exact = not any("*" in subject for subject in claims.subjects)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:{partition}:iam::{account}:oidc-provider/{issuer}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": _conditions(issuer, meant, claims.subjects, exact=exact),
            }
        ],
    }
    yield _command("aws", "iam", "create-open-id-connect-provider", "--url", claims.issuer, "--client-id-list", meant)
    yield f"# as {platform}.json; a role for several platforms has one statement of each"
    yield json.dumps(policy, indent=2)
    document = f"file://{platform}.json"
    yield _command("aws", "iam", "update-assume-role-policy", "--role-name", role, "--policy-document", document)


def _conditions(issuer: str, meant: str, subjects: tuple[str, ...], *, exact: bool) -> dict[str, Any]:
    who = {f"{issuer}:sub": list(subjects)}
    if exact:
        return {"StringEquals": {f"{issuer}:aud": meant, **who}}
    return {"StringEquals": {f"{issuer}:aud": meant}, "StringLike": who}


def _gcp(section: Gcp, meant: str, claims: Claims, platform: str) -> Iterator[str]:
    _, number, _, _, _, pool, _, provider = section.provider.split("/")
    where = [f"--project={number}", "--location=global"]
    claim, repository = claims.repository
    mapping = f"google.subject=assertion.{claim},attribute.repository=assertion.{claim}"
    yield _command("gcloud", "iam", "workload-identity-pools", "create", pool, *where)
    yield _command(
        "gcloud", "iam", "workload-identity-pools", "providers", "create-oidc", provider, *where,
        f"--workload-identity-pool={pool}", f"--issuer-uri={claims.issuer}",
        f"--attribute-mapping={mapping}",
        f"--attribute-condition={claims.condition}",
    )  # fmt: skip
    members = f"principalSet://iam.googleapis.com/projects/{number}/locations/global/workloadIdentityPools/{pool}"
    yield _command(
        "gcloud", "iam", "service-accounts", "add-iam-policy-binding", section.service_account,
        "--role=roles/iam.workloadIdentityUser", f"--member={members}/attribute.repository/{repository}",
    )  # fmt: skip


def _azure(section: Azure, meant: str, claims: Claims, platform: str) -> Iterator[str]:
    for number, subject in enumerate(claims.subjects, 1):
        body: dict[str, Any] = {
            "name": f"{platform}-{number}",
            "issuer": claims.issuer,
            "audiences": [meant],
        }
        if "*" not in subject:
            body |= {"subject": subject}
            yield _command(
                "az", "ad", "app", "federated-credential", "create", "--id", section.client,
                "--parameters", json.dumps(body),
            )  # fmt: skip
            continue
        body |= {"claimsMatchingExpression": {"value": f"claims['sub'] matches '{subject}'", "languageVersion": 1}}
        yield "# any branch: only flexible credentials can say that, which Azure calls a preview"
        place = f"https://graph.microsoft.com/beta/applications(appId='{section.client}')/federatedIdentityCredentials"
        yield _command("az", "rest", "--method", "post", "--url", place, "--body", json.dumps(body))


_CLOUDS: Mapping[Cloud, Callable[..., Iterator[str]]] = {
    "aws": _aws,
    "gcp": _gcp,
    "azure": _azure,
}


def _command(*words: str) -> str:
    return shlex.join(words)
