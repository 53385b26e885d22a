"""OpenPGP certificates: a key with what it says about itself, put together from all copies at hand.

Source: RFC 9580, 10.1. Nothing is decided here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self

from airgap.core.errors import FormatError
from airgap.evidence.pgp.packets import ARMOR, Key, Packet, dearmor, packets
from airgap.evidence.pgp.signature import Signature

SIGNATURE, PRIMARY, USER_ID, SUBKEY, ATTRIBUTE = 2, 6, 13, 14, 17
_IN_KEYRINGS: Final = {SIGNATURE, PRIMARY, 10, 12, USER_ID, SUBKEY, ATTRIBUTE, 21}
"""Tags in a keyring; marker, trust and padding packets (10, 12, 21) say nothing."""
MAX_PARTS: Final = 1000
"""Keys, user ids and their own signatures in one certificate; the largest among Debian's developers has 119."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A primary key with what it says about itself; what others certified was left out."""

    primary: Key
    subkeys: tuple[Key, ...]
    parts: Mapping[Packet, tuple[Packet, ...]]

    @classmethod
    def gather(cls, groups: Iterable[Mapping[Packet, Iterable[Packet]]]) -> Self:
        """One certificate of all that several copies of it say, so that a refreshed copy's revocations count.

        Signatures by other keys are left out: they vouch for nothing here, and certificates were flooded with them.

        Args:
            groups: of ``read_certificates``, all with the same first part.

        Raises:
            FormatError: more parts than anybody's certificate has.
        """
        merged: dict[Packet, dict[Packet, None]] = {}
        for group in groups:
            for part, signatures in group.items():
                merged.setdefault(part, {}).update(dict.fromkeys(signatures))
        head, *others = merged
        primary = Key.parse(head.body)
        ordered = {part: tuple(it for it in merged[part] if _is_own(it, primary)) for part in (head, *sorted(others))}
        count = len(ordered) + sum(len(signatures) for signatures in ordered.values())
        if count > MAX_PARTS:
            raise FormatError(f"OpenPGP certificate: expected at most {MAX_PARTS} parts of its own, got {count}")
        subkeys = [key for part in ordered if part != head and (key := read_key(part))]
        return cls(primary, tuple(subkeys), ordered)

    @property
    def raw(self) -> bytes:
        """As binary packets."""
        return b"".join(packet.raw for part, signed in self.parts.items() for packet in (part, *signed))

    @property
    def keys(self) -> tuple[Key, ...]:
        """The primary key and the subkeys."""
        return (self.primary, *self.subkeys)

    @property
    def user_ids(self) -> list[str]:
        """As the file says them; nothing vouches for them but the fingerprint that a person compared."""
        return [part.body.decode("utf-8", "replace") for part in self.parts if part.tag == USER_ID]


def read_certificates(raw: bytes) -> Iterator[dict[Packet, list[Packet]]]:
    """The certificates of a file: each as its parts (key, user ids, subkeys) with the signatures on them.

    One whose primary key is older than version 4 is left out.

    Raises:
        FormatError: the file is no keyring, armored or binary.
    """
    for block in dearmor(raw, b"PUBLIC KEY BLOCK") if ARMOR in raw else [raw]:
        yield from _group(block)


def gather_certificates(raw: bytes) -> list[Certificate]:
    """The certificates of a file; ``raw`` of each is all of it that an anchor has to hold.

    Raises:
        FormatError: there is none.
    """
    groups: dict[Packet, list[dict[Packet, list[Packet]]]] = {}
    for group in read_certificates(raw):
        groups.setdefault(next(iter(group)), []).append(group)
    if not groups:
        raise FormatError("OpenPGP certificates: expected at least one of version 4 or 6, got none")
    return [Certificate.gather(copies) for copies in groups.values()]


def _group(block: bytes) -> Iterator[dict[Packet, list[Packet]]]:
    parts: dict[Packet, list[Packet]] = {}
    primary: Key | None = None
    signed: list[Packet] | None = None
    for packet in packets(block):
        if packet.tag not in _IN_KEYRINGS:
            raise FormatError(f"OpenPGP certificates: expected public keys only, got a packet with tag {packet.tag}")
        if packet.tag == PRIMARY:
            if primary:
                yield parts
            primary = read_key(packet)
            signed = []
            parts = {packet: signed}
        elif packet.tag in {USER_ID, SUBKEY}:
            signed = parts.setdefault(packet, [])
        elif packet.tag == ATTRIBUTE:
            signed = None
        elif packet.tag == SIGNATURE and signed is not None:
            signed.append(packet)
    if primary:
        yield parts


def _is_own(packet: Packet, primary: Key) -> bool:
    """Whether a signature in a certificate does not say that another key made it."""
    try:
        signature = Signature.parse(packet)
    except FormatError:
        return False
    return not signature.issuers or signature.is_by(primary)


def read_key(packet: Packet) -> Key | None:
    """The key in a packet; None for other packets, and for a key that is too old or broken to have made a signature."""
    if packet.tag not in {PRIMARY, SUBKEY}:
        return None
    try:
        return Key.parse(packet.body)
    except FormatError:
        return None
