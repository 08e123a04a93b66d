from __future__ import annotations

from xml.etree import ElementTree

from mlcicd.runtime import facts
from mlcicd.runtime.facts import Checkpoint, Expectation, ValidateFacts
from mlcicd.runtime.validation import documents

PAGE = """<link rel="stylesheet" href="https://cdn/x.css"><style>@import "https://cdn/y.css"; a {color: red}
b {background: url('//cdn/z.png')}</style><script src="https://cdn/a.js"></script><script>
fetch("https://cdn/b")</script><img src="https://cdn/logo.png"><p>kept</p><a href="https://docs">docs</a>"""


def test_pages_load_nothing_from_elsewhere_and_run_nothing():
    found = documents.offline(PAGE)
    assert "cdn" not in found
    assert "<script" not in found
    assert "<p>kept</p>" in found
    assert "color: red" in found


def test_junit_holds_whatever_a_column_is_called():
    name = "a\x00b<&>\ud800"
    expectation = facts.Expectation(type="t", column=name, success=False, observed=name)
    checkpoint = facts.Checkpoint(name=name, success=False, expectations=(expectation,))
    text = documents.junit(facts.ValidateFacts(success=False, checkpoints=(checkpoint,), seconds=1))
    assert ElementTree.fromstring(text).find("testsuite").get("name") == "a\ufffdb<&>\ufffd"


def expectation(severity="critical", success=False, **more):
    return Expectation(type="t", severity=severity, success=success, **more)


def report(*entries, **more):
    group = Checkpoint(name="raw.csv", kind="suite", suite="s.yaml", success=False, expectations=entries, **more)
    return ValidateFacts(success=False, checkpoints=(group,), seconds=1.25)


def test_the_summary_counts_what_is_met_and_names_what_is_not():
    found = report(expectation(success=True), expectation("warning", column="a", observed="3"), rows=1000)
    assert documents.summary(found) == [
        "raw.csv (s.yaml): 1 of 2 expectations met, 1,000 rows: not valid",
        "  warning: a: t: 3",
        "validated in 1.2 s",
    ]


def test_markdown_shows_the_worst_first_and_nobody_elses_markup():
    hostile = "`|<img src=x>|`[a](http://x)\n# head"
    found = report(expectation(success=True), expectation("info"), expectation(column=hostile, observed=hostile))
    lines = documents.markdown(found).splitlines()
    assert [line[2] for line in lines if line.startswith("| ")][1:] == ["❌", "💡", "✅"]
    assert not any(line.startswith("# head") for line in lines)
    row = next(line for line in lines if "❌" in line)
    assert row.count(" | ") == 6
    assert "\\|<img" in row


def test_markdown_names_what_could_not_be_judged_and_cuts_long_tables():
    found = report(*[expectation(success=True)] * 60, error="it is empty")
    text = documents.markdown(found)
    assert "- `raw.csv`: `it is empty`" in text
    assert "60 of 60 expectations met" in text
    assert "… and 10 more." in text


def test_a_group_that_is_no_checkpoint_says_what_it_is_in_junit():
    top = ElementTree.fromstring(documents.junit(report(expectation())))
    assert top.find("testsuite").get("name") == "raw.csv (s.yaml)"
    assert top.find("testsuite/testcase").get("classname") == "raw.csv (s.yaml)"


def test_pages_of_an_earlier_run_are_removed(tmp_path):
    documents.write(report(), [("a/b", "<p>x</p>"), ("none", "")], tmp_path)
    documents.write(report(), [("c", "<p>y</p>")], tmp_path)
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["1-c.html"]
    assert (tmp_path / "summary.md").read_text().startswith("### Data validation: not valid")


def test_no_line_for_the_terminal_holds_a_command_of_a_ci_system():
    name = "x\n::error::forged\r\x1b[31m##[error]"
    group = Checkpoint(
        name="::error::a", kind="suite", suite=name, success=False, expectations=(expectation(column=name),)
    )
    lines = documents.summary(ValidateFacts(success=False, checkpoints=(group,), seconds=1))
    assert len(lines) == 3
    assert not any(char in line for line in lines for char in "\n\r\x1b")
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in lines)
    assert "x ::error::forged" in lines[1]
