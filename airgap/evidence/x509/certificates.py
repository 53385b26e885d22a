"""X.509 certificates: read strictly, and judged along a chain to a pinned one at a given time.

Source: RFC 5280, section 6, as the verifier of the cryptography package carries it out; what differs for signers of
code, mail and timestamps stands in ``_policies``. Certificates that came along with a signature only ever help to build
the chain: the last one has to be among those that somebody pinned.
"""

import warnings
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError

from airgap.core.digest import sha256
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.times import format_time
from airgap.evidence.pubkey import Key

MAX_DEPTH: Final = 8
"""Certificates between the leaf and the root."""
MAX_CARRIED: Final = 32
"""Certificates that a signature may bring along."""

UNREADABLE: Final = (
    ValueError,
    TypeError,
    LookupError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    Warning,
)
"""What the cryptography package raises for bytes that are no certificate or revocation list."""

_BROKEN: Final = (VerificationError, ValueError, UnsupportedAlgorithm)


def load_certificate(der: bytes) -> x509.Certificate:
    """Read one certificate in DER.

    Raises:
        FormatError: other bytes, or an encoding that the cryptography package reads with a warning only.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = x509.load_der_x509_certificate(der)
            # read on demand: read now, so that nobody meets the error later
            _ = (found.subject, found.issuer, found.extensions, found.signature_algorithm_oid)
            _ = (found.not_valid_before_utc, found.not_valid_after_utc)
        except UNREADABLE as exc:
            raise FormatError("certificate: expected X.509 in DER, got other bytes") from exc
    if not der.endswith(b"\0" + found.signature):
        # the library reads past unused bits, so one certificate would have several encodings, and several pins
        raise FormatError("certificate: expected a signature of whole bytes, got one with unused bits")
    return found


def read_certificates(raw: bytes) -> list[x509.Certificate]:
    """All certificates of a file: PEM blocks, or one in DER.

    Raises:
        FormatError: the file holds none, more than 32, or one that cannot be read.
    """
    if b"-----BEGIN " not in raw:
        return [load_certificate(raw)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each one is read again below, where a warning refuses it
        try:
            found = x509.load_pem_x509_certificates(raw)
        except UNREADABLE as exc:
            raise FormatError("certificate file: expected certificates in PEM, got other text") from exc
    if len(found) > MAX_CARRIED:
        raise FormatError(f"certificate file: expected at most {MAX_CARRIED} certificates, got {len(found)}")
    return [load_certificate(der_of(certificate)) for certificate in found]


def der_of(certificate: x509.Certificate) -> bytes:
    """The certificate's bytes, exactly as they were read."""
    return certificate.public_bytes(Encoding.DER)


def pin_of(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate in hex: what an anchor of kind x509 pins."""
    return sha256(der_of(certificate)).hex()


def key_of(certificate: x509.Certificate) -> Key:
    """The certificate's public key.

    Raises:
        FormatError: of another algorithm, malformed, or (reason weak-key) too weak.
    """
    try:
        return Key.of(certificate.public_key())
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise FormatError("certificate: expected a public key of RSA, ECDSA or Ed25519, got another one") from exc


def is_valid_at(certificate: x509.Certificate, at: datetime) -> bool:
    """Whether the time lies between the certificate's own two dates, both included (RFC 5280, 4.1.2.5)."""
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def check_chain(
    leaf: x509.Certificate,
    intermediates: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    at: datetime,
    *,
    eku: x509.ObjectIdentifier | None,
) -> list[x509.Certificate]:
    """The chain from a leaf to one of the pinned certificates, every one of them valid at the time (T135).

    A pinned certificate may itself be the leaf. SHA-1, RSA below 2048 bits, and Ed25519 in a certificate's issuer are
    refused (the last because the library's verifier knows the algorithms of the web only).

    Args:
        leaf: the signer's certificate, untrusted.
        intermediates: that came along, untrusted.
        roots: pinned.
        at: when the signature was made, UTC; never the time of the check unless nothing better is known.
        eku: extended key usage that the leaf must have, and that an issuer must not exclude; None for any.

    Raises:
        FormatError: no such chain. Its reason is evidence-expired where there is one at another time (that of the
            leaf's issue), weak-key for a weak key of the leaf, else malformed.
    """
    key_of(leaf)
    try:
        return _build(leaf, intermediates, roots, at, eku)
    except _BROKEN as exc:
        if _is_chain(leaf, intermediates, roots, eku):
            window = f"{format_time(leaf.not_valid_before_utc)} to {format_time(leaf.not_valid_after_utc)}"
            raise FormatError(
                f"certificate: expected a chain valid at {format_time(at)}, got one that is not (leaf: {window})",
                reason=Reason.EVIDENCE_EXPIRED,
            ) from exc
        # what follows names a certificate in its issuer's words
        said = str(exc).partition(" (encountered processing")[0]
        raise FormatError(f"certificate: expected a chain to a pinned certificate, got none: {said!a:.160}") from exc


def _is_chain(
    leaf: x509.Certificate,
    intermediates: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    eku: x509.ObjectIdentifier | None,
) -> bool:
    """Whether there was a chain when the leaf was issued."""
    try:
        return bool(_build(leaf, intermediates, roots, leaf.not_valid_before_utc, eku))
    except _BROKEN:
        return False


def _build(
    leaf: x509.Certificate,
    intermediates: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    at: datetime,
    eku: x509.ObjectIdentifier | None,
) -> list[x509.Certificate]:
    if not roots:
        raise VerificationError("no pinned certificate")
    builder = PolicyBuilder().store(Store(list(roots))).time(at.astimezone(UTC).replace(tzinfo=None))
    ca, signer = _policies(eku)
    # the client verifier is the one that asks for no name: who it should be is the caller's question
    verifier = builder.max_chain_depth(MAX_DEPTH).extension_policies(ca_policy=ca, ee_policy=signer).build_client_verifier()
    chain = verifier.verify(leaf, list(intermediates)).chain
    _check_subjects(chain)
    return chain


def _check_subjects(chain: Sequence[x509.Certificate]) -> None:
    """Hold subjects to the name constraints above them (RFC 5280, 4.2.1.10).

    The library looks at alternative names only, and passes over what it does not know in constraints that are not critical.
    """
    for place, issuer in enumerate(chain):
        with suppress(x509.ExtensionNotFound):
            limits = issuer.extensions.get_extension_for_class(x509.NameConstraints).value
            if not all(_is_allowed(below, limits) for below in chain[:place]):
                raise VerificationError("a subject that its issuer may not name")


def _is_allowed(below: x509.Certificate, limits: x509.NameConstraints) -> bool:
    permitted, excluded = limits.permitted_subtrees or (), limits.excluded_subtrees or ()
    subject = _folded(below.subject)
    inside, outside = (
        [_folded(name.value) for name in names if isinstance(name, x509.DirectoryName)] for names in (permitted, excluded)
    )
    if (inside and not _is_under(subject, inside)) or _is_under(subject, outside):
        return False
    if not any(isinstance(name, x509.RFC822Name) for name in (*permitted, *excluded)):
        return True
    # an address that is an alternative name too was held to the constraints there
    return {it.value for it in below.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)} <= addresses(below)


def _folded(name: x509.Name) -> list[frozenset[tuple[str, str]]]:
    """The parts of a name, so that case and blanks make no difference (RFC 5280, 7.1)."""
    return [
        frozenset((it.oid.dotted_string, " ".join(str(it.value).casefold().split())) for it in rdn) for rdn in name.rdns
    ]


def _is_under(subject: list[frozenset[tuple[str, str]]], bases: Sequence[list[frozenset[tuple[str, str]]]]) -> bool:
    return any(subject[: len(base)] == base for base in bases)


def addresses(certificate: x509.Certificate) -> set[str]:
    """The mail addresses among a certificate's alternative names."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return set(names.get_values_for_type(x509.RFC822Name))


def _policies(eku: x509.ObjectIdentifier | None) -> tuple[ExtensionPolicy, ExtensionPolicy]:
    """What issuers and the signer must say. The library's defaults are those of web servers and clients.

    Source: RFC 5280, 4.2.1.3 (key usage), 4.2.1.9 (basic constraints), 4.2.1.12 (extended key usage); the library
    refuses critical extensions that it does not know, and enforces path lengths and name constraints by itself.
    """

    def check_issuer_usage(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
        if usage is not None and not usage.key_cert_sign:
            raise ValueError("an issuer that may not sign certificates")

    def check_issuer_purpose(_: Policy, __: x509.Certificate, purposes: x509.ExtendedKeyUsage | None) -> None:
        if purposes is not None and not {eku, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(purposes):
            raise ValueError("an issuer for other purposes")

    def check_usage(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
        if usage is not None and not (usage.digital_signature or usage.content_commitment):
            raise ValueError("a certificate that may not sign")

    def check_purpose(_: Policy, __: x509.Certificate, purposes: x509.ExtendedKeyUsage) -> None:
        if eku not in set(purposes):
            raise ValueError("a certificate for other purposes")

    either = Criticality.AGNOSTIC
    ca = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, either, None)
    ca = ca.may_be_present(x509.KeyUsage, either, check_issuer_usage)
    signer = ExtensionPolicy.permit_all().may_be_present(x509.KeyUsage, either, check_usage)
    if eku is None:
        return ca, signer
    ca = ca.may_be_present(x509.ExtendedKeyUsage, either, check_issuer_purpose)
    return ca, signer.require_present(x509.ExtendedKeyUsage, either, check_purpose)
