from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlcicd.cli.data import data as command
from mlcicd.errors import OutsideError, Refused, UsageError
from mlcicd.runtime import data, facts, project
from mlcicd.runtime.storage import pushed, space, transfer
from tests.unit.runtime import repository
from tests.unit.runtime.storage.test_dvc import MISSING

CONTENT = b"a,b\n1,2\n"
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = repository.make(tmp_path)
    for name in ("data/raw.csv.dvc", "dvc.lock"):
        (made / name).write_text((made / name).read_text().replace(repository.RAW, MD5))
    return made


@pytest.fixture
def fake(root):
    made = repository.stand_in(root)
    made.answers("status --json", repository.CLEAN)
    listed = {"train.csv": repository.TRAIN, "test.csv": repository.TEST}
    made.answers("ls . data/prepared", [{"md5": md5, "path": path} for path, md5 in listed.items()])
    made.answers("cache dir", f"{root}/.dvc/cache\n")
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text("[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://bucket/x\n")
    return made


def delivers(fake, content: bytes = CONTENT, path: str = "data/raw.csv"):
    (fake.folder / "content").write_bytes(content)
    fake.answers("pull", "A       data/raw.csv\n", then=f'cp "{fake.folder}/content" "{fake.root}/{path}"')


def fetch(purpose="train", config="", remote=None):
    if config:
        Path("mlcicd.yaml").write_text(f"version: 1\ntrain: {{}}\n{config}\n")
    said: list[str] = []
    return data.fetch(project.load(), purpose, remote, said.append), said


def pulls(fake):
    return [call for call in fake.calls() if call.startswith("pull")]


def test_validation_gets_what_dvc_files_track_verified(fake):
    delivers(fake)
    found, said = fetch("validate")
    assert pulls(fake) == ["pull -- data/raw.csv"]
    assert (found.targets, found.files, found.bytes, found.verified) == (("data/raw.csv",), 1, len(CONTENT), True)
    assert facts.read(facts.DataFacts, "data") == found.model_copy(update={"origin": facts.origin.here()})
    assert said[-1].startswith("fetched data/raw.csv: 1 file, 0.0 KiB, verified")


def test_training_that_runs_no_stage_gets_nothing(fake):
    found, said = fetch()
    assert pulls(fake) == []
    assert (found.targets, found.files, found.error) == ((), 0, "")
    assert said[-1].startswith("nothing to fetch: no stage will run")


def test_training_gets_what_the_changed_stage_reads(fake):
    delivers(fake)
    fake.answers(
        "status --json", {"prepare": [{"changed deps": {"params.yaml": "modified", "data/raw.csv": "deleted"}}]}
    )
    assert fetch()[0].targets == ("data/raw.csv",)


def test_a_corrupt_file_is_named_with_both_hashes_and_recorded(fake):
    delivers(fake, b"garbage")
    with pytest.raises(OutsideError) as caught:
        fetch("validate")
    assert caught.value.message.startswith("data/raw.csv: corrupt")
    assert f"expected md5 {MD5}, found {hashlib.md5(b'garbage').hexdigest()}" in caught.value.detail
    left = facts.read(facts.DataFacts, "data")
    assert (left.targets, left.verified, left.error) == (("data/raw.csv",), False, caught.value.message)


def test_verification_can_be_switched_off(fake):
    delivers(fake, b"garbage")
    found, said = fetch("validate", "data: {verify: false}")
    assert (found.verified, found.files, found.bytes) == (False, 1, 7)
    assert "not verified" in said[-1]


def test_success_without_a_file_is_no_success(fake):
    fake.answers("pull", "Everything is up to date.\n")
    with pytest.raises(OutsideError, match=r"^data/raw.csv: not delivered, although DVC reported success"):
        fetch("validate")


def test_a_missing_object_is_named_with_its_remote(fake):
    fake.answers("pull", err=MISSING.replace(repository.RAW, MD5), exit=1)
    with pytest.raises(OutsideError, match=r"^data/raw.csv: not in remote 'storage'$"):
        fetch("validate")
    assert facts.read(facts.DataFacts, "data").error == "data/raw.csv: not in remote 'storage'"


def test_a_missing_object_in_a_folder_is_named(fake):
    err = (
        f"ERROR: failed to transfer '{repository.TRAIN}' - [Errno 2] No such file\nERROR: 2 files failed to download\n"
    )
    fake.answers("pull", err=err, exit=1)
    fake.answers("status --json", {"train": ["changed command"]})
    with pytest.raises(OutsideError, match=r"^data/prepared/train.csv: not in remote 'storage'$"):
        fetch()


def test_the_remote_is_the_options_before_the_configurations(fake):
    delivers(fake)
    fetch("validate", "data: {remote: configured}")
    fetch("validate", remote="chosen")
    assert pulls(fake) == ["pull --remote configured -- data/raw.csv", "pull --remote chosen -- data/raw.csv"]


def test_a_list_of_targets_becomes_paths(fake):
    """DVC forgets a file in a folder when it is asked for together with a stage."""
    delivers(fake)
    with pytest.raises(OutsideError, match="not delivered"):
        fetch(config="data: {pull: [evaluate, data/raw.csv.dvc, data/prepared/test.csv]}")
    assert pulls(fake) == ["pull -- data/prepared/test.csv data/raw.csv plots/confusion.csv plots/roc.csv"]


def test_everything_is_asked_for_without_targets(fake):
    delivers(fake)
    found, _ = fetch(config="data: {pull: all}")
    assert pulls(fake) == ["pull --"]
    assert (found.targets, found.files, found.verified) == (("everything tracked",), 1, True)


def test_a_hash_that_is_no_md5_is_skipped_with_a_note(fake, root):
    delivers(fake)
    (root / "data/raw.csv.dvc").write_text("outs:\n- {etag: aa, hash: etag, path: raw.csv}\n")
    found, said = fetch("validate")
    assert found.verified is False
    assert "not verified (DVC keeps no MD5 of data/raw.csv)" in said[-1]


def test_no_data_is_no_error(fake, root):
    (root / "data/raw.csv.dvc").unlink()
    assert fetch("validate")[1][-1].startswith("nothing to fetch: no .dvc file tracks anything")


def test_a_broken_dvc_file_is_recorded_too(fake, root):
    (root / "dvc.lock").write_text("stages: [")
    with pytest.raises(UsageError):
        fetch()
    assert "dvc.lock:1: cannot be read" in facts.read(facts.DataFacts, "data").error


def test_the_command_has_the_options_of_the_action(fake):
    delivers(fake)
    result = CliRunner().invoke(command, ["--for", "validate", "--remote", ""], catch_exceptions=False)
    assert result.exit_code == 0
    assert pulls(fake) == ["pull -- data/raw.csv"]
    assert {option for parameter in command.params for option in parameter.opts} == {
        "--config",
        "--for",
        "--remote",
        "--verify",
    }


def test_a_corrupt_object_in_the_cache_is_removed_and_fetched_again(fake, root):
    """The first pull brings what the cache has, the second, with that gone, what the remote has."""
    cached = root / ".dvc/cache/files/md5" / MD5[:2] / MD5[2:]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"garbage")
    (fake.folder / "content").write_bytes(CONTENT)
    copy = f'cp "{cached}" "{root}/data/raw.csv" 2>/dev/null || cp "{fake.folder}/content" "{root}/data/raw.csv"'
    fake.answers("pull", then=copy)
    found, said = fetch("validate")
    assert len(pulls(fake)) == 2
    assert not cached.exists()
    assert (found.repaired, found.verified, found.bytes) == (("data/raw.csv",), True, len(CONTENT))
    assert "data/raw.csv: corrupt in the cache or on the way; fetching it again" in said
    assert "verified, 1 repaired" in said[-1]


def test_a_transfer_that_was_tried_again_is_recorded(fake, root, monkeypatch):
    monkeypatch.setattr(transfer, "PAUSES", (0.0, 0.0, 0.0))
    delivers(fake)
    once = f'[ -e "{root}/once" ] || {{ touch "{root}/once"; echo "ERROR: Connection reset by peer" >&2; exit 1; }}; '
    fake.answers("pull", then=once + f'cp "{fake.folder}/content" "{root}/data/raw.csv"')
    found, said = fetch("validate")
    assert (found.retries, found.verified) == (1, True)
    assert "the remote failed (Connection reset); trying again in 0 s (attempt 2 of 4)" in said


def test_a_missing_object_is_named_with_who_changed_it(fake):
    fake.answers("pull", err=MISSING.replace(repository.RAW, MD5), exit=1)
    with pytest.raises(OutsideError) as caught:
        fetch("validate")
    assert caught.value.detail.startswith(
        f"data/raw.csv: data/raw.csv.dvc, md5 {MD5} in data/raw.csv.dvc: changed here"
    )


def test_what_does_not_fit_is_told_before_it_is_fetched(fake, root, monkeypatch):
    monkeypatch.setattr(space.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1}))
    with pytest.raises(OutsideError, match="the disk is too small for the data"):
        fetch("validate")
    assert pulls(fake) == []


def test_everything_but_what_is_never_pushed_is_asked_for(fake, root):
    (root / "dvc.yaml").write_text(
        repository.PIPELINE.replace("outs: [model.pkl]", "outs: [{model.pkl: {push: false}}]")
    )
    with pytest.raises(OutsideError, match="not delivered"):
        fetch(config="data: {pull: all}")
    assert pulls(fake) == ["pull -- data/prepared data/raw.csv plots/confusion.csv plots/roc.csv"]


def prove(*arguments: str):
    return CliRunner().invoke(command, ["--verify", *arguments], catch_exceptions=True)


def test_a_lock_with_its_data_is_proved(fake):
    fake.answers("data status", {"uncommitted": {"deleted": ["model.pkl"]}})
    result = prove("--remote", "storage")
    assert result.exit_code == 0, result
    assert result.output.startswith("remote 'storage' has all that 5 tracked paths name")
    assert fake.calls() == ["data status --json --not-in-remote --granular --remote storage"]
    assert not Path(".mlcicd/data.json").exists()


def test_a_lock_without_its_data_is_refused_with_stage_and_author(fake):
    fake.answers("data status", {"not_in_remote": ["model.pkl", "data/prepared/train.csv"]})
    with pytest.raises(Refused) as caught:
        data.prove(project.load(), None, print)
    assert caught.value.message.startswith("data/prepared/train.csv, model.pkl: not in remote 'storage', although")
    first, second = caught.value.detail.splitlines()
    assert first.startswith(
        "data/prepared/train.csv: stage prepare, md5 e37ff1e0aff1ec0c21f228bb6f7b0135.dir in dvc.lock"
    )
    assert second.endswith("by n: first")


def test_what_nobody_names_is_not_let_pass(fake):
    fake.answers("data status", {"not_in_remote": ["elsewhere.bin"]})
    with pytest.raises(Refused, match=r"elsewhere\.bin: not in remote"):
        data.prove(project.load(), None, print)


def test_a_project_below_the_top_of_dvcs_repository(fake, root, tmp_path):
    """DVC gives paths from the top of its own repository, wherever it is asked."""
    (root / "ml").mkdir()
    for name in ("dvc.yaml", "dvc.lock", "data"):
        (root / name).rename(root / "ml" / name)
    Path("mlcicd.yaml").write_text("version: 1\nproject: {root: ml}\ntrain: {}\n")
    fake.answers("data status", {"not_in_remote": ["ml/model.pkl", "other/x.bin"]})
    found = pushed.missing(project.load(), {"PATH": f"{root}/.venv/bin:/usr/bin:/bin"}, None)
    assert [(one.path, one.source) for one in found] == [("model.pkl", "train")]


def test_a_project_without_data_needs_no_remote(fake, root):
    for name in ("data/raw.csv.dvc", "dvc.lock"):
        (root / name).unlink()
    assert pushed.missing(project.load(), {}, None) == ()


def test_files_of_stages_that_validation_judges_are_fetched_with_the_sources(fake):
    fake.answers("pull", then=f'mkdir -p "{fake.root}/data/prepared"; touch "{fake.root}/data/prepared/train.csv"')
    suites = "validate: {suites: [{data: data/prepared/train.csv}, {data: in/git.csv}]}"
    with pytest.raises(OutsideError):  # the stand-in brings nothing that is right
        fetch("validate", suites)
    assert pulls(fake)[0] == "pull -- data/prepared/train.csv data/raw.csv"


def test_only_what_is_tracked_and_not_here_is_brought(fake):
    delivers(fake)
    (fake.root / "data/here.csv").write_text("x\n")
    data.bring(project.load(), ["data/raw.csv", "data/here.csv", "not/tracked.csv"], print)
    assert pulls(fake) == ["pull -- data/raw.csv"]
    data.bring(project.load(), ["data/raw.csv", "not/tracked.csv"], print)
    assert len(pulls(fake)) == 1


def test_what_is_brought_is_verified(fake):
    delivers(fake, b"garbage")
    with pytest.raises(OutsideError, match=r"^data/raw.csv: corrupt"):
        data.bring(project.load(), ["data/raw.csv"], print)
