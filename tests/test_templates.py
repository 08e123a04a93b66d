"""The templates keep to what makes them safe: no logic, no macros, nothing that prints around the quoting."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import nodes

from mlcicd import render, resources

FOLDERS = ("github", "gitlab", "init")
TEMPLATES = [
    path.relative_to(resources.find("templates")).as_posix()
    for folder in FOLDERS
    for path in sorted((resources.find("templates") / folder).rglob("*.j2"))
]
ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Const, nodes.If, nodes.Not,
    nodes.For, nodes.Tuple, nodes.Include, nodes.Concat, nodes.Filter,
)  # fmt: skip
FILTERS = {"block", "comment", "join"}


@pytest.mark.parametrize("name", TEMPLATES)
def test_only_plain_layout(name: str) -> None:
    path = resources.find("templates") / name
    text = path.read_text("utf-8")
    tree = render.environment().parse(text)
    found = list(tree.find_all(nodes.Node))
    assert len(found) > 1
    assert not [node for node in found if not isinstance(node, ALLOWED)]
    assert {node.name for node in tree.find_all(nodes.Filter)} <= FILTERS


def test_every_template_fits_a_screen() -> None:
    templates = list(resources.find("templates").rglob("*.j2"))
    assert len(templates) > 20
    assert [path.name for path in templates if len(path.read_text("utf-8").splitlines()) > 40] == []


def test_the_raw_filter_gives_one_printable_line() -> None:
    made = render.environment().from_string("# {{{ x|comment }}}\n").render(x="a\nrun: evil\x00\u2028b")
    assert made == "# a run: evil  b\n"


def test_platform_words_stay_where_they_belong() -> None:
    """A platform's name in the core is how one platform starts to be the only one that works."""
    package = Path(render.__file__).parent
    free = (
        "platforms/",
        "lint/",
        "runtime/forges/",
        "runtime/ci.py",
        "config/",
        "detect/",
        "cli/",
        "demo",
        "release.py",
        "pinning/",
    )
    for path in sorted(package.rglob("*.py")):
        where = path.relative_to(package).as_posix()
        if where.startswith(free) or "_data/" in where:
            continue
        text = path.read_text("utf-8").lower()
        assert "gitlab" not in text, where
        assert "github_" not in text, where
