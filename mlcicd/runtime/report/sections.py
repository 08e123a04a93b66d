"""Texts that the project's own pipeline adds to the report, read as text: they are anybody's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlcicd import secrets
from mlcicd.runtime.project import Project
from mlcicd.runtime.report.model import MAX_LINES, MAX_SECTIONS, MAX_TEXT, Notice, Section
from mlcicd.runtime.report.shorten import text

MAX_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class Added:
    """What was read, and what the reader of the report has to know about the rest."""

    sections: tuple[Section, ...] = ()
    notices: tuple[Notice, ...] = ()


def read(project: Project) -> Added:
    """Read the files of `report.sections`, secrets hidden; one that training did not write is left out."""
    environ = project.environ()
    found, failed = [], []
    files = project.config.report.sections
    for file in files[:MAX_SECTIONS]:
        try:
            with (project.root / file).open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
        except FileNotFoundError:
            continue
        except OSError as error:
            failed.append(f"{file}: {error.strerror}")
            continue
        found.append(Section(name=text(file), lines=_lines(raw, environ)))
    failed += [f"{file}: only {MAX_SECTIONS} files are shown" for file in files[MAX_SECTIONS:]]
    notice = Notice(kind="sections", names=tuple(text(reason) for reason in failed[:20]))
    return Added(sections=tuple(found), notices=(notice,) if failed else ())


def _lines(raw: bytes, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the lines, at most `MAX_BYTES` of them; the last line says when there were more."""
    whole = raw[:MAX_BYTES].decode("utf-8", "replace").splitlines()
    cut = len(raw) > MAX_BYTES or len(whole) > MAX_LINES
    kept = whole[: MAX_LINES - 1] if cut else whole
    scrubbed = [text(line, MAX_TEXT) for line in secrets.lines(kept, environ)]
    return (*scrubbed, "…") if cut else tuple(scrubbed)
