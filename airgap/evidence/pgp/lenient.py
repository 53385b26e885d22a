"""Why a signature does not count, worked out without a library's policy: for people to read, and for the lenient tier.

Policies of libraries drift: signatures that a producer made in good order years ago are refused today because the key
vouches for itself with SHA-1. What is overlooked here is exactly that; SHA-1 or MD5 over the data itself, weak keys, expiry
and revocation count as ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from airgap.core.errors import FormatError
from airgap.core.verdict import Result
from airgap.evidence.pgp.certificates import PRIMARY, SUBKEY, USER_ID, Certificate, read_key
from airgap.evidence.pgp.mathematics import HASHES, WEAK_HASHES, Feed, is_signed, is_weak, name_of
from airgap.evidence.pgp.packets import Key, Packet, four
from airgap.evidence.pgp.signature import Signature
from airgap.evidence.pubkey import MIN_RSA

AHEAD: Final = timedelta(days=1)
"""How far a signer's clock may be ahead of ours."""
_KEY_EXPIRES, _FLAGS = 9, 27
_SIGNS: Final = 2
"""The key flag for signing data (RFC 9580, 5.2.3.29)."""
_REVOKES: Final = {0x20, 0x28}
_DIRECT: Final = 0x1F
_SOFT: Final = {1, 3}
"""Reasons of a revocation that leave older signatures good: superseded, retired (RFC 9580, 5.2.3.31)."""


class Fault(NamedTuple):
    """Why a signature does not count."""

    result: Result
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class History:
    """What a certificate says about its keys, each word of it signed by its primary key; policy is not asked.

    Attributes:
        bindings: fingerprint to the signatures that bind the key, oldest first.
        revocations: fingerprint to the signatures that revoke it.
        user_ids: those that the key signed.
    """

    bindings: Mapping[str, Sequence[Signature]]
    revocations: Mapping[str, Sequence[Signature]]
    user_ids: Sequence[str]

    @classmethod
    def of(cls, certificate: Certificate) -> "History":
        """Check every signature that the certificate's own key made."""
        bindings: dict[str, list[Signature]] = {}
        revocations: dict[str, list[Signature]] = {}
        names = []
        for part, packets in certificate.parts.items():
            key = read_key(part) or certificate.primary
            signatures = _own(certificate.primary, part, packets)
            for signature in signatures:
                kept = revocations if signature.kind in _REVOKES else bindings
                kept.setdefault(key.fingerprint, []).append(signature)
            if signatures and part.tag == USER_ID:
                names.append(part.body.decode("utf-8", "replace"))
        for found in bindings.values():
            found.sort(key=lambda signature: signature.said[2])
        return cls(bindings, revocations, names)

    def binding(self, key: Key, at: datetime) -> Signature | None:
        """The binding signature in force at a time; the first one for times before it."""
        return _in_force(self.bindings.get(key.fingerprint, ()), at)

    def word(self, key: Key, kind: int, at: datetime) -> Signature | None:
        """The signature whose subpacket of a kind counts at a time.

        What is said with a user id goes before what is said of the key alone: a later signature of the key alone, which
        names a revoker for example, takes neither the expiry nor the flags away. Sequoia looks in this order too.
        """
        every = self.bindings.get(key.fingerprint, ())
        own, direct = ([it for it in every if (it.kind == _DIRECT) is is_direct] for is_direct in (False, True))
        found = (_in_force(some, at) for some in (own, direct))
        return next((it for it in found if it and kind in it.said), None)

    def expires(self, key: Key, at: datetime) -> datetime | None:
        """When a key expires by what was said at a time; None for never."""
        word = self.word(key, _KEY_EXPIRES, at)
        return word.key_expires(key) if word else None

    def is_revoked(self, key: Key, at: datetime) -> bool:
        """Whether a key was withdrawn: a hard revocation acts backwards, a soft one from its date on."""
        return any(
            _is_hard(it) or (it.created is not None and it.created <= at)
            for it in self.revocations.get(key.fingerprint, ())
        )

    def state(self, keys: Sequence[Key], at: datetime) -> str:
        """The worst state of some keys at a time, in the words of findings."""
        if any(self.is_revoked(key, at) for key in keys):
            return "revoked"
        ends = [end for key in keys if (end := self.expires(key, at))]
        return "expired" if any(end <= at for end in ends) else "valid"


def _own(primary: Key, part: Packet, packets: Sequence[Packet]) -> list[Signature]:
    """The signatures on a part that the primary key made, of the types that belong there (RFC 9580, 5.2.1)."""
    key = read_key(part)
    found = []
    for packet in packets:
        signature = Signature.parse(packet)
        if part.tag == PRIMARY and signature.kind in {0x1F, 0x20}:
            framed = primary.framed
        elif part.tag == USER_ID and 0x10 <= signature.kind <= 0x13:
            framed = primary.framed + b"\xb4" + four(len(part.body)) + part.body
        elif part.tag == SUBKEY and signature.kind in {0x18, 0x28} and key:
            framed = primary.framed + key.framed
        else:
            # on the wrong part, or of no type that says anything about a key
            continue
        # a revocation under conditions that nobody here knows is a revocation
        counts = not signature.unknown or signature.kind in _REVOKES
        if signature.created and counts and is_signed(signature, primary, _just(framed)):
            found.append(signature)
    return found


def _in_force(signatures: Sequence[Signature], at: datetime) -> Signature | None:
    """The last one at a time; the first one for times before it."""
    found = [it for it in signatures if it.expires is None or it.expires > at]
    earlier = [it for it in found if it.created and it.created <= at]
    return earlier[-1] if earlier else next(iter(found), None)


def _just(framed: bytes) -> Feed:
    return lambda update: (update(framed), None)[1]


def _is_hard(revocation: Signature) -> bool:
    return revocation.said.get(29, b"")[:1] not in {bytes((reason,)) for reason in _SOFT}


def times_fault(signature: Signature, key: Key, at: datetime) -> Fault | None:
    """What is wrong with the times in a signature, by our own clock."""
    made, end = signature.created, signature.expires
    if made is None:
        return Fault(Result.FAILED, "a signature that says when it was made", "one without a time")
    if made < key.created:
        return Fault(Result.FAILED, f"a signature after the key was made, {key.created:%Y-%m-%d}", f"{made:%Y-%m-%d}")
    if made > at + AHEAD:
        return Fault(Result.FAILED, f"a signature made by now, {at:%Y-%m-%d}", f"one that is dated {made:%Y-%m-%d}")
    if end is not None and end <= at:
        return Fault(Result.FAILED, "a signature that still counts", f"one that expired on {end:%Y-%m-%d}")
    return None


def strength_fault(signature: Signature, key: Key) -> Fault | None:
    """Whether hash or key are too weak for data, in any tier."""
    if signature.hash in WEAK_HASHES:
        return Fault(Result.WEAK_ALGORITHM, "SHA-256 or stronger over the data", f"{HASHES[signature.hash]}")
    if is_weak(key):
        return Fault(Result.WEAK_ALGORITHM, f"a key of {MIN_RSA} bits or more", name_of(key))
    return None


def examine(
    signature: Signature, certificate: Certificate, history: History, key: Key, feed: Feed, at: datetime
) -> Fault | None:
    """Why a signature does not count, as far as mathematics, dates and the key's own words go; None when it does.

    Args:
        signature: of a document, untrusted.
        certificate: whose primary key is pinned, or at least known.
        history: of the certificate.
        key: the primary key or a subkey that the signature names.
        feed: the message.
        at: now.
    """
    weak = strength_fault(signature, key)
    if weak:
        return weak
    signed = is_signed(signature, key, feed)
    if signed is None:
        what = f"{name_of(key)}/{HASHES.get(signature.hash, signature.hash)}"
        return Fault(Result.UNSUPPORTED, "an algorithm whose mathematics is known here", what)
    if not signed:
        return Fault(Result.FAILED, f"a signature of these bytes by {key.fingerprint}", "one that does not hold")
    if signature.unknown:
        got = f"critical subpackets {sorted(signature.unknown)}"
        return Fault(Result.FAILED, "a signature without unknown conditions", got)
    return times_fault(signature, key, at) or _life_fault(signature, certificate, history, key)


def _life_fault(signature: Signature, certificate: Certificate, history: History, key: Key) -> Fault | None:
    """What the certificate says against the key at the time of the signature."""
    made = signature.created
    assert made is not None  # times_fault refused it
    binding = history.binding(key, made)
    if binding is None or history.binding(certificate.primary, made) is None:
        return Fault(Result.FAILED, "a key that its certificate binds", "one without a signature of the primary key")
    keys = {certificate.primary, key}
    if any(history.is_revoked(one, made) for one in keys):
        return Fault(Result.REVOKED, "a key that was not revoked", "one that its certificate revokes")
    ends = sorted(end for one in keys if (end := history.expires(one, made)) and end <= made)
    if ends:
        got = f"one that expired on {ends[0]:%Y-%m-%d}, before the signature of {made:%Y-%m-%d}"
        return Fault(Result.EXPIRED_AT_SIGNING, "a key that was valid when it signed", got)
    word = history.word(key, _FLAGS, made)
    if not _may_sign(certificate.primary, key, binding, word.said[_FLAGS] if word else None):
        return Fault(Result.FAILED, "a key for signing data", "one that its certificate binds for other uses")
    return None


def _may_sign(primary: Key, key: Key, binding: Signature, flags: bytes | None) -> bool:
    """Whether the binding allows signatures; a subkey has to say itself that it belongs to the primary key.

    Source: RFC 9580, 5.2.1.9 (type 0x19); without it somebody could bind another's key and claim its signatures.
    """
    if key == primary:
        return flags is None or bool(flags[:1] and flags[0] & _SIGNS)
    if not flags or not flags[0] & _SIGNS:
        return False
    try:
        back = Signature.parse(Packet(2, binding.embedded))
    except FormatError:
        return False
    return back.kind == 0x19 and bool(is_signed(back, key, _just(primary.framed + key.framed)))
