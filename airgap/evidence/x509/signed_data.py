"""CMS SignedData: what it holds, read in strict DER. Nothing in it is believed here; ``signer.py`` proves a signature.

Source: RFC 5652, sections 3, 5 and 11. What another reader might read in another way is refused: BER, lengths in a longer
form, sets out of order.
"""

from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, TypeVar

from cryptography import x509
from cryptography.hazmat import asn1

from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.evidence.x509.certificates import MAX_CARRIED, load_certificate

MAX_SIGNERS: Final = 16
"""Signatures in one document that are looked at (T142)."""
MAX_ATTRIBUTES: Final = 32
MAX_CRLS: Final = 8
DATA: Final = "1.2.840.113549.1.7.1"
SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
_ARMOR: Final = (b"CMS", b"PKCS7", b"PKCS #7 SIGNED DATA")
T = TypeVar("T")


@asn1.sequence
class Digest:
    """AlgorithmIdentifier of a hash; its parameters are absent or NULL (RFC 5754, 2)."""

    oid: x509.ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class Mask:
    """AlgorithmIdentifier of a mask generation function (RFC 4055, 2.2)."""

    oid: x509.ObjectIdentifier
    digest: Digest


@asn1.sequence
class Pss:
    """RSASSA-PSS-params (RFC 4055, 3.1); what is absent means SHA-1, which is refused."""

    digest: Annotated[Digest | None, asn1.Explicit(0)]
    mask: Annotated[Mask | None, asn1.Explicit(1)]
    salt: Annotated[int | None, asn1.Explicit(2)]
    trailer: Annotated[int | None, asn1.Explicit(3)]


@asn1.sequence
class Algorithm:
    """AlgorithmIdentifier of a signature."""

    oid: x509.ObjectIdentifier
    parameters: asn1.Null | Pss | None


@asn1.sequence
class IssuerSerial:
    """IssuerAndSerialNumber (RFC 5652, 10.2.4)."""

    issuer: asn1.TLV
    serial: int


@asn1.sequence
class Attribute:
    """One attribute (RFC 5652, 5.3)."""

    oid: x509.ObjectIdentifier
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class SignerInfo:
    """RFC 5652, 5.3. Signed attributes have to stand in DER order: other readers disagree on what else would be signed."""

    version: int
    sid: IssuerSerial | Annotated[bytes, asn1.Implicit(0)]
    digest: Digest
    signed: Annotated[asn1.SetOf[asn1.TLV] | None, asn1.Implicit(0)]
    algorithm: Algorithm
    signature: bytes
    unsigned: Annotated[list[Attribute] | None, asn1.Implicit(1)]


@asn1.sequence
class Encapsulated:
    """EncapsulatedContentInfo (RFC 5652, 5.2)."""

    oid: x509.ObjectIdentifier
    content: Annotated[bytes | None, asn1.Explicit(0)]


@asn1.sequence
class Body:
    """SignedData (RFC 5652, 5.1). Certificates may stand in any order: common writers do not sort them."""

    version: int
    digests: asn1.SetOf[Digest]
    content: Encapsulated
    certificates: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    crls: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]
    signers: asn1.SetOf[SignerInfo]


@asn1.sequence
class ContentInfo:
    """RFC 5652, 3."""

    oid: x509.ObjectIdentifier
    body: Annotated[Body, asn1.Explicit(0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedData:
    """A SignedData that was read; nothing in it is believed yet.

    Attributes:
        content_type: object identifier of what was signed.
        content: that itself; None where it lies elsewhere.
        certificates: that came along.
        crls: that came along, in DER.
    """

    content_type: str
    content: bytes | None
    certificates: Sequence[x509.Certificate]
    crls: Sequence[bytes]
    signers: Sequence[SignerInfo]

    @classmethod
    def parse(cls, der: bytes) -> "SignedData":
        """Read a ContentInfo that holds a SignedData.

        Raises:
            FormatError: anything else; its reason is evidence-unsupported for BER with indefinite lengths.
        """
        if der[:2] == b"\x30\x80":
            words = "CMS: expected DER, got BER with indefinite lengths; ask the producer to sign without streaming"
            raise FormatError(words, reason=Reason.EVIDENCE_UNSUPPORTED)
        info = read_der(ContentInfo, der, what="CMS SignedData")
        body = info.body
        signers = body.signers.as_list()
        # the versions that say more belong to kinds of certificates that are refused below (RFC 5652, 5.1)
        is_plain = body.content.oid.dotted_string == DATA and all(signer.version == 1 for signer in signers)
        if info.oid.dotted_string != SIGNED_DATA or body.version != (1 if is_plain else 3):
            raise FormatError("CMS: expected SignedData of the version that belongs to its content, got another")
        _check_count("signers", len(signers), MAX_SIGNERS)
        if not {signer.digest.oid for signer in signers} <= {digest.oid for digest in body.digests.as_list()}:
            raise FormatError("CMS: expected a list of all the signers' digest algorithms, got one without theirs")
        return cls(
            content_type=body.content.oid.dotted_string,
            content=body.content.content,
            certificates=[load_certificate(raw) for raw in _all(body.certificates, "certificates", MAX_CARRIED)],
            crls=_all(body.crls, "revocation lists", MAX_CRLS),
            signers=signers,
        )


def unarmor(raw: bytes) -> bytes:
    """The DER in a file: as it stands, or in PEM (RFC 7468, 8 and 9).

    Raises:
        FormatError: PEM that is not one block.
    """
    if not raw.startswith(b"-----BEGIN "):
        return raw
    lines = raw.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    if not any(lines[0] == b"-----BEGIN %b-----" % kind and lines[-1] == b"-----END %b-----" % kind for kind in _ARMOR):
        raise FormatError("CMS: expected one PEM block, got other text")
    try:
        return b64decode(b"".join(lines[1:-1]), validate=True)
    except ValueError as exc:
        raise FormatError("CMS: expected base64 in the PEM block, got other text") from exc


def read_der(kind: type[T], der: bytes, *, what: str) -> T:
    """Read one value in strict DER.

    Raises:
        FormatError: any other bytes.
    """
    try:
        return asn1.decode_der(kind, der)
    except (ValueError, OverflowError) as exc:
        raise FormatError(f"{what}: expected strict DER, got other bytes") from exc


def whole(value: asn1.TLV) -> bytes:
    """A value with its tag and length, as it was read: strict DER has one way to write them (X.690, 10.1)."""
    return tagged(value.tag_bytes, bytes(value.data))


def find_certificate(signer: SignerInfo, certificates: Iterable[x509.Certificate]) -> x509.Certificate | None:
    """The first certificate that a signer names, by issuer and serial number or by key identifier."""
    return next((certificate for certificate in certificates if _is_named(signer.sid, certificate)), None)


def tagged(tag: bytes, data: bytes) -> bytes:
    """A value in DER."""
    size = len(data)
    if size < 0x80:
        return b"%b%c%b" % (tag, size, data)
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return b"%b%c%b%b" % (tag, 0x80 | len(length), length, data)


def signed_value(signer: SignerInfo, oid: str) -> bytes | None:
    """The one value of a signed attribute, in DER; None where there is no such attribute.

    Raises:
        FormatError: the attribute stands there twice, or has no value or several.
    """
    return _value([read_der(Attribute, raw, what="attribute") for raw in attributes(signer)], oid)


def unsigned_value(signer: SignerInfo, oid: str) -> bytes | None:
    """The same for an unsigned one: anybody may have put it there.

    Raises:
        FormatError: as for ``signed_value``.
    """
    return _value(signer.unsigned or [], oid)


def signing_time(signer: SignerInfo) -> datetime | None:
    """When the signer claims to have signed (RFC 5652, 11.3), UTC; None where it does not say.

    Raises:
        FormatError: it is no time.
    """
    raw = signed_value(signer, _SIGNING_TIME)
    if raw is None:
        return None
    if raw[:1] == b"\x17":
        return read_der(asn1.UTCTime, raw, what="signing time").as_datetime()
    return read_der(asn1.GeneralizedTime, raw, what="signing time").as_datetime()


def _all(found: Sequence[asn1.TLV] | None, what: str, limit: int) -> list[bytes]:
    """Values that are plain sequences; the other choices (attribute certificates, foreign formats) are refused."""
    values = found or []
    _check_count(what, len(values), limit)
    if any(value.tag_bytes != b"\x30" for value in values):
        raise FormatError(f"CMS: expected {what} of X.509, got another kind")
    return [whole(value) for value in values]


def _check_count(what: str, count: int, limit: int) -> None:
    if count > limit:
        raise FormatError(f"CMS: expected at most {limit} {what}, got {count}")


def _is_named(sid: IssuerSerial | bytes, certificate: x509.Certificate) -> bool:
    if isinstance(sid, IssuerSerial):
        return sid.serial == certificate.serial_number and whole(sid.issuer) == certificate.issuer.public_bytes()
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest == sid
    except x509.ExtensionNotFound:
        return False


def attributes(signer: SignerInfo) -> list[bytes]:
    """The signed attributes, each in DER and in their order."""
    return [whole(value) for value in signer.signed.as_list()] if signer.signed is not None else []


def _value(attributes: Sequence[Attribute], oid: str) -> bytes | None:
    _check_count("attributes", len(attributes), MAX_ATTRIBUTES)
    found = [attribute.values.as_list() for attribute in attributes if attribute.oid.dotted_string == oid]
    if not found:
        return None
    if len(found) != 1 or len(found[0]) != 1:
        raise FormatError("attribute: expected one with one value, got several or none")
    return whole(found[0][0])
