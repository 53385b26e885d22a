"""The certificates at hand, and which of their keys a signature names.

A name is a hint (T126): it picks a certificate, and the fingerprint of that certificate's primary key is what a pin is
compared with.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple

from airgap.core.anchors import Anchor
from airgap.core.errors import FormatError
from airgap.evidence.pgp.certificates import Certificate, read_certificates, read_key
from airgap.evidence.pgp.lenient import History
from airgap.evidence.pgp.mathematics import HASHES, WEAK_HASHES
from airgap.evidence.pgp.packets import Key, Packet
from airgap.evidence.pgp.signature import Signature

MAX_HELD: Final = 200_000
"""Keys and user ids of all files that are kept; all Debian developers have fewer than 10,000."""
MAX_OTHERS: Final = 8
"""Certificates that nobody pinned and a signature names, which are looked at: anybody may put a key below his own."""


class Match(NamedTuple):
    """A key that a signature names, its certificate, and the anchors that pin it."""

    certificate: Certificate
    history: History
    key: Key
    anchors: Sequence[Anchor]

    @property
    def fingerprint(self) -> str:
        """Of the primary key: what pins are compared with."""
        return self.certificate.primary.fingerprint

    @property
    def identity(self) -> str:
        """A user id that the primary key signed; else the fingerprint."""
        return self.history.user_ids[0][:120] if self.history.user_ids else self.fingerprint

    @property
    def keys(self) -> Sequence[Key]:
        """The primary key and the key itself; the state of both counts."""
        return (self.certificate.primary, self.key)

    def state(self, at: datetime) -> str:
        """Of the keys, at a time: ``valid``, ``expired`` or ``revoked``."""
        return self.history.state(self.keys, at)

    def weak_bindings(self, signature: Signature) -> str:
        """The hash by which the certificate binds one of the keys, where it is a weak one; else empty."""
        made = signature.created
        found = [self.history.binding(key, made) for key in self.keys] if made else []
        return next((HASHES[it.hash] for it in found if it and it.hash in WEAK_HASHES), "")


class Book:
    """All certificates at hand, and who is pinned."""

    def __init__(self, files: Sequence[bytes], anchors: Sequence[Anchor]) -> None:
        self._anchors = anchors
        self._copies: dict[Packet, list[dict[Packet, list[Packet]]]] = {}
        self._named: dict[str, dict[Packet, None]] = {}
        self._pins = {pin for anchor in anchors for pin in anchor.pin.split(" ")}
        self._pinned: set[Packet] = set()
        self._held = 0
        for raw in files:
            with suppress(FormatError):
                for group in read_certificates(raw):
                    self._held += len(group)
                    if self._held > MAX_HELD:
                        return
                    self._add(group)

    def _add(self, group: dict[Packet, list[Packet]]) -> None:
        head = next(iter(group))
        self._copies.setdefault(head, []).append(group)
        for part in group:
            key = read_key(part)
            for name in (key.fingerprint, key.key_id) if key else ():
                self._named.setdefault(name, {})[head] = None
            if part is head and key and key.fingerprint in self._pins:
                self._pinned.add(head)

    def find(self, signature: Signature) -> list[Match]:
        """The keys that may have made a signature; the pinned ones first, and of the others one."""
        heads = {head: None for name in sorted(signature.issuers) for head in self._named.get(name, ())}
        others = islice((head for head in heads if head not in self._pinned), MAX_OTHERS)
        found = []
        for head in (*(head for head in heads if head in self._pinned), *others):
            with suppress(FormatError):
                certificate = Certificate.gather(self._copies[head])
                anchors = self._pinning(certificate.primary.fingerprint)
                found += [(certificate, key, anchors) for key in certificate.keys if signature.is_by(key)]
        pinned = [one for one in found if one[2]]
        return [Match(one, History.of(one), key, anchors) for one, key, anchors in pinned or found[:1]]

    @property
    def size(self) -> int:
        """Number of certificates."""
        return len(self._copies)

    def pinned(self, signature: Signature) -> str:
        """The pinned fingerprint that a signature names; empty when it names none."""
        full = {issuer for issuer in signature.issuers if len(issuer) > 16}
        pins = [pin for anchor in self._anchors for pin in anchor.pin.split(" ")]
        found = (pin for pin in pins if pin in full or (not full and pin[-16:] in signature.issuers))
        return next(found, "")

    def _pinning(self, fingerprint: str) -> list[Anchor]:
        return [anchor for anchor in self._anchors if fingerprint in anchor.pin.split(" ")]
