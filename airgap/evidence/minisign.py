"""minisign signatures: Ed25519 over the BLAKE2b-512 digest of the file.

Source: https://jedisct1.github.io/minisign/, "Signature format". The trusted comment has a signature of its own, which
covers the first one too. Nothing covers the untrusted comment.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NamedTuple, Self

from airgap.core.anchors import Kind
from airgap.core.errors import FormatError
from airgap.core.times import format_time
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence.pinned import LIBRARY, Candidate, Pinned, gather, judge
from airgap.evidence.pubkey import strict_base64
from airgap.evidence.signify import COMMENT, SIGNATURE_SIZE, Packed, pinned_candidate, read_key_file
from airgap.evidence.subject import Bench, Piece, Pins, Subject

KIND: Final = "minisign"
_TRUSTED: Final = b"trusted comment: "
_PREHASHED: Final = b"ED"
_LEGACY: Final = b"Ed"
_LAST_SECOND: Final = 253402300799  # 9999-12-31T23:59:59Z


class Signature(NamedTuple):
    """A ``.minisig`` file: both signatures and the comment that the second one covers."""

    packed: Packed
    comment: bytes
    overall: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read the four lines.

        Raises:
            FormatError: other lines, or an algorithm that minisign never had.
        """
        lines = raw.removesuffix(b"\n").split(b"\n")
        if len(lines) != 4 or b"\0" in raw or not lines[0].startswith(COMMENT) or not lines[2].startswith(_TRUSTED):
            raise FormatError("signature: expected two comments, each before a line of base64, got other lines")
        packed = Packed.parse(lines[1].decode("ascii", "replace"), SIGNATURE_SIZE, what="signature")
        if packed.algorithm not in (_PREHASHED, _LEGACY):
            raise FormatError("signature: expected the algorithm ED, got another")
        overall = strict_base64(lines[3].decode("ascii", "replace"), what="signature of the trusted comment")
        return cls(packed, lines[2].removeprefix(_TRUSTED), overall)


def read_pin(raw: bytes) -> Pinned:
    """What pins the key in a ``.pub`` file, or in the ``RW...`` line alone.

    Raises:
        FormatError: it is no such file, or the key is weak.
    """
    return read_key_file(raw, KIND)


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge a ``.minisig`` file; see ``Verifier``."""
    bench = Bench.of(subject, piece, KIND, library=LIBRARY, vouches=Vouches.PUBLISHER)
    try:
        signature = Signature.parse(piece.content)
    except FormatError as exc:
        return [bench.failed("a minisign signature", exc.message)]
    if signature.packed.algorithm == _LEGACY:
        # a legacy signature of the 64 bytes of a digest is also a prehashed one of the file behind it, and vice versa
        got = "the legacy format (Ed), which minisign wrote before 0.10; ask the producer to sign again"
        return [bench.other(Result.UNSUPPORTED, "a prehashed signature (ED)", got)]
    known = gather(pins.of(Kind.MINISIGN), beside, read=lambda pin: pinned_candidate(pin, KIND), read_file=read_pin)
    named = [candidate for candidate in known if candidate.number == signature.packed.number]

    def signed(candidate: Candidate) -> str | None:
        first, comment = signature.packed.body, signature.comment
        holds = candidate.key.is_signed(subject.digest("blake2b"), first)
        # both, always: the second alone would say nothing about the file, the first nothing about the comment
        return "ed25519/blake2b" if holds and candidate.key.is_signed(first + comment, signature.overall) else None

    finding = judge(bench, Kind.MINISIGN, named, pins, signed)
    return [_read_comment(finding, signature.comment, bench) if finding.result is Result.VERIFIED else finding]


def _read_comment(finding: Finding, comment: bytes, bench: Bench) -> Finding:
    """What the trusted comment adds: the file's name has to be the artifact's (T132), the time is the signer's claim."""
    fields = comment.split(b"\t")
    names = [field.removeprefix(b"file:") for field in fields if field.startswith(b"file:")]
    stamps = [field.removeprefix(b"timestamp:") for field in fields if field.startswith(b"timestamp:")]
    proof = finding.proof or bench.proof
    for name in names:
        if name != bench.subject.name.encode():
            return replace(bench, proof=proof).failed(
                f"a signature of {bench.subject.name!a:.80}", f"one of a file named {name!a:.80}", identity=finding.identity
            )
    if len(stamps) != 1 or not stamps[0].isdigit() or len(stamps[0]) > 12 or int(stamps[0]) > _LAST_SECOND:
        return finding
    signed_at = format_time(datetime.fromtimestamp(int(stamps[0]), UTC))
    return replace(finding, proof=replace(proof, signed_at=signed_at, time_proof="claimed"))
