"""The verb `report` in real repositories without DVC: what it reads, judges and writes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from click.testing import CliRunner

from mlcicd.cli.report import report as command
from mlcicd.errors import Refused
from mlcicd.runtime import facts
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.report import document
from mlcicd.runtime.report.model import Gpu, GpuCheck, Outdated, Report
from mlcicd.runtime.report.run import Written, report

CONFIG = """\
version: 1
project: {name: digits}
train: {command: python train.py}
report: {metrics: [metrics.json], params: [params.yaml]}
gates:
  - {metric: accuracy, min: 0.9}
  - {metric: accuracy, max-drop: 0.01}
"""
FILES = ["report.json", "report.md", "report.html", "junit.xml", "metrics.txt"]
TRAINED = facts.TrainFacts(
    command="python train.py", exit=0, seconds=1.5, hardware=facts.Hardware(cpus=2, memory=2**30)
)


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    return subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def measure(accuracy: object, **more: object) -> None:
    Path("metrics.json").write_text(json.dumps({"accuracy": accuracy, **more}))


def commit() -> str:
    git("add", "mlcicd.yaml", "metrics.json", "params.yaml")
    git("commit", "--quiet", "-m", "change")
    return git("rev-parse", "HEAD")


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A repository with accuracy 0.95 at its only commit, checked out on a branch, with training done."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    Path("mlcicd.yaml").write_text(CONFIG)
    Path("params.yaml").write_text("train: {lr: 0.1, depth: 6}\n")
    measure(0.95, size=10)
    sha = commit()
    git("checkout", "--quiet", "-b", "change")
    facts.write(TRAINED, "train")
    return sha


def run(ci: Ci | None = None, *, metric_files: tuple[str, ...] = ()) -> Report:
    return made(ci, metric_files=metric_files).report


def made(ci: Ci | None = None, *, metric_files: tuple[str, ...] = ()) -> Written:
    return report(Path("mlcicd.yaml"), "", metric_files, Path(".mlcicd"), ci or Ci())


def statuses(report: Report) -> list[tuple[str, str]]:
    return [(verdict.rule, verdict.status) for verdict in report.gates]


def kinds(report: Report) -> list[str]:
    return [notice.kind for notice in report.notices]


def test_a_small_fall_passes_and_every_file_is_written(base: str) -> None:
    measure(0.945, size=10)
    Path("params.yaml").write_text("train: {lr: 0.2, depth: 6}\n")
    summary = Path("summary.md")
    written = made(Ci(summary=summary))
    report = written.report
    assert (report.state, report.base, report.title) == ("pass", base, "digits")
    assert statuses(report) == [("min", "pass"), ("max-drop", "pass")]
    assert [(metric.name, metric.base, metric.change) for metric in report.metrics] == [
        ("accuracy", 0.95, 0.945),
        ("size", 10, 10),
    ]
    assert [(param.name, param.base, param.change) for param in report.params] == [("train.lr", "0.1", "0.2")]
    assert [path.name for path in written.files] == FILES
    assert document.load(written.files[0]) == report
    assert summary.read_text().startswith("<!-- mlcicd:report v=1")
    assert Xml.parse(written.files[3]).getroot().attrib["tests"] == "3"
    written.raise_for_state()


def test_a_large_fall_fails(base: str) -> None:
    measure(0.93)
    written = made()
    assert (written.report.state, statuses(written.report)[0]) == ("fail", ("max-drop", "fail"))
    with pytest.raises(Refused, match="1 gate failed"):
        written.raise_for_state()


def test_a_change_that_lowers_its_own_gate_is_judged_by_the_base(base: str) -> None:
    measure(0.85)
    Path("mlcicd.yaml").write_text(CONFIG.replace("min: 0.9}", "min: 0.1}").replace("0.01", "0.5"))
    report = run()
    assert report.state == "fail"
    assert kinds(report) == ["gates-changed"]
    judged = {(verdict.source, verdict.rule, verdict.bound): verdict.status for verdict in report.gates}
    assert judged == {
        ("base", "min", 0.9): "fail",
        ("base", "max-drop", 0.01): "fail",
        ("change", "min", 0.1): "pass",
        ("change", "max-drop", 0.5): "pass",
    }


def test_a_change_that_removes_its_gates_and_its_checks_is_judged_and_said(base: str) -> None:
    measure(0.85)
    Path("mlcicd.yaml").write_text("version: 1\ntest: {command: 'true'}\nreport: {metrics: [metrics.json]}\n")
    facts.write(facts.TestFacts(command="true", exit=0, seconds=0), "test")
    report = run()
    assert report.state == "fail"
    assert {notice.kind: notice.names for notice in report.notices} == {
        "gates-changed": ("accuracy",),
        "sections-removed": ("train",),
    }
    # Nothing was trained, so what the change commits as metrics opens no gate of the base.
    assert {verdict.status for verdict in report.gates} == {"error"}


def test_taking_the_checks_out_is_refused_even_without_gates(base: str) -> None:
    text = CONFIG.split("gates:")[0]
    Path("mlcicd.yaml").write_text(text + "test: {command: 'true'}\n")
    commit()
    git("branch", "--force", "main", "HEAD")
    Path("mlcicd.yaml").write_text(text)
    report = run()
    assert (report.state, report.gates) == ("fail", ())
    assert "checks were taken out" in Path(".mlcicd/report.md").read_text("utf-8")


def test_an_unreadable_configuration_at_the_base_is_said(base: str) -> None:
    git("checkout", "--quiet", "main")
    Path("mlcicd.yaml").write_text("version: [\n")
    commit()
    git("checkout", "--quiet", "-B", "change")
    Path("mlcicd.yaml").write_text(CONFIG)
    report = run()
    assert kinds(report) == ["base-config"]
    assert {verdict.source for verdict in report.gates} == {"change"}


def test_without_a_base_comparisons_stay_open_and_are_visible(base: str) -> None:
    report = run(Ci(sha=base))
    assert (report.state, report.base) == ("no-baseline", "")
    assert statuses(report) == [("max-drop", "no-base"), ("min", "pass")]


def test_a_job_that_left_nothing_is_an_error_and_committed_metrics_are_not_believed(base: str) -> None:
    Path(".mlcicd/train.json").unlink()
    report = run()
    assert (report.state, report.missing) == ("error", ("train",))
    assert {verdict.cause for verdict in report.gates} == {"not-measured"}
    assert report.metrics == ()


def test_a_crashed_training_shows_its_last_lines(base: str) -> None:
    facts.write(TRAINED.model_copy(update={"exit": 1, "tail": ("Traceback", "ValueError: no data")}), "train")
    written = made()
    assert written.report.state == "error"
    assert "ValueError: no data" in written.files[1].read_text()
    assert "ValueError: no data" in written.files[2].read_text()


def test_facts_of_another_version_count_as_missing_and_are_said(base: str) -> None:
    Path(".mlcicd/train.json").write_text('{"exit": 0}')
    report = run()
    assert (report.state, report.missing, kinds(report)) == ("error", ("train",), ["facts", "not-measured"])


@pytest.mark.parametrize(
    ("content", "reason"),
    [("", "the file is empty"), ('{"accuracy": 0.', "Expecting"), ('{"accuracy": "high"}', "the text 'high'")],
)
def test_a_bad_metric_file_fails_the_gate_and_is_named(base: str, content: str, reason: str) -> None:
    Path("metrics.json").write_text(content)
    report = run()
    assert report.state == "error"
    assert report.unread[0].file == "metrics.json"
    assert report.unread[0].reason.startswith(reason)
    assert reason in report.gates[0].reason


def test_nan_fails_closed(base: str) -> None:
    Path("metrics.json").write_text('{"accuracy": NaN}')
    report = run()
    assert statuses(report) == [("min", "error"), ("max-drop", "error")]
    assert document.load(Path(".mlcicd/report.json")).metrics[0].name == "accuracy"


def test_metric_files_can_be_named_on_the_command_line(base: str) -> None:
    Path("other.toml").write_text("accuracy = 0.99\n")
    assert run(metric_files=("other.toml",)).metrics[0].file == "other.toml"


def test_a_project_in_a_folder_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    Path("ml").mkdir()
    Path("mlcicd.yaml").write_text(CONFIG.replace("name: digits", "root: ml"))
    Path("ml/metrics.json").write_text('{"accuracy": 0.95}')
    git("add", ".")
    git("commit", "--quiet", "-m", "one")
    Path("ml/metrics.json").write_text('{"accuracy": 0.951}')
    facts.write(TRAINED, "train")
    report = run()
    assert (report.metrics[0].base, report.metrics[0].change) == (0.95, 0.951)
    assert report.notices == ()


def test_without_a_configuration_it_still_compares(base: str) -> None:
    Path("mlcicd.yaml").unlink()
    Path(".mlcicd/train.json").unlink()
    measure(0.9)
    report = run(metric_files=("metrics.json",))
    assert (report.metrics[0].base, report.metrics[0].change) == (0.95, 0.9)


def test_the_command_prints_the_verdict_and_refuses(base: str) -> None:
    measure(0.5)
    result = CliRunner().invoke(command, ["--metrics", "metrics.json  metrics.json"])
    assert isinstance(result.exception, Refused)
    assert "❌ 2 gates failed" in result.output
    assert ".mlcicd/report.html" in result.output


def test_a_change_that_names_other_metric_files_is_compared_with_those_of_the_base(base: str) -> None:
    Path("other.json").write_text('{"accuracy": 0.91}')
    Path("mlcicd.yaml").write_text(CONFIG.replace("[metrics.json]", "[other.json]"))
    report = run()
    assert statuses(report) == [("max-drop", "fail"), ("min", "pass")]
    assert [notice.names for notice in report.notices if notice.kind == "settings-changed"] == [("report.metrics",)]


def test_a_pull_request_whose_base_is_lost_is_an_error(base: str) -> None:
    report = run(Ci(change=3, sha=base, base=("1" * 40,)))
    assert (report.state, kinds(report)) == ("error", ["base-lost"])
    cases = Xml.parse(".mlcicd/junit.xml").getroot()
    assert [case.get("name") for case in cases if case.find("error") is not None] == ["base"]


def test_results_that_were_committed_are_not_believed(base: str) -> None:
    git("add", "--force", ".mlcicd/train.json")
    report = run()
    assert (report.state, report.missing, kinds(report)) == ("error", ("train",), ["facts", "not-measured"])


def test_another_folder_for_the_report_is_not_hidden_from_git(base: str) -> None:
    report(Path("mlcicd.yaml"), "", (), Path("out"), Ci())
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(FILES)


def test_facts_of_data_that_the_configuration_no_longer_fetches_are_left_out(base: str) -> None:
    facts.write(
        facts.DataFacts(targets=(), files=0, bytes=0, seconds=0.1, verified=False, error="no such remote"), "data"
    )
    report = run()
    assert report.data is None
    assert report.state == "pass"


SMOKE = CONFIG.replace("python train.py}", "python train.py, smoke: {params: {train.depth: 1}}}")


@pytest.mark.parametrize(
    ("at_base", "state", "status"),
    [(SMOKE, "smoke", "waiting"), (CONFIG, "fail", "fail")],
    ids=["allowed by the base", "declared by the change itself"],
)
def test_gates_wait_for_the_full_training_only_where_the_base_says_so(
    base: str, at_base: str, state: str, status: str
) -> None:
    Path("mlcicd.yaml").write_text(at_base)
    measure(0.95)
    commit()
    git("branch", "--force", "main", "HEAD")
    Path("mlcicd.yaml").write_text(SMOKE)
    measure(0.5)
    facts.write(TRAINED.model_copy(update={"smoke": ("train.depth=1",)}), "train")
    report = run()
    assert report.state == state
    assert statuses(report) == [("min", status), ("max-drop", status)]
    assert kinds(report) == ([] if at_base == SMOKE else ["settings-changed"])


def test_a_smoke_training_that_measured_nothing_still_fails(base: str) -> None:
    Path("mlcicd.yaml").write_text(SMOKE)
    commit()
    git("branch", "--force", "main", "HEAD")
    facts.write(TRAINED.model_copy(update={"exit": 1, "smoke": ("train.depth=1",)}), "train")
    assert run().state == "error"


def judged(name: str, *, success: bool) -> None:
    point = facts.Checkpoint(name=name, kind="suite", success=success)
    name = "validate-train" if name == "made" else "validate"
    facts.write(facts.ValidateFacts(success=success, checkpoints=(point,), seconds=1), name)


def test_what_is_judged_after_training_counts_as_much_as_what_is_judged_before(base: str) -> None:
    suites = "validate: {suites: [{data: raw.csv}, {data: made.csv, after: train}]}\n"
    Path("mlcicd.yaml").write_text(CONFIG + suites)
    judged("raw", success=True)
    assert run().missing == ("validate",)
    judged("made", success=False)
    report = run()
    assert (report.missing, report.state) == ((), "fail")
    assert report.validation
    assert [point.name for point in report.validation.checkpoints] == ["made", "raw"]


def test_the_values_over_seeds_stand_beside_the_metric(base: str) -> None:
    measure(0.95)
    runs = tuple(
        facts.Seed(seed=seed, exit=exit, seconds=1, metrics={"metrics.json:accuracy": value})
        for seed, exit, value in ((1, 0, 0.94), (2, 1, 0.1), (0, 0, 0.95))
    )
    facts.write(TRAINED.model_copy(update={"seeds": runs}), "train")
    (accuracy,) = [metric for metric in run().metrics if metric.name == "accuracy"]
    assert accuracy.seeds == (0.94, 0.95)


def test_an_address_with_more_than_an_address_in_it_is_left_out(base: str) -> None:
    measure(0.95)
    runs = tuple(
        facts.Tracked(tool="mlflow", run="cat", link=link)
        for link in ("https://ml.example/#/runs/1", "https://u:p@ml.example/", "javascript:alert(1)")
    )
    facts.write(TRAINED.model_copy(update={"tracked": runs}), "train")
    training = run().training
    assert training
    assert [one.link for one in training.tracked] == ["https://ml.example/#/runs/1", "", ""]


def elsewhere() -> str:
    """Make a commit after the training, and return the one before."""
    before = git("rev-parse", "HEAD")
    Path("params.yaml").write_text("train: {lr: 0.2}\n")
    commit()
    return before


def test_evidence_of_another_commit_is_not_used_in_ci(base: str) -> None:
    facts.write(TRAINED, "train")
    before = elsewhere()
    report = run(Ci(sha=git("rev-parse", "HEAD"), base=(base,)))
    assert report.outdated == (Outdated(job="train", sha=before, used=False),)
    assert (report.state, report.missing, report.training) == ("error", (), None)
    assert {verdict.cause for verdict in report.gates} == {"not-measured"}
    cases = Xml.parse(".mlcicd/junit.xml").getroot()
    assert "train" in [case.get("name") for case in cases if case.find("error") is not None]


def test_evidence_of_another_commit_is_used_on_a_laptop_with_a_warning(base: str) -> None:
    facts.write(TRAINED, "train")
    before = elsewhere()
    report = run()
    assert report.outdated == (Outdated(job="train", sha=before, used=True),)
    assert (report.state, report.training is None) == ("pass", False)
    assert f"`mlcicd train` left here is of the commit {before[:7]}" in Path(".mlcicd/report.md").read_text("utf-8")


def test_evidence_of_this_commit_is_silent(base: str) -> None:
    elsewhere()
    facts.write(TRAINED, "train")
    assert run().outdated == ()
    assert run(Ci(sha="f" * 40, base=(base,))).outdated == ()  # the forge's merge has another id than the change


def test_locks_that_changed_between_two_verbs_are_told(base: str) -> None:
    git("checkout", "--quiet", "main")
    Path("dvc.lock").write_text("stages: {}\n")
    git("add", "dvc.lock")
    git("commit", "--quiet", "-m", "lock")
    git("checkout", "--quiet", "-B", "change")
    tests = facts.TestFacts(command="true", exit=0, seconds=0)
    facts.write(tests, "test")
    Path("dvc.lock").write_text("stages: {train: {}}\n")
    facts.write(TRAINED, "train")
    assert run().outdated == ()  # the tests saw the lock of the commit, and training wrote its own
    Path("dvc.lock").write_text("stages: {train: {cmd: x}}\n")
    facts.write(tests, "test")
    Path("dvc.lock").write_text("stages: {train: {}}\n")
    assert run().outdated == (Outdated(job="test", used=True),)


def test_facts_that_do_not_say_where_they_are_from_are_believed(base: str) -> None:
    Path(".mlcicd/train.json").write_text(TRAINED.model_dump_json())
    assert run(Ci(sha="f" * 40, base=(base,))).outdated == ()


def test_a_gpu_that_is_missing_is_why_training_left_nothing(base: str) -> None:
    Path(".mlcicd/train.json").unlink()
    facts.write(facts.GpuFacts(need="required", problem="there is no nvidia-smi"), "gpu")
    written = made()
    assert written.report.gpu == GpuCheck(need="required", problem="there is no nvidia-smi")
    with pytest.raises(Refused, match="no usable GPU"):
        written.raise_for_state()


def test_what_was_found_of_gpus_for_another_commit_is_left_out(base: str) -> None:
    facts.write(facts.GpuFacts(need="required", devices=(facts.Gpu(name="Tesla T4"),)), "gpu")
    assert run().gpu == GpuCheck(need="required", devices=(Gpu(name="Tesla T4"),))
    facts.write(facts.GpuFacts(need="none", problem="there is no nvidia-smi"), "gpu")
    assert run().gpu is None
    facts.write(facts.GpuFacts(need="required"), "gpu")
    git("commit", "--quiet", "--allow-empty", "-m", "another")
    facts.write(TRAINED, "train")
    assert run().gpu is None


def test_a_training_on_the_cpu_with_all_parameters_is_judged_and_said(base: str) -> None:
    measure(0.5)
    cost = facts.Cost(minutes=6, price=0.052)
    facts.write(TRAINED.model_copy(update={"no_gpu": "there is no nvidia-smi", "cost": cost}), "train")
    written = made()
    assert statuses(written.report) == [("min", "fail"), ("max-drop", "fail")]
    text = written.files[1].read_text()
    assert "Trained on the CPU, for there was no usable GPU: `there is no nvidia-smi`" in text
    assert "about $0.31 (6 min at $3.12/h, estimate)" in text
