"""Gates: numbers in, verdicts out."""

from __future__ import annotations

import math

import pytest

from mlcicd.config.model import Gate
from mlcicd.runtime import gate
from mlcicd.runtime.gate import Applied, Verdict
from mlcicd.runtime.metrics import Problem, Values

NAN, INF = math.nan, math.inf


def values(*problems: Problem, **numbers: float) -> Values:
    return Values(numbers={("m.json", key): number for key, number in numbers.items()}, problems=problems)


def judge(rules: dict[str, object], change: Values | None, base: Values | None) -> list[Verdict]:
    return gate.judge([Applied(gate=Gate.model_validate({"metric": "acc", **rules}), source="base")], change, base)


@pytest.mark.parametrize(
    ("rules", "value", "before", "status"),
    [
        ({"min": 0.9}, 0.9, None, "pass"),
        ({"min": 0.9}, 0.8999999, None, "fail"),
        ({"min": 0.9}, NAN, None, "error"),
        ({"min": 0.9}, INF, None, "error"),
        ({"max": 50}, 50, None, "pass"),
        ({"max": 50}, 50.001, None, "fail"),
        ({"max": 50}, -INF, None, "error"),
        ({"max-drop": 0.01}, 0.9, 0.91, "pass"),  # 0.91 - 0.9 is 0.010000000000000009
        ({"max-drop": 0.01}, 0.9, 0.9101, "fail"),
        ({"max-drop": 0.01}, 0.99, 0.9, "pass"),
        ({"max-drop": 0}, 0.9, 0.9, "pass"),
        ({"max-drop": 0}, 0.9, 0.90001, "fail"),
        ({"max-drop": 0.01}, 0.9, None, "no-base"),
        ({"max-drop": 0.01}, 0.9, NAN, "error"),
        ({"max-drop": 0.01}, NAN, 0.9, "error"),
        ({"max-drop": 0.01}, NAN, None, "error"),
        ({"max-rise": 2}, 46, 44, "pass"),
        ({"max-rise": 2}, 46.1, 44, "fail"),
        ({"max-rise": 2}, 1, 44, "pass"),
        ({"max-rise": 2}, 46, None, "no-base"),
        ({"max-rise": 0.1}, 1e9 + 0.1, 1e9, "pass"),  # the difference is 0.1000000238
        ({"max-rise": 0}, 1e9 + 1, 1e9, "fail"),
        ({"max-drop": 1e-10}, 1e-10, 3e-10, "fail"),
    ],
)
def test_one_rule(rules: dict[str, object], value: float, before: float | None, status: str) -> None:
    (verdict,) = judge(rules, values(acc=value), None if before is None else values(acc=before))
    assert verdict.status == status


def test_every_bound_of_a_gate_is_judged() -> None:
    verdicts = judge({"min": 0.5, "max-drop": 0.1}, values(acc=0.6), values(acc=0.9))
    assert [(verdict.rule, verdict.status) for verdict in verdicts] == [("min", "pass"), ("max-drop", "fail")]


def test_a_missing_metric_names_those_that_exist_and_the_likely_one() -> None:
    (verdict,) = judge({"min": 0.5}, values(accuracy=0.6, loss=1), None)
    assert (verdict.status, verdict.cause) == ("error", "missing")
    assert verdict.names == ("accuracy", "loss")
    (verdict,) = gate.judge(
        [Applied(gate=Gate(metric="acuracy", min=0), source="base")], values(loss=1, accuracy=0.6), None
    )
    assert verdict.likely == "accuracy"


def test_a_metric_that_could_not_be_read_says_why() -> None:
    broken = values(Problem(file="m.json", key="acc", reason="true is not a number"), loss=1)
    (verdict,) = judge({"min": 0.5}, broken, None)
    assert (verdict.status, verdict.reason) == ("error", "m.json: true is not a number")


def test_nothing_measured_fails_every_gate() -> None:
    (verdict,) = judge({"min": 0.5}, None, values(acc=1))
    assert (verdict.status, verdict.cause) == ("error", "not-measured")


def test_a_name_in_two_files_is_an_error_that_says_what_to_write() -> None:
    both = Values(numbers={("a.json", "acc"): 1, ("b.json", "acc"): 1})
    (verdict,) = judge({"min": 0.5}, both, None)
    assert (verdict.cause, verdict.names) == ("ambiguous", ("a.json:acc", "b.json:acc"))
    (verdict,) = gate.judge([Applied(gate=Gate(metric="b.json:acc", min=0.5), source="base")], both, None)
    assert verdict.status == "pass"
    (verdict,) = judge({"max-drop": 0.5}, values(acc=1), both)
    assert (verdict.status, verdict.cause) == ("error", "base-ambiguous")


def test_a_metric_new_in_this_change_has_no_base() -> None:
    (verdict,) = judge({"max-drop": 0.1}, values(acc=0.9), values(loss=1))
    assert (verdict.status, verdict.cause) == ("no-base", "new")


def test_an_unreadable_base_fails_closed() -> None:
    (verdict,) = judge({"max-drop": 0.1}, values(acc=0.9), values(Problem(file="m.json", reason="the file is empty")))
    assert (verdict.status, verdict.cause) == ("error", "base-unreadable")


def test_moving_a_metric_to_another_file_does_not_lose_its_base() -> None:
    moved = Values(numbers={("new.json", "acc"): 0.5})
    (verdict,) = judge({"max-drop": 0.1}, moved, values(acc=0.9))
    assert verdict.status == "fail"


STRICT, LAX, OTHER = Gate(metric="acc", min=0.9), Gate(metric="acc", min=0.1), Gate(metric="loss", max=1)


@pytest.mark.parametrize(
    ("change", "base", "expected"),
    [
        ([STRICT], None, [(STRICT, "change")]),
        ([STRICT], [STRICT], [(STRICT, "base")]),
        ([LAX], [STRICT], [(STRICT, "base"), (LAX, "change")]),
        ([], [STRICT], [(STRICT, "base")]),
        ([STRICT, OTHER], [STRICT], [(STRICT, "base"), (OTHER, "change")]),
        ([OTHER], [], [(OTHER, "change")]),
    ],
)
def test_a_change_cannot_lower_its_own_bar(
    change: list[Gate], base: list[Gate] | None, expected: list[tuple[Gate, str]]
) -> None:
    assert [(applied.gate, applied.source) for applied in gate.apply(change, base)] == expected
