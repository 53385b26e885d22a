import json
from typing import Any

import pytest

from airgap.core import canonical
from airgap.core.canonical import MAX_DEPTH, MAX_INTEGER
from airgap.core.errors import FormatError


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_the_encoding_is_json_with_sorted_names_and_no_blanks() -> None:
    value = {"b": [1, True, None, "é\n\x7f"], "a": {"z": {}, "y": ""}}

    assert canonical.encode(value).decode() == '{"a":{"y":"","z":{}},"b":[1,true,null,"é\\n\x7f"]}'
    assert json.loads(canonical.encode(value)) == value


@pytest.mark.parametrize("value", [MAX_INTEGER, -MAX_INTEGER, 0, True, None, "", "\U0001f512", nested(MAX_DEPTH)])
def test_what_is_encoded_is_read_again(value: Any) -> None:
    assert canonical.decode(canonical.encode(value), what="x") == value


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (1.5, "float"),
        (float("nan"), "float"),
        ([{"a": b""}], "bytes"),
        ({"a": {1}}, "set"),
        (MAX_INTEGER + 1, "an integer beyond 2^53-1"),
        ([-MAX_INTEGER - 1], "an integer beyond 2^53-1"),
        ({1: 2}, "a name that is not ASCII text"),
        ({"a": {"é": 1}}, "a name that is not ASCII text"),
        (["\ud800"], "a lone surrogate"),
        (nested(MAX_DEPTH + 1), "more than 16 nested levels"),
    ],
)
def test_a_value_without_a_canonical_encoding_is_not_written(value: Any, got: str) -> None:
    with pytest.raises(FormatError) as caught:
        canonical.encode(value)

    assert caught.value.message == f"canonical JSON: expected plain values, got {got}"


@pytest.mark.parametrize(
    ("raw", "got"),
    [
        pytest.param(b'{"a":1,"a":1}', "another encoding of the same value", id="T080 duplicate name"),
        pytest.param(b"NaN", "a number that is no integer", id="T081 NaN"),
        pytest.param(b"[-Infinity]", "a number that is no integer", id="T081 infinity"),
        pytest.param(b"1.0", "a number that is no integer", id="T082 fraction"),
        pytest.param(b"1e3", "a number that is no integer", id="T082 exponent"),
        pytest.param(b"-0", "another encoding of the same value", id="T082 negative zero"),
        pytest.param(b"01", "extra data at character 1", id="T082 leading zero"),
        pytest.param(b"9007199254740992", "an integer beyond 2^53-1", id="T083 2^53"),
        pytest.param(b"-9007199254740992", "an integer beyond 2^53-1", id="T083 -2^53"),
        pytest.param(b"1" * 5000, "an integer beyond 2^53-1", id="T083 5000 digits"),
        pytest.param("[]".encode("utf-16"), "bytes that are not UTF-8 at 0", id="T085 UTF-16 with mark"),
        pytest.param("[]".encode("utf-16-le"), "expecting value at character 1", id="T085 UTF-16 without mark"),
        pytest.param("[]".encode("utf-32-be"), "expecting value at character 0", id="T085 UTF-32"),
        pytest.param(b"\xef\xbb\xbf[]", "unexpected utf-8 bom", id="T085 byte order mark"),
        pytest.param(b'"\xc0\xaf"', "bytes that are not UTF-8 at 1", id="overlong"),
        pytest.param(b'"\xed\xa0\x80"', "bytes that are not UTF-8 at 1", id="encoded surrogate"),
        pytest.param(b'"\\ud800"', "a lone surrogate", id="T086 lone surrogate"),
        pytest.param(b"[]\n", "another encoding of the same value", id="T087 newline after it"),
        pytest.param(b"[][]", "extra data at character 2", id="T087 a value after it"),
        pytest.param(b'{"b":1,"a":1}', "another encoding of the same value", id="T091 other order"),
        pytest.param(b'{"a": 1}', "another encoding of the same value", id="T091 blank"),
        pytest.param(b'"\\u0041"', "another encoding of the same value", id="T091 needless escape"),
        pytest.param(b'"\\/"', "another encoding of the same value", id="T091 escaped slash"),
        pytest.param('{"é":1}'.encode(), "a name that is not ASCII text", id="name outside ASCII"),
        pytest.param(b'"\n"', "invalid control character at at character 1", id="control character"),
        pytest.param(b"", "expecting value at character 0", id="nothing"),
    ],
)
def test_any_other_encoding_is_refused(raw: bytes, got: str) -> None:
    with pytest.raises(FormatError, match=r"expected canonical JSON|expected plain values") as caught:
        canonical.decode(raw, what="x")

    assert got.lower() in caught.value.message.lower()


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 17 + b"]" * 17])
def test_t084_deep_nesting_is_refused_before_the_recursive_parser_runs(raw: bytes) -> None:
    with pytest.raises(FormatError, match=r"^x: expected at most 16 nested levels, got more$"):
        canonical.decode(raw, what="x")


def test_brackets_inside_strings_are_no_nesting() -> None:
    value = ["[" * 100, '\\"[{' * 100]

    assert canonical.decode(canonical.encode(value), what="x") == value


@pytest.mark.parametrize("unit", [b'\\"', b'"', b'"\\', b"\\"])
def test_t092_a_string_that_never_ends_is_refused_in_linear_time(unit: bytes) -> None:
    """A megabyte of it took an hour when every quote was tried as a beginning: this test would hang."""
    with pytest.raises(FormatError, match=r"^x: expected canonical JSON, got "):
        canonical.decode(b'"' + unit * 500_000, what="x")


def test_a_padded_area_gives_its_bytes_back() -> None:
    assert canonical.pad(b"{}", 8, what="x") == b"{}     \n"
    assert canonical.unpad(b"{}     \n", what="x") == b"{}"


def test_an_area_may_be_filled_to_the_last_byte_but_one() -> None:
    assert canonical.pad(b"{}", 3, what="x") == b"{}\n"

    with pytest.raises(FormatError, match=r"^x: expected at most 1 bytes, got 2$"):
        canonical.pad(b"{}", 2, what="x")


@pytest.mark.parametrize("area", [b"", b"{}", b"{}   ", b"{}\n ", b"{}\x00"])
def test_an_area_without_its_last_newline_is_refused(area: bytes) -> None:
    with pytest.raises(FormatError, match=r"^x: expected blank padding and one newline at the end, got other bytes$"):
        canonical.unpad(area, what="x")


@pytest.mark.parametrize("area", [b"{}\t \n", b"{} \n\n", b"{}\x00 \n", b"{}\xc2\xa0\n", b"   \n"])
def test_padding_of_anything_but_spaces_is_no_json(area: bytes) -> None:
    with pytest.raises(FormatError, match=r"^x: expected canonical JSON, got "):
        canonical.decode(canonical.unpad(area, what="x"), what="x")
