"""The report weighs what it measures: seeds, predictions and history out of real git repositories."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from mlcicd.runtime import facts
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.report import render
from mlcicd.runtime.report.model import Metric, Report, SelfTest
from mlcicd.runtime.report.run import report
from mlcicd.runtime.training import seed_record
from tests.unit.runtime.repository import git, stand_in

CONFIG = """\
version: 1
train: {command: python train.py}
report:
  metrics: [metrics.json]
  predictions: {file: predictions.csv, label: label, prediction: said, id: id}
  margins: {accuracy: 0.001}
gates:
  - {metric: accuracy, max-drop: 0.01}
"""
PLAIN = CONFIG.replace("  predictions: {file: predictions.csv, label: label, prediction: said, id: id}\n", "")
TRAINED = facts.TrainFacts(
    command="python train.py", exit=0, seconds=1.5, hardware=facts.Hardware(cpus=2, memory=2**30)
)
LOCK = """\
schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps: [{path: data.csv, md5: %s}, {path: train.py, md5: %s}]
    outs: [{path: metrics.json, md5: 285852258d6ddb3d3db04de575915eac}]
"""


def measure(accuracy: float, **more: object) -> None:
    Path("metrics.json").write_text(json.dumps({"accuracy": accuracy, **more}))


def commit(message: str = "change") -> str:
    git(Path(), "add", "-A")
    git(Path(), "commit", "-q", "-m", message)
    return git(Path(), "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository without a commit, with training done."""
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q", "-b", "main")
    Path("mlcicd.yaml").write_text(CONFIG)
    Path(".gitignore").write_text(".mlcicd\n")
    measure(0.95)
    facts.write(TRAINED, "train")
    return tmp_path


def branch() -> None:
    commit("base")
    git(Path(), "checkout", "-q", "-b", "change")


def seeded(values: Mapping[int, float]) -> list[facts.Seed]:
    return [
        facts.Seed(seed=seed, exit=0, seconds=1, metrics={"metrics.json:accuracy": value})
        for seed, value in values.items()
    ]


def trained(values: Mapping[int, float]) -> None:
    facts.write(TRAINED.model_copy(update={"seeds": tuple(seeded(values))}), "train")


def predict(right: float, many: int = 600, seed: int = 1, sites: int = 2) -> float:
    """Write predictions of which a share is right, and return the share that really is."""
    source = random.Random(seed)
    hits = [source.random() < right for _ in range(many)]
    lines = [f"{number},yes,{'yes' if hit else 'no'},{number % sites}" for number, hit in enumerate(hits)]
    Path("predictions.csv").write_text("\n".join(["id,label,said,site", *lines]) + "\n")
    return sum(hits) / many


def run(ci: Ci | None = None) -> Report:
    return report(Path("mlcicd.yaml"), "", (), Path(".mlcicd"), ci or Ci()).report


def accuracy(found: Report) -> Metric:
    return next(metric for metric in found.metrics if metric.name == "accuracy")


def said(found: Report) -> dict[str, tuple[str, ...]]:
    return {notice.kind: notice.names for notice in found.notices}


BASE = {1: 0.950, 2: 0.952, 3: 0.948, 4: 0.951, 0: 0.949}


def test_seeds_of_both_sides_make_an_interval(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    assert seed_record.write(root, seeded(BASE)) == [seed_record.FILE]
    branch()
    measure(0.96)
    trained({seed: value + 0.01 + seed * 0.0001 for seed, value in BASE.items()})
    found = run()
    metric = accuracy(found)
    assert metric.interval
    assert (metric.reading, metric.interval.method, metric.interval.n) == ("better", "paired-t", 5)
    assert metric.interval.low == pytest.approx(0.01, abs=0.0005)
    assert (metric.direction, len(metric.base_seeds), metric.margin) == ("higher", 5, 0.001)
    assert (found.state, found.gates[0].status, found.gates[0].method) == ("pass", "pass", "paired-t")
    text = render.markdown(found)
    assert "| 🟢 better |" in text
    assert "0.95 ± 0.0016" in text
    assert "over 5 seeds, in pairs." in text
    assert "neither better nor worse" not in text


def test_seeds_that_spread_over_the_bound_are_inconclusive_and_do_not_fail(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    seed_record.write(root, seeded(BASE))
    branch()
    measure(0.93)
    trained({1: 0.93, 2: 0.96, 3: 0.92, 4: 0.97, 0: 0.93})
    written = report(Path("mlcicd.yaml"), "", (), Path(".mlcicd"), Ci())
    found = written.report
    assert (found.state, found.gates[0].status) == ("inconclusive", "inconclusive")
    assert found.gates[0].needed > 5
    written.raise_for_state()
    text = written.files[1].read_text()
    assert "⚠️ 1 gate inconclusive" in text
    assert "> [!WARNING]\n> `accuracy` may have fallen by more than the 0.01 that the gate allows" in text
    assert f"about {found.gates[0].needed} seeds would tell" in text


def test_seeds_of_other_metrics_are_not_used_and_said(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    seed_record.write(root, seeded(BASE))
    measure(0.951)
    branch()
    trained(BASE)
    found = run()
    assert accuracy(found).interval is None
    assert said(found)["seeds"] == ("metrics.seeds.json belongs to an earlier version of metrics.json",)


def test_seeds_of_a_metric_that_only_dvc_holds_are_checked_by_its_lock(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    seed_record.write(root, seeded(BASE))
    digest = json.loads(Path(seed_record.FILE).read_text())["files"]["metrics.json"]
    Path(".gitignore").write_text(".mlcicd\nmetrics.json\n")
    lock = "schema: '2.0'\nstages:\n  e: {cmd: e, outs: [{path: metrics.json, md5: %s}]}\n"
    Path("dvc.lock").write_text(lock % digest)
    branch()
    trained({seed: value + 0.01 for seed, value in BASE.items()})
    assert len(accuracy(run()).base_seeds) == 5
    git(root, "checkout", "-q", "main")
    Path("dvc.lock").write_text(lock % ("0" * 32))
    commit()
    git(root, "checkout", "-q", "-B", "change")
    assert "earlier version" in said(run())["seeds"][0]


def test_predictions_make_an_interval_and_say_what_it_leaves_out(root: Path) -> None:
    measure(predict(0.9))
    branch()
    measure(predict(0.8, seed=2))
    found = run()
    metric = accuracy(found)
    assert metric.interval
    assert (metric.reading, metric.interval.method, metric.interval.n) == ("worse", "bootstrap", 600)
    assert (found.state, found.gates[0].status) == ("fail", "fail")
    text = render.markdown(found)
    assert "🔴 worse" in text
    assert "test-set noise only; training noise not measured" in text
    assert "**Do not merge yet:** `accuracy` fell by more than 0.01" in text


def test_predictions_that_dvc_holds_are_fetched_of_the_base(root: Path) -> None:
    Path(".gitignore").write_text(".mlcicd\n.venv\npredictions.csv\nbefore.csv\n")
    measure(predict(0.9))
    Path("predictions.csv").rename("before.csv")
    lock = "schema: '2.0'\nstages:\n  e: {cmd: e, outs: [{path: predictions.csv, md5: %s}]}\n"
    Path("dvc.yaml").write_text("stages:\n  e: {cmd: e, outs: [predictions.csv]}\n")
    Path("dvc.lock").write_text(lock % ("a" * 32))
    branch()
    Path("dvc.lock").write_text(lock % ("b" * 32))
    measure(predict(0.8, seed=2))
    dvc = stand_in(root, {"metrics show": "{}", "params diff": "{}", "plots diff": "{}"})
    dvc.answers("get", then='cp before.csv "$5"')
    found = run()
    assert accuracy(found).reading == "worse"
    assert [line.split()[0] for line in dvc.calls()].count("get") == 1
    dvc.answers("get", exit=1, err="ERROR: failed to get 'predictions.csv'")
    found = run()
    assert accuracy(found).interval is None
    assert "failed to get" in said(found)["predictions"][0]


def test_predictions_with_nothing_changed_are_no_evidence(root: Path) -> None:
    Path("mlcicd.yaml").write_text(CONFIG.replace("0.01}", "0.05}"))
    measure(predict(0.9))
    branch()
    measure(predict(0.9, seed=2))
    found = run()
    assert (accuracy(found).reading, found.state) == ("unclear", "pass")
    assert "⚪ no evidence of change" in render.markdown(found)


def test_a_change_cannot_soften_its_gate_by_predictions_of_its_own(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    measure(predict(0.9))
    branch()
    Path("mlcicd.yaml").write_text(CONFIG)
    measure(predict(0.88, seed=2))
    found = run()
    assert (found.state, accuracy(found).interval) == ("fail", None)
    assert said(found)["settings-changed"] == ("report.predictions",)


def test_predictions_that_are_no_use_are_said(root: Path) -> None:
    measure(predict(0.9))
    branch()
    Path("predictions.csv").unlink()
    assert said(run())["predictions"] == ("predictions.csv of this change: no such file",)


def test_the_worst_slice_is_named(root: Path) -> None:
    Path("mlcicd.yaml").write_text(CONFIG + "  - {metric: accuracy, slice: site, min: 0.85}\n")
    measure(predict(0.9))
    branch()
    lines = Path("predictions.csv").read_text().splitlines()
    bad = [
        line.replace("yes,yes", "yes,no") if line.endswith(",1") and index % 3 else line
        for index, line in enumerate(lines)
    ]
    Path("predictions.csv").write_text("\n".join(bad) + "\n")
    right = sum(",yes,yes," in line for line in bad) / 600
    measure(right)
    found = run()
    verdict = next(one for one in found.gates if one.slice)
    assert (verdict.status, verdict.slice, verdict.count) == ("fail", "site=1", 300)
    assert "`accuracy` in `site=1`" in render.markdown(found)


def history(values: list[float], data: str = "a" * 32) -> None:
    for number, value in enumerate(values):
        measure(value)
        Path("dvc.lock").write_text(LOCK % (data, f"{number:032}"))
        commit(f"run {number}")


EARLIER = [0.950, 0.953, 0.949, 0.951, 0.954, 0.948, 0.952, 0.950, 0.951]


def test_earlier_values_on_the_same_data_tell_noise_from_change(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    history(EARLIER)
    git(root, "checkout", "-q", "-b", "change")
    measure(0.9525)
    metric = accuracy(run())
    assert metric.interval
    assert (metric.reading, metric.interval.method, metric.interval.n) == ("unclear", "history", 9)
    measure(0.93)
    found = run()
    assert accuracy(found).reading == "worse"
    assert "last 9 values of the base branch on the same data" in render.markdown(found)
    # A gate is not softened by it.
    assert (found.gates[0].status, found.gates[0].method) == ("fail", None)


def test_values_on_other_data_do_not_count(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    history(EARLIER)
    history([0.7, 0.71], data="b" * 32)
    git(root, "checkout", "-q", "-b", "change")
    measure(0.72)
    assert accuracy(run()).interval is None


def test_a_commit_that_measured_nothing_anew_does_not_count(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    history(EARLIER[:5])
    for number in range(10):
        Path("notes.md").write_text(str(number))
        commit("notes")
    git(root, "checkout", "-q", "-b", "change")
    measure(0.93)
    assert accuracy(run()).interval is None


def test_a_shallow_clone_in_ci_gets_a_little_history_once(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    history(EARLIER)
    clone = tmp_path_factory.mktemp("clone") / "c"
    git(root, "clone", "-q", "--depth=2", f"file://{root}", str(clone))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(clone)
        facts.write(TRAINED, "train")
        measure(0.93)
        assert accuracy(run()).interval is None
        head = git(clone, "rev-parse", "HEAD")
        assert accuracy(run(Ci(forge="github", sha=head, base=(head,)))).reading == "worse"


def test_a_gate_compares_with_a_tag_that_is_fetched_when_it_is_not_here(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    Path("mlcicd.yaml").write_text(PLAIN.replace("max-drop: 0.01}", "max-drop: 0.01, against: champion}"))
    measure(0.99)
    commit("champion")
    git(root, "tag", "champion")
    measure(0.95)
    commit("later")
    clone = tmp_path_factory.mktemp("clone") / "c"
    git(root, "clone", "-q", "--depth=1", "--no-tags", f"file://{root}", str(clone))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(clone)
        facts.write(TRAINED, "train")
        found = run()
        assert (found.gates[0].status, found.gates[0].base, found.gates[0].against) == ("fail", 0.99, "champion")
        assert "at most 0.01 below `champion`" in render.markdown(found)


def test_a_reference_that_is_nowhere_fails_closed(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN.replace("max-drop: 0.01}", "max-drop: 0.01, against: champion}"))
    branch()
    found = run()
    assert (found.state, found.gates[0].cause) == ("error", "no-reference")
    assert "`champion` could not be found" in render.markdown(found)


OVERRIDE = "- {metric: accuracy, by: Ada Lovelace, reason: the new labels are stricter, %s}\n"


@pytest.mark.parametrize(
    ("ends", "state"),
    [("change: 17", "inconclusive"), ("change: 18", "fail"), ("until: 2001-01-31", "fail")],
)
def test_an_override_of_the_base_is_shown_and_is_no_pass(root: Path, ends: str, state: str) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    Path(".mlcicd-overrides.yaml").write_text(OVERRIDE % ends)
    branch()
    measure(0.5)
    base = git(root, "rev-parse", "main")
    found = run(Ci(change=17, sha=base, base=(base,)))
    assert found.state == state
    if state == "inconclusive":
        text = render.markdown(found)
        assert "⚠️ 1 gate overridden" in text
        assert "overridden by `Ada Lovelace`: `the new labels are stricter`" in text


def test_a_change_does_not_override_itself(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    branch()
    Path(".mlcicd-overrides.yaml").write_text(OVERRIDE % "change: 17")
    measure(0.5)
    base = git(root, "rev-parse", "main")
    commit()
    assert run(Ci(change=17, sha=base, base=(base,))).state == "fail"


def test_the_code_that_metrics_come_from_is_named(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    Path("train.py").write_text("print(1)\n")
    Path("other.py").write_text("print(1)\n")
    Path("dvc.lock").write_text(LOCK % ("a" * 32, "b" * 32))
    Path("data.csv").write_text("1\n")
    branch()
    Path("other.py").write_text("print(2)\n")
    assert "metric-code" not in said(run())
    Path("train.py").write_text("print(2)\n")
    assert said(run())["metric-code"] == ("train.py",)


def test_what_counts_as_a_metric_is_watched(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    pipeline = "stages:\n  e:\n    cmd: e\n    metrics: [metrics.json]\n    deps: [%s]\nplots: [roc.csv]\n"
    Path("dvc.yaml").write_text(pipeline % "a")
    branch()
    Path("dvc.yaml").write_text(pipeline % "b")
    assert "outputs-changed" not in said(run())
    Path("dvc.yaml").write_text(pipeline.replace("metrics.json", "better.json").replace("roc", "pr") % "b")
    assert said(run())["outputs-changed"] == ("dvc.yaml: e.metrics", "dvc.yaml: plots")


def test_a_gate_that_no_model_fails_is_told(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN.replace("max-drop: 0.01", "min: -1"))
    branch()
    found = run()
    assert found.self_test == SelfTest(closed=0, open=("accuracy min -1 (passes at 0)",))
    assert found.state == "error"
    assert "The worst model there can be would pass these gates: `accuracy min -1" in render.markdown(found)


def test_without_any_evidence_nothing_is_called_better(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    branch()
    measure(0.97)
    found = run()
    assert (accuracy(found).reading, accuracy(found).interval) == ("single", None)
    assert "One run on each side" in render.markdown(found)


SMALL = facts.Hardware(cpus=2, memory=8 * 2**30)


@pytest.mark.parametrize(
    ("here", "reading"),
    [(facts.Hardware(cpus=2, memory=8 * 2**30 - 2**28), "better"), (TRAINED.hardware, "machine")],
    ids=["the same type", "another type"],
)
def test_a_time_on_another_type_of_machine_is_told_and_not_read(root: Path, here: facts.Hardware, reading: str) -> None:
    def seeds(value: float) -> tuple[facts.Seed, ...]:
        names = ("metrics.json:latency_ms", "metrics.json:accuracy")
        return tuple(
            facts.Seed(seed=n, exit=0, seconds=1, metrics=dict.fromkeys(names, value + n / 100)) for n in range(5)
        )

    Path("mlcicd.yaml").write_text(PLAIN)
    measure(0.9, latency_ms=40)
    seed_record.write(root, seeds(0.9), SMALL)
    branch()
    measure(0.9, latency_ms=20)
    facts.write(TRAINED.model_copy(update={"hardware": here, "seeds": seeds(0.5)}), "train")
    found = run()
    assert (found.base_machine is None) is (reading == "better")
    by_name = {metric.name: metric for metric in found.metrics}
    assert (by_name["latency_ms"].reading, by_name["latency_ms"].interval is None) == (reading, reading == "machine")
    assert by_name["accuracy"].interval is not None
    assert ("The type of machine changed" in render.markdown(found)) is (reading == "machine")


def test_earlier_times_are_not_compared(root: Path) -> None:
    """Nothing says which machines they were measured on."""
    Path("mlcicd.yaml").write_text(PLAIN)
    for number, value in enumerate(EARLIER):
        measure(value, seconds=value)
        Path("dvc.lock").write_text(LOCK % ("a" * 32, f"{number:032}"))
        commit(f"run {number}")
    git(root, "checkout", "-q", "-b", "change")
    measure(0.5, seconds=0.5)
    by_name = {metric.name: metric for metric in run().metrics}
    assert (by_name["accuracy"].reading, by_name["seconds"].reading) == ("worse", "single")


def test_gates_that_closed_are_counted_in_the_report(root: Path) -> None:
    Path("mlcicd.yaml").write_text(PLAIN)
    branch()
    found = run()
    assert found.self_test == SelfTest(closed=1)
    assert "Self-test: 1 gate was shown a far worse model and closed." in render.markdown(found)
