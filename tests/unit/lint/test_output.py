from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcicd.lint import output
from mlcicd.lint.ignores import Ignored
from mlcicd.lint.model import Finding, Fix
from mlcicd.lint.output.text import safe
from mlcicd.lint.read import Files
from mlcicd.lint.run import Result

INJECTION = Finding(
    rule="M5",
    severity="error",
    path=".github/workflows/train.yml",
    line=14,
    column=39,
    end_column=61,
    message='job train, step "Train": `${{ github.head_ref }}` is pasted into the script',
    remedy="hand it over by `env:` and quote it",
    source_line="        run: python train.py --branch ${{ github.head_ref }}",
    also=("zizmor/template-injection",),
    fixes=(Fix(start=0, end=0, text="x"),),
)
FOREIGN = Finding(
    rule="zizmor/x",
    severity="warning",
    path="a b.yml",
    line=1,
    column=1,
    end_column=2,
    message="m",
    source_line="\ta: b",
)
IGNORED = Ignored(finding=FOREIGN, reason="it is ours")


def result(*findings: Finding, ignored: tuple[Ignored, ...] = (), broken: tuple[str, ...] = ()) -> Result:
    files = Files(documents={}, paths={"b.yml": Path("b.yml"), "a.yml": Path("a.yml")})
    return Result(files=files, findings=findings, ignored=ignored, linters=("zizmor 1 ran too",), broken=broken)


def plain(found: Result) -> str:
    return click.unstyle(output.render(found, "text"))


def test_text() -> None:
    assert plain(result(INJECTION, ignored=(IGNORED,))) == (
        '.github/workflows/train.yml:14:39: error M5 (zizmor/template-injection): job train, step "Train": '
        "`${{ github.head_ref }}` is pasted into the script\n"
        "    run: python train.py --branch ${{ github.head_ref }}\n"
        "                                  ^^^^^^^^^^^^^^^^^^^^^^\n"
        "    instead: hand it over by `env:` and quote it (mended by --fix; mlcicd lint --explain M5)\n"
        "1 error, 0 warnings in 2 files (1 ignored with reasons); `--fix` would mend 1; zizmor 1 ran too\n"
    )


def test_colours_are_there_to_be_dropped() -> None:
    assert "\x1b[31m" in output.render(result(INJECTION), "text")


def test_what_a_person_has_to_mend_is_not_promised() -> None:
    shown = plain(result(FOREIGN, replace(INJECTION, fixes=())))
    assert "--fix" not in shown
    assert "    instead: hand it over by `env:` and quote it (mlcicd lint --explain M5)\n" in shown


def test_a_clean_result_is_one_line() -> None:
    assert plain(result()) == "0 errors, 0 warnings in 2 files; zizmor 1 ran too\n"


def finding(source: str, column: int, end: int, message: str = "m", path: str = "a.yml") -> Finding:
    return Finding(
        rule="x/y",
        severity="note",
        path=path,
        line=1,
        column=column,
        end_column=end,
        message=message,
        source_line=source,
    )


def test_a_caret_stands_below_its_place_whatever_surrounds_it() -> None:
    lines = plain(result(finding("\ta:\tb", 5, 6))).splitlines()
    assert lines[1:3] == ["    a:\tb", "      \t^"]
    long = "x" * 5000 + "HERE" + "y" * 1_000_000
    shown, carets = plain(result(finding(long, 5001, 5005))).splitlines()[1:3]
    assert shown[carets.index("^") :].startswith("HERE")
    assert len(carets.strip()) == 4
    assert len(shown) < 200


@given(st.text(max_size=300), st.integers(1, 400), st.integers(1, 400))
def test_any_line_and_place(source: str, column: int, width: int) -> None:
    lines = plain(result(finding(source.replace("\n", " "), column, column + width))).split("\n")
    assert len(lines) in (3, 5)
    assert not lines[2] or max(len(line) for line in lines[1:3]) < 600


@pytest.mark.parametrize(
    "foreign",
    [
        "::add-mask::x",
        "  ::stop-commands::x",
        "a ##[add-mask]x",
        "\x1b[2J",
        "a\rb",
        "a\nb",
        "\u202e",
        "\x9b31m",
        "\u2028",
    ],
)
def test_foreign_text_commands_neither_terminal_nor_runner(foreign: str) -> None:
    shown = plain(result(finding(f"  {foreign}", 3, 4, message=foreign, path=foreign)))
    assert len(shown.splitlines()) in (2, 4)  # a line of nothing but white space is not shown
    for line in shown.splitlines():
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert line.isprintable()
    assert safe("a::b # [x] é😀\t") == "a::b # [x] é😀\t"


def test_json() -> None:
    made = json.loads(output.render(result(INJECTION, ignored=(IGNORED,), broken=("b: broke",)), "json"))
    assert made["version"] == 1
    assert made["files"] == ["a.yml", "b.yml"]
    assert made["summary"] == {"error": 1, "warning": 0, "note": 0, "ignored": 1}
    assert made["linters"] == ["zizmor 1 ran too"]
    assert made["broken"] == ["b: broke"]
    assert made["findings"] == [
        {
            "rule": "M5",
            "severity": "error",
            "path": ".github/workflows/train.yml",
            "line": 14,
            "column": 39,
            "end_column": 61,
            "message": INJECTION.message,
            "remedy": INJECTION.remedy,
            "fixable": True,
            "also": ["zizmor/template-injection"],
        }
    ]
    assert made["ignored"][0]["reason"] == "it is ours"
    assert made["ignored"][0]["rule"] == "zizmor/x"


def sarif(found: Result) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(output.render(found, "sarif"))
    return made


def test_sarif_has_what_the_schema_and_code_scanning_require() -> None:
    made = sarif(result(INJECTION, ignored=(IGNORED,)))
    assert made["version"] == "2.1.0"
    assert made["$schema"].endswith("sarif-2.1.0.json")
    [run] = made["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "mlcicd"
    assert run["columnKind"] == "unicodeCodePoints"
    assert all(rule["id"] and rule["shortDescription"]["text"] and rule["help"]["text"] for rule in driver["rules"])
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    for one in run["results"]:
        assert driver["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
        assert one["level"] in ("error", "warning", "note")
        assert one["message"]["text"]
        [location] = one["locations"]
        region = location["physicalLocation"]["region"]
        assert all(isinstance(value, int) and value >= 1 for value in region.values())
        assert region["endColumn"] > region["startColumn"]
        assert location["physicalLocation"]["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
        assert one["partialFingerprints"]["primaryLocationLineHash"]
    ours, theirs = run["results"]
    assert "suppressions" not in ours
    assert theirs["suppressions"] == [{"kind": "inSource", "justification": "it is ours"}]
    assert theirs["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b.yml"


def prints(*findings: Finding) -> list[str]:
    return [
        one["partialFingerprints"]["primaryLocationLineHash"] for one in sarif(result(*findings))["runs"][0]["results"]
    ]


def test_fingerprints_stay_when_lines_move_and_tell_twins_apart() -> None:
    moved = replace(INJECTION, line=99, source_line=f"  {INJECTION.source_line}", column=40, end_column=62)
    assert prints(INJECTION) == prints(moved)
    first, twin = prints(INJECTION, moved)
    assert first == prints(INJECTION)[0]
    assert twin != first
    assert prints(replace(INJECTION, message="other")) != prints(INJECTION)


def test_a_file_outside_has_a_whole_address(tmp_path: Path) -> None:
    path = (tmp_path / "a b.yml").as_posix()
    [one] = sarif(result(finding("a", 1, 2, path=path)))["runs"][0]["results"]
    assert one["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": f"file://{path.replace(' ', '%20')}"}


def test_sarif_says_that_a_linter_broke() -> None:
    [invocation] = sarif(result(broken=("b: broke",)))["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "b: broke"


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_a_name_that_is_no_unicode_can_be_printed(form: str) -> None:
    output.render(result(finding("a", 1, 2, path="a\udcff.yml")), form).encode()
