"""Which format a piece of evidence is in. Its content says so; its name only parts what content alone cannot.

Nothing here is trusted: whoever calls a signature something else only gets another verifier, which asks for a pin too.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from airgap.core.entries import Role
from airgap.evidence.subject import Piece


class Format(StrEnum):
    """The formats that there are verifiers for; the value is the kind that findings carry."""

    OPENPGP = "openpgp"
    OPENPGP_CLEAR = "openpgp-clear"
    MINISIGN = "minisign"
    SIGNIFY = "signify"
    SSHSIG = "sshsig"
    CMS = "cms"
    RAW = "raw"
    COSIGN_BLOB = "cosign-blob"
    DSSE = "dsse"
    SIGSTORE = "sigstore"
    PEP740 = "pep740"
    NPM_SIGNATURE = "npm-signature"
    NPM_ATTESTATION = "npm-attestation"
    MODEL_SIGNING = "model-signing"
    COSIGN_IMAGE = "cosign-image"
    DEBIAN = "debian-archive"
    SUMS = "sums"


_RAW_SIZE: Final = 4096
MODEL_NAME: Final = "model.sig"
"""The one name under which model signatures stand beside their models."""
_MODEL: Final = "https://model_signing/"
_ARMOR: Final = (
    (b"-----BEGIN PGP SIGNATURE-----", Format.OPENPGP),
    (b"-----BEGIN PGP MESSAGE-----", Format.OPENPGP),
    (b"-----BEGIN SSH SIGNATURE-----", Format.SSHSIG),
    (b"-----BEGIN CMS-----", Format.CMS),
    (b"-----BEGIN PKCS7-----", Format.CMS),
    (b"-----BEGIN PKCS #7 SIGNED DATA-----", Format.CMS),
)
_SIGNED_DATA: Final = bytes.fromhex("06092a864886f70d010702")
"""The object identifier of CMS SignedData in DER (RFC 5652, 5.1)."""


def recognise(piece: Piece) -> Format | None:
    """The format of a piece, or None: a key, data for another piece, or something unknown."""
    content = piece.content
    if piece.role not in {Role.SIGNATURE, Role.ATTESTATION}:
        return None
    if piece.name in {"InRelease", "Release"}:
        return Format.DEBIAN
    start = content[:512].lstrip()
    for armor, kind in _ARMOR:
        if start.startswith(armor):
            return kind
    if start.startswith(b"-----BEGIN PGP SIGNED MESSAGE-----"):
        return Format.OPENPGP_CLEAR
    if start.startswith(b"untrusted comment:"):
        return _commented(content)
    if start.startswith((b"{", b"[")) and _is_text(content):
        return _json(piece)
    return _binary(piece)


def _commented(content: bytes) -> Format:
    """Minisign and signify begin alike; minisign has a trusted comment, in its third line."""
    lines = content[:4096].split(b"\n")
    return Format.MINISIGN if len(lines) > 2 and lines[2].startswith(b"trusted comment:") else Format.SIGNIFY


def _binary(piece: Piece) -> Format | None:
    content = piece.content
    if content[:1] == b"\x30" and _SIGNED_DATA in content[:32]:
        return Format.CMS
    if _is_openpgp(content):
        return Format.OPENPGP
    if piece.role is Role.SIGNATURE and 0 < len(content) <= _RAW_SIZE:
        return Format.RAW
    return None


def _is_openpgp(content: bytes) -> bool:
    """Whether all of it is OpenPGP signature packets. Source: RFC 9580, 4.2 (packet type 2, both header formats).

    To the last byte: one in fifty raw signatures begins like such a packet. Where there are more packets than the
    verifier reads, the rest makes no difference.
    """
    at = 0
    for _ in range(_PACKETS):
        if at >= len(content):
            break
        size, head = _packet(content[at : at + 6])
        if not size or at + head + size > len(content) or content[at + head] not in _VERSIONS:
            return False
        at += head + size
    return at > 0


_VERSIONS: Final = frozenset({3, 4, 5, 6})
"""Versions of signature packets."""
_PACKETS: Final = 1000


def _packet(start: bytes) -> tuple[int, int]:
    """Bytes of the body and of the header of a signature packet; a body of 0 when there is none."""
    match start[:1]:
        case b"\x88":
            return int.from_bytes(start[1:2]), 2
        case b"\x89":
            return int.from_bytes(start[1:3]), 3
        case b"\x8a":
            return int.from_bytes(start[1:5]), 5
        case b"\xc2" if len(start) > 2:
            return _new_length(start[1:])
        case _:
            return 0, 0


def _new_length(octets: bytes) -> tuple[int, int]:
    """The same for the new format. Source: RFC 9580, 4.2.1; signatures have no partial lengths."""
    first = octets[0]
    if first < 192:
        return first, 2
    if first < 224:
        return ((first - 192) << 8) + octets[1] + 192, 3
    return (int.from_bytes(octets[1:5]), 6) if first == 255 and len(octets) == 5 else (0, 0)


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _json(piece: Piece) -> Format | None:
    for value in json_values(piece.content):
        found = _of_value(value)
        # a changed statement says no longer that it is about a model; the key that should have made it is to judge it
        return Format.MODEL_SIGNING if found is Format.SIGSTORE and piece.name == MODEL_NAME else found
    return None


def json_values(content: bytes) -> list[Any]:
    """The JSON value in a piece, or those in its lines; none when it is no JSON. For recognition only."""
    try:
        text = content.decode("utf-8")
        try:
            return [json.loads(text)]
        except json.JSONDecodeError:
            return [json.loads(line) for line in text.splitlines()[:64] if line.strip()]
    except (ValueError, RecursionError):
        return []


def _of_value(value: Any) -> Format | None:
    """By the members that only this format has."""
    if not isinstance(value, Mapping):
        return None
    members = value.keys()
    if {"verificationMaterial", "dsseEnvelope"} <= members:
        return Format.MODEL_SIGNING if _is_model(value["dsseEnvelope"]) else Format.SIGSTORE
    for needed, kind in _MEMBERS:
        if needed <= members:
            return kind
    return None


_MEMBERS: Final = (
    ({"verificationMaterial"}, Format.SIGSTORE),
    ({"payload", "payloadType"}, Format.DSSE),
    ({"attestation_bundles"}, Format.PEP740),
    ({"verification_material", "envelope"}, Format.PEP740),
    ({"attestations"}, Format.NPM_ATTESTATION),
    ({"integrity", "signatures"}, Format.NPM_SIGNATURE),
    ({"name", "version", "dist"}, Format.NPM_SIGNATURE),
    ({"base64Signature"}, Format.COSIGN_BLOB),
    ({"layers", "schemaVersion"}, Format.COSIGN_IMAGE),
)


def _is_model(envelope: Any) -> bool:
    """Whether a DSSE envelope says that it holds the signature of a model."""
    try:
        statement = json.loads(base64.b64decode(envelope["payload"]))
        return str(statement["predicateType"]).startswith(_MODEL)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return False


@dataclass(frozen=True, slots=True)
class Needs:
    """What has to be at hand to judge evidence about an artifact.

    Attributes:
        digests: beside SHA-256, by hashlib's names.
        is_message: the content itself, for formats that sign it and no digest of it.
    """

    digests: frozenset[str] = frozenset()
    is_message: bool = False

    def __or__(self, other: "Needs") -> "Needs":
        return Needs(self.digests | other.digests, self.is_message or other.is_message)


_LONGER: Final = frozenset({"sha384", "sha512"})
_LISTED: Final = _LONGER | {"blake2b"}
"""What a checksum list may give."""
_NEEDS: Final[Mapping[Format, Needs]] = {
    Format.OPENPGP: Needs(is_message=True),
    Format.OPENPGP_CLEAR: Needs(_LISTED),
    Format.SIGNIFY: Needs(is_message=True),
    Format.RAW: Needs(_LONGER, is_message=True),
    Format.COSIGN_BLOB: Needs(_LONGER, is_message=True),
    Format.MINISIGN: Needs(frozenset({"blake2b"})),
    Format.SSHSIG: Needs(frozenset({"sha512"})),
    Format.CMS: Needs(_LONGER, is_message=True),
    Format.DSSE: Needs(_LONGER),
    Format.SIGSTORE: Needs(_LONGER),
    Format.NPM_SIGNATURE: Needs(frozenset({"sha512"})),
    Format.NPM_ATTESTATION: Needs(frozenset({"sha512"})),
}


def needs(piece: Piece) -> Needs:
    """What a piece of evidence will ask the artifact for."""
    if piece.role not in {Role.SIGNATURE, Role.ATTESTATION}:
        return Needs()
    found = recognise(piece)
    if found is Format.SIGSTORE and b'"messageSignature"' in piece.content:
        return Needs(_LONGER, is_message=True)  # Ed25519 signs the message itself, and how it begins is looked at
    if found is None:
        return Needs(_LISTED)  # perhaps a list of longer digests
    return _NEEDS.get(found, Needs())
