from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcicd.errors import OutsideError
from mlcicd.lint import fix, run
from mlcicd.lint.document import read
from mlcicd.lint.model import Finding, Fix
from mlcicd.lint.rule import Rule
from mlcicd.lint.rules import RULES
from tests.unit.lint.rules import Breaking, Named, NoBad, Worse, Wrong

TEXT = "on: push # é😀\njobs:\n  a: bad\n  b: 'bad bad'\n"


def finding(*fixes: Fix) -> Finding:
    return Finding(rule="T", severity="note", path="a", line=1, column=1, end_column=2, message="m", fixes=fixes)


PAIRS = sorted((Path(__file__).parents[2] / "lint").glob("*/*.yml"))
PLACES: dict[str, str] = {
    "workflow": ".github/workflows/x.yml",
    "action": "action.yml",
    "gitlab": ".gitlab-ci.yml",
    "dependabot": ".github/dependabot.yml",
}


def at(start: int, end: int, text: str) -> Fix:
    return Fix(start=start, end=end, text=text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "workflow.yml"


@pytest.fixture
def linter(path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[], run.Result]]:
    def make(*rules: type[Rule]) -> Callable[[], run.Result]:
        monkeypatch.setattr(fix, "judge", lambda doc: run.judge(doc, rules))
        return lambda: run.lint([path], rules=rules, with_others=False)

    return make


def test_right_to_left_so_that_offsets_hold() -> None:
    text, fixed = fix.apply("abcdef", [finding(at(0, 1, "XX")), finding(at(4, 6, ""), at(2, 2, "-"))])
    assert text == "XXb-cd"
    assert len(fixed) == 2


@pytest.mark.parametrize("other", [at(1, 3, "y"), at(2, 3, "y"), at(1, 1, "y"), at(0, 9, "y"), at(3, 4, "y")])
def test_of_two_that_touch_the_first(other: Fix) -> None:
    text, fixed = fix.apply("abcdef", [finding(at(1, 4, "-")), finding(at(5, 5, "!"), other)])
    assert text == "a-ef"
    assert len(fixed) == 1


def test_the_same_fix_twice_is_one() -> None:
    text, fixed = fix.apply("ab", [finding(at(1, 1, "-")), finding(at(1, 1, "-"), at(2, 2, "!"))])
    assert text == "a-b!"
    assert len(fixed) == 2


@given(
    st.text(max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.text(max_size=3)), max_size=6)
)
def test_what_no_fix_names_stays(text: str, edits: Sequence[tuple[int, int, str]]) -> None:
    made = [at(*sorted((min(one, len(text)), min(other, len(text)))), new) for one, other, new in edits]
    result, fixed = fix.apply(text, [finding(one) for one in made])
    assert bool(fixed) == bool(made)
    removed = sum(one.end - one.start for one in {one.fixes[0] for one in fixed})
    added = sum(len(one.text) for one in {one.fixes[0] for one in fixed})
    assert len(result) == len(text) - removed + added


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_is_mended_to_the_end(
    path: Path, linter: Callable[..., Callable[[], run.Result]], mark: str, end: str
) -> None:
    path.write_bytes((mark + TEXT).replace("\n", end).encode())
    path.chmod(0o640)
    fixed = fix.mend(linter(NoBad, Named))
    good = "name: good\n" + TEXT.replace("bad", "good")
    assert path.read_bytes() == (mark + good).replace("\n", end).encode()
    assert sorted(one.rule for one in fixed) == ["T1", "T1", "T1", "T1", "T2"]
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(path.parent.iterdir()) == [path]


def test_a_link_stays_a_link(path: Path, linter: Callable[..., Callable[[], run.Result]], tmp_path: Path) -> None:
    (tmp_path / "real.yml").write_text(TEXT)
    path.symlink_to("real.yml")
    fix.mend(linter(NoBad))
    assert path.is_symlink()
    assert "bad" not in (tmp_path / "real.yml").read_text()


@pytest.mark.parametrize("rule", [Wrong, Breaking])
def test_a_wrong_fix_changes_nothing(
    path: Path, linter: Callable[..., Callable[[], run.Result]], rule: type[Rule]
) -> None:
    path.write_text(TEXT)
    assert fix.mend(linter(rule)) == []
    assert path.read_text() == TEXT


@pytest.mark.parametrize("text", ["jobs: [bad\n", "jobs: bad # mlcicd: ignore[T1] on purpose\n"])
def test_what_cannot_be_read_or_is_ignored_is_not_touched(
    path: Path, linter: Callable[..., Callable[[], run.Result]], text: str
) -> None:
    path.write_text(text)
    assert fix.mend(linter(NoBad)) == []
    assert path.read_text() == text


def test_an_edit_made_meanwhile_is_not_lost(path: Path, linter: Callable[..., Callable[[], run.Result]]) -> None:
    path.write_text(TEXT)
    lint = linter(NoBad)

    def lint_then_edit() -> run.Result:
        result = lint()
        path.write_text("on: push\njobs: {edited: meanwhile}\n")
        return result

    assert fix.mend(lint_then_edit) == []
    assert "edited" in path.read_text()


def test_a_disk_that_refuses(
    path: Path, linter: Callable[..., Callable[[], run.Result]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    path.write_text(TEXT)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutsideError, match="No space left"):
        fix.mend(linter(NoBad))
    assert path.read_text() == TEXT
    assert list(path.parent.iterdir()) == [path]


def test_every_fix_of_every_rule_leaves_nothing_of_it(tmp_path: Path) -> None:
    fixed: set[str] = set()
    for number, pair in enumerate(PAIRS):
        copy = tmp_path / str(number) / PLACES[pair.name.split("-")[0].removesuffix(".yml")]
        copy.parent.mkdir(parents=True)
        copy.write_bytes(pair.read_bytes())
        before = {one.rule for one in run.lint([copy], with_others=False).findings}
        fixed |= {one.rule for one in fix.mend(lambda path=copy: run.lint([path], with_others=False))}  # type: ignore[misc]
        after = run.lint([copy], with_others=False).findings
        assert not [one for one in after if one.fixes], pair
        assert {one.rule for one in after} <= before, pair
    assert fixed == {rule.id for rule in RULES if rule.mends}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("actions/checkout@v7.0.1", "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"),
        ("'actions/checkout@v7.0.1'", "'actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1' # v7.0.1"),
        ("actions/checkout@v7.0.1 # v7.0.1", "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"),
        ("actions/checkout@v7.0.1 # ours", "actions/checkout@v7.0.1 # ours"),
        ("actions/checkout@v7", "actions/checkout@v7"),
    ],
)
def test_a_tag_of_our_table_becomes_its_commit(before: str, after: str) -> None:
    text = "jobs:\n  a:\n    steps:\n      - uses: {}\r\n"
    doc = read("a.yml", text.format(before), "workflow")
    new, _ = fix.apply(doc.text, [one for one in run.judge(doc) if one.rule == "M16"])
    assert new == text.format(after)


CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
KEPT = "persist-credentials: false"


@pytest.mark.parametrize(
    "step",
    [
        f"- uses: >-\n    {CHECKOUT}\n  with: {{{KEPT}}}",
        f"- uses: |\n    {CHECKOUT}\n  with: {{{KEPT}}}",
        f"- uses: >- # v6.0.0\n    {CHECKOUT}\n  name: v6.0.0\n  with: {{{KEPT}}}",
        f"- uses: >-\n    actions/checkout@v7.0.1\n  with: {{{KEPT}}}",
        f"- {{uses: {CHECKOUT}, with: {{{KEPT}}}}}",
        f"- uses: {CHECKOUT} # ours\n  with: {{{KEPT}}}",
        f"- uses: {CHECKOUT} # v7.0.1\n  with: {{persist-credentials: '${{{{ inputs.x }}}}'}}",
        f"- uses: {CHECKOUT} # v7.0.1\n  with:\n    persist-credentials: ${{{{ github.ref == 'x' }}}}",
        f"- uses: {CHECKOUT} # v7.0.1\n  with:\n    persist-credentials: >- # true, for now\n      true",
        f"- uses: {CHECKOUT} # v7.0.1\n  with:\n    persist-credentials: &kept true\n    clean: *kept",
    ],
)
def test_what_is_not_safe_to_mend_stays_as_it_is(tmp_path: Path, step: str) -> None:
    path = tmp_path / ".github/workflows/x.yml"
    path.parent.mkdir(parents=True)
    text = WORKFLOW + "".join(f"      {line}\n" for line in step.splitlines())
    path.write_text(text, "utf-8")
    assert not any(one.fixes for one in run.lint([path], with_others=False).findings)
    assert fix.mend(lambda: run.lint([path], with_others=False)) == []
    assert path.read_text("utf-8") == text


WORKFLOW = """\
on: push
permissions: {}
jobs:
  a:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    steps:
"""


@pytest.mark.parametrize(
    ("step", "again"),
    [
        (f"- &it\n        uses: {CHECKOUT} # v7.0.1", "- *it"),
        (
            f"- uses: {CHECKOUT} # v7.0.1\n        with: &it\n          fetch-depth: 1",
            f"- uses: {CHECKOUT} # v7.0.1\n        with: *it",
        ),
        (f"- &it\n        uses: {CHECKOUT} # v7.0.1", "- <<: *it\n        name: Again"),
    ],
)
def test_an_anchor_is_not_mended_for_the_job_that_needs_it_as_it_is(tmp_path: Path, step: str, again: str) -> None:
    path = tmp_path / ".github/workflows/x.yml"
    path.parent.mkdir(parents=True)
    pushes = (
        f"  b:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 5\n    steps:\n      {again}\n      - run: git push\n"
    )
    text = f"{WORKFLOW}      {step}\n{pushes}"
    path.write_text(text, "utf-8")
    assert [one.rule for one in run.lint([path], with_others=False).findings if one.rule == "M28"] == ["M28"]
    assert fix.mend(lambda: run.lint([path], with_others=False)) == []
    assert path.read_text("utf-8") == text


def test_a_fix_that_leaves_what_nothing_mends_changes_nothing(
    path: Path, linter: Callable[..., Callable[[], run.Result]]
) -> None:
    path.write_text(TEXT)
    assert fix.mend(linter(Worse)) == []
    assert path.read_text() == TEXT
