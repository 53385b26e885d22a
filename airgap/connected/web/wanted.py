"""What can be asked for, and what comes back."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from airgap.core.display import printable
from airgap.core.errors import FormatError

MAX_FILE: Final = 64 * 1024**3
"""Bytes of a file, also where no index says its size."""
MAX_PAGE: Final = 64 * 1024**2
"""Bytes of an index page that is read when its caller names no other limit."""

# in the order of trust: the first one that is given names the file in the cache
ALGORITHMS: Final = ("sha256", "sha512", "sha384", "sha3_512", "sha3_256", "blake2b", "blake2s", "sha224", "sha1", "md5")
_HEX = re.compile(r"[0-9a-f]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file whose digest is known beforehand.

    Attributes:
        urls: where it may be had, tried in this order: http, https or file; none for what only the cache may have. Who
            takes them from a page resolves them with ``address.resolve``: no page of a server points at a local file.
        digests: name in hashlib's words to lower-case hex digits; at least one, and all must hold.
        size: in bytes, None when the index does not say.
        name: what people call it.
    """

    urls: tuple[str, ...]
    digests: Mapping[str, str]
    size: int | None
    name: str

    def __post_init__(self) -> None:
        if not self.digests:
            raise FormatError(f"{shown_name(self.name)}: expected a digest, got none")
        for algorithm, digits in self.digests.items():
            self._check_digest(algorithm, digits)
        if self.size is not None and not 0 <= self.size <= MAX_FILE:
            raise FormatError(f"{shown_name(self.name)}: expected at most {MAX_FILE} bytes, got {self.size!a:.40}")

    @property
    def key(self) -> tuple[str, str]:
        """The digest that names the file in the cache: algorithm and digits."""
        algorithm = next(name for name in ALGORITHMS if name in self.digests)
        return algorithm, self.digests[algorithm]

    def _check_digest(self, algorithm: str, digits: str) -> None:
        """A digest becomes a file name, so nothing else may pass (T021)."""
        if algorithm not in ALGORITHMS:
            raise FormatError(f"{shown_name(self.name)}: expected a digest that is known, got {algorithm!a:.40}")
        length = 2 * hashlib.new(algorithm).digest_size
        if len(digits) != length or not _HEX.fullmatch(digits):
            raise FormatError(
                f"{shown_name(self.name)}: expected {length} lower-case hex digits of {algorithm}, got {digits!a:.80}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What an index says, not known beforehand.

    Attributes:
        url: http, https or file; a folder behind ``file:`` answers with its index.html.
        accept: the media types that are understood, for the Accept header.
        name: what people call it.
        limit: bytes, after decompression.
        is_optional: a 404 (or 410) is an answer, no error.
    """

    url: str
    accept: str
    name: str
    limit: int = MAX_PAGE
    is_optional: bool = False


class Answer(NamedTuple):
    """What an index said. ``url`` is the final one, against which its links are resolved."""

    status: int
    content_type: str
    content: bytes
    url: str


class Fetched(NamedTuple):
    """A file in the cache that is the one that was promised.

    ``size`` in bytes, ``changed`` in nanoseconds as the disk says, digests in lower-case hex.
    """

    file: str
    size: int
    changed: int
    sha256: str
    sha512: str


def shown_name(name: str) -> str:
    """A file's name, which somebody else wrote, for a message."""
    return printable(name, limit=120)
