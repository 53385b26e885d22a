"""Sigstore bundles, verified with nothing but a pinned trusted root or a pinned key.

Source: sigstore protobuf-specs, ``sigstore_bundle.proto``; Sigstore client specification, "Verification".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from airgap.core.anchors import Anchor
from airgap.core.errors import FormatError
from airgap.core.verdict import Finding, Result
from airgap.evidence.pubkey import Key
from airgap.evidence.subject import Bench, Piece, Pins, Subject
from airgap.evidence.trusted_root import TrustedRoot

KIND: Final = "sigstore"


class EvidenceError(FormatError):
    """Evidence that does not hold; ``result`` says in which way (failed, unsupported, untrusted-key, weak-algorithm)."""

    def __init__(self, message: str, *, result: Result = Result.FAILED) -> None:
        super().__init__(message)
        self.result = result


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a Fulcio certificate was issued to.

    Attributes:
        san: the one subject alternative name, an URI or a mail address.
        issuer: of the identity token (OIDC).
        repository: ``owner/name`` of a workflow or pipeline, else empty.
        workflow: file name of the workflow, else empty.
        ref: git ref that the workflow ran for, else empty.
        extensions: all Fulcio extensions, by the last number of their OID.
    """

    san: str
    issuer: str
    repository: str = ""
    workflow: str = ""
    ref: str = ""
    extensions: Mapping[str, str] = field(default_factory=dict)


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
    raise NotImplementedError


def open_bundle(
    bundle: Mapping[str, Any],
    *,
    root: TrustedRoot | None,
    key: Key | None,
    digest: Callable[[str], bytes] | None,
    is_log_required: bool = True,
) -> Opened:
    """Verify everything about a bundle but who should have signed it, and hand out what was signed.

    Certificate bundles need ``root`` and are judged at the proven time. Key bundles need ``key``; with a ``root`` their log
    entries are verified too, and without one the log is not looked at.

    Args:
        bundle: the JSON value, untrusted.
        root: pinned logs and authorities.
        key: a pinned key, for a bundle that no certificate comes with.
        digest: raw digest of the signed bytes by hashlib name, for a signature over a digest; None where only an envelope
            will do.
        is_log_required: whether a certificate bundle has to be logged; without a log a timestamp has to be there.

    Raises:
        EvidenceError: something does not hold. Its ``result`` is untrusted-key where the pinned root or key is not the one
            that the bundle was made with, or none was given.
    """
    raise NotImplementedError


def peek_bundle(bundle: Mapping[str, Any], *, digest: Callable[[str], bytes] | None) -> Opened:
    """What a certificate bundle claims, with its signature checked by the key that it carries: never a reason to trust.

    For findings about bundles that no anchor covers: a wrong signature is wrong whoever made it.

    Raises:
        EvidenceError: the signature does not hold, or the bundle carries no key (result untrusted-key).
    """
    raise NotImplementedError


def check_identity(anchor: Anchor, identity: Identity) -> str | None:
    """What differs between the publisher that an anchor expects and a certificate's, in words; None when nothing does."""
    raise NotImplementedError


def judge(
    bench: Bench,
    bundle: Mapping[str, Any],
    beside: Sequence[Piece],
    pins: Pins,
    *,
    digest: Callable[[str], bytes] | None,
    check: Callable[[Opened], str | None],
    is_log_required: bool = True,
) -> Finding:
    """The finding about a certificate bundle under all covering anchors of kind sigstore.

    Args:
        bench: of the piece.
        bundle: the JSON value, untrusted.
        beside: pieces among which a trusted root may be.
        pins: what the site believes.
        digest: as for ``open_bundle``.
        check: whether what was signed is about the subject: a fault in words, or None. Runs on verified bytes, or before an
            untrusted-key finding on unverified ones.
        is_log_required: as for ``open_bundle``; an anchor with ``tsa-only`` = ``yes`` needs none.
    """
    raise NotImplementedError


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge a ``.sigstore.json`` beside an artifact."""
    raise NotImplementedError
