"""SHA-256 digests: raw 32 bytes inside the program, 64 lower-case hex digits outside."""

import hashlib
import re

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
