from __future__ import annotations

import os
import shutil
import signal
import threading
import tomllib
from pathlib import Path

import pytest
import yaml

from mlcicd.errors import UsageError
from mlcicd.runtime import process
from mlcicd.runtime.training import params

YAML = """\
# What training is made of
train:   {epochs: 10, "lr": 0.10}   # flow
prepare:
  seed:   42     # the answer
  note: |
    two
    lines
  empty:
on: yes
list: [1, 2]
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def overridden(root: Path, values: dict[str, params.Value], said: list[str] | None = None):
    return params.overridden(root, values, (said if said is not None else []).append)


def during(root: Path, values: dict[str, params.Value], file: str = "params.yaml") -> str:
    """Return the file as it is while the values are overridden; afterwards it must be what it was."""
    before = (root / file).read_bytes()
    with overridden(root, values):
        text = (root / file).read_bytes().decode()
    assert (root / file).read_bytes() == before
    return text


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("train.epochs", 1, 'train:   {epochs: 1, "lr": 0.10}   # flow'),
        ("params.yaml:train.lr", 1e-5, 'train:   {epochs: 10, "lr": 1.0e-05}   # flow'),
        ("prepare.seed", 7, "  seed:   7     # the answer"),
        ("prepare.empty", True, "  empty: true"),
        ("on", "no", 'on: "no"'),
        ("prepare.seed", "a: b # c", '  seed:   "a: b # c"     # the answer'),
    ],
)
def test_only_the_value_is_replaced_in_yaml(tmp_path, name, value, line):
    (tmp_path / "params.yaml").write_text(YAML)
    changed = during(tmp_path, {name: value}).splitlines()
    assert [new for new, old in zip(changed, YAML.splitlines(), strict=True) if new != old] == [line]


def test_a_small_number_is_one_for_readers_of_yaml_1_1_too(tmp_path):
    (tmp_path / "params.yaml").write_text("lr: 0.1\n")
    assert yaml.safe_load(during(tmp_path, {"lr": 1e-5})) == {"lr": 1e-5}


def test_a_block_of_text_can_be_replaced(tmp_path):
    (tmp_path / "params.yaml").write_text(YAML)
    assert yaml.safe_load(during(tmp_path, {"prepare.note": "short"}))["prepare"]["note"] == "short"


def test_json_and_toml(tmp_path):
    (tmp_path / "p.json").write_text('{\n\t"a": {"seed": 1, "x": 1.50}}')
    assert '"seed": 2' in during(tmp_path, {"p.json:a.seed": 2}, "p.json")
    toml = "seed = 1 # first\r\n[a]\r\nseed = 1\t# second\r\n[b]\r\na.seed = 1\r\n"
    (tmp_path / "p.toml").write_bytes(toml.encode())
    for key in ("seed", "a.seed", "b.a.seed"):
        changed = during(tmp_path, {f"p.toml:{key}": 22}, "p.toml")
        assert changed.count("22") == 1
        assert len(changed) == len(toml) + 1
        found = tomllib.loads(changed)
        for part in key.split("."):
            found = found[part]
        assert found == 22


def test_a_byte_order_mark_and_dos_lines_stay(tmp_path):
    (tmp_path / "params.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    with overridden(tmp_path, {"a": 5, "b": 6}):
        assert (tmp_path / "params.yaml").read_bytes() == b"\xef\xbb\xbfa: 5\r\nb: 6\r\n"


@pytest.mark.parametrize(
    ("file", "content", "key", "message"),
    [
        ("params.yaml", "a: {seed: 1}", "a.sead", r"there is no parameter a.sead — did you mean a.seed\?"),
        ("params.yaml", "a: {seed: 1}", "a", "a holds several values"),
        ("params.yaml", "a: 1", "a.b", "there is no parameter a.b"),
        ("params.yaml", "a: [", "a", r"params.yaml: the parameters cannot be read: .*line 1"),
        ("params.yaml", "base: &b {seed: 1}\na: {<<: *b}", "base.seed", "without changing something else"),
        ("params.yaml", "base: &b {seed: 1}\na: {<<: *b}", "a.seed", "without changing something else"),
        ("params.yaml", "x: &x 1\na: *x", "a", "without changing something else"),
        ("params.yaml", "x: &x 1\na: *x", "x", "without changing something else"),
        ("p.toml", "a = {seed = 1}", "p.toml:a.seed", "without changing something else"),
        ("p.json", "", "p.json:a", "the file is empty"),
        ("params.yaml", "x: 1", "absent.yaml:a", "absent.yaml: the parameters cannot be read: no such file"),
        ("params.yaml", "x: 1", "../params.yaml:a", "outside of the project"),
    ],
)
def test_what_cannot_be_replaced_is_told_and_left_alone(tmp_path, file, content, key, message):
    (tmp_path / "good.yaml").write_text("x: 1\n")
    (tmp_path / file).write_text(content)
    with pytest.raises(UsageError, match=message), overridden(tmp_path, {"good.yaml:x": 2, key: 3}):
        pytest.fail("must not be reached")
    assert (tmp_path / "good.yaml").read_text() == "x: 1\n"
    assert (tmp_path / file).read_text() == content


def test_the_file_comes_back_when_we_are_stopped_or_it_was_changed_or_removed(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text("seed: 1\n")
    file.chmod(0o640)
    stop = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
    stop.start()
    with pytest.raises(KeyboardInterrupt), overridden(tmp_path, {"seed": 2}):
        process.run(["sleep", "5"], cwd=tmp_path, environ=os.environ)
    assert file.read_text() == "seed: 1\n"
    assert file.stat().st_mode & 0o777 == 0o640
    with overridden(tmp_path, {"seed": 2}):
        file.unlink()
    assert file.read_text() == "seed: 1\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mlcicd", "params.yaml"]
    assert [path.name for path in (tmp_path / ".mlcicd").iterdir()] == [".gitignore"]


def test_a_links_other_name_keeps_its_content(tmp_path):
    (tmp_path / "cache").write_text("seed: 1\n")
    (tmp_path / "hard.yaml").hardlink_to(tmp_path / "cache")
    (tmp_path / "soft.yaml").symlink_to("real.yaml")
    (tmp_path / "real.yaml").write_text("seed: 1\n")
    with overridden(tmp_path, {"hard.yaml:seed": 2, "soft.yaml:seed": 3}):
        assert (tmp_path / "cache").read_text() == "seed: 1\n"
        assert (tmp_path / "soft.yaml").read_text() == "seed: 3\n"
    assert (tmp_path / "soft.yaml").is_symlink()
    assert (tmp_path / "hard.yaml").read_text() == "seed: 1\n"


@pytest.mark.parametrize("value", ["1.5", "true", "'one'", ""])
def test_a_seed_is_a_whole_number(tmp_path, value):
    (tmp_path / "params.yaml").write_text(f"seed: 4\nother: {value}\n")
    assert params.number(tmp_path, "seed") == 4
    with pytest.raises(UsageError, match=r"params.yaml: other is .*, not a whole number"):
        params.number(tmp_path, "other")


@pytest.mark.parametrize(
    ("edited", "left", "words"),
    [
        ("# new\na: {seed: 2, lr: 5}\nmore: 1\n", "# new\na: {seed: 1, lr: 5}\nmore: 1\n", "only a.seed is put back"),
        ("a: {seed: 3, lr: 0.1}\n", "a: {seed: 3, lr: 0.1}\n", "the edit stays"),
        ("b: 1\n", "b: 1\n", "the edit stays"),
        ("a: {seed: 2\n", "a: {seed: 2\n", "correct a.seed: params.yaml: the parameters cannot be read"),
        ("x: &x 2\na: {seed: *x}\n", "x: &x 2\na: {seed: *x}\n", "without changing something else"),
    ],
)
def test_what_a_person_edits_meanwhile_stays(tmp_path, edited, left, words):
    file, said = tmp_path / "params.yaml", []
    file.write_text("a: {seed: 1, lr: 0.1}\n")
    with overridden(tmp_path, {"a.seed": 2}, said):
        file.write_text(edited)
    assert file.read_text() == left
    assert words in said[0]


def test_a_file_that_somebody_put_back_already_is_left_alone(tmp_path):
    file, said = tmp_path / "params.yaml", []
    file.write_text("seed: 1\n")
    with overridden(tmp_path, {"seed": 2}, said):
        file.write_text("seed: 1\n")
    assert file.read_text() == "seed: 1\n"
    assert said == []


def test_what_was_left_over_comes_back_once_and_a_later_edit_stays(tmp_path):
    (tmp_path / "conf").mkdir()
    file, said = tmp_path / "conf" / "p.yaml", []
    file.write_text("seed: 1\n")
    with overridden(tmp_path, {"conf/p.yaml:seed": 2}):
        shutil.copytree(params.KEPT, tmp_path / "kept")
    file.write_text("seed: 2\nlr: 1\n")
    (tmp_path / "kept").rename(params.KEPT)
    params.recover(said.append)
    assert file.read_text() == "seed: 1\nlr: 1\n"
    assert "was killed: conf/p.yaml still has its seed" in said[0]
    said.clear()
    params.recover(said.append)
    assert said == []
    assert not params.KEPT.exists()


@pytest.mark.parametrize("state", ["{", "[]", '{"pid": 1, "root": ".", "files": [["../out.yaml", {"seed": 2}]]}'])
def test_a_left_over_that_is_none_of_ours_changes_nothing(tmp_path, state):
    params.KEPT.mkdir(parents=True)
    (params.KEPT / "state.json").write_text(state)
    (params.KEPT / "0").write_text("seed: 1\n")
    said: list[str] = []
    params.recover(said.append)
    assert not (tmp_path.parent / "out.yaml").exists()
    assert "is not what a training keeps there" in said[-1]
    assert not params.KEPT.exists()
