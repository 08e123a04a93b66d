"""A printed value never breaks out of its place, whoever reads it."""

from __future__ import annotations

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mlcicd import yamlio

HOSTILE = st.text(alphabet="abYn01.:-/@ =()'\"\\#&*!|>%{}[],?~$`\n\t\x7f\x85\u2028\ufeff")
ANY = st.one_of(st.text(), HOSTILE, st.from_regex(r"[a-zA-Z0-9.:/=@( )_-]{1,12}", fullmatch=True))


@settings(max_examples=500, deadline=None)
@given(ANY)
@example("on")
@example("1:30")
@example("0o17")
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


def test_other_values_keep_their_type() -> None:
    value = {"on": [True, None, 3, 0.5, "true", "x"], "k": {}}
    assert yaml.safe_load(yamlio.scalar(value)) == value


def test_places_count_from_one() -> None:
    tree = yamlio.load("a:\n  - b: 1\n  - c: 2\n")
    assert yamlio.place(tree, ["a", 1, "c"]) == yamlio.Place(line=3, column=8)
    assert yamlio.place(tree, ["a", 7, "x"]) == yamlio.place(tree, ["a"])
    assert yamlio.key_place(tree, ["a", 0, "b"]) == yamlio.Place(line=2, column=5)
