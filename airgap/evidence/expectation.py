"""What a site expects of an artifact's evidence: who pins a key for it has said whose signature counts."""

from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Final

from airgap.core.anchors import Kind
from airgap.core.reasons import Reason
from airgap.core.verdict import Finding, Result, Vouches
from airgap.core.vouching import Vouching
from airgap.evidence.recognise import Format
from airgap.evidence.subject import Pins

ANCHORS: Final[Mapping[Format, frozenset[Kind]]] = {
    Format.OPENPGP: frozenset({Kind.OPENPGP}),
    Format.MINISIGN: frozenset({Kind.MINISIGN}),
    Format.SIGNIFY: frozenset({Kind.SIGNIFY}),
    Format.SSHSIG: frozenset({Kind.SSH}),
    Format.CMS: frozenset({Kind.X509}),
    Format.RAW: frozenset({Kind.PEM}),
    Format.COSIGN_BLOB: frozenset({Kind.COSIGN}),
    Format.DSSE: frozenset({Kind.PEM, Kind.COSIGN}),
    Format.SIGSTORE: frozenset({Kind.SIGSTORE, Kind.COSIGN, Kind.PEM}),
    Format.PEP740: frozenset({Kind.SIGSTORE}),
    Format.NPM_SIGNATURE: frozenset({Kind.NPM}),
    Format.NPM_ATTESTATION: frozenset({Kind.SIGSTORE, Kind.NPM}),
    Format.MODEL_SIGNING: frozenset({Kind.MODEL, Kind.X509, Kind.SIGSTORE}),
    Format.COSIGN_IMAGE: frozenset({Kind.COSIGN, Kind.SIGSTORE}),
    Format.DEBIAN: frozenset({Kind.DEBIAN}),
}
"""Which anchors say whose signature of a format is expected."""
_REGISTRIES: Final = frozenset({Kind.NPM, Kind.DEBIAN})
"""Anchors for whom a registry vouches; all others are for producers."""
_MEANT: Final[Mapping[Vouches, frozenset[Kind]]] = {
    Vouches.REGISTRY: _REGISTRIES,
    Vouches.PUBLISHER: frozenset(Kind) - _REGISTRIES,
    Vouches.NOBODY: frozenset(Kind),
}
_SHORT: Final[Mapping[Result, Reason]] = {
    Result.UNTRUSTED_KEY: Reason.EVIDENCE_UNTRUSTED,
    Result.UNSUPPORTED: Reason.EVIDENCE_UNSUPPORTED,
}
_NAMES: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.OPENPGP: (".asc", ".gpg", ".pgp", ".sig", ".sign"),
    Kind.DEBIAN: ("InRelease", "Release", "Release.gpg"),
    Kind.NPM: (".npm-signature.json", ".attestations.json"),
    Kind.SIGSTORE: (".sigstore.json", ".sigstore", ".provenance", ".attestation", ".attestations.json", ".cosign.json"),
    Kind.MINISIGN: (".minisig",),
    Kind.SIGNIFY: (".sig",),
    Kind.SSH: (".sig", ".sshsig"),
    Kind.X509: (".p7s", "model.sig"),
    Kind.MODEL: ("model.sig",),
    Kind.COSIGN: (".sig", ".bundle", ".cosign.json", ".dsse.json", ".intoto.json", ".intoto.jsonl", ".sigstore.json"),
    Kind.PEM: (".sig", ".dsse.json", ".intoto.json", ".intoto.jsonl", ".sigstore.json"),
}
"""How signatures are named that an anchor of a kind expects."""


def expect(path: str, findings: list[Finding], pins: Pins) -> list[Finding]:
    """Hold an artifact to what the site expects: who pins a key for it has said whose signature counts.

    A signature by somebody else alone is then no unknown good deed but a substitution, and speaks against the artifact.
    So does a piece that is named like the signature that is expected and cannot be read as one: else a changed byte
    would be as good as no signature. What the producer signed of the other pieces does not help: anything that he ever
    signed could be put there. Nor does a registry's word help where the producer's is expected and somebody else's came.
    """
    expected = frozenset(anchor.kind for anchor in pins.anchors)
    vouched = Vouching.of(path, findings).vouches
    if Vouches.PUBLISHER in vouched:
        return findings
    if vouched:
        expected -= _REGISTRIES
    return [
        replace(finding, reason=_SHORT[finding.result])
        if finding.result in _SHORT and _is_expected(finding, expected)
        else finding
        for finding in findings
    ]


def _is_expected(finding: Finding, expected: Set[Kind]) -> bool:
    """Whether a finding is about what some anchor expects: by its format, or by its name where it is in none."""
    if finding.kind in set(Format) and finding.kind != Format.RAW:
        # a finding that does not say for whom may be about either: a changed word must not make it nobody's
        meant = _MEANT[finding.proof.vouches if finding.proof else Vouches.NOBODY]
        return bool(expected & meant & ANCHORS.get(Format(finding.kind), frozenset()))
    document = finding.proof.document if finding.proof else ""
    is_raw = finding.kind == Format.RAW and bool(expected & ANCHORS[Format.RAW])
    return is_raw or any(document.endswith(_NAMES[kind]) for kind in expected)
