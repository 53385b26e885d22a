"""Detached signatures without any format of their own, as openssl writes them, by a pinned key.

Source: openssl-dgst(1) ``-sign`` (RSA: PKCS #1 v1.5; ECDSA: DER), openssl-pkeyutl(1) ``-sign -rawin`` (Ed25519). Nothing in
such a signature names its key, so every key that the site pinned for the artifact is tried.
"""

import base64
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from airgap.core.anchors import Kind
from airgap.core.errors import FormatError
from airgap.core.verdict import Finding, Vouches
from airgap.evidence.pinned import LIBRARY, Candidate, Pinned, gather, judge
from airgap.evidence.pubkey import HASHES, Key, pinned_key, read_key, strict_base64
from airgap.evidence.subject import Bench, Piece, Pins, Subject

KIND: Final = "raw"
MAX_SIGNATURE: Final = 4096
"""Bytes; an RSA signature of 16384 bits has 2048, and base64 with line ends makes less than twice as many of them."""
_PREFIXES: Final = {b"DSSEv1 ": "the text that a DSSE envelope signs", b"SSHSIG": "the text that an SSH signature signs"}
_LONGEST: Final = max(map(len, _PREFIXES))
FORMAT: Final = "format"
HASH: Final = "hash"


def read_pin(raw: bytes) -> Pinned:
    """What pins the key in a PEM or DER file.

    Raises:
        FormatError: it is no public key, or a weak one.
    """
    key = read_key(raw)
    return Pinned(base64.b64encode(key.spki).decode(), key.fingerprint, {}, name_of(key))


def pem_candidate(pin: str) -> Candidate:
    """The key in a pin.

    Raises:
        FormatError: it holds none, or a weak one.
    """
    key = pinned_key(pin)
    return Candidate(key, pin, name_of(key))


def name_of(key: Key) -> str:
    """What to call a key that has no other name."""
    return f"{key.algorithm} key {key.key_id[:16]}"


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge a signature in binary or in base64; see ``Verifier``."""
    bench = Bench.of(subject, piece, KIND, library=LIBRARY, vouches=Vouches.PUBLISHER)
    if not 0 < len(piece.content) <= MAX_SIGNATURE:
        return [bench.failed(f"a signature of 1 to {MAX_SIGNATURE} bytes", f"{len(piece.content)} bytes")]
    if (fault := of_another_format(subject)) is not None:
        return [bench.failed("a file", fault)]
    # cosign's signatures of files look the same, so its pinned keys count here too
    anchors = [anchor for anchor in pins.of(Kind.PEM, Kind.COSIGN) if anchor.settings.get(FORMAT, KIND) == KIND]
    candidates = gather(anchors, beside, read=pem_candidate, read_file=read_pin)
    readings = list(_readings(piece.content))
    signed = signed_with(lambda key, name: any(key.is_subject_signed(subject, r, algorithm=name) for r in readings))
    return [judge(bench, Kind.PEM, candidates, pins, signed)]


def of_another_format(subject: Subject) -> str | None:
    """What an artifact really is when it is the text that another format signs, in words (T129).

    The same key may sign attestations too, and what it signed there must not come back as a file that it released.
    """
    with subject.message() as message:
        start = bytes(message[:_LONGEST])
    return next((words for prefix, words in _PREFIXES.items() if start.startswith(prefix)), None)


def signed_with(holds: Callable[[Key, str], bool]) -> Callable[[Candidate], str | None]:
    """For ``judge``: try the hashes that a key may be used with, and name the one that holds."""

    def signed(candidate: Candidate) -> str | None:
        names = (name for name in hashes_for(candidate) if holds(candidate.key, name))
        name = next(names, None)
        algorithm = candidate.key.algorithm
        return name and (f"{algorithm}/{name}" if candidate.key.is_prehashed else algorithm)

    return signed


def hashes_for(candidate: Candidate) -> Sequence[str]:
    """The hashes that a key may be used with; the anchor decides, never the signature (T128)."""
    own = candidate.key.own_hash
    if not candidate.key.is_prehashed:
        return (own,)
    if candidate.anchor is None:
        return tuple(HASHES)
    if candidate.anchor.kind is Kind.COSIGN:
        # older cosign took SHA-256 with every key, newer takes the hash of the curve
        return tuple(dict.fromkeys(("sha256", own)))
    chosen = candidate.anchor.settings.get(HASH, own)
    return (chosen,) if chosen in HASHES else ()


def unwrap(content: bytes) -> bytes:
    """The bytes in base64 text, which may be broken into lines.

    Raises:
        FormatError: any other text.
    """
    return strict_base64(content.decode("ascii", "replace").replace("\n", ""), what="signature")


def _readings(content: bytes) -> Iterator[bytes]:
    """The signature as it stands, and as base64 where it is that."""
    yield content
    with suppress(FormatError):
        yield unwrap(content)
