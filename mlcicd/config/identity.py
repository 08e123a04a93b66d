"""Log-in by the job's own identity (OIDC): what the plan asks for and the verbs use. Nothing is stored anywhere."""

from __future__ import annotations

from mlcicd.config.data import Credentials
from mlcicd.config.fields import Cloud

_AUDIENCES: dict[Cloud, str] = {"aws": "sts.amazonaws.com", "azure": "api://AzureADTokenExchange"}


def audience(cloud: Cloud, credentials: Credentials) -> str:
    """Return whom a token for this cloud is made out to; no other service accepts it then."""
    if credentials.gcp and cloud == "gcp":
        return f"//iam.googleapis.com/{credentials.gcp.provider}"
    return _AUDIENCES[cloud]


def variable(cloud: Cloud) -> str:
    """Return the variable that holds the token, where the CI system hands it over in one."""
    return f"MLCICD_TOKEN_{cloud.upper()}"
