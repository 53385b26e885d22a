"""The tar stream: what every header and padding byte has to be. Written, compared, never parsed.

Source: POSIX.1-2017, pax utility, "ustar Interchange Format" and "pax Header Block". Mode 0644, owner 0, no names of
people; a pax header only for a path or size that ustar cannot say.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from airgap.core.entries import Entry
from airgap.core.manifest import SUMS

BLOCK: Final = 512
END: Final = bytes(2 * BLOCK)
MAX_USTAR_SIZE: Final = 8**11 - 1
MAX_MTIME: Final = 8**11 - 1
"""Seconds since 1970 that eleven octal digits can say: until 2242."""
_NAME: Final = 100
_PREFIX: Final = 155
_SUMS_LINE: Final = 64 + 2 + 1
_BATCH: Final = 2000


def entry_header(path: str, size: int, mtime: int) -> bytes:
    """The header blocks of a regular file.

    Args:
        path: checked by ``core.names``.
        size: bytes.
        mtime: seconds since 1970, UTC.
    """
    split = _split(path)
    records = b""
    if split is None:
        records += _record("path", path)
        split = (b"", b"file")
    if size > MAX_USTAR_SIZE:
        records += _record("size", str(size))
    header = _ustar(split[0], split[1], 0 if size > MAX_USTAR_SIZE else size, mtime, b"0")
    if not records:
        return header
    return _ustar(b"", b"pax", len(records), mtime, b"x") + records + padding(len(records)) + header


def header_size(path: str, size: int) -> int:
    """Bytes of the header blocks."""
    if size <= MAX_USTAR_SIZE and _split(path) is not None:
        return BLOCK
    return len(entry_header(path, size, 0))


def padding(size: int) -> bytes:
    """The zero bytes that fill the last block of ``size`` bytes."""
    return bytes(-size % BLOCK)


def sums_size(paths: Iterable[str]) -> int:
    """Bytes of the file SHA256SUMS for these paths."""
    return sum(_SUMS_LINE + len(path.encode()) for path in paths)


def sums_lines(entries: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """The file SHA256SUMS in pieces, from path and raw digest. Source: coreutils sha256sum, text mode."""
    batch: list[str] = []
    for path, digest in entries:
        batch.append(f"{digest.hex()}  {path}\n")
        if len(batch) == _BATCH:
            yield "".join(batch).encode()
            batch.clear()
    yield "".join(batch).encode()


def stream_size(entries: Iterable[tuple[str, int]]) -> int:
    """Bytes of the whole tar stream for these paths and sizes, SHA256SUMS and end blocks included."""
    total = 0
    sums = 0
    for path, size in entries:
        total += header_size(path, size) + size + -size % BLOCK
        sums += _SUMS_LINE + len(path.encode())
    return total + header_size(SUMS, sums) + sums + -sums % BLOCK + len(END)


def segments(entries: Sequence[Entry], sums: int, mtime: int) -> Iterator[bytes | Entry]:
    """The stream in order: bytes that must stand there, and entries whose content does.

    Args:
        entries: in the order of the stream.
        sums: bytes of SHA256SUMS.
        mtime: seconds since 1970, UTC.
    """
    pad = b""
    for entry in entries:
        yield pad + entry_header(entry.path, entry.size, mtime)
        yield entry
        pad = padding(entry.size)
    yield pad + entry_header(SUMS, sums, mtime)
    yield from sums_lines((entry.path, entry.sha256) for entry in entries)
    yield padding(sums) + END


def _split(path: str) -> tuple[bytes, bytes] | None:
    """Prefix and name as ustar stores them, or None where it cannot."""
    if not path.isascii():
        return None
    raw = path.encode()
    if len(raw) <= _NAME:
        return b"", raw
    cut = raw.find(b"/", len(raw) - _NAME - 1)
    if 0 < cut <= _PREFIX and cut < len(raw) - 1:
        return raw[:cut], raw[cut + 1 :]
    return None


def _ustar(prefix: bytes, name: bytes, size: int, mtime: int, kind: bytes) -> bytes:
    identity, stamp, tail, fixed = _fixed_fields(mtime, kind)
    digits = b"%011o" % size
    # the sum of all bytes, with its own field counted as blanks; the fixed fields were added up once
    checksum = fixed + sum(name) + sum(digits) + sum(prefix)
    return b"".join(
        (name.ljust(_NAME, b"\0"), identity, digits, stamp, b"%06o\0 " % checksum, tail, prefix.ljust(167, b"\0"))
    )


@lru_cache(maxsize=8)
def _fixed_fields(mtime: int, kind: bytes) -> tuple[bytes, bytes, bytes, int]:
    """The fields that all headers of a stream share: before the size, up to the checksum, after it; and their sum."""
    identity = b"0000644\0" + b"0000000\0" * 2
    stamp = b"\0%011o\0" % mtime
    tail = kind + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2
    return identity, stamp, tail, sum(identity) + sum(stamp) + sum(tail) + 8 * ord(" ")


def _record(keyword: str, value: str) -> bytes:
    """One pax record; its length counts itself."""
    body = f" {keyword}={value}\n".encode()
    length = len(body)
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body
