from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlcicd.cli import main
from mlcicd.lint import others, run
from mlcicd.lint.explain import section
from mlcicd.lint.rules import RULES

BAD = "stages: [a]\na:\n  stage: a\n  script:\n    - git config --global safe.directory '*'\n"
PAGE = (Path(__file__).parents[3] / "docs/lint.md").read_text("utf-8")
Lint = Callable[..., tuple[int, str, str]]


@pytest.fixture
def lint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lint:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".gitlab-ci.yml").write_text(BAD)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["lint", *arguments])
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return call


def test_findings_are_one(lint: Lint) -> None:
    code, out, err = lint("--rule", "m15")
    assert (code, err) == (1, "")
    assert out.startswith(".gitlab-ci.yml:5:27: warning M15: ")
    assert out.endswith("0 errors, 1 warning in 1 file\n")
    assert "\x1b" not in out


def test_clean_is_zero(lint: Lint) -> None:
    assert lint("--rule", "M15", "--min-severity", "error")[0] == 0
    Path(".gitlab-ci.yml").write_text(BAD.replace("'*'", "'*' # mlcicd: ignore[M15] a machine of its own"))
    assert lint("--rule", "M15")[:2] == (0, "0 errors, 0 warnings in 1 file (1 ignored with reasons)\n")


def test_notes_do_not_fail(lint: Lint) -> None:
    Path(".gitlab-ci.yml").write_text("stages: [a] # mlcicd: ignore[M15] not needed\n")
    code, out, _ = lint("--rule", "M15")
    assert code == 0
    assert " note M0: this ignores nothing" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing.yml",), "there is no such file"),
        (("empty",), "no CI files here"),
        (("--rule", "M99"), "M99: there is no such rule"),
        (("--explain", "M99"), "ours are M0, "),
        (("--explain", "zizmor/artipacked"), "look for artipacked in its manual"),
        (("--format", "xml"), "'xml' is not one of"),
        (("--min-severity", "bad"), "'bad' is not one of"),
    ],
)
def test_wrong_usage_is_two(lint: Lint, arguments: tuple[str, ...], words: str) -> None:
    Path("empty").mkdir()
    code, out, err = lint(*arguments)
    assert (code, out) == (2, "")
    assert words in err


def test_a_linter_that_breaks_is_three_after_all_findings(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    told = others.Told(broken=("zizmor: ended with 9: it broke",))
    monkeypatch.setattr(others, "asking", lambda *_: nullcontext(lambda: told))
    code, out, err = lint()
    assert code == 3
    assert "M15" in out
    assert "zizmor: ended with 9: it broke" in err
    assert "--only-own" in err


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_explain_prints_what_the_page_says(lint: Lint, rule: type[object]) -> None:
    code, out, _ = lint("--explain", rule.id)  # type: ignore[attr-defined]
    assert code == 0
    assert out == section(rule)  # type: ignore[arg-type]
    assert f"#{out}" in PAGE


def test_the_example_of_the_page(lint: Lint) -> None:
    workflow, answer = re.findall(r"```(?:yaml)?\n(name: Train.*?|\.github.*?)```", PAGE, re.DOTALL)
    Path(".gitlab-ci.yml").unlink()
    Path(".github/workflows").mkdir(parents=True)
    Path(".github/workflows/train.yml").write_text(workflow)
    assert lint("--only-own")[:2] == (1, answer)


def test_the_json_of_the_page_has_every_field(lint: Lint) -> None:
    [told] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    made = json.loads(lint("--format", "json", "--rule", "M15")[1])
    assert json.loads(told).keys() == made.keys()
    assert json.loads(told)["findings"][0].keys() == made["findings"][0].keys()


@pytest.mark.parametrize("form", ["json", "sarif", "text"])
def test_output_to_a_file(lint: Lint, form: str) -> None:
    code, out, _ = lint("--rule", "M15", "--format", form, "--output", "made/here/lint.out")
    assert (code, out) == (1, "0 errors, 1 warning in 1 file\n")
    made = Path("made/here/lint.out").read_text("utf-8")
    assert "M15" in made
    assert "\x1b" not in made
    assert [path.name for path in Path("made/here").iterdir()] == ["lint.out"]
    if form != "text":
        json.loads(made)


def test_output_where_nothing_can_be_written(lint: Lint) -> None:
    code, _, err = lint("--rule", "M15", "--output", ".gitlab-ci.yml/x")
    assert code == 3
    assert "cannot be written" in err


def test_json_is_all_that_is_printed(lint: Lint) -> None:
    code, out, _ = lint("--format", "json", "--rule", "M15")
    assert code == 1
    assert json.loads(out)["findings"][0]["rule"] == "M15"


def test_fix_says_what_it_did(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlcicd.lint import fix
    from tests.unit.lint.rules import NoBad

    real = run.lint
    monkeypatch.setattr(run, "lint", lambda *args, **kwargs: real(*args, **kwargs, rules=(NoBad,)))
    monkeypatch.setattr(fix, "judge", lambda doc: run.judge(doc, (NoBad,)))
    Path(".gitlab-ci.yml").write_text("stages: [bad]\n")
    code, out, err = lint("--fix")
    assert (code, err) == (0, "fixed .gitlab-ci.yml:1:10: T1: `bad` is bad\n")
    assert out == "0 errors, 0 warnings in 1 file\n"
    assert Path(".gitlab-ci.yml").read_text() == "stages: [good]\n"


def test_without_fix_nothing_is_written(lint: Lint) -> None:
    before = Path(".gitlab-ci.yml").stat()
    lint()
    assert Path(".gitlab-ci.yml").stat().st_mtime_ns == before.st_mtime_ns
    assert [path.name for path in Path().iterdir()] == [".gitlab-ci.yml"]


def test_colour_only_for_a_terminal(lint: Lint) -> None:
    from mlcicd.cli import cli

    assert "\x1b[33m" in CliRunner().invoke(cli, ["lint"], color=True).output
    assert "\x1b" not in CliRunner().invoke(cli, ["lint"], color=False).output


def test_lint_imports_nothing_heavy(lint: Lint) -> None:
    code = (
        "import sys; from mlcicd.cli import main\n"
        "try: main(['lint', '--only-own'])\nexcept SystemExit: print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic", "jinja2", "rich", "urllib3", "mlcicd.config", "mlcicd.runtime"} & set(done.stdout.split())
