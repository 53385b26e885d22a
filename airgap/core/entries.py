"""Entries of a manifest: artifacts and documents as values, and their one text.

Each kind is read in two ways to one verdict: by an expression that accepts exactly the canonical text of a plain entry,
and, where an entry holds free text or metadata, from a JSON value that the strict reader gave.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from airgap.core import canonical
from airgap.core.digest import parse_sha256
from airgap.core.errors import FormatError
from airgap.core.names import check_path
from airgap.core.purl import check_purl


class Role(StrEnum):
    """What a document is."""

    SIGNATURE = "signature"
    ATTESTATION = "attestation"
    KEY = "key"
    ANCHOR_DATA = "anchor-data"
    INDEX = "index"
    SBOM = "sbom"
    SCAN = "scan"


class Artifact(NamedTuple):
    """One artifact. ``size`` in bytes, ``sha256`` raw; ``stored`` is false when a delta leaves it out."""

    path: str
    size: int
    sha256: bytes
    purl: str
    stored: bool = True
    evidence: tuple[str, ...] = ()
    custody: tuple[Mapping[str, str], ...] = ()
    metadata: Mapping[str, Any] = {}

    def value(self) -> dict[str, Any]:
        """The entry as a JSON value."""
        return {
            "path": self.path,
            "size": self.size,
            "sha256": self.sha256.hex(),
            "purl": self.purl,
            "stored": self.stored,
            "evidence": list(self.evidence),
            "custody": [dict(hop) for hop in self.custody],
            "metadata": dict(self.metadata),
        }


class Document(NamedTuple):
    """One document: evidence, key, index metadata, SBOM or scan result. ``size`` in bytes."""

    path: str
    size: int
    sha256: bytes
    role: Role
    media_type: str

    def value(self) -> dict[str, Any]:
        """The entry as a JSON value."""
        return {
            "path": self.path,
            "size": self.size,
            "sha256": self.sha256.hex(),
            "role": self.role,
            "mediaType": self.media_type,
        }


Entry = Artifact | Document


class Loss(NamedTuple):
    """Something that could not be carried, said openly."""

    purl: str
    what: str
    detail: str

    def value(self) -> dict[str, str]:
        """The loss as a JSON value."""
        return {"purl": self.purl, "what": self.what, "detail": self.detail}


_TEXT = rb"[ !#-\[\]-~]+"  # printable ASCII without quote and backslash: stands for itself in JSON
NUMBER: Final = rb"(0|[1-9][0-9]{0,15})"
ARTIFACT: Final = re.compile(
    rb'\{"custody":\[\],"evidence":\[((?:"'
    + _TEXT
    + rb'"(?:,"'
    + _TEXT
    + rb'")*)?)\],"metadata":\{\},"path":"('
    + _TEXT
    + rb')","purl":"('
    + _TEXT
    + rb')","sha256":"([0-9a-f]{64})","size":'
    + NUMBER
    + rb',"stored":(true|false)\}'
)
DOCUMENT: Final = re.compile(
    rb'\{"mediaType":"('
    + _TEXT
    + rb')","path":"('
    + _TEXT
    + rb')","role":"([a-z-]+)","sha256":"([0-9a-f]{64})","size":'
    + NUMBER
    + rb"\}"
)
_PLAIN = re.compile(_TEXT.decode())
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,100}")
_ECOSYSTEM = re.compile(r"artifacts/[a-z0-9]+/.")
_HOPS: Final = frozenset({"registry", "mirror", "proxy", "re-host", "agent", "exporter", "importer"})
MAX_METADATA: Final = 1024 * 1024


def inside(path: str) -> str:
    """A path without its first component: where views put both an artifact and a document that stands beside it.

    ``artifacts/files/x.asc`` and ``documents/files/x.asc`` are one name there, so they count as one.
    """
    return path.partition("/")[2]


def read_artifact(found: re.Match[bytes]) -> Artifact:
    """The artifact that ``ARTIFACT`` matched."""
    evidence, path, purl, digest, size, stored = found.groups()
    artifact = Artifact(
        path.decode(),
        int(size),
        bytes.fromhex(digest.decode()),
        purl.decode(),
        stored == b"true",
        tuple(evidence[1:-1].decode().split('","')) if evidence else (),
    )
    _check_artifact(artifact)
    return artifact


def read_document(found: re.Match[bytes]) -> Document:
    """The document that ``DOCUMENT`` matched."""
    media_type, path, role, digest, size = (group.decode() for group in found.groups())
    return _document(path, int(size), digest, role, media_type)


def parse_artifact(value: Any) -> Artifact:
    """The artifact in a JSON value, strictly read."""
    _check_members(value, _ARTIFACT_MEMBERS)
    artifact = Artifact(
        value["path"],
        value["size"],
        parse_sha256(value["sha256"]),
        value["purl"],
        value["stored"],
        tuple(value["evidence"]),
        tuple(value["custody"]),
        value["metadata"],
    )
    if not all(isinstance(path, str) for path in artifact.evidence):
        raise FormatError("manifest: expected evidence as paths, got another value")
    for hop in artifact.custody:
        _check_members(hop, {"kind": str, "name": str})
        if hop["kind"] not in _HOPS or not 0 < len(hop["name"]) <= 200:
            raise FormatError("manifest: expected a known hop in the custody, got another")
    if len(canonical.encode(artifact.metadata)) > MAX_METADATA or not all(map(str.isascii, artifact.metadata)):
        raise FormatError(f"manifest: expected metadata with ASCII names of at most {MAX_METADATA} bytes, got other")
    _check_artifact(artifact)
    return artifact


def parse_document(value: Any) -> Document:
    """The document in a JSON value, strictly read."""
    _check_members(value, _DOCUMENT_MEMBERS)
    return _document(value["path"], value["size"], value["sha256"], value["role"], value["mediaType"])


def _document(path: str, size: int, digest: str, role: str, media_type: str) -> Document:
    if role not in _ROLES or not _MEDIA_TYPE.fullmatch(media_type):
        raise FormatError("manifest: expected a known role and a media type, got another")
    document = Document(path, size, parse_sha256(digest), Role(role), media_type)
    _check_place(path, size, is_document=True)
    return document


def _check_artifact(artifact: Artifact) -> None:
    _check_place(artifact.path, artifact.size, is_document=False)
    check_purl(artifact.purl)
    if len(artifact.evidence) > 1 and len(set(artifact.evidence)) != len(artifact.evidence):
        raise FormatError("manifest: expected distinct evidence, got a repeated path")


def _check_place(path: str, size: int, *, is_document: bool) -> None:
    check_path(path)
    inside = path.startswith("documents/") if is_document else _ECOSYSTEM.match(path)
    if not inside:
        raise FormatError(f"manifest: expected artifacts/<ecosystem>/... or documents/..., got {path!a:.120}")
    if not 0 <= size <= canonical.MAX_INTEGER:
        raise FormatError("manifest: expected a size, got another number")


_ROLES: Final = frozenset(Role)
_ARTIFACT_MEMBERS: Final = {
    "path": str,
    "size": int,
    "sha256": str,
    "purl": str,
    "stored": bool,
    "evidence": list,
    "custody": list,
    "metadata": dict,
}
_DOCUMENT_MEMBERS: Final = {"path": str, "size": int, "sha256": str, "role": str, "mediaType": str}


def _check_members(value: Any, members: Mapping[str, type]) -> None:
    """Exactly these members, each of exactly its type (a bool is no int here)."""
    if not isinstance(value, dict) or value.keys() != members.keys():
        raise FormatError(f"manifest: expected an entry with {', '.join(members)}, got other members")
    for name, kind in members.items():
        if type(value[name]) is not kind:
            raise FormatError(f"manifest: expected {kind.__name__} for {name}, got {type(value[name]).__name__}")


def encode_artifact(artifact: Artifact) -> bytes:
    """The one text of an artifact."""
    plain = not artifact.custody and not artifact.metadata and _PLAIN.fullmatch(artifact.path)
    if not plain or not all(map(_PLAIN.fullmatch, artifact.evidence)):
        return canonical.encode(artifact.value())
    evidence = ",".join(f'"{path}"' for path in artifact.evidence)
    return (
        f'{{"custody":[],"evidence":[{evidence}],"metadata":{{}},"path":"{artifact.path}","purl":"{artifact.purl}",'
        f'"sha256":"{artifact.sha256.hex()}","size":{artifact.size},"stored":{"true" if artifact.stored else "false"}}}'
    ).encode()
