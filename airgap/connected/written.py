"""Files that people and their tools wrote: requirements, locks."""

import os

from airgap.core.errors import FormatError, UsageError
from airgap.core.reasons import Reason


def read_text(path: str, *, limit: int) -> str:
    """The text of a file; a mark of the byte order before it is left out.

    Args:
        path: of the file.
        limit: bytes that it may have.

    Raises:
        UsageError: it is not there, or cannot be read.
        FormatError: not UTF-8, or too large.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read(limit + 1)
    except OSError as exc:
        raise UsageError(f"{path}: expected to read it, got {os.strerror(exc.errno or 0)}") from exc
    if len(raw) > limit:
        raise FormatError(f"{path}: expected at most {limit} bytes, got more", reason=Reason.TOO_LARGE)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise FormatError(f"{path}: expected UTF-8, got other bytes at {exc.start}") from exc
