"""Which regular expressions mean the same to Python's `re` and to DuckDB's RE2, and for which texts.

Great Expectations matches with Python's (or, where pyarrow is installed, with RE2 itself).
"""

from __future__ import annotations

import re
import warnings

# Escapes that both know, with the same meaning for printable ASCII.
_ESCAPE = re.compile(r"\\[dDwWsSbBAntrfv.^$*+?()\[\]{}|\\/\-\"'@#%&=~,:;<>! ]")
_GROUP = re.compile(r"\(\?(?!:|P<[A-Za-z_]\w*>|i\)|i:)")
# Read in two ways: `{,3}`, POSIX classes, possessive repetition, and repetition beyond RE2's limit.
_APART = re.compile(r"\{,|\[:|[*+?}]\+|\{[0-9,]*[0-9]{4}")
_SENSITIVE = re.compile(r"\\[dDwWsSbB]|\(\?i")
# Texts in which `\w` and its like, and letters in either case, are the same to both; `$` too, without a line's end.
PLAIN_TEXT = r"[\t -~]*"


def same(pattern: str) -> bool:
    """Tell whether both search for the same thing, given texts of `PLAIN_TEXT` where `is_sensitive`."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of what may mean something else one day
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    bare = _ESCAPE.sub("", pattern)
    in_ascii = pattern.isascii() or not is_sensitive(pattern)
    return in_ascii and not any(("\\" in bare, "\0" in pattern, _GROUP.search(bare), _APART.search(bare)))


def is_sensitive(pattern: str) -> bool:
    """Tell whether it depends on what counts as a letter, a digit, a space."""
    return bool(_SENSITIVE.search(pattern))
