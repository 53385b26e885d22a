"""Subjects, pieces and pins for the tests of verifiers."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from airgap.core.anchors import Anchor, Kind
from airgap.core.entries import Role
from airgap.core.trust import Revoked
from airgap.evidence.subject import DIGESTS, Piece, Pins, Subject

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def subject(folder: Path, content: bytes, *, name: str = "a.txt", purl: str = "pkg:generic/a.txt") -> Subject:
    """An artifact with all its digests; its content lies in a file of the folder."""
    file = folder / f"content-{hashlib.sha256(content).hexdigest()[:16]}"
    file.write_bytes(content)
    digests = {algorithm: hashlib.new(algorithm, content).digest() for algorithm in DIGESTS}
    return Subject(path=f"artifacts/files/{name}", purl=purl, size=len(content), digests=digests, file=str(file))


def piece(name: str, content: bytes, *, role: Role = Role.SIGNATURE, media_type: str = "application/octet-stream") -> Piece:
    """One document of evidence."""
    return Piece(f"documents/files/{name}", role, media_type, content)


def anchor(
    kind: Kind, pin: str, *, name: str = "producer", artifacts: Sequence[str] = ("pkg:*",), **settings: str
) -> Anchor:
    """A pinned identity."""
    return Anchor(name=name, kind=kind, pin=pin, artifacts=tuple(artifacts), settings=settings)


def pins(*anchors: Anchor, at: datetime = NOW, revoked: Mapping[str, str] | None = None) -> Pins:
    """What the site believes; ``revoked`` maps key ids to the reason."""
    withdrawn = {key: Revoked(key, why, at) for key, why in (revoked or {}).items()}
    return Pins(anchors=anchors, at=at, revoked=withdrawn)
