"""OpenPGP bytes, read strictly: armor, packets and keys.

Source: RFC 9580 (and RFC 4880, which it obsoletes). Nothing is decided here, and nothing is decompressed: packets that have
no business in a signature or a certificate are refused before any library sees them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple, Self

from airgap.core.errors import FormatError
from airgap.evidence.pubkey import strict_base64

MAX_PACKETS: Final = 200_000
"""Of one file; the keyring of all Debian developers has 55,139 (2022)."""
ARMOR: Final = b"-----BEGIN PGP "
_SIGNATURE: Final = 2


class Packet(NamedTuple):
    """One packet: its tag (type id) and its body."""

    tag: int
    body: bytes

    @property
    def raw(self) -> bytes:
        """With a header in the new format and a length of five octets (RFC 9580, 4.2.1.3)."""
        return bytes((0xC0 | self.tag, 0xFF)) + len(self.body).to_bytes(4, "big") + self.body


class Reader:
    """Takes fields off untrusted bytes."""

    def __init__(self, raw: bytes, what: str) -> None:
        self._raw = raw
        self._what = what
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next bytes; FormatError where there are fewer."""
        if count > len(self._raw) - self._at:
            raise FormatError(f"{self._what}: expected {count} more bytes, got {len(self._raw) - self._at}")
        self._at += count
        return self._raw[self._at - count : self._at]

    def number(self, size: int) -> int:
        """A number of some octets."""
        return int.from_bytes(self.take(size), "big")

    def integer(self) -> int:
        """A multiprecision integer (RFC 9580, 3.2)."""
        return int.from_bytes(self.take((self.number(2) + 7) // 8), "big")

    def rest(self) -> bytes:
        """All bytes that are left."""
        return self.take(len(self._raw) - self._at)

    @property
    def is_done(self) -> bool:
        """Whether none are left."""
        return self._at == len(self._raw)


def dearmor(raw: bytes, label: bytes) -> list[bytes]:
    """The content of the armored blocks in a file; what stands around them is not read.

    The checksum proves nothing that the signature does not prove, so it is ignored (RFC 9580, 6.1).

    Raises:
        FormatError: a block that does not end, or no base64 in it.
    """
    begin, end = ARMOR + label + b"-----", b"-----END PGP " + label + b"-----"
    blocks: list[list[bytes]] = []
    is_inside = False
    for line in raw.split(b"\n"):
        text = line.rstrip(b" \t\r")
        if not is_inside and text == begin:
            blocks.append([])
            is_inside = True
        elif is_inside and text == end:
            is_inside = False
        elif is_inside:
            blocks[-1].append(text)
    if is_inside:
        raise FormatError("armor: expected an END line, got the end of the file")
    return [_decode(block) for block in blocks]


def _decode(lines: list[bytes]) -> bytes:
    if b"" not in lines:
        raise FormatError("armor: expected an empty line after its headers, got none")
    body = lines[lines.index(b"") + 1 :]
    while body and (not body[-1] or body[-1].startswith(b"=")):
        body.pop()
    joined = b"".join(body)
    if not joined.isascii():
        raise FormatError("armor: expected base64, got other bytes")
    return strict_base64(joined.decode(), what="armor")


def packets(raw: bytes) -> Iterator[Packet]:
    """The packets of a binary file.

    Raises:
        FormatError: a broken header, a partial or open length, or more than ``MAX_PACKETS``.
    """
    reader = Reader(raw, "OpenPGP packets")
    count = 0
    while not reader.is_done:
        count += 1
        if count > MAX_PACKETS:
            raise FormatError(f"OpenPGP packets: expected at most {MAX_PACKETS}, got more")
        first = reader.number(1)
        if not first & 0x80:
            raise FormatError(f"OpenPGP packets: expected a packet's first octet, got 0x{first:02x}")
        if first & 0x40:
            yield Packet(first & 0x3F, reader.take(_new_length(reader)))
        elif first & 3 == 3:
            raise FormatError("OpenPGP packets: expected a stated length, got an open one")
        else:
            yield Packet((first & 0x3C) >> 2, reader.take(reader.number(1 << (first & 3))))


def _new_length(reader: Reader) -> int:
    """RFC 9580, 4.2.1; without its partial lengths, which only data may have."""
    first = reader.number(1)
    if first < 192:
        return first
    if first < 224:
        return ((first - 192) << 8) + reader.number(1) + 192
    if first < 255:
        raise FormatError("OpenPGP packets: expected a whole length, got a partial one")
    return reader.number(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A public key or subkey.

    Attributes:
        body: of its packet.
        algorithm: its number (RFC 9580, 9.1).
        material: the algorithm's own fields.
    """

    body: bytes
    version: int
    created: datetime
    algorithm: int
    material: bytes

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read the body of a key packet (RFC 9580, 5.5.2).

        Raises:
            FormatError: version 3 or older, a broken body, or one that is too long to have a fingerprint.
        """
        reader = Reader(body, "OpenPGP key")
        version = reader.number(1)
        if version not in {4, 6}:
            raise FormatError(f"OpenPGP key: expected version 4 or 6, got {version}")
        if version == 4 and len(body) > 0xFFFF:
            raise FormatError(f"OpenPGP key: expected at most {0xFFFF} bytes, got {len(body)}")
        created, algorithm = time_of(reader.number(4)), reader.number(1)
        material = reader.rest() if version == 4 else reader.take(reader.number(4))
        if not reader.is_done:
            raise FormatError("OpenPGP key: expected the end of its packet, got more bytes")
        return cls(body=body, version=version, created=created, algorithm=algorithm, material=material)

    @property
    def framed(self) -> bytes:
        """What fingerprints and signatures hash (RFC 9580, 5.2.4 and 5.5.4)."""
        head = b"\x99" + len(self.body).to_bytes(2, "big") if self.version == 4 else b"\x9b" + four(len(self.body))
        return head + self.body

    @property
    def fingerprint(self) -> str:
        """In lower-case hex. SHA-1 in version 4, which the format prescribes."""
        if self.version == 6:
            return hashlib.sha256(self.framed).hexdigest()
        return hashlib.sha1(self.framed).hexdigest()  # noqa: S324 -- the format's own

    @property
    def key_id(self) -> str:
        """The hint by which older signatures name a key; never a reason to trust (T126)."""
        return self.fingerprint[-16:] if self.version == 4 else self.fingerprint[:16]

    def numbers(self, count: int) -> tuple[list[int], bytes]:
        """The multiprecision integers at the start of the material, and what follows."""
        reader = Reader(self.material, "OpenPGP key")
        return [reader.integer() for _ in range(count)], reader.rest()


def read_signatures(raw: bytes, *, limit: int) -> list[Packet]:
    """The signature packets of a file, armored (one or several blocks) or binary.

    Raises:
        FormatError: anything else in it, nothing, or more than ``limit`` signatures.
    """
    found: list[Packet] = []
    for block in _blocks(raw):
        for packet in packets(block):
            if packet.tag != _SIGNATURE:
                raise FormatError(f"OpenPGP signatures: expected signature packets only, got one with tag {packet.tag}")
            found.append(packet)
            if len(found) > limit:
                raise FormatError(f"OpenPGP signatures: expected at most {limit} in a file, got more")
    if not found:
        raise FormatError("OpenPGP signatures: expected at least one, got none")
    return found


def _blocks(raw: bytes) -> list[bytes]:
    """Old programs called the armor of a detached signature a message."""
    if raw.lstrip()[: len(ARMOR)] != ARMOR:
        return [raw]
    return dearmor(raw, b"SIGNATURE") or dearmor(raw, b"MESSAGE")


def time_of(seconds: int) -> datetime:
    """A time as OpenPGP writes it: seconds since 1970, UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def four(number: int) -> bytes:
    """A number in four octets."""
    return number.to_bytes(4, "big")
