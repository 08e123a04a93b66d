from __future__ import annotations

import os
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


def during(root: Path, values: dict[str, params.Value], file: str = "params.yaml") -> str:
    """Return the file as it is while the values are overridden; afterwards it must be what it was."""
    before = (root / file).read_bytes()
    with params.overridden(root, values):
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
    with params.overridden(tmp_path, {"a": 5, "b": 6}):
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
    with pytest.raises(UsageError, match=message), params.overridden(tmp_path, {"good.yaml:x": 2, key: 3}):
        pytest.fail("must not be reached")
    assert (tmp_path / "good.yaml").read_text() == "x: 1\n"
    assert (tmp_path / file).read_text() == content


def test_the_file_comes_back_when_we_are_stopped_or_it_was_changed_or_removed(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text("seed: 1\n")
    file.chmod(0o640)
    stop = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
    stop.start()
    with pytest.raises(KeyboardInterrupt), params.overridden(tmp_path, {"seed": 2}):
        process.run(["sleep", "5"], cwd=tmp_path, environ=os.environ)
    assert file.read_text() == "seed: 1\n"
    assert file.stat().st_mode & 0o777 == 0o640
    with params.overridden(tmp_path, {"seed": 2}):
        file.unlink()
    assert file.read_text() == "seed: 1\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["params.yaml"]


def test_a_links_other_name_keeps_its_content(tmp_path):
    (tmp_path / "cache").write_text("seed: 1\n")
    (tmp_path / "hard.yaml").hardlink_to(tmp_path / "cache")
    (tmp_path / "soft.yaml").symlink_to("real.yaml")
    (tmp_path / "real.yaml").write_text("seed: 1\n")
    with params.overridden(tmp_path, {"hard.yaml:seed": 2, "soft.yaml:seed": 3}):
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
