"""Files of the team's own that go into the generated ones: jobs in a platform's words, and templates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from mlcicd import generate, yamlio
from mlcicd.errors import MlcicdError, Refused, UsageError

CONFIG = "version: 1\nplatforms: [github, gitlab]\ntest: {command: pytest}\n"
JOB = "jobs: {scan: {after: [test], github: ci/scan.yml, gitlab: ci/lab.yml}}\n"
GITHUB = """\
name: Scan # of every file
runs-on: ubuntu-latest
timeout-minutes: 10
steps:
  - run: |
      # not a comment
      python3 -m compileall -q .

      echo "two: lines"
"""
GITLAB = """\
image: python:3.12@sha256:4444444444444444444444444444444444444444444444444444444444444444
timeout: 10m
interruptible: true
script: [python3 -m compileall -q .]
"""
WORKFLOW, PIPELINE = ".github/workflows/mlcicd.yml", ".gitlab/mlcicd.yml"


@pytest.fixture(autouse=True)
def _commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCICD_COMMIT", "0123456789abcdef0123456789abcdef01234567")


def put(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def made(root: Path, files: dict[str, str], config: str = CONFIG + JOB) -> dict[str, str]:
    put(root, {"ci/scan.yml": GITHUB, "ci/lab.yml": GITLAB, **files, "mlcicd.yaml": config})
    result = generate.compare(root / "mlcicd.yaml", root)
    generate.apply(result, root)
    return {path: (root / path).read_text("utf-8") for path in (WORKFLOW, PIPELINE)}


def refusal(root: Path, files: dict[str, str], config: str = CONFIG + JOB) -> MlcicdError:
    with pytest.raises(MlcicdError) as told:
        made(root, files, config)
    assert not (root / WORKFLOW).exists()
    return told.value


def test_a_job_comes_out_as_it_went_in(tmp_path: Path) -> None:
    texts = made(tmp_path, {})
    job = yaml.safe_load(texts[WORKFLOW])["jobs"]["scan"]
    assert job == {**yaml.safe_load(GITHUB), "needs": ["test"], "permissions": {}}
    assert "    name: Scan # of every file\n" in texts[WORKFLOW]
    scan = yaml.safe_load(texts[PIPELINE])["mlcicd-scan"]
    assert {key: scan[key] for key in yaml.safe_load(GITLAB)} == yaml.safe_load(GITLAB)
    assert len(scan["rules"]) == 3
    assert generate.compare(tmp_path / "mlcicd.yaml", tmp_path).changes[0].kind == "same"


def test_what_a_job_says_itself_is_not_said_again(tmp_path: Path) -> None:
    lab = GITLAB + "rules: [{if: '$CI_PIPELINE_SOURCE == \"schedule\"'}]\n"
    hub = GITHUB.replace("runs-on", "if: github.event_name == 'push'\npermissions: {contents: read}\nruns-on")
    texts = made(tmp_path, {"ci/lab.yml": lab, "ci/scan.yml": hub})
    assert yaml.safe_load(texts[PIPELINE])["mlcicd-scan"]["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}]
    assert yaml.safe_load(texts[WORKFLOW])["jobs"]["scan"]["permissions"] == {"contents": "read"}


def test_a_job_after_one_that_forks_do_not_have_is_not_theirs_either(tmp_path: Path) -> None:
    config = CONFIG + JOB + "steps: [{name: a, run: x, before: test, secrets: [KEY]}]\n"
    assert "head.repo.full_name" in yaml.safe_load(made(tmp_path, {}, config)[WORKFLOW])["jobs"]["scan"]["if"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "ci/scan.yml:1:1: expected the keys of one job"),
        ("- a\n", "ci/scan.yml:1:1: expected the keys of one job"),
        ("just text\n", "expected the keys of one job"),
        ("a: [\n", "ci/scan.yml:2:1: expected the node content"),
        (GITHUB + "x: !reference [a, b]\n", "ci/scan.yml:10:4: could not determine a constructor for the tag"),
        ("{runs-on: ubuntu-latest, timeout-minutes: 5, steps: [{run: 'true'}]}\n", "one key a line"),
        ("a: 1\na: 2\n", "ci/scan.yml:2:1: duplicate key"),
        ("a: &x 1\nb: *x\n", "anchors and aliases"),
        (GITHUB + "needs: [test]\n", "ci/scan.yml:10:1: needs: who waits for whom stands in mlcicd.yaml"),
        (GITHUB.replace("timeout-minutes: 10\n", ""), "timeout-minutes is missing"),
        (GITHUB + "permissions: write-all\n", "permissions: write each right out"),
        ("a: " + "[" * 200, "nested too deeply"),
        ("x" * 300_000, "too large"),
    ],
)
def test_a_file_that_is_no_job(tmp_path: Path, text: str, expected: str) -> None:
    error = refusal(tmp_path, {"ci/scan.yml": text})
    assert isinstance(error, UsageError)
    assert expected in error.message


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    assert (
        "jobs.scan.github: ci/no.yml: cannot be read"
        in refusal(tmp_path, {}, CONFIG + JOB.replace("ci/scan.yml", "ci/no.yml")).message
    )
    (tmp_path / "ci/bytes.yml").write_bytes(b"\xff\xfe\x00")
    config = CONFIG + JOB.replace("ci/scan.yml", "ci/bytes.yml")
    assert "is not UTF-8 text" in refusal(tmp_path, {}, config).message


def test_a_link_out_of_the_repository(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    (root / "ci").mkdir(parents=True)
    (tmp_path / "outside.yml").write_text(GITHUB)
    (root / "ci/linked.yml").symlink_to(tmp_path / "outside.yml")
    config = CONFIG + JOB.replace("ci/scan.yml", "ci/linked.yml")
    assert "is not inside the repository" in refusal(root, {}, config).message


INJECTION = GITHUB.replace('echo "two: lines"', "echo ${{ github.head_ref }}")


def test_the_linter_judges_a_job_at_its_place(tmp_path: Path) -> None:
    error = refusal(tmp_path, {"ci/scan.yml": INJECTION})
    assert isinstance(error, Refused)
    assert error.message == "the linter refuses the job scan: ci/scan.yml"
    assert error.detail.startswith("ci/scan.yml:9:12: error M5: job scan, ")
    assert "mlcicd lint --explain" in error.hint


def test_a_reason_excuses_a_finding_as_anywhere(tmp_path: Path) -> None:
    excused = INJECTION.replace("  - run: |", "  # mlcicd: ignore[M5] names of branches are checked before\n  - run: |")
    error = refusal(tmp_path, {"ci/scan.yml": excused})  # it stands above the step, and not above the line
    assert "M5" in error.detail
    line = "      # mlcicd: ignore[M5] a protected pattern of branches\n      echo ${{ github.head_ref }}"
    assert made(tmp_path, {"ci/scan.yml": INJECTION.replace("      echo ${{ github.head_ref }}", line)})


def test_a_warning_is_printed_and_refuses_nothing(tmp_path: Path) -> None:
    moving = GITHUB + "  - uses: acme/tool@main\n"
    put(tmp_path, {"ci/scan.yml": moving, "ci/lab.yml": GITLAB, "mlcicd.yaml": CONFIG + JOB})
    result = generate.compare(tmp_path / "mlcicd.yaml", tmp_path)
    lines = [line for line in generate.summary(result, dry=True) if "ci/scan.yml" in line]
    assert any("ci/scan.yml:10:11: warning M16" in line for line in lines), lines


TEMPLATES = CONFIG + "tool: {templates: ci/templates}\n"


def ours(name: str) -> str:
    from mlcicd import resources

    return (resources.find("templates") / name).read_text("utf-8")


def test_a_template_of_the_teams_own_stands_in_for_ours(tmp_path: Path) -> None:
    name = "github/steps/save.yml.j2"
    texts = made(tmp_path, {f"ci/templates/{name}": "      # For the auditors.\n" + ours(name)}, TEMPLATES)
    assert "# For the auditors." in texts[WORKFLOW]
    assert "# For the auditors." not in texts[PIPELINE]


def test_values_are_quoted_in_a_template_of_the_teams_own_too(tmp_path: Path) -> None:
    text = "      - name: {{{ step.artifact ~ ': [' }}}\n        run: 'true'\n" + ours("github/steps/save.yml.j2")
    texts = made(tmp_path, {"ci/templates/github/steps/save.yml.j2": text}, TEMPLATES)
    assert yaml.safe_load(texts[WORKFLOW])["jobs"]["test"]["steps"][3]["name"] == "mlcicd-test: ["


SAVE = "ci/templates/github/steps/save.yml.j2"


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("ci/templates/github/steps/sav.yml.j2", "x", "mlcicd has no template of this name"),
        ("ci/templates/report/report.md.j2", "x", "mlcicd has no template of this name"),
        ("ci/templates/README.md", "x", "mlcicd has no template of this name"),
        ("ci/templates/github/for-forks.yml.j2", "x", "mlcicd has no template of this name"),
        (SAVE, "{{% if %}}", "github/steps/save.yml.j2:1: "),
        (SAVE, "{{{ nothing.there }}}\n", "'nothing' is undefined"),
        (SAVE, "{{{ step.__class__.__mro__ }}}\n", "unsafe"),
        (SAVE, "{{{ 1 // 0 }}}\n", "tool.templates: github/workflow.yml.j2: "),
        (SAVE, "{{% for n in range(10**9) %}}{{% endfor %}}\n", "Range too big"),
        (SAVE, "{{% include 'github/../../secret' %}}\n", "github/../../secret"),
        (SAVE, "      - [broken\n", "what github/steps/save.yml.j2 makes is not what mlcicd.yaml asks for"),
        (SAVE, "", "what github/steps/save.yml.j2 makes is not what mlcicd.yaml asks for"),
    ],
)
def test_a_template_that_is_wrong(tmp_path: Path, path: str, text: str, expected: str) -> None:
    error = refusal(tmp_path, {path: text}, TEMPLATES)
    assert isinstance(error, UsageError)
    assert expected in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("github/job.yml.j2", "    permissions:\n", "    permissions:\n      packages: write\n", "writes: expected no"),
        (
            "github/job.yml.j2",
            "    steps:\n",
            "    env:\n      A: ${{ secrets.A }}\n    steps:\n",
            "secrets: ",
        ),
        ("github/workflow.yml.j2", "permissions: {}", "permissions: write-all", "gives rights to every job"),
        ("github/job.yml.j2", "{{{ job.timeout }}}", "360", "timeout: expected 15, found 360"),
        ("github/job.yml.j2", "    if: {{{ job.condition }}}\n", "    if: always()\n", "comment: forks: expected no"),
        ("gitlab/rules.yml.j2", "{{{ rule.condition }}}", "$CI_COMMIT_BRANCH", "test: events: expected manual"),
        ("gitlab/job.yml.j2", "    - {{{ line }}}\n", "    - echo {{{ line }}}\n", "verbs: expected check, found none"),
    ],
)
def test_a_template_may_not_change_the_plan(tmp_path: Path, name: str, old: str, new: str, expected: str) -> None:
    text = ours(name)
    assert old in text
    error = refusal(tmp_path, {f"ci/templates/{name}": text.replace(old, new)}, TEMPLATES)
    assert f"what {name} makes is not what mlcicd.yaml asks for" in error.message
    assert expected in error.detail


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("github/steps/save.yml.j2", '      - {name: Tell, run: "echo ${{ github.head_ref }}"}\n'),
        ("gitlab/artifacts.yml.j2", "  variables: {CI_DEBUG_TRACE: 'true'}\n"),
    ],
)
def test_what_a_template_adds_is_judged_by_the_linter(tmp_path: Path, name: str, step: str) -> None:
    error = refusal(tmp_path, {f"ci/templates/{name}": step + ours(name)}, TEMPLATES)
    assert error.message == f"tool.templates: the linter refuses what {name} makes"
    assert re.search(r"\n  M\d+: ", error.detail)


def test_what_posts_for_forks_is_made_by_our_templates_alone(tmp_path: Path) -> None:
    path = "ci/templates/github/job.yml.j2"
    marked = ours("github/job.yml.j2").replace("    steps:\n", "    # the team's\n    steps:\n")
    texts = made(tmp_path, {path: marked}, TEMPLATES + "report: {forks: post}\n")
    assert "# the team's" in texts[WORKFLOW]
    assert "# the team's" not in (tmp_path / ".github/workflows/mlcicd-comment.yml").read_text("utf-8")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert "there is no folder ci/templates" in refusal(tmp_path, {}, TEMPLATES).message


def test_what_is_printed_of_a_tree_reads_the_same() -> None:
    from mlcicd.render import block

    tree = yamlio.load(GITHUB)
    assert yaml.safe_load("a:\n" + block(tree, 2) + "\n") == {"a": yaml.safe_load(GITHUB)}


STRICT = CONFIG.replace("[github, gitlab]", "[github, gitlab]\ntool: {profile: strict, pins: {python:3.12: DIGEST}}")
STRICT = STRICT.replace("DIGEST", "sha256:" + "4" * 64) + JOB


def test_the_strict_profile_admits_a_job_that_needs_no_exception(tmp_path: Path) -> None:
    hub = GITHUB.replace("ubuntu-latest", "[ubuntu-24.04]\ncontainer: {image: 'a/b:1@sha256:" + "1" * 64 + "'}")
    assert "a/b:1@" in made(tmp_path, {"ci/scan.yml": hub}, STRICT)[WORKFLOW]


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("runs-on: ubuntu-latest", "runs-on: self-hosted\nif: github.event_name == 'push'", "2:1", "self-hosted"),
        ("runs-on: ubuntu-latest", "runs-on: [Self-Hosted]\nenvironment: x", "2:1", "self-hosted"),
        ("runs-on: ubuntu-latest", "runs-on: my-gpu-box", "2:1", "self-hosted"),
        ("runs-on: ubuntu-latest", "runs-on: ${{ matrix.os }}\nstrategy: {matrix: {os: [a]}}", "2:1", "self-hosted"),
        ("runs-on: ubuntu-latest", "runs-on: {group: ours}", "2:1", "self-hosted"),
        ("timeout-minutes: 10", "timeout-minutes: 10\ncontainer: python:3", "4:12", "name python:3 by digest"),
        ("timeout-minutes: 10", "timeout-minutes: 10\ncontainer: {image: python:3}", "4:20", "name python:3 by digest"),
        ("timeout-minutes: 10", "timeout-minutes: 10\nservices: {a: {image: b}}", "4:23", "name b by digest"),
        ("steps:", "steps:\n  - uses: docker://a/b:1", "5:11", "name docker://a/b:1 by digest"),
    ],
)
def test_the_strict_profile_refuses_a_job_that_does(tmp_path: Path, old: str, new: str, place: str, words: str) -> None:
    error = refusal(tmp_path, {"ci/scan.yml": GITHUB.replace(old, new)}, STRICT)
    assert error.message.startswith(f"ci/scan.yml:{place}: ")
    assert words in error.message


@pytest.mark.parametrize(
    ("image", "place"),
    [
        ("image: python:3.12", "1:8"),
        ("image: {name: $IMAGE}", "1:15"),
        (f"image: a@sha256:{'1' * 64}\nservices: [redis:8]", "2:12"),
        (f"image: a@sha256:{'1' * 64}\nservices: [{{name: redis:8}}]", "2:19"),
    ],
)
def test_the_strict_profile_refuses_an_image_by_tag_on_every_platform(tmp_path: Path, image: str, place: str) -> None:
    lab = re.sub("image:.*", image, GITLAB)
    assert refusal(tmp_path, {"ci/lab.yml": lab}, STRICT).message.startswith(f"ci/lab.yml:{place}: tool.profile")


def test_the_strict_profile_refuses_what_the_linter_warns_of(tmp_path: Path) -> None:
    hub = GITHUB.replace("steps:", "steps:\n  - uses: a/b@v1")
    assert "a/b@v1" in made(tmp_path, {"ci/scan.yml": hub})[WORKFLOW]
    error = refusal(tmp_path / "strict", {"ci/scan.yml": hub}, STRICT)
    assert isinstance(error, Refused)
    assert "warning M16" in error.detail
