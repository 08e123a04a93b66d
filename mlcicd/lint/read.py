"""From paths to documents: whatever a file is, it becomes a document or a finding that says why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlcicd import secrets
from mlcicd.lint.document import Document, guess, read
from mlcicd.lint.find import Target, included
from mlcicd.lint.model import Finding
from mlcicd.yamlio import Place, Unreadable

MAX_BYTES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Files:
    """What was read.

    Attributes:
        documents: by name, as the user would write it.
        paths: where each file is, by name, the unreadable ones too.
        unreadable: why the others could not be read.
    """

    documents: Mapping[str, Document]
    paths: Mapping[str, Path]
    unreadable: tuple[Finding, ...] = ()


def files(targets: Iterable[Target]) -> Files:
    """Read every target, and what pipelines include; what cannot be read is a finding, never the end."""
    documents: dict[str, Document] = {}
    paths: dict[str, Path] = {}
    unreadable: list[Finding] = []
    waiting = list(targets)  # grows by what is included
    for target in waiting:
        found = None if target.name in paths else _read(target)
        if found:
            paths[target.name] = target.path
        if isinstance(found, Document):
            documents[target.name] = found
            waiting += included(_includes(found), target.top) if target.top else ()
        elif found:
            unreadable.append(found)
    return Files(documents=documents, paths=paths, unreadable=tuple(unreadable))


def _includes(doc: Document) -> list[str]:
    """The files of its own repository that a pipeline includes."""
    include = doc.root.get("include")
    found = list(include) if include.is_sequence else [include]
    names = [one.text or one.get("local").text for one in found]
    return [name for name in names if name and "://" not in name]


def _read(target: Target) -> Document | Finding | None:
    """Return the document, why there is none, or None for what was found in a folder and is no CI file."""
    text = ""
    try:
        text = _text(target.path)
        doc = read(target.name, text, target.kind) if target.kind else guess(target.name, text)
    except Unreadable as error:
        # Braces belong to another tool's templates, such as a Helm chart's.
        is_foreign = target.kind is None and not target.named and "{{" in text
        return None if is_foreign else _unreadable(target.name, text, error)
    if doc or not target.named:
        return doc
    reason = "is no workflow, action, GitLab pipeline or dependabot file"
    return _finding(target.name, "", Place(line=1, column=1), reason, "name CI files, or a repository's top folder")


def _text(path: Path) -> str:
    """Read a file, with the line ends that it has.

    Raises:
        Unreadable: when it is no text, or no file.
    """
    start = Place(line=1, column=1)
    try:
        if not path.is_file():
            raise Unreadable("it is a folder, a device, or a link to nothing", start)
        if path.stat().st_size > MAX_BYTES:
            raise Unreadable(f"it is larger than {MAX_BYTES // 1_000_000} MB", start)
        raw = path.read_bytes()
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise Unreadable("it is not UTF-8", Place(line=line, column=column)) from None
    except OSError as error:
        raise Unreadable(error.strerror or "it cannot be read", start) from None


def _unreadable(name: str, text: str, error: Unreadable) -> Finding:
    lines = text.splitlines()
    source = secrets.hide(lines[error.place.line - 1], {}) if error.place.line <= len(lines) else ""
    remedy = "repair the file: nothing in it was judged"
    return _finding(name, source, error.place, f"cannot be judged: {error.reason}", remedy)


def _finding(name: str, source: str, place: Place, message: str, remedy: str) -> Finding:
    return Finding(
        rule="M0",
        severity="error",
        path=name,
        line=place.line,
        column=place.column,
        end_column=place.column + 1,
        message=message,
        remedy=remedy,
        source_line=source,
    )
