"""OpenSSF model signatures: one ``model.sig`` for all files of a model, by a key, a certificate or a Sigstore identity.

Source: OpenSSF Model Signing 1.0 and its Python library (versions 0.3.1 to 1.1.1): a Sigstore bundle with a DSSE envelope.
Without Sigstore the library leaves that format in two points: the hint of a key is the SHA-256 of its PEM text (or the key
itself stands there, before 1.0), and a bundle 0.3 may carry a chain of certificates.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from airgap.core.anchors import Kind
from airgap.core.digest import sha256
from airgap.core.entries import Role
from airgap.core.envelope import pae
from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence import raw, sigstore
from airgap.evidence.bundles.bundle import EvidenceError
from airgap.evidence.bundles.protojson import read_bytes, read_items, read_message, read_text
from airgap.evidence.model_manifest import read_manifest
from airgap.evidence.pinned import LIBRARY, Candidate, Pinned, gather, judge
from airgap.evidence.pubkey import Key
from airgap.evidence.subject import Bench, Piece, Pins, Subject
from airgap.evidence.x509.authorities import Shown, certificates_beside, judge_certificate, lists_beside, name_of
from airgap.evidence.x509.certificates import MAX_CARRIED, key_of, load_certificate

KIND: Final = "model-signing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The one signature of a bundle and what it is over; nothing about it is verified."""

    payload_type: str
    payload: bytes
    signature: bytes

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read the envelope of a bundle.

        Raises:
            FormatError: another value, or not exactly one signature.
        """
        members = {"payload", "payloadType", "signatures"}
        value = read_message(value, members, what="envelope", needed=members)
        signatures = read_items(value["signatures"], what="signatures", limit=1)
        if not signatures:
            raise FormatError("envelope: expected one signature, got none")
        return cls(
            payload_type=read_text(value["payloadType"], what="payload type"),
            payload=read_bytes(value["payload"], what="payload"),
            signature=read_bytes(
                read_message(signatures[0], {"sig", "keyid"}, what="signature", needed={"sig"})["sig"], what="signature"
            ),
        )

    @property
    def message(self) -> bytes:
        """What the signature is over."""
        return pae(self.payload_type, self.payload)


def read_pin(content: bytes) -> Pinned:
    """What pins the key in a PEM file.

    Raises:
        FormatError: it is no public key, a weak one, or none of the curves that model signatures are made with.
    """
    pinned = raw.read_pin(content)
    if not raw.pem_candidate(pinned.pin).key.algorithm.startswith("ecdsa-"):
        raise FormatError("public key: expected ECDSA (P-256, P-384, P-521) for model signatures, got another algorithm")
    return pinned


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge the ``model.sig`` of the model that a file belongs to; see ``Verifier``."""
    bench = Bench.of(subject, piece, KIND, library=LIBRARY, vouches=Vouches.PUBLISHER)
    try:
        bundle = load_object(piece.content, what="model signature")
        material = bundle.get("verificationMaterial")
        if not isinstance(material, Mapping):
            raise FormatError("model signature: expected verification material, got another value")
        envelope = Envelope.parse(bundle.get("dsseEnvelope"))
        if material.get("publicKey") is not None:
            finding = _judge_key(bench, envelope, material["publicKey"], beside, pins)
        elif material.get("x509CertificateChain") is not None and not material.get("tlogEntries"):
            finding = _judge_chain(bench, envelope, material["x509CertificateChain"], beside, pins)
        else:
            finding = sigstore.judge(bench, bundle, beside, pins, digest=None, check=lambda _: None)
    except FormatError as exc:
        return [bench.failed("a model signature", exc.message)]
    return [_cover(bench, finding, envelope, piece)]


def _cover(bench: Bench, finding: Finding, envelope: Envelope, piece: Piece) -> Finding:
    """A finding about a signature that holds, narrowed to the file at hand; the payload is read only now."""
    if finding.result is not Result.VERIFIED:
        return finding
    bench = replace(bench, proof=finding.proof or bench.proof)
    try:
        fault = read_manifest(envelope.payload_type, envelope.payload).check(bench.subject, piece)
    except EvidenceError as exc:
        return bench.other(exc.result, "a model signature that can be checked", exc.message, identity=finding.identity)
    except FormatError as exc:
        return bench.failed("a model signature", exc.message, identity=finding.identity)
    return bench.failed(*fault, identity=finding.identity) if fault else finding


# -- by a key ----------------------------------------------------------------------------------------------------------


def _judge_key(bench: Bench, envelope: Envelope, said: Any, beside: Sequence[Piece], pins: Pins) -> Finding:
    said = read_message(said, {"hint", "rawBytes", "keyDetails"}, what="public key")
    hint = read_text(said.get("hint", ""), what="hint")
    own = _carried(said)
    keys = [Piece("model.sig", Role.KEY, "", own), *beside] if own else beside
    candidates = gather(pins.of(Kind.MODEL), keys, read=raw.pem_candidate, read_file=read_pin)
    named = [candidate for candidate in candidates if _is_named(candidate, hint, own)]
    if not named and hint:
        return bench.untrusted(f"the key whose PEM has sha256 {hint!a:.80}")
    return judge(bench, Kind.MODEL, named, pins, lambda candidate: _algorithm(candidate.key, envelope))


def _algorithm(key: Key, envelope: Envelope) -> str | None:
    """The algorithm under which a key's signature holds; the hash is that of the curve."""
    return f"{key.algorithm}/{key.own_hash}" if key.is_signed(envelope.message, envelope.signature) else None


def _carried(said: Mapping[str, Any]) -> bytes:
    """The key file inside the signature, as versions before 1.0 wrote it."""
    return read_bytes(said["rawBytes"], what="public key") if "rawBytes" in said else b""


def _is_named(candidate: Candidate, hint: str, own: bytes) -> bool:
    """Whether a signature names a key; one that names none may be by any (T126: a hint, never a reason)."""
    if hint:
        return pem_digest(candidate.key) == hint
    with suppress(FormatError):
        return not own or raw.read_pin(own).pin == candidate.pin
    return False


def pem_digest(key: Key) -> str:
    """How model signatures name a key: SHA-256 of its PEM text, in hex."""
    return sha256(load_der_public_key(key.spki).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)).hex()


# -- by a certificate --------------------------------------------------------------------------------------------------


def _judge_chain(bench: Bench, envelope: Envelope, said: Any, beside: Sequence[Piece], pins: Pins) -> Finding:
    """The finding about a signature with a chain; nothing dates it, so the certificates have to be valid now."""
    said = read_message(said, {"certificates"}, what="chain", needed={"certificates"})
    items = read_items(said["certificates"], what="chain", limit=MAX_CARRIED)
    if not items:
        raise FormatError("chain: expected a certificate, got none")
    leaf, *others = (load_certificate(_certificate(item)) for item in items)
    algorithm = _algorithm(key_of(leaf), envelope)
    if algorithm is None:
        return bench.failed(f"a signature by the certificate of {name_of(leaf.subject)}", "one that does not hold")
    shown = Shown(leaf=leaf, carried=[*others, *certificates_beside(beside)], lists=lists_beside(beside))
    return judge_certificate(bench.knowing(algorithm=algorithm), shown, pins)


def _certificate(value: Any) -> bytes:
    return read_bytes(read_message(value, {"rawBytes"}, what="certificate", needed={"rawBytes"})["rawBytes"], what="chain")
