"""The files of a Debian archive: Release, and the Packages files whose digests it lists.

Source: Debian wiki, "DebianRepository/Format"; deb822(5). Only SHA256 is read: MD5Sum and SHA1 are still listed and prove
nothing.
"""

import hashlib
import lzma
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple, Protocol, Self

from airgap.core.digest import parse_sha256
from airgap.core.errors import FormatError

MAX_RELEASE: Final = 4 * 1024 * 1024
MAX_PACKAGES: Final = 512 * 1024 * 1024
"""Bytes of a Packages file when it is unpacked, whatever a Release says; Debian's largest has 60 MiB."""
MAX_STANZA: Final = 256 * 1024
_CHUNK: Final = 1024 * 1024
_MEMORY: Final = 128 * 1024 * 1024
"""Bytes that xz may take; ``xz -9`` needs 65 MiB."""
_FIELD: Final = re.compile(r"[!-,./-9;-~][!-9;-~]*")
_INDEX: Final = re.compile(r"(?:[^/\s]+/)*Packages(\.xz|\.gz)?")
_DATE: Final = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:UTC|GMT|Z|\+0000)"
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WANTED: Final = (b"Package", b"Version", b"Architecture", b"Filename", b"Size", b"SHA256")


class Listed(NamedTuple):
    """A file that a Release lists."""

    path: str
    size: int
    sha256: bytes


class Package(NamedTuple):
    """A package that a Packages file lists."""

    name: str
    version: str
    architecture: str
    filename: str
    size: int


@dataclass(frozen=True, slots=True)
class Release:
    """A Release file. Read it only from bytes whose signature holds.

    Attributes:
        suites: its Suite and its Codename.
        until: the end of its validity, UTC; None where it has none.
        files: what it lists.
    """

    suites: frozenset[str]
    until: datetime | None
    files: Sequence[Listed]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read one paragraph of fields.

        Raises:
            FormatError: anything else, a field twice, or a list of files that is malformed.
        """
        fields = _paragraph(raw)
        said = fields.get("valid-until")
        return cls(
            suites=frozenset(fields[name] for name in ("suite", "codename") if name in fields),
            until=None if said is None else read_date(said),
            files=_files(fields.get("sha256", "")),
        )

    def find(self, size: int, digest: bytes) -> Listed | None:
        """The Packages file of a digest; no other kind of file will do, for others may hold text of anybody."""
        return next((f for f in self.files if (f.size, f.sha256) == (size, digest) and _INDEX.fullmatch(f.path)), None)

    def unpacked(self, listed: Listed) -> Listed | None:
        """What a Release says about a Packages file without its compression; archives need not keep that file."""
        path = listed.path.removesuffix(".xz").removesuffix(".gz")
        return next((file for file in self.files if file.path == path), None)


@lru_cache(maxsize=4)
def read_release(raw: bytes) -> Release:
    """A Release file, kept for a while: a thousand packages of one archive cost one reading.

    Raises:
        FormatError: as for ``Release.parse``.
    """
    return Release.parse(raw)


@dataclass(frozen=True, slots=True)
class Packed:
    """A Packages file as it travels; equal to another one when Release says the same of both, so that one is read once."""

    listed: Listed
    unpacked: Listed | None
    content: bytes = field(compare=False, repr=False)

    def stream(self) -> Iterator[bytes]:
        """The content without its compression, never more than what is signed.

        Raises:
            FormatError: more, less or other bytes than Release says.
        """
        limit = min(self.unpacked.size, MAX_PACKAGES) if self.unpacked else MAX_PACKAGES
        seen, hasher = 0, hashlib.sha256()
        for block in _unpack(self.content, self.listed.path):
            seen += len(block)
            if seen > limit:
                raise FormatError(f"{self.listed.path!a:.120}: expected at most {limit} bytes, got more")
            hasher.update(block)
            yield block
        if self.unpacked and (seen, hasher.digest()) != (self.unpacked.size, self.unpacked.sha256):
            raise FormatError(f"{self.listed.path!a:.120}: expected what Release says of it unpacked, got other bytes")


@lru_cache(maxsize=4)
def read_packages(packed: Packed) -> Mapping[bytes, Sequence[Package]]:
    """All packages by SHA-256. A thousand packages of one file cost one reading.

    Raises:
        FormatError: malformed, or not what Release says.
    """
    found: dict[bytes, list[Package]] = {}
    for stanza in _stanzas(packed.stream()):
        said = _stanza(stanza)
        if said is not None:
            found.setdefault(said[0], []).append(said[1])
    return found


def read_date(text: str) -> datetime:
    """A date as archives write it, ``Sat, 05 Sep 2026 10:12:13 UTC``.

    Raises:
        FormatError: anything else.
    """
    found = _DATE.fullmatch(text)
    try:
        if found is None or found[2] not in _MONTHS:
            raise ValueError(text)
        day, month, *others = found.groups()
        year, hour, minute, second = map(int, others)
        return datetime(year, 1 + _MONTHS.index(month), int(day), hour, minute, second, tzinfo=UTC)
    except ValueError as exc:
        raise FormatError(f"Release: expected a date in UTC, got {text!a:.80}") from exc


def _paragraph(raw: bytes) -> Mapping[str, str]:
    """The fields of one paragraph, names in lower case, folded lines joined by line ends."""
    if len(raw) > MAX_RELEASE:
        raise FormatError(f"Release: expected at most {MAX_RELEASE} bytes, got {len(raw)}")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise FormatError("Release: expected text in UTF-8, got other bytes") from exc
    fields: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.rstrip("\n").split("\n"):
        if line.startswith((" ", "\t")) and fields and line.strip():
            lines.append(line)
            continue
        name, colon, value = line.partition(":")
        if not colon or not _FIELD.fullmatch(name) or name.lower() in fields:
            raise FormatError(f"Release: expected one paragraph with each field once, got {line!a:.80}")
        lines = fields[name.lower()] = [value.strip(" \t")]
    return {name: "\n".join(values) for name, values in fields.items()}


def _files(text: str) -> Sequence[Listed]:
    return [_listed(line) for line in text.split("\n") if line]


def _listed(line: str) -> Listed:
    words = line.split()
    if len(words) != 3 or not _is_number(words[1]):
        raise FormatError(f"Release: expected a digest, a size and a path, got {line!a:.120}")
    return Listed(words[2], int(words[1]), parse_sha256(words[0]))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15


class _Decompressor(Protocol):
    """What lzma's and zlib's decompressors have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _unpack(content: bytes, path: str) -> Iterator[bytes]:
    """The bytes of a file, in blocks; one stream and nothing after it."""
    if not path.endswith((".xz", ".gz")):
        yield from (content[at : at + _CHUNK] for at in range(0, len(content), _CHUNK))
        return
    try:
        yield from _xz(content) if path.endswith(".xz") else _gz(content)
    except (lzma.LZMAError, zlib.error, EOFError) as exc:
        raise FormatError(f"{path!a:.120}: expected one compressed stream, got other bytes") from exc


def _xz(content: bytes) -> Iterator[bytes]:
    stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
    given = content
    while not stream.eof:
        block = stream.decompress(given, _CHUNK)
        given = b""
        if not block and stream.needs_input and not stream.eof:
            raise EOFError
        yield block
    _check_end(stream)


def _gz(content: bytes) -> Iterator[bytes]:
    stream = zlib.decompressobj(wbits=31)
    given = content
    while not stream.eof:
        block = stream.decompress(given, _CHUNK)
        given = stream.unconsumed_tail
        if not block and not given and not stream.eof:
            raise EOFError
        yield block
    _check_end(stream)


def _check_end(stream: _Decompressor) -> None:
    if stream.unused_data:
        raise lzma.LZMAError("bytes after the stream")


def _stanzas(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The paragraphs of a file, each without its blank line."""
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n\n")
        yield from whole
        if len(rest) > MAX_STANZA:
            raise FormatError(f"Packages: expected at most {MAX_STANZA} bytes in a stanza, got more")
    yield rest


def _stanza(raw: bytes) -> tuple[bytes, Package] | None:
    """One package and its SHA-256; None for one that has none and vouches for nothing.

    A line that begins with a name begins a field: folded lines begin with a blank.
    """
    text = b"\n" + raw.strip(b"\n") + b"\n"
    found = [text.split(b"\n%b: " % name) for name in _WANTED]
    if len(found[-1]) == 1:
        return None
    if any(len(parts) != 2 for parts in found):
        raise FormatError(f"Packages: expected each field once, got {raw[:80]!a}")
    try:
        name, version, architecture, filename, size, digest = (
            parts[1].partition(b"\n")[0].decode().strip(" \t") for parts in found
        )
    except UnicodeDecodeError as exc:
        raise FormatError("Packages: expected text in UTF-8, got other bytes") from exc
    if not _is_number(size):
        raise FormatError(f"Packages: expected a size, got {size!a:.40}")
    return parse_sha256(digest), Package(name, version, architecture, filename, int(size))
