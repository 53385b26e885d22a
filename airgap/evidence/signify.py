"""signify signatures: Ed25519 over the file itself, and checksum lists that carry their signature in front.

Source: signify(1) and signify.c of OpenBSD. A file is a comment line and a line of base64: two bytes of algorithm, eight
of key number, then the key or signature. Nothing covers the comment.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from airgap.core.anchors import Kind
from airgap.core.errors import FormatError
from airgap.core.verdict import Finding, Vouches
from airgap.evidence import sums
from airgap.evidence.pinned import LIBRARY, Candidate, Pinned, gather, judge
from airgap.evidence.pubkey import Key, strict_base64
from airgap.evidence.subject import Bench, Piece, Pins, Subject

KIND: Final = "signify"
COMMENT: Final = b"untrusted comment: "
NUMBER: Final = 8
KEY_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64
_ED25519: Final = b"Ed"


class Packed(NamedTuple):
    """What a line of base64 says; ``body`` is a key or a signature."""

    algorithm: bytes
    number: bytes
    body: bytes

    @classmethod
    def parse(cls, text: str, size: int, *, what: str) -> Self:
        """Read base64 whose body has ``size`` bytes.

        Raises:
            FormatError: other bytes.
        """
        raw = strict_base64(text, what=what)
        if len(raw) != 2 + NUMBER + size:
            raise FormatError(f"{what}: expected {2 + NUMBER + size} bytes, got {len(raw)}")
        return cls(raw[:2], raw[2 : 2 + NUMBER], raw[2 + NUMBER :])


def pinned_candidate(pin: str, tool: str) -> Candidate:
    """The key in a pin; minisign packs its keys in the same way.

    Raises:
        FormatError: it holds none, or a weak one.
    """
    packed = Packed.parse(pin, KEY_SIZE, what="public key")
    if packed.algorithm != _ED25519:
        raise FormatError("public key: expected Ed25519, got another algorithm")
    key = Key.of(Ed25519PublicKey.from_public_bytes(packed.body))
    # minisign prints the number as an integer, and its lowest byte comes first in the file
    return Candidate(key, pin, f"{tool} key {packed.number[::-1].hex().upper()}", packed.number)


def read_key_file(raw: bytes, tool: str) -> Pinned:
    """What pins the key in a key file: the line of base64, with or without the comment before it.

    Raises:
        FormatError: no such file.
    """
    lines = raw.removesuffix(b"\n").split(b"\n")
    if len(lines) == 2 and lines[0].startswith(COMMENT):
        lines = lines[1:]
    if len(lines) != 1:
        raise FormatError(f"{tool} public key: expected a comment and a line of base64, got other lines")
    candidate = pinned_candidate(lines[0].decode("ascii", "replace"), tool)
    return Pinned(candidate.pin, candidate.key.fingerprint, {}, candidate.identity)


def read_pin(raw: bytes) -> Pinned:
    """What pins the key in a ``.pub`` file.

    Raises:
        FormatError: it is no such file, or the key is weak.
    """
    return read_key_file(raw, KIND)


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge a signature, detached or in front of a checksum list (``signify -C``); see ``Verifier``."""
    bench = Bench.of(subject, piece, KIND, library=LIBRARY, vouches=Vouches.PUBLISHER)
    try:
        signature, text = _parse(piece.content)
    except FormatError as exc:
        return [bench.failed("a signify signature", exc.message)]
    known = gather(pins.of(Kind.SIGNIFY), beside, read=lambda pin: pinned_candidate(pin, KIND), read_file=read_pin)
    named = [candidate for candidate in known if candidate.number == signature.number]

    def signed(candidate: Candidate) -> str | None:
        holds = (
            candidate.key.is_signed(text, signature.body)
            if text
            else candidate.key.is_subject_signed(subject, signature.body)
        )
        return candidate.key.algorithm if holds else None

    finding = judge(bench, Kind.SIGNIFY, named, pins, signed)
    return [sums.verify_list(subject, piece, text, finding) if text else finding]


def _parse(raw: bytes) -> tuple[Packed, bytes]:
    """The signature and the text that follows it in the same file, often none."""
    comment, _, rest = raw.partition(b"\n")
    line, end, text = rest.partition(b"\n")
    if not comment.startswith(COMMENT) or b"\0" in comment or not end:
        raise FormatError("signature: expected an untrusted comment and a line of base64, got other lines")
    packed = Packed.parse(line.decode("ascii", "replace"), SIGNATURE_SIZE, what="signature")
    if packed.algorithm != _ED25519:
        raise FormatError("signature: expected Ed25519, got another algorithm")
    return packed, text
