"""However much there is and however little may be said, a comment is whole: nothing in it is cut in two."""

from __future__ import annotations

import random
import re

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options

from mlcicd.config.judging import Gate
from mlcicd.runtime import gate
from mlcicd.runtime.base import Base
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.metrics import Values
from mlcicd.runtime.report import build, document, model, render
from mlcicd.runtime.report.build import Collected
from mlcicd.runtime.report.model import Report
from tests.unit.runtime.report import hostile

LIMITS = (2_048, 4_000, 12_000, 30_000, render.MAX_COMMENT)
TEXTS = ("x", "😀", "`|", "</details>", "```", hostile.MARKUP, "a" * 30 + " ", "｜＠")
PARTS = (
    "unread", "params", "curves", "data", "validation", "tests", "steps", "training", "notices", "metrics", "gates",
    "sections",
)  # fmt: skip
LINK = "https://forge.example/" + "x" * (model.MAX_TEXT - 22)


def some(seed: int) -> Report:
    """Return a report of which some parts are full of one text, and the others are not there."""
    rng = random.Random(seed)
    text = rng.choice(TEXTS)
    long = (text * model.MAX_TEXT)[: model.MAX_TEXT]
    full = hostile.report(text, size=rng.choice((1, 4, 9))).model_copy(
        update={
            "link_run": LINK,
            "link_commit": LINK,
            "base": "b" * 64,
            "run": 10**9,
            "sections": (model.Section(name=long, lines=(long,) * model.MAX_LINES),) * model.MAX_SECTIONS,
        }
    )
    empty = Report(state="fail")
    gone = [part for part in PARTS if rng.random() < 0.3]
    return full.model_copy(update={part: getattr(empty, part) for part in gone})


def is_whole(comment: str) -> None:
    """Fail unless the comment begins with its mark, and its last line is read as the last line of a document."""
    assert comment.startswith("<!-- mlcicd:report v=1 key=default ")
    html = str(cmarkgfm.github_flavored_markdown_to_html(comment, Options.CMARK_OPT_UNSAFE))
    assert html.rstrip().endswith("</sub></p>")
    outside = re.sub(r"<code[^>]*>[^<]*</code>", "", html)
    assert "Made by mlcicd" in outside
    assert outside.count("<details") == outside.count("</details>")
    assert "```" not in outside
    for table in re.findall("<table>.*?</table>", outside, re.DOTALL):
        head, *rows = table.split("</tr>")[:-1]
        assert {row.count("<td") for row in rows} <= {head.count("<th>") + head.count("<th ")}


@pytest.mark.parametrize("seed", range(10))
def test_any_report_fits_any_limit_and_is_whole(seed: int) -> None:
    report = some(seed)
    for limit in random.Random(seed).sample(LIMITS, 2):
        comment = render.markdown(report, limit)
        assert len(comment.encode()) <= limit
        is_whole(comment)
        assert "Do not merge yet" in comment


@pytest.mark.parametrize("text", TEXTS)
def test_the_smallest_comment_is_under_two_kilobytes(text: str) -> None:
    for kind in ("gates", "validation", "tests", "training"):
        full = hostile.report(text, size=9)
        update = {part: getattr(Report(state="fail"), part) for part in PARTS if part != kind} | {"link_run": LINK}
        comment = render.markdown(full.model_copy(update=update), limit=0)
        assert len(comment.encode()) <= 2_048
        is_whole(comment)
        assert "Shortened: all but the verdict left out here" in comment


def test_each_step_shows_less_than_the_one_before_and_is_named() -> None:
    report = hostile.report("y")
    sizes, named = [10**9], []
    for _ in range(4):
        comment = render.markdown(report, sizes[-1] - 1)
        sizes.append(len(comment.encode()))
        named.append(comment.partition("Shortened: ")[2].partition(" left out here")[0])
    assert sizes == sorted(sizes, reverse=True)
    assert named == [
        "",
        "points of curves",
        "points of curves, charts",
        "points of curves, charts, most rows",  # nothing passed or stayed that could go
    ]


def test_ten_thousand_metrics_in_four_bytes_each() -> None:
    names = [("m.json", f"{'😀' * 40}{n}") for n in range(9_999)] + [("m.json", "accuracy")]
    before = Values(numbers=dict.fromkeys(names, 0.5))
    change = Values(numbers={key: 0.25 if n in (7, 9_990) else 0.5 for n, key in enumerate(names)})
    rule = gate.Applied(gate=Gate(metric="accuracy", min=0.1), source="base")
    found = Collected(base=Base(sha="b" * 40), change=change, before=before, gates=[rule])
    made = build.build(found, Ci(), "a" * 40)
    assert len(document.dump(made).encode()) <= model.MAX_BYTES
    kept = [metric.key.lstrip("😀") for metric in made.metrics]
    assert kept[:3] == ["accuracy", "7", "9990"]  # what has a gate, then what moved
    assert len(kept) == 200
    comment = render.markdown(made)
    assert len(comment.encode()) <= render.MAX_COMMENT
    is_whole(comment)
    complete = build.whole(made, found)
    assert render.html(complete).count('<th scope="row">') >= 10_000
    assert [notice.kind for notice in made.notices] == ["cut"]
    assert complete.notices == ()


def test_the_summary_has_every_row_where_there_is_room() -> None:
    numbers = {("m.json", f"metric {n}"): float(n) for n in range(300)}
    found = Collected(base=Base(sha="b" * 40), change=Values(numbers=numbers), before=Values(numbers=numbers))
    made = build.build(found, Ci(), "a" * 40)
    assert render.markdown(made).count("| `metric") == 15
    assert render.summary(build.whole(made, found)).count("| `metric") == 300
