"""The verb `report` with templates of a team: read at the base, said when they fail or are changed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner

from mlcicd.cli import cli
from mlcicd.config.fields import BlockName
from mlcicd.errors import UsageError
from mlcicd.runtime import facts
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.markdown import Words
from mlcicd.runtime.report import custom, custom_child, document, forms, render
from mlcicd.runtime.report.custom import Found, Template
from mlcicd.runtime.report.model import Report
from mlcicd.runtime.report.run import report
from tests.unit.runtime.report import hostile
from tests.unit.runtime.report.test_report_sizes import is_whole
from tests.unit.runtime.repository import git

CONFIG = """\
version: 1
train: {command: python train.py}
report: {metrics: [metrics.json], templates: {gates: ci/gates.j2}}
gates: [{metric: accuracy, min: 0.9}]
"""
TEMPLATE = "#### Ours\n\n{% for g in report.gates %}- {{ g.metric }}: {{ g.value | number }}\n{% endfor %}\n"
OURS = "#### Ours\n\n- <code>accuracy</code>: 0.95\n"
BUILT_IN = "#### Gates\n"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a template at its only commit, checked out on a branch, with training done."""
    monkeypatch.chdir(tmp_path)
    write("mlcicd.yaml", CONFIG)
    write("metrics.json", '{"accuracy": 0.95}')
    write("ci/gates.j2", TEMPLATE)
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path)
    git(tmp_path, "switch", "-q", "-c", "change")
    hardware = facts.Hardware(cpus=2, memory=2**30)
    facts.write(facts.TrainFacts(command="python train.py", exit=0, seconds=1.5, hardware=hardware), "train")
    return tmp_path


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(text)


def commit(repo: Path) -> None:
    git(repo, "add", "-A", "--", ".", ":!.mlcicd")
    git(repo, "commit", "-q", "-m", "x")


def run() -> tuple[Report, str]:
    """Make the report; return it and report.md."""
    made = report(Path("mlcicd.yaml"), "", (), Path(".mlcicd"), Ci(summary=Path(".mlcicd/summary.md")))
    assert document.load(made.files[0]) == made.report
    return made.report, Path(".mlcicd/report.md").read_text("utf-8")


def said(report: Report) -> list[str]:
    return [name for notice in report.notices if notice.kind == "templates" for name in notice.names]


def test_blocks_that_can_be_replaced_are_those_there_are() -> None:
    assert get_args(BlockName) == tuple(render.BLOCKS)


def test_a_block_is_laid_out_by_the_bases_template(repo: Path) -> None:
    made, text = run()
    assert OURS in text
    assert BUILT_IN not in text
    assert "#### Metrics" in text
    assert OURS in Path(".mlcicd/summary.md").read_text("utf-8")
    assert said(made) == []


@pytest.mark.parametrize("root", [".", "ml"])
def test_a_template_lies_below_the_projects_folder(repo: Path, root: str) -> None:
    write("mlcicd.yaml", f"{CONFIG}project: {{root: {root}}}\n")
    for name in ("metrics.json", "ci/gates.j2"):
        Path(root, name).parent.mkdir(parents=True, exist_ok=True)
        Path(root, name).write_bytes(Path(name).read_bytes())
    commit(repo)
    git(repo, "branch", "-f", "main", "HEAD")
    assert OURS in run()[1]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("ci/gates.j2", "all good", "ci/gates.j2: changed here, the base's is used"),
        ("ci/gates.j2", None, "ci/gates.j2: changed here, the base's is used"),
        ("mlcicd.yaml", CONFIG.replace("ci/gates.j2", "ci/other.j2"), "ci/gates.j2: changed here, the base's is used"),
        ("mlcicd.yaml", CONFIG.replace(", templates: {gates: ci/gates.j2}", ""), "ci/gates.j2: changed here, the"),
    ],
)
def test_a_change_does_not_lay_out_what_is_said_about_it(
    repo: Path, path: str, text: str | None, expected: str
) -> None:
    Path(path).unlink() if text is None else Path(path).write_text(text)
    made, markdown = run()
    assert OURS in markdown
    (line,) = said(made)
    assert line.startswith(expected)


def test_what_the_base_does_not_have_is_not_used(repo: Path) -> None:
    write("mlcicd.yaml", CONFIG.replace("gates: ci/gates.j2", "gates: ci/gates.j2, metrics: ci/metrics.j2"))
    write("ci/metrics.j2", "no metrics to see")
    made, markdown = run()
    assert "no metrics to see" not in markdown
    assert said(made) == ["ci/metrics.j2: not used, for the base does not have it"]


def test_without_a_base_the_block_is_ours_and_that_is_said(repo: Path) -> None:
    subprocess.run(["rm", "-rf", ".git"], check=True)
    made, markdown = run()
    assert BUILT_IN in markdown
    assert said(made) == ["ci/gates.j2: not used, for there is no base commit to read it from"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"a\n{{ report.metrc }}", "ci/gates.j2:2: 'dict object' has no attribute 'metrc'"),
        (b"<details>", "ci/gates.j2: it does not end what it begins: <details"),
        (b"\xff\xfe", "ci/gates.j2: not UTF-8 text"),
        (b"x" * 40_000, "ci/gates.j2: larger than 32,768 bytes"),
        (None, "ci/gates.j2: not there"),
    ],
)
def test_a_template_that_cannot_be_used_is_named_and_the_block_is_ours(
    repo: Path, raw: bytes | None, expected: str
) -> None:
    Path("ci/gates.j2").unlink() if raw is None else Path("ci/gates.j2").write_bytes(raw)
    commit(repo)
    git(repo, "branch", "-f", "main", "HEAD")
    made, markdown = run()
    assert BUILT_IN in markdown
    assert expected in said(made)
    assert made.state == "pass"


def test_the_child_has_no_secret_and_bounds(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "s3cret")
    seen = {}

    def fake(command: list[str], **options: object) -> object:
        seen.update(options)
        return subprocess.CompletedProcess(command, 0, stdout='{"texts": {}, "failures": {}}')

    monkeypatch.setattr(subprocess, "run", fake)
    custom.lay_out(Report(state="pass"), found("x"))
    assert set(seen["env"]) <= {"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}  # type: ignore[call-overload]


def test_a_memory_bomb_ends_and_the_others_are_laid_out() -> None:
    bomb = "{% set a = 'xxxxxxxx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}"
    own = custom.lay_out(Report(state="pass"), found(bomb, tests="fine"))
    assert own.blocks == {"tests": "fine"}
    assert own.failures == ("gates.j2: it takes too much memory",)


def test_a_child_that_dies_leaves_every_block_to_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom, "CHILD", "no.such.module")
    own = custom.lay_out(Report(state="pass"), found("x", tests="y"))
    assert own.blocks == {}
    reason = "not laid out: the process for it ended with exit status 1"
    assert own.failures == (f"gates.j2: {reason}", f"tests.j2: {reason}")


def found(gates: str, **others: str) -> Found:
    texts = {"gates": gates, **others}
    return Found(templates={block: Template(path=f"{block}.j2", text=text) for block, text in texts.items()})


def test_an_empty_block_is_left_out_and_head_and_end_stay() -> None:
    full = hostile.report()
    text = render.markdown(full, own={block: Words("") for block in render.BLOCKS})
    assert "Do not merge yet" in text
    assert "[!NOTE]" in text
    assert "<details" not in text
    is_whole(text)


def test_a_hostile_report_through_a_template_leaves_the_comment_whole() -> None:
    template = """<details><summary>{{ report.title }}</summary>

{% for g in report.gates %}
| {{ g.metric }} | {{ g.reason }} |
|---|---|
| {{ g.likely }} | `{{ g.rule }}` |
{% endfor %}

{% for line in report.tests.tail %}{{ line }}<br>
{% endfor %}
</details>
"""
    report = hostile.report()
    own = custom.lay_out(report, found(template))
    assert own.failures == ()
    text = render.markdown(report, own=own.blocks)
    is_whole(text)
    for line in own.blocks["gates"].splitlines():
        assert re.fullmatch(r"[^`@\[!]*(`[^`@]*`[^`@]*)?", line)
        assert "<script" not in line


@pytest.mark.parametrize("limit", [30_000, 12_000, 4_000])
def test_a_block_without_room_becomes_ours_and_is_never_cut(limit: int) -> None:
    own = {"gates": Words("<details>\n" + "z" * 15_000 + "\n</details>"), "tests": Words("fine")}
    text = render.markdown(document.load(Path(__file__).with_name("gate-failed.json")), limit, own)
    assert len(text.encode()) <= limit
    assert ("z" * 15_000 in text) == (limit == 30_000)
    assert (BUILT_IN in text) == ("zz" not in text) == (limit != 30_000)
    assert ("blocks by the team's own templates left out here" in text) == (limit != 30_000)
    is_whole(text)


def tried(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["report", "--from", "report.json", *arguments])
    return done.exit_code, done.output


def test_templates_are_tried_as_they_are_here(repo: Path) -> None:
    run()
    Path(".mlcicd/report.json").rename("report.json")
    write("ci/gates.j2", TEMPLATE.replace("Ours", "Tried"))
    exit, text = tried("--templates")
    assert exit == 0
    assert "#### Tried" in text
    assert "Tried" not in tried("--format", "markdown")[1]
    with pytest.raises(UsageError, match="--templates lay out markdown, and no other form"):
        forms.again(Path("mlcicd.yaml"), Path("report.json"), "html", templates=True)
    write("ci/gates.j2", "{{ x }}")
    with pytest.raises(UsageError, match=r"report\.templates: ci/gates\.j2:1: 'x' is undefined"):
        custom.tried(document.load(Path("report.json")), Path("mlcicd.yaml"))
    Path("ci/gates.j2").unlink()
    with pytest.raises(UsageError, match=r"ci/gates\.j2: No such file or directory"):
        forms.tried(Path("report.json"), Path("mlcicd.yaml"))


def test_the_example_of_the_documentation_is_what_it_makes() -> None:
    page = (Path(__file__).parents[4] / "docs/report-templates.md").read_text("utf-8")
    (template,) = re.findall(r"```jinja\n(.*?)```", page, re.DOTALL)
    (shown,) = re.findall(r"```markdown\n(.*?)```", page, re.DOTALL)
    made = custom.lay_out(document.load(Path(__file__).with_name("seeds.json")), found(template))
    assert made.failures == ()
    assert made.blocks["gates"] + "\n" == shown


def test_the_documentation_names_every_block_and_filter() -> None:
    page = (Path(__file__).parents[4] / "docs/report-templates.md").read_text("utf-8")
    for name in (*render.BLOCKS, *custom_child.BUILT_IN, *custom_child.filters({})):
        assert f"`{name}" in page
