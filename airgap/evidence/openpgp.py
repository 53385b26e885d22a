"""OpenPGP signatures: detached ones and clearsigned text, by certificates whose fingerprints are pinned.

Source: RFC 9580 and RFC 4880. The only door to pysequoia.
"""

from collections.abc import Sequence

from airgap.core.anchors import Anchor
from airgap.core.verdict import Finding
from airgap.evidence.pinned import Pinned
from airgap.evidence.subject import Bench, Piece, Pins, Subject


def judge(
    subject_message: Subject, signature: bytes, certs: Sequence[bytes], anchors: Sequence[Anchor], pins: Pins, bench: Bench
) -> list[Finding]:
    """One finding for each detached signature in a file.

    Args:
        subject_message: what should be signed; its ``file`` is read.
        signature: packets, armored or binary; untrusted.
        certs: certificates and keyrings, armored or binary; they count as far as an anchor pins their fingerprints.
        anchors: of kind openpgp or debian-keyring.
        pins: for the revoked keys and the time.
        bench: of the piece.
    """
    raise NotImplementedError


def judge_clear(
    text: bytes, certs: Sequence[bytes], anchors: Sequence[Anchor], pins: Pins, bench: Bench
) -> tuple[bytes | None, list[Finding]]:
    """The text that a verified signature of a clearsigned message covers, and one finding for each signature.

    Returns:
        The text only where at least one finding is ``verified``; parse these bytes and no others (T130).
    """
    raise NotImplementedError


def read_clear(
    subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins
) -> tuple[bytes | None, list[Finding]]:
    """``judge_clear`` for a piece, with the certificates that lie beside it and in the anchors."""
    raise NotImplementedError


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge a detached signature file beside an artifact."""
    raise NotImplementedError


def material(anchors: Sequence[Anchor], beside: Sequence[Piece]) -> list[bytes]:
    """Certificates at hand: those that anchors hold, then pieces that look like certificates."""
    raise NotImplementedError


def read_pin(raw: bytes) -> Pinned:
    """The pin of a certificate or keyring, armored or binary: the fingerprints of its primary keys.

    Raises:
        FormatError: no certificate.
    """
    raise NotImplementedError
