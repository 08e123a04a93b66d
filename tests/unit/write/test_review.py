"""What a review makes of differences."""

from __future__ import annotations

import pytest

from mlcicd.write.meaning import ABSENT, Difference
from mlcicd.write.review import Bump, Edit, review, unsaid

STEP = "runs:\n  steps:\n    - name: A\n      uses: actions/checkout@{} # {}\n"
OLD, NEW = STEP.format("a" * 40, "v1.0.0"), STEP.format("b" * 40, "v1.1.0")


def test_an_upgrade_of_pins_alone_leaves_the_state_good() -> None:
    assert unsaid(OLD, NEW) == ""
    assert unsaid(OLD, OLD + "# more\n") == ""
    assert unsaid(NEW, OLD) == ""
    assert unsaid(OLD, OLD.replace("a" * 40, "b" * 40)) == ""
    assert unsaid(OLD, OLD.replace("actions/checkout", "other/checkout")) == 'runs.steps["A"].uses'
    assert unsaid(OLD, NEW + "x: 1\n") == "x"


def test_each_difference_is_one_of_three() -> None:
    edits = (Edit(at="x", made=1, now=2), Edit(at="y", made=1, now=2))
    found = review(OLD + "x: 1\nz: 1\n", NEW + "x: 2\nz: 2\n", edits)
    assert [one.at for one in found.accepted] == ["x"]
    assert [one.at for one in found.refused] == ["z"]
    assert found.bumps == (Bump(name="actions/checkout", old="1.0.0", new="1.1.0"),)
    assert found.gone == (edits[1],)


@pytest.mark.parametrize(
    ("made", "now", "allowed"),
    [
        ({"uses": f"x@{'a' * 40}"}, ABSENT, True),
        ({"uses": f"x@{'b' * 40}"}, ABSENT, True),
        ({"uses": f"y@{'b' * 40}"}, ABSENT, False),
        ({"uses": f"x@{'a' * 40}"}, None, False),
        ({"uses": f"x@{'a' * 40}", "if": True}, ABSENT, False),
    ],
)
def test_an_accepted_edit_is_one_value_for_another_but_for_our_pins(made: object, now: object, allowed: bool) -> None:
    edit = Edit(at="j", made={"uses": f"x@{'a' * 40}"}, now=ABSENT)
    assert edit.allows(Difference(at="j", made=made, now=now)) is allowed
    assert not edit.allows(Difference(at="k", made=made, now=now))


def test_what_a_person_wrote_is_accepted_at_its_commit_only() -> None:
    edit = Edit(at="j", made=ABSENT, now={"uses": f"x@{'a' * 40}"})
    assert not edit.allows(Difference(at="j", made=ABSENT, now={"uses": f"x@{'b' * 40}"}))
