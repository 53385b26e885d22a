"""TOML that others wrote is read in bounded time and depth."""

import time

import pytest

from airgap.core.errors import FormatError
from airgap.core.foreign import MAX_DEPTH, load_toml

LONG = ".".join(["a"] * 200_000)


@pytest.mark.parametrize(
    "text",
    [
        f"{LONG} = 1",
        f"[{LONG}]",
        f"[[ {LONG.replace('.', ' . ')} ]]",
        f"x = {{ {LONG} = 1 }}",
        ".".join([r'"\""'] * 200_000) + " = 1",
        ".".join(["'\"'"] * 200_000) + " = 1",
        f'x = {{ y = """ " """", {".".join([chr(34) * 2] * 200_000)} = 1 }}',
        f"x = {{ y = ''' ' '''', {LONG} = 1 }}",
        f'x = 1 # "\n{LONG} = 1',
    ],
)
def test_a_key_of_very_many_parts_is_refused_before_anybody_reads_it(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(FormatError, match="lock: expected keys of at most 64 parts, got a longer one"):
        load_toml(text, what="lock")
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "text",
    ['"' * 2_000_001, '\\"' * 1_000_000, "a." * 60 + "\n" * 20_000, "'" * 2_000_001, '"a' * 1_000_000, "a " * 1_000_000],
)
def test_hostile_text_is_read_once(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(FormatError, match="expected TOML, got a fault: "):
        load_toml(text, what="lock")
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("text", ["a=" + "[" * 70 + "]" * 70, "a=" + "[" * 9000])
def test_a_document_that_nests_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="lock: expected TOML"):
        load_toml(text, what="lock")


def test_a_key_of_many_parts_is_read() -> None:
    assert load_toml(".".join(["a"] * (MAX_DEPTH - 1)) + "=1", what="lock")


def test_dots_in_text_are_no_parts_of_a_key() -> None:
    dots = "a." * 500
    text = f'a.b = "{dots}"\n"{dots}" = \'{dots}\' # {dots}\nc = """{dots}""" \nd = \'\'\'{dots}\'\'\'\n'

    assert load_toml(text, what="lock") == {"a": {"b": dots}, dots: dots, "c": dots, "d": dots}
