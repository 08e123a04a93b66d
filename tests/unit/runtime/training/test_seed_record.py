"""The record of the seeds: the same bytes for the same metrics, and nothing once another training wrote them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcicd.runtime.facts import Hardware, Seed
from mlcicd.runtime.training import seed_record

RUNS = [
    Seed(seed=2, exit=0, seconds=1.25, metrics={"m.json:acc": 0.9, "m.json:loss": 0.1}),
    Seed(seed=1, exit=0, seconds=2.5, metrics={"m.json:acc": 0.8, "m.json:loss": 0.2}),
    Seed(seed=3, exit=1, seconds=1),
]


def current(file: str, md5: str) -> bool:
    return True


def test_what_is_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text("{}")
    assert seed_record.write(tmp_path, RUNS) == [seed_record.FILE]
    found, why = seed_record.read((tmp_path / seed_record.FILE).read_bytes(), current)
    assert found == {"m.json:acc": {1: 0.8, 2: 0.9}, "m.json:loss": {1: 0.2, 2: 0.1}}
    assert why == ""


def test_the_same_metrics_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text("{}")
    seed_record.write(tmp_path, RUNS)
    first = (tmp_path / seed_record.FILE).read_bytes()
    later = [seed.model_copy(update={"seconds": 99.0}) for seed in reversed(RUNS)]
    seed_record.write(tmp_path, later)
    assert (tmp_path / seed_record.FILE).read_bytes() == first


def test_the_machine_is_on_record(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text("{}")
    machine = Hardware(cpus=2, memory=8 * 2**30 - 12345, gpus=("NVIDIA L4",))
    seed_record.write(tmp_path, RUNS, machine)
    raw = (tmp_path / seed_record.FILE).read_bytes()
    assert seed_record.machine(raw) == machine.model_copy(update={"memory": 8 * 2**30})
    seed_record.write(tmp_path, RUNS, machine.model_copy(update={"memory": 8 * 2**30 + 999}))
    assert (tmp_path / seed_record.FILE).read_bytes() == raw


@pytest.mark.parametrize(
    "record", ["", "[]", "{}", '{"machine": 3}', '{"machine": {"cpus": "x", "gib": 1, "gpus": []}}', "[" * 100_000]
)
def test_a_record_without_a_machine_says_none(record: str) -> None:
    assert seed_record.machine(record.encode()) is None


def test_a_file_whose_name_holds_a_colon(tmp_path: Path) -> None:
    (tmp_path / "a:b.json").write_text("{}")
    runs = [Seed(seed=number, exit=0, seconds=1, metrics={"a:b.json:x": number}) for number in (1, 2)]
    seed_record.write(tmp_path, runs)
    found, _ = seed_record.read((tmp_path / seed_record.FILE).read_bytes(), lambda file, md5: file == "a:b.json")
    assert found == {"a:b.json:x": {1: 1, 2: 2}}


@pytest.mark.parametrize("runs", [[], RUNS[:1], RUNS[1:]])
def test_one_run_is_nothing_to_record(tmp_path: Path, runs: list[Seed]) -> None:
    (tmp_path / "m.json").write_text("{}")
    assert seed_record.write(tmp_path, runs) == []
    assert not (tmp_path / seed_record.FILE).exists()


def test_what_is_of_an_earlier_version_is_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text("{}")
    (tmp_path / "n.json").write_text("{}")
    runs = [Seed(seed=n, exit=0, seconds=1, metrics={"m.json:a": n, "n.json:b": n}) for n in (1, 2)]
    seed_record.write(tmp_path, runs)
    found, why = seed_record.read((tmp_path / seed_record.FILE).read_bytes(), lambda file, md5: file == "n.json")
    assert list(found) == ["n.json:b"]
    assert why == "metrics.seeds.json belongs to an earlier version of m.json"


@pytest.mark.parametrize(
    "record",
    [
        "",
        "[]",
        "{",
        "null",
        '{"files": {}}',
        '{"files": [], "metrics": {}}',
        '{"files": {"m": "x"}, "metrics": {"m:a": 3}}',
        '{"files": {"m": "x"}, "metrics": {"m:a": {"one": 1}}}',
        '{"files": {"m": "x"}, "metrics": {"m:a": {"1": "x"}}}',
        "[" * 100_000,
        json.dumps({"files": {}, "metrics": {}, "note": "x" * seed_record.MAX_BYTES}),
    ],
)
def test_what_a_person_broke_is_no_traceback(record: str) -> None:
    assert seed_record.read(record.encode(), current) == ({}, "metrics.seeds.json is not what `mlcicd train` writes")


def test_numbers_that_are_none_are_left_out() -> None:
    record = '{"files": {"m": "x"}, "metrics": {"m:a": {"1": NaN, "2": Infinity, "3": 0.5}}}'
    assert seed_record.read(record.encode(), current)[0] == {"m:a": {3: 0.5}}
