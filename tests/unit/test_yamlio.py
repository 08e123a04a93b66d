"""A printed value never breaks out of its place, whoever reads it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mlcicd import yamlio

HOSTILE = st.text(alphabet="abYn01.:-/@ =()'\"\\#&*!|>%{}[],?~$`\n\t\x7f\x85\u2028\ufeff")
NUMBERS = st.from_regex(r"[0-9.]{0,3}[xobe+_ -]{0,2}[0-9a-f]{0,6}", fullmatch=True)
ANY = st.one_of(st.text(), HOSTILE, NUMBERS, st.from_regex(r"[a-zA-Z0-9.:/=@( )_-]{1,12}", fullmatch=True))


@settings(max_examples=500, deadline=None)
@given(ANY)
@example("on")
@example("1:30")
@example("0o17")
@example("0xcafe")
@example("0 xcafe")
@example(".e-5")
@example(".5")
@example("a: b")
@example("x # y")
@example("1e3")
@example("- x")
@example("14 days")
def test_a_scalar_reads_back_whole_in_every_place_and_yaml_version(text: str) -> None:
    printed = yamlio.scalar(text)
    documents = {
        f"a: {printed} # c\nb: 1\n": lambda tree: tree["a"],
        f"a: [{printed}, {printed}]\n": lambda tree: tree["a"][1],
        f"- {printed}\n": lambda tree: tree[0],
        f"a: {{k: {printed}, z: 1}}\n": lambda tree: tree["a"]["k"],
    }
    for document, get in documents.items():
        assert get(yaml.safe_load(document)) == text
        assert get(YAML(typ="safe", pure=True).load(document)) == text


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("0xcafe", '"0xcafe"'),
        ("0xbeef", '"0xbeef"'),
        ("00xcafe", "00xcafe"),
        (".e-5", '".e-5"'),  # Ruby's reader takes it for a number
        (".env", ".env"),
        ("14 days", "14 days"),
        ("6h", "6h"),
        ("30m", "30m"),
    ],
)
def test_plain_is_what_no_reader_takes_for_a_number(text: str, printed: str) -> None:
    assert yamlio.scalar(text) == printed


def test_other_values_keep_their_type() -> None:
    value = {"on": [True, None, 3, 0.5, "true", "x"], "k": {}}
    assert yaml.safe_load(yamlio.scalar(value)) == value


def test_places_count_from_one() -> None:
    tree = yamlio.load("a:\n  - b: 1\n  - c: 2\n")
    assert yamlio.place(tree, ["a", 1, "c"]) == yamlio.Place(line=3, column=8)
    assert yamlio.place(tree, ["a", 7, "x"]) == yamlio.place(tree, ["a"])
    assert yamlio.key_place(tree, ["a", 0, "b"]) == yamlio.Place(line=2, column=5)


def bomb(link: str, last: str) -> str:
    """Nine levels, each nine times the one before."""
    lines = [f"a{n}: &a{n} {link % ', '.join([f'*a{n - 1}'] * 9)}" for n in range(1, 10)]
    return "\n".join(["a0: &a0 {x: 1}", *lines, last])


@pytest.mark.parametrize(
    "text",
    [bomb("[%s]", ""), bomb("{<<: [%s]}", ""), bomb("[%s]", "? *a9\n: 1"), bomb("[%s]", 'b: {"c":*a9}')],
    ids=["values", "merges", "key", "tight"],
)
def test_aliases_of_aliases_are_refused_at_once(text: str) -> None:
    with pytest.raises(yamlio.Unreadable, match="aliases stand for more than 100,000 values"):
        yamlio.load_foreign(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &x {k: 1}\nb: *x\nc: {<<: *x, d: 2}\n", {"a": {"k": 1}, "b": {"k": 1}, "c": {"k": 1, "d": 2}}),
        ("a: &x 1\nb: &x [2, 3]\nc: [*x, *x]\n", {"a": 1, "b": [2, 3], "c": [[2, 3], [2, 3]]}),
        ("a: '&x'\nb: \" *y\"\n", {"a": "&x", "b": " *y"}),
    ],
)
def test_files_of_others_may_use_aliases(text: str, value: object) -> None:
    assert yamlio.load_foreign(text) == value
