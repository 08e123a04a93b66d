from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcicd.lint.document import Document, Node, guess, read, walk
from mlcicd.yamlio import Unreadable

WORKFLOW = """\
name: train
on: [push]
jobs:
  train:
    runs-on: ubuntu-latest  # a label
    steps:
      - uses: actions/checkout@0123 # v7.0.1
      - run: |
          echo "é😀"
          python train.py ${{ github.head_ref }}

        env: {A: "x # y", B: 'z'} # both
"""

LAUGH = "a{n}: &a{n} {{<<: [{one}, {one}, {one}, {one}], k{n}: [{one}, {one}]}}\n"


def doc(text: str) -> Document:
    return read("a.yml", text, "workflow")


def root(text: str) -> Node:
    return doc(text).root


def test_the_way_to_a_value() -> None:
    node = root(WORKFLOW).at("jobs", "train", "steps", 0, "uses")
    assert (node.text, node.line, node.column) == ("actions/checkout@0123", 7, 15)
    assert node.raw == "actions/checkout@0123"
    assert root(WORKFLOW).key("jobs").line == 3
    assert root(WORKFLOW).get("on").texts() == ["push"]
    assert root("a: [1, b, {c: d}]").get("a").texts() == ["1", "b"]


def test_on_is_text_and_not_true() -> None:
    assert root("on: push\n").keys() == ["on"]
    assert root("a: on\n").get("a").value == "on"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True), ("False", False), ("yes", "yes"), ("'true'", "true"), ("~", None), ("", None), ("07", 7),
        ("1.5", 1.5), ("1e3", 1000.0), ("1.2.3", "1.2.3"), ("2026-01-01", "2026-01-01"), ("!x 1", "1"),
        ("0x10", "0x10"), ("|\n  1\n", "1\n"), (".", "."), ("-", [""]), ("9" * 99, 1e99),
    ],
)  # fmt: skip
def test_values_as_yaml_1_2_means_them(written: str, value: object) -> None:
    node = root(f"a: {written}\n" if written != "-" else "a:\n-\n").get("a")
    if isinstance(value, list):
        assert [item.text for item in node] == value
    else:
        assert node.value == value
        assert isinstance(node.value, type(value))


def test_what_is_missing_is_false_empty_and_in_its_parents_place() -> None:
    train = root(WORKFLOW).at("jobs", "train")
    missing = train.at("permissions", "contents", 3, "x")
    assert not missing
    assert (missing.text, missing.value, missing.keys(), missing.items(), list(missing)) == ("", None, [], [], [])
    assert (missing.line, missing.column) == (train.line, train.column)
    assert missing.texts() == []
    assert missing.find("x*") != ["x"]
    assert "contents" not in missing


def test_what_is_there_is_true_even_when_empty() -> None:
    assert root("permissions: {}\n").get("permissions")
    assert root("permissions:\n").get("permissions")
    assert not doc("# nothing\n").root
    assert not doc("").root


@pytest.mark.parametrize(
    "steps", [("jobs", 0), (0,), ("jobs", "train", "steps", "uses"), ("jobs", "train", "steps", 9)]
)
def test_a_step_of_the_wrong_kind_is_missing(steps: tuple[str | int, ...]) -> None:
    assert not root(WORKFLOW).at(*steps)


@pytest.mark.parametrize(
    ("steps", "comment"),
    [
        (("jobs", "train", "runs-on"), "a label"),
        (("jobs", "train", "steps", 0, "uses"), "v7.0.1"),
        (("jobs", "train", "steps", 1, "env"), "both"),
        (("jobs", "train", "steps", 1, "env", "B"), "both"),
        (("jobs", "train", "steps", 1, "env", "A"), ""),
        (("jobs", "train", "steps", 1, "run"), ""),
        (("name",), ""),
    ],
)
def test_comments_behind_values(steps: tuple[str | int, ...], comment: str) -> None:
    assert root(WORKFLOW).at(*steps).comment == comment


def test_comments_behind_keys_and_block_heads() -> None:
    node = root("a: # of a\n  b: c#d\nrun: |  # of run\n  x # not mine\n")
    assert node.key("a").comment == "of a"
    assert node.at("a", "b").comment == ""
    assert node.get("run").comment == "of run"


def test_places_inside_a_script() -> None:
    run = root(WORKFLOW).at("jobs", "train", "steps", 1, "run")
    [part] = run.find(r"\$\{\{.*?\}\}")
    assert run.doc.place(part.start) == (10, 27)
    assert run.doc.text[part.start : part.end] == "${{ github.head_ref }}"
    assert run.raw.endswith("head_ref }}")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark(end: str, mark: str) -> None:
    found = doc(mark + WORKFLOW.replace("\n", end))
    env = found.root.at("jobs", "train", "steps", 1, "env")
    assert (env.line, env.column) == (12, 14)
    assert found.lines[11] == """        env: {A: "x # y", B: 'z'} # both"""
    assert found.root.key("name").column == 1


@pytest.mark.parametrize("hiding", ["\x85", "\u2028", "\u2029", "\ufeff"])
def test_what_some_readers_take_for_a_line_end_is_refused(hiding: str) -> None:
    with pytest.raises(Unreadable, match=f"U\\+{ord(hiding):04X} stands here") as caught:
        root(f"a: b\nc: d # e{hiding}  f: g\n")
    assert (caught.value.place.line, caught.value.place.column) == (2, 9)
    assert root("\ufeffa: b\n").get("a").text == "b"


def test_merge_keys_as_gitlab_reads_them() -> None:
    merged = root(
        ".one: &one {image: one, tags: [x]}\n.two: &two {<<: *one, image: two, stage: s}\n"
        "job:\n  <<: [*one, *two]\n  tags: [y]\nother: {<<: *two}\n"
    )
    assert {key.text: value.text for key, value in merged.get("job").items()} == {
        "tags": "",
        "image": "one",
        "stage": "s",
    }
    assert merged.at("job", "tags", 0).text == "y"
    assert merged.at("other", "image").text == "two"
    assert merged.at("other", "tags", 0).text == "x"
    assert merged.at("job", "image").line == 1


def test_what_a_merge_key_brings_counts_over_what_stands_above_it() -> None:
    sources = "[{script: [curl]}, {script: [x], tags: [t]}]"
    job = root(f"job:\n  script: [make]\n  image: a\n  <<: {sources}\n  image: b\n").get("job")
    found = {key.text: value.texts() for key, value in job.items()}
    assert found == {"script": ["curl"], "image": ["b"], "tags": ["t"]}


def test_of_a_key_that_stands_twice_the_last_counts() -> None:
    assert root("a: 1\na: 2\n").get("a").value == 2


def test_tags_of_gitlab() -> None:
    node = root("a:\n  script:\n    - !reference [.b, script]\n").at("a", "script", 0)
    assert node.tag == "!reference"
    assert node.texts() == [".b", "script"]


def test_several_documents() -> None:
    found = doc("spec:\n  inputs: {}\n---\njob: {script: x}\n")
    assert found.root.keys() == ["job"]
    assert found.head[0].keys() == ["spec"]


def test_walk_yields_everything_once_parents_first() -> None:
    node = root("a: &x {b: [1, 2]}\nc: *x\n")
    assert [path for path, _ in walk(node)] == [(), ("a",), ("a", "b"), ("a", "b", 0), ("a", "b", 1)]


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]\n",
        "a: &a {<<: *a, b: *a}\n",
        "a: &a\n  <<: [*a, *a]\n  b: 1\n",
        "a0: &a0 {x: 1}\n" + "".join(LAUGH.format(n=n, one=f"*a{n - 1}") for n in range(1, 60)),
    ],
    ids=["itself", "merges itself", "merges itself twice", "laughs"],
)
def test_anchors_in_circles_and_by_the_million_end(text: str) -> None:
    begin = time.perf_counter()
    node = root(text)
    assert len(list(walk(node))) < 500
    assert node.items()[-1][1].items() or node.get("a").is_sequence
    assert time.perf_counter() - begin < 2


@pytest.mark.parametrize(
    ("text", "reason", "place"),
    [
        ("a: [\n", "did not find expected node content", (2, 1)),
        ("a: 1\n\tb: 2\n", "a tab cannot indent YAML", (2, 1)),
        ("a: *b\n", "stands for nothing", (1, 4)),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n", "merge conflict", None),
        ("a: \x07\n", "control characters", (1, 1)),
        ("a: \ud800\n", "not readable", (1, 1)),
        ("- " * 5000, "nested too deeply", (1, 201)),
        ("[" * 500_000, "nested too deeply", (1, 101)),
        ("{a: " * 50_000, "nested too deeply", None),
        ("a: !<> b\n", "tag", None),
        ("b:\n  a: 'x\n", "the file ends while scanning a quoted scalar, which begins here", (2, 6)),
    ],
    ids=lambda value: str(value)[:12],
)
def test_what_is_no_yaml_says_why_and_where(text: str, reason: str, place: tuple[int, int] | None) -> None:
    with pytest.raises(Unreadable, match=re.escape(reason)) as caught:
        doc(text)
    if place:
        assert (caught.value.place.line, caught.value.place.column) == place


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("on: push\njobs: {a: {}}\n", "workflow"),
        ("name: x\nruns: {using: composite}\n", "action"),
        ("version: 2\nupdates: []\n", "dependabot"),
        ("stages: [a]\n", "gitlab"),
        ("spec: {inputs: {}}\n---\njob: {script: x}\n", "gitlab"),
        (".a: &a {script: x}\nb: {<<: *a}\n", "gitlab"),
        ("a: b\n", None),
        ("[a]\n", None),
        ("", None),
        ("apiVersion: v1\nkind: Pod\nspec: {containers: []}\n", None),
    ],
)
def test_content_tells_the_kind(text: str, kind: str | None) -> None:
    found = guess("a.yml", text)
    assert (found.kind if found else None) == kind


SCALARS = st.text("ab#:'\"|>-é😀\n\t ", max_size=6) | st.integers() | st.booleans() | st.none()
TREES = st.recursive(SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(SCALARS, below, max_size=3))


@given(TREES, st.booleans())
def test_every_place_is_that_of_its_text(tree: object, flow: bool) -> None:
    import yaml

    found = doc(yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True))
    for _, node in walk(found.root):
        assert 0 <= node.start <= node.end <= len(found.text)
        lines = found.text.split("\n")
        assert found.text.startswith(lines[node.line - 1][node.column - 1 :], node.start)
        assert node.comment is not None
        assert node.is_scalar or node.raw[:1] in "[{-?" or node.keys()


@given(st.text("a:-[]{}&*!|>'\"%@`#?,<\n \t0\ufeff\r", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = doc(text)
    except Unreadable:
        return
    assert all(node.value is None or node.is_scalar for _, node in walk(found.root))
