"""DSSE envelopes, in this project's strict profile.

Source: DSSE protocol 1.0.2. Stricter than it in four points: canonical JSON, the standard base64 alphabet only, every
signature must be by a key the caller knows, and every signature must hold.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from airgap.core import canonical
from airgap.core.authentic import Authentic
from airgap.core.errors import FormatError
from airgap.core.keys import PrivateKey, PublicKey
from airgap.core.reasons import Reason
from airgap.core.schema import validate

MAX_SIGNATURES: Final = 16
STATEMENT_TYPE: Final = "application/vnd.in-toto+json"
TRUST_TYPE: Final = "application/vnd.airgap.trust+json"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature and the id of the key that is said to have made it."""

    key_id: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with signatures sorted by key id, as it arrived: nothing about it is verified."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, raw: bytes, *, what: str = "envelope") -> Self:
        """Read an envelope; accepts exactly what ``encode`` writes.

        Raises:
            FormatError: anything else, or more than 16 signatures (T142).
        """
        return cls.from_value(canonical.decode(raw, what=what), what=what)

    @classmethod
    def from_value(cls, value: Any, *, what: str = "envelope") -> Self:
        """The envelope in a decoded JSON value.

        Raises:
            FormatError: as for ``parse``.
        """
        validate("envelope", value, what=what)
        signatures = tuple(Signature(s["keyid"], _base64(s["sig"], what)) for s in value["signatures"])
        ids = [s.key_id for s in signatures]
        if len(set(ids)) != len(ids):
            raise FormatError(f"{what}: expected one signature per key, got a repeated key")
        if ids != sorted(ids):
            raise FormatError(f"{what}: expected signatures sorted by key id, got another order")
        return cls(value["payloadType"], _base64(value["payload"], what), signatures)

    def value(self) -> dict[str, Any]:
        """The envelope as a JSON value."""
        return {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [{"keyid": s.key_id, "sig": base64.b64encode(s.value).decode()} for s in self.signatures],
        }

    def encode(self) -> bytes:
        """The one encoding of the envelope."""
        return canonical.encode(self.value())

    def with_signatures(self, keys: Sequence[PrivateKey]) -> "Envelope":
        """The envelope with one more signature by each key.

        Raises:
            FormatError: a key signed already, or there would be more than 16.
        """
        known = {s.key_id for s in self.signatures}
        added = []
        for key in keys:
            key_id = key.public.key_id
            if key_id in known:
                raise FormatError("envelope: expected a key that has not signed yet, got one that has")
            known.add(key_id)
            added.append(Signature(key_id, key.sign(pae(self.payload_type, self.payload))))
        if len(known) > MAX_SIGNATURES:
            raise FormatError(f"envelope: expected at most {MAX_SIGNATURES} signatures, got {len(known)}")
        signatures = sorted((*self.signatures, *added), key=lambda s: s.key_id)
        return Envelope(self.payload_type, self.payload, tuple(signatures))


def pae(payload_type: str, payload: bytes) -> bytes:
    """Join type and payload into the bytes that get signed.

    Source: DSSE protocol 1.0.2, PAE. Lengths count encoded bytes, not characters.
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def authenticate(envelope: Envelope, payload_type: str, known: Mapping[str, PublicKey], *, what: str) -> Authentic:
    """Verify every signature of an envelope and hand out the payload.

    The key id only selects which of the known keys to try; a signature that none of them made, or that does not hold,
    refuses the whole envelope, so that no byte of it can change unnoticed.

    Args:
        envelope: untrusted.
        payload_type: what the caller is about to parse (T129).
        known: key id to key, from a trust document.
        what: the document's name, for the message.

    Raises:
        FormatError: with reason malformed, unsigned, unknown-signer or bad-signature.
    """
    if envelope.payload_type != payload_type:
        raise FormatError(f"{what}: expected payload type {payload_type}, got {envelope.payload_type!a:.80}")
    if not envelope.signatures:
        raise FormatError(f"{what}: expected a signature, got none", reason=Reason.UNSIGNED)
    message = pae(envelope.payload_type, envelope.payload)
    for signature in envelope.signatures:
        key = known.get(signature.key_id)
        if key is None:
            raise FormatError(
                f"{what}: expected signatures by known keys, got one by key {signature.key_id[:16]}",
                reason=Reason.UNKNOWN_SIGNER,
            )
        if not key.is_signed(message, signature.value):
            raise FormatError(
                f"{what}: expected a valid signature by key {signature.key_id[:16]}, got one that does not hold",
                reason=Reason.BAD_SIGNATURE,
            )
    return Authentic(envelope.payload, frozenset(s.key_id for s in envelope.signatures))


def _base64(text: str, what: str) -> bytes:
    """Standard alphabet, padded, no blanks, no stray bits: decode and compare (T131)."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise FormatError(f"{what}: expected base64, got other text") from exc
    if base64.b64encode(raw).decode() != text:
        raise FormatError(f"{what}: expected canonical base64, got another encoding of the same bytes")
    return raw
