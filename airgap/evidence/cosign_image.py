"""Signatures of container images as cosign wrote them before version 3: a second image whose layers are what was signed.

Source: cosign, ``specs/SIGNATURE_SPEC.md`` and ``specs/BUNDLE_SPEC.md``. The artifact is the image's manifest, whose
SHA-256 the signed payload names. Neither the second image's manifest nor its annotations are signed: a layer only tells
where the payload, the signature and the certificate are.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from airgap.core.anchors import Kind
from airgap.core.digest import parse_sha256
from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence import raw, sigstore
from airgap.evidence.bundles.protojson import read_bytes, read_message, read_number, read_text
from airgap.evidence.pinned import LIBRARY, Candidate, Pinned, gather, settle
from airgap.evidence.pubkey import strict_base64
from airgap.evidence.subject import Bench, Piece, Pins, Subject
from airgap.evidence.x509.certificates import der_of, read_certificates

KIND: Final = "cosign-image"
MEDIA_TYPE: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNED: Final = "cosign container image signature"
MAX_LAYERS: Final = 64
MAX_PAYLOAD: Final = 64 * 1024
REFERENCE: Final = "reference"
_SIGNATURE: Final = "dev.cosignproject.cosign/signature"
_CERTIFICATE: Final = "dev.sigstore.cosign/certificate"
_LOGGED: Final = "dev.sigstore.cosign/bundle"
_BUNDLE: Final = "application/vnd.dev.sigstore.bundle+json;version=0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One signature; nothing about it is verified. ``certificate`` and ``logged`` are empty for one by a key."""

    payload: bytes
    signature: bytes
    certificate: str
    logged: str

    @classmethod
    def parse(cls, value: Any, beside: Sequence[Piece]) -> Self:
        """Read a layer, and find what it names.

        Raises:
            FormatError: malformed, or its payload is not at hand.
        """
        notes = value.get("annotations")
        if not isinstance(notes, Mapping):
            raise FormatError("layer: expected annotations, got none")
        return cls(
            payload=_find(read_text(value.get("digest"), what="layer"), beside),
            signature=strict_base64(read_text(notes.get(_SIGNATURE), what=_SIGNATURE), what=_SIGNATURE),
            certificate=read_text(notes.get(_CERTIFICATE, ""), what=_CERTIFICATE),
            logged=read_text(notes.get(_LOGGED, ""), what=_LOGGED),
        )

    def digest(self, algorithm: str) -> bytes:
        """Of what was signed."""
        return hashlib.new(algorithm, self.payload).digest()


def read_pin(content: bytes) -> Pinned:
    """What pins the key in a ``cosign.pub`` file.

    Raises:
        FormatError: it is no public key, or a weak one.
    """
    return raw.read_pin(content)


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge all signatures of an image; see ``Verifier``."""
    bench = Bench.of(subject, piece, KIND, library=LIBRARY, vouches=Vouches.PUBLISHER)
    try:
        layers = _layers(piece.content)
    except FormatError as exc:
        return [bench.failed("the manifest of cosign signatures", exc.message)]
    candidates = gather(pins.of(Kind.COSIGN), beside, read=raw.pem_candidate, read_file=read_pin)
    found = [_judge(bench, layer, candidates, beside, pins) for layer in layers]
    is_held = any(finding is not None and finding.result is Result.VERIFIED for finding in found)
    if is_held:
        # several may sign one image: where the expected signature is there, another publisher's is merely a stranger's
        others = replace(pins, anchors=())
        found = [
            _judge(bench, layer, candidates, beside, others) if finding and finding.result is Result.FAILED else finding
            for layer, finding in zip(layers, found, strict=True)
        ]
    return [finding or _by_nobody(bench, candidates, is_held=is_held) for finding in found]


def check_payload(payload: bytes, subject: Subject, reference: str = "") -> str | None:
    """What is wrong between a signed payload and an image, as ``expected X, got Y``; None when nothing is.

    Args:
        payload: whose signature holds.
        subject: the image's manifest.
        reference: the name of the image that a site expects; any when empty.
    """
    try:
        critical = _member(load_object(payload, what="payload"), "critical")
        signed = read_text(_member(critical, "image").get("docker-manifest-digest"), what="docker-manifest-digest")
        named = read_text(_member(critical, "identity").get("docker-reference"), what="docker-reference")
    except FormatError as exc:
        return exc.message
    if critical.get("type") != SIGNED:
        return f"expected the type {SIGNED!r}, got {critical.get('type')!a:.80}"
    if signed != subject.covers:
        return f"expected {subject.covers}, got a signature of {signed!a:.100}"
    if reference and named != reference:
        return f"expected the image {reference!a:.160}, got {named!a:.160}"
    return None


def _judge(
    bench: Bench, value: Any, candidates: Sequence[Candidate], beside: Sequence[Piece], pins: Pins
) -> Finding | None:
    """The finding about one layer; None for a signature that none of the keys at hand made."""
    if not isinstance(value, Mapping) or value.get("mediaType") != MEDIA_TYPE:
        got = value.get("mediaType") if isinstance(value, Mapping) else value
        return bench.other(Result.UNSUPPORTED, f"a layer of type {MEDIA_TYPE}", f"{got!a:.80}")
    try:
        layer = Layer.parse(value, beside)
        if not layer.certificate:
            return _judge_key(bench, layer, candidates, pins)
        bundle = _as_bundle(layer)
    except FormatError as exc:
        return bench.failed("a cosign signature", exc.message)
    return sigstore.judge(
        bench, bundle, beside, pins, digest=layer.digest, check=lambda _: check_payload(layer.payload, bench.subject)
    )


# -- by a key ----------------------------------------------------------------------------------------------------------


def _judge_key(bench: Bench, layer: Layer, candidates: Sequence[Candidate], pins: Pins) -> Finding | None:
    signed = raw.signed_with(lambda key, name: key.is_signed(layer.payload, layer.signature, algorithm=name))
    makers = [(candidate, algorithm) for candidate in candidates if (algorithm := signed(candidate))]
    found = [_cover(bench.knowing(algorithm=algorithm), layer, maker, pins) for maker, algorithm in makers]
    return next((finding for finding in found if finding.result is Result.VERIFIED), found[0] if found else None)


def _cover(bench: Bench, layer: Layer, maker: Candidate, pins: Pins) -> Finding:
    """The finding about a signature that holds; its payload is read only where an anchor vouches for the key."""
    finding = settle(bench, Kind.COSIGN, maker, pins)
    if finding.result is not Result.VERIFIED or maker.anchor is None or finding.proof is None:
        return finding
    fault = check_payload(layer.payload, bench.subject, maker.anchor.settings.get(REFERENCE, ""))
    if fault is None:
        return finding
    bench = Bench(subject=bench.subject, kind=bench.kind, proof=finding.proof)
    return bench.failed("a signature of this image", fault, identity=maker.identity)


def _by_nobody(bench: Bench, candidates: Sequence[Candidate], *, is_held: bool) -> Finding:
    """The finding about a signature that none of the keys at hand made.

    Nothing tells another signer's signature from a broken one, unless the expected one is there as well (``is_held``).
    """
    if not candidates or is_held:
        return bench.untrusted("a signature by an unknown key")
    who = candidates[0].identity if len(candidates) == 1 else f"one of {len(candidates)} keys"
    return bench.failed(f"a signature of this image by {who}", "one that does not hold")


# -- by a certificate --------------------------------------------------------------------------------------------------


def _as_bundle(layer: Layer) -> Mapping[str, Any]:
    """The same signature as a Sigstore bundle 0.1, which says it all in other words, so that one verifier judges both.

    The chain in the annotations is left out: it has to lead to the pinned root, which holds all of it.

    Raises:
        FormatError: no certificate, or no entry of a log.
    """
    leaf, *others = read_certificates(layer.certificate.encode())
    if others:
        raise FormatError(f"certificate: expected one, got {1 + len(others)}")
    digest = {"algorithm": "SHA2_256", "digest": _base64(layer.digest("sha256"))}
    return {
        "mediaType": _BUNDLE,
        "verificationMaterial": {
            "x509CertificateChain": {"certificates": [{"rawBytes": _base64(der_of(leaf))}]},
            "tlogEntries": [_as_entry(layer.logged)],
        },
        "messageSignature": {"messageDigest": digest, "signature": _base64(layer.signature)},
    }


def _as_entry(logged: str) -> Mapping[str, Any]:
    """The entry of a log that cosign kept: ``{"SignedEntryTimestamp", "Payload"}``."""
    if not logged:
        raise FormatError("layer: expected an entry of a log beside the certificate, got none")
    members = {"SignedEntryTimestamp", "Payload"}
    value = read_message(load_object(logged.encode(), what="log entry"), members, what="log entry", needed=members)
    members = {"body", "integratedTime", "logIndex", "logID"}
    said = read_message(value["Payload"], members, what="log entry", needed=members)
    log_id = read_text(said["logID"], what="log id")
    body = load_object(read_bytes(said["body"], what="log entry"), what="log entry")
    return {
        "logIndex": str(read_number(said["logIndex"], what="log index")),
        "logId": {"keyId": _base64(parse_sha256(log_id))},
        "kindVersion": {"kind": body.get("kind"), "version": body.get("apiVersion")},
        "integratedTime": str(read_number(said["integratedTime"], what="integrated time")),
        "inclusionPromise": {"signedEntryTimestamp": value["SignedEntryTimestamp"]},
        "canonicalizedBody": said["body"],
    }


def _base64(content: bytes) -> str:
    return b64encode(content).decode()


def _layers(content: bytes) -> Sequence[Any]:
    value = load_object(content, what="image manifest")
    layers = value.get("layers")
    if value.get("schemaVersion") != 2 or not isinstance(layers, list) or not 0 < len(layers) <= MAX_LAYERS:
        raise FormatError(f"image manifest: expected version 2 with 1 to {MAX_LAYERS} layers, got another value")
    return layers


def _find(digest: str, beside: Sequence[Piece]) -> bytes:
    """The piece that a layer names."""
    algorithm, _, digits = digest.partition(":")
    if algorithm != "sha256":
        raise FormatError(f"layer: expected a digest in sha256, got {digest!a:.80}")
    wanted = parse_sha256(digits).hex()
    for piece in beside:
        if len(piece.content) <= MAX_PAYLOAD and piece.sha256 == wanted:
            return piece.content
    raise FormatError(f"layer: expected the payload sha256:{wanted} of at most {MAX_PAYLOAD} bytes, got no such document")


def _member(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = value.get(name)
    if not isinstance(inner, Mapping):
        raise FormatError(f"payload: expected {name} as a JSON object, got another value")
    return inner
