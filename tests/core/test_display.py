import pytest

from airgap.core.display import amount, plural, printable


@pytest.mark.parametrize("text", ["", "plain text", "Zürich → 東京", "a\\b", "~!@#"])
def test_plain_text_is_printed_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "\\u{1b}[2Jgone"),
        ("a\nb\tc\rd", "a\\u{a}b\\u{9}c\\u{d}d"),
        ("\x7f\x9b", "\\u{7f}\\u{9b}"),
        ("exe.\u202egnp", "exe.\\u{202e}gnp"),
        ("a\u2066b\u2069\u200f", "a\\u{2066}b\\u{2069}\\u{200f}"),
        ("zero\u200bwidth\ufeff", "zero\\u{200b}width\\u{feff}"),
        ("line\u2028par\u2029", "line\\u{2028}par\\u{2029}"),
        ("\ud800", "\\u{d800}"),
        ("\ue000\U0010ffff", "\\u{e000}\\u{10ffff}"),
        ("\U000e0041tag", "\\u{e0041}tag"),
    ],
)
def test_t010_what_could_steer_a_terminal_is_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_long_text_ends_with_an_ellipsis() -> None:
    assert printable("x" * 300) == "x" * 300
    assert printable("x" * 301) == "x" * 299 + "…"
    assert printable("\n\n\n", limit=2) == "\\u{a}…"


@pytest.mark.parametrize(("count", "said"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_one_is_singular(count: int, said: str) -> None:
    assert plural(count, "file") == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_500_000_000, "1.5 GB"),
        (4 * 10**12, "4.0 TB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_an_amount_is_told_in_units_of_a_thousand(size: int, said: str) -> None:
    assert amount(size) == said
