"""What `validate` leaves beside its facts: lines for a terminal, JUnit XML, a markdown block, pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from mlcicd.runtime.facts import Checkpoint, Expectation, ValidateFacts
from mlcicd.runtime.markdown import clean, code

MAX_ROWS = 50  # of the markdown block
MOST_IN_LINE = 1000  # characters of a line for a terminal
# What a page would load from elsewhere, and the scripts that need it.
_REMOTE = (
    re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE),
    re.compile(r"<(?:link|img|iframe|source)\b[^>]*>", re.IGNORECASE),
    re.compile(r"@import[^;]*;", re.IGNORECASE),
    re.compile(r"url\([^)]*//[^)]*\)", re.IGNORECASE),
)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KINDS = {"checks": "built-in checks", "split": "split", "scan": "scan for code"}


def offline(page: str) -> str:
    """Take everything out of a page that a browser would load from elsewhere, or run."""
    for pattern in _REMOTE:
        page = pattern.sub("", page)
    return page


def summary(found: ValidateFacts) -> list[str]:
    """Return the outcome in lines for a terminal: one for each group and each expectation not met."""
    lines = []
    for group in found.checkpoints:
        met = sum(expectation.success for expectation in group.expectations)
        rows = f", {group.rows:,} rows" if group.rows >= 0 else ""
        count = f"{met} of {len(group.expectations)} expectations met{rows}: " if group.expectations else ""
        state = group.error or ("valid" if group.success else "not valid")
        lines.append(_line(f"{group.name} ({_about(group)}): {count}{state}"))
        lines += [f"  {_line(told(failed))}" for failed in group.expectations if not failed.success]
    return [*lines, f"validated in {found.seconds:.1f} s"]


def junit(found: ValidateFacts) -> bytes:
    """Return the outcome as JUnit XML: a suite for each group, a case for each expectation."""
    top = ElementTree.Element("testsuites", name="validate")
    for group in found.checkpoints:
        name = _clean(group.name if group.kind == "checkpoint" else f"{group.name} ({_about(group)})")
        suite = ElementTree.SubElement(top, "testsuite", name=name)
        if group.error:
            case = ElementTree.SubElement(suite, "testcase", classname=name, name="data")
            ElementTree.SubElement(case, "failure", message=_clean(group.error))
        for expectation in group.expectations:
            suite.append(_case(name, expectation))
        suite.set("tests", str(len(suite.findall("testcase"))))
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
    return bytes(ElementTree.tostring(top, encoding="utf-8", xml_declaration=True))


def markdown(found: ValidateFacts) -> str:
    """Return the outcome as a markdown block: what could not be judged, then what was not met, then the rest."""
    pairs = [(group, entry) for group in found.checkpoints for entry in group.expectations]
    pairs.sort(key=lambda pair: (pair[1].success, ("critical", "warning", "info").index(pair[1].severity)))
    met = sum(entry.success for _, entry in pairs)
    lines = [f"### Data validation: {'valid' if found.success else 'not valid'}", ""]
    errors = [(group.name, group.error) for group in found.checkpoints if group.error]
    errors += [("mlcicd validate", found.error)] if found.error else []
    lines += [f"- {code(name)}: {code(error, 200)}" for name, error in errors]
    lines += ["", f"{met} of {len(pairs)} expectations met.", ""]
    if pairs:
        lines += ["| | Expectation | Column | Expected | Observed | Of | By |", "|---|---|---|---|---|---|---|"]
        lines += [_row(group, entry) for group, entry in pairs[:MAX_ROWS]]
    if len(pairs) > MAX_ROWS:
        lines += ["", f"… and {len(pairs) - MAX_ROWS} more."]
    return "\n".join(lines) + "\n"


def write(found: ValidateFacts, pages: Iterable[tuple[str, str]], folder: Path) -> None:
    """Write `junit.xml`, `summary.md` and `docs/` (named pages, made to load nothing) into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "junit.xml").write_bytes(junit(found))
    (folder / "summary.md").write_text(markdown(found), encoding="utf-8")
    docs = folder / "docs"
    docs.mkdir(exist_ok=True)
    for old in docs.glob("*.html"):
        old.unlink()
    for number, (name, page) in enumerate(pages, start=1):
        if page:
            safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name)
            (docs / f"{number}-{safe}.html").write_text(offline(page), encoding="utf-8")


def told(expectation: Expectation) -> str:
    """Put an expectation's outcome into one line."""
    where = f"{expectation.column}: " if expectation.column else ""
    asked = f" ({expectation.expected})" if expectation.expected else ""
    seen = expectation.error or expectation.observed
    return f"{expectation.severity}: {where}{expectation.type}{asked}" + (f": {seen}" if seen else "")


def _line(text: str) -> str:
    """Return one line without control characters, in which a CI system finds no command (`::error::`, `##[error]`)."""
    shown = clean(text, MOST_IN_LINE).strip().replace("##[", "## [")
    return f"'{shown}'" if shown.startswith("::") else shown


def _about(group: Checkpoint) -> str:
    if group.kind == "checkpoint":
        return group.asset or "no data"
    return group.suite if group.kind == "suite" else _KINDS[group.kind]


def _case(group: str, expectation: Expectation) -> ElementTree.Element:
    name = " ".join(filter(None, (expectation.column, expectation.type, expectation.expected)))
    case = ElementTree.Element("testcase", classname=group, name=_clean(name))
    if not expectation.success and expectation.severity == "critical":
        ElementTree.SubElement(case, "failure", message=_clean(told(expectation)))
    elif not expectation.success:
        ElementTree.SubElement(case, "system-out").text = _clean(told(expectation))
    return case


def _row(group: Checkpoint, entry: Expectation) -> str:
    state = "✅" if entry.success else {"critical": "❌", "warning": "⚠️", "info": "💡"}[entry.severity]
    seen = code(entry.error or entry.observed, 200)
    cells = (code(entry.type), code(entry.column), code(entry.expected, 200), seen, code(group.name), entry.engine)
    return f"| {state} | {' | '.join(cells)} |"


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
