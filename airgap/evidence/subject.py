"""What all verifiers share: what they are given and how they answer.

A verifier is a function ``verify(subject, piece, beside, pins) -> list[Finding]``: it gets digests and bytes, returns
findings, and does nothing else. It never raises for what it was given: bytes that break its format are a finding too.
"""

import hashlib
import mmap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import BufferedReader
from typing import Final, NamedTuple, Protocol

from airgap.core.anchors import Anchor, Kind
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.trust import Revoked
from airgap.core.verdict import Check, Finding, Proof, Result

DIGESTS: Final = ("sha256", "sha384", "sha512", "blake2b")
"""Digests that a verifier may ask a subject for; hashlib's names."""
MAX_PIECE: Final = 16 * 1024 * 1024
"""Bytes of one piece of evidence that are read; a larger one is unsupported."""


class Piece(NamedTuple):
    """One document of evidence: a signature, an attestation, a key, or data that one of them needs.

    ``file`` is the path of a file that holds exactly the content, where there is one.
    """

    path: str
    role: Role
    media_type: str
    content: bytes
    file: str = ""

    @property
    def name(self) -> str:
        """Its last component."""
        return self.path.rpartition("/")[2]

    @property
    def sha256(self) -> str:
        """Of its content, in hex."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What evidence is about: an artifact, or a piece that another piece signs.

    Attributes:
        path: in the bundle.
        purl: of the artifact.
        digests: name to raw digest, computed while the content passed by; ``sha256`` is always there.
        file: path of a file that holds exactly the content, for the formats that sign the message itself; "" where it
            was not kept.
    """

    path: str
    purl: str
    size: int
    digests: Mapping[str, bytes]
    file: str

    @property
    def name(self) -> str:
        """Its last component."""
        return self.path.rpartition("/")[2]

    @property
    def covers(self) -> str:
        """The digest that findings repeat."""
        return f"sha256:{self.digests['sha256'].hex()}"

    def digest(self, algorithm: str) -> bytes:
        """A raw digest of the content; read again only where nobody foresaw that it would be asked for.

        Args:
            algorithm: one of ``DIGESTS``.
        """
        known = self.digests.get(algorithm)
        if known is not None:
            return known
        with self._open() as stream:
            return hashlib.file_digest(stream, algorithm).digest()

    @contextmanager
    def message(self) -> Iterator[memoryview]:
        """The content itself, mapped and not read: memory does not grow with its size."""
        with self._open() as stream:
            if not self.size:
                yield memoryview(b"")
                return
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
                yield view

    def _open(self) -> BufferedReader:
        """The file with the content.

        Raises:
            FormatError: nobody kept it; ``evidence/recognise.py`` says who has to.
        """
        if not self.file:
            raise FormatError(f"{self.path}: expected its content at hand, got none")
        return open(self.file, "rb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """What the site believes about producers, for one artifact. Nothing in here comes from a bundle.

    Attributes:
        anchors: those that cover the artifact's purl.
        revoked: key ids that were withdrawn: SHA-256 of a SubjectPublicKeyInfo, or an OpenPGP fingerprint, lower-case hex.
        at: now, UTC.
    """

    anchors: Sequence[Anchor]
    at: datetime
    revoked: Mapping[str, Revoked] = field(default_factory=dict)

    def of(self, *kinds: Kind) -> list[Anchor]:
        """The anchors of some kinds."""
        return [anchor for anchor in self.anchors if anchor.kind in kinds]


class Verifier(Protocol):
    """One format's verifier."""

    def __call__(self, subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
        """Judge one piece of evidence.

        Args:
            subject: what it should be about.
            piece: the signature or attestation.
            beside: the artifact's other pieces: keys, lists, data that the piece may need.
            pins: what the site believes.

        Returns:
            At least one finding; one for each signature in the piece.
        """
        ...


REASONS: Final[Mapping[Result, Reason]] = {
    Result.FAILED: Reason.EVIDENCE_FAILED,
    Result.REVOKED: Reason.EVIDENCE_REVOKED,
    Result.EXPIRED_AT_SIGNING: Reason.EVIDENCE_EXPIRED,
    Result.WEAK_ALGORITHM: Reason.EVIDENCE_WEAK,
}
"""Results that speak against an artifact whatever the policy says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Makes the findings of one piece about one subject, so that a verifier writes down only what differs."""

    subject: Subject
    kind: str
    proof: Proof

    @classmethod
    def of(cls, subject: Subject, piece: Piece, kind: str, **known: str) -> "Bench":
        """The bench for a piece; ``known`` are members of the proof that hold for all its findings."""
        proof = Proof(document=piece.path, covers=subject.covers)
        return cls(subject=subject, kind=kind, proof=replace(proof, **known))  # type: ignore[arg-type]  # text members

    def knowing(self, **known: str) -> "Bench":
        """The same with more members of the proof."""
        return replace(self, proof=replace(self.proof, **known))  # type: ignore[arg-type]  # text members

    def verified(self, identity: str, *, got: str = "") -> Finding:
        """The signature holds, and an anchor vouches for its key."""
        return self._finding(Result.VERIFIED, got=got or f"signed by {identity}", identity=identity)

    def failed(self, expected: str, got: str, *, identity: str = "") -> Finding:
        """The signature does not hold, or says something else than it should."""
        return self._finding(Result.FAILED, expected=expected, got=got, identity=identity)

    def untrusted(self, got: str, *, identity: str = "", hint: str = "") -> Finding:
        """The signature is by a key that no anchor pins; whether that matters is the policy's business."""
        bench = self.knowing(hint=hint) if hint else self
        return bench.other(Result.UNTRUSTED_KEY, "a key that an anchor pins", got, identity=identity)

    def other(self, result: Result, expected: str, got: str, *, identity: str = "") -> Finding:
        """Any other result: revoked, expired-at-signing, weak-algorithm, unsupported."""
        return self._finding(result, expected=expected, got=got, identity=identity)

    def _finding(self, result: Result, *, expected: str = "", got: str, identity: str = "") -> Finding:
        return Finding(
            check=Check.EVIDENCE,
            subject=self.subject.path,
            kind=self.kind,
            result=result,
            reason=REASONS.get(result),
            expected=expected,
            got=got,
            identity=identity,
            proof=self.proof,
        )


def pin_hint(kind: Kind, pin: str, purl: str, **settings: str) -> str:
    """The command that would pin a key; the person compares the fingerprint first.

    People paste it, and much of it was written by others: every word is quoted for a POSIX shell.
    """
    said = "".join(f" --set {_quoted(f'{name}={value}')}" for name, value in settings.items())
    named = f"--kind {kind} --pin {_quoted(pin)} --artifacts {_quoted(purl)}"
    return f"airgap trust anchor add TRUST -o NEXT --name NAME {named}{said}"


def _quoted(text: str) -> str:
    """A word for a POSIX shell, always in quotes, so that it looks the same whatever is in it."""
    return "'" + text.replace("'", "'\\''") + "'"


def encodable(finding: Finding) -> Finding:
    """The same finding, fit for UTF-8: JSON that others wrote can hold halves of characters, and a receipt cannot."""
    texts = [finding.expected, finding.got, finding.identity, *(finding.proof.value().values() if finding.proof else ())]
    if all(map(_is_encodable, texts)):
        return finding
    proof = finding.proof
    if proof is not None:
        fixed = {name: ascii(said) for name in _TEXTS if not _is_encodable(said := getattr(proof, name))}
        proof = replace(proof, **fixed)  # type: ignore[arg-type]  # text members
    others = {
        name: ascii(text) for name in ("expected", "got", "identity") if not _is_encodable(text := getattr(finding, name))
    }
    return replace(finding, proof=proof, **others)  # type: ignore[arg-type]  # text members


_TEXTS: Final = ("fingerprint", "algorithm", "signed_at", "library", "note", "hint", "anchor", "document")


def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
