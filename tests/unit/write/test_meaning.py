"""What is a difference, and what it is called."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcicd.write.meaning import ABSENT, differences
from mlcicd.write.read import MAX_VALUES, line
from mlcicd.yamlio import Unreadable

MADE = """\
on:
  pull_request:
  push:
    branches: [main]
permissions: {}
jobs:
  test:
    runs-on: ubuntu-latest
    permissions:
      contents: read # check out
  train:
    needs: [test, check]
    timeout-minutes: 105
    steps:
      - name: Check out
        uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - name: Fetch data
        uses: ./data
        with:
          for: train
"""


def found(old: str, new: str, text: str = MADE) -> list[tuple[str, Any, Any]]:
    assert old in text
    return [(one.at, one.made, one.now) for one in differences(text, text.replace(old, new, 1))]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("permissions: {}\n", "# zizmor: ignore[x]\npermissions: {}  # none\n"),
        (
            "    needs: [test, check]\n    timeout-minutes: 105\n",
            "    timeout-minutes: 105\n    needs: [check, test]\n",
        ),
        ("[test, check]", "\n      - test\n      - 'check'"),
        ("[main]", "main"),
        ("ubuntu-latest", "[ubuntu-latest]"),
        ("timeout-minutes: 105", "timeout-minutes:   105\n"),
        ("false", "False"),
        ("false", "FALSE"),
        ("permissions: {}", "permissions:\n  {}"),
        ("branches: [main]", "branches: &b [main]"),
    ],
)
def test_what_means_the_same_is_no_difference(old: str, new: str) -> None:
    assert found(old, new) == []


def test_events_may_be_a_word_a_list_or_keys() -> None:
    assert differences("on: push\n", "on: [push]\n") == []
    assert differences("on: [push, pull_request]\n", "on:\n  pull_request:\n  push:\n") == []
    assert [one.at for one in differences("on: push\n", "on: [push, pull_request_target]\n")] == [
        "on.pull_request_target"
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("contents: read", "contents: write", ("jobs.test.permissions.contents", "read", "write")),
        (
            "      contents: read",
            "      contents: read\n      issues: write",
            ("jobs.test.permissions.issues", ABSENT, "write"),
        ),
        ("permissions: {}\n", "", ("permissions", {}, ABSENT)),
        ("permissions: {}", "permissions:", ("permissions", {}, None)),
        ("105", "'105'", ("jobs.train.timeout-minutes", 105, "105")),
        ("false", "0", ('jobs.train.steps["Check out"].with.persist-credentials', False, 0)),
        ("for: train", "for: test", ('jobs.train.steps["Fetch data"].with.for', "train", "test")),
        ("[main]", "[main, dev]", ("on.push.branches", ["main"], ["main", "dev"])),
        ("[test, check]", "[test]", ("jobs.train.needs", ["check", "test"], ["test"])),
        (
            "    steps:\n",
            "    steps:\n      - run: make\n",
            ('jobs.train.steps["make" first]', ABSENT, {"run": "make"}),
        ),
        (
            "      - name: Fetch",
            "      - {name: X, run: z}\n      - name: Fetch",
            ('jobs.train.steps["X" after "Check out"]', ABSENT, {"name": "X", "run": "z"}),
        ),
        ("\n  train:\n", '\n  "my.job": {}\n  train:\n', ('jobs["my.job"]', ABSENT, {})),
    ],
)
def test_a_difference_is_named_by_its_path(old: str, new: str, expected: tuple[str, Any, Any]) -> None:
    assert found(old, new) == [expected]


SHARED = """\
.base: &base
  image: a
  script: [x]
job:
  <<: *base
  needs: [other]
  after_script: !reference [.base, script]
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  <<: *base\n", "  image: a\n  script: x\n", []),
        ("  <<: *base\n", "  <<: [*base, {image: b, tags: [t]}]\n", ["job.tags"]),
        ("  <<: *base\n", "  <<: [{image: b}, *base]\n", ["job.image"]),
        ("  <<: *base\n", "  <<: *base\n  image: b\n", ["job.image"]),
        ("image: a", "image: b", ['[".base"].image', "job.image"]),
        ("!reference [.base, script]", "!reference [.base, image]", ['job.after_script["!reference"]']),
        ("!reference [.base, script]", "[.base, script]", ["job.after_script"]),
    ],
)
def test_what_other_tools_write_is_read_as_it_is_meant(old: str, new: str, expected: list[str]) -> None:
    assert [at for at, _, _ in found(old, new, SHARED)] == expected


def test_steps_that_change_places_are_a_difference() -> None:
    first, second = MADE.index("      - name: Check"), MADE.index("      - name: Fetch")
    turned = MADE[:first] + MADE[second:] + MADE[first:second]
    (one,) = differences(MADE, turned)
    assert (one.at, one.made, one.now) == (
        "jobs.train.steps (order)",
        ["Check out", "Fetch data"],
        ["Fetch data", "Check out"],
    )


def test_items_of_one_name_are_numbered() -> None:
    made = "steps:\n  - {name: a, run: x}\n  - {name: a, run: y}\n"
    assert [one.at for one in differences(made, made.replace("y", "z"))] == ['steps["a (2)"].run']


def test_items_without_a_name_are_told_by_their_place() -> None:
    made = "rules:\n  - {if: a}\n  - {if: b}\n"
    assert [one.at for one in differences(made, made.replace("b}", "c}"))] == ["rules[1].if"]
    assert [one.at for one in differences(made, made + "  - {if: d}\n")] == ["rules"]


def test_the_place_leads_to_the_line() -> None:
    text = "# one line more\n" + MADE.replace("for: train", "for: test")
    (one,) = differences(MADE, text)
    assert line(text, one.place) == text[: text.index("for: test")].count("\n") + 1


@pytest.mark.parametrize(
    "text",
    [
        "a: [\n",
        "a: 1\na: 2\n",
        "a: &a [*a]\n",
        "a: &a [1,1,1,1,1,1,1,1,1]\n"
        + "".join(f"{x}: &{x} [{','.join([f'*{y}'] * 9)}]\n" for y, x in zip("abcdef", "bcdefg", strict=True)),
        "[" * 5000,
        "? {a: b}\n: c\n",
    ],
    ids=["open", "twice", "in itself", "laughs", "deep", "odd key"],
)
def test_bad_files_are_unreadable_and_nothing_else(text: str) -> None:
    with pytest.raises(Unreadable) as caught:
        differences("a: 1\n", text)
    assert caught.value.reason


@pytest.mark.parametrize(
    "text",
    ["job:\n  script: x # y{0}  evil: 1\n".replace("{0}", hiding) for hiding in ("\x85", "\u2028", "\u2029", "\ufeff")]
    + [
        "job:\n  script: x\n  <<: {script: evil}\n",
        "job:\n  script: x\n  <<: [{y: 1}, {script: evil}]\n",
        "job:\n  <<: {script: x}\n  <<: {script: evil}\n",
        "job:\n  script: x\n  <<: evil\n",
        "job:\n  script: x\n  <<: [[evil]]\n",
        "job:\n  !!binary script: x\n",
        "job:\n  !x script: x\n",
        "job:\n  script: {'!reference': [x]}\n",
        "job: {? !!str script : x}\n",
    ],
)
def test_what_two_readers_take_for_two_things_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        differences("job:\n  script: x\n", text)


# What some reader of YAML takes for truth, nothing, a number, a date or a symbol.
NO_TEXTS = """
    on Off y N yes true fAlse ~ null NULL .inf -.INF .nan 0x1F 0o17 0b11 017 0015 1:30 1_000 1,000 2020-01-01
    +1 -0 1e3 1e400 .5 1. 1.5 12 = :a <<
"""


@pytest.mark.parametrize("word", [*NO_TEXTS.split(), "2001-12-14 21:59:43.10 -5", "9" * 40, "1." + "0" * 20, ""])
def test_without_its_quotes_a_text_may_be_something_else(word: str) -> None:
    made = f'A: "{word}"\nB: b\n'
    assert [one.at for one in differences(made, f"A: {word}\nB: b\n")] == ["A"]
    assert differences(made, f"A: '{word}'\nB: b\n") == []
    assert differences(f"A: {word}\n", f"A: {word} # c\n") == []


@pytest.mark.parametrize(
    "word", ["b", "3.12.1", "v1", "15m", "14 days", "ubuntu-24.04", "./x", ".mlcicd", "$A", "nothing"]
)
def test_quotes_around_what_is_a_text_to_everybody_mean_nothing(word: str) -> None:
    assert differences(f"A: [{word}]\n", f"A: ['{word}']\n") == []
    assert differences(f"{word}: 1\n", f'"{word}": 1\n') == []


@pytest.mark.parametrize(
    ("one", "other"), [("false", "fAlse"), ("15", "0015"), ("15", "+15"), ("1.5", "01.5"), ("null", "nUll")]
)
def test_words_and_numbers_are_those_that_everybody_reads(one: str, other: str) -> None:
    assert [found.at for found in differences(f"A: {one}\n", f"A: {other}\n")] == ["A"]


def test_a_key_without_its_quotes_may_be_another_one() -> None:
    assert [one.at for one in differences('env: {"0x1F": a}\n', "env: {0x1F: a}\n")] == [
        "env.0x1F",
        'env["!unquoted 0x1F"]',
    ]
    assert differences('"on": push\n', "on: push\n") == []
    assert line("a: 1\nenv:\n  0x1F: a\n", ("env", "!unquoted 0x1F")) == 3


def test_the_limit_is_far_from_what_is_made() -> None:
    assert 1000 * MADE.count("\n") < MAX_VALUES


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["a", "b", "name", "yes", ""]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "run", "needs", "k"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(made=VALUES, now=VALUES)
def test_no_difference_exactly_where_the_values_are_the_same(made: Any, now: Any) -> None:
    one, other = (json.dumps({"k": value}) for value in (made, now))
    assert differences(one, one + " ") == []
    if not differences(one, other):
        # Only what is meant to be the same is: the order of `needs`, and one alone for a list of one.
        assert made == now or "needs" in one + other


@settings(max_examples=100, deadline=None)
@given(made=VALUES, now=VALUES)
def test_every_difference_has_a_path_of_its_own(made: Any, now: Any) -> None:
    paths = [one.at for one in differences(json.dumps({"k": made}), json.dumps({"k": now}))]
    assert len(paths) == len(set(paths))
