"""Numbers out of files; nothing is dropped in silence."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from mlcicd.runtime import metrics
from mlcicd.runtime.metrics import Problem


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("m.json", '{"acc": 0.9, "val": {"auc": 1}}', {"acc": 0.9, "val.auc": 1.0}),
        ("m.json", '\ufeff{"acc": 1}', {"acc": 1.0}),
        ("m.json", '{"recall": [0.5, 0.7]}', {"recall[0]": 0.5, "recall[1]": 0.7}),
        ("m.yaml", "acc: 1e-3\nval:\n  auc: 0.5\n1: 2\n", {"acc": 0.001, "val.auc": 0.5, "1": 2.0}),
        ("m.yml", "a: &x 1\nb: *x\n", {"a": 1.0, "b": 1.0}),
        ("m.toml", "acc = 0.5\n[val]\nauc = 1\n", {"acc": 0.5, "val.auc": 1.0}),
    ],
)
def test_numbers_have_dotted_keys(file: str, content: str, expected: dict[str, float]) -> None:
    values = metrics.from_bytes(file, content.encode())
    assert values.numbers == {(file, key): number for key, number in expected.items()}
    assert values.problems == ()


@pytest.mark.parametrize(
    ("file", "content"),
    [("m.json", '{"a": NaN, "b": -Infinity}'), ("m.yaml", "a: .nan\nb: -.inf"), ("m.toml", "a = nan\nb = -inf")],
)
def test_what_is_not_finite_is_a_fact(file: str, content: str) -> None:
    values = metrics.from_bytes(file, content.encode())
    assert math.isnan(values.numbers[file, "a"])
    assert values.numbers[file, "b"] == -math.inf
    assert values.problems == ()


@pytest.mark.parametrize(
    ("content", "key", "reason"),
    [
        ('{"a": "0.9", "ok": 1}', "a", "the text '0.9' is not a number"),
        ('{"a": true, "ok": 1}', "a", "true is not a number"),
        ('{"a": null, "ok": 1}', "a", "null is not a number"),
        ('{"a": 1%s, "ok": 1}' % ("0" * 400), "a", "the number is too large"),
        ('{"x": {"a": 1}, "x.a": 2, "ok": 1}', "x.a", "the key is there twice, once nested and once with a dot"),
    ],
)
def test_a_value_that_is_no_number_is_a_problem_and_the_others_stay(content: str, key: str, reason: str) -> None:
    values = metrics.from_bytes("m.json", content.encode())
    assert values.problems == (Problem(file="m.json", key=key, reason=reason),)
    assert values.numbers["m.json", "ok"] == 1


@pytest.mark.parametrize(
    ("file", "raw", "reason"),
    [
        ("m.json", b"", "the file is empty"),
        ("m.json", b" \n", "the file is empty"),
        ("m.json", b'{"a": 0.', "Expecting"),
        ("m.json", b'{"a": 1, "a": 2}', 'duplicate key "a"'),
        ("m.json", b"[1, 2]", "expected keys and values, got list"),
        ("m.json", b"\xff\xfe", "not UTF-8 text (byte 0)"),
        ("m.json", b"[" * 100_000, "nested too deeply"),
        ("m.json", b'{"a":' * 60 + b"1" + b"}" * 60, "nested deeper than 32 levels"),
        ("m.json", b"{" + b",".join(b'"k%d":1' % n for n in range(10_001)) + b"}", "more than 10,000 values"),
        ("m.yaml", b"a: 1\na: 2\n", 'duplicate key "a" (line 2, column 1)'),
        ("m.yaml", b"a: [1\n", "expected"),
        ("m.yaml", b"a: &x [*x]\n", "nested deeper than 32 levels"),
        ("m.toml", b"a = 1\na = 2\n", "Cannot overwrite a value"),
        ("m.csv", b"a,1\n", "the name must end in one of .json, .yaml, .yml, .toml"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem(file: str, raw: bytes, reason: str) -> None:
    values = metrics.from_bytes(file, raw)
    (problem,) = values.problems
    assert (problem.file, problem.key) == (file, "")
    assert problem.reason.startswith(reason)


def test_half_a_surrogate_pair_does_not_survive() -> None:
    values = metrics.from_bytes("m.json", rb'{"\ud800": 1, "b": "\ud800"}')
    assert values.numbers == {("m.json", "?"): 1.0}
    str(values.problems).encode()


def test_a_missing_file_and_a_folder_are_problems(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    assert metrics.from_file(tmp_path, "gone.json").problems[0].reason == "no such file"
    assert metrics.from_file(tmp_path, "folder.json").problems[0].reason == "cannot be read: Is a directory"


def test_a_name_is_short_where_it_is_unique() -> None:
    keys = [("a.json", "acc"), ("b.json", "acc"), ("b.json", "f1")]
    assert list(metrics.names(keys).values()) == ["a.json:acc", "b.json:acc", "f1"]
    assert metrics.find("acc", keys) == keys[:2]
    assert metrics.find("b.json:acc", keys) == [keys[1]]
    assert metrics.find("nothing", keys) == []


def test_params_are_text_and_lists_stay_whole() -> None:
    found, problems = metrics.params_from_bytes("p.yaml", b"train:\n  lr: 0.1\n  sizes: [1, 2]\n  on: true\nname: x\n")
    assert found == {
        ("p.yaml", "train.lr"): "0.1",
        ("p.yaml", "train.sizes"): "[1, 2]",
        ("p.yaml", "train.on"): "true",
        ("p.yaml", "name"): "x",
    }
    assert problems == ()
    assert metrics.params_from_bytes("p.yaml", b"")[1][0].reason == "the file is empty"


def test_neither_of_two_values_of_one_key_counts() -> None:
    assert metrics.from_tree("m.json", {"val.auc": 0.99, "val": {"auc": 0.5}, "ok": 1}).numbers == {("m.json", "ok"): 1}
