"""Certificate revocation lists: used to refuse only, so a list that does not hold changes nothing, and is named.

Source: RFC 5280, 5. That no list names a certificate proves nothing: whoever carries evidence may leave a list out.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

from cryptography import x509

from airgap.core.errors import FormatError
from airgap.core.times import format_time
from airgap.evidence.x509.certificates import UNREADABLE

PEM: Final = b"-----BEGIN X509 CRL-----"
MAX_LISTS: Final = 16


class Withdrawn(NamedTuple):
    """A certificate that its issuer withdrew."""

    certificate: x509.Certificate
    date: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What the lists at hand say about a chain.

    Attributes:
        withdrawn: the first certificate of the chain that a list names.
        notes: about lists that did not count, or that are old; the lists are called by their place.
    """

    withdrawn: Withdrawn | None
    notes: Sequence[str]


def load_list(raw: bytes) -> x509.CertificateRevocationList:
    """Read one list, in PEM or DER.

    Raises:
        FormatError: other bytes.
    """
    load = x509.load_pem_x509_crl if raw.startswith(PEM) else x509.load_der_x509_crl
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = load(raw)
            # read on demand: read now, so that nobody meets the error later
            _ = (found.issuer, found.extensions, found.last_update_utc, found.next_update_utc)
        except UNREADABLE as exc:
            raise FormatError("revocation list: expected X.509 in PEM or DER, got other bytes") from exc
    return found


def check_lists(chain: Sequence[x509.Certificate], lists: Sequence[bytes], at: datetime) -> Checked:
    """Look for the certificates of a chain in the lists that their issuers signed.

    A revocation works backwards: what the certificate signed before is refused as well, since the date of a compromise
    is a guess.

    Args:
        chain: from the leaf to the pinned certificate, verified.
        lists: in PEM or DER, untrusted.
        at: now, UTC; a list from later does not count.
    """
    notes = [f"only {MAX_LISTS} of {len(lists)} revocation lists were read"] if len(lists) > MAX_LISTS else []
    for number, raw in enumerate(lists[:MAX_LISTS], 1):
        try:
            found, note = _check_list(chain, load_list(raw), at)
        except FormatError:
            found, note = None, "ignored, it cannot be read"
        if found is not None:
            return Checked(found, notes)
        if note:
            notes.append(f"revocation list {number}: {note}")
    return Checked(None, notes)


def _check_list(
    chain: Sequence[x509.Certificate], found: x509.CertificateRevocationList, at: datetime
) -> tuple[Withdrawn | None, str]:
    """The certificate that a list withdraws; or a note, empty where there is nothing to say."""
    pairs = [pair for pair in pairwise(chain) if pair[1].subject == found.issuer]
    if not pairs:
        return None, "ignored, of another issuer"
    if not any(_is_signed(found, issuer) for _, issuer in pairs):
        return None, "ignored, its signature does not hold"
    if found.last_update_utc > at:
        return None, "ignored, from the future"
    if _is_indirect(found):
        return None, "ignored, it speaks for other issuers"
    for certificate, issuer in pairs:
        entry = found.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is not None and _is_signed(found, issuer) and _why(entry) != x509.ReasonFlags.remove_from_crl.value:
            return Withdrawn(certificate, entry.revocation_date_utc, _why(entry)), ""
    is_old = found.next_update_utc is not None and found.next_update_utc < at
    return None, f"of {format_time(found.last_update_utc)}, a newer one was due" if is_old else ""


def _is_signed(found: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether the issuer's key signed the list. A weak hash is no reason to believe that nothing was withdrawn."""
    return found.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # an issuer in a verified chain


def _is_indirect(found: x509.CertificateRevocationList) -> bool:
    try:
        return found.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value.indirect_crl
    except x509.ExtensionNotFound:
        return False


def _why(entry: x509.RevokedCertificate) -> str:
    """The reason's name (RFC 5280, 5.3.1)."""
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return x509.ReasonFlags.unspecified.value
