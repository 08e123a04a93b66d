"""Blocks of the report by templates of the team's own (`report.templates`), always as the base commit has them.

A change must not lay out what is said about it, and who posts the report has no checkout. So templates are read from
the base: by git, or through the forge. Where one cannot be used the block is laid out as if there were none, and that
is said.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mlcicd.config import load
from mlcicd.config.model import Config
from mlcicd.errors import MlcicdError, OutsideError, UsageError
from mlcicd.runtime import base as bases
from mlcicd.runtime.markdown import Words, clean
from mlcicd.runtime.report import words
from mlcicd.runtime.report.model import Notice, Report
from mlcicd.runtime.report.shorten import notice

if TYPE_CHECKING:
    from mlcicd.runtime.settle import Place

MAX_BYTES = 32 * 1024  # of one template
SECONDS = 60.0  # for all; each has a limit of its own, in the child
CHILD = "mlcicd.runtime.report.custom_child"
# The child gets what an interpreter may need to start, and nothing else of the environment.
_KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

Side = tuple[str, str | None]  # a template's path, and its text where there is one
Show = Callable[[str], bytes | None]  # content of a file by its path, None when it is not there


@dataclass(frozen=True, kw_only=True)
class Template:
    """A template: where it lies in the repository, and its text."""

    path: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """Templates by block, and why others are not among them."""

    templates: Mapping[str, Template] = field(default_factory=dict)
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Own:
    """Blocks that templates laid out (an empty one is left out), and which templates could not be used, and why."""

    blocks: Mapping[str, Words] = field(default_factory=dict)
    failures: tuple[str, ...] = ()


def find(config: str, show: Show) -> Found:
    """Return the templates that a configuration names; both are read with `show`.

    Args:
        config: path of the configuration, where `show` counts from.
        show: reads; what it raises about one template becomes a failure.

    Raises:
        MlcicdError: when the configuration cannot be read.
    """
    raw = show(config)
    return Found() if raw is None else _named(load.parse(_decoded(raw), config), show)


def at_commit(sha: str, config: Path) -> Found:
    """Return the templates of a commit in the repository of the working directory, as its configuration names them.

    A configuration that cannot be read has none; the report says so anyway, for its gates.
    """
    try:
        return find(os.path.relpath(config), partial(bases.show, Path(), sha)) if sha else Found()
    except MlcicdError:
        return Found()


def through_forge(place: Place, config: str) -> Found:
    """Return the templates at the base of a change, asked of the forge."""
    try:
        sha = _base(place)
        return find(config, partial(_asked, place, sha))
    except MlcicdError as error:
        return Found(failures=(_said(config, error),))


def _asked(place: Place, sha: str, path: str) -> bytes:
    from mlcicd.runtime.forges.http import Refusal

    try:
        return place.forge.file(place.client, place.ci.project, path, sha, max(load.MAX_BYTES, MAX_BYTES))
    except Refusal as refusal:
        if refusal.status in (401, 403, 404):
            raise OutsideError(f"not readable at the base commit {sha[:7]} (HTTP {refusal.status})") from None
        raise


def here(config: Path) -> Found:
    """Return the templates as they lie in the working directory, to try them.

    Raises:
        UsageError: when the configuration or one of them cannot be read.
    """
    found = _named(load.load(config), _on_disk)
    _refuse(found.failures)
    return found


def lay_out(report: Report, found: Found) -> Own:
    """Return what the templates make of a report."""
    if not found.templates:
        return Own(failures=found.failures)
    request = {
        "report": report.model_dump(),
        "templates": {block: template.text for block, template in found.templates.items()},
        "icons": words.ICONS,
    }
    try:
        texts, failures = _ask(json.dumps(request))
    except OutsideError as error:
        texts, failures = {}, dict.fromkeys(found.templates, f": {error.message}")
    said = [f"{found.templates[block].path}{why}" for block, why in failures.items()]
    return Own(blocks={block: Words(text) for block, text in texts.items()}, failures=(*found.failures, *said))


def tried(report: Report, config: Path) -> Mapping[str, Words]:
    """Return what the templates in the working directory make of a report.

    Raises:
        UsageError: when one of them cannot be used.
    """
    own = lay_out(report, here(config))
    _refuse(own.failures)
    return own.blocks


def failed(own: Own) -> list[Notice]:
    """Say which templates could not be used."""
    return [notice("templates", *map(_line, own.failures))] if own.failures else []


def altered(config: Config, base: str, at_base: Found) -> list[Notice]:
    """Say which templates a change alters: they count once they are on the base branch."""
    now = {block: (path, _quietly(path)) for block, path in _paths(config).items()}
    then = {block: (template.path, template.text) for block, template in at_base.templates.items()}
    different = [block for block in {**now, **then} if now.get(block) != then.get(block)]
    said = [_altered(now.get(block), then.get(block), known=bool(base)) for block in different]
    return [notice("templates", *said)] if said else []


def _altered(now: Side | None, then: Side | None, *, known: bool) -> str:
    path, _ = then or now or ("", None)
    if then:
        return f"{path}: changed here, the base's is used"
    why = "the base does not have it" if known else "there is no base commit to read it from"
    return f"{path}: not used, for {why}"


def _named(config: Config, show: Show) -> Found:
    found, failures = {}, []
    for block, path in _paths(config).items():
        try:
            found[block] = Template(path=path, text=_text(show(path)))
        except MlcicdError as error:
            failures.append(_said(path, error))
    return Found(templates=found, failures=tuple(failures))


def _paths(config: Config) -> dict[str, str]:
    """Return where the templates lie, from the repository's top."""
    named = config.report.templates.items()
    return {block: posixpath.normpath(posixpath.join(config.project.root, path)) for block, path in named}


def _text(raw: bytes | None) -> str:
    if raw is None:
        raise UsageError("not there")
    if len(raw) > MAX_BYTES:
        raise UsageError(f"larger than {MAX_BYTES:,} bytes")
    return _decoded(raw)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("not UTF-8 text") from None


def _on_disk(path: str) -> bytes:
    try:
        with Path(path).open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(error.strerror or "cannot be read") from None


def _quietly(path: str) -> str | None:
    try:
        return _text(_on_disk(path))
    except UsageError:
        return None


def _base(place: Place) -> str:
    """Return the commit that a change is compared with, by the word of the run's event, or else of the forge.

    Raises:
        OutsideError: when neither tells.
    """
    known = [revision for revision in place.ci.base if _SHA.fullmatch(revision)]
    told = known[0] if known else place.forge.change(place.client, place.ci.project, place.change).base
    if not _SHA.fullmatch(told):
        raise OutsideError("the base commit is not known")
    return told


def _ask(request: str) -> tuple[dict[str, str], dict[str, str]]:
    """Let the child lay out; return its texts, and its reasons as they stand behind a path.

    Raises:
        OutsideError: when it does not answer.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", CHILD],
            input=request,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise OutsideError(f"not laid out within {SECONDS:.0f} s") from None
    except OSError as error:
        raise OutsideError(f"not laid out: {error}") from None
    if done.returncode:
        raise OutsideError(f"not laid out: the process for it ended with exit status {done.returncode}")
    answer = json.loads(done.stdout)
    return answer["texts"], answer["failures"]


def _said(path: str, error: MlcicdError) -> str:
    said = (error.detail or error.message).splitlines()[0]
    return said if said.startswith(f"{path}:") else f"{path}: {said}"


def _line(failure: str) -> str:
    return clean(failure, 300)


def _refuse(failures: tuple[str, ...]) -> None:
    if failures:
        raise UsageError(
            f"report.templates: {_line(failures[0])}",
            hint="docs/report-templates.md says what a template may hold and what it sees",
            detail="\n".join(map(_line, failures[1:])),
        )
