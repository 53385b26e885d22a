"""Opening a Sigstore bundle: everything about it is verified but who should have signed it.

Source: Sigstore client specification, "Verification". In order:

1. the bundle is read strictly (``bundle``)
2. the signature holds under the carried certificate's key, or under the pinned one
3. every log entry is about this signature, this signer and this content (``log_entries``)
4. every log entry is vouched for by a pinned log (``transparency``), every timestamp by a pinned authority
5. the certificate leads to the pinned root at every proven time, and is logged (``fulcio``)
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from cryptography import x509

from airgap.core.envelope import pae
from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.verdict import Result
from airgap.evidence.bundles.bundle import Bundle, EvidenceError, Signed
from airgap.evidence.bundles.fulcio import check_certificate, check_issuer
from airgap.evidence.bundles.identity import Identity, read_identity
from airgap.evidence.bundles.log_entries import check_body
from airgap.evidence.bundles.transparency import check_entry, promised_time
from airgap.evidence.bundles.trusted_root import TrustedRoot
from airgap.evidence.pubkey import Key
from airgap.evidence.x509.certificates import der_of, key_of, load_certificate
from airgap.evidence.x509.timestamp import read_stamp

Message = Callable[[], AbstractContextManager[memoryview]]
_LOG: Final = "log"
_TIMESTAMP: Final = "timestamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a bundle says, after everything about it was verified.

    Attributes:
        payload: of the DSSE envelope; None for a signature over a digest.
        payload_type: of the envelope, else empty.
        identity: of the certificate; None for a bundle that a key signed.
        key: that made the signature.
        signed_at: UTC; None where no time is proven (a bundle signed by a key, without log and timestamp).
        time_proof: ``log``, ``timestamp`` or empty.
    """

    payload: bytes | None
    payload_type: str
    identity: Identity | None
    key: Key
    signed_at: datetime | None
    time_proof: str


def load_bundle(raw: bytes) -> Mapping[str, Any]:
    """The JSON value of a bundle: UTF-8, one object, no name twice, no NaN, not deep.

    Raises:
        EvidenceError: anything else.
    """
    with _as_evidence():
        return load_object(raw, what="bundle")


def open_bundle(
    bundle: Mapping[str, Any],
    *,
    root: TrustedRoot | None,
    key: Key | None,
    digest: Callable[[str], bytes] | None,
    is_log_required: bool = True,
    message: Message | None = None,
) -> Opened:
    """Verify everything about a bundle but who should have signed it, and hand out what was signed.

    Certificate bundles need ``root`` and are judged at the proven time. Key bundles need ``key``; with a ``root`` their log
    entries are verified too, and without one the log is not believed.

    Args:
        bundle: the JSON value, untrusted.
        root: pinned logs and authorities.
        key: a pinned key, for a bundle that no certificate comes with.
        digest: raw digest of the signed bytes by hashlib name, for a signature over an artifact; None where only an
            envelope will do.
        is_log_required: whether a bundle that is held to a root has to be logged; a certificate bundle without a log needs
            a timestamp.
        message: the artifact itself, for the keys that sign no digest (Ed25519).

    Raises:
        EvidenceError: something does not hold. Its ``result`` is untrusted-key where the pinned root or key is not the one
            that the bundle was made with, or none was given.
    """
    with _as_evidence():
        parsed = Bundle.parse(bundle)
        leaf = None if parsed.certificate is None else load_certificate(parsed.certificate)
        if leaf is None and key is None:
            raise EvidenceError("bundle: expected a certificate, got one signed by a key", result=Result.UNTRUSTED_KEY)
        if leaf is not None and root is None:
            raise EvidenceError("bundle: expected a pinned trusted root, got none", result=Result.UNTRUSTED_KEY)
        opened = _check_signature(parsed, leaf, key, digest, message)
        if root is None:
            return opened
        if leaf is not None:
            check_issuer(leaf, root)
        times = _proven_times(parsed, root, is_log_required=is_log_required)
        if leaf is not None:
            _check_leaf(parsed, leaf, root, [at for at, _ in times], is_log_required=is_log_required)
    at, proof = times[0] if times else (None, "")
    return replace(opened, signed_at=at, time_proof=proof)


def peek_bundle(
    bundle: Mapping[str, Any], *, digest: Callable[[str], bytes] | None, message: Message | None = None
) -> Opened:
    """What a certificate bundle claims, with its signature checked by the key that it carries: never a reason to trust.

    For findings about bundles that no anchor covers: a wrong signature is wrong whoever made it.

    Raises:
        EvidenceError: the signature does not hold, or the bundle carries no key (result untrusted-key).
    """
    with _as_evidence():
        parsed = Bundle.parse(bundle)
        if parsed.certificate is None:
            _check_digest(parsed.signed, _digest_of(parsed.signed, digest))
            words = f"bundle: expected a certificate or a pinned key, got a key named {parsed.hint!a:.80}"
            raise EvidenceError(words, result=Result.UNTRUSTED_KEY)
        return _check_signature(parsed, load_certificate(parsed.certificate), None, digest, message)


def _check_signature(
    parsed: Bundle,
    leaf: x509.Certificate | None,
    key: Key | None,
    digest: Callable[[str], bytes] | None,
    message: Message | None,
) -> Opened:
    """Steps 2 and 3: the math, and that every log entry is about it. Nothing is believed yet."""
    maker = key if leaf is None else key_of(leaf)
    assert maker is not None
    signed = parsed.signed
    of_signed = _digest_of(signed, digest)
    _check_digest(signed, of_signed)
    if not _is_signed(signed, maker, of_signed, message):
        raise FormatError(f"bundle: expected a signature by {maker.fingerprint}, got one that does not hold")
    signer = maker.spki if leaf is None else der_of(leaf)
    for entry in parsed.entries:
        check_body(entry, signed, signer, of_signed)
    return Opened(
        payload=signed.payload,
        payload_type=signed.payload_type,
        identity=None if leaf is None else read_identity(leaf),
        key=maker,
        signed_at=None,
        time_proof="",
    )


def _digest_of(signed: Signed, digest: Callable[[str], bytes] | None) -> Callable[[str], bytes]:
    """Digests of the bytes that the signature is over: the artifact, or the envelope's PAE."""
    if signed.payload is not None:
        text = pae(signed.payload_type, signed.payload)
        return lambda algorithm: hashlib.new(algorithm, text).digest()
    if digest is None:
        raise FormatError("bundle: expected an envelope, got a signature over an artifact")
    return digest


def _check_digest(signed: Signed, digest: Callable[[str], bytes]) -> None:
    """What a bundle repeats of the artifact has to be so, whoever signed."""
    if signed.payload is None and signed.algorithm and signed.digest != digest(signed.algorithm):
        raise FormatError("bundle: expected the digest of this artifact, got another one")


def _is_signed(signed: Signed, key: Key, digest: Callable[[str], bytes], message: Message | None) -> bool:
    """Step 2. Clients differ about longer curves: their own hash (Go), or SHA-256 with every key (Python)."""
    algorithms = {key.own_hash, "sha256"}
    if signed.payload is not None:
        text = pae(signed.payload_type, signed.payload)
        return any(key.is_signed(text, signed.signature, algorithm=name) for name in algorithms)
    if key.is_prehashed:
        return any(key.is_digest_signed(digest(name), signed.signature, algorithm=name) for name in algorithms)
    if message is None:
        raise EvidenceError("bundle: expected RSA or ECDSA over a digest, got ed25519", result=Result.UNSUPPORTED)
    with message() as content:
        return key.is_signed(content, signed.signature)


def _proven_times(parsed: Bundle, root: TrustedRoot, *, is_log_required: bool) -> list[tuple[datetime, str]]:
    """Step 4: the proven times of a signature; what is carried as a proof has to hold, all of it."""
    if is_log_required and not parsed.entries:
        raise FormatError("bundle: expected a log entry, got none")
    logs = [check_entry(entry, root.logs) for entry in parsed.entries]
    times = [(at, _LOG) for entry in parsed.entries if (at := promised_time(entry)) is not None]
    times += [(_stamped_time(token, parsed.signed.signature, root), _TIMESTAMP) for token in parsed.timestamps]
    for log in logs:
        if not all(log.window.holds(at) for at, _ in times):
            raise FormatError(f"log entry: expected a signature while {log.url!a:.80} is believed, got one at another time")
    return times


def _stamped_time(token: bytes, signature: bytes, root: TrustedRoot) -> datetime:
    """When a pinned authority saw the signature; each authority is believed in its own window only."""
    fault = FormatError("timestamp: expected an authority in the trusted root, got a root without any")
    for authority in root.timestampers:
        try:
            stamp = read_stamp(token, signature, roots=authority.chain[-1:], intermediates=authority.chain[:-1])
        except FormatError as exc:
            fault = exc
            continue
        if authority.chain[0] in stamp.chain and authority.window.holds(stamp.at):
            return stamp.at
        fault = FormatError("timestamp: expected an authority of the trusted root in its time, got another one")
    raise fault


def _check_leaf(
    parsed: Bundle, leaf: x509.Certificate, root: TrustedRoot, times: Sequence[datetime], *, is_log_required: bool
) -> None:
    """Step 5."""
    if not times:
        raise FormatError("bundle: expected a proven time of signing, got none")
    strange = [der for der in parsed.issuers if load_certificate(der) not in root.certificates]
    if strange:
        raise FormatError("bundle: expected issuers of the trusted root only, got another certificate")
    check_certificate(leaf, root, times, is_log_required=is_log_required)


@contextmanager
def _as_evidence() -> Iterator[None]:
    try:
        yield
    except FormatError as exc:
        raise EvidenceError.of(exc) from exc
