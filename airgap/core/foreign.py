"""JSON and TOML that others wrote: not canonical as ours is, but read just as strictly.

Source: RFC 8259; TOML 1.0.0; threats T080-T086.
"""

import json
import math
import re
import tomllib
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from airgap.core.errors import FormatError

MAX_DEPTH: Final = 64
# what TOML is made of; possessive, and strings to their end or that of the line, so that no byte is read twice
_PART: Final = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]++|\\.)*+"?|'[^'\n]*+'?)"""
_TOKEN: Final = re.compile(
    r"#[^\n]*+"
    r'|"""(?:[^"\\]++|\\.|"(?!""))*+(?:"{3,5}+)?'
    r"|'''(?:[^']++|'(?!''))*+(?:'{3,5}+)?"
    rf"|(?P<key>{_PART}(?:[ \t]*+\.[ \t]*+{_PART})*+)",
    re.DOTALL,
)
_KEY_PART: Final = re.compile(_PART, re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def load_object(raw: bytes, *, what: str) -> dict[str, Any]:
    """The JSON object in bytes that others wrote: UTF-8, no name twice, only finite numbers, not deep.

    Raises:
        FormatError: anything else.
    """
    try:
        # decoded first: json.loads on bytes would sniff UTF-16 and UTF-32 (T085)
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as exc:
        raise FormatError(f"{what}: expected strict JSON, got other bytes") from exc
    if not isinstance(value, dict) or not _is_plain(value):
        raise FormatError(f"{what}: expected a JSON object of at most {MAX_DEPTH} levels and plain text, got another value")
    return value


def load_toml(text: str, *, what: str) -> dict[str, Any]:
    """The TOML document in a text that others wrote, not deep.

    Raises:
        FormatError: anything else.
    """
    # tomllib takes time by the square of the parts of a key, minutes for 100 kB
    if any(_is_long(found["key"] or "") for found in _TOKEN.finditer(text)):
        raise FormatError(f"{what}: expected keys of at most {MAX_DEPTH} parts, got a longer one")
    try:
        value = tomllib.loads(text)
    except (ValueError, RecursionError) as exc:  # tomllib's own error is a ValueError; int() and depth raise the others
        raise FormatError(f"{what}: expected TOML, got a fault: {str(exc)!a:.160}") from exc
    if not _is_plain(value):
        raise FormatError(f"{what}: expected TOML of at most {MAX_DEPTH} levels, got more")
    return value


def _is_long(key: str) -> bool:
    return key.count(".") >= MAX_DEPTH and len(_KEY_PART.findall(key)) > MAX_DEPTH


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name given twice")
    return value


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError("a number that is not finite")
    return number


def _refuse(_: str) -> NoReturn:
    raise ValueError("a constant that is no JSON")


def _is_plain(value: Any, room: int = MAX_DEPTH) -> bool:
    """Whether a value nests at most so deep and its text can be encoded again (no lone surrogates)."""
    match value:
        case str():
            return _SURROGATE.search(value) is None
        case dict():
            return room > 0 and all(_is_plain(name) and _is_plain(inner, room - 1) for name, inner in value.items())
        case list():
            return room > 0 and all(_is_plain(inner, room - 1) for inner in value)
        case _:
            return True
