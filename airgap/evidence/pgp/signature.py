"""OpenPGP signature packets, taken apart strictly.

Source: RFC 9580, 5.2. Nothing is decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from airgap.core.errors import FormatError
from airgap.evidence.pgp.packets import Key, Packet, Reader, four, time_of

_ONCE: Final = {2, 3, 9, 27, 29}
"""Subpackets that decide something: times, key flags, the reason of a revocation. Twice would leave the choice open."""
_TIMES: Final = {2, 3, 9}
_KNOWN: Final = {2, 3, 4, 5, 7, 9, 11, 16, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 32, 33, 34, 39}
"""Types of subpackets (RFC 9580, 5.2.3.7); a critical one that is not listed makes a signature void.

Nor are those listed whose conditions nobody here looks at: notations (20), targets (31), recipients (35).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature packet.

    Attributes:
        kind: its type (RFC 9580, 5.2.1).
        algorithm: of the key.
        hash: number of the hash algorithm.
        hashed: its own octets that are hashed, up to the hashed subpackets' end.
        said: hashed subpackets by their type; the last of a type counts.
        issuers: fingerprints and key ids that it names, signed or not: hints.
        unknown: critical subpackets whose meaning nobody here knows.
        salt: of version 6.
        values: the algorithm's own fields.
    """

    packet: Packet
    version: int
    kind: int
    algorithm: int
    hash: int
    hashed: bytes
    said: Mapping[int, bytes]
    embedded: bytes
    issuers: frozenset[str]
    unknown: frozenset[int]
    salt: bytes
    values: bytes

    @classmethod
    def parse(cls, packet: Packet) -> Self:
        """Read a signature packet of version 4 or 6 (RFC 9580, 5.2.3).

        Raises:
            FormatError: another version, or a broken body.
        """
        reader = Reader(packet.body, "OpenPGP signature")
        version = reader.number(1)
        if version not in {4, 6}:
            raise FormatError(f"OpenPGP signature: expected version 4 or 6, got {version}")
        kind, algorithm, chosen = reader.take(3)
        wide = 2 if version == 4 else 4
        size = reader.number(wide)
        inner = reader.take(size)
        said, unknown = _subpackets(inner)
        loose, _ = _subpackets(reader.take(reader.number(wide)))
        reader.take(2)
        salt = reader.take(reader.number(1)) if version == 6 else b""
        return cls(
            packet=packet,
            version=version,
            kind=kind,
            algorithm=algorithm,
            hash=chosen,
            hashed=packet.body[: 4 + wide + size],
            said=said,
            embedded=said.get(32) or loose.get(32, b""),
            issuers=_issuers(said) or _issuers(loose),
            unknown=frozenset(unknown),
            salt=salt,
            values=reader.rest(),
        )

    @property
    def trailer(self) -> bytes:
        """What is hashed after the message (RFC 9580, 5.2.4)."""
        return self.hashed + bytes((self.version, 0xFF)) + four(len(self.hashed))

    @property
    def created(self) -> datetime | None:
        """When it was made, by its own words."""
        return time_of(int.from_bytes(self.said[2], "big")) if 2 in self.said else None

    @property
    def expires(self) -> datetime | None:
        """When it stops to count; None for never."""
        return _later(self.created, self.said.get(3))

    def key_expires(self, key: Key) -> datetime | None:
        """When a key expires that this signature is about; None for never."""
        return _later(key.created, self.said.get(9))

    def is_by(self, key: Key) -> bool:
        """Whether it says that a key made it: a fingerprint where it has one, else a key id."""
        full = {issuer for issuer in self.issuers if len(issuer) > 16}
        return key.fingerprint in full if full else key.key_id in self.issuers


def _subpackets(raw: bytes) -> tuple[dict[int, bytes], set[int]]:
    """Subpackets by type, and the types of critical ones that are not known here (RFC 9580, 5.2.3.7)."""
    reader = Reader(raw, "OpenPGP signature")
    said: dict[int, bytes] = {}
    unknown = set()
    while not reader.is_done:
        body = reader.take(_size(reader))
        if not body:
            raise FormatError("OpenPGP signature: expected a subpacket's type, got none")
        kind = body[0] & 0x7F
        if kind in said and kind in _ONCE:
            raise FormatError(f"OpenPGP signature: expected subpacket {kind} once, got it twice")
        if kind in _TIMES and len(body) != 5:
            raise FormatError(f"OpenPGP signature: expected four octets of time in subpacket {kind}, got {len(body) - 1}")
        said[kind] = body[1:]
        if body[0] & 0x80 and kind not in _KNOWN:
            unknown.add(kind)
    return said, unknown


def _size(reader: Reader) -> int:
    """RFC 9580, 5.2.3.7: unlike for packets, 224 to 254 are lengths of two octets."""
    first = reader.number(1)
    if first < 192:
        return first
    return reader.number(4) if first == 255 else ((first - 192) << 8) + reader.number(1) + 192


def _issuers(said: Mapping[int, bytes]) -> frozenset[str]:
    found = set()
    if len(said.get(33, b"")) in {21, 33}:
        found.add(said[33][1:].hex())
    if len(said.get(16, b"")) == 8:
        found.add(said[16].hex())
    return frozenset(found)


def _later(start: datetime | None, period: bytes | None) -> datetime | None:
    """A time some seconds later; none at all, and zero seconds, stand for never (RFC 9580, 5.2.3.13 and 5.2.3.18)."""
    if start is None or period is None or not any(period):
        return None
    return start + timedelta(seconds=int.from_bytes(period, "big"))
