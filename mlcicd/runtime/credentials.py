"""Log in to the clouds of `data.credentials` with the job's own identity (OIDC): nothing is stored, all ends with us.

The job's token is made out to one cloud and lies in a file that only this user can read. The exchange for short-lived
keys is made by the cloud's own library in the program that needs them, so no key of a cloud passes through mlcicd.
What makes such tokens is kept from the project's programs: training needs this cloud, not tokens for another. That is
no wall against a program that goes looking (one user's processes can read each other); the wall is the cloud's trust
policy, which `mlcicd plan --trust` prints.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from mlcicd.config.data import Aws, Azure, Credentials, Gcp
from mlcicd.config.fields import Cloud
from mlcicd.config.identity import audience
from mlcicd.errors import OutsideError
from mlcicd.runtime import ci, process

if TYPE_CHECKING:
    from mlcicd.runtime.project import Project

Say = Callable[[str], None]
# Tokens live for five minutes or more, and a long training may log in again at any time.
RENEW = 200.0  # seconds
RENEW_AFTER_FAILURE = 20.0  # seconds
# What a cloud's library would use before the identity: a machine's own keys are not the role that was asked for.
_BEFORE: Mapping[Cloud, frozenset[str]] = {
    "aws": frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"}),
    "gcp": frozenset({"GOOGLE_APPLICATION_CREDENTIALS"}),
    "azure": frozenset({"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_USERNAME", "AZURE_PASSWORD"}),
}

_OLD_FILES = "the job was generated without this cloud: run `mlcicd generate`, and commit what it writes"
_TOKEN = re.compile(r"[A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+){2}")


@dataclass(frozen=True, kw_only=True)
class _Login:
    """One cloud: whom the token is for, and the file it lies in."""

    cloud: Cloud
    audience: str
    file: Path


@contextlib.contextmanager
def logged_in(
    project: Project, environ: Mapping[str, str], say: Say = lambda line: None, *, required: bool = True
) -> Iterator[dict[str, str]]:
    """Give the environment of the project's programs with the log-in of every cloud under `data.credentials`.

    Outside CI, and in the embedded engine, nothing is added: the person's own log-in is used. The files are removed
    at the end; until then their tokens are renewed before they expire.

    Args:
        project: the project.
        environ: the environment of its programs.
        say: shows one line.
        required: without a token fail; else say why there is none and go on without.

    Raises:
        OutsideError: when the CI system gives no token.
    """
    kept = dict(environ)
    credentials = project.config.data.credentials if project.config.data else Credentials()
    identity = ci.identity(os.environ)
    if not credentials.clouds:
        yield kept
    elif not (identity.mint or identity.tokens or identity.missing):
        say(f"{', '.join(credentials.clouds)}: this is no CI job, so your own log-in is used")
        yield kept
    else:
        with process.stoppable(), _folder() as folder:
            logins = [
                _Login(cloud=one, audience=audience(one, credentials), file=folder / one) for one in credentials.clouds
            ]
            if _obtained(logins, identity, say, required=required):
                with _kept_fresh(logins, identity):
                    yield _with_logins(kept, credentials, logins, say)
            else:
                yield kept


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder that only this user can look into, outside the repository."""
    folder = Path(tempfile.mkdtemp(prefix="mlcicd-login-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _obtained(logins: Sequence[_Login], identity: ci.Identity, say: Say, *, required: bool) -> bool:
    """Get every token; where none is required, tell whether there are any."""
    try:
        for login in logins:
            _write(login.file, _token(login, identity))
    except OutsideError as error:
        if required:
            raise
        say(f"no log-in to {', '.join(login.cloud for login in logins)}: {error.message}")
        return False
    return True


def _with_logins(
    environ: dict[str, str], credentials: Credentials, logins: Sequence[_Login], say: Say
) -> dict[str, str]:
    for login in logins:
        environ = {name: value for name, value in environ.items() if name not in _BEFORE[login.cloud]}
    for login in logins:
        section = getattr(credentials, login.cloud)
        who, added = _VARIABLES[login.cloud](section, login.file)
        environ |= added
        say(f"{login.cloud}: {who}, with this job's own identity")
    return environ


def _aws(section: Aws, file: Path) -> tuple[str, dict[str, str]]:
    run = ci.detect(os.environ).run
    region = {"AWS_REGION": section.region, "AWS_DEFAULT_REGION": section.region} if section.region else {}
    return f"role {section.role}", {
        "AWS_ROLE_ARN": section.role,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(file),
        "AWS_ROLE_SESSION_NAME": f"mlcicd-{run}" if run else "mlcicd",
        **region,
    }


def _gcp(section: Gcp, file: Path) -> tuple[str, dict[str, str]]:
    account = f"projects/-/serviceAccounts/{section.service_account}"
    settings = {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{section.provider}",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "service_account_impersonation_url": f"https://iamcredentials.googleapis.com/v1/{account}:generateAccessToken",
        "credential_source": {"file": str(file), "format": {"type": "text"}},
    }
    path = file.with_suffix(".json")
    path.write_text(json.dumps(settings), encoding="utf-8")
    return f"service account {section.service_account}", {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}


def _azure(section: Azure, file: Path) -> tuple[str, dict[str, str]]:
    return f"application {section.client}", {
        "AZURE_CLIENT_ID": section.client,
        "AZURE_TENANT_ID": section.tenant,
        "AZURE_FEDERATED_TOKEN_FILE": str(file),
    }


_VARIABLES: Mapping[Cloud, Callable[..., tuple[str, dict[str, str]]]] = {"aws": _aws, "gcp": _gcp, "azure": _azure}


@contextlib.contextmanager
def _kept_fresh(logins: Sequence[_Login], identity: ci.Identity) -> Iterator[None]:
    """Renew tokens that can be renewed; those that the CI system handed over live as long as the job."""
    if not identity.mint:
        yield
        return
    stop, writing = threading.Event(), threading.Lock()
    thread = threading.Thread(target=_renew_until, args=(stop, writing, logins, identity), daemon=True)
    thread.start()
    try:
        yield
    finally:
        with writing:  # after this nothing is written, so nothing is left behind
            stop.set()


def _renew_until(
    stop: threading.Event, writing: threading.Lock, logins: Sequence[_Login], identity: ci.Identity
) -> None:
    pause = RENEW
    while not stop.wait(pause):
        try:
            tokens = [_token(login, identity) for login in logins]
        except OutsideError:  # the token before it may still do; who needs it then says that it has expired
            pause = RENEW_AFTER_FAILURE
            continue
        with writing:
            if stop.is_set():
                return
            for login, token in zip(logins, tokens, strict=True):
                _write(login.file, token)
        pause = RENEW


def _token(login: _Login, identity: ci.Identity) -> str:
    return identity.tokens.get(login.cloud) or _mint(login, identity)


def _write(file: Path, token: str) -> None:
    """Replace the file as a whole: whoever reads it at this moment gets the old token or the new one."""
    scratch = file.with_suffix(".new")
    scratch.touch(mode=0o600)
    scratch.write_text(token, encoding="utf-8")
    scratch.replace(file)


def _mint(login: _Login, identity: ci.Identity) -> str:
    """Ask the CI system for a token made out to this cloud; a failure that may pass is tried again.

    Raises:
        OutsideError: when it gives none.
    """
    from mlcicd.runtime.forges.http import Client

    if not identity.mint:
        raise OutsideError(
            f"data.credentials.{login.cloud}: this job has no identity token", hint=identity.missing or _OLD_FILES
        )
    parts = urlsplit(identity.mint)
    client = Client(api=f"{parts.scheme}://{parts.netloc}", headers={"Authorization": f"Bearer {identity.bearer}"})
    query = f"{parts.query}&" * bool(parts.query) + f"audience={quote(login.audience, safe='')}"
    try:
        answer = client.get(f"{parts.path}?{query}").body
    except OutsideError as error:
        raise OutsideError(
            f"data.credentials.{login.cloud}: the CI system gave no identity token for {login.audience}",
            detail=error.message,
            hint="run the job again; if it stays so, the CI system's status page tells",
        ) from None
    token = answer.get("value") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise OutsideError(
            f"data.credentials.{login.cloud}: what the CI system answered for {login.audience} is no token",
            hint="run the job again",
        )
    return token
