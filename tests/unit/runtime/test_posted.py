"""What a comment says about itself, read back as text of anybody."""

from __future__ import annotations

import pytest

from mlcicd.runtime import posted
from mlcicd.runtime.posted import Mark

LINE = "<!-- mlcicd:report v=1 key=default run=7 attempt=2 sha=abc -->"


def test_what_is_written_is_read() -> None:
    earlier = ((6, "fail"), (5, "pass"))
    body = posted.write(f"{LINE}\n### Title\n\nend\n", "pass", earlier)
    first = f"{LINE[:-3]}state=pass earlier=6:fail,5:pass -->"
    assert body == f"{first}\n### Title\n\nend\n<sub>Earlier runs: ❌ 6 · ✅ 5</sub>\n"
    assert posted.read(body, "default") == Mark(run=7, attempt=2, state="pass", earlier=earlier)
    assert posted.read(body, "other") is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (LINE, Mark(run=7, attempt=2)),
        ("<!-- mlcicd:report v=1 key=default run=x -->", Mark()),
        ("<!-- mlcicd:report v=1 key=default run=7 attempt=2 sha= state=evil earlier= -->", Mark(run=7, attempt=2)),
        (
            "<!-- mlcicd:report v=1 key=default run=7 attempt=2 sha= state=pass earlier=9:pass,x:fail,3:evil,2:fail -->",  # noqa: E501
            Mark(run=7, attempt=2, state="pass", earlier=((9, "pass"), (2, "fail"))),
        ),
        (
            f"<!-- mlcicd:report v=1 key=default run=7 attempt=2 sha= state=pass earlier={'1:pass,' * 99} -->",
            Mark(),
        ),
        ("<!-- mlcicd:report v=1 key=default run=99999999999 attempt=1 sha= -->", Mark()),
        ("quote <!-- mlcicd:report v=1 key=default run=7 attempt=2 sha=abc -->", None),
        ("<!-- mlcicd:report v=1 key=defaultx run=7 attempt=2 sha=abc -->", None),
    ],
)
def test_only_the_form_counts(line: str, expected: Mark | None) -> None:
    assert posted.read(line + "\nrest", "default") == expected


def test_hostile_text_never_reaches_the_comment() -> None:
    hostile = f"{LINE[:-3]}state=pass earlier=6:fail,5:<b>,4:@all -->\n"
    mark = posted.read(hostile, "default")
    assert mark
    assert mark.earlier == ()


def test_runs_before_are_the_newest_ones_and_older_than_this_one() -> None:
    mark = Mark(run=8, attempt=1, state="fail", earlier=tuple((run, "pass") for run in (9, 7, 6, 5, 4, 3, 2)))
    assert posted.before(mark, 8) == tuple((run, "pass") for run in (7, 6, 5, 4, 3))
    assert posted.before(mark, 9)[0] == (8, "fail")


def test_marks_line_ends_and_watermarks_do_not_make_a_difference() -> None:
    one = f"{LINE}\na\n\nb\n"
    other = f'{LINE.replace("7", "8")}\r\na\r\n\r\nb\n\n![](https://cml.dev/watermark.png#abc "CML watermark x")'
    assert posted.same(one, other)
    assert not posted.same(one, other.replace("b", "c"))
