"""One signature of a CMS SignedData: whether a certificate's key made it over a content.

Source: RFC 5652, 5.4 to 5.6 and 11; RFC 5754 (SHA-2), RFC 4056 (RSA-PSS), RFC 8419 (Ed25519), RFC 5035 (the attribute that
binds the signer's certificate).
"""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.evidence.pubkey import HASHES, Key
from airgap.evidence.x509.certificates import der_of, key_of
from airgap.evidence.x509.signed_data import (
    DATA,
    Digest,
    IssuerSerial,
    Pss,
    SignerInfo,
    attributes,
    read_der,
    signed_value,
    tagged,
)

_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_ESS_V1: Final = "1.2.840.113549.1.9.16.2.12"
_ESS_V2: Final = "1.2.840.113549.1.9.16.2.47"
_MAX_SIGNED: Final = 64 * 1024
"""Bytes of content that are searched for the attributes of another signature."""
MAX_SALT: Final = 2048
"""Bytes of salt in RSA-PSS; no key has room for more, and openssl fills the room there is."""
_MGF1: Final = "1.2.840.113549.1.1.8"
_PSS: Final = "1.2.840.113549.1.1.10"
_DIGESTS: Final = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_WEAK: Final = {
    "1.3.14.3.2.26": "SHA-1",
    "1.2.840.113549.2.5": "MD5",
    "1.2.840.113549.1.1.4": "MD5",
    "1.2.840.113549.1.1.5": "SHA-1",
    "1.2.840.10045.4.1": "SHA-1",
    "1.2.840.10040.4.3": "SHA-1",
}
_SCHEMES: Final = {
    "1.2.840.113549.1.1.1": ("rsa", ""),
    _PSS: ("rsa", ""),
    "1.2.840.113549.1.1.11": ("rsa", "sha256"),
    "1.2.840.113549.1.1.12": ("rsa", "sha384"),
    "1.2.840.113549.1.1.13": ("rsa", "sha512"),
    "1.2.840.10045.4.3.2": ("ecdsa", "sha256"),
    "1.2.840.10045.4.3.3": ("ecdsa", "sha384"),
    "1.2.840.10045.4.3.4": ("ecdsa", "sha512"),
    "1.3.101.112": ("ed25519", ""),
}
"""Signature algorithms: what the key has to be, and the hash where the identifier names one."""


@asn1.sequence
class EssId:
    """ESSCertID (RFC 2634, 5.4.1) and ESSCertIDv2 (RFC 5035, 4). The hash of the certificate says all of it."""

    digest: Digest | None
    hash: bytes
    issuer: IssuerSerial | None


@asn1.sequence
class EssIds:
    """SigningCertificate and SigningCertificateV2."""

    certificates: list[EssId]
    policies: list[asn1.TLV] | None


class Content(Protocol):
    """What was signed: a digest of it, or all of it. A subject is one."""

    def digest(self, algorithm: str) -> bytes:
        """By hashlib's name."""
        ...

    def message(self) -> AbstractContextManager[memoryview]:
        """The bytes themselves."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """Content that is in memory."""

    raw: bytes

    def digest(self, algorithm: str) -> bytes:
        """By hashlib's name."""
        return hashlib.new(algorithm, self.raw).digest()

    @contextmanager
    def message(self) -> Iterator[memoryview]:
        """The bytes themselves."""
        yield memoryview(self.raw)


def check_signer(signer: SignerInfo, certificate: x509.Certificate, content_type: str, content: Content) -> str:
    """Prove that the certificate's key made the signature over the content; hand out the algorithm.

    Raises:
        FormatError: it did not. Its reason is evidence-weak for a weak hash, weak-key for a weak key,
            evidence-unsupported for an algorithm that is not known.
    """
    key = key_of(certificate)
    if signer.version != (1 if isinstance(signer.sid, IssuerSerial) else 3):
        raise FormatError("signer: expected version 1 with a serial number and 3 with a key identifier, got another")
    hashed = hash_of(signer.digest)
    if signer.signed is None:
        _check_plain(content_type, content)
        signed = content
    else:
        _check_attributes(signer, certificate, content_type, content.digest(hashed))
        signed = Held(tagged(b"\x31", b"".join(attributes(signer))))
    return _check_signature(signer, key, certificate, hashed, signed)


def is_bound(signer: SignerInfo, certificate: x509.Certificate) -> bool | None:
    """Whether the signature names the certificate by its hash; None where it names none (RFC 5035, 5.4).

    Version 1 has SHA-1: a second certificate with the same one is out of reach, and its key would have to be the same.

    Raises:
        FormatError: the attribute cannot be read.
    """
    found = [(oid, raw) for oid in (_ESS_V1, _ESS_V2) if (raw := signed_value(signer, oid)) is not None]
    if not found:
        return None
    return all(_is_same(oid, raw, der_of(certificate)) for oid, raw in found)


def _is_same(oid: str, raw: bytes, der: bytes) -> bool:
    ids = read_der(EssIds, raw, what="signing certificate").certificates
    if not ids:
        return False
    if oid == _ESS_V1:
        return ids[0].digest is None and ids[0].hash == hashlib.sha1(der, usedforsecurity=False).digest()
    return ids[0].hash == hashlib.new(hash_of(ids[0].digest) if ids[0].digest else "sha256", der).digest()


def hash_of(digest: Digest) -> str:
    """The hash, by hashlib's name.

    Raises:
        FormatError: a weak one (reason evidence-weak), or one that is not known (evidence-unsupported).
    """
    oid = digest.oid.dotted_string
    _check_strength(oid)
    if oid not in _DIGESTS:
        raise FormatError("digest: expected SHA-256, SHA-384 or SHA-512, got another", reason=Reason.EVIDENCE_UNSUPPORTED)
    return _DIGESTS[oid]


def _check_strength(oid: str) -> None:
    if oid in _WEAK:
        raise FormatError(f"signature: expected SHA-256 or longer, got {_WEAK[oid]}", reason=Reason.EVIDENCE_WEAK)


def _check_attributes(signer: SignerInfo, certificate: x509.Certificate, content_type: str, digest: bytes) -> None:
    """What signed attributes have to say (RFC 5652, 11.1 and 11.2; RFC 5035, 3)."""
    kind, said = signed_value(signer, _CONTENT_TYPE), signed_value(signer, _MESSAGE_DIGEST)
    if kind != asn1.encode_der(x509.ObjectIdentifier(content_type)):
        raise FormatError("signer: expected the content's type among the signed attributes, got another or none")
    if said != tagged(b"\x04", digest):
        raise FormatError("signer: expected the digest of this content among the signed attributes, got another or none")
    if is_bound(signer, certificate) is False:
        raise FormatError("signer: expected the certificate that the signature names, got another")


def _check_plain(content_type: str, content: Content) -> None:
    """A signature without attributes covers the content itself, whose type nothing says.

    Signed attributes are signed in the same way, so whoever has a signature with attributes has one over a file that holds
    just them. Source: RFC 5652, 5.3 (content type), and "EUF-CMA for CMS SignedData" (draft-ietf-lamps).
    """
    if content_type != DATA:
        raise FormatError("signer: expected signed attributes with a content that is not plain data, got none")
    with content.message() as message:
        if len(message) <= _MAX_SIGNED and _is_attributes(bytes(message)):
            raise FormatError("signer: expected a content of its own, got the attributes of another signature")


def _is_attributes(raw: bytes) -> bool:
    """Whether bytes look like signed attributes: a SET that names a message digest."""
    return raw[:1] == b"\x31" and asn1.encode_der(x509.ObjectIdentifier(_MESSAGE_DIGEST)) in raw


def _check_signature(signer: SignerInfo, key: Key, certificate: x509.Certificate, hashed: str, signed: Content) -> str:
    oid = signer.algorithm.oid.dotted_string
    _check_strength(oid)
    family, named = _SCHEMES.get(oid, ("", ""))
    if not family:
        raise FormatError("signature: expected RSA, ECDSA or Ed25519, got another", reason=Reason.EVIDENCE_UNSUPPORTED)
    if not key.algorithm.startswith(family):
        raise FormatError(f"signature: expected one of the certificate's key, {key.algorithm}, got one of another kind")
    used = named or hashed
    if used != hashed:
        raise FormatError(f"signature: expected the digest's hash, {hashed}, got {used}")
    parameters = signer.algorithm.parameters
    if oid == _PSS:
        holds = _is_pss_signed(certificate.public_key(), signer.signature, parameters, used, signed)
    elif isinstance(parameters, Pss) or (parameters is not None and family != "rsa"):
        raise FormatError("signature: expected no parameters of the algorithm, got some")
    elif key.is_prehashed:
        holds = key.is_digest_signed(signed.digest(used), signer.signature, algorithm=used)
    else:
        with signed.message() as message:
            holds = key.is_signed(message, signer.signature)
    if not holds:
        raise FormatError("signature: expected one by the certificate's key over this content, got one that does not hold")
    return f"{key.algorithm}/{used}"


def _is_pss_signed(key: object, signature: bytes, parameters: object, used: str, signed: Content) -> bool:
    """RSA-PSS with one hash for everything (RFC 4056, 3)."""
    assert isinstance(key, rsa.RSAPublicKey)  # the scheme has been held to the kind of the key
    if not isinstance(parameters, Pss):
        raise FormatError("signature: expected the parameters of RSA-PSS, got none")
    digest, mask, salt = parameters.digest, parameters.mask, 20 if parameters.salt is None else parameters.salt
    if digest is None or mask is None:
        raise FormatError("signature: expected SHA-256 or longer, got SHA-1 by default", reason=Reason.EVIDENCE_WEAK)
    is_plain = mask.oid.dotted_string == _MGF1 and parameters.trailer is None and 0 <= salt <= MAX_SALT
    if {hash_of(digest), hash_of(mask.digest)} != {used} or not is_plain:
        raise FormatError(f"signature: expected RSA-PSS with {used} for everything, got other parameters")
    chosen = HASHES[used]
    try:
        scheme = padding.PSS(padding.MGF1(chosen), salt)
        key.verify(signature, signed.digest(used), scheme, utils.Prehashed(chosen))
    except (InvalidSignature, ValueError):
        return False
    return True
