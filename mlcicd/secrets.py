"""What no text of ours may show: the values of secret variables, in every form they take, and tokens by their shape.

A value is a secret's when its variable is declared to be one (`DECLARED`, `declare`), or has a name that says so. What
would spoil a text more than it protects is not looked for: values shorter than `SHORTEST`, numbers, and ordinary words.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DECLARED = "MLCICD_SECRETS"  # the variable with the names of those that the configuration calls secrets
MASK = "***"
SHORTEST = 6  # characters
MAX_FILE = 64 * 1024  # bytes of a file that a variable names
_FEWEST_ENCODED = 8  # characters of base64: fewer stand in any picture by chance

_NAME = re.compile(
    r"TOKEN|SECRET|PASS(?:WORD|WD|PHRASE)|CREDENTIAL|KEY|CONNECTION_?STRING|_(?:DSN|PAT|PWD|SAS)$", re.IGNORECASE
)
_NO_SECRET = re.compile(r"_(?:DIR|HOST|NAME|PATH|REGION|TYPE|UR[IL]|USER)$", re.IGNORECASE)
_NUMBER = re.compile(r"[\d\s.,:/_+-]*(?:\d[eE][+-]?\d+)?")
_SHORT_WORD = re.compile(r"[A-Za-z]{1,7}")
_WORDS = frozenset({"changeme", "database", "development", "disabled", "localhost", "password", "postgres",
                    "postgresql", "production", "username"})  # fmt: skip
# One of these is in every text that `_shapes`, that `_called` finds something in; to look for them takes far less time.
_SHAPED = ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "_pat_", "glpat-", "gldt-", "glrt-", "glrtr-", "glcbt-", "glptt-",
           "glft-", "glimt-", "glagent-", "gloas-", "glsoat-", "glffct-", "glwt-", "AKIA", "ASIA", "AIza", "ya29.",
           "GOCSPX-", "hf_", "sk-", "_live_", "xox", "npm_", "pypi-", "dapi", "SG.", "AGE-SECRET-KEY-", "eyJ", "://",
           "PRIVATE KEY")  # fmt: skip
_CALLED = ("bearer ", "basic ", "sig=", "signature=", "password=", "passwd=", "key=", "secret=", "token=")
_IN_CONNECTION = re.compile(r"(?i)(?:password|pwd|accountkey|sharedaccesskey|secret)=([^;\s]+)")


@dataclass(frozen=True, kw_only=True)
class Redactor:
    """Hides what is secret; `forms` are all spellings of the values that it knows, longest first."""

    forms: tuple[str, ...]

    def hide(self, text: str, mask: str = MASK, *, said: bool = True) -> str:
        """Replace secrets by a mask.

        Args:
            text: any text. Of JSON, HTML or XML nothing is replaced but what stands inside a string.
            mask: what stands in place of each.
            said: also what a program calls a password or a token in its messages (`password=…`); in data such a
                thing may be harmless.
        """
        text = _without(text, self._spans(text), mask)
        if any(hint in text for hint in _SHAPED):
            text = _shapes().sub(mask, text)
        small = text.lower() if said else ""
        if any(hint in small for hint in _CALLED):
            text = _called().sub(rf"\g<before>{mask}", text)
        return text

    def lines(self, lines: Sequence[str]) -> tuple[str, ...]:
        """Hide in lines that follow one another: a key may fill several, which then become one."""
        shown = self.hide("\n".join(lines)).split("\n")
        return tuple(shown) if lines else ()

    def holds(self, raw: bytes) -> bool:
        """Tell whether one of the values stands in these bytes."""
        return any(form in raw for form in self._encoded)

    def begun(self, raw: bytes) -> int:
        """Return how many bytes at the end may be the beginning of a value."""
        last = raw.rpartition(b"\n")[2]  # each line of a value is one itself
        tails = (last[-length:] for length in range(min(self._longest, len(last)), 0, -1))
        return next((len(tail) for tail in tails if any(form.startswith(tail) for form in self._encoded)), 0)

    @functools.cached_property
    def _longest(self) -> int:
        return max(map(len, self._encoded), default=1) - 1

    @functools.cached_property
    def _encoded(self) -> tuple[bytes, ...]:
        return tuple(form.encode("utf-8", "surrogateescape") for form in self.forms)

    def _spans(self, text: str) -> list[tuple[int, int]]:
        return sorted(span for form in self.forms if form in text for span in _places(form, text))


_declared: set[str] = set()


def declare(names: Iterable[str]) -> None:
    """Let these variables count as secrets from now on, in all of this process."""
    _declared.update(names)


def redactor(environ: Mapping[str, str] | None = None) -> Redactor:
    """Return what hides the secrets of an environment; that of this process when none is given."""
    environ = os.environ if environ is None else environ
    declared = _declared | set(environ.get(DECLARED, "").split())
    return of_values(frozenset(value for name, value in environ.items() if name in declared or _is_secret(name)))


def lines(found: Sequence[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return lines that follow one another without the secrets of an environment."""
    return redactor(environ).lines(found)


def hide(text: str, environ: Mapping[str, str] | None = None) -> str:
    """Return a text without the secrets of an environment (of this process when none is given)."""
    return redactor(environ).hide(text)


@functools.lru_cache(maxsize=16)
def of_values(values: frozenset[str]) -> Redactor:
    """Return what hides these values of secrets; made once for the same values."""
    pieces = {piece for value in values for piece in _pieces(value) if not is_ordinary(piece)}
    forms = {form for piece in pieces for form in _forms(piece)}
    return Redactor(forms=tuple(sorted(forms, key=lambda form: (-len(form), form))))


def shaped(text: str) -> Iterator[re.Match[str]]:
    """Yield where a text shows what looks like a secret: tokens, private keys, what stands before an address's @."""
    return _shapes().finditer(text) if any(hint in text for hint in _SHAPED) else iter(())


def _is_secret(name: str) -> bool:
    # That one holds names of variables, which messages have to name.
    return bool(_NAME.search(name)) and not _NO_SECRET.search(name) and name != DECLARED


def is_ordinary(piece: str) -> bool:
    """Tell whether a value protects nothing: it is short, a number, or an ordinary word."""
    plain = _NUMBER.fullmatch(piece) or _SHORT_WORD.fullmatch(piece) or piece.lower() in _WORDS
    return len(piece) < SHORTEST or bool(plain)


def _pieces(value: str) -> Iterator[str]:
    """Yield what of a variable's value must not show: all of it, its lines, and the password in an address."""
    if (content := _content(value)) is not None:
        value = content
    if (found := _in_json(value)) is not None:
        yield from found
        return
    yield from (value, value.strip(), *(line.strip() for line in value.splitlines()))
    yield from _IN_CONNECTION.findall(value)
    try:
        password = urllib.parse.urlsplit(value.strip()).password or ""
    except ValueError:
        return
    yield from (password, urllib.parse.unquote(password))


def _content(value: str) -> str | None:
    """Return what the file holds that a variable names (some CI systems hand secrets over so); None without one.

    A folder's path, and that of a larger file, is no secret: it holds "".
    """
    if not value.startswith("/") or "\n" in value:
        return None
    try:
        if not (path := Path(value)).exists():
            return None
        return path.read_text("utf-8") if path.is_file() and path.stat().st_size <= MAX_FILE else ""
    except (OSError, ValueError):
        return ""


def _in_json(value: str) -> list[str] | None:
    """Return the secrets of a JSON object, such as a service account's key; None when it is none."""
    try:
        top = json.loads(value) if value.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        return None
    return [value, *_under(top)] if isinstance(top, dict) else None


def _under(node: object, name: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for key, item in node.items():
            yield from _under(item, str(key))
    elif isinstance(node, list):
        for item in node:
            yield from _under(item, name)
    elif isinstance(node, str) and _is_secret(name):
        yield from (node, *node.splitlines())


def _forms(piece: str) -> Iterator[str]:
    """Yield the spellings of a value: as it is, in an address, in JSON, in Python, in HTML, and in base64."""
    import html

    yield piece
    for quoted in (urllib.parse.quote(piece, safe="", errors="replace"), urllib.parse.quote(piece, errors="replace")):
        yield from (quoted, quoted.replace("%20", "+"), re.sub("%..", lambda found: found[0].lower(), quoted))
    yield from (json.dumps(piece)[1:-1], json.dumps(piece, ensure_ascii=False)[1:-1], repr(piece)[1:-1])
    yield from (html.escape(piece), html.escape(piece, quote=False))
    raw = piece.encode("utf-8", "surrogateescape")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield from (form for shift in range(3) if len(form := _encoded(raw, shift, encode)) >= _FEWEST_ENCODED)


def _encoded(raw: bytes, shift: int, encode: Callable[[bytes], bytes]) -> str:
    """Return what base64 makes of `raw` wherever it stands, `shift` bytes behind a multiple of three."""
    text = encode(b"\0" * shift + raw).decode()
    unsure = (0, 2, 3)[shift]  # characters that also depend on what stands before
    behind = (len(raw) + shift) % 3
    return text.rstrip("=")[unsure : -1 if behind else None]


def _places(form: str, text: str) -> Iterator[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


def _without(text: str, spans: Sequence[tuple[int, int]], mask: str) -> str:
    """Replace spans, sorted by their start; such as overlap or touch become one, so that none shows in part."""
    parts: list[str] = []
    done = 0
    for start, end in spans:
        if start > done or not parts:
            parts += [text[done:start], mask]
        done = max(done, end)
    return "".join([*parts, text[done:]])


@functools.cache
def _shapes() -> re.Pattern[str]:
    """Return what secrets look like, whatever variable (or none) they came from.

    Tokens of forges, clouds and services, private keys, and what stands before the @ of an address. None of them
    spans the quotes, brackets or backslashes of JSON and HTML, and each repetition is bounded by what cannot repeat.
    """
    edge = r"-----(?:BEGIN|END) [A-Z0-9 ]{0,20}PRIVATE KEY-----"
    begin, end = (edge.replace("(?:BEGIN|END)", word) for word in ("BEGIN", "END"))
    return re.compile(
        r"\b(?:gh[oprsu]_[A-Za-z0-9]{20,}|git[a-z]+_pat_\w{20,}"
        r"|gl(?:pat|dt|rtr?|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-[\w.-]{20,}"
        r"|(?:AKIA|ASIA)[A-Z0-9]{16}\b|AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"
        r"|hf_[A-Za-z0-9]{20,}|sk-(?:(?:proj|ant|svcacct|admin|or)-[\w-]{20,}|[A-Za-z0-9]{32,})|[rs]k_live_\w{16,}"
        r"|xox[a-z]-[\w-]{10,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{40,}|dckr_pat_[\w-]{20,}|dapi[0-9a-f]{32}"
        r"|SG\.[\w-]{16,}\.[\w-]{16,}|AGE-SECRET-KEY-1[0-9A-Z]{30,}"
        r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
        r"|(?<=://)[^\s/@:\"'<>\\{}]{0,256}:[^\s/@\"'<>\\{}]{1,1024}(?=@)"
        rf"|{begin}(?:[^-\"'<>{{}}]|-(?!----)){{0,20000}}?{end}|{begin}(?:[A-Za-z0-9+/=\s]|\\[nr])*"
        rf"|(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/=]{{40,76}}\s{{1,4}}){{1,200}}(?:[A-Za-z0-9+/=]{{1,76}}\s{{1,4}})?{end}"
    )


@functools.cache
def _called() -> re.Pattern[str]:
    """Return what messages call a secret: `password=…`, the credentials of a header, the proof of a signed address."""
    value = r"[^\s&\"'<>\\,;*]"
    return re.compile(
        r"(?i)(?P<before>\b(?:bearer|basic) (?=[A-Za-z0-9._~+/-]{16})"
        rf"|[?&]sig=(?={value}{{6}})|(?:signature|password|passwd|accountkey|sharedaccesskey|client_secret)="
        rf"[\"']?(?={value}{{6}})|(?:token|api_?key|secret_?key|access_?key)=[\"']?(?={value}{{6}})(?!<))"
        rf"{value}+"
    )
