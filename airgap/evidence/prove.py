"""Which verifier judges what: all pieces of evidence of one artifact, and the findings about them.

A piece that is named after another piece signs that one: ``SHA256SUMS.asc`` is about ``SHA256SUMS``, and what it proves
reaches the artifact through the list.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property, lru_cache
from importlib import import_module
from typing import Final, cast

from airgap.core.anchors import Anchor, Kind
from airgap.core.entries import Artifact, Document, Role, inside
from airgap.core.errors import AirgapError, FormatError
from airgap.core.trust import Trust
from airgap.core.verdict import Check, Finding, Proof, Result
from airgap.evidence import sums
from airgap.evidence.expectation import expect
from airgap.evidence.recognise import Format, Needs, needs, recognise
from airgap.evidence.subject import MAX_PIECE, Bench, Piece, Pins, Subject, Verifier, encodable

Stored = Sequence[tuple[Document, str]]
"""Documents of an artifact, each with the path of a file that holds it."""

MODULES: Final[Mapping[Format, str]] = {
    Format.OPENPGP: "openpgp",
    Format.MINISIGN: "minisign",
    Format.SIGNIFY: "signify",
    Format.SSHSIG: "sshsig",
    Format.CMS: "cms",
    Format.RAW: "raw",
    Format.COSIGN_BLOB: "cosign_blob",
    Format.DSSE: "dsse",
    Format.SIGSTORE: "sigstore",
    Format.PEP740: "pypi",
    Format.NPM_SIGNATURE: "npm",
    Format.NPM_ATTESTATION: "npm_attestations",
    Format.MODEL_SIGNING: "model_signing",
    Format.COSIGN_IMAGE: "cosign_image",
    Format.DEBIAN: "debian",
}
"""Loaded when such evidence is met: a store of plain files never loads an X.509 verifier."""


MAX_EVIDENCE: Final = 16 * MAX_PIECE
"""Bytes of all pieces of one artifact that are read: a bundle repeats and compresses them, memory does not (T142)."""
MAX_PIECES: Final = 1000
"""Pieces of evidence of one artifact; with more it is refused."""
_JUDGED: Final = frozenset({Role.SIGNATURE, Role.ATTESTATION})
"""Roles of pieces that say something; others are keys and data for them."""


class Prover:
    """Judges evidence by one trust document at one time.

    Args:
        trust: the document in force; None to judge without any anchor, so that nothing can be verified, only refuted.
        at: now, UTC.
    """

    def __init__(self, trust: Trust | None, at: datetime) -> None:
        self._trust = trust
        self._at = at
        self._lists: dict[tuple[object, ...], list[Finding]] = {}

    def needs(self, _: Artifact, documents: Stored) -> tuple[frozenset[str], bool]:
        """What has to be at hand when ``prove`` is called: further digests, and whether the content itself."""
        wanted = Needs()
        for piece in self._pieces(documents[:MAX_PIECES]):
            wanted |= needs(piece)
        return wanted.digests, wanted.is_message

    def prove(self, artifact: Artifact, documents: Stored, digests: Mapping[str, bytes], file: str) -> list[Finding]:
        """All findings about an artifact's evidence; none when it has none.

        Args:
            artifact: whose SHA-256 was compared with its content already.
            documents: its evidence.
            digests: further digests of its content, by hashlib's names.
            file: that holds its content, "" when ``needs`` did not ask for it.
        """
        subject = Subject(
            path=artifact.path,
            purl=artifact.purl,
            size=artifact.size,
            digests={"sha256": artifact.sha256, **digests},
            file=file,
        )
        if len(documents) > MAX_PIECES:
            first = Piece(documents[0][0].path, Role.SIGNATURE, "", b"")
            return [Bench.of(subject, first, "evidence").failed(f"at most {MAX_PIECES} pieces", f"{len(documents)}")]
        pins = Pins(
            anchors=tuple(anchor for anchor in self._anchors if anchor.covers(artifact.purl)),
            at=self._at,
            revoked=self._trust.revoked_keys if self._trust else {},
        )
        found = _Case(subject, self._pieces(documents), pins, self._lists).judge()
        return list(map(encodable, expect(artifact.path, found, pins)))

    @cached_property
    def _anchors(self) -> Sequence[Anchor]:
        return tuple(map(Anchor.read, self._trust.anchors)) if self._trust else ()

    def _pieces(self, documents: Stored) -> list[Piece]:
        """The documents as pieces; what goes beyond ``MAX_EVIDENCE`` is not read, as one beyond ``MAX_PIECE`` is not."""
        room, pieces = MAX_EVIDENCE, []
        for document, file in documents:
            pieces.append(read_piece(document, file if document.size <= room else ""))
            room -= len(pieces[-1].content)
        return pieces


def read_piece(document: Document, file: str) -> Piece:
    """A document of evidence from a file; what is not what the manifest signed is not read further."""
    content = b""
    if file and document.size <= MAX_PIECE:
        read = _read_shared if document.size <= _SHARED else _read
        with suppress(FormatError):
            content = read(file, document.size, document.sha256)
    return Piece(document.path, document.role, document.media_type, content, file)


def _read(file: str, size: int, sha256: bytes) -> bytes:
    with open(file, "rb") as stream:
        content = stream.read(size + 1)
    if hashlib.sha256(content).digest() != sha256:
        raise FormatError(f"{file}: expected what the manifest signed, got other bytes")  # an error, so never remembered
    return content


_SHARED: Final = 2 * 1024 * 1024
# one list or model signature stands beside thousands of artifacts
_read_shared = lru_cache(maxsize=16)(_read)


_PANIC: Final = "PanicException"
"""What a parser written in Rust raises where it gives up; pyo3 makes it no ``Exception``, and exports no class of it."""


class _Case:
    """The evidence of one artifact."""

    def __init__(
        self, subject: Subject, pieces: Sequence[Piece], pins: Pins, lists: dict[tuple[object, ...], list[Finding]]
    ) -> None:
        self._subject = subject
        self._pieces = pieces
        self._pins = pins
        self._lists = lists
        near = {inside(piece.path): piece for piece in pieces}
        self._signed = {piece.path: signed for piece in pieces if (signed := _signed_by(piece, near, subject))}
        self._material = tuple(piece.sha256 for piece in pieces if piece.role not in _JUDGED)

    def judge(self) -> list[Finding]:
        """The findings of all pieces that say something, in the order of their paths."""
        findings: list[Finding] = []
        for piece in self._pieces:
            if piece.role not in _JUDGED or _is_read_by_debian(piece, self._pieces):
                continue
            if piece.path in self._signed:
                if not self._is_judged_list(self._signed[piece.path]):
                    findings += self._about(self._signed[piece.path], piece)
            else:
                findings += self._judge_piece(piece)
        return findings

    def _is_judged_list(self, piece: Piece) -> bool:
        """Whether what signs a piece is judged together with it, because it is a list."""
        return piece.role in _JUDGED and piece.path not in self._signed and sums.is_list(piece)

    def _judge_piece(self, piece: Piece) -> list[Finding]:
        found = recognise(piece)
        if found is Format.OPENPGP_CLEAR:
            return self._judge_clear(piece)
        if sums.is_list(piece) and (found in {None, Format.RAW, Format.SUMS} or self._signatures_of(piece)):
            return self._judge_list(piece)
        if found is None:
            return [_unsupported(self._subject, piece, "no verifier knows this kind of evidence")]
        return self._run(found, self._subject, piece)

    def _judge_list(self, listing: Piece) -> list[Finding]:
        """A checksum list vouches for an artifact as far as somebody signed the list."""
        signatures = self._signatures_of(listing)
        if not signatures:
            return [_unsupported(self._subject, listing, "a checksum list that nobody signed")]
        inner = [finding for signature in signatures for finding in self._about(listing, signature)]
        return [self._through(listing, listing.content, finding) for finding in inner]

    def _judge_clear(self, piece: Piece) -> list[Finding]:
        """A clearsigned list: only the text that the library hands out was signed."""
        from airgap.evidence import openpgp  # noqa: PLC0415 -- loaded when such evidence is met

        texts: list[bytes | None] = []

        def read() -> list[Finding]:
            text, findings = openpgp.read_clear(self._subject, piece, self._beside(piece), self._pins)
            texts.append(text)
            return findings

        findings = _guarded(Bench.of(self._subject, piece, Format.OPENPGP), read)
        text = texts[0] if texts else None
        if text is None:
            return findings
        if not sums.is_list(piece._replace(content=text)):
            return [_unsupported(self._subject, piece, "a clearsigned text that is no checksum list")]
        return [self._through(piece, text, finding) for finding in findings]

    def _through(self, listing: Piece, text: bytes, signed_by: Finding) -> Finding:
        """What the signature of a list says about the artifact."""
        bench = Bench.of(self._subject, listing, Format.SUMS)
        (finding,) = _guarded(bench, lambda: [sums.verify_list(self._subject, listing, text, signed_by)])
        # whose signature was expected is said by the kind of the signature, not by the list's
        return replace(finding, kind=signed_by.kind) if finding.result is Result.UNTRUSTED_KEY else finding

    def _about(self, signed: Piece, signature: Piece) -> list[Finding]:
        """What a signature says about another piece; the same for all artifacts that the piece stands beside."""
        # by content: a store keeps lists of one name from many bundles; with the keys, certificates and revocation lists
        # beside it, for another artifact may have others
        anchors = tuple(anchor.name for anchor in self._pins.anchors)
        key = (signed.path, signed.sha256, signature.path, signature.sha256, anchors, self._material)
        if key not in self._lists:
            digests = {"sha256": hashlib.sha256(signed.content).digest()}
            subject = Subject(
                path=signed.path, purl=self._subject.purl, size=len(signed.content), digests=digests, file=signed.file
            )
            found = recognise(signature)
            self._lists[key] = (
                [_unsupported(subject, signature, "no verifier knows this kind of evidence")]
                if found is None or found not in MODULES
                else self._run(found, subject, signature)
            )
        return self._lists[key]

    def _run(self, found: Format, subject: Subject, piece: Piece) -> list[Finding]:
        """Call a verifier."""
        if found is Format.RAW and self._pins.of(Kind.COSIGN) and not self._pins.of(Kind.PEM):
            found = Format.COSIGN_BLOB  # its signature is a raw one; whose it should be tells them apart
        verify = cast("Verifier", import_module(f"airgap.evidence.{MODULES[found]}").verify)
        bench = Bench.of(subject, piece, found)
        return _guarded(bench, lambda: verify(subject, piece, self._beside(piece), self._pins))

    def _beside(self, piece: Piece) -> list[Piece]:
        return [other for other in self._pieces if other is not piece]

    def _signatures_of(self, signed: Piece) -> list[Piece]:
        return [piece for piece in self._pieces if (it := self._signed.get(piece.path)) and it.path == signed.path]


def _guarded(bench: Bench, judge: Callable[[], list[Finding]]) -> list[Finding]:
    """What a verifier says; one that raises has met what it should have refused, so that counts as refused.

    Everything a verifier reads was written by others, much of it goes through parsers of others, and one artifact's
    evidence must not keep the rest from being judged: so whatever is raised ends here, and never as ``verified``.
    """
    try:
        return judge()
    except AirgapError as exc:
        return [bench.failed("evidence that can be judged", exc.message)]
    except Exception as exc:  # noqa: BLE001 -- see above
        return [bench.failed("evidence that can be judged", f"a fault of its verifier: {type(exc).__name__}")]
    except BaseException as exc:
        if type(exc).__name__ != _PANIC:
            raise
        return [bench.failed("evidence that can be judged", "a fault of its verifier: a panic in a library")]


def _signed_by(piece: Piece, near: Mapping[str, Piece], artifact: Subject) -> Piece | None:
    """The piece that this one, by its name, is a signature of; a clearsigned one is only about the text in itself.

    The longest name counts, and the artifact's own is one of them: a piece ``a.tar`` does not take ``a.tar.gz.sig`` away
    from ``a.tar.gz``.
    """
    if piece.role is not Role.SIGNATURE or recognise(piece) is Format.OPENPGP_CLEAR:
        return None
    stem, own = inside(piece.path), inside(artifact.path)
    while "." in stem.rpartition("/")[2] and stem != own:
        stem = stem.rpartition(".")[0]
        if stem in near:
            return near[stem]
    return None


def _is_read_by_debian(piece: Piece, pieces: Sequence[Piece]) -> bool:
    """Whether the verifier of the Debian chain reads a piece together with another one."""
    return piece.name == "Release.gpg" and any(
        other.role in _JUDGED and other.path == piece.path.removesuffix(".gpg") for other in pieces
    )


def _unsupported(subject: Subject, piece: Piece, got: str) -> Finding:
    return Finding(
        check=Check.EVIDENCE,
        subject=subject.path,
        kind=piece.role,
        result=Result.UNSUPPORTED,
        expected="a kind of evidence that can be verified",
        got=f"{piece.path}: {got}",
        proof=Proof(document=piece.path, covers=subject.covers),
    )
