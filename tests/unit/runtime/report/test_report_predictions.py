"""Per-example predictions: what is read, what is refused in words, and how both sides are put together."""

from __future__ import annotations

import time

import pytest

from mlcicd.config.judging import Predictions
from mlcicd.runtime.metrics import Unusable
from mlcicd.runtime.report import predictions
from mlcicd.runtime.report.predictions import Rows, parse

SETTINGS = Predictions(file="p.csv", label="label", prediction="said", id="id", group="patient")
PLAIN = Predictions(file="p.csv", label="label", prediction="said")
ERROR = Predictions(file="p.csv", label="label", prediction="said", kind="error")
HEADER = "id,label,said,patient,site\n"


def read(text: str, settings: Predictions = SETTINGS, columns: tuple[str, ...] = ("site",)) -> Rows:
    return parse((HEADER + text).encode(), settings, columns)


def scores(found: Rows) -> list[float]:
    return [row.score for row in found.rows.values()]


def test_a_row_matches_or_not() -> None:
    found = read("1,cat,cat,p,e\n2,cat,dog,p,w\n3,1,1.0,p,w\n4, cat ,cat,p,w\n")
    assert scores(found) == [1, 0, 1, 1]
    assert found.mean == 0.75
    assert [row.values for row in found.rows.values()] == [("e",), ("w",), ("w",), ("w",)]


def test_an_error_is_a_distance() -> None:
    assert scores(read("1,2.5,2,p,e\n2,-1,1,p,w\n", ERROR)) == [0.5, 2]


def test_rows_that_say_nothing_are_counted() -> None:
    found = read("1,,cat,p,e\n2,cat,,p,e\n3,nan,1,p,e\n4,1,inf,p,e\n5,1,1,p,e\n")
    assert (found.empty, list(found.rows)) == (4, ["5"])
    assert read("1,x,3,p,e\n2,3,3,p,e\n", ERROR).empty == 1


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "there is no column label"),
        (HEADER.encode(), "it has no row with a truth and a prediction"),
        (b"id,label,patient,site\n", "there is no column said; there are id, label, patient, site"),
        (b"\xff\xfe\x00", "not UTF-8 text (byte 0)"),
        (HEADER.encode() + b"1,a,a,p\n", "row 1 has 4 cells, and the header has 5"),
        (HEADER.encode() + b"1,a,a,p,e\n1,a,a,p,e\n", "the id 1 is there twice"),
        (HEADER.encode() + b'1,a,"' + b"x" * 200_000 + b'",p,e\n', "field larger than field limit"),
        (b"x" * (predictions.MAX_BYTES + 1), "larger than 20 MiB"),
        (HEADER.encode() + b"1,a,a,p,e\n" * (predictions.MAX_ROWS + 1), "the id 1 is there twice"),
    ],
)
def test_a_file_that_is_no_use_says_why(raw: bytes, reason: str) -> None:
    with pytest.raises(Unusable) as error:
        parse(raw, SETTINGS, ("site",))
    assert reason in str(error.value)


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "MAX_ROWS", 2)
    with pytest.raises(Unusable, match="more than 2 rows"):
        read("1,a,a,p,e\n2,a,a,p,e\n3,a,a,p,e\n")


def numbered(count: int, said: str = "a", label: str = "a", first: int = 0) -> str:
    return "".join(f"{number},{label},{said},p{number},e\n" for number in range(first, first + count))


def test_examples_are_matched_by_their_id_whatever_their_order() -> None:
    base, change = read("1,a,a,p,e\n2,a,b,p,e\n"), read("2,a,a,p,e\n1,a,b,p,e\n")
    pairs = predictions.match(base, change, SETTINGS)
    assert [(old.score, new.score) for old, new in zip(pairs.base, pairs.change, strict=True)] == [(0, 1), (1, 0)]
    assert pairs.left_out == ""


def test_what_one_side_lacks_is_left_out_and_told() -> None:
    pairs = predictions.match(read(numbered(20)), read(numbered(18) + "98,,a,p,e\n99,a,a,p,e\n"), SETTINGS)
    assert len(pairs.base) == 18
    assert pairs.left_out == "3 on one side only, 1 without a truth or a number"


@pytest.mark.parametrize(
    ("base", "change", "settings", "reason"),
    [
        (numbered(5), numbered(6), PLAIN, "the sides have 5 and 6 rows"),
        (numbered(5), numbered(5, label="b"), PLAIN, "the truth of example 1 differs"),
        (numbered(5), numbered(5, label="b"), SETTINGS, "the truth of example 0 differs"),
        (numbered(5), numbered(5, first=4), SETTINGS, "share only 1 examples"),
        (numbered(5), numbered(5, first=9), SETTINGS, "share only 0 examples"),
    ],
)
def test_other_examples_are_refused(base: str, change: str, settings: Predictions, reason: str) -> None:
    with pytest.raises(Unusable) as error:
        predictions.match(read(base, settings), read(change, settings), settings)
    assert reason in str(error.value)


def test_groups_are_those_of_the_base() -> None:
    together = "".join(f"{number},a,a,one,e\n" for number in range(40))
    apart = "".join(f"{number},a,a,{number},e\n" for number in range(40))
    assert predictions.at(predictions.match(read(together), read(apart), SETTINGS), SETTINGS)(0.95) is None
    assert predictions.at(predictions.match(read(apart), read(together), SETTINGS), SETTINGS)(0.95)


def test_slices_of_both_sides_and_of_one() -> None:
    text = "".join(f"{number},a,a,{number},{'e' if number < 30 else 'w'}\n" for number in range(50))
    worse = "".join(f"{number},a,{'a' if number < 30 else 'b'},{number},e\n" for number in range(50))
    base, change = read(text), read(worse)
    both = predictions.slices(change, predictions.match(base, change, SETTINGS), SETTINGS, ("site",))
    # The base says which row is whose: here the change calls all of them e.
    assert [(one.name, one.count, one.value, one.base) for one in both["site"]] == [
        ("site=e", 30, 1, 1),
        ("site=w", 20, 0, 1),
    ]
    assert both["site"][1].at
    assert both["site"][1].at(0.95)
    alone = predictions.slices(change, None, SETTINGS, ("site",))
    assert [(one.name, one.count, one.base) for one in alone["site"]] == [("site=e", 50, None)]


def test_many_rows_take_no_time() -> None:
    text = numbered(100_000)
    began = time.perf_counter()
    found = read(text)
    predictions.at(predictions.match(found, found, SETTINGS), SETTINGS)(0.95)
    assert time.perf_counter() - began < 6
