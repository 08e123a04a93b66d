"""The one Jinja environment for YAML: a template lays out, a value can never break out.

Delimiters are `{{{ value }}}`, `{{% tag %}}` and `{{# note #}}`, so that the CI systems' own `${{ }}` and
`$[[ ]]` pass through untouched. Every printed value goes through `yamlio.scalar`.
Templates of the team's own can stand in for ours; they are filled in a sandbox and reach nothing but the view.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlcicd import resources, yamlio
from mlcicd.errors import UsageError

if TYPE_CHECKING:  # verbs that only look at the plan lay nothing out, and start without it
    from jinja2 import BaseLoader, Environment, FileSystemLoader


class Comment(str):
    """Text for behind a `#`: one printable line, printed as it is."""

    __slots__ = ()


def comment(text: object) -> Comment:
    """Make a comment of any text: line breaks and control characters become spaces."""
    return Comment("".join(char if char.isprintable() else " " for char in str(text)).strip())


class Block(str):
    """YAML of several lines that was parsed and printed by us; printed as it is."""

    __slots__ = ()


def block(tree: object, indent: int) -> Block:
    """Print keys and values that were read from a file, each line behind `indent` spaces."""
    lines = yamlio.dump(tree).rstrip("\n").split("\n")
    return Block("\n".join(" " * indent + line if line else line for line in lines))


@functools.cache
def environment() -> Environment:
    """Return the environment of our own templates, made once."""
    from jinja2 import Environment

    return _made(Environment, _ours())


def render(template: str, view: Mapping[str, Any], instead: Mapping[str, str] | None = None) -> str:
    """Fill a template, named by its path under `templates/`.

    Args:
        template: its name.
        view: what it prints.
        instead: templates of the team's own, by the names of ours.

    Raises:
        UsageError: when one of the team's own is wrong.
    """
    return _by_theirs(template, view, instead) if instead else environment().get_template(template).render(view)


def _by_theirs(template: str, view: Mapping[str, Any], instead: Mapping[str, str]) -> str:
    from jinja2 import ChoiceLoader, DictLoader
    from jinja2.exceptions import TemplateError, TemplateSyntaxError
    from jinja2.sandbox import SandboxedEnvironment

    env = _made(SandboxedEnvironment, ChoiceLoader([DictLoader(dict(instead)), _ours()]))
    try:
        return env.get_template(template).render(view)
    except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        where = f"{error.name or template}:{error.lineno}" if isinstance(error, TemplateSyntaxError) else template
        raise UsageError(
            f"tool.templates: {where}: {error}",
            hint="compare it with the template of the same name that mlcicd brings, or remove it",
        ) from None


def _ours() -> FileSystemLoader:
    from jinja2 import FileSystemLoader

    return FileSystemLoader(resources.find("templates"))


def _made(kind: type[Environment], loader: BaseLoader) -> Environment:
    from jinja2 import StrictUndefined

    env = kind(
        loader=loader,
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
        autoescape=False,  # this prints YAML; `finalize` is the escaping
        finalize=_finalize,
    )
    env.filters["comment"] = comment
    env.filters["block"] = block
    return env


def _finalize(value: Any) -> str:
    return str(value) if isinstance(value, Comment | Block) else yamlio.scalar(value)
