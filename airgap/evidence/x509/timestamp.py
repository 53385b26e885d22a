"""RFC 3161 timestamps: the time at which an authority saw a message.

The certificate's chain is judged at that very time, so a token holds for ever, as far as its algorithms do. The stated
accuracy (seconds, mostly) is not looked at, nor are nonce and policy: they are for whoever asked for the token.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, NamedTuple

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import ExtendedKeyUsageOID

from airgap.core.errors import FormatError
from airgap.evidence.x509.certificates import check_chain
from airgap.evidence.x509.signed_data import Digest, SignedData, SignerInfo, find_certificate, read_der, whole
from airgap.evidence.x509.signer import Held, check_signer, hash_of, is_bound

MAX_TOKEN: Final = 256 * 1024
"""Bytes; a token with its certificates has about 6,000."""
_TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_GRANTED: Final = (0, 1)


@asn1.sequence
class Imprint:
    """MessageImprint (RFC 3161, 2.4.1)."""

    digest: Digest
    hashed: bytes


@asn1.sequence
class Extension:
    """RFC 5280, 4.1."""

    oid: x509.ObjectIdentifier
    critical: Annotated[bool, asn1.Default(value=False)]
    value: bytes


@asn1.sequence
class Accuracy:
    """RFC 3161, 2.4.2."""

    seconds: int | None
    millis: Annotated[int | None, asn1.Implicit(0)]
    micros: Annotated[int | None, asn1.Implicit(1)]


@asn1.sequence
class TstInfo:
    """TSTInfo (RFC 3161, 2.4.2). ``tsa`` is a name under an explicit tag, which reads as a list of one."""

    version: int
    policy: x509.ObjectIdentifier
    imprint: Imprint
    serial: int
    time: asn1.GeneralizedTime
    accuracy: Accuracy | None
    ordering: Annotated[bool, asn1.Default(value=False)]
    nonce: int | None
    tsa: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    extensions: Annotated[list[Extension] | None, asn1.Implicit(1)]


@asn1.sequence
class Status:
    """PKIStatusInfo (RFC 3161, 2.4.2)."""

    status: int
    words: list[str] | None
    failure: asn1.BitString | None


@asn1.sequence
class Response:
    """TimeStampResp (RFC 3161, 2.4.2) with a token; one without is no evidence."""

    status: Status
    token: asn1.TLV


class Stamp(NamedTuple):
    """A time that an authority vouches for, UTC, and the authority's chain up to a pinned certificate."""

    at: datetime
    chain: Sequence[x509.Certificate]


def open_token(
    token: bytes,
    imprint_of: bytes,
    *,
    roots: Sequence[x509.Certificate],
    intermediates: Sequence[x509.Certificate] = (),
) -> datetime:
    """The time, UTC, at which a pinned authority saw a message.

    Args:
        token: a TimeStampResp or the TimeStampToken in it, DER, untrusted.
        imprint_of: the message that should have been stamped; a signature, for example.
        roots: pinned certificates.
        intermediates: others of the authority, its own included where tokens come without; they prove nothing.

    Raises:
        FormatError: the token does not hold; its reason is as for ``check_chain`` and ``check_signer``.
    """
    return read_stamp(token, imprint_of, roots=roots, intermediates=intermediates).at


def read_stamp(
    token: bytes,
    imprint_of: bytes,
    *,
    roots: Sequence[x509.Certificate],
    intermediates: Sequence[x509.Certificate] = (),
) -> Stamp:
    """The same with the authority's chain; see ``open_token``."""
    data = SignedData.parse(_bare(token))
    if data.content_type != _TST_INFO or data.content is None or len(data.signers) != 1:
        raise FormatError("timestamp: expected one signature over a TSTInfo, got something else")
    (signer,) = data.signers
    carried = [*data.certificates, *intermediates]
    certificate = find_certificate(signer, [*carried, *roots])
    if certificate is None:
        raise FormatError("timestamp: expected the authority's certificate, got none that the token names")
    _check_authority(signer, certificate)
    check_signer(signer, certificate, data.content_type, Held(data.content))
    # authenticated from here on, if only by a certificate that still has to be judged at the time that it states
    at = _time(read_der(TstInfo, data.content, what="TSTInfo"), imprint_of)
    return Stamp(at, check_chain(certificate, carried, roots, at, eku=ExtendedKeyUsageOID.TIME_STAMPING))


def _bare(token: bytes) -> bytes:
    """The token itself, without the response around it.

    Raises:
        FormatError: too many bytes, or a response that grants nothing.
    """
    if len(token) > MAX_TOKEN:
        raise FormatError(f"timestamp: expected at most {MAX_TOKEN} bytes, got {len(token)}")
    try:
        response = read_der(Response, token, what="timestamp")
    except FormatError:
        return token
    if response.status.status not in _GRANTED:
        raise FormatError("timestamp: expected a response that grants one, got a refusal")
    return whole(response.token)


def _check_authority(signer: SignerInfo, certificate: x509.Certificate) -> None:
    """The certificate is critically for timestamps alone (RFC 3161, 2.3), and the signature names it (2.4.1)."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound as exc:
        raise FormatError("timestamp: expected a certificate for timestamps, got one for anything") from exc
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise FormatError("timestamp: expected a certificate that is critically for timestamps alone, got another")
    if not is_bound(signer, certificate):
        raise FormatError("timestamp: expected a signature that names its certificate by hash, got one that does not")


def _time(info: TstInfo, imprint_of: bytes) -> datetime:
    """The time in a TSTInfo, once everything else in it is understood."""
    if info.version != 1 or any(extension.critical for extension in info.extensions or []):
        raise FormatError("timestamp: expected version 1 and no critical extension, got another")
    if info.imprint.hashed != Held(imprint_of).digest(hash_of(info.imprint.digest)):
        raise FormatError("timestamp: expected one of this message, got one of another")
    # the type has no other zone than UTC (RFC 3161, 2.4.2; the reader refuses offsets)
    return info.time.as_datetime()
