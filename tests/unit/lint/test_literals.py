"""A finding never shows a secret that stands in the file: not in its line, not in its message, of no rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcicd.lint import output, run
from mlcicd.lint.document import read
from mlcicd.lint.literals import literals

TOKEN = f"ghp_{'a1B2' * 9}"
VALUE = "s3cr3t-of-db"
FILE = f"""\
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: PASSWORD={VALUE} git clone https://{TOKEN}@example.org/${{{{ github.head_ref }}}}
        env: {{API_KEY: '{VALUE}'}} # mlcicd: ignore[M5] nothing
      - uses: a/{TOKEN}@v1
"""


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_no_rule_shows_a_secret(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yml").write_text(FILE)
    result = run.lint([Path("a.yml")], with_others=False)
    assert {"M5", "M16", "M42", "M0"} <= {one.rule for one in result.findings}
    shown = output.render(result, form)
    assert TOKEN not in shown
    assert VALUE not in shown


def test_what_is_underlined_stays_in_its_place() -> None:
    [injection] = [one for one in run.judge(read("a.yml", FILE, "workflow")) if one.rule == "M5"]
    assert injection.source_line[injection.column - 1 : injection.end_column - 1] == "${{ github.head_ref }}"
    assert "PASSWORD=************ git clone" in injection.source_line


def test_a_file_that_cannot_be_read_shows_no_token(tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text(f"a: b: {TOKEN}\n")
    result = run.lint([tmp_path], with_others=False)
    assert [one.rule for one in result.findings] == ["M0"]
    assert TOKEN not in output.render(result, "text")


def test_each_line_of_a_key_is_hidden() -> None:
    body = "".join(f"    {char * 64}\n" for char in "abc")
    key = f"    -----BEGIN RSA PRIVATE KEY-----\n{body}    -----END RSA PRIVATE KEY-----\n"
    doc = read("a.yml", f"variables:\n  A: |\n{key}b:\n  script: [x]\n", "gitlab")
    [found] = literals(doc)
    assert doc.place(found.part.start) == (3, 5)
    assert doc.place(found.part.end)[0] == 7


@pytest.mark.parametrize(
    ("name", "value", "is_one"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", True),
        ("api-key", "0f1e2d3c4b5a", True),
        ("DB_PASSWORD", "hunter2", True),
        ("DB_PASSWORD", "'Passw0rd!'", True),
        ("DB_PASSWORD", "", False),
        ("DB_PASSWORD", "~", False),
        ("DB_PASSWORD", "12345678", False),
        ("DB_PASSWORD", "$OTHER", False),
        ("DB_PASSWORD", "prefix-${OTHER}", False),
        ("DB_PASSWORD", "'%OTHER%'", False),
        ("DB_PASSWORD", "changeme", False),
        ("DB_PASSWORD", "my-secret-password", False),
        ("DB_PASSWORD", "'<your password>'", False),
        ("DB_PASSWORD", "'********'", False),
        ("DB_PASSWORD", "op://vault/db/password", False),
        ("TOKEN_FILE", "a1b2c3d4e5", False),
        ("TOKENIZER", "bert-base-uncased2", False),
        ("PRIMARY_KEY", "customer_id_2", False),
    ],
)
def test_values_of_variables(name: str, value: str, is_one: bool) -> None:
    doc = read("a.yml", f"variables:\n  {name}: {value}\na: {{script: [x]}}\n", "gitlab")
    assert [one.name for one in literals(doc)] == [name] * is_one
