"""20,000 hostile texts against the two parsers that the forges use: nothing of them is read as markup.

What stands in `<code>` is text for both forges: no link, no @mention, no issue, no commit is made of it. So a page is
safe when, its code spans emptied, it is the page of harmless texts, byte by byte.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

import cmarkgfm
import comrak
import pytest
from cmarkgfm.cmark import Options

from mlcicd.runtime.markdown import code, fenced, label, tag

CASES, BATCH = 20_000, 40
PIECES = [
    "`", "``", "```", "~~~", "|", "\\", "\\|", "\\\\|", "\\`", "<", ">", "&", "&lt;", "&#96;", "&#124;", "&grave;",
    "[", "]", "(", ")", "![", "](", "!", "*", "**", "_", "~~", "#", "# ", "- ", "1. ", "> ", "- [ ] ", "---", "===",
    "$", "$$", "$`", "`$", "{{", "}}", "{%", "%}", "@org/team", "@user", "#1", "GH-1", "o/r#1", "!12", "%3", "&4",
    "~bug", "^[x]", "[^1]", "a81d004c55a81d004c55a81d004c55a81d004c55", "https://h.example/x", "www.h.example",
    "user@h.example", "ftp://h/x", "<https://h.example>", "<script>alert(1)</script>", "<img src=//h/x>", "</code>",
    "</summary>", "</details>", "<!--", "-->", "<!-- mlcicd:report v=1 key=default run=9 ", "<![CDATA[", "]]>",
    "<?php", "<details>", "<a href=//h>", "\n", "\n\n", "\r", "\r\n", "\t", "\x00", "\x1b[31m", "\v", "\f", "\u0085",
    "\u2028", "\u00a0", "\u200b", "\u202e", "\ufeff", "\ud800", "😀", "e\u0301", "\u3164", "```mermaid", "[[link]]",
    ":+1:", "/approve", "::error::", "[//]: # (x)", "[a]: //h", "[a]", " ", "  ", "    ", "x", "accuracy", ":--:",
    "|---|", "\n|---|\n", "=", "+", "{+ a +}", "<kbd>", "&copy;", "\\n", "`|`", "|`|",
]  # fmt: skip
FLAGS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
# Text where the templates have it: a heading, an alert, a link, a cell, a list, a summary, a fence, a chart.
PLACES = """\
### Title {0} · end

> [!CAUTION]
> **Do not merge yet:** {0} fell.

Commit [{0}](https://forge.example/c) · {0}

| a | {1} | b |
|---|---|---|
| {0} | {1} | {0}, {1} |
| {1} | x | {0} |

- ❌ {0}: {1}

<details>
<summary><b>Curve</b> {2} ({2})</summary>

{3}

```mermaid
xychart-beta
  title "{4}"
```

</details>

<sub>end {0}</sub>

"""


def by_cmark(text: str) -> str:
    return str(cmarkgfm.github_flavored_markdown_to_html(text, FLAGS))


def by_comrak(text: str) -> str:
    options = comrak.ExtensionOptions()
    options.autolink = options.table = options.strikethrough = options.tasklist = options.footnotes = True
    render = comrak.RenderOptions()
    render.unsafe_ = True
    return str(comrak.render_markdown(text, extension_options=options, render_options=render))


PARSERS = {"cmark-gfm": by_cmark, "comrak": by_comrak}


def texts(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(PIECES, k=rng.randint(1, 9))) for _ in range(count)]


def laid_out(some: Sequence[str]) -> str:
    """Print every text in every place; the spans of harmless and empty texts are the same but for what they hold."""
    pages = []
    for text, other in zip(some, [*some[1:], some[0]], strict=True):
        pages.append(PLACES.format(code(text), code(other), tag(text), fenced([text, other]), label(text)))
    return "".join(pages)


def emptied(html: str) -> str:
    """Empty every code span and block; the dash that stands for an empty text is one too."""
    return re.sub(r"<code[^>]*>[^<]*</code>|–", "<code></code>", html)


@pytest.mark.parametrize("parser", PARSERS)
def test_no_text_is_read_as_markup(parser: str) -> None:
    parse: Callable[[str], str] = PARSERS[parser]
    harmless = emptied(parse(laid_out(["x"])))
    assert harmless.count("<code></code>") == 18
    assert "<a href" in harmless
    every = texts(CASES, seed=0)
    for start in range(0, CASES, BATCH):
        some = every[start : start + BATCH]
        if emptied(parse(laid_out(some))) != harmless * BATCH:
            bad = next((text for text in some if emptied(parse(laid_out([text]))) != harmless), "only together")
            pytest.fail(f"{bad!r} becomes {parse(laid_out([bad]))}")


@pytest.mark.parametrize("parser", PARSERS)
def test_the_fuzz_finds_what_is_not_escaped(parser: str) -> None:
    parse: Callable[[str], str] = PARSERS[parser]
    assert emptied(parse("see @user `x`")) != emptied(parse("see `x` `x`"))
    assert emptied(parse("| a |\n|---|\n| `a|b` |\n")) != emptied(parse("| a |\n|---|\n| `a` |\n"))
