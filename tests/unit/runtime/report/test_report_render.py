"""No text breaks out of a printed report, and none is too long."""

from __future__ import annotations

from html.parser import HTMLParser
from xml.etree import ElementTree as Xml

import pytest
from markdown_it import MarkdownIt

from mlcicd.runtime.report import junit, render
from mlcicd.runtime.report.model import Report
from tests.unit.runtime.report import hostile

PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


class Tags(HTMLParser):
    """Collects the names of elements and of attributes, and checks that elements nest."""

    VOID = frozenset({"meta", "br", "img", "input", "hr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def shape(markdown: str) -> list[str]:
    """Return the kinds of a document's elements, one after the other."""
    return [
        kind
        for token in PARSER.parse(markdown)
        for kind in (token.type, *(child.type for child in token.children or ()))
        if kind != "softbreak"
    ]


def test_hostile_text_gives_the_same_comment_as_harmless_text() -> None:
    hostile_one, harmless = (render.markdown(hostile.report(text)) for text in (hostile.MARKUP, "x"))
    assert shape(hostile_one) == shape(harmless)


def test_hostile_text_gives_the_same_page_as_harmless_text() -> None:
    hostile_one, harmless = (Tags(render.html(hostile.report(text))) for text in (hostile.MARKUP, "x"))
    assert hostile_one.names == harmless.names
    assert not hostile_one.names & {"img", "iframe", "link", "object"}
    assert render.html(hostile.report()).count("<script") == 1
    assert hostile_one.attributes == harmless.attributes
    assert hostile_one.open == []


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    page = render.html(hostile.report("x"))
    assert "src=" not in page
    assert "url(" not in page
    assert "http:" not in page
    assert "default-src 'none'" in page


@pytest.mark.parametrize("text", ["😀", "`|", "</details>"])
def test_a_full_report_becomes_a_comment_that_fits(text: str) -> None:
    report = hostile.report(text, size=9)
    comment = render.markdown(report)
    assert len(comment.encode()) <= render.MAX_COMMENT
    assert len(render.markdown(report, limit=0).encode()) <= render.MAX_COMMENT / 2


def test_blocks_go_in_a_fixed_order_and_the_rest_stays() -> None:
    report = hostile.report("x")
    whole = render.markdown(report, limit=10**9)
    assert "Shortened" not in whole
    shorter = render.markdown(report, limit=len(whole.encode()) - 1)
    assert "Shortened: points of curves left out here" in shorter
    assert "mermaid" in shorter
    assert "What changed" in shorter
    assert len(shorter) < len(whole)


def test_an_empty_report_prints_everywhere() -> None:
    report = Report(state="pass")
    assert "✅ passed" in render.markdown(report)
    assert Tags(render.html(report)).open == []
    assert render.terminal(report) == "✅ passed\n  Nothing failed; no gate was judged."
    assert 'tests="0"' in junit.junit(report)


def test_junit_takes_any_text() -> None:
    root = Xml.fromstring(junit.junit(hostile.report("\x00\ufffe]]>&<\x1b")))
    assert root.attrib["tests"] == str(len(root))
    assert (root.attrib["failures"], root.attrib["errors"]) == ("13", "7")
    # tests, data, two steps, and a gate's nine slices; training, five gates, and one that no model can fail
