"""Certificates of Fulcio: short-lived, judged at the proven time of signing, and logged before they were issued.

Source: Fulcio, "Certificate Specification"; RFC 6962, 3.2 and 3.3 (signed certificate timestamps in a certificate).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.certificate_transparency import SignedCertificateTimestamp
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from airgap.core.digest import sha256
from airgap.core.errors import FormatError
from airgap.core.times import format_time
from airgap.core.verdict import Result
from airgap.evidence.bundles.bundle import EvidenceError
from airgap.evidence.bundles.trusted_root import TrustedRoot
from airgap.evidence.x509.certificates import check_chain, is_valid_at


def check_certificate(
    leaf: x509.Certificate, root: TrustedRoot, times: Sequence[datetime], *, is_log_required: bool
) -> None:
    """Hold a signer's certificate to a pinned root, at every proven time of its signature.

    Args:
        leaf: untrusted.
        root: pinned.
        times: at least one, UTC.
        is_log_required: whether the certificate has to be logged even where the root has no log of certificates.

    Raises:
        FormatError: no chain, a time outside of it, a profile that is not that of a signer, or no timestamp of a log.
    """
    check_issuer(leaf, root)
    check_profile(leaf)
    for at in times:
        issuer = _chain_at(leaf, root, at)[1]
        if root.ct_logs or is_log_required:
            check_sct(leaf, issuer, root)


def check_issuer(leaf: x509.Certificate, root: TrustedRoot) -> None:
    """Tell a certificate of another instance from one that does not hold.

    Raises:
        EvidenceError: it names no authority of the root (result untrusted-key).
    """
    if not any(_may_issue(authority.chain[0], leaf) for authority in root.authorities):
        issuer = leaf.issuer.rfc4514_string()
        message = f"certificate: expected one issued under the trusted root, got issuer {issuer!a:.120}"
        raise EvidenceError(message, result=Result.UNTRUSTED_KEY)


def check_profile(leaf: x509.Certificate) -> None:
    """A signer's certificate signs, and issues nothing.

    Source: Fulcio, "Certificate Specification", issued certificate: digitalSignature, codeSigning, no CA.

    Raises:
        FormatError: it says otherwise.
    """
    try:
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as exc:
        raise FormatError("certificate: expected a key usage, got none") from exc
    if not usage.digital_signature or usage.key_cert_sign:
        raise FormatError("certificate: expected a key that signs and issues nothing, got another usage")
    constraints = [e.value for e in leaf.extensions if isinstance(e.value, x509.BasicConstraints)]
    if any(constraint.ca for constraint in constraints):
        raise FormatError("certificate: expected a signer's, got an authority's")


def _chain_at(leaf: x509.Certificate, root: TrustedRoot, at: datetime) -> list[x509.Certificate]:
    """The chain through an authority that may be believed at the time; it has an issuer, as a signer is no authority."""
    if not is_valid_at(leaf, at):
        window = f"{format_time(leaf.not_valid_before_utc)} to {format_time(leaf.not_valid_after_utc)}"
        message = f"certificate: expected one valid at the proven time {format_time(at)}, got {window}"
        raise EvidenceError(message, result=Result.EXPIRED_AT_SIGNING)
    fault = FormatError(f"certificate: expected an authority that the trusted root believes at {format_time(at)}, got none")
    for authority in root.authorities:
        if not _may_issue(authority.chain[0], leaf) or not authority.window.holds(at):
            continue
        try:
            chain = check_chain(leaf, authority.chain[:-1], authority.chain[-1:], at, eku=ExtendedKeyUsageOID.CODE_SIGNING)
        except FormatError as exc:
            fault = exc
            continue
        if len(chain) > 1:
            return chain
    raise fault


def _may_issue(authority: x509.Certificate, leaf: x509.Certificate) -> bool:
    """Whether a certificate names an authority: by name, and by key where both say it. Instances share their names."""
    if authority.subject != leaf.issuer:
        return False
    by_key = [e.value.key_identifier for e in leaf.extensions if isinstance(e.value, x509.AuthorityKeyIdentifier)]
    keys = [e.value.digest for e in authority.extensions if isinstance(e.value, x509.SubjectKeyIdentifier)]
    return not by_key or not keys or by_key == keys


def check_sct(leaf: x509.Certificate, issuer: x509.Certificate, root: TrustedRoot) -> None:
    """The one timestamp in a certificate by which a pinned log says that it has seen it.

    Raises:
        FormatError: none or several, by another log, at a time at which the log is not believed, or not for this
            certificate.
    """
    sct, at = _sct(leaf)
    log = next((log for log in root.ct_logs if log.log_id == sct.log_id), None)
    if log is None:
        raise FormatError(f"certificate: expected a timestamp of a log of the trusted root, got log {sct.log_id.hex()}")
    if not log.window.holds(at):
        raise FormatError("certificate: expected a timestamp while its log is believed, got one at another time")
    if not log.key.is_signed(_signed_by_log(leaf, issuer, sct, at), sct.signature, algorithm="sha256"):
        raise FormatError(f"certificate: expected a timestamp signed by {log.url!a:.80}, got one that does not hold")


def _sct(leaf: x509.Certificate) -> tuple[SignedCertificateTimestamp, datetime]:
    """The timestamp and its time, UTC, which the library reads on demand."""
    try:
        extension = leaf.extensions.get_extension_for_oid(ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS).value
        found = list(extension) if isinstance(extension, x509.PrecertificateSignedCertificateTimestamps) else []
        if len(found) != 1:
            raise FormatError(f"certificate: expected one timestamp of a log, got {len(found)}")
        sct: SignedCertificateTimestamp = found[0]
        # the library reads version 1 only, and what stands in a certificate was given before its issue
        if not isinstance(sct.signature_hash_algorithm, hashes.SHA256):
            raise FormatError("certificate: expected a timestamp over SHA-256, got another hash")
        at = sct.timestamp.replace(tzinfo=UTC)
    except (x509.ExtensionNotFound, ValueError) as exc:
        raise FormatError("certificate: expected a timestamp of a log, got none that can be read") from exc
    return sct, at


def _signed_by_log(
    leaf: x509.Certificate, issuer: x509.Certificate, sct: SignedCertificateTimestamp, at: datetime
) -> bytes:
    """What a log signs. Source: RFC 6962, 3.2: the certificate without its timestamps, and the hash of its issuer's key."""
    spki = issuer.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = leaf.tbs_precertificate_bytes
    milliseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return b"".join((
        b"\x00\x00",  # version 1, certificate_timestamp
        milliseconds.to_bytes(8, "big"),
        b"\x00\x01",  # precert_entry
        sha256(spki),
        len(body).to_bytes(3, "big"),
        body,
        len(sct.extension_bytes).to_bytes(2, "big"),
        sct.extension_bytes,
    ))  # fmt: skip
