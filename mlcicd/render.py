"""The one Jinja environment for YAML: a template lays out, a value can never break out.

Delimiters are `{{{ value }}}`, `{{% tag %}}` and `{{# note #}}`, so that the CI systems' own `${{ }}` and
`$[[ ]]` pass through untouched. Every printed value goes through `yamlio.scalar`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mlcicd import resources, yamlio


class Comment(str):
    """Text for behind a `#`: one printable line, printed as it is."""

    __slots__ = ()


def comment(text: object) -> Comment:
    """Make a comment of any text: line breaks and control characters become spaces."""
    return Comment("".join(char if char.isprintable() else " " for char in str(text)).strip())


@functools.cache
def environment() -> Environment:
    """Return the environment, made once."""
    env = Environment(
        loader=FileSystemLoader(resources.find("templates")),
        variable_start_string="{{{",
        variable_end_string="}}}",
        block_start_string="{{%",
        block_end_string="%}}",
        comment_start_string="{{#",
        comment_end_string="#}}",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - this prints YAML; `finalize` is the escaping
        finalize=_finalize,
    )
    env.filters["comment"] = comment
    return env


def render(template: str, view: Mapping[str, Any]) -> str:
    """Fill a template, named by its path under `templates/`."""
    return environment().get_template(template).render(view)


def _finalize(value: Any) -> str:
    return str(value) if isinstance(value, Comment) else yamlio.scalar(value)
