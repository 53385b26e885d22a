"""SHA-256 digests: raw 32 bytes inside the program, 64 lower-case hex digits outside."""

import hashlib
import re
from collections.abc import Iterable, Mapping

from airgap.core.errors import FormatError

_HEX = re.compile(r"[0-9a-f]{64}")


def sha256(content: bytes | memoryview) -> bytes:
    """The 32 bytes of the digest. Source: FIPS 180-4."""
    return hashlib.sha256(content).digest()


def parse_sha256(text: str) -> bytes:
    """Read 64 lower-case hex digits.

    Raises:
        FormatError: any other text: a digest becomes a file name, so nothing else may pass (T021).
    """
    if not _HEX.fullmatch(text):
        raise FormatError(f"digest: expected 64 lower-case hex digits, got {text!r:.80}")
    return bytes.fromhex(text)


class Hashes:
    """SHA-256 and further digests of one content, in one pass over it.

    Args:
        further: names in hashlib's words.
    """

    __slots__ = ("_first", "_others")

    def __init__(self, further: Iterable[str] = ()) -> None:
        self._first = hashlib.sha256()
        self._others = {name: hashlib.new(name) for name in sorted(further)} if further else {}

    def update(self, views: Iterable[bytes | memoryview]) -> None:
        """Take more of the content."""
        for view in views:
            self._first.update(view)
            for hasher in self._others.values():
                hasher.update(view)

    def digests(self) -> Mapping[str, bytes]:
        """All raw digests by name."""
        return {"sha256": self._first.digest(), **{name: hasher.digest() for name, hasher in self._others.items()}}
