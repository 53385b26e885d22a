"""Attestations of the Python Package Index: provenance files, and the single attestations in them.

Source: PEP 740, "Provenance objects" and "Attestation objects", version 1; PyPI, "Attestations" (publish v1, SLSA
provenance v1). An attestation is a Sigstore bundle in other words, and is judged as one. The publisher that a provenance
file names was written by the index: it is never believed, and it has to be the one in the certificate.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from airgap.core.distributions import parse_file_name
from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.verdict import Finding, Vouches
from airgap.evidence.bundles.identity import Identity
from airgap.evidence.bundles.opening import Opened
from airgap.evidence.bundles.protojson import read_items, read_message
from airgap.evidence.dsse import match_subject, open_statement
from airgap.evidence.pinned import LIBRARY
from airgap.evidence.sigstore import STATEMENT, judge
from airgap.evidence.subject import Bench, Piece, Pins, Subject

KIND: Final = "pep740"
MAX_BUNDLES: Final = 16
MAX_ATTESTATIONS: Final = 16
PREDICATES: Final = ("https://docs.pypi.org/attestations/publish/v1", "https://slsa.dev/provenance/v1")
_BUNDLE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PUBLISHERS: Final = ("GitHub", "GitLab", "Google", "CircleCI")
_CIRCLECI: Final = "https://circleci.com/api/v2/projects/"


class _Attestation(NamedTuple):
    """A Sigstore bundle, and the publisher that the index names for it; a lone attestation has none."""

    bundle: Mapping[str, Any]
    publisher: Mapping[str, Any] | None


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge a provenance file or an attestation; one finding for each attestation. See ``Verifier``."""
    bench = Bench.of(subject, piece, KIND, library=LIBRARY, vouches=Vouches.PUBLISHER)
    try:
        attestations = _read(load_object(piece.content, what="attestation"))
    except FormatError as exc:
        return [bench.failed("attestations of PEP 740, version 1", exc.message)]
    return [_judge(bench, one, beside, pins) for one in attestations]


def _judge(bench: Bench, attestation: _Attestation, beside: Sequence[Piece], pins: Pins) -> Finding:
    def check(opened: Opened) -> str | None:
        return _check_statement(opened, bench.subject) or _check_publisher(opened.identity, attestation.publisher)

    return judge(bench, attestation.bundle, beside, pins, digest=None, check=check)


def _read(value: Mapping[str, Any]) -> list[_Attestation]:
    """All attestations of a file.

    Raises:
        FormatError: it holds none, too many, or something else.
    """
    if "attestation_bundles" not in value:
        return [_Attestation(_as_bundle(value), None)]
    value = read_message(value, {"version", "attestation_bundles"}, what="provenance")
    # pypi-attestations writes provenance files without a version too, and reads that as 1
    _check_version(value.get("version", 1))
    bundles = read_items(value.get("attestation_bundles"), what="provenance", limit=MAX_BUNDLES)
    found = [one for bundle in bundles for one in _read_bundle(bundle)]
    if not found:
        raise FormatError("provenance: expected an attestation, got none")
    return found


def _read_bundle(value: Any) -> Iterator[_Attestation]:
    needed = {"publisher", "attestations"}
    value = read_message(value, needed, what="attestation bundle", needed=needed)
    if not isinstance(value["publisher"], dict):
        raise FormatError("attestation bundle: expected a publisher, got another value")
    for one in read_items(value["attestations"], what="attestations", limit=MAX_ATTESTATIONS):
        yield _Attestation(_as_bundle(one), value["publisher"])


def _as_bundle(value: Any) -> Mapping[str, Any]:
    """The Sigstore bundle that an attestation is. Source: PEP 740, "Attestation objects"."""
    needed = {"version", "verification_material", "envelope"}
    value = read_message(value, needed, what="attestation", needed=needed)
    _check_version(value["version"])
    needed = {"certificate", "transparency_entries"}
    material = read_message(value["verification_material"], needed, what="verification material", needed=needed)
    needed = {"statement", "signature"}
    envelope = read_message(value["envelope"], needed, what="envelope", needed=needed)
    return {
        "mediaType": _BUNDLE,
        "verificationMaterial": {
            "certificate": {"rawBytes": material["certificate"]},
            "tlogEntries": material["transparency_entries"],
        },
        "dsseEnvelope": {
            "payload": envelope["statement"],
            "payloadType": STATEMENT,
            "signatures": [{"sig": envelope["signature"]}],
        },
    }


def _check_version(version: Any) -> None:
    if type(version) is not int or version != 1:
        raise FormatError(f"attestation: expected version 1, got {version!a:.40}")


def _check_statement(opened: Opened, subject: Subject) -> str | None:
    """Exactly one subject, which is this file by name and by digest, and a claim that PyPI knows."""
    assert opened.payload is not None
    try:
        statement = open_statement(opened.payload)
        named = load_object(opened.payload, what="statement")["subject"]
        if len(named) != 1:
            return f"expected one subject, got {len(named)}"
        name, digests = next(iter(statement.subjects.items()))
        if "sha256" not in digests:
            return "expected a subject with a sha256 digest, got none"
        if parse_file_name(name) != parse_file_name(subject.name):
            return f"expected a subject named {subject.name!a:.120}, got {name!a:.120}"
    except FormatError as exc:
        return exc.message
    if statement.predicate_type not in PREDICATES:
        return f"expected a publish attestation or SLSA provenance, got {statement.predicate_type!a:.120}"
    return match_subject(statement, subject)


def _check_publisher(identity: Identity | None, publisher: Mapping[str, Any] | None) -> str | None:
    """Whether the publisher that the index names is the one that signed; a kind that nobody knows is left alone."""
    if publisher is None or identity is None:
        return None
    for member, found in _claims(identity, str(publisher.get("kind"))).items():
        said = publisher.get(member)
        # forges do not tell names by case, and the index keeps what its user typed
        if said is not None and str(said).lower() != found.lower():
            return f"expected the publisher that the file names, {member} {said!a:.120}, got {found!a:.120}"
    return None


def _claims(identity: Identity, kind: str) -> Mapping[str, str]:
    """What a certificate says, in the words of a kind of publisher. Source: pypi-attestations, ``Publisher``."""
    match kind, identity.issuer:
        case ("GitHub", "https://token.actions.githubusercontent.com"):
            return {"repository": identity.repository, "workflow": identity.workflow}
        case ("GitLab", "https://gitlab.com"):
            return {"repository": identity.repository, "workflow_filepath": identity.workflow_path}
        case ("Google", "https://accounts.google.com"):
            return {"email": identity.san}
        case ("CircleCI", "https://oidc.circleci.com"):
            project, _, pipeline = identity.san.removeprefix(_CIRCLECI).partition("/pipeline-definitions/")
            origin = identity.extensions.get("12", "")
            return {
                "project_id": project,
                "pipeline_definition_id": pipeline,
                "vcs_origin": origin,
                "vcs_ref": identity.ref,
            }
        case (known, issuer) if known in _PUBLISHERS:
            return {"kind": f"one of {issuer}"}
        case _:
            return {}
