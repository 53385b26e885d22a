"""Signatures of files that cosign made with a key: base64 alone, or in the JSON that cosign wrote before version 3.

Source: cosign 2, ``cosign sign-blob --key``: ECDSA, RSA or Ed25519 over the file; ``--bundle`` wraps the signature into
``{"base64Signature", "cert", "rekorBundle"}``, where ``cert`` holds the certificate or the public key.
"""

from collections.abc import Sequence
from typing import Any, Final

from airgap.core.anchors import Kind
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence import raw
from airgap.evidence.pinned import LIBRARY, Pinned, gather, judge
from airgap.evidence.pubkey import strict_base64
from airgap.evidence.subject import Bench, Piece, Pins, Subject

KIND: Final = "cosign-blob"
MAX_BUNDLE: Final = 1024 * 1024


def read_pin(content: bytes) -> Pinned:
    """What pins the key in a ``cosign.pub`` file.

    Raises:
        FormatError: it is no public key, or a weak one.
    """
    return raw.read_pin(content)


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge a signature of a file by a key; see ``Verifier``."""
    bench = Bench.of(subject, piece, KIND, library=LIBRARY, vouches=Vouches.PUBLISHER)
    try:
        signature, maker = _parse(piece.content)
    except FormatError as exc:
        return [bench.failed("a cosign signature", exc.message)]
    if (fault := raw.of_another_format(subject)) is not None:
        return [bench.failed("a file", fault)]
    if b"-----BEGIN CERTIFICATE-----" in maker:
        got = "a certificate in the old bundle format; ask the producer for a Sigstore bundle v0.3"
        return [bench.other(Result.UNSUPPORTED, "a signature by a key", got)]
    keys = [Piece(piece.path, Role.KEY, piece.media_type, maker), *beside] if maker else beside
    candidates = gather(pins.of(Kind.COSIGN), keys, read=raw.pem_candidate, read_file=read_pin)
    signed = raw.signed_with(lambda key, name: key.is_subject_signed(subject, signature, algorithm=name))
    return [judge(bench, Kind.COSIGN, candidates, pins, signed)]


def _parse(content: bytes) -> tuple[bytes, bytes]:
    """The signature, and the PEM text that an old bundle carries with it (else none).

    Raises:
        FormatError: neither base64 nor such a bundle.
    """
    if len(content) > MAX_BUNDLE:
        raise FormatError(f"signature: expected at most {MAX_BUNDLE} bytes, got {len(content)}")
    if not content.lstrip().startswith(b"{"):
        return raw.unwrap(content), b""
    value = load_object(content, what="cosign bundle")
    return _base64(value, "base64Signature"), _base64(value, "cert") if value.get("cert") else b""


def _base64(value: dict[str, Any], name: str) -> bytes:
    text = value.get(name)
    if not isinstance(text, str):
        raise FormatError(f"cosign bundle: expected {name} as text, got another value")
    return strict_base64(text, what=name)
