"""A file that an index offers, as the index says it."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from airgap.core.errors import FormatError

HASHES: Final = {"sha256": 64, "sha384": 96, "sha512": 128}
"""Digests that count, by the length of their hex digits; others can be forged."""
MAX_LINKS: Final = 200_000
MAX_TEXT: Final = 500
_HEX: Final = re.compile(r"[0-9a-f]+")
_UPLOADED: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_INDEX: Final = re.compile(r"1(?:\.[0-9]{1,4})?")


Hashes = frozenset[tuple[str, str]]


class Link(NamedTuple):
    """One file. Everything in here was written by somebody else, and is plain text of bounded length.

    Attributes:
        file_name: the last part of its URL.
        url: may be relative to ``page``.
        page: the URL that the page came from in the end.
        listed_in: the configured index or location, without credentials.
        hashes: algorithms and lower-case hex digits, one of each algorithm.
        requires_python: specifiers, unchecked.
        size: bytes.
        uploaded: an instant of RFC 3339, UTC.
        yanked: why the file was taken back, "" for no word about it; None when it was not.
        provenance: URL of its attestations; may be relative to ``page``.
        can_attest: whether no provenance means that there is none.
        further: where else the very same file is, complete URLs.
    """

    file_name: str
    url: str
    page: str
    listed_in: str
    hashes: Hashes = frozenset()
    requires_python: str | None = None
    size: int | None = None
    uploaded: str | None = None
    yanked: str | None = None
    provenance: str | None = None
    can_attest: bool = False
    further: tuple[str, ...] = ()


def name_in(url: str) -> str:
    """The file name at the end of a URL."""
    try:
        return unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:
        return ""


def counted_hashes(said: Iterable[tuple[object, object]]) -> Hashes:
    """Those of the digests that count and are well formed; of two for one algorithm the last."""
    texts = {name: digits.lower() for name, digits in said if isinstance(name, str) and isinstance(digits, str)}
    return frozenset((name, digits) for name, digits in texts.items() if _counts(name, digits))


def _counts(algorithm: str, digits: str) -> bool:
    return len(digits) == HASHES.get(algorithm) and _HEX.fullmatch(digits) is not None


def plain(text: object) -> str | None:
    """A text, cut where it is longer than any that has a purpose; None for anything else."""
    return text[:MAX_TEXT] if isinstance(text, str) else None


def instant(text: object) -> str | None:
    """A time of upload; None for anything else."""
    return text if isinstance(text, str) and _UPLOADED.fullmatch(text) else None


def check_version(said: object, *, where: str) -> tuple[int, int]:
    """The version of an index's interface, which has to be 1.

    Source: PEP 629, "Specification".

    Raises:
        FormatError: of another major version, whose meaning nobody here knows.
    """
    if not isinstance(said, str) or not _INDEX.fullmatch(said):
        raise FormatError(f"{where}: expected version 1 of the index interface, got {said!a:.40}")
    return 1, int(said.partition(".")[2] or 0)


def check_count(links: int, *, where: str) -> None:
    """Prove that a page is no heap of links.

    Raises:
        FormatError: it is.
    """
    if links > MAX_LINKS:
        raise FormatError(f"{where}: expected at most {MAX_LINKS} files, got more")
