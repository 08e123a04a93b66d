"""The newest release of an action, as the API of the forge that keeps it says."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mlcicd import yamlio
from mlcicd.errors import OutsideError
from mlcicd.pins import Pin
from mlcicd.runtime.forges.http import Client, Refusal

_COMMIT = re.compile(r"[0-9a-f]{40}")
_TAG = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+")


def client(environ: Mapping[str, str]) -> Client:
    """Return access to the API where actions are released; a token only raises its limit of requests."""
    token = environ.get("GITHUB_TOKEN", "")
    return Client(
        api=(environ.get("GITHUB_API_URL") or "https://api.github.com").rstrip("/"),
        headers={"Accept": "application/vnd.github+json", **({"Authorization": f"Bearer {token}"} if token else {})},
        certificates=environ.get("SSL_CERT_FILE", ""),
    )


def newest(api: Client, action: str) -> Pin:
    """Return the newest release of an action, the commit of its tag, and the runtime it asks for there.

    Raises:
        OutsideError: when the API does not answer, or with something else.
    """
    tag = str(_ask(api, f"/repos/{action}/releases/latest").get("tag_name"))
    if not _TAG.fullmatch(tag):
        raise OutsideError(f"{action}: its newest release is called {tag[:60]!r}, which is no version such as v1.2.3")
    commit = _commit(api, action, tag)
    return Pin(action=action, version=tag, commit=commit, runtime=_runtime(api, action, commit))


def _commit(api: Client, action: str, tag: str) -> str:
    """Follow the tag; an annotated one is an object of its own that points on."""
    target = _ask(api, f"/repos/{action}/git/ref/tags/{quote(tag)}").get("object")
    for _ in range(3):
        kind, sha = _target(target)
        if not _COMMIT.fullmatch(sha):
            break
        if kind == "commit":
            return sha
        target = _ask(api, f"/repos/{action}/git/tags/{sha}").get("object")
    raise OutsideError(f"{action}: the tag {tag} leads to no commit", hint="is this the address of the forge's API?")


def _target(target: Any) -> tuple[str, str]:
    fields = target if isinstance(target, dict) else {}
    return str(fields.get("type")), str(fields.get("sha"))


def _runtime(api: Client, action: str, commit: str) -> str:
    text = _file(api, action, commit, "action.yml") or _file(api, action, commit, "action.yaml")
    try:
        runtime = yamlio.load_foreign(text)["runs"]["using"]
    except (yamlio.Unreadable, KeyError, TypeError):
        runtime = None
    if not isinstance(runtime, str):
        raise OutsideError(f"{action}: its action.yml at {commit} does not say what runs it")
    return runtime


def _file(api: Client, action: str, commit: str, name: str) -> str:
    try:
        encoded = _ask(api, f"/repos/{action}/contents/{name}?ref={commit}").get("content")
        return base64.b64decode(str(encoded)).decode("utf-8")
    except Missing:
        return ""
    except (binascii.Error, UnicodeDecodeError):
        raise OutsideError(f"{action}: its {name} at {commit} is not readable") from None


class Missing(OutsideError):
    """The API knows no such thing."""


def _ask(api: Client, path: str) -> Mapping[str, Any]:
    try:
        return api.get(path).fields
    except Refusal as refusal:
        kind = Missing if refusal.status == 404 else OutsideError
        if refusal.limited or refusal.status in (401, 403):
            hint = "set GITHUB_TOKEN (a token without any right raises the limit of requests), or use `--from FILE`"
        else:
            hint = "is GITHUB_API_URL the address of the API where the action is released? or use `--from FILE`"
        raise kind(refusal.message, hint=hint) from None
