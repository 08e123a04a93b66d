"""Templates of a team: what they can print, what they cannot do, and that data stays text wherever they put it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pydantic import BaseModel

from mlcicd.runtime.report import custom_child, model
from mlcicd.runtime.report.custom_child import Rejected, laid_out
from tests.unit.runtime.report import hostile
from tests.unit.runtime.report.test_report_escaping import PARSERS, emptied, texts

REPORT: dict[str, Any] = {
    "title": "digits|2",
    "run": 12345,
    "link_run": "https://forge.example/o/r/runs/3",
    "tests": None,
    "gates": [
        {"metric": "accuracy", "value": 0.912345, "base": 0.9, "status": "pass"},
        {"metric": "loss", "value": float("nan"), "base": None, "status": "fail"},
    ],
}
ICONS = {"pass": "✅", "fail": "❌"}


def made(template: str) -> str:
    return laid_out(template, REPORT, ICONS)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain *text*\n", "plain *text*"),
        ("{{ report.title }}", "<code>digits&#124;2</code>"),
        ("{{ report.run }} {{ true }} {{ none }} {{ 0.25 }} {{ '' }}", "12345 yes – 0.25 –"),
        ("{{ report.gates[0].value | number }}", "0.9123"),
        ("{{ (report.gates[0].value * 100) | round(1) }} %", "91.2 %"),
        ("{{ report.gates[1].value | number }} {{ report.gates[1].base | number }}", "NaN –"),
        ("{% set g = report.gates[0] %}{{ g.base | difference(g.value) }}", "+0.01234"),
        ("{{ none | difference(1) }} {{ 75 | duration }} {{ 2048 | size }}", "new 1 min 15 s 2 KiB"),
        ("{{ 'abcdef' | code(3) }}", "<code>ab&#8230;</code>"),
        ("{{ report.gates[1].status | icon }}", "❌"),
        ("[run]({{ report.link_run | address }})", "[run](https://forge.example/o/r/runs/3)"),
        ("{{ report.gates | selectattr('status', 'eq', 'fail') | list | length }} failed", "1 failed"),
        ("{% for g in report.gates | sort(attribute='metric') %}{{ loop.index }}{{ g.metric | upper }} {% endfor %}",
         "1<code>ACCURACY</code> 2<code>LOSS</code> "),
        ("{% if report.tests %}x{% else %}none{% endif %}", "none"),
        ("a{# a comment #}b", "ab"),
        ("{{ '<b>' ~ '</b>' }}", "<code>&#60;b&#62;&#60;&#47;b&#62;</code>"),
        ("a\ue000b\ue001", "ab"),
    ],
)  # fmt: skip
def test_what_is_printed(template: str, expected: str) -> None:
    assert made(template) == expected


@pytest.mark.parametrize(
    ("template", "why", "line"),
    [
        ("ok\n{{ report.metrc }}", "has no attribute 'metrc'", 2),
        ("{{ metrics }}", "'metrics' is undefined", 1),
        ("{{ report.tests.passed }}", "'None' has no attribute 'passed'", 1),
        ("\n\n{% for %}", "Expected an expression", 3),
        ("{{ report.gates }}", "a list cannot be printed", 1),
        ("{{ report.title | number }}", "not for a str", 1),
        ("{{ report.gates[0].nothing | number }}", "has no attribute 'nothing'", 1),
        ("{{ report.title | address }}", "no address", 1),
        ("{{ 'odd' | icon }}", "no icon for 'odd'", 1),
        ("{{ report.title | safe }}", "No filter named 'safe'", 1),
        ("{{ report.title | format }}", "No filter named 'format'", 1),
        ("{{ report.title | attr('x') }}", "No filter named 'attr'", 1),
        ("{{ report.title | replace('a', 'b') }}", "No filter named 'replace'", 1),
        ("{{ report.title.__class__ }}", "unsafe", 1),
        ("{{ report['__class__'] }}", "unsafe|no attribute", 1),
        ("{{ report.gates | selectattr('__class__') | list }}", "unsafe", 1),
        ("{{ report.title.upper() }}", "Call is not for these templates", 1),
        ("{{ range(10) }}", "Call is not", 1),
        ("{{ 9 ** 9 ** 9 }}", "Pow is not", 1),
        ("{% include 'x' %}", "Include is not", 1),
        ("\n{% import 'x' as x %}", "Import is not", 2),
        ("{% from 'x' import y %}", "FromImport is not", 1),
        ("{% extends 'x' %}", "Extends is not", 1),
        ("{% block x %}{% endblock %}", "Block is not", 1),
        ("{% macro x() %}{% endmacro %}", "Macro is not", 1),
        ("{% call report.title.format() %}{% endcall %}", "CallBlock is not", 1),
        ("{% filter upper %}{{ report.title }}{% endfilter %}", "FilterBlock is not", 1),
        ("{% set x %}{{ report.title }}{% endset %}", "AssignBlock is not", 1),
        ("{% with x = 1 %}{% endwith %}", "With is not", 1),
        ("{% autoescape true %}{% endautoescape %}", "Scope is not", None),
        ("<details>x", "does not end what it begins: <details", 0),
        ("<!-- x", "does not end", 0),
        ("<pre>", "does not end", 0),
        ("```\nx", "does not end what it begins: a fence", 0),
        ("x" * 20_000, "more than 16,000 bytes", 0),
        ("{% for a in report.gates %}{{ 'x' * 9000 }}" + "y" * 9000 + "{% endfor %}", "more than 16,000 bytes", 0),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "recursion|nested|parser", None),
    ],
)
def test_what_is_rejected(template: str, why: str, line: int | None) -> None:
    with pytest.raises(Rejected, match=why) as caught:
        made(template)
    assert line is None or caught.value.line == line


def test_a_template_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom_child, "SECONDS", 0.2)
    many = {"xs": list(range(1000))}
    nested = (
        "{% for a in report.xs %}{% for b in report.xs %}{% for c in report.xs %}{% endfor %}{% endfor %}{% endfor %}"
    )
    start = time.monotonic()
    with pytest.raises(Rejected, match=r"more than 0\.2 s"):
        laid_out(nested, many)
    assert time.monotonic() - start < 3


def test_one_failure_leaves_the_other_templates() -> None:
    answer = custom_child.answer({"report": REPORT, "icons": ICONS, "templates": {"gates": "\n{{ x }}", "tests": "t"}})
    assert answer == {"texts": {"tests": "t"}, "failures": {"gates": ":2: 'x' is undefined"}}


def parts(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in kind.__subclasses__():
        yield one
        yield from parts(one)


def test_no_field_of_a_report_is_hidden_by_a_method_of_a_mapping() -> None:
    named = {name for part in parts(model.Part) for name in part.model_fields}
    assert named
    assert not named & set(dir(dict))


# Every place where a template may put data.
PLACES = """\
#### Title {{ x.a }} · {{ x.b }}

> {{ x.a }} and *{{ x.b }}* and **{{ x.a }}**

| a | b |
|---|---|
| {{ x.a }} | {{ x.b }} |
{{ x.a }}

x | y
---|---
{{ x.a }} | {{ x.b }}

- {{ x.a }}
- [{{ x.b }}](https://forge.example/c) `{{ x.a }}`

{{ x.a }}
===

    {{ x.a }}

<details title="{{ x.a }}" lang='{{ x.b }}'>
<summary>{{ x.a }} · <b>{{ x.b }}</b></summary>

{{ x.a }}
</details>

<div>
{{ x.a }}
{{ x.b }}
</div>

<!-- {{ x.a }} -->

<pre>
{{ x.a }}
</pre>

```{{ x.a }}
{{ x.b }}
```

~~~
{{ x.b }}
~~~

"""
# Where data makes no sense: what becomes of the place is the template's fault, but the data is no link and no element.
CARELESS = """\
<{{ x.a }}> [{{ x.a }}] [{{ x.a }}][{{ x.b }}] $${{ x.a }}$$ \\{{ x.a }} &{{ x.a }}; <a {{ x.a }}>

![{{ x.a }}]({{ x.b }})

[{{ x.a }}]: {{ x.b }}
[^{{ x.a }}]: {{ x.b }}

[x]({{ x.a }}) [x](<{{ x.b }}>) <a href={{ x.a }}>x</a> www.{{ x.a }} @{{ x.b }} https://forge.example/{{ x.a }}

"""
CASES, BATCH = 4_000, 40


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom_child, "MAX_BLOCK", 10**9)
    monkeypatch.setattr(custom_child, "SECONDS", 60)


def laid_out_in(places: str, some: Sequence[str]) -> str:
    pairs = [{"a": text, "b": other} for text, other in zip(some, [*some[1:], some[0]], strict=True)]
    return laid_out("{% for x in report.pairs %}\n" + places + "{% endfor %}", {"pairs": pairs}) + "\n\n"


@pytest.mark.usefixtures("roomy")
@pytest.mark.parametrize("parser", PARSERS)
def test_no_data_is_read_as_markup_wherever_a_template_puts_it(parser: str) -> None:
    def parse(some: Sequence[str]) -> str:
        html = PARSERS[parser](laid_out_in(PLACES, some))
        html = re.sub('<pre lang="[^"<>]*">', "<pre>", html)  # the word behind a fence
        return re.sub("(<code></code>)+", "<code></code>", emptied(html))  # at an @ a new one begins

    harmless = parse(["x"])
    assert harmless.count("<code></code>") == 26
    every = texts(CASES, seed=1)
    for start in range(0, CASES, BATCH):
        some = every[start : start + BATCH]
        if parse(some) != harmless * len(some):
            bad = next((text for text in some if parse([text]) != harmless), "only together")
            pytest.fail(f"{bad!r} becomes {parse([bad])}")


@pytest.mark.usefixtures("roomy")
@pytest.mark.parametrize("parser", PARSERS)
def test_a_careless_template_makes_no_link_and_no_element_of_data(parser: str) -> None:
    for start in range(0, 1_000, BATCH):
        page = PARSERS[parser](laid_out_in(CARELESS, texts(1_000, seed=2)[start : start + BATCH]))
        assert not re.search("<(img src=//|script|kbd|details|/details|/summary)", page)
        assert not re.findall(r'(?:href|src)="(?:\w+:)?//h', page)


def test_the_hostile_report_through_a_template_is_all_text() -> None:
    report = hostile.report().model_dump()
    text = laid_out("{{ report.title }} {{ report.gates[0].metric }} {{ report.tests.tail[0] }}", report)
    assert re.sub("<code>[A-Za-z0-9&#; ]*</code>", "", text).strip() == ""
