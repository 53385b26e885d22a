"""CMS documents and timestamp tokens written by asn1crypto, so that one thing at a time can be wrong in them."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from asn1crypto import algos, cms, core, tsp  # type: ignore[import-untyped]
from asn1crypto import x509 as other_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.serialization import Encoding

from tests.evidence.issuing import NOON

HASHES: dict[str, Any] = {
    "sha1": hashes.SHA1(),
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
Change = Callable[[Any], None]


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def attribute(kind: str, *values: Any) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": list(values)})


def bound(certificate: x509.Certificate, digest: str = "sha256", *, version: int = 2) -> cms.CMSAttribute:
    """The attribute that names the signer's certificate by hash."""
    found = hashlib.new("sha1" if version == 1 else digest, der(certificate)).digest()
    if version == 1:
        return attribute("signing_certificate", tsp.SigningCertificate({"certs": [tsp.ESSCertID({"cert_hash": found})]}))
    one = tsp.ESSCertIDv2({"hash_algorithm": {"algorithm": digest}, "cert_hash": found})
    return attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [one]}))


def make(
    content: bytes,
    certificate: x509.Certificate,
    own: Any,
    *,
    kind: str = "data",
    digest: str = "sha256",
    embedded: bool = False,
    plain: bool = False,
    carried: Sequence[x509.Certificate] | None = None,
    extra: Sequence[cms.CMSAttribute] = (),
    unsigned: Sequence[cms.CMSAttribute] = (),
    change_attributes: Callable[[list[Any]], None] = lambda _: None,
    change_signer: Change = lambda _: None,
    change_document: Change = lambda _: None,
) -> bytes:
    """A document with one signature.

    Args:
        content: what is signed.
        certificate: the signer's.
        own: the signer's key.
        kind: the content's type.
        digest: the hash.
        embedded: whether the content is in the document.
        plain: without signed attributes.
        carried: certificates in the document; the signer's when not given.
        extra: more signed attributes.
        unsigned: unsigned attributes.
        change_attributes: before they are signed.
        change_signer: after the signature was made.
        change_document: at the very end.
    """
    attributes = [
        attribute("content_type", kind),
        attribute("message_digest", hashlib.new(digest, content).digest()),
        *extra,
    ]
    change_attributes(attributes)
    signed = cms.CMSAttributes(sorted(attributes, key=lambda one: bytes(one.dump())))
    message = content if plain else signed.dump()
    named = other_x509.Certificate.load(der(certificate))
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.IssuerAndSerialNumber({"issuer": named.issuer, "serial_number": named.serial_number}),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": _scheme(own, digest)}),
            "signature": sign(own, message, digest),
        }
    )
    if not plain:
        signer["signed_attrs"] = signed
    if unsigned:
        signer["unsigned_attrs"] = list(unsigned)
    change_signer(signer)
    document = cms.SignedData(
        {
            "version": "v1" if kind == "data" else "v3",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": digest})],
            "encap_content_info": {"content_type": kind, "content": _wrapped(kind, content) if embedded else None},
            "certificates": [
                other_x509.Certificate.load(der(one)) for one in ([certificate] if carried is None else carried)
            ],
            "signer_infos": [signer],
        }
    )
    change_document(document)
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": document}).dump())


def stamp(
    message: bytes,
    certificate: x509.Certificate,
    own: Any,
    *,
    at: datetime = NOON,
    hashed: str = "sha256",
    change: Change = lambda _: None,
    bind: Sequence[cms.CMSAttribute] | None = None,
    **more: Any,
) -> bytes:
    """A timestamp token."""
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.2.3.4.1",
            "message_imprint": {
                "hash_algorithm": {"algorithm": hashed},
                "hashed_message": hashlib.new(hashed, message).digest(),
            },
            "serial_number": 7,
            "gen_time": at.astimezone(UTC),
        }
    )
    change(info)
    extra = [bound(certificate)] if bind is None else bind
    return make(info.dump(), certificate, own, kind="tst_info", embedded=True, extra=extra, **more)


def response(token: bytes, status: int = 0) -> bytes:
    """A TimeStampResp."""
    said = {"status": tsp.PKIStatusInfo({"status": status}), "time_stamp_token": cms.ContentInfo.load(token)}
    return bytes(tsp.TimeStampResp(said).dump())


def raw_attribute(oid: str, *values: bytes) -> cms.CMSAttribute:
    """An attribute whose values are any bytes."""
    body = core.ObjectIdentifier(oid).dump() + core.SetOf(spec=core.Any, contents=b"".join(sorted(values))).dump()
    return cms.CMSAttribute.load(core.Sequence(contents=body).dump())


def sign(own: Any, message: bytes, digest: str) -> bytes:
    match own:
        case ed25519.Ed25519PrivateKey():
            return own.sign(message)
        case ec.EllipticCurvePrivateKey():
            return own.sign(message, ec.ECDSA(HASHES[digest]))
        case _:
            return bytes(own.sign(message, padding.PKCS1v15(), HASHES[digest]))


def _scheme(own: Any, digest: str) -> str:
    match own:
        case ed25519.Ed25519PrivateKey():
            return "ed25519"
        case ec.EllipticCurvePrivateKey():
            return f"{digest}_ecdsa"
        case _:
            return "rsassa_pkcs1v15"


def _wrapped(kind: str, content: bytes) -> core.Asn1Value:
    return core.ParsableOctetString(content) if kind == "tst_info" else core.OctetString(content)
