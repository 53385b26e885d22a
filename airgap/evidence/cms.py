"""CMS signatures (``.p7s``): by a certificate of a pinned authority, over a file that lies beside.

Source: RFC 5652; RFC 3161, appendix A, for the timestamp that proves when a signature was made. Without one the signer's
certificate has to be valid today: the time that a signer claims is nobody's word but his own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from airgap.core.digest import sha256
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.times import format_time
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence.pinned import LIBRARY, Pinned
from airgap.evidence.subject import Bench, Piece, Pins, Subject
from airgap.evidence.x509.authorities import (
    Shown,
    authorities,
    certificates_beside,
    judge_certificate,
    lists_beside,
    name_of,
    withdrawn_key,
)
from airgap.evidence.x509.certificates import key_of, pin_of, read_certificates
from airgap.evidence.x509.crls import check_lists
from airgap.evidence.x509.signed_data import (
    DATA,
    SignedData,
    SignerInfo,
    find_certificate,
    signing_time,
    unarmor,
    unsigned_value,
)
from airgap.evidence.x509.signer import check_signer
from airgap.evidence.x509.timestamp import read_stamp

KIND: Final = "cms"
_TOKEN: Final = "1.2.840.113549.1.9.16.2.14"  # noqa: S105 -- id-aa-timeStampToken, an object identifier
_AHEAD: Final = timedelta(days=1)
"""How far an authority's clock may be ahead of the site's."""
_RESULTS: Final = {
    Reason.EVIDENCE_WEAK: Result.WEAK_ALGORITHM,
    Reason.WEAK_KEY: Result.WEAK_ALGORITHM,
    Reason.EVIDENCE_UNSUPPORTED: Result.UNSUPPORTED,
}


@dataclass(frozen=True, slots=True)
class _AtHand:
    """What may help to judge a signature; all of it untrusted but for the certificates that anchors pin."""

    roots: Sequence[x509.Certificate]
    certificates: Sequence[x509.Certificate]
    lists: Sequence[bytes]


def read_pin(raw: bytes) -> Pinned:
    """What pins an authority, by its certificate in PEM or DER.

    Raises:
        FormatError: the file is not one certificate, or its key is weak.
    """
    found = read_certificates(raw)
    if len(found) != 1:
        raise FormatError(f"certificate file: expected one certificate, got {len(found)}")
    key_of(found[0])
    pin = pin_of(found[0])
    return Pinned(pin=pin, fingerprint=f"sha256:{pin}", settings={}, identity=name_of(found[0].subject))


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge a ``.p7s`` file, in DER or PEM; see ``Verifier``."""
    bench = Bench.of(subject, piece, KIND, library=LIBRARY, vouches=Vouches.PUBLISHER)
    try:
        data = SignedData.parse(unarmor(piece.content))
        _check_content(data, subject)
    except FormatError as exc:
        return [_refused(bench, exc)]
    carried = [*data.certificates, *certificates_beside(beside)]
    roots = [certificate for _, certificate in authorities(pins, carried)]
    at_hand = _AtHand(roots, carried, [*data.crls, *lists_beside(beside)])
    return [_judge(bench, subject, signer, at_hand, pins) for signer in data.signers]


def _check_content(data: SignedData, subject: Subject) -> None:
    """The document is about plain data that is the subject, and somebody signed it (T121)."""
    if not data.signers:
        raise FormatError("CMS: expected a signature, got a document without any")
    if data.content_type != DATA:
        words = "CMS: expected a signature over plain data, got one over another type"
        raise FormatError(words, reason=Reason.EVIDENCE_UNSUPPORTED)
    if data.content is not None and sha256(data.content) != subject.digest("sha256"):
        raise FormatError(f"CMS: expected no content or {subject.covers}, got content sha256:{sha256(data.content).hex()}")


def _judge(bench: Bench, subject: Subject, signer: SignerInfo, at_hand: _AtHand, pins: Pins) -> Finding:
    """The finding about one signature."""
    certificate = find_certificate(signer, [*at_hand.certificates, *at_hand.roots])
    if certificate is None:
        return bench.untrusted("a signature, and not the certificate that it names")
    try:
        bench = bench.knowing(algorithm=check_signer(signer, certificate, DATA, subject))
        claimed = signing_time(signer)
    except FormatError as exc:
        return _refused(bench, exc, identity=name_of(certificate.subject))
    proven, note = _proven(signer, at_hand, pins)
    told = proven or claimed
    bench = bench.knowing(
        note=note,
        signed_at=format_time(told) if told else "",
        time_proof="timestamp" if proven else "claimed" if claimed else "",
    )
    shown = Shown(leaf=certificate, carried=at_hand.certificates, lists=at_hand.lists, proven=proven)
    return judge_certificate(bench, shown, pins)


def _proven(signer: SignerInfo, at_hand: _AtHand, pins: Pins) -> tuple[datetime | None, str]:
    """When a pinned authority saw the signature, UTC; or None, and why a token that is there proves nothing.

    Any authority that the site pinned for the artifact may vouch for a time: whoever may say that a certificate is good may
    say since when.
    """
    try:
        token = unsigned_value(signer, _TOKEN)
        if token is None:
            return None, ""
        stamp = read_stamp(token, signer.signature, roots=at_hand.roots, intermediates=at_hand.certificates)
    except FormatError as exc:
        return None, f"timestamp ignored: {exc.message}"
    if withdrawn_key(pins, stamp.chain) or check_lists(stamp.chain, at_hand.lists, pins.at).withdrawn:
        return None, "timestamp ignored: its authority was revoked"
    if stamp.at > pins.at + _AHEAD:
        return None, f"timestamp ignored: {format_time(stamp.at)} has not come yet"
    return stamp.at, ""


def _refused(bench: Bench, error: FormatError, *, identity: str = "") -> Finding:
    """The finding about a document or a signature that does not hold, or that nobody could rely on."""
    result = _RESULTS.get(error.reason, Result.FAILED)
    return bench.other(result, "a CMS signature of this file that holds", error.message, identity=identity)
