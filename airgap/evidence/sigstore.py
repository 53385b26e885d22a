"""Sigstore bundles beside an artifact, and the judgement that every other format in Sigstore's manner shares.

A bundle proves that somebody with an identity signed; ``bundles/opening`` verifies that. Whether that is the publisher
comes from an anchor only: a trusted root by its digest, and the identity expected under it. No library's cache of trusted
roots is ever read.

Source: sigstore protobuf-specs, ``sigstore_bundle.proto``; Sigstore client specification, "Verification".
"""

import base64
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from airgap.core.anchors import Anchor, Kind
from airgap.core.errors import FormatError
from airgap.core.times import format_time
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence.bundles.bundle import EvidenceError
from airgap.evidence.bundles.identity import Identity, check_identity, is_own
from airgap.evidence.bundles.opening import Message, Opened, load_bundle, open_bundle, peek_bundle
from airgap.evidence.bundles.trusted_root import find_root, read_pin
from airgap.evidence.dsse import KIND as DSSE
from airgap.evidence.dsse import match_subject, open_statement
from airgap.evidence.pinned import LIBRARY
from airgap.evidence.pubkey import Key, pinned_key
from airgap.evidence.raw import FORMAT, of_another_format
from airgap.evidence.raw import KIND as RAW
from airgap.evidence.subject import Bench, Piece, Pins, Subject

__all__ = [
    "KIND",
    "EvidenceError",
    "Identity",
    "Opened",
    "check_identity",
    "judge",
    "load_bundle",
    "open_bundle",
    "peek_bundle",
    "read_pin",
    "verify",
]

KIND: Final = "sigstore"
STATEMENT: Final = "application/vnd.in-toto+json"
_SOUND: Final = frozenset({Result.VERIFIED, Result.REVOKED})


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge a ``.sigstore.json`` beside an artifact; see ``Verifier``."""
    bench = Bench.of(subject, piece, KIND, library=LIBRARY, vouches=Vouches.PUBLISHER)
    try:
        bundle = load_bundle(piece.content)
    except FormatError as exc:
        return [bench.failed("a Sigstore bundle", exc.message)]

    def check(opened: Opened) -> str | None:
        return check_statement(opened, subject)

    if _is_over_file(bundle) and (fault := of_another_format(subject)) is not None:
        return [bench.failed("a file", fault)]
    if is_key_bundle(bundle):
        return [judge_key(bench, bundle, pins, digest=subject.digest, check=check, message=subject.message)]
    return [judge(bench, bundle, beside, pins, digest=subject.digest, check=check, message=subject.message)]


def check_statement(opened: Opened, subject: Subject) -> str | None:
    """Whether an opened bundle is about an artifact; a signature over the artifact's digest is, as it holds."""
    if opened.payload is None:
        return None
    if opened.payload_type != STATEMENT:
        return f"expected payload type {STATEMENT}, got {opened.payload_type!a:.80}"
    try:
        return match_subject(open_statement(opened.payload), subject)
    except FormatError as exc:
        return exc.message


def judge(
    bench: Bench,
    bundle: Mapping[str, Any],
    beside: Sequence[Piece],
    pins: Pins,
    *,
    digest: Callable[[str], bytes] | None,
    check: Callable[[Opened], str | None],
    is_log_required: bool = True,
    message: Message | None = None,
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
        message: as for ``open_bundle``.
    """
    missed = []
    for anchor in pins.of(Kind.SIGSTORE):
        root = find_root(anchor, beside)
        if root is None:
            missed.append(bench.untrusted(f"no trusted root at hand for anchor {anchor.name}"))
            continue
        is_logged = is_log_required and anchor.settings.get("tsa-only") != "yes"
        try:
            opened = open_bundle(
                bundle,
                root=root.without(pins.revoked),
                key=None,
                digest=digest,
                is_log_required=is_logged,
                message=message,
            )
        except EvidenceError as exc:
            missed.append(_refused(bench.knowing(anchor=anchor.name), exc))
            continue
        finding = _settle(bench, anchor, opened, pins, check)
        if finding.result in _SOUND:
            return finding
        missed.append(finding)
    against = (finding for finding in missed if finding.result is not Result.UNTRUSTED_KEY)
    return next(against, None) or _untrusted(bench, bundle, missed, digest, check, message)


def _settle(bench: Bench, anchor: Anchor, opened: Opened, pins: Pins, check: Callable[[Opened], str | None]) -> Finding:
    """What follows from a bundle that holds under an anchor's root."""
    identity = opened.identity
    assert identity is not None
    bench = _about(bench, opened).knowing(anchor=anchor.name, key_then="valid")
    fault = check(opened)
    if fault is not None:
        return _faulty(bench, fault, str(identity))
    fault = check_identity(anchor, identity)
    if fault is not None:
        return _faulty(bench, f"publisher: {fault}", str(identity))
    return _still_good(bench, opened, pins) or bench.verified(str(identity))


def _still_good(bench: Bench, opened: Opened, pins: Pins) -> Finding | None:
    """A finding about a key that was withdrawn."""
    withdrawn = pins.revoked.get(opened.key.key_id)
    if withdrawn is None:
        return None
    bench = bench.knowing(key_now="revoked")
    return bench.other(Result.REVOKED, "a key that is still good", f"revoked: {withdrawn.reason!a:.120}")


def _untrusted(
    bench: Bench,
    bundle: Mapping[str, Any],
    missed: Sequence[Finding],
    digest: Callable[[str], bytes] | None,
    check: Callable[[Opened], str | None],
    message: Message | None,
) -> Finding:
    """The finding about a bundle that no anchor reaches: wrong is wrong whoever signed, the rest is left to the policy."""
    try:
        opened = peek_bundle(bundle, digest=digest, message=message)
    except EvidenceError as exc:
        return _refused(bench, exc)
    identity = opened.identity
    assert identity is not None
    bench = _about(bench, opened)
    fault = check(opened)
    if fault is not None:
        return _faulty(bench, fault, "")
    got = "; ".join([f"{identity} by its own certificate", *(finding.got for finding in missed)])
    return bench.untrusted(got, identity=str(identity), hint=_hint(identity, bench.subject.purl))


def _hint(identity: Identity, purl: str) -> str:
    """The command that would pin a publisher; what others wrote is quoted for a shell, or left out when it is strange."""
    said = {"issuer": identity.issuer, "repository": identity.repository, "workflow": identity.workflow}
    if not (is_own(identity) and identity.workflow):
        # else left out: the name in a certificate ends in the tag of this one release
        said["identity"] = identity.san
    said = {name: value for name, value in said.items() if value}
    plain = {name: value if _is_plain(value) else name.upper() for name, value in said.items()}
    settings = " ".join(f"--set {shlex.quote(f'{name}={value}')}" for name, value in plain.items())
    return (
        f"airgap trust anchor add TRUST -o NEXT --name NAME --kind {Kind.SIGSTORE} --from trusted_root.json"
        f" {settings} --artifacts {shlex.quote(purl)}"
    )


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and len(text) <= 300


def is_key_bundle(bundle: Mapping[str, Any]) -> bool:
    """Whether a bundle says that a key signed it, and no certificate."""
    material = bundle.get("verificationMaterial")
    return isinstance(material, dict) and material.get("publicKey") is not None


def _is_over_file(bundle: Mapping[str, Any]) -> bool:
    """Whether a bundle says that the signature is over the artifact itself, and no envelope."""
    return bundle.get("messageSignature") is not None


def judge_key(
    bench: Bench,
    bundle: Mapping[str, Any],
    pins: Pins,
    *,
    digest: Callable[[str], bytes] | None,
    check: Callable[[Opened], str | None],
    message: Message | None = None,
) -> Finding:
    """The finding about a key bundle under all covering anchors of kinds cosign and pem.

    The log is not believed, as no such anchor pins one: the time of signing stays unknown. The hint in a bundle decides
    nothing but whether a pinned key that does not fit is a failure or just another key.
    """
    missed = []
    format_ = RAW if _is_over_file(bundle) else DSSE
    for anchor in pins.of(Kind.COSIGN, Kind.PEM):
        if anchor.settings.get(FORMAT, format_) != format_:
            continue
        try:
            key = pinned_key(anchor.pin)
        except FormatError:
            continue
        about = bench.knowing(anchor=anchor.name, fingerprint=key.fingerprint)
        try:
            opened = open_bundle(bundle, root=None, key=key, digest=digest, message=message)
        except EvidenceError as exc:
            if _is_named(bundle, key) or exc.result is not Result.FAILED:
                missed.append(_refused(about, exc))
            continue
        about = _about(about, opened).knowing(key_then="valid")
        fault = check(opened)
        if fault is not None:
            return _faulty(about, fault, key.fingerprint)
        return _still_good(about, opened, pins) or about.knowing(key_now="valid").verified(key.fingerprint)
    try:
        peek_bundle(bundle, digest=digest)
    except EvidenceError as exc:
        missed.append(_refused(bench, exc))
    return missed[0]


def _is_named(bundle: Mapping[str, Any], key: Key) -> bool:
    """Whether the hint is this key's: SHA-256 of its SPKI in base64, as cosign writes it, or in hex."""
    named = bundle["verificationMaterial"]["publicKey"]
    hint = named.get("hint") if isinstance(named, dict) else None
    return hint in (base64.b64encode(bytes.fromhex(key.key_id)).decode(), key.key_id)


def _about(bench: Bench, opened: Opened) -> Bench:
    return bench.knowing(
        fingerprint=opened.key.fingerprint,
        algorithm=f"{opened.key.algorithm}/{opened.key.own_hash}",
        signed_at=format_time(opened.signed_at) if opened.signed_at else "",
        time_proof=opened.time_proof,
    )


def _faulty(bench: Bench, fault: str, identity: str) -> Finding:
    """A failed finding out of a fault in the words ``expected X, got Y``."""
    expected, _, got = fault.rpartition(", got ")
    return bench.failed(expected.replace("expected ", "", 1) or "what the anchor expects", got, identity=identity)


def _refused(bench: Bench, error: EvidenceError) -> Finding:
    """The finding that an error stands for."""
    expected, _, got = error.message.rpartition(", got ")
    if error.result is Result.FAILED:
        return bench.failed(expected.replace("expected ", "", 1) or "a bundle that holds", got)
    if error.result is Result.UNTRUSTED_KEY:
        return bench.untrusted(error.message)
    return bench.other(error.result, expected.replace("expected ", "", 1), got)
