"""Certificates for the tests, made on the spot."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CODE = ExtendedKeyUsageOID.CODE_SIGNING
MAIL = ExtendedKeyUsageOID.EMAIL_PROTECTION
STAMP = ExtendedKeyUsageOID.TIME_STAMPING


@cache
def key(kind: str = "p256", name: str = "") -> Any:
    """A private key, the same one for the same words."""
    del name
    match kind:
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "p256" | "p384" | "p521":
            curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
            return ec.generate_private_key(curves[kind])
        case _:
            return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))


def name(common: str) -> x509.Name:
    """A distinguished name of one part; none of nothing."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)] if common else [])


def usage(*flags: str) -> x509.KeyUsage:
    """A key usage with some flags."""
    known = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign "
        "encipher_only decipher_only"
    )
    return x509.KeyUsage(**{flag: flag in flags for flag in known.split()})


def issue(
    common: str,
    own: Any,
    issuer: x509.Certificate | None = None,
    signer: Any = None,
    *,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    start: datetime = NOON - 100 * DAY,
    end: datetime = NOON + 100 * DAY,
    digest: Any = None,
    serial: int | None = None,
) -> x509.Certificate:
    """A certificate for a key; signed by itself where no issuer is given."""
    signer = signer or own
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(common))
        .issuer_name(issuer.subject if issuer else name(common))
        .public_key(own.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, is_critical)
    plain = isinstance(signer, ed25519.Ed25519PrivateKey)
    return builder.sign(signer, None if plain else digest or hashes.SHA256())


def authority(
    common: str,
    own: Any,
    issuer: x509.Certificate | None = None,
    signer: Any = None,
    *,
    length: int | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    **more: Any,
) -> x509.Certificate:
    """A certificate authority."""
    constraints = (x509.BasicConstraints(ca=True, path_length=length), True)
    own_usage = (usage("key_cert_sign", "crl_sign"), True)
    return issue(common, own, issuer, signer, extensions=[constraints, own_usage, *extensions], **more)


def purpose(*purposes: x509.ObjectIdentifier, critical: bool = False) -> tuple[x509.ExtensionType, bool]:
    """An extended key usage."""
    return x509.ExtendedKeyUsage(purposes), critical
