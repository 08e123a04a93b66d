"""Numbers as people read them: few digits, plain decimals, a true minus sign."""

from __future__ import annotations

import math

from mlcicd.runtime.markdown import Words

DIGITS = 4
MINUS = "−"
SMALLEST, LARGEST = 1e-6, 1e15  # outside, a power of ten is easier to read


def number(value: float | None, unlike: float | None = None) -> Words:
    """Print a number with at most four significant digits; an integer part is never rounded.

    With `unlike`, as many more digits as it takes to print the two differently: 0.91996 beside a bound of 0.92.
    """
    if value is None:
        return Words("–")
    if not math.isfinite(value):
        return Words("NaN" if math.isnan(value) else f"{MINUS if value < 0 else ''}∞")
    digits = DIGITS
    if unlike is not None and math.isfinite(unlike) and value != unlike:
        while digits < 17 and _plain(value, digits) == _plain(unlike, digits):
            digits += 1
    return Words(_plain(value, digits))


def rough(value: float) -> Words:
    """Print two significant digits, which is all that a standard deviation is good for."""
    return Words(_plain(value, 2)) if math.isfinite(value) else number(value)


def difference(base: float | None, change: float | None) -> Words:
    """Print what the change adds, with its sign; "new" and "gone" where a side is absent."""
    if base is None or change is None:
        return Words("–" if base is change else "new" if base is None else "gone")
    if not (math.isfinite(base) and math.isfinite(change)):
        return Words("–")
    delta = change - base
    # Subtracting decimal fractions leaves noise behind, which is no change.
    if abs(delta) <= 1e-12 * max(abs(base), abs(change)):
        return Words("0")
    return Words(("+" if delta > 0 else "") + _plain(delta, DIGITS))


def duration(seconds: float) -> Words:
    """Print seconds in the two largest units."""
    whole = round(seconds)
    if seconds < 10:
        return Words(f"{seconds:.1f} s")
    if whole < 60:
        return Words(f"{whole} s")
    if whole < 3600:
        return Words(f"{whole // 60} min {whole % 60} s")
    return Words(f"{whole // 3600} h {whole % 3600 // 60} min")


def size(count: int) -> Words:
    """Print a number of bytes in the largest binary unit."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return Words(f"{_three(amount)} {unit}")
        amount /= 1024
    return Words(f"{_three(amount)} TiB")


def _three(amount: float) -> str:
    """Print three digits, or the four of an integer part that has them."""
    return f"{amount:.3g}" if amount < 999.5 else f"{amount:.0f}"


def counted(count: int, noun: str, nouns: str = "") -> Words:
    """Print a count with its noun: "1 gate", "2 gates"."""
    return Words(f"{count} {noun}" if count == 1 else f"{count} {nouns or noun + 's'}")


def _plain(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    if not SMALLEST <= abs(value) < LARGEST:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{_trimmed(mantissa)}e{int(exponent)}".replace("-", MINUS)
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    grouped = "," if abs(value) >= 10_000 else ""
    return _trimmed(f"{value:{grouped}.{places}f}").replace("-", MINUS)


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
