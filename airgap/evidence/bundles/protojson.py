"""Protocol buffers in their JSON form, read strictly.

Source: protobuf, "ProtoJSON format". Stricter in three points: no unknown members, lowerCamelCase names only, standard
base64 only (T131). As the format says, null is the same as nothing.
"""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any, Final

from airgap.core.errors import FormatError
from airgap.evidence.pubkey import strict_base64

MAX_NUMBER: Final = 2**53 - 1
"""What the signed JSON of a log can say (RFC 8785)."""


def read_message(value: Any, members: Set[str], *, what: str, needed: Set[str] = frozenset()) -> Mapping[str, Any]:
    """The members of a message that are there.

    Args:
        value: untrusted.
        members: all that there may be.
        what: the message's name, for errors.
        needed: members that have to be there.

    Raises:
        FormatError: no object, an unknown member, or one missing.
    """
    if not isinstance(value, dict):
        raise FormatError(f"{what}: expected an object, got {type(value).__name__}")
    unknown = value.keys() - members
    if unknown:
        raise FormatError(f"{what}: expected known members only, got {min(unknown)!a:.80}")
    present = {name: member for name, member in value.items() if member is not None}
    missing = needed - present.keys()
    if missing:
        raise FormatError(f"{what}: expected {min(missing)}, got none")
    return present


def read_items(value: Any, *, what: str, limit: int) -> Sequence[Any]:
    """A repeated field of at most so many values; nothing is an empty one.

    Raises:
        FormatError: no list, or a longer one.
    """
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > limit:
        raise FormatError(f"{what}: expected a list of at most {limit}, got another value")
    return value


def read_text(value: Any, *, what: str) -> str:
    """A string of whole characters: a lone surrogate, which JSON can write, has no encoding.

    Raises:
        FormatError: another type.
    """
    if not isinstance(value, str):
        raise FormatError(f"{what}: expected text, got {type(value).__name__}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise FormatError(f"{what}: expected text, got half a character") from exc
    return value


def read_bytes(value: Any, *, what: str) -> bytes:
    """Bytes in base64.

    Raises:
        FormatError: another type, or another encoding.
    """
    return strict_base64(read_text(value, what=what), what=what)


def read_number(value: Any, *, what: str) -> int:
    """A 64-bit number that is not negative, as text or (as the format allows) as a number.

    Raises:
        FormatError: anything else, or a number beyond 2^53-1.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(MAX_NUMBER)):
        number = int(value)
        if str(number) == value and number <= MAX_NUMBER:
            return number
    elif type(value) is int and 0 <= value <= MAX_NUMBER:
        return value
    raise FormatError(f"{what}: expected a number up to 2^53-1, got {value!a:.40}")


def read_time(value: Any, *, what: str) -> datetime:
    """An instant in RFC 3339, with a zone.

    Raises:
        FormatError: anything else.
    """
    text = read_text(value, what=what)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as exc:
        raise FormatError(f"{what}: expected a time, got {text!a:.40}") from exc
    if at.tzinfo is None:
        raise FormatError(f"{what}: expected a time with a zone, got {text!a:.40}")
    return at
