"""Attestations of npm packages: two real ones, and those of a forge, with Node's own verifier as the oracle."""

import copy
import hashlib
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from airgap.core.anchors import Anchor, Kind
from airgap.core.entries import Role
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence import npm_attestations, npm_keys
from airgap.evidence.npm_attestations import PROVENANCE, PUBLISH
from airgap.evidence.pubkey import Key
from airgap.evidence.subject import Piece, Pins, Subject
from tests.evidence import bench, sigstore_forge
from tests.evidence.sigstore_forge import Content, Signer, b64, spki

VECTORS = Path(__file__).parent / "vectors"
REAL = (VECTORS / "npm_attestations/sigstore-0.4.0.json").read_bytes()
REAL_ROOT = (VECTORS / "sigstore/trusted_root.json").read_bytes()
REAL_LISTS = [(VECTORS / "npm" / name).read_bytes() for name in ("keys.json", "keys-target.json")]
REAL_DIGEST = bytes.fromhex(
    "282c0c5fa936d264321643581b65d3de5c0af6ed4fdfac12f5851115df39cc25cfaf0ad22d908487bfef30114d61c25746206d1834be4f8fd1659178f77cc004"
)
NPM_KEY = "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA"
GITHUB = "https://token.actions.githubusercontent.com"

TARBALL = b"the bytes of a package"
PURL = "pkg:npm/%40acme/widget@1.0.0"
REGISTRY = Signer(ec.generate_private_key(ec.SECP256R1()))
KEY_NAME = npm_keys.key_name(Key.parse(spki(REGISTRY.key)))
MINI = sigstore_forge.instance()
ROOT = MINI.trusted_root()
Json = dict[str, Any]


def pin(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def carried(*raw: bytes) -> list[Piece]:
    return [bench.piece(f"data{at}.json", one, role=Role.ANCHOR_DATA) for at, one in enumerate(raw)]


def key_list(**changes: Any) -> bytes:
    entry = {
        "keyid": KEY_NAME,
        "keytype": "ecdsa-sha2-nistp256",
        "scheme": "ecdsa-sha2-nistp256",
        "key": b64(spki(REGISTRY.key)),
    }
    return json.dumps({"keys": [{**entry, **changes}]}).encode()


LIST = key_list()


def publisher(root: bytes = ROOT, repository: str = sigstore_forge.REPOSITORY, **settings: str) -> Anchor:
    return bench.anchor(Kind.SIGSTORE, pin(root), name="publisher", issuer=GITHUB, repository=repository, **settings)


def registry(raw: bytes = LIST) -> Anchor:
    return bench.anchor(Kind.NPM, pin(raw), name="registry")


# -- real ones ---------------------------------------------------------------------------------------------------------


def real(digest: bytes = REAL_DIGEST, purl: str = "pkg:npm/sigstore@0.4.0") -> Subject:
    return Subject(path="artifacts/s.tgz", purl=purl, size=1, digests={"sha256": bytes(32), "sha512": digest}, file="")


def judge_real(subject: Subject, *anchors: Anchor, listing: bytes = REAL_LISTS[0]) -> list[Finding]:
    beside = carried(REAL_ROOT, listing)
    return npm_attestations.verify(subject, bench.piece("a.json", REAL), beside, bench.pins(*anchors))


@pytest.mark.parametrize("listing", REAL_LISTS, ids=["registry", "tuf"])
def test_real_attestations_hold_under_their_pins(listing: bytes) -> None:
    provenance, published = judge_real(
        real(), publisher(REAL_ROOT, "sigstore/sigstore-js", workflow="publish.yml"), registry(listing), listing=listing
    )

    assert (provenance.result, published.result) == (Result.VERIFIED, Result.VERIFIED), (provenance, published)
    assert provenance.proof is not None
    assert published.proof is not None
    assert (provenance.proof.vouches, published.proof.vouches) == (Vouches.PUBLISHER, Vouches.REGISTRY)
    assert (provenance.proof.anchor, published.proof.anchor) == ("publisher", "registry")
    assert (provenance.proof.signed_at, published.proof.signed_at) == ("2023-01-11T17:31:52Z", "2023-01-11T17:31:54Z")
    assert (published.proof.time_proof, published.proof.key_then, published.proof.key_now) == ("log", "valid", "expired")
    assert published.identity == NPM_KEY


@pytest.mark.parametrize("subject", [real(bytes(64)), real(purl="pkg:npm/sigstore@0.4.1")])
def test_real_attestations_hold_for_nothing_else(subject: Subject) -> None:
    found = judge_real(subject, publisher(REAL_ROOT, "sigstore/sigstore-js"), registry(REAL_LISTS[0]))

    assert [finding.result for finding in found] == [Result.FAILED, Result.FAILED]


def test_real_attestations_prove_nothing_without_pins() -> None:
    assert [finding.result for finding in judge_real(real())] == [Result.UNTRUSTED_KEY, Result.UNTRUSTED_KEY]


def test_real_provenance_of_another_repository_is_found_out() -> None:
    provenance, _ = judge_real(real(), publisher(REAL_ROOT, "evil/sigstore-js"))

    assert provenance.result is Result.FAILED


def test_without_a_log_nothing_dates_a_signature_by_a_key_that_ended() -> None:
    _, published = judge_real(real(), registry(REAL_LISTS[0]))

    assert (published.result, published.got) == (Result.UNTRUSTED_KEY, "one that nothing dates")


# -- forged ones -------------------------------------------------------------------------------------------------------


def a_statement(kind: str, *, name: str = PURL, **digests: str) -> bytes:
    return sigstore_forge.statement(name, TARBALL, kind, **(digests or {"sha512": hashlib.sha512(TARBALL).hexdigest()}))


def provenance(payload: bytes | None = None, kind: str = PROVENANCE[1], **options: Any) -> Json:
    content = Content(payload=payload or a_statement(kind), payload_type=options.pop("payload_type", sigstore_forge.INTOTO))
    bundle = MINI.bundle(
        options.pop("signer", None) or MINI.signer(), content, ("intoto", "0.0.2"), **{"version": 2, **options}
    )
    return {"predicateType": kind, "bundle": bundle}


def published(payload: bytes | None = None, kind: str = PUBLISH, **options: Any) -> Json:
    content = Content(payload=payload or a_statement(kind), key_id=KEY_NAME)
    signer = options.pop("signer", REGISTRY)
    bundle = MINI.bundle(signer, content, ("intoto", "0.0.2"), **{"version": 2, "hint": KEY_NAME, **options})
    return {"predicateType": kind, "bundle": bundle}


def judge_all(tmp_path: Path, attestations: Any, pins: Pins, *, beside: Sequence[Piece] | None = None) -> list[Finding]:
    subject = bench.subject(tmp_path, TARBALL, purl=PURL)
    raw = json.dumps({"attestations": attestations}).encode()
    beside = carried(ROOT, LIST) if beside is None else beside
    return npm_attestations.verify(subject, bench.piece("a.json", raw), beside, pins)


def judge(tmp_path: Path, attestation: Json, *anchors: Anchor, beside: Sequence[Piece] | None = None) -> Finding:
    (finding,) = judge_all(tmp_path, [attestation], bench.pins(*(anchors or (publisher(), registry()))), beside=beside)
    return finding


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("make", [provenance, published])
def test_attestations_of_every_bundle_version_hold(tmp_path: Path, make: Callable[..., Json], version: int) -> None:
    assert judge(tmp_path, make(version=version)).result is Result.VERIFIED


@pytest.mark.parametrize("kind", PROVENANCE)
def test_provenance_of_both_versions_holds(tmp_path: Path, kind: str) -> None:
    assert judge(tmp_path, provenance(kind=kind)).result is Result.VERIFIED


def test_each_attestation_has_a_finding_of_its_own(tmp_path: Path) -> None:
    found = judge_all(tmp_path, [provenance(), published()], bench.pins(registry()))

    assert [finding.result for finding in found] == [Result.UNTRUSTED_KEY, Result.VERIFIED]


def test_a_key_without_end_needs_no_log(tmp_path: Path) -> None:
    finding = judge(tmp_path, published(), registry(), beside=carried(LIST))

    assert finding.result is Result.VERIFIED
    assert finding.proof is not None
    assert (finding.proof.signed_at, finding.proof.time_proof, finding.proof.key_then) == ("", "", "valid")


def test_who_pins_a_log_does_not_believe_another_one(tmp_path: Path) -> None:
    other = sigstore_forge.instance("other").trusted_root()

    finding = judge(tmp_path, published(), publisher(other), registry(), beside=carried(other, LIST))

    assert (finding.result, finding.got) == (Result.UNTRUSTED_KEY, "an entry of a log that no pinned trusted root has")


def test_who_pins_a_log_wants_an_entry(tmp_path: Path) -> None:
    attestation = published()
    attestation["bundle"]["verificationMaterial"]["tlogEntries"] = []

    assert judge(tmp_path, attestation).result is Result.FAILED
    assert judge(tmp_path, attestation, registry()).result is Result.VERIFIED


def test_an_instance_without_a_log_says_nothing_about_entries(tmp_path: Path) -> None:
    private = MINI.trusted_root(lambda root: root.update(tlogs=[]))

    assert (
        judge(tmp_path, published(), publisher(private), registry(), beside=carried(private, LIST)).result
        is Result.VERIFIED
    )


def test_a_promise_of_the_pinned_log_has_to_hold(tmp_path: Path) -> None:
    attestation = published()
    attestation["bundle"]["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = "1700000000"

    assert judge(tmp_path, attestation).result is Result.FAILED


def test_an_attestation_after_the_keys_end_is_found_out(tmp_path: Path) -> None:
    raw = key_list(expires="2026-02-01T00:00:00.000Z")

    finding = judge(tmp_path, published(), publisher(), registry(raw), beside=carried(ROOT, raw))

    assert (finding.result, finding.got) == (Result.EXPIRED_AT_SIGNING, "one of 2026-03-01T12:00:00Z")


def test_a_withdrawn_key_vouches_for_nothing(tmp_path: Path) -> None:
    pins = bench.pins(registry(), revoked={Key.parse(spki(REGISTRY.key)).key_id: "lost"})

    (finding,) = judge_all(tmp_path, [published()], pins)

    assert finding.result is Result.REVOKED


def test_a_key_in_no_list_is_unknown(tmp_path: Path) -> None:
    finding = judge(tmp_path, published(), registry(), beside=carried(ROOT))

    assert finding.result is Result.UNTRUSTED_KEY
    assert finding.got == f"the key {KEY_NAME!a}, and the pinned key list sha256:{pin(LIST)!a} is not at hand"
    assert judge(tmp_path, published(), publisher(), beside=carried(ROOT)).got == f"the key {KEY_NAME!a}"


def test_a_signature_under_the_name_of_a_pinned_key_has_to_be_by_it(tmp_path: Path) -> None:
    finding = judge(tmp_path, published(signer=Signer(ec.generate_private_key(ec.SECP256R1()))))

    assert (finding.result, finding.expected) == (Result.FAILED, f"an attestation by {KEY_NAME}")


PROVENANCES: Mapping[str, Callable[[], Json]] = {
    "another package": lambda: provenance(a_statement(PROVENANCE[1], name="pkg:npm/%40acme/other@1.0.0")),
    "another version": lambda: provenance(a_statement(PROVENANCE[1], name="pkg:npm/%40acme/widget@1.0.1")),
    "a plain name": lambda: provenance(a_statement(PROVENANCE[1], name="@acme/widget@1.0.0")),
    "another digest": lambda: provenance(a_statement(PROVENANCE[1], sha512="0" * 128)),
    "sha256 only": lambda: provenance(a_statement(PROVENANCE[1], sha256=hashlib.sha256(TARBALL).hexdigest())),
    "a predicate filed as another": lambda: provenance(a_statement("https://evil.example/v1")),
    "no statement": lambda: provenance(b"{}"),
    "another payload type": lambda: provenance(payload_type="text/plain"),
}


@pytest.mark.parametrize("name", PROVENANCES)
def test_provenance_of_something_else_is_found_out(tmp_path: Path, name: str) -> None:
    assert judge(tmp_path, PROVENANCES[name]()).result is Result.FAILED


def test_a_publish_attestation_of_something_else_is_found_out(tmp_path: Path) -> None:
    finding = judge(tmp_path, published(a_statement(PUBLISH, sha512="0" * 128)))

    assert (finding.result, finding.expected) == (Result.FAILED, "a publish attestation of this package")
    assert finding.proof is not None
    assert finding.proof.anchor == "registry"


def test_a_second_subject_is_refused(tmp_path: Path) -> None:
    said = json.loads(a_statement(PUBLISH))
    said["subject"].append({"name": "pkg:npm/other@1", "digest": {"sha512": "0" * 128}})

    assert judge(tmp_path, published(json.dumps(said).encode())).result is Result.FAILED


def test_a_signature_over_the_artifact_itself_is_no_attestation(tmp_path: Path) -> None:
    bundle = MINI.bundle(REGISTRY, Content(message=TARBALL), version=2, hint=KEY_NAME)

    assert judge(tmp_path, {"predicateType": PUBLISH, "bundle": bundle}).result is Result.FAILED


@pytest.mark.parametrize(
    "make",
    [
        lambda: published(kind=PROVENANCE[0]),
        lambda: provenance(kind=PUBLISH),
        lambda: provenance(kind="https://x.example/1"),
    ],
)
def test_who_signs_what_is_not_for_the_attestation_to_say(tmp_path: Path, make: Callable[[], Json]) -> None:
    finding = judge(tmp_path, make())

    assert finding.result is Result.UNSUPPORTED
    assert finding.expected == "provenance by a certificate, or a publish attestation by a key"


def test_a_malformed_bundle_is_refused(tmp_path: Path) -> None:
    attestation = published()
    attestation["bundle"]["more"] = 1

    assert judge(tmp_path, attestation).result is Result.FAILED


def test_a_bundle_of_an_unknown_version_is_left_alone(tmp_path: Path) -> None:
    attestation = published()
    attestation["bundle"]["mediaType"] = "application/vnd.dev.sigstore.bundle.v9+json"

    assert judge(tmp_path, attestation).result is Result.UNSUPPORTED


@pytest.mark.parametrize(
    "attestations", [None, [], {}, ["x"], [{"predicateType": 5, "bundle": {}}], [{"bundle": {}}], [{}] * 17]
)
def test_other_documents_are_refused(tmp_path: Path, attestations: Any) -> None:
    (finding,) = judge_all(tmp_path, attestations, bench.pins())

    assert (finding.result, finding.expected) == (Result.FAILED, "attestations of an npm package")


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (finding,) = npm_attestations.verify(bench.subject(tmp_path, TARBALL), bench.piece("a.json", b"{"), [], bench.pins())

    assert finding.result is Result.FAILED


# -- oracle ------------------------------------------------------------------------------------------------------------

SCRIPT = """
const { bundleFromJSON } = require('@sigstore/bundle');
const { toSignedEntity, toTrustMaterial, Verifier } = require('@sigstore/verify');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { cases } = JSON.parse(require('fs').readFileSync(0, 'utf-8'));
const answers = cases.map(({ root, key, name, bundle }) => {
  const keys = { [name]: {
    rawBytes: Buffer.from(key, 'base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    validFor: { start: new Date(0), end: undefined } } };
  const trust = toTrustMaterial(TrustedRoot.fromJSON(root), keys);
  try {
    const entity = toSignedEntity(bundleFromJSON(bundle));
    const options = { tlogThreshold: 1, ctlogThreshold: entity.key.$case === 'certificate' ? 1 : 0 };
    new Verifier(trust, options).verify(entity);
    return true;
  } catch (error) { return false; }
});
console.log(JSON.stringify(answers));
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[Json]], list[bool]]:
    """What Node's verifier says about bundles: signature, log and certificate, not what is signed."""
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text("{}")
    wanted = ["@sigstore/verify@3.1.1", "@sigstore/bundle@4", "@sigstore/protobuf-specs@0.5"]
    subprocess.run(["npm", "install", "--silent", *wanted], cwd=folder, check=True, capture_output=True)
    (folder / "oracle.js").write_text(SCRIPT)

    def ask(cases: Sequence[Json]) -> list[bool]:
        text = json.dumps({"cases": cases})
        done = subprocess.run(["node", "oracle.js"], cwd=folder, input=text, capture_output=True, check=True, text=True)
        answers: list[bool] = json.loads(done.stdout)
        return answers

    return ask


def edited(attestation: Json, change: Callable[[Json], None]) -> Json:
    other = copy.deepcopy(attestation)
    change(other["bundle"])
    return other


def _entry(bundle: Json) -> Json:
    entry: Json = bundle["verificationMaterial"]["tlogEntries"][0]
    return entry


CHANGES: Mapping[str, Callable[[Json], None]] = {
    "nothing": lambda _: None,
    "payload": lambda bundle: bundle["dsseEnvelope"].update(payload=b64(b"{}")),
    "payload type": lambda bundle: bundle["dsseEnvelope"].update(payloadType="text/plain"),
    "signature": lambda bundle: bundle["dsseEnvelope"]["signatures"][0].update(sig=b64(b"0")),
    "no signature": lambda bundle: bundle["dsseEnvelope"].update(signatures=[]),
    "time": lambda bundle: _entry(bundle).update(integratedTime="1673458313"),
    "index": lambda bundle: _entry(bundle).update(logIndex="7"),
    "log": lambda bundle: _entry(bundle)["logId"].update(keyId=b64(bytes(32))),
    "promise": lambda bundle: _entry(bundle)["inclusionPromise"].update(signedEntryTimestamp=b64(b"0")),
    "body": lambda bundle: _entry(bundle).update(canonicalizedBody=b64(b"{}")),
    "no entry": lambda bundle: bundle["verificationMaterial"].update(tlogEntries=[]),
}


@pytest.mark.online
def test_nodes_verifier_says_the_same_about_every_bundle(
    node: Callable[[Sequence[Json]], list[bool]], tmp_path: Path
) -> None:
    genuine = json.loads(REAL)["attestations"]
    key = json.loads(REAL_LISTS[0])["keys"][0]["key"]
    cases: list[Json] = []
    ours: list[bool] = []
    for change in CHANGES.values():
        for attestation in (edited(one, change) for one in genuine):
            cases.append({"root": json.loads(REAL_ROOT), "key": key, "name": NPM_KEY, "bundle": attestation["bundle"]})
            raw = json.dumps({"attestations": [attestation]}).encode()
            anchors = (publisher(REAL_ROOT, "sigstore/sigstore-js"), registry(REAL_LISTS[0]))
            beside = carried(REAL_ROOT, REAL_LISTS[0])
            (finding,) = npm_attestations.verify(real(), bench.piece("a", raw), beside, bench.pins(*anchors))
            ours.append(finding.result is Result.VERIFIED)
        forged = [make(version=version) for make in (provenance, published) for version in (1, 2, 3)]
        for attestation in (edited(one, change) for one in forged):
            name, own = KEY_NAME, b64(spki(REGISTRY.key))
            cases.append({"root": json.loads(ROOT), "key": own, "name": name, "bundle": attestation["bundle"]})
            ours.append(judge(tmp_path, attestation).result is Result.VERIFIED)

    theirs = node(cases)

    assert theirs == ours
    assert sum(ours) == 8


@pytest.mark.online
def test_the_real_attestations_are_about_the_tarball_that_the_registry_serves(tmp_path: Path) -> None:
    subprocess.run(["npm", "pack", "--silent", "sigstore@0.4.0"], cwd=tmp_path, check=True, capture_output=True)

    assert hashlib.sha512((tmp_path / "sigstore-0.4.0.tgz").read_bytes()).digest() == REAL_DIGEST


def test_the_real_key_had_not_ended_when_it_signed() -> None:
    (known,) = (
        key for key in npm_keys.parse_list(REAL_LISTS[1]) if key.name == NPM_KEY and "npm:attestations" in key.usages
    )

    assert known.state_at(datetime(2023, 1, 11, 17, 31, 54, tzinfo=UTC)) == "valid"
