"""Text for people: nothing that somebody else wrote reaches a terminal as it is."""

import unicodedata

_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str, *, limit: int = 300) -> str:
    """``text`` with controls, escape sequences, bidi overrides and the like spelled out (T010).

    Args:
        text: written by anybody.
        limit: characters kept; a longer text ends with an ellipsis.
    """
    kept = text if len(text) <= limit else text[: limit - 1] + "…"
    if kept.isascii() and kept.isprintable():
        return kept
    return "".join(c if unicodedata.category(c) not in _UNSAFE else f"\\u{{{ord(c):x}}}" for c in kept)


def plural(count: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def amount(size: int) -> str:
    """A number of bytes for people, in units of 1000."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.95:  # what would round to 1000.0 is one of the next unit
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
