from datetime import UTC, datetime, timedelta, timezone

import pytest

from airgap.core.errors import FormatError
from airgap.core.times import format_time, parse_duration, parse_time


@pytest.mark.parametrize("year", [1, 999, 1970, 2026, 9999])
def test_an_instant_has_four_digits_of_year_and_reads_back(year: int) -> None:
    at = datetime(year, 1, 2, 3, 4, 5, tzinfo=UTC)

    assert format_time(at) == f"{year:04}-01-02T03:04:05Z"
    assert parse_time(format_time(at)) == at


def test_another_zone_is_told_in_utc_and_fractions_are_dropped() -> None:
    at = datetime(2026, 11, 23, 1, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))

    assert format_time(at) == "2026-11-22T23:30:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T08:00:00z",
        "2026-11-23t08:00:00Z",
        "2026-11-23 08:00:00Z",
        "2026-11-23T08:00:00+00:00",
        "2026-11-23T08:00:00.0Z",
        "2026-11-23T08:00Z",
        "20261123T080000Z",
        "2026-W48-1T08:00:00Z",
        "2026-02-29T08:00:00Z",
        "2026-13-01T08:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "2026-11-23T08:00:00Z\n",
        "٢٠٢٦-11-23T08:00:00Z",
        "",
    ],
)
def test_any_other_spelling_of_an_instant_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match=r"^time: expected YYYY-MM-DDTHH:MM:SSZ, got "):
        parse_time(text)


def test_midnight_as_hour_24_stays_refused_where_python_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Later(datetime):
        @classmethod
        def fromisoformat(cls, _: str) -> "Later":
            return cls(2026, 11, 24, tzinfo=UTC)

    monkeypatch.setattr("airgap.core.times.datetime", Later)

    with pytest.raises(FormatError, match=r"^time: expected YYYY-MM-DDTHH:MM:SSZ, got '2026-11-23T24:00:00Z'"):
        parse_time("2026-11-23T24:00:00Z")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1 second", 1),
        ("2 minutes", 120),
        ("3 hours", 10_800),
        ("90 days", 7_776_000),
        ("1 week", 604_800),
        ("1 month", 2_592_000),
        ("1 year", 31_536_000),
        ("1000 years", 31_536_000_000),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "90", "days", "0 days", "-1 day", "1.5 days", "01 day", "1  day", "1 day\n", "1 Day", "1 fortnight"]
)
def test_any_other_duration_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match=r'^duration: expected a number and a unit such as "90 days", got '):
        parse_duration(text)


@pytest.mark.parametrize("text", ["1001 years", "999999 years", "999999 weeks"])
def test_a_duration_that_the_calendar_has_no_room_for_is_refused(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_duration(text)

    assert caught.value.message == f"duration: expected at most 1000 years, got {text}"


def test_the_longest_duration_fits_before_and_after_every_plausible_instant(now: datetime) -> None:
    longest = parse_duration("1000 years")

    assert now - longest < now < now + longest
