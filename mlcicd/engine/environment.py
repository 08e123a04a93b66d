"""What a step sees of the caller's environment: what any machine has, the secrets it declares, and log-ins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

PERSON = ("HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER")
CERTIFICATES = (
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
)
PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
ACCELERATORS = ("CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")
# Which release the generated files name, where a build can not know it by itself.
RELEASE = ("MLCICD_COMMIT",)
NAMES = {*PERSON, *CERTIFICATES, *PROXIES, *(name.lower() for name in PROXIES), *ACCELERATORS, *RELEASE}
PREFIXES = ("LC_", "UV_", "PIP_", "XDG_")

# How a person's own log-in to a cloud is found, where in CI the job's identity is used.
LOGINS = {"aws": ("AWS_",), "gcp": ("GOOGLE_", "CLOUDSDK_"), "azure": ("AZURE_",)}
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|KEY")
_PATH_NAME = re.compile(r"_(FILE|DIR|PATH)$")

# These would send what a job installs into an environment of the caller's.
NEVER = frozenset({"UV_PROJECT_ENVIRONMENT", "UV_PROJECT", "UV_WORKING_DIRECTORY", "PIP_TARGET", "PIP_PREFIX"})


def machine(environ: Mapping[str, str], commit: str, base: str | None, event: str = "") -> dict[str, str]:
    """Return the variables that every step sees.

    No variable of a forge is among them, so a verb finds nowhere to post to, and none of git's, which
    are set when a hook calls us and would point into the caller's repository.
    """
    kept = {name: value for name, value in environ.items() if _belongs_to_machine(name)}
    known = {"CI": "true", "MLCICD_SHA": commit, "MLCICD_EVENT": event}
    if base:
        known["MLCICD_BASE"] = base
    # Unbuffered, so that the last line on the screen is the last line; LFS as a checkout in CI has it.
    return kept | known | {"PYTHONUNBUFFERED": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"}


def secrets(environ: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return those of the declared secrets that the caller has."""
    return {name: environ[name] for name in names if environ.get(name)}


def logins(environ: Mapping[str, str], clouds: Iterable[str]) -> dict[str, str]:
    """Return the caller's own log-in to these clouds; what lies in the home folder is seen anyway."""
    prefixes = tuple(prefix for cloud in clouds for prefix in LOGINS[cloud])
    return {name: value for name, value in environ.items() if prefixes and name.startswith(prefixes)}


def secret_values(variables: Mapping[str, str]) -> list[str]:
    """Return those values of a log-in that no log may show."""
    return [text for name, text in variables.items() if _SECRET_NAME.search(name) and not _PATH_NAME.search(name)]


def _belongs_to_machine(name: str) -> bool:
    return name not in NEVER and (name in NAMES or name.startswith(PREFIXES))
