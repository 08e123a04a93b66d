"""No text leaves its place: fuzzed against a markdown parser that is not ours."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mlcicd.runtime.markdown import LIMIT, clean, code, fenced, label, tag

PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")
HOSTILE = [
    "`", "``", "|", "\\|", "\\", "a`|`b", "`|", "|`", "\\`|", "a|b\\", "\n\n# heading", "</details>", "<!-- x -->",
    "<!-- mlcicd:report v=1 key=default ", "@org/team", "![x](http://h/x.png)", "[a](javascript:b)", "\u202egnp.exe",
    "a\u200bb", "\x00", "\x1b[31m", "e\u0301", "ﷺ" * 200, "😀" * 100, "", " ", "\u3164", "~~~",
    "```\n", "$x$", "/approve",
]  # fmt: skip
ANY = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=120),
    st.text(alphabet="`|\\ \n<>!-#*_[]()&;a\r\t", max_size=60),
)


def shape(markdown: str) -> list[str]:
    """Return the structure of a text: the kinds of its elements, without what they hold."""
    return [
        kind
        for token in PARSER.parse(markdown)
        for kind in (token.type, *(child.type for child in token.children or ()))
    ]


@settings(max_examples=600, deadline=None)
@given(ANY, ANY)
@example("a\\", "|b")
@example("`|`", "\\|`")
def test_a_code_span_stays_in_its_table_cell(one: str, other: str) -> None:
    table = "| a | b | c |\n|---|---|---|\n| {} | {} | end |\n\nafter"
    spans = [code(text) for text in (one, other)]
    expected = [code("x") if span.startswith("`") else span for span in spans]
    assert shape(table.format(*spans)) == shape(table.format(*expected))


@settings(max_examples=300, deadline=None)
@given(ANY)
def test_a_code_span_stays_in_its_sentence(text: str) -> None:
    span = code(text)
    assert shape(f"> see {span} here") == shape("> see {} here".format("`x`" if span.startswith("`") else span))


@settings(max_examples=300, deadline=None)
@given(ANY)
def test_a_tag_stays_on_its_line_of_html(text: str) -> None:
    html = PARSER.render(f"<details>\n<summary>{tag(text)}</summary>\n\ninside\n</details>")
    inside = html.partition("<summary><code>")[2].partition("</code></summary>")[0]
    assert "<" not in inside
    assert html.endswith("<p>inside</p>\n</details>")


@settings(max_examples=300, deadline=None)
@given(st.lists(ANY, max_size=5))
def test_a_fence_holds_every_line(lines: list[str]) -> None:
    assert shape(f"{fenced(lines)}\n\nafter") == ["fence", "paragraph_open", "inline", "text", "paragraph_close"]


@settings(max_examples=300, deadline=None)
@given(ANY)
def test_clean_text_is_one_short_line_of_visible_characters(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) <= LIMIT
    assert cleaned.isprintable()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("accuracy", "`accuracy`"),
        ("a|b", "`a\\|b`"),
        ("a`b", "`` a`b ``"),
        ("``", "``` `` ```"),
        ("two\nlines", "`two lines`"),
        ("\u202egnp.exe", "`gnp.exe`"),
        ("", "–"),
        ("\u200b", "–"),
        ("x" * 90, "`" + "x" * 79 + "…`"),
        ("e\u0301", "`é`"),
    ],
)
def test_code(text: str, expected: str) -> None:
    assert code(text) == expected


def test_a_label_keeps_no_character_that_mermaid_reads() -> None:
    assert label('loss "val" [x]; %%{init}') == "loss  val   x   % init"
    assert label("\n") == "value"
