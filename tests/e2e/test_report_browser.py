"""The report's page in a real browser: offline, with the keyboard alone, on a phone, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcicd.runtime.report import document, render
from tests.e2e.harness.browser import Browser, browser
from tests.e2e.harness.set_up import MissingTool
from tests.unit.runtime.report import hostile
from tests.unit.runtime.report.test_report_plots import big, png

pytestmark = pytest.mark.e2e

STATES = Path(__file__).parents[1] / "unit/runtime/report"
# What a reader sees who moves on from where the focus is.
FOCUSED = """(() => {
  const one = document.activeElement;
  const name = one.getAttribute("aria-label") || one.textContent.trim().slice(0, 40) || one.labels?.[0]?.textContent;
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  return [one.tagName.toLowerCase(), name ?? "", outlineStyle !== "none" && parseFloat(outlineWidth) > 0];
})()"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    try:
        with browser(tmp_path_factory.mktemp("chromium")) as made:
            yield made
    except MissingTool as missing:
        pytest.skip(str(missing))


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The page of a report with every kind of plot."""
    path = tmp_path / "report.html"
    report = document.load(STATES / "plots.json")
    path.write_text(render.html(report, {("plots/worst.png", "change"): png()}), encoding="utf-8")
    return path


def rows(tab: Browser, heading: str) -> list[str]:
    """Return the first cell that names each visible row of the table under a heading."""
    found: list[str] = tab.run(
        f"""[...[...document.querySelectorAll("section")].find((part) => part.querySelector("h2")?.textContent ===
        "{heading}").querySelectorAll("tbody tr")].filter((row) => row.offsetParent).map((row) =>
        row.querySelector("th").textContent)"""
    )
    return found


@pytest.mark.parametrize("state", [*sorted(path.stem for path in STATES.glob("*.json")), "hostile", "big"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_state_is_shown_whole_without_complaint_or_request(
    tab: Browser, tmp_path: Path, state: str, width: int, dark: bool
) -> None:
    made = {"hostile": hostile.report, "big": lambda: big(metrics=200, curves=12)}.get(
        state, lambda: document.load(STATES / f"{state}.json")
    )
    path = tmp_path / "report.html"
    path.write_text(render.html(made()), encoding="utf-8")
    tab.open(path, width=width, dark=dark)
    assert tab.complaints() == []
    assert tab.requests() == [path.as_uri()]
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.run("getComputedStyle(document.body).backgroundColor") == (
        "rgb(13, 17, 23)" if dark else "rgb(246, 247, 249)"
    )
    assert tab.run('document.querySelector("h1").getBoundingClientRect().bottom') < 900 or state == "hostile"


@pytest.mark.parametrize(("state", "intervals"), [("intervals", 1), ("slices", 1), ("pass", 0)])
def test_a_phone_shows_the_intervals(tab: Browser, tmp_path: Path, state: str, intervals: int) -> None:
    path = tmp_path / "report.html"
    path.write_text(render.html(document.load(STATES / f"{state}.json")), encoding="utf-8")
    tab.open(path, width=390)
    shown = """[...document.querySelectorAll('[data-label="interval of Δ"]')].filter((cell) => cell.offsetParent &&
        cell.getBoundingClientRect().right <= 390 && cell.textContent.includes("…")).length"""
    assert bool(tab.run(shown)) is bool(intervals)


def test_the_policy_stops_a_script_that_got_in(tab: Browser, page: Path) -> None:
    text = page.read_text("utf-8").replace("</main>", "<script>window.stolen = 1</script></main>")
    page.write_text(text, encoding="utf-8")
    tab.open(page)
    assert tab.run("window.stolen") is None
    assert any("Content Security Policy" in line for line in tab.complaints())


def test_everything_is_reached_by_keyboard_and_shows_where_one_is(tab: Browser, page: Path) -> None:
    tab.open(page)
    seen = []
    for _ in range(200):
        tab.press("Tab", 9)
        found = tab.run(FOCUSED)
        if found[0] == "body" or found in seen[:1]:
            break
        seen.append(found)
    kinds = [kind for kind, _, _ in seen]
    assert {"a", "button", "summary", "svg", "input"} <= set(kinds)
    assert kinds.count("svg") == 2
    assert [one for one in seen if not one[2]] == []
    assert [one for one in seen if not one[1]] == []


def test_a_chart_is_read_by_pointer_and_by_keyboard(tab: Browser, page: Path) -> None:
    tab.open(page)
    hint = tab.run('document.querySelector(".readout").textContent')
    tab.run('document.querySelector("figure.chart svg").focus()')
    readout = 'document.querySelector(".readout").textContent'
    assert tab.run(readout) == "epoch 0: base 1.05, this change 1"
    tab.press("End", 35)
    assert tab.run(readout) == "epoch 11: base 0.1333, this change 0.0833"
    assert tab.run('document.querySelector("svg[role=slider]").getAttribute("aria-valuetext")') == tab.run(readout)
    tab.press("ArrowLeft", 37)
    assert tab.run(readout).startswith("epoch 10: ")
    tab.press("Escape", 27)
    assert tab.run(readout) == hint
    box = tab.run(
        '(({x, y, width, height}) => [x, y, width, height])(document.querySelector("svg").getBoundingClientRect())'
    )
    tab.move(box[0] + box[2] * (64 + 560 * 3 / 11) / 640, box[1] + box[3] / 2)
    assert tab.run(readout) == "epoch 3: base 0.3, this change 0.25"


def test_a_line_is_hidden_by_its_name_in_the_legend(tab: Browser, page: Path) -> None:
    tab.open(page)
    tab.run('document.querySelector(".legend button.key.base").focus()')
    tab.press(" ", 32)
    shown = 'getComputedStyle(document.querySelector(".series.base")).display'
    assert tab.run(shown) == "none"
    assert tab.run('document.querySelector("button.key.base").getAttribute("aria-pressed")') == "false"
    tab.run('document.querySelector("figure.chart svg").focus()')
    assert tab.run('document.querySelector(".readout").textContent') == "epoch 0: this change 1"
    tab.run('document.querySelector("button.key.base").click()')
    assert tab.run(shown) != "none"


def test_a_table_is_sorted_as_numbers_and_back(tab: Browser, page: Path) -> None:
    tab.open(page)
    order = rows(tab, "Metrics")
    head = '[...document.querySelectorAll("th")].find((cell) => cell.textContent === "Δ").querySelector("button")'
    assert tab.run(f"{head}.click(), {head}.parentElement.ariaSort") == "ascending"
    assert rows(tab, "Metrics") == ["loss", "size", "accuracy"]
    assert tab.run(f"{head}.click(), {head}.parentElement.ariaSort") == "descending"
    assert rows(tab, "Metrics") == ["accuracy", "size", "loss"]
    tab.run(f"{head}.click()")
    assert rows(tab, "Metrics") == order


def test_rows_are_filtered_by_text_and_by_what_failed(tab: Browser, page: Path, tmp_path: Path) -> None:
    page.write_text(render.html(big(metrics=20, curves=0)), encoding="utf-8")
    tab.open(page)
    tab.run('document.querySelector("input[type=search]").focus()')
    tab.type("METRIC.1")
    assert rows(tab, "Metrics") == ["some.metric.1", *(f"some.metric.{n}" for n in range(10, 20))]
    assert tab.run('document.querySelector(".tools [role=status]").textContent') == "11 of 20 rows"
    page.write_text(render.html(document.load(STATES / "plots.json")), encoding="utf-8")
    tab.open(page)
    tab.run('document.querySelector("input[type=checkbox]").click()')
    assert rows(tab, "Data validation") == ["expect_column_mean_to_be_between"]


def test_a_table_is_copied_as_text_with_tabs(tab: Browser, page: Path) -> None:
    tab.open(page)
    # The clipboard of a page that nobody clicked in is closed: the text is caught where it would go.
    tab.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    tab.run('[...document.querySelectorAll(".tools button")].find((one) => one.textContent === "Copy as TSV").click()')
    tab.run("new Promise((done) => setTimeout(done, 50))")
    lines = tab.run("window.copied").split("\n")
    assert lines[0].split("\t") == ["Result", "Metric", "Rule", "This change", "Base", "Rule from"]
    assert len(lines) == 3


def test_without_scripts_all_is_there_to_read(tab: Browser, page: Path) -> None:
    tab.open(page)
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(page)
    finally:
        tab.send("Emulation.setScriptExecutionDisabled", value=False)
    assert tab.run('document.querySelectorAll("button, .tools").length') == 0
    assert tab.run('document.querySelector(".numbers td").textContent') == "1.05"
    assert tab.run('document.querySelector("img").naturalWidth') == 2


def test_a_printed_page_holds_what_is_folded(tab: Browser, page: Path) -> None:
    tab.open(page)
    assert tab.run('document.querySelectorAll("details:not([open])").length') > 0
    tab.send("Page.printToPDF")
    assert tab.run('document.querySelectorAll("details:not([open])").length') == 0
