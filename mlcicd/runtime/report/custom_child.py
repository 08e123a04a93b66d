"""Lays blocks out by templates of a team, in a process of its own: with little time and memory, and without a token.

`python -m mlcicd.runtime.report.custom_child` reads one request from standard input and prints one answer, both JSON.
The sandbox keeps a template to its data; this module keeps the data to text, wherever a template puts it: each value
is printed by `printed`, and nothing that would go around that (calls, macros, blocks of a filter) is accepted.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mlcicd.runtime.markdown import Words, anywhere
from mlcicd.runtime.report import numbers

SECONDS = 2.0  # for one template
MEMORY = 512 * 1024 * 1024  # bytes
MAX_BLOCK = 16_000  # bytes of UTF-8
LAYOUT = (nodes.Output, nodes.For, nodes.If, nodes.Assign)
BUILT_IN = (
    "abs", "default", "first", "join", "last", "length", "list", "lower", "max", "min", "rejectattr", "round",
    "selectattr", "sort", "sum", "upper",
)  # fmt: skip
# Links that report.json's model accepts, and no other text.
_ADDRESS = re.compile(r"(https?://[A-Za-z0-9.:\[\]-]+/[A-Za-z0-9._~/%@+#?=&-]*)?")
# What markdown reads on beyond an empty line until it ends: left open, it would swallow the blocks behind.
_PAIRS = (
    ("<details", "</details"), ("<!--", "-->"), ("<pre", "</pre"), ("<script", "</script"), ("<style", "</style"),
    ("<textarea", "</textarea"), ("<?", "?>"), ("<![cdata[", "]]>"),
)  # fmt: skip
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
# `render` gives these a meaning of its own.
_PRIVATE = dict.fromkeys(range(0xE000, 0xF900))
_NAME = "<template>"


class Rejected(Exception):
    """A template that is not rendered; the message says why, `line` where (0 when that has no line)."""

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(why)
        self.line = line


def answer(request: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the blocks' `texts`, and `failures` of those that have none: `:line: why` or `: why`, to follow a path."""
    texts, failures = {}, {}
    for block, template in request["templates"].items():
        try:
            texts[block] = laid_out(template, request["report"], request["icons"])
        except Rejected as error:
            failures[block] = f":{error.line}: {error}" if error.line else f": {error}"
    return {"texts": texts, "failures": failures}


def laid_out(template: str, report: Mapping[str, Any], icons: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return what a template makes of a report.

    Raises:
        Rejected: when it is none, fails, takes too long or makes too much.
    """
    try:
        with _in_time():
            environment = _environment(icons)
            _check(environment.parse(template))
            text = _bounded(environment.from_string(template).generate(report=report))
    except Rejected:
        raise
    except TemplateSyntaxError as error:
        raise Rejected(error.message or "it is no template", error.lineno) from None
    except MemoryError:
        raise Rejected("it takes too much memory") from None
    except Exception as error:  # a template can make any code of the sandbox fail
        raise Rejected(str(error) or type(error).__name__, _line(error)) from None
    return _closed(text.translate(_PRIVATE).strip("\n"))


def printed(value: Any) -> str:
    """Print a value so that it is text in every place of a template."""
    if isinstance(value, Words):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"
    if isinstance(value, int | float):
        return str(value) if isinstance(value, int) else numbers.number(value)
    if isinstance(value, str | Undefined):
        return anywhere(str(value))
    raise TypeError(f"a {type(value).__name__} cannot be printed, only text and numbers")


def _check(tree: nodes.Template) -> None:
    """Refuse what could print around `printed`, read a file, or take long in one single step."""
    for node in tree.find_all((nodes.Stmt, nodes.Call, nodes.Pow)):
        if not isinstance(node, LAYOUT):
            name = type(node).__name__
            raise Rejected(
                f"{name} is not for these templates; {{{{ values }}}}, for, if and set are", node.lineno or 0
            )


def _environment(icons: Mapping[str, str]) -> ImmutableSandboxedEnvironment:
    env = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=printed
    )
    env.globals = {}
    env.filters = {name: env.filters[name] for name in BUILT_IN} | filters(icons)
    return env


def filters(icons: Mapping[str, str]) -> dict[str, Callable[..., Words]]:
    """Return our filters; `icons` are those of a state."""
    return {
        "code": lambda text, width=80: anywhere(_of(str, text), min(width, 300)),
        "number": lambda value: numbers.number(_number(value)),
        "difference": lambda base, change: numbers.difference(_number(base), _number(change)),
        "duration": lambda seconds: numbers.duration(_of(int | float, seconds)),
        "size": lambda count: numbers.size(_of(int, count)),
        "icon": functools.partial(_icon, icons),
        "address": _address,
    }


def _number(value: Any) -> float | None:
    return None if value is None else float(_of(int | float, value))


def _of(kind: Any, value: Any) -> Any:
    if isinstance(value, Undefined):
        str(value)  # raises, and names what is missing
    if not isinstance(value, kind):
        raise TypeError(f"this filter is not for a {type(value).__name__}")
    return value


def _icon(icons: Mapping[str, str], status: str) -> Words:
    if status not in icons:
        raise ValueError(f"there is no icon for {status!r}; those that have one are {', '.join(icons)}")
    return Words(icons[status])


def _address(text: str) -> Words:
    if not _ADDRESS.fullmatch(_of(str, text)):
        raise ValueError("this text is no address")
    return Words(text)


def _bounded(pieces: Iterator[str]) -> str:
    kept, size = [], 0
    for piece in pieces:
        kept.append(piece)
        size += len(piece.encode("utf-8", "replace"))
        if size > MAX_BLOCK:
            raise Rejected(f"it makes more than {MAX_BLOCK:,} bytes")
    return "".join(kept)


def _closed(text: str) -> str:
    """Return a text that leaves nothing open."""
    small = text.lower()
    opened = [start for start, end in _PAIRS if small.count(start) != small.count(end)]
    opened += ["a fence"] if len(_FENCE.findall(text)) % 2 else []
    if opened:
        raise Rejected(f"it does not end what it begins: {', '.join(opened)}")
    return text


def _line(error: BaseException) -> int:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == _NAME]
    return lines[-1] or 0 if lines else 0


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, _late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _late(_signal: int, _frame: Any) -> None:
    raise Rejected(f"it takes more than {SECONDS:g} s")


def _limit(templates: int) -> None:
    import resource

    seconds = int(SECONDS * templates) + 5
    limits: Mapping[int, int] = {resource.RLIMIT_AS: MEMORY, resource.RLIMIT_CPU: seconds}
    for kind, most in limits.items():
        with contextlib.suppress(ValueError, OSError):  # not every system can limit its memory
            resource.setrlimit(kind, (most, most))


def main(read: Callable[[], str] = sys.stdin.read) -> None:
    """Answer the one request."""
    request = json.loads(read())
    _limit(len(request["templates"]))
    sys.stdout.write(json.dumps(answer(request)))


if __name__ == "__main__":
    main()
