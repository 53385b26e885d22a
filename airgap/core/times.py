"""Instants and durations as text. UTC, whole seconds, one spelling each."""

import re
from datetime import UTC, datetime, timedelta

from airgap.core.errors import FormatError

_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
_LONGEST = timedelta(days=365_000)
_DURATION = re.compile(r"([1-9][0-9]{0,5}) (second|minute|hour|day|week|month|year)s?")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def format_time(at: datetime) -> str:
    """The instant as ``2026-11-23T08:00:00Z``; fractions of a second are dropped.

    Source: RFC 3339, section 5.6, restricted to upper case and the zone Z.
    """
    # isoformat pads the year to four digits, strftime does not
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def parse_time(text: str) -> datetime:
    """Read an instant; accepts exactly what ``format_time`` writes.

    Raises:
        FormatError: any other text.
    """
    try:
        if not _INSTANT.fullmatch(text):
            raise ValueError(text)
        at = datetime.fromisoformat(text)
        if format_time(at) != text:  # from 3.14 on, Python reads 24:00:00 as the next day
            raise ValueError(text)
    except ValueError as exc:
        raise FormatError(f"time: expected YYYY-MM-DDTHH:MM:SSZ, got {text!r:.80}") from exc
    return at


def parse_duration(text: str) -> timedelta:
    """Read a duration such as ``90 days`` (a month is 30 days, a year 365).

    Raises:
        FormatError: any other text, or more than 1000 years: the calendar must have room for it on both sides of today.
    """
    found = _DURATION.fullmatch(text)
    if not found:
        raise FormatError(f'duration: expected a number and a unit such as "90 days", got {text!r:.80}')
    duration = int(found[1]) * _UNITS[found[2]]
    if duration > _LONGEST:
        raise FormatError(f"duration: expected at most 1000 years, got {text}")
    return duration
