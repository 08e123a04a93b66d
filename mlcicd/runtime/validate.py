"""`validate`: run Great Expectations checkpoints by name, in one child process of the project's Python."""

from __future__ import annotations

import difflib
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from mlcicd.errors import MlcicdError, OutsideError, Refused, UsageError
from mlcicd.runtime import facts, process
from mlcicd.runtime import project as projects
from mlcicd.runtime.facts import Checkpoint, Expectation, ValidateFacts
from mlcicd.runtime.project import Project

CHILD = Path(__file__).with_name("gx_child.py")
INSTALL = "uv pip install 'great-expectations>=1.18,<2'"
_HAS_GX = "import importlib.util, sys; sys.exit(importlib.util.find_spec('great_expectations') is None)"
# What a page would load from elsewhere, and the scripts that need it.
_REMOTE = (
    re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE),
    re.compile(r"<(?:link|img|iframe|source)\b[^>]*>", re.IGNORECASE),
    re.compile(r"@import[^;]*;", re.IGNORECASE),
    re.compile(r"url\([^)]*//[^)]*\)", re.IGNORECASE),
)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def run(project: Project, names: Sequence[str], say: Callable[[str], None]) -> ValidateFacts:
    """Run checkpoints and leave `.mlcicd/validate.json`, `validate/junit.xml` and `validate/docs/`.

    Args:
        project: the project.
        names: checkpoints; those of the configuration when there are none.
        say: shows one line.

    Raises:
        Refused: when the data is not valid.
        OutsideError: when a checkpoint could not be run.
        UsageError: when a checkpoint does not exist.
    """
    facts.forget("validate")
    began = time.monotonic()
    try:
        results = _results(project, _names(project, names))
    except MlcicdError as error:
        _leave((), time.monotonic() - began, error.message)
        raise
    checkpoints = tuple(map(_checkpoint, results))
    found = _leave(checkpoints, time.monotonic() - began)
    _write_docs([(result["name"], result.get("page") or "") for result in results])
    for line in summary(found):
        say(line)
    _judge(found, [result for result in results if result.get("error") and not result.get("unreadable")])
    return found


def offline(page: str) -> str:
    """Take everything out of a page that a browser would load from elsewhere, or run."""
    for pattern in _REMOTE:
        page = pattern.sub("", page)
    return page


def summary(found: ValidateFacts) -> list[str]:
    """Return the outcome in lines for a terminal: one for each checkpoint and each expectation not met."""
    lines = []
    for checkpoint in found.checkpoints:
        met = sum(expectation.success for expectation in checkpoint.expectations)
        rows = f", {checkpoint.rows:,} rows" if checkpoint.rows >= 0 else ""
        count = f"{met} of {len(checkpoint.expectations)} expectations met{rows}: " if checkpoint.expectations else ""
        state = checkpoint.error or ("valid" if checkpoint.success else "not valid")
        lines.append(f"{checkpoint.name} ({checkpoint.asset or 'no data'}): {count}{state}")
        lines += [f"  {_told(failed)}" for failed in checkpoint.expectations if not failed.success]
    return [*lines, f"validated in {found.seconds:.1f} s"]


def junit(found: ValidateFacts) -> bytes:
    """Return the outcome as JUnit XML: a suite for each checkpoint, a case for each expectation."""
    top = ElementTree.Element("testsuites", name="validate")
    for checkpoint in found.checkpoints:
        suite = ElementTree.SubElement(top, "testsuite", name=_clean(checkpoint.name))
        if checkpoint.error:
            case = ElementTree.SubElement(suite, "testcase", classname=_clean(checkpoint.name), name="data")
            ElementTree.SubElement(case, "failure", message=_clean(checkpoint.error))
        for expectation in checkpoint.expectations:
            name = " ".join(filter(None, (expectation.column, expectation.type, expectation.expected)))
            case = ElementTree.SubElement(suite, "testcase", classname=_clean(checkpoint.name), name=_clean(name))
            if not expectation.success and expectation.severity == "critical":
                ElementTree.SubElement(case, "failure", message=_clean(_told(expectation)))
            elif not expectation.success:
                ElementTree.SubElement(case, "system-out").text = _clean(_told(expectation))
        suite.set("tests", str(len(suite.findall("testcase"))))
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
    return bytes(ElementTree.tostring(top, encoding="utf-8", xml_declaration=True))


def _names(project: Project, names: Sequence[str]) -> list[str]:
    configured = project.config.validate_.checkpoints if project.config.validate_ else ()
    if not (names or configured):
        raise UsageError(
            "no checkpoint to run", hint="name it: --checkpoint NAME, or validate.checkpoints in mlcicd.yaml"
        )
    return list(dict.fromkeys(names or configured))


def _results(project: Project, names: Sequence[str]) -> list[dict[str, Any]]:
    environ = project.environ()
    python = _python(project.root, environ)
    with tempfile.TemporaryDirectory(prefix="mlcicd-") as folder:
        path = Path(folder) / "result.json"
        request = json.dumps({"checkpoints": names, "result": str(path)})
        answer = process.ask([python, str(CHILD)], cwd=project.root, environ=environ, stdin=request)
        if not path.is_file():
            # What it printed may hold values of the data, so only the kind of error is shown.
            last = next((line for line in reversed(answer.err.splitlines()) if line.strip()), "")
            raise OutsideError(
                f"great_expectations ended with exit status {answer.exit} ({last.split(':')[0] or 'no output'})",
                hint=f"try it: {python} -c 'import great_expectations'",
            )
        found = json.loads(path.read_text("utf-8"))
    if "refused" in found:
        raise _refusal(found)
    results: list[dict[str, Any]] = found["results"]
    return results


def _python(root: Path, environ: Mapping[str, str]) -> str:
    """Return the first interpreter that has great_expectations: the project's, then mlcicd's own.

    Raises:
        OutsideError: when there is none.
    """
    own = projects.program("python", environ) or projects.program("python3", environ)
    tried = [*([str(own)] if own else []), sys.executable]
    for python in tried:
        if process.ask([python, "-c", _HAS_GX], cwd=root, environ=environ).exit == 0:
            return python
    raise OutsideError(
        "great_expectations is not installed: neither in the project's .venv nor beside mlcicd",
        hint=f"add it to the project's environment: {INSTALL}",
        detail="\n".join(f"asked {python}" for python in tried),
    )


def _refusal(found: Mapping[str, Any]) -> MlcicdError:
    message, known = found["message"], found["known"]
    if found["refused"] == "unknown":
        close = difflib.get_close_matches(message, known, n=1)
        guess = f" — did you mean '{close[0]}'?" if close else ""
        there = ", ".join(known) or "none"
        return UsageError(f"checkpoint '{message}' does not exist{guess}", hint=f"those that exist in gx/: {there}")
    if found["refused"] == "absent":
        return UsageError(message, hint="run this where gx/ is (project.root), or make one with great_expectations")
    return UsageError(
        f"the Great Expectations project in gx/ cannot be used: {message}",
        hint="correct its great_expectations.yml, or the file below checkpoints/, validation_definitions/ or "
        "expectations/ that this is about",
    )


def _checkpoint(result: Mapping[str, Any]) -> Checkpoint:
    expectations = tuple(Expectation(**entry) for entry in result.get("expectations") or ())
    rows = int(result.get("rows", -1))
    error = result.get("error") or ("no rows: every check of nothing passes" if rows == 0 else "")
    broken = [entry for entry in expectations if not entry.success and entry.severity == "critical"]
    return Checkpoint(
        name=result["name"],
        success=not (error or broken),
        suite=result.get("suite", ""),
        asset=result.get("asset", ""),
        rows=rows,
        expectations=expectations,
        error=error,
    )


def _leave(checkpoints: Sequence[Checkpoint], seconds: float, error: str = "") -> ValidateFacts:
    success = not error and all(checkpoint.success for checkpoint in checkpoints)
    found = ValidateFacts(success=success, checkpoints=tuple(checkpoints), seconds=round(seconds, 3), error=error)
    facts.write(found, "validate")
    path = facts.FOLDER / "validate" / "junit.xml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(junit(found))
    return found


def _write_docs(pages: Iterable[tuple[str, str]]) -> None:
    folder = facts.FOLDER / "validate" / "docs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.html"):
        old.unlink()
    for number, (name, page) in enumerate(pages, start=1):
        if page:
            safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name)
            (folder / f"{number}-{safe}.html").write_text(offline(page), encoding="utf-8")


def _judge(found: ValidateFacts, unreached: Sequence[Mapping[str, Any]]) -> None:
    """Raise when the data is not valid, or could not be looked at."""
    for result in unreached:
        raise OutsideError(
            f"checkpoint {result['name']}: {result['error']}",
            hint="is the data here? `mlcicd data --for validate` fetches it; paths are relative to project.root",
        )
    if not found.success:
        bad = [checkpoint.name for checkpoint in found.checkpoints if not checkpoint.success]
        raise Refused(
            f"the data is not valid: {', '.join(dict.fromkeys(bad))}",
            hint=f"what was not met is above, and page by page in {facts.FOLDER / 'validate' / 'docs'}",
        )


def _told(expectation: Expectation) -> str:
    where = f"{expectation.column}: " if expectation.column else ""
    asked = f" ({expectation.expected})" if expectation.expected else ""
    seen = expectation.error or expectation.observed
    return f"{expectation.severity}: {where}{expectation.type}{asked}" + (f": {seen}" if seen else "")


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
