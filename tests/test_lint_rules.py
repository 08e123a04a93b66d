"""Each folder in lint/ is a rule: files, and exactly what the rule finds in them; lint/peers/ is all rules together.

After an intended change: `MLCICD_UPDATE_GOLDEN=1 uv run pytest tests/test_lint_rules.py`, and review the difference.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcicd.lint import fix
from mlcicd.lint.document import Document, read, walk
from mlcicd.lint.model import Finding, Kind
from mlcicd.lint.rule import Rule, text
from mlcicd.lint.rules import RULES
from mlcicd.lint.run import judge
from mlcicd.yamlio import Unreadable

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests/lint"
CASES = sorted(FOLDER.glob("*/*.yml"))
BY_ID = {rule.id: rule for rule in RULES}
OURS: dict[str, Kind] = {
    "tests/golden/*/expected/.github/workflows/*.yml": "workflow",
    "tests/golden/*/expected/.github/dependabot.yml": "dependabot",
    "tests/golden/*/expected/.gitlab-ci.yml": "gitlab",
    "tests/golden/*/expected/.gitlab/*.yml": "gitlab",
    "actions/**/action.yml": "action",
    ".github/workflows/*.yml": "workflow",
    ".github/dependabot.yml": "dependabot",
    "docs/examples/*.yml": "workflow",
}
FILES = [(path, kind) for pattern, kind in OURS.items() for path in sorted(ROOT.glob(pattern))]


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def case(path: Path) -> tuple[Document, Sequence[type[Rule]]]:
    kind = cast("Kind", path.name.partition("-")[0].removesuffix(".yml"))
    rules = RULES if path.parent.name == "peers" else [BY_ID[path.parent.name]]
    return read(path.name, path.read_bytes().decode("utf-8"), kind), rules


def shown(findings: Sequence[Finding]) -> str:
    """Place, severity, rule, message; below what is underlined, and whether `--fix` mends it."""
    lines = []
    for one in findings:
        lines.append(f"{one.line}:{one.column} {one.severity} {one.rule}: {one.message}")
        mended = "   (--fix)" if one.fixes else ""
        lines.append(f"    {one.source_line[one.column - 1 : one.end_column - 1]}{mended}")
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_findings_are_exactly_as_expected(path: Path) -> None:
    found, expected = shown(judge(*case(path))), path.with_suffix(".out")
    if os.environ.get("MLCICD_UPDATE_GOLDEN"):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text("utf-8")


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.id != "M0"], ids=lambda rule: rule.id)
def test_every_rule_has_a_bad_and_a_good_case_of_each_platform(rule: type[Rule]) -> None:
    found = {path.name: path.with_suffix(".out").read_text("utf-8") for path in (FOLDER / rule.id).glob("*.yml")}
    assert any(found.values()), "no case with a finding"
    assert not all(found.values()), "no near miss"
    for platform in rule.platforms:
        names = [name for name, out in found.items() if out]
        assert any(name.startswith("gitlab-") == (platform == "gitlab") for name in names), platform


def test_the_name_of_a_case_says_what_is_in_it() -> None:
    for path in CASES:
        if path.parent.name != "peers":
            assert ("-bad" in path.name) == bool(path.with_suffix(".out").read_text("utf-8")), path


def test_no_expected_file_is_left_over() -> None:
    assert {path.with_suffix(".out") for path in CASES} == set(FOLDER.glob("*/*.out"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_a_fix_mends_is_gone_and_nothing_else_changes(path: Path) -> None:
    doc, rules = case(path)
    before = judge(doc, rules)
    new, fixed = fix.apply(doc.text, before)
    after = judge(read(path.name, new, doc.kind), rules)
    assert len(after) == len(before) - len(fixed)
    assert [one.message for one in after] == [one.message for one in before if one not in fixed]


@pytest.mark.parametrize(("path", "kind"), FILES, ids=[short(path) for path, _ in FILES])
def test_nothing_of_ours_has_a_finding(path: Path, kind: Kind) -> None:
    """Only the ignores that the templates declare hide anything."""
    source = path.read_text("utf-8")
    if kind == "workflow" and path.parent.name == "examples":
        source = source.replace("@COMMIT", f"@{'0' * 40}").replace("VERSION", "v0.1.0")
    assert shown(judge(read(short(path), source, kind))) == ""


def test_what_we_ignore_in_our_own_output_is_declared() -> None:
    """An image's digest is the team's to pin, so one by tag is ignored, with that reason."""
    found = {}
    for path, _ in FILES:
        for line in path.read_text("utf-8").splitlines():
            if "mlcicd: ignore[" in line:
                found[line.partition("mlcicd: ignore[")[2]] = line.strip().partition(" ")[0]
    assert found == {"M19] its digest is the team's to pin: `mlcicd pins`": "image:"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_explains_itself(rule: type[Rule]) -> None:
    said = text(rule)
    assert 10 < len(said.title) < 100
    assert said.why
    assert said.instead


def test_ids_are_in_order_and_once() -> None:
    numbers = [int(rule.id.removeprefix("M")) for rule in RULES]
    assert numbers == sorted(set(numbers))


STRANGE = ("[]", "{}", "null", "7", "[a, {b: [c]}]", "{a: {b: c}, d: [e]}", '"${{ secrets.A }}"', "!reference [a]")


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_wrong_type_anywhere_is_no_crash(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(CASES))
    doc, _ = case(path)
    nodes = [node for _, node in walk(doc.root)]
    node = data.draw(st.sampled_from(nodes))
    broken = doc.text[: node.start] + data.draw(st.sampled_from(STRANGE)) + "\n" + doc.text[node.end :]
    with contextlib.suppress(Unreadable):
        judge(read(path.name, broken, data.draw(st.sampled_from(("workflow", "action", "gitlab", "dependabot")))))
