"""Every form of a report, printed alone from its report.json, and read by a reader that is not ours."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import jsonschema
import pytest
from click.testing import CliRunner
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families

from mlcicd.cli.report import FORMATS, report
from mlcicd.errors import UsageError
from mlcicd.runtime.report import document, junit, schema
from mlcicd.runtime.report.forms import FORMS
from mlcicd.runtime.report.model import Report
from mlcicd.runtime.report.openmetrics import openmetrics
from mlcicd.runtime.verdict import SliceVerdict, Verdict
from tests.unit.runtime.report import hostile

FOLDER = Path(__file__).parent
CASES = sorted(FOLDER.glob("*.json"))
NAMED = pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)


def printed(case: Path, *options: str) -> str:
    result = CliRunner().invoke(report, ["--from", str(case), *options])
    assert result.exit_code == 0, result.output
    return result.output


@NAMED
def test_every_form_of_every_state_is_printed_alone(case: Path) -> None:
    state = document.load(case).state
    assert printed(case).startswith(("✅", "❌", "⚪", "⚠️"))
    assert printed(case, "--format", "markdown") == case.with_suffix(".md").read_text("utf-8")
    assert f'class="{state}"' in printed(case, "--format", "html")
    assert Xml.fromstring(printed(case, "--format", "junit").encode()).tag == "testsuite"
    assert printed(case, "--format", "openmetrics").endswith("# EOF\n")
    again = document.parse(printed(case, "--format", "json").encode(), "x")
    assert document.dump(again) == document.dump(document.load(case))


def test_the_formats_are_those_that_there_are() -> None:
    assert list(FORMATS.choices) == list(FORMS)


def test_a_format_without_a_report_to_print_is_a_mistake() -> None:
    result = CliRunner().invoke(report, ["--format", "html"])
    assert isinstance(result.exception, UsageError)
    assert result.exception.message == "--format goes with --from"


def test_what_is_no_report_is_not_printed(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text('{"state": "perfect"}')
    assert isinstance(CliRunner().invoke(report, ["--from", str(path)]).exception, UsageError)


SCHEMA = json.loads(schema.json_schema())


@NAMED
def test_the_schema_accepts_every_state(case: Path) -> None:
    jsonschema.validate(json.loads(case.read_text("utf-8")), SCHEMA)
    jsonschema.validate(json.loads(document.dump(document.load(case))), SCHEMA)


def test_the_schema_accepts_a_full_report_and_refuses_what_the_reader_refuses() -> None:
    whole = json.loads(document.dump(hostile.report()))
    jsonschema.validate(whole, SCHEMA)
    for wrong in ({"extra": 1}, {"state": "perfect"}, {"title": "x" * 501}, {"link_run": "javascript:x"}, {"run": "1"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**whole, **wrong}, SCHEMA)


def test_every_part_of_the_report_is_on_the_page() -> None:
    page = schema.page()
    assert all(f"## {name}\n" in page for name in SCHEMA["$defs"])
    assert '| `link_run` | text | addresses, "" outside CI. |' in page
    assert "MAX_" not in page


def test_numbers_are_openmetrics() -> None:
    found = families(openmetrics(document.load(FOLDER / "pass.json")))
    samples = [sample for family in found for sample in family.samples]
    values = {(sample.name, *sample.labels.values()): sample.value for sample in samples}
    assert values["mlcicd_metric", "accuracy", "metrics.json"] == 0.9707
    assert values["mlcicd_gate_passed", "accuracy", "min", "0.92", "base", "", "base"] == 1
    assert values["mlcicd_training_seconds",] == 2040


def slices(*statuses: str) -> tuple[SliceVerdict, ...]:
    rows = [{"name": f"site={n}", "count": 30, "status": status, "value": 0.9} for n, status in enumerate(statuses)]
    return tuple(map(SliceVerdict.model_validate, rows))


MANY_GATES = tuple(
    Verdict.model_validate({"metric": "accuracy", "status": "pass", "value": 0.93, **rule})
    for rule in (
        {"rule": "min", "bound": 0.8},
        {"rule": "min", "bound": 0.9},
        {"rule": "min", "bound": 0.9, "source": "change"},
        {"rule": "max-drop", "bound": 0.01},
        {"rule": "max-drop", "bound": 0.01, "against": "champion"},
        {"rule": "min", "bound": 0.9, "column": "site", "slice": "site=0", "slices": slices("pass", "pass", "few")},
        {"rule": "min", "bound": 0.95, "column": "site", "slice": "site=0", "status": "fail", "slices": slices("fail")},
        {"rule": "min", "bound": 0.9, "column": "device", "slice": "device", "status": "error", "cause": "no-slices"},
    )
)


def test_gates_on_one_metric_are_told_apart() -> None:
    report = Report(state="fail", gates=MANY_GATES)
    found = {family.name: family.samples for family in families(openmetrics(report))}
    gates = [tuple(sorted(sample.labels.items())) for sample in found["mlcicd_gate_passed"]]
    assert len(gates) == len(set(gates)) == len(MANY_GATES)
    assert {sample.labels["slice"] for sample in found["mlcicd_slice_metric"]} == {"site=0", "site=1", "site=2"}


def test_every_case_has_a_name_of_its_own() -> None:
    # The last two gates are the same: both are counted.
    root = Xml.fromstring(junit.junit(Report(state="fail", gates=(*MANY_GATES, MANY_GATES[0]))).encode())
    names = [(case.get("classname"), case.get("name")) for case in root]
    assert len(names) == len(set(names)) == 11
    assert ("mlcicd.gate", "accuracy ≥ 0.95 in site=0") in names
    assert ("mlcicd.gate", "accuracy ≥ 0.9 by device") in names
    assert ("mlcicd.gate-of-this-change", "accuracy ≥ 0.9") in names
    assert ("mlcicd.gate", "accuracy ≥ 0.8 (2)") in names
    assert [case.get("name") for case in root if case.find("skipped") is not None] == ["accuracy ≥ 0.9 in site=2"]
    assert [case.get("name") for case in root if case.find("failure") is not None] == ["accuracy ≥ 0.95 in site=0"]


@pytest.mark.parametrize("text", [hostile.MARKUP, 'a"b\\', "x # y", "a\nb{c} d", "'", "\\"])
def test_no_name_breaks_a_line_of_numbers(text: str) -> None:
    full = hostile.report(text)
    document_of_numbers = openmetrics(full)
    (metrics, gates, slices, *_) = families(document_of_numbers)
    assert [len(metrics.samples), len(gates.samples), len(slices.samples)] == [1, 2, 1]  # samples with one name are one
    # How the forge that compares them reads a line: what is behind a # goes, the rest is cut like a shell's words;
    # one line that cannot be cut spoils the whole report.
    for line in document_of_numbers.splitlines():
        words = shlex.split(re.sub("#.*$", "", line))
        assert len(words) in (0, 2)


def test_a_report_imports_no_array_library() -> None:
    code = "import sys, mlcicd.runtime.report.run; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "scipy", "dvc"} & set(done.stdout.split())


def test_printing_a_report_starts_quickly() -> None:
    """0.25 s is what a verb may take; the processor's time counts, for a test machine has others to serve."""
    argv = [sys.executable, "-X", "importtime", "-m", "mlcicd", "report", "--from", str(FOLDER / "pass.json")]
    best = math.inf
    for _ in range(3):
        before = os.times()
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        best = min(best, spent)
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "jinja2" in loaded
    assert not loaded & {"ruamel.yaml", "urllib.request", "mlcicd.runtime.facts", "mlcicd.config.model", "dvc"}
    assert best < 0.5, best
