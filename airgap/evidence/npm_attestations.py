"""Attestations of npm packages: who built them (provenance), and that the registry published them.

Source: npm, ``npm/attestation`` repository, "Publish attestation v0.1"; SLSA provenance v0.2 and v1; npm documentation,
"Generating provenance statements". Both are Sigstore bundles over an in-toto statement whose one subject is the package's
URL and its SHA-512. Provenance comes with a certificate, so an anchor of kind sigstore has to expect that repository.
The registry signs with a key of its list instead, for which an anchor of kind npm-keys vouches; when it signed, only a log
that a trusted root pins can prove.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from airgap.core.anchors import Kind
from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence import npm_keys
from airgap.evidence.bundles.bundle import Bundle
from airgap.evidence.bundles.trusted_root import TrustedRoot, find_root
from airgap.evidence.dsse import open_statement
from airgap.evidence.npm_keys import Candidate, Usage
from airgap.evidence.pinned import LIBRARY
from airgap.evidence.sigstore import STATEMENT, EvidenceError, Opened, is_key_bundle, judge, open_bundle
from airgap.evidence.subject import Bench, Piece, Pins, Subject

KIND: Final = "npm-attestation"
PUBLISH: Final = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"
PROVENANCE: Final = ("https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1")
MAX_ATTESTATIONS: Final = 16


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge the attestations of one version, as the registry hands them out; see ``Verifier``."""
    bench = Bench.of(subject, piece, KIND, library=LIBRARY)
    try:
        attestations = _read(piece.content)
    except FormatError as exc:
        return [bench.failed("attestations of an npm package", exc.message)]
    return [_judge(bench, kind, bundle, beside, pins) for kind, bundle in attestations]


def _read(content: bytes) -> list[tuple[str, Mapping[str, Any]]]:
    """Bundles with the predicate types that the registry files them under.

    Raises:
        FormatError: none, too many, or another value.
    """
    items = load_object(content, what="npm attestations").get("attestations")
    if not isinstance(items, list) or not 0 < len(items) <= MAX_ATTESTATIONS:
        raise FormatError(f"npm attestations: expected 1 to {MAX_ATTESTATIONS} of them, got another value")
    return [_read_one(item) for item in items]


def _read_one(item: Any) -> tuple[str, Mapping[str, Any]]:
    kind, bundle = (item.get("predicateType"), item.get("bundle")) if isinstance(item, Mapping) else (None, None)
    if not isinstance(kind, str) or not isinstance(bundle, Mapping):
        raise FormatError("npm attestations: expected a predicate type and a bundle in each, got another value")
    return kind, bundle


def _judge(bench: Bench, kind: str, bundle: Mapping[str, Any], beside: Sequence[Piece], pins: Pins) -> Finding:
    """The finding about one attestation; who has to have signed it depends on what it claims to be."""

    def check(opened: Opened) -> str | None:
        return check_statement(opened, kind, bench.subject)

    is_by_key = is_key_bundle(bundle)
    if is_by_key and kind == PUBLISH:
        return _judge_published(bench.knowing(vouches=Vouches.REGISTRY), bundle, beside, pins)
    if not is_by_key and kind in PROVENANCE:
        return judge(bench.knowing(vouches=Vouches.PUBLISHER), bundle, beside, pins, digest=None, check=check)
    expected = "provenance by a certificate, or a publish attestation by a key"
    got = f"{kind!a:.120} by {'a key' if is_by_key else 'a certificate'}"
    return bench.other(Result.UNSUPPORTED, expected, got)


def check_statement(opened: Opened, kind: str, subject: Subject) -> str | None:
    """What is wrong between an attestation and a package, as ``expected X, got Y``; None when nothing is.

    Args:
        opened: whose signature holds.
        kind: the predicate type that it was filed under.
        subject: the package's tarball.
    """
    if opened.payload is None or opened.payload_type != STATEMENT:
        return f"expected payload type {STATEMENT}, got {opened.payload_type!a:.80}"
    try:
        statement = open_statement(opened.payload)
    except FormatError as exc:
        return exc.message
    if statement.predicate_type != kind:
        return f"expected {kind!a:.120}, got {statement.predicate_type!a:.120}"
    named = subject.purl.partition("#")[0].partition("?")[0]
    if list(statement.subjects) != [named]:
        return f"expected {named} alone, got {', '.join(list(statement.subjects)[:3])!a:.200}"
    ours, digest = subject.digest("sha512").hex(), statement.subjects[named].get("sha512", "")
    return None if digest == ours else f"expected sha512:{ours}, got {digest!a:.140}"


# -- by the registry ---------------------------------------------------------------------------------------------------


def _judge_published(bench: Bench, bundle: Mapping[str, Any], beside: Sequence[Piece], pins: Pins) -> Finding:
    try:
        parsed = Bundle.parse(bundle)
    except FormatError as exc:
        error = EvidenceError.of(exc)
        return bench.other(error.result, "a Sigstore bundle", error.message)
    known = npm_keys.candidates(parsed.hint, Usage.ATTESTATIONS, beside, pins)
    if not known:
        missing = npm_keys.missing_list(beside, pins)
        without = f", and the pinned key list sha256:{missing!a:.70} is not at hand" if missing else ""
        return bench.untrusted(f"the key {parsed.hint!a:.80}{without}", identity=f"{parsed.hint!a:.80}")
    roots = [root for anchor in pins.of(Kind.SIGSTORE) if (root := find_root(anchor, beside)) and root.logs]
    root = _root_of(parsed, [root.without(pins.revoked) for root in roots])
    if roots and root is None:
        return bench.untrusted("an entry of a log that no pinned trusted root has", identity=known[0].known.name)
    found = [_open(bench, bundle, maker, root, pins) for maker in known]
    return next((finding for finding in found if finding.result is Result.VERIFIED), found[0])


def _open(bench: Bench, bundle: Mapping[str, Any], maker: Candidate, root: TrustedRoot | None, pins: Pins) -> Finding:
    """The finding under one key of the registry."""
    bench = npm_keys.about(bench, maker)
    try:
        opened = open_bundle(bundle, root=root, key=maker.known.key, digest=None)
    except EvidenceError as exc:
        return bench.other(exc.result, f"an attestation by {maker.known.name}", exc.message, identity=maker.known.name)
    bench = bench.knowing(algorithm=f"{opened.key.algorithm}/{opened.key.own_hash}", time_proof=opened.time_proof)
    finding = npm_keys.settle(bench, maker, pins, opened.signed_at)
    fault = check_statement(opened, PUBLISH, bench.subject) if finding.result is Result.VERIFIED else None
    if fault is None:
        return finding
    bench = replace(bench, proof=finding.proof or bench.proof)
    return bench.failed("a publish attestation of this package", fault, identity=maker.known.name)


def _root_of(parsed: Bundle, roots: Sequence[TrustedRoot]) -> TrustedRoot | None:
    """The pinned root that has the bundle's log; any of them for a bundle that is not logged, which it then refuses.

    Where no root is pinned, the log is not believed, and the time of signing stays unknown.
    """
    if not parsed.entries:
        return next(iter(roots), None)
    named = {entry.log_id for entry in parsed.entries}
    return next((root for root in roots if named & {log.log_id for log in root.logs}), None)
