import json
from pathlib import Path
from typing import Any

import pytest

from airgap.core.distributions import parse_file_name
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence import pypi
from airgap.evidence.subject import Pins, Subject
from tests.evidence.bench import piece, pins, subject
from tests.evidence.sigstore_forge import ISSUER, REPOSITORY, Content, Json, Signer, instance, statement
from tests.evidence.sigstoring import ARTIFACT, VECTORS, publisher, root_piece, signer

PUBLISH, SLSA = "https://docs.pypi.org/attestations/publish/v1", "https://slsa.dev/provenance/v1"
WHEEL = "acme_widget-1.0-py3-none-any.whl"
GITHUB = {"kind": "GitHub", "repository": REPOSITORY, "workflow": "release.yml", "environment": None}


def attestation(payload: bytes, who: Signer | None = None) -> Json:
    bundle = instance().bundle(who or signer(), Content(payload=payload), ("dsse", "0.0.1"))
    material, envelope = bundle["verificationMaterial"], bundle["dsseEnvelope"]
    entries, certificate = material["tlogEntries"], material["certificate"]["rawBytes"]
    return {
        "version": 1,
        "verification_material": {"certificate": certificate, "transparency_entries": entries},
        "envelope": {"statement": envelope["payload"], "signature": envelope["signatures"][0]["sig"]},
    }


def published(name: str = WHEEL, content: bytes = ARTIFACT, predicate: str = PUBLISH) -> bytes:
    return statement(name, content, predicate)


def provenance(*attestations: Json, by: Any = GITHUB) -> Json:
    return {"version": 1, "attestation_bundles": [{"publisher": by, "attestations": list(attestations)}]}


def judge(tmp_path: Path, value: Any, believed: Pins | None = None, *, name: str = WHEEL) -> list[Finding]:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    evidence = piece(f"{name}.provenance", raw, role=Role.ATTESTATION)
    made = subject(tmp_path, ARTIFACT, name=name, purl="pkg:pypi/acme-widget@1.0")
    return pypi.verify(made, evidence, [root_piece()], believed or pins(publisher()))


def test_provenance_by_the_expected_publisher_is_verified_one_finding_for_each_attestation(tmp_path: Path) -> None:
    value = provenance(attestation(published()), attestation(published(predicate=SLSA)))
    for finding in judge(tmp_path, value):
        assert finding.result is Result.VERIFIED
        assert finding.proof is not None
        assert (finding.kind, finding.proof.vouches) == ("pep740", Vouches.PUBLISHER)
    assert len(judge(tmp_path, value)) == 2


def test_a_lone_attestation_is_judged_alike(tmp_path: Path) -> None:
    (finding,) = judge(tmp_path, attestation(published()))
    assert finding.result is Result.VERIFIED


def test_real_provenance_is_verified_for_its_publisher_only(tmp_path: Path) -> None:
    name = "pypi_attestations-0.0.19.tar.gz"
    evidence = piece(f"{name}.provenance", (VECTORS / f"{name}.provenance").read_bytes(), role=Role.ATTESTATION)
    raw = (VECTORS / "trusted_root.json").read_bytes()
    sha256 = bytes.fromhex("9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3")
    made = Subject(
        path=f"artifacts/pypi/{name}", purl="pkg:pypi/pypi-attestations@0.0.19", size=1, digests={"sha256": sha256}, file=""
    )
    said = {"issuer": ISSUER, "repository": "trailofbits/pypi-attestations", "workflow": "release.yml"}

    def found(root: bytes, digest: bytes = sha256, **settings: str) -> Result:
        anchor = publisher(raw, **(said | settings))
        asked = Subject(path=made.path, purl=made.purl, size=1, digests={"sha256": digest}, file="")
        (finding,) = pypi.verify(asked, evidence, [root_piece(root)], pins(anchor))
        return finding.result

    assert found(raw) is Result.VERIFIED
    assert found(raw, repository="trailofbits/pypi-attestation") is Result.FAILED
    assert found(raw, workflow="tests.yml") is Result.FAILED
    assert found(raw, digest=b"0" * 32) is Result.FAILED
    assert found(raw + b" ") is Result.UNTRUSTED_KEY


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (published(content=b"other"), "a subject with sha256:"),
        (published("acme_widget-1.1-py3-none-any.whl"), "a subject named 'acme_widget-1.0-py3-none-any.whl'"),
        (published("acme_widget-1.0.tar.gz"), "a subject named"),
        (published("widget.exe"), "one of a wheel or source distribution"),
        (published(""), "one of a wheel or source distribution"),
        (published(predicate="https://acme.test/other"), "a publish attestation or SLSA provenance"),
        (statement(WHEEL, ARTIFACT, PUBLISH, sha512="0" * 128), "a subject with a sha256 digest"),
        (b"{}", "in-toto Statement"),
    ],
)
def test_a_statement_is_about_this_file_and_nothing_else(tmp_path: Path, payload: bytes, words: str) -> None:
    (finding,) = judge(tmp_path, attestation(payload))
    assert finding.result is Result.FAILED
    assert words in finding.expected


def test_a_statement_about_two_files_is_refused_even_when_both_are_this_one(tmp_path: Path) -> None:
    value = json.loads(published())
    value["subject"] *= 2
    (finding,) = judge(tmp_path, attestation(json.dumps(value).encode()))
    assert (finding.expected, finding.got) == ("one subject", "2")


def test_a_claim_may_have_nothing_to_say(tmp_path: Path) -> None:
    value = json.loads(published()) | {"predicate": None}
    (finding,) = judge(tmp_path, attestation(json.dumps(value).encode()))
    assert finding.result is Result.VERIFIED


def test_the_publisher_that_the_index_names_is_no_reason_to_trust(tmp_path: Path) -> None:
    value = provenance(attestation(published()))
    (finding,) = judge(tmp_path, value, pins())
    assert finding.result is Result.UNTRUSTED_KEY
    (finding,) = judge(tmp_path, value, pins(publisher(issuer=ISSUER, repository="acme/other")))
    assert finding.result is Result.FAILED


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (GITHUB | {"repository": "acme/other"}, "repository 'acme/other'"),
        (GITHUB | {"workflow": "other.yml"}, "workflow 'other.yml'"),
        (GITHUB | {"kind": "GitLab"}, "kind 'GitLab'"),
        (GITHUB | {"repository": 3}, "repository 3"),
    ],
)
def test_the_publisher_that_the_index_names_has_to_be_the_one_that_signed(tmp_path: Path, by: Any, words: str) -> None:
    (finding,) = judge(tmp_path, provenance(attestation(published()), by=by))
    assert finding.result is Result.FAILED
    assert finding.expected == f"the publisher that the file names, {words}"


def test_forges_do_not_tell_names_by_case_and_an_unknown_kind_says_nothing(tmp_path: Path) -> None:
    for by in (GITHUB | {"repository": "Acme/Widget"}, {"kind": "Forgejo", "repository": "x"}, {}):
        (finding,) = judge(tmp_path, provenance(attestation(published()), by=by))
        assert finding.result is Result.VERIFIED


SAN = "https://circleci.com/api/v2/projects/1/pipeline-definitions/2"
LAB = "https://gitlab.com/acme/widget//ci/release.yml@refs/heads/main"


@pytest.mark.parametrize(
    ("san", "extensions", "good", "bad"),
    [
        (
            LAB,
            {"8": "https://gitlab.com", "12": "https://gitlab.com/acme/widget", "14": "refs/heads/main", "18": LAB},
            {"kind": "GitLab", "repository": "acme/widget", "workflow_filepath": "ci/release.yml"},
            {"kind": "GitLab", "repository": "acme/widget", "workflow_filepath": "release.yml"},
        ),
        (
            "bot@acme.test",
            {"8": "https://accounts.google.com"},
            {"kind": "Google", "email": "bot@acme.test"},
            {"kind": "Google", "email": "joe@acme.test"},
        ),
        (
            SAN,
            {"8": "https://oidc.circleci.com", "12": "github.com/acme/widget", "14": "refs/heads/main"},
            {"kind": "CircleCI", "project_id": "1", "pipeline_definition_id": "2", "vcs_origin": "github.com/acme/widget"},
            {"kind": "CircleCI", "project_id": "1", "pipeline_definition_id": "3"},
        ),
    ],
)
def test_every_kind_of_publisher_is_compared_by_its_own_claims(
    tmp_path: Path, san: str, extensions: Any, good: Any, bad: Any
) -> None:
    one = attestation(published(), instance().signer(san, extensions))
    believed = pins(publisher(issuer=extensions["8"], identity=san))
    results = [judge(tmp_path, provenance(one, by=by), believed)[0].result for by in (good, bad)]
    assert results == [Result.VERIFIED, Result.FAILED]


def change(value: Json, *path: Any, to: Any) -> Json:
    copied: Json = json.loads(json.dumps(value))
    inner: Any = copied
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return copied


ONE = attestation(published())


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b'{"version": 1, "version": 1}',
        {},
        {"attestation_bundles": []},
        {"attestation_bundles": [], "more": 1},
        {"attestation_bundles": 1},
        {"attestation_bundles": [{}]},
        {"attestation_bundles": [{"publisher": 1, "attestations": []}]},
        {"attestation_bundles": [{"publisher": {}, "attestations": []}]},
        {"attestation_bundles": [{"publisher": {}, "attestations": [ONE] * 17}]},
        provenance(ONE) | {"version": 2},
        provenance(ONE) | {"version": True},
        change(ONE, "version", to=2),
        change(ONE, "version", to="1"),
        change(ONE, "more", to=2),
        change(ONE, "envelope", to=[]),
        change(ONE, "envelope", "signature", to=None),
        change(ONE, "verification_material", "transparency_entries", to=[]),
        change(ONE, "verification_material", "transparency_entries", to=None),
        change(ONE, "verification_material", "certificate", to=3),
    ],
)
def test_what_is_no_attestation_is_a_failed_finding(tmp_path: Path, value: Any) -> None:
    (finding,) = judge(tmp_path, value)
    assert finding.result is Result.FAILED


def test_provenance_without_a_version_is_version_one(tmp_path: Path) -> None:
    value = provenance(ONE)
    del value["version"]
    (finding,) = judge(tmp_path, value)
    assert finding.result is Result.VERIFIED


def test_a_file_name_says_project_version_and_tags() -> None:
    assert parse_file_name("Acme.Widget-1.0.tar.gz") == parse_file_name("acme_widget-1.0.tar.gz")
    assert parse_file_name("a-b-1.0.tar.gz") == parse_file_name("a_b-1.0.tar.gz")
    assert parse_file_name("a-1.0-py2.py3-none-any.whl") == parse_file_name("A-1.0-py3.py2-none-any.whl")
    different = [
        "a-1.0.tar.gz", "a-1.0.zip", "a-1.1.tar.gz", "a-1.0-py3-none-any.whl", "a-1.0-1-py3-none-any.whl",
        "a-1.0-py3-none-linux_x86_64.whl", "a-1.0-cp311-none-any.whl", "b-1.0.tar.gz",
    ]  # fmt: skip
    assert len({parse_file_name(name) for name in different}) == len(different)


@pytest.mark.parametrize(
    "name", ["", "a", "a.whl", "a-1.whl", "a-1-b-c.whl", "a-1-1-p-q-r-s.whl", "-1.0.tar.gz", "a-.tar.gz", "a.tar.gz",
             "x/a-1.0.tar.gz", "\u0430-1.0.tar.gz", "a-1.0.TAR.GZ", "a-1.0.exe"]
)  # fmt: skip
def test_what_is_no_file_name_of_a_distribution_is_refused(name: str) -> None:
    with pytest.raises(FormatError, match="expected one of a wheel or source distribution"):
        parse_file_name(name)


def test_an_artifact_whose_name_is_none_fails(tmp_path: Path) -> None:
    (finding,) = judge(tmp_path, ONE, name="widget.bin")
    assert finding.result is Result.FAILED
