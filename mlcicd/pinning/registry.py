"""The digest of an image's tag, as its registry says (the OCI distribution API), without any credentials.

An image without a host in its name comes from a registry that every container program knows and this one does not: it
is asked only where it is named.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit

import urllib3

from mlcicd.errors import OutsideError, UsageError
from mlcicd.runtime.forges.http import connections

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_LIMIT = 256 * 1024
_TRIES = 3
# An index first: its digest stands for the image on every kind of processor.
_ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


Answer = tuple[int, Mapping[str, str], bytes]
Ask = Callable[[str, str, Mapping[str, str]], Answer]


class Unnamed(UsageError):
    """Nothing says which registry an image comes from."""


def digest(image: str, registry: str, timeout: float = 20) -> str:
    """Return `sha256:…` of an image's tag.

    Args:
        image: name and tag, such as `python:3.12` or `registry.example/team/train:1`.
        registry: base address for images without a host in their name, such as `https://registry.example`; or "".
        timeout: seconds for each request.

    Raises:
        Unnamed: when nothing says which registry to ask.
        UsageError: when what says it is no address.
        OutsideError: when it does not answer, or with something else.
    """
    base, repository, tag = _address(image, registry)
    manifest = f"{base}/v2/{repository}/manifests/{tag}"
    with connections(base, "") as pool:
        ask = functools.partial(_request, pool, image, urllib3.Timeout(timeout))
        status, told, _ = ask("HEAD", manifest, {"Accept": _ACCEPT})
        if status == 401:
            token = _token(ask, told.get("WWW-Authenticate", ""), base, repository, image)
            status, told, _ = ask("HEAD", manifest, {"Accept": _ACCEPT, "Authorization": f"Bearer {token}"})
    found = told.get("Docker-Content-Digest", "")
    if status != 200 or not _DIGEST.fullmatch(found):
        said = f"HTTP {status}" if status != 200 else "it names no digest"
        raise OutsideError(f"{image}: {base} does not tell its digest: {said}", hint=by_hand(image))
    return found


def by_hand(image: str) -> str:
    """Say how a person finds the digest out, with the log-in that they have."""
    return f"`crane digest {image}` or `docker buildx imagetools inspect {image}` prints it; write it under tool.pins"


def _address(image: str, registry: str) -> tuple[str, str, str]:
    """Return base address, repository and tag. A name's first part is a host when it looks like one."""
    name, _, tag = image.rpartition(":") if ":" in image.rpartition("/")[2] else (image, "", "latest")
    host, _, rest = name.partition("/")
    if rest and ("." in host or ":" in host or host == "localhost"):
        return f"https://{host}" if not _is_here(host) else f"http://{host}", rest, tag
    if not registry:
        raise Unnamed(f"{image}: its name has no registry, and --registry names none", hint=by_hand(image))
    if urlsplit(registry).scheme not in ("https", "http") or not urlsplit(registry).netloc:
        raise UsageError(f"--registry {registry[:100]}: must be an address such as https://registry.example")
    # Images of one word are kept under this name.
    return registry.rstrip("/"), name if "/" in name else f"library/{name}", tag


def _is_here(host: str) -> bool:
    return host.partition(":")[0] in ("localhost", "127.0.0.1")


def _token(ask: Ask, challenge: str, base: str, repository: str, image: str) -> str:
    """Get what lets anybody read, where the registry said that one gets it."""
    scheme, _, rest = challenge.partition(" ")
    asked = dict(_PARAMETER.findall(rest))
    realm = asked.get("realm", "")
    if scheme.lower() != "bearer" or urlsplit(realm).scheme not in ("https", urlsplit(base).scheme):
        raise OutsideError(f"{image}: {base} wants a log-in that mlcicd does not have", hint=by_hand(image))
    query = {"scope": asked.get("scope") or f"repository:{repository}:pull"}
    query |= {"service": asked["service"]} if "service" in asked else {}
    status, _, body = ask("GET", f"{realm}?{urlencode(query)}", {})
    try:
        fields = json.loads(body)
        token = str(fields.get("token") or fields["access_token"])
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        token = ""
    if status != 200 or not re.fullmatch(r"[!-~]+", token):
        raise OutsideError(f"{image}: {urlsplit(realm).netloc} gives no token: HTTP {status}", hint=by_hand(image))
    return token


def _request(
    pool: urllib3.PoolManager,
    image: str,
    timeout: urllib3.Timeout,
    method: str,
    address: str,
    headers: Mapping[str, str],
) -> Answer:
    """Return status, headers and the beginning of the body; what may pass is asked again."""
    for attempt in range(1, _TRIES + 1):
        last = attempt == _TRIES
        try:
            answer = pool.request(
                method,
                address,
                headers={"User-Agent": "mlcicd", **headers},
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            body = answer.read(_LIMIT)
            answer.close()
        except urllib3.exceptions.HTTPError as error:
            if last:
                raise OutsideError(
                    f"{image}: {urlsplit(address).netloc} does not answer: {type(error).__name__}",
                    hint="is the registry reachable from here? or use `--from FILE`",
                ) from None
            continue
        if last or answer.status < 500:
            return answer.status, answer.headers, body
    raise AssertionError("unreachable")
