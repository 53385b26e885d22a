"""JSON that others wrote: not canonical as ours is, but read just as strictly. Source: RFC 8259; threats T080-T086."""

import json
import math
import re
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from airgap.core.errors import FormatError

MAX_DEPTH: Final = 64
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
