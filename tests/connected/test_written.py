"""Files that people and their tools wrote."""

from pathlib import Path

import pytest

from airgap.connected.written import read_text
from airgap.core.errors import FormatError, UsageError
from airgap.core.reasons import Reason


def test_a_file_is_text_of_a_sensible_size(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\xef\xbb\xbfabc")
    assert read_text(str(file), limit=6) == "abc"

    with pytest.raises(FormatError, match="expected at most 5 bytes, got more") as caught:
        read_text(str(file), limit=5)
    assert caught.value.reason is Reason.TOO_LARGE

    file.write_bytes(b"abc\xff")
    with pytest.raises(FormatError, match="expected UTF-8, got other bytes at 3"):
        read_text(str(file), limit=6)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none: expected to read it, got No such file or directory"):
        read_text(str(tmp_path / "none"), limit=6)
    with pytest.raises(UsageError, match="expected to read it, got Is a directory"):
        read_text(str(tmp_path), limit=6)
