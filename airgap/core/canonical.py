"""Strict canonical JSON: every value has one encoding, and only that one is read.

Source: RFC 8785, restricted to integers (no floats) and to ASCII object keys, on which its order by UTF-16 code
units and Python's order by code points agree.
"""

import json
import re
from typing import Any, Final, NoReturn

from airgap.core.errors import FormatError

MAX_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 16
# possessive, and content with a string that never ends: what cannot backtrack is linear in hostile bytes (T092)
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def encode(value: Any) -> bytes:
    """The one encoding of a value: sorted keys, no blanks, UTF-8.

    Raises:
        FormatError: the value holds a float, an integer beyond 2^53-1, a name that is not ASCII, a lone surrogate, more
            than 16 levels or something JSON cannot say.
    """
    fault = _fault(value, MAX_DEPTH)
    if fault:
        raise FormatError(f"canonical JSON: expected plain values, got {fault}")
    return _write(value)


def decode(raw: bytes, *, what: str) -> Any:
    """Read a value; accepts exactly what ``encode`` writes.

    Duplicate keys, other key orders, blanks, NaN, floats, ``-0``, needless escapes, a BOM and trailing bytes all fail the
    comparison with the re-encoded value, so none of them needs a rule of its own (T080-T087).

    Args:
        raw: untrusted bytes.
        what: the document's name, for the message.

    Raises:
        FormatError: anything else.
    """
    _check_depth(raw, what)
    try:
        # decoded first: json.loads on bytes would sniff UTF-16 and UTF-32 (T085)
        value = json.loads(raw.decode("utf-8"), parse_int=_integer, parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError) as exc:
        raise FormatError(f"{what}: expected canonical JSON, got {_reason(exc)}") from exc
    # ASCII bytes hold no name that is not ASCII, and the parser above made sure of everything else
    if (_write(value) if raw.isascii() else encode(value)) != raw:
        raise FormatError(f"{what}: expected canonical JSON, got another encoding of the same value")
    return value


_RUN: Final = 4096


def pad(raw: bytes, size: int, *, what: str) -> bytes:
    """``raw`` filled up on the right with spaces and one newline to ``size`` bytes.

    Raises:
        FormatError: there is no room for it.
    """
    if len(raw) + 1 > size:
        raise FormatError(f"{what}: expected at most {size - 1} bytes, got {len(raw)}")
    return raw.ljust(size - 1) + b"\n"


def unpad(area: bytes, *, what: str) -> bytes:
    """The JSON bytes of an area; the padding must be spaces and one newline.

    Raises:
        FormatError: the area does not end that way.
    """
    return area[: text_size(area, what=what)]


def text_size(area: bytes, *, what: str) -> int:
    """Bytes of JSON in an area, found without a copy of it.

    Raises:
        FormatError: the area does not end in blanks and one newline.
    """
    if not area.endswith(b"\n"):
        raise FormatError(f"{what}: expected blank padding and one newline at the end, got other bytes")
    size = len(area) - 1
    while size and area.endswith(b" ", 0, size):
        run = area[max(0, size - _RUN) : size]
        size -= len(run) - len(run.rstrip(b" "))
    return size


def _write(value: Any) -> bytes:
    try:
        return _ENCODER.encode(value).encode("utf-8")
    except UnicodeEncodeError as exc:
        raise FormatError("canonical JSON: expected plain values, got a lone surrogate") from exc


def _fault(value: Any, room: int) -> str | None:
    """What has no canonical encoding in a value that may nest so deep, or None."""
    match value:
        case str() | bool() | None:
            return None
        case int():
            return None if abs(value) <= MAX_INTEGER else "an integer beyond 2^53-1"
        case dict() | list() | tuple() if room == 0:
            return f"more than {MAX_DEPTH} nested levels"
        case dict():
            if not all(isinstance(name, str) and name.isascii() for name in value):
                return "a name that is not ASCII text"
            return next((fault for inner in value.values() if (fault := _fault(inner, room - 1))), None)
        case list() | tuple():
            return next((fault for inner in value if (fault := _fault(inner, room - 1))), None)
        case _:
            return type(value).__name__


def _check_depth(raw: bytes, what: str) -> None:
    """Refuse deep nesting before the recursive parser sees it (T084)."""
    depth = 0
    for bracket in re.findall(rb"[\[{\]}]", _STRINGS.sub(b"", raw)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise FormatError(f"{what}: expected at most {MAX_DEPTH} nested levels, got more")


def _integer(digits: str) -> int:
    if len(digits) > 17 or abs(number := int(digits)) > MAX_INTEGER:
        raise ValueError("an integer beyond 2^53-1")
    return number


def _refuse(_: str) -> NoReturn:
    raise ValueError("a number that is no integer")


def _reason(exc: Exception) -> str:
    """A short description that quotes no input."""
    if isinstance(exc, json.JSONDecodeError):
        return f"{exc.msg.lower()} at character {exc.pos}"
    if isinstance(exc, UnicodeDecodeError):
        return f"bytes that are not UTF-8 at {exc.start}"
    return str(exc)[:80]
