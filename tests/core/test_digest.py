import hashlib

import pytest

from airgap.core.digest import parse_sha256, sha256
from airgap.core.errors import FormatError


@pytest.mark.parametrize("content", [b"", b"abc", memoryview(b"abc")])
def test_a_digest_is_what_hashlib_says(content: bytes | memoryview) -> None:
    assert sha256(content) == hashlib.sha256(content).digest()


def test_the_digest_of_abc_is_the_one_fips_180_gives() -> None:
    assert sha256(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_64_hex_digits_are_32_bytes() -> None:
    assert parse_sha256("ab" * 32) == b"\xab" * 32


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab" * 31,
        "ab" * 33,
        "AB" * 32,
        "0x" + "ab" * 31,
        "ab" * 31 + "/.",
        "ab" * 32 + "\n",
        " " + "ab" * 31 + "a",
        "é" * 64,
    ],
)
def test_a_text_that_could_not_name_an_object_is_no_digest(text: str) -> None:
    with pytest.raises(FormatError, match=r"^digest: expected 64 lower-case hex digits, got "):
        parse_sha256(text)
