from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlcicd.cli.status import status as command
from mlcicd.errors import OutsideError, Refused, UsageError
from mlcicd.runtime import facts, project, status
from mlcicd.runtime.storage import pushed
from tests.unit.runtime import repository

OUTS = ("data/prepared", "data/raw.csv", "model.pkl", "metrics.json", "plots/roc.csv", "plots/confusion.csv")
LISTED = {"train.csv": repository.TRAIN, "test.csv": repository.TEST}
REPEAT = "dvc repro --pull"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return repository.make(tmp_path)


@pytest.fixture
def fake(root):
    made = repository.stand_in(root)
    made.answers("status --json", repository.CLEAN)
    made.answers("dag --outs --dot", "strict digraph {\n" + "".join(f'"{out}";\n' for out in OUTS) + "}\n")
    made.answers("cache dir", f"{root}/.dvc/cache\n")
    cache = root / ".dvc/cache/files/md5/e3/7ff1e0aff1ec0c21f228bb6f7b0135.dir"
    cache.parent.mkdir(parents=True)
    cache.write_text(json.dumps([{"md5": md5, "relpath": path} for path, md5 in LISTED.items()]))
    return made


def compare(config=""):
    if config:
        Path("mlcicd.yaml").write_text(f"version: 1\ntrain: {{}}\n{config}\n")
    return status.check(project.load(), None)


def stale(found):
    return {step.name: step.why for step in found.steps if step.stale}


def repair(found):
    with pytest.raises(Refused) as caught:
        status.require(found)
    return caught.value.hint


def tells(fake, stage, entry):
    """Let `dvc status` say one thing more of a stage."""
    told = copy.deepcopy(repository.CLEAN)
    told.setdefault(stage, []).append(entry)
    fake.answers("status --json", told)


def edit(name, old, new):
    text = Path(name).read_text()
    assert old in text
    Path(name).write_text(text.replace(old, new))


def test_a_fresh_clone_without_data_is_in_step(fake):
    found = compare()
    status.require(found)
    assert [step.name for step in found.steps] == ["prepare", "train", "evaluate"]
    assert (found.success, stale(found), found.notes, found.remote) == (True, {}, (), "not asked")
    assert facts.read(facts.StatusFacts, "status") == found.model_copy(update={"origin": facts.origin.here()})
    assert not [call for call in fake.calls() if call.startswith(("pull", "fetch", "ls"))]


def test_a_parameter_is_named_with_both_values_and_what_follows_is_stale(fake, root):
    edit("dvc.lock", "    outs:\n    - {path: model.pkl", "    params: {params.yaml: {train: {n: 100, seed: 1}}}\n"
         "    outs:\n    - {path: model.pkl")  # fmt: skip
    (root / "params.yaml").write_text("train: {n: 200, depth: 3}\nother: 1\n")
    tells(fake, "train", {"changed deps": {"params.yaml": {"train": "modified"}}})
    found = compare()
    assert stale(found) == {
        "train": (
            "parameter train.n 100 → 200 in params.yaml",
            "parameter train.seed 1 → (absent) in params.yaml",
            "parameter train.depth (absent) → 3 in params.yaml",
        ),
        "evaluate": ("reads what stage train writes, and that is stale",),
    }
    assert repair(found) == f"{REPEAT} train evaluate && git add dvc.lock metrics.json"
    assert [step.name for step in found.steps] == ["train", "evaluate", "prepare"]


@pytest.mark.parametrize(
    ("stage", "entry", "why"),
    [
        ("train", {"changed deps": {"src/new.py": "modified"}}, "src/new.py: a dependency that dvc.lock does not know"),
        ("prepare", {"changed deps": {"src/prepare.py": "modified"}}, "code src/prepare.py changed"),
        ("prepare", {"changed deps": {"src/prepare.py": "deleted"}}, "src/prepare.py: is gone"),
        ("prepare", {"changed deps": {"data/raw.csv": "modified"}}, "data data/raw.csv changed"),
        ("train", {"changed deps": {"params.py": {"lr": "modified"}}}, "parameters lr in params.py changed"),
        ("train", {"changed deps": {"p.yaml": {"lr": "new"}}}, "parameter lr in p.yaml: dvc.lock does not know it"),
        ("train", {"changed outs": {"more.bin": "deleted"}}, "more.bin: an output that dvc.lock does not know"),
        ("train", "changed checksum", "its definition in dvc.yaml changed"),
        ("new", {"changed outs": {"more.bin": "deleted"}}, "never run: dvc.lock does not know it"),
    ],
)  # fmt: skip
def test_what_dvc_tells_is_told_in_words(fake, stage, entry, why):
    tells(fake, stage, entry)
    assert stale(compare())[stage] == (why,)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ("python -O src/train.py", "command: python src/train.py → python -O src/train.py"),
        ("python ${root}/train.py", "its command in dvc.yaml changed"),
    ],
)
def test_a_command_is_shown_before_and_after_but_not_as_a_template(fake, now, why):
    edit("dvc.yaml", "cmd: python src/train.py", f'cmd: "{now}"')
    tells(fake, "train", "changed command")
    assert stale(compare())["train"] == (why,)


def test_data_of_another_version_is_told_by_the_hashes_although_it_is_not_here(fake):
    edit("data/raw.csv.dvc", repository.RAW, "c" * 32)
    found = compare("data: {}\nstatus: {remote: false}")
    assert stale(found)["prepare"] == (
        "data data/raw.csv: it ran with md5 b154f6a…, data/raw.csv.dvc now has ccccccc…",
    )
    assert "evaluate" in stale(found)
    assert repair(found) == (
        f"{REPEAT} prepare train evaluate && dvc push && git add dvc.lock metrics.json"
    )  # fmt: skip


def test_a_lock_merged_by_hand_does_not_fit_together(fake):
    edit("dvc.lock", f"train.csv, hash: md5, md5: {repository.TRAIN}", f"train.csv, hash: md5, md5: {'d' * 32}")
    found = compare()
    assert stale(found)["train"] == (
        "data data/prepared/train.csv: it ran with md5 ddddddd…, stage prepare in dvc.lock now has d96867a…",
    )
    assert "prepare" not in stale(found)


def test_what_cannot_be_told_without_the_remote_is_said(fake, root):
    (root / ".dvc/cache/files/md5/e3/7ff1e0aff1ec0c21f228bb6f7b0135.dir").unlink()
    found = compare()
    assert found.success
    assert found.notes == ("data/prepared: what stages read of it cannot be compared without its list of files",)


def test_a_frozen_stage_is_left_alone_and_stops_what_is_stale_above_it(fake):
    edit("dvc.yaml", "train: {cmd", "train: {frozen: true, cmd")
    edit("data/raw.csv.dvc", repository.RAW, "c" * 32)
    found = compare()
    assert list(stale(found)) == ["prepare", "evaluate"]
    assert "train: frozen, so what it depends on is not compared" in found.notes


def test_metrics_in_git_that_the_stage_did_not_write(fake, root):
    (root / "metrics.json").write_text('{"accuracy": 1.0}')
    tells(fake, "evaluate", {"changed outs": {"metrics.json": "modified"}})
    found = compare()
    assert stale(found) == {"evaluate": ("metrics.json is not what dvc.lock says this stage wrote",)}
    assert repair(found) == "git checkout -- metrics.json"
    # Once that is committed, only the stage itself can write the right ones.
    repository.git(root, "commit", "-qam", "better numbers")
    assert repair(compare()) == f"{REPEAT} evaluate && git add dvc.lock metrics.json"


def test_metrics_that_are_gone_are_told_from_data_that_is_only_not_here(fake, root):
    (root / "metrics.json").unlink()
    tells(fake, "evaluate", {"changed outs": {"metrics.json": "deleted", "plots/roc.csv": "deleted"}})
    assert stale(compare()) == {"evaluate": ("metrics.json is gone; git should hold what this stage wrote",)}


def test_what_only_the_lock_still_names(fake, root):
    edit("dvc.yaml", "train: {cmd: python src/train.py, deps: [data/prepared/train.csv], outs: [model.pkl]}", "")
    fake.answers("dag --outs --dot", '"data/prepared";\n"data/raw.csv";\n"metrics.json";\n"plots/roc.csv";\n')
    found = compare()
    assert stale(found) == {
        "train": ("dvc.lock names it, and dvc.yaml has no such stage (dvc.lock:10)",),
        "evaluate": ("dvc.lock names the output plots/confusion.csv, which dvc.yaml no longer has",),
    }
    assert repair(found).splitlines() == [
        "remove the lines of 'train' from dvc.lock (dvc.lock:10); DVC leaves them there",
        "dvc pull data/prepared/test.csv model.pkl plots/roc.csv"
        " && dvc commit --force evaluate && git add dvc.lock metrics.json",
    ]


def test_data_here_that_was_never_added(fake):
    told = {"data/raw.csv.dvc": [{"changed outs": {"data/raw.csv": "modified"}}]}
    fake.answers("status --json", told)
    found = compare()
    assert stale(found) == {"data/raw.csv.dvc": ("data data/raw.csv here is not what data/raw.csv.dvc says",)}
    assert repair(found) == "dvc add data/raw.csv && dvc push && git add data/raw.csv.dvc"


@pytest.mark.parametrize("name", ["dvc.lock", "dvc.yaml", "data/raw.csv.dvc", "params.yaml"])
def test_merge_markers_are_told_before_dvc_is_asked(fake, root, name):
    (root / name).parent.mkdir(exist_ok=True)
    text = (root / name).read_text() if (root / name).exists() else ""
    (root / name).write_text(f"<<<<<<< HEAD\n{text}=======\n>>>>>>> other\n")
    found = compare()
    assert stale(found) == {name: (f"there are merge markers in it ({name}:1)",)}
    assert name in repair(found)
    assert fake.calls() == []
    assert facts.read(facts.StatusFacts, "status") == found.model_copy(update={"origin": facts.origin.here()})


def test_what_is_not_committed_is_noted_for_ci_will_not_see_it(fake, root):
    (root / "src").mkdir()
    (root / "src/prepare.py").write_text("")
    edit("dvc.yaml", "vars:", "# read top down\nvars:")
    # A file in a folder that DVC holds is DVC's to deliver.
    Path("data/prepared").mkdir(parents=True, exist_ok=True)
    Path("data/prepared/train.csv").write_text("x\n")
    assert compare().notes == ("not committed yet, so CI does not see it: dvc.yaml, src/prepare.py",)


def test_a_stage_that_always_runs_is_no_reason_to_refuse(fake):
    tells(fake, "evaluate", "always changed")
    found = compare()
    assert found.success
    assert found.notes == ("evaluate: runs every time (always_changed), so it cannot be in step",)


def test_dvc_that_cannot_say_is_an_error_that_is_recorded(fake):
    fake.answers("dag --outs --dot", err="ERROR: unexpected", exit=255)
    with pytest.raises(OutsideError, match=r"^dvc dag failed: unexpected"):
        compare()
    assert facts.read(facts.StatusFacts, "status").error == "dvc dag failed: unexpected"


def test_a_project_without_dvc_has_nothing_to_compare(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(command, [], catch_exceptions=False)
    assert result.exit_code == 0
    assert "nothing to compare" in result.output
    with pytest.raises(UsageError, match=r"^status: there is neither a dvc.yaml nor a .dvc file in \."):
        compare("status: {}")


def test_the_table_has_stale_things_first_and_json_says_the_same(fake):
    tells(fake, "evaluate", "changed checksum")
    result = CliRunner().invoke(command, ["--no-remote"])
    assert isinstance(result.exception, Refused)
    assert result.output.splitlines() == [
        "stale     evaluate  its definition in dvc.yaml changed",
        "in step   prepare",
        "in step   train",
    ]
    printed = CliRunner().invoke(command, ["--json"]).output
    left = facts.read(facts.StatusFacts, "status")
    assert facts.StatusFacts.model_validate_json(printed) == left.model_copy(update={"origin": None})
    assert left.steps[0].repair == f"{REPEAT} evaluate && git add dvc.lock metrics.json"


def test_the_command_takes_an_empty_choice_of_the_action_for_none(fake, monkeypatch):
    monkeypatch.setenv("MLCICD_STATUS_REMOTE", "")
    from mlcicd.cli import cli

    result = CliRunner().invoke(cli, ["status"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "remote" not in result.output


def test_a_lock_without_its_data_is_refused_and_each_missing_file_is_shown(fake, monkeypatch):
    lacking = pushed.Missing(path="model.pkl", source="train", why="model.pkl: stage train, md5 1ff in dvc.lock: Ada")
    monkeypatch.setattr(pushed, "missing", lambda project, environ, remote: (lacking,))
    fake.answers("ls . data/prepared", [{"md5": md5, "path": path} for path, md5 in LISTED.items()])
    found = compare("data: {remote: storage}")
    assert (found.success, found.remote, found.missing) == (False, "incomplete", (lacking.why,))
    assert status.text(found).splitlines()[-2:] == ["remote    lacks", f"          {lacking.why}"]
    with pytest.raises(Refused, match=r"^the remote lacks 1 file that the lock or a .dvc file names$"):
        status.require(found)
    assert repair(found) == "dvc push, where the data is"
    assert "ls . data/prepared --dvc-only --recursive --json --remote storage" in fake.calls()


def test_a_remote_that_cannot_be_asked_is_an_error_and_not_an_answer(fake, monkeypatch):
    def refuses(*_):
        raise OutsideError("remote 'storage' refused")

    monkeypatch.setattr(pushed, "missing", refuses)
    with pytest.raises(OutsideError, match="refused"):
        compare("data: {}")
    left = facts.read(facts.StatusFacts, "status")
    assert (left.success, left.error) == (False, "remote 'storage' refused")
