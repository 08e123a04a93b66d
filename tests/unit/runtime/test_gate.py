"""Gates: numbers in, verdicts out."""

from __future__ import annotations

import math

import pytest

from mlcicd.config.judging import Gate
from mlcicd.runtime import gate, weak_gates
from mlcicd.runtime.evidence import At, Interval
from mlcicd.runtime.gate import Applied, Override, Reference
from mlcicd.runtime.metrics import Problem, Values
from mlcicd.runtime.sliced import Slice
from mlcicd.runtime.verdict import Verdict

NAN, INF = math.nan, math.inf


def values(*problems: Problem, **numbers: float) -> Values:
    return Values(numbers={("m.json", key): number for key, number in numbers.items()}, problems=problems)


def one(**rules: object) -> Applied:
    return Applied(gate=Gate.model_validate({"metric": "acc", **rules}), source="base")


def against(base: Values | None, **more: Reference) -> dict[str, Reference]:
    return {"base": Reference(values=base), **more}


def judge(rules: dict[str, object], change: Values | None, base: Values | None) -> list[Verdict]:
    return gate.judge([one(**rules)], change, against(base))


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
        [Applied(gate=Gate(metric="acuracy", min=0), source="base")], values(loss=1, accuracy=0.6), {}
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
    (verdict,) = gate.judge([Applied(gate=Gate(metric="b.json:acc", min=0.5), source="base")], both, {})
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


def between(low: float, high: float, n: int = 5) -> At:
    """An interval that grows with the confidence asked for, as all do."""

    def at(confidence: float) -> Interval:
        wider = (confidence - 0.95) * 10 * (high - low)
        return Interval(low=low - wider, high=high + wider, method="paired-t", n=n)

    return at


def with_interval(at: At, rules: dict[str, object], value: float = 0.89) -> Verdict:
    reference = Reference(values=values(acc=0.9), intervals={("m.json", "acc"): at})
    (verdict,) = gate.judge([one(**rules)], values(acc=value), {"base": reference})
    return verdict


@pytest.mark.parametrize(
    ("low", "high", "rules", "status"),
    [
        (-0.009, 0.01, {"max-drop": 0.01}, "pass"),
        (-0.01, 0.01, {"max-drop": 0.01}, "pass"),
        (-0.02, -0.011, {"max-drop": 0.01}, "fail"),
        (-0.02, 0.01, {"max-drop": 0.01}, "inconclusive"),
        (-0.02, 0.01, {"max-drop": 0.01, "inconclusive": "fail"}, "fail"),
        (0.01, 0.02, {"max-drop": 0}, "pass"),
        (-1, 0.4, {"max-rise": 0.5}, "pass"),
        (0.6, 0.9, {"max-rise": 0.5}, "fail"),
        (0.4, 0.9, {"max-rise": 0.5}, "inconclusive"),
        # An absolute bound is asked of the number itself.
        (-0.02, 0.01, {"min": 0.88}, "pass"),
    ],
)
def test_an_interval_decides_by_all_of_itself(low: float, high: float, rules: dict[str, object], status: str) -> None:
    assert with_interval(between(low, high), rules).status == status


def test_an_undecided_gate_says_how_many_runs_would_decide_it() -> None:
    verdict = with_interval(between(-0.025, 0.015), {"max-drop": 0.01})
    # Half of it is 0.02 and its middle 0.005 from the bound, so a fourth of the width is needed: 16 times as many.
    assert (verdict.low, verdict.high, verdict.method, verdict.n) == (-0.025, 0.015, "paired-t", 5)
    assert verdict.needed == 80
    assert with_interval(between(-0.03, 0.01), {"max-drop": 0.01}).needed == 0


def test_a_strict_gate_that_is_undecided_says_that_this_is_why() -> None:
    verdict = with_interval(between(-0.02, 0.01), {"max-drop": 0.01, "inconclusive": "fail"})
    assert (verdict.status, verdict.cause) == ("fail", "inconclusive")


def test_many_gates_fail_only_by_what_is_sure_for_all_of_them() -> None:
    names = [f"m{number}" for number in range(10)]
    intervals = {("m.json", name): between(-0.03, -0.0101) for name in names}
    reference = Reference(values=values(**dict.fromkeys(names, 0.9)), intervals=intervals)
    gates = [Applied(gate=Gate.model_validate({"metric": name, "max-drop": 0.01}), source="base") for name in names]
    change = values(**dict.fromkeys(names, 0.88))
    (alone,) = gate.judge(gates[:1], change, {"base": reference})
    together = gate.judge(gates, change, {"base": reference})
    assert alone.status == "fail"
    assert {verdict.status for verdict in together} == {"inconclusive"}


def test_a_gate_can_ask_for_another_commit() -> None:
    champion = Reference(values=values(acc=0.95))
    gates = [one(**{"max-drop": 0.01, "against": "champion"})]
    (verdict,) = gate.judge(gates, values(acc=0.9), against(values(acc=0.9), champion=champion))
    assert (verdict.status, verdict.against, verdict.base) == ("fail", "champion", 0.95)


def test_a_commit_that_is_not_there_fails_closed() -> None:
    gates = [one(**{"max-drop": 0.01, "against": "champion"})]
    gone = Reference(reason="couldn't find remote ref champion")
    (verdict,) = gate.judge(gates, values(acc=0.9), against(values(acc=0.9), champion=gone))
    assert (verdict.status, verdict.cause) == ("error", "no-reference")
    assert "couldn't find" in verdict.reason


def sliced(*slices: Slice) -> dict[str, Reference]:
    key = ("m.json", "acc")
    return {"base": Reference(values=values(acc=0.9), slices={"site": slices}, sliced=key)}


EAST = Slice(name="site=east", count=900, value=0.92, base=0.91, at=between(-0.005, 0.025))
WEST = Slice(name="site=west", count=300, value=0.80, base=0.90, at=between(-0.15, -0.05))
TINY = Slice(name="site=tiny", count=3, value=0.0, base=1.0, at=between(-1.2, -0.8))


@pytest.mark.parametrize(
    ("rules", "slices", "status", "worst"),
    [
        ({"min": 0.85}, (EAST, WEST, TINY), "fail", "site=west"),
        ({"min": 0.75}, (EAST, WEST, TINY), "pass", "site=west"),
        ({"max": 0.9}, (EAST, WEST), "fail", "site=east"),
        ({"max-drop": 0.01}, (EAST, WEST, TINY), "fail", "site=west"),
        ({"max-drop": 0.01}, (EAST, TINY), "pass", "site=east"),
        ({"max-drop": 0.01, "min-count": 2}, (EAST, TINY), "fail", "site=tiny"),
        ({"max-drop": 0.001}, (EAST,), "inconclusive", "site=east"),
    ],
)
def test_the_worst_slice_is_judged(
    rules: dict[str, object], slices: tuple[Slice, ...], status: str, worst: str
) -> None:
    (verdict,) = gate.judge([one(slice="site", **rules)], values(acc=0.91), sliced(*slices))
    assert (verdict.status, verdict.slice) == (status, worst)


@pytest.mark.parametrize(
    ("references", "cause"),
    [
        (sliced(TINY), "few-rows"),
        (against(values(acc=0.9)), "no-slices"),
        ({"base": Reference(values=values(acc=0.9), unsliced="no such file")}, "no-slices"),
        ({"base": Reference(values=values(acc=0.9), slices={"site": (EAST,)}, sliced=("m.json", "auc"))}, "no-slices"),
    ],
)
def test_slices_that_cannot_be_judged_fail_closed(references: dict[str, Reference], cause: str) -> None:
    (verdict,) = gate.judge([one(**{"slice": "site", "min": 0.1})], values(acc=0.91), references)
    assert (verdict.status, verdict.cause) == ("error", cause)


def test_every_slice_has_a_row_worst_first_and_tiny_ones_say_so() -> None:
    north = Slice(name="site=north", count=500, value=0.905, base=0.91, at=between(-0.02, 0.01))
    (verdict,) = gate.judge(
        [one(slice="site", **{"max-drop": 0.01})], values(acc=0.91), sliced(EAST, north, TINY, WEST)
    )
    assert (verdict.status, verdict.slice, verdict.column) == ("fail", "site=west", "site")
    rows = [(row.name, row.count, row.status, row.low) for row in verdict.slices]
    assert rows == [
        ("site=west", 300, "fail", -0.15),
        ("site=north", 500, "inconclusive", -0.02),
        ("site=east", 900, "pass", -0.005),
        ("site=tiny", 3, "few", None),
    ]


def test_a_slice_without_an_interval_is_judged_by_its_numbers() -> None:
    bare = Slice(name="site=west", count=300, value=0.80, base=0.90)
    (verdict,) = gate.judge([one(slice="site", **{"max-drop": 0.01})], values(acc=0.91), sliced(EAST, bare))
    assert (verdict.status, verdict.slice) == ("fail", "site=west")


def test_slices_that_the_base_lacks_do_not_hide_one_that_passes() -> None:
    new = Slice(name="site=new", count=300, value=0.1)
    (verdict,) = gate.judge([one(slice="site", **{"max-drop": 0.01})], values(acc=0.91), sliced(EAST, new))
    assert (verdict.status, verdict.slice) == ("pass", "site=east")
    (verdict,) = gate.judge([one(slice="site", **{"max-drop": 0.01})], values(acc=0.91), sliced(new))
    assert (verdict.status, verdict.slice, verdict.value) == ("no-base", "site", None)
    assert [row.status for row in verdict.slices] == ["no-base"]


def test_of_many_slices_the_worst_are_listed_and_the_rest_counted() -> None:
    many = [Slice(name=f"site={n}", count=100, value=n / 100) for n in range(50)]
    (verdict,) = gate.judge([one(slice="site", min=0.45)], values(acc=0.91), sliced(*many))
    assert (len(verdict.slices), verdict.unlisted) == (40, 10)
    assert verdict.slices[0].name == "site=0"


ADA = Override(metric="acc", person="Ada", reason="stricter labels")


def test_an_override_is_never_a_pass() -> None:
    references = against(values(acc=0.9))
    (verdict,) = gate.judge([one(min=0.95)], values(acc=0.9), references, overrides=[ADA])
    assert (verdict.status, verdict.was, verdict.by, verdict.why) == ("overridden", "fail", "Ada", "stricter labels")
    (passing,) = gate.judge([one(min=0.5)], values(acc=0.9), references, overrides=[ADA])
    assert passing.status == "pass"
    (broken,) = gate.judge([one(min=0.5)], values(loss=0.9), references, overrides=[ADA])
    assert broken.status == "error"


@pytest.mark.parametrize(
    ("rules", "value", "is_open"),
    [
        ({"min": -1e9}, 0.9, True),
        ({"min": 0}, 0.9, True),
        ({"min": 0.5}, 0.9, False),
        ({"max-drop": 1}, 0.9, True),
        ({"max-drop": 0.01}, 0.9, False),
        ({"max-drop": 5}, 93.0, False),  # in percent
        ({"max-rise": 1e12}, 0.9, True),
    ],
)
def test_a_gate_that_cannot_fail_is_found(rules: dict[str, object], value: float, is_open: bool) -> None:
    tested = weak_gates.test([one(**rules)], values(acc=value), against(values(acc=value)))
    assert (len(tested.open), tested.closed, tested.weak) == (is_open, not is_open, [])


@pytest.mark.parametrize("key", ["loss", "heart_rate_mae", "latency_ms", "acc_loss"])
def test_a_gate_on_something_without_a_worst_value_is_shown_a_hundredfold(key: str) -> None:
    far = Applied(gate=Gate(metric=key, max=1e9), source="base")
    tested = weak_gates.test([far], values(**{key: 0.3}), {})
    assert [verdict.value for verdict in tested.weak] == [pytest.approx(100.3)]
    assert tested.open == []  # a worse model than that can be thought of
    fair = Applied(gate=Gate(metric=key, max=10), source="base")
    assert weak_gates.test([fair], values(**{key: 0.3}), {}) == weak_gates.Tested(closed=1, open=[], weak=[])


def test_what_cannot_be_judged_is_not_tested() -> None:
    gates = [one(**{"max-drop": 0.01}), one(min=0.5, **{"against": "base"})]
    assert weak_gates.test(gates, values(other=1.0), {}) == weak_gates.Tested(open=[], weak=[])
    assert weak_gates.test(gates, None, {}).closed == 0
    assert weak_gates.test(gates, values(acc=0.9), {}).closed == 1  # without a base, nothing can drop


@pytest.mark.parametrize(
    ("rules", "base", "status", "cause"),
    [
        ({"max-drop": 0.01}, 0.9, "inconclusive", "base-untrained"),
        ({"max-drop": 0.01, "inconclusive": "fail"}, 0.9, "fail", "base-untrained"),
        ({"max-drop": 0.01}, math.nan, "error", "base-not-finite"),
        ({"max-drop": 0.01, "slice": "site"}, 0.9, "inconclusive", "base-untrained"),
        ({"min": 0.5}, 0.9, "pass", ""),
        ({"min": 0.5, "slice": "site"}, 0.9, "pass", ""),
    ],
)
def test_a_base_that_was_not_trained_as_it_is_leaves_comparisons_open(
    rules: dict[str, object], base: float, status: str, cause: str
) -> None:
    """Not even an interval that is sure decides: its other side is nobody's."""
    ((key, _),) = values(acc=base).numbers.items()
    reference = Reference(
        values=values(acc=base),
        intervals={key: lambda _: Interval(low=-0.2, high=-0.1, method="paired-t", n=5)},
        slices={"site": (EAST,)},
        sliced=key,
        untrained={key[0]: "code train.py changed"},
    )
    (verdict,) = gate.judge([one(**rules)], values(acc=0.7), {"base": reference})
    assert (verdict.status, verdict.cause) == (status, cause)
    assert verdict.reason == ("code train.py changed" if cause == "base-untrained" else "")
