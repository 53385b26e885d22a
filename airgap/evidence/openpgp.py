"""OpenPGP signatures: detached ones and clearsigned text, by certificates whose fingerprints are pinned.

Source: RFC 9580. Sequoia decides (pgp/judge.py); packets that have no business here never reach it.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from airgap.core.anchors import Anchor, Kind
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence.pgp.book import Book
from airgap.evidence.pgp.certificates import gather_certificates
from airgap.evidence.pgp.clear import read_clear_text
from airgap.evidence.pgp.judge import Case
from airgap.evidence.pgp.message import Cleartext, Detached
from airgap.evidence.pgp.packets import read_signatures
from airgap.evidence.pinned import Pinned
from airgap.evidence.subject import Bench, Piece, Pins, Subject

KIND: Final = "openpgp"
MAX_SIGNATURES: Final = 64
"""Signatures in a file; long lists of checksums are signed by twenty people and more."""
MAX_FILES: Final = 64
"""Pieces with certificates that are read."""
_BLOCK: Final = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"


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
    if not subject_message.file:
        return [bench.other(Result.NOT_CHECKED, "the content, which such signatures are about", "its digests only")]
    try:
        found = read_signatures(signature, limit=MAX_SIGNATURES)
    except FormatError as exc:
        return [bench.failed("OpenPGP signatures", exc.message)]
    case = Case(Detached(subject_message), Book(certs, anchors), pins, bench)
    return [case.judge(packet) for packet in found]


def judge_clear(
    text: bytes, certs: Sequence[bytes], anchors: Sequence[Anchor], pins: Pins, bench: Bench
) -> tuple[bytes | None, list[Finding]]:
    """The text that a verified signature of a clearsigned message covers, and one finding for each signature.

    Returns:
        The text only where at least one finding is ``verified``; parse these bytes and no others (T130). Its line ends are
        plain and its last line has none.
    """
    try:
        clear = read_clear_text(text)
        found = read_signatures(clear.signatures, limit=MAX_SIGNATURES)
    except FormatError as exc:
        return None, [bench.failed("a clearsigned message", exc.message)]
    case = Case(Cleartext(clear), Book(certs, anchors), pins, bench)
    findings = [case.judge(packet) for packet in found]
    is_verified = any(finding.result is Result.VERIFIED for finding in findings)
    return clear.text if is_verified else None, findings


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge a detached signature file beside an artifact."""
    bench = Bench.of(subject, piece, KIND, vouches=Vouches.PUBLISHER)
    anchors = pins.of(Kind.OPENPGP)
    return judge(subject, piece.content, material(anchors, beside), anchors, pins, bench)


def read_clear(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> tuple[bytes | None, list[Finding]]:
    """``judge_clear`` for a piece, with the certificates that lie beside it and in the anchors."""
    bench = Bench.of(subject, piece, KIND, vouches=Vouches.PUBLISHER)
    anchors = pins.of(Kind.OPENPGP)
    return judge_clear(piece.content, material(anchors, beside), anchors, pins, bench)


def material(anchors: Sequence[Anchor], beside: Sequence[Piece]) -> list[bytes]:
    """Certificates at hand: those that anchors hold, then pieces that may be certificates."""
    found = []
    for anchor in anchors:
        with suppress(FormatError):
            found += [anchor.material] if anchor.material else []
    carried = [
        piece.content
        for piece in beside
        if piece.role in {Role.KEY, Role.ANCHOR_DATA} or piece.content[:4096].lstrip().startswith(_BLOCK)
    ]
    return found + carried[:MAX_FILES]


def read_pin(raw: bytes) -> Pinned:
    """The pin of a certificate or keyring, armored or binary: the fingerprints of its primary keys.

    The user ids are what the file says, and were not checked: a person compares the fingerprint.

    Raises:
        FormatError: no certificate.
    """
    found = gather_certificates(raw)
    names = ", ".join(f"{name!a:.80}" for one in found for name in one.user_ids[:3])
    pin = " ".join(one.primary.fingerprint for one in found)
    return Pinned(pin=pin, fingerprint=pin, settings={}, identity=names)


def trim(pin: str, raw: bytes) -> bytes:
    """What an anchor has to hold of a key file: the certificates that a pin names, without what others certified.

    Raises:
        FormatError: a pinned certificate is not in the file.
    """
    found = {one.primary.fingerprint: one.raw for one in gather_certificates(raw)}
    missing = sorted(set(pin.split()) - found.keys())
    if missing:
        raise FormatError(f"OpenPGP certificates: expected the key {missing[0]}, got others")
    return b"".join(found[fingerprint] for fingerprint in pin.split())
