"""Signatures of an npm registry: six real ones of both its keys, and what must not pass."""

import base64
import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from airgap.core.anchors import Anchor, Kind
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence import npm, npm_keys
from airgap.evidence.pubkey import Key
from airgap.evidence.subject import Piece, Pins, Subject
from tests.evidence import bench

VECTORS = Path(__file__).parent / "vectors/npm"
LISTS = [(VECTORS / name).read_bytes() for name in ("keys.json", "keys-target.json")]
REAL: Sequence[Mapping[str, Any]] = json.loads((VECTORS / "signatures.json").read_bytes())
OLD, NEW = "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA", "SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U"
WHILE_VALID = "2023-02-01T00:00:00.000Z"
TARBALL = b"the bytes of a package"


def pin(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def trust(raw: bytes = LISTS[0], **more: Any) -> Pins:
    return bench.pins(bench.anchor(Kind.NPM, pin(raw)), **more)


def listing(raw: bytes = LISTS[0]) -> Piece:
    return bench.piece("keys.json", raw, role=Role.ANCHOR_DATA)


def real_subject(said: Mapping[str, Any]) -> Subject:
    digests = {"sha256": bytes(32), "sha512": base64.b64decode(said["integrity"].removeprefix("sha512-"))}
    purl = f"pkg:npm/{said['name'].replace('@', '%40')}@{said['version']}"
    return Subject(path="artifacts/files/a.tgz", purl=purl, size=1, digests=digests, file="")


def judge_real(said: Mapping[str, Any], pins: Pins, *beside: Piece) -> Finding:
    (finding,) = npm.verify(real_subject(said), document(said), beside, pins)
    return finding


def document(said: Any) -> Piece:
    return bench.piece("a.npm.json", json.dumps(said).encode())


@pytest.mark.parametrize("raw", LISTS, ids=["registry", "tuf"])
@pytest.mark.parametrize("said", REAL, ids=lambda said: said["name"])
def test_real_signatures_of_the_registry_hold_under_its_pinned_list(said: Mapping[str, Any], raw: bytes) -> None:
    finding = judge_real(
        {**said, "time": WHILE_VALID if said["signatures"][0]["keyid"] == OLD else None}, trust(raw), listing(raw)
    )

    assert (finding.result, finding.identity) == (Result.VERIFIED, said["signatures"][0]["keyid"])
    assert finding.proof is not None
    assert (finding.proof.vouches, finding.proof.anchor) == (Vouches.REGISTRY, "producer")
    assert finding.proof.algorithm == "ecdsa-p256/sha256"


@pytest.mark.parametrize("member", ["name", "version", "integrity"])
def test_real_signatures_do_not_hold_for_anything_else(member: str) -> None:
    other = {
        **REAL[0],
        "time": WHILE_VALID,
        member: {"name": "kms-dema", "version": "1.0.1", "integrity": REAL[1]["integrity"]}[member],
    }

    finding = judge_real(other, trust(), listing())

    assert (finding.result, finding.expected) == (Result.FAILED, f"a signature of this version by {OLD}")


def test_the_time_by_which_an_expired_key_is_judged_is_called_a_claim() -> None:
    finding = judge_real({**REAL[0], "time": WHILE_VALID}, trust(), listing())

    assert finding.proof is not None
    assert (finding.proof.key_then, finding.proof.key_now, finding.proof.time_proof) == ("valid", "expired", "claimed")
    assert finding.proof.signed_at == "2023-02-01T00:00:00Z"
    assert "not signed" in finding.proof.note


@pytest.mark.parametrize(
    ("time", "result", "got"),
    [
        ("2025-01-28T23:59:59Z", Result.VERIFIED, f"signed by {OLD}"),
        ("2025-01-29T00:00:00Z", Result.EXPIRED_AT_SIGNING, "one of 2025-01-29T00:00:00Z"),
        (None, Result.UNTRUSTED_KEY, "one that nothing dates"),
    ],
)
def test_an_expired_key_vouches_for_nothing_after_its_end_or_without_a_time(
    time: str | None, result: Result, got: str
) -> None:
    finding = judge_real({**REAL[0], "time": time}, trust(), listing())

    assert (finding.result, finding.got) == (result, got)
    wanted = "a signature while the key was valid, from ever until 2025-01-29T00:00:00Z"
    assert finding.expected == ("" if result is Result.VERIFIED else wanted)


def test_a_key_vouches_for_nothing_before_its_start() -> None:
    finding = judge_real({**REAL[3], "time": "2025-01-12T23:59:59Z"}, trust(LISTS[1]), listing(LISTS[1]))

    assert finding.result is Result.EXPIRED_AT_SIGNING
    assert finding.expected == "a signature while the key was valid, from 2025-01-13T00:00:00Z on"
    assert finding.proof is not None
    assert finding.proof.key_then == "not-yet-valid"


def test_the_list_may_stand_in_the_anchor() -> None:
    anchor = bench.anchor(Kind.NPM, pin(LISTS[0]), material=base64.b64encode(LISTS[0]).decode())

    assert judge_real(REAL[3], bench.pins(anchor)).result is Result.VERIFIED


@pytest.mark.parametrize("material", ["?", base64.b64encode(LISTS[1]).decode()])
def test_material_that_is_not_what_the_pin_names_counts_for_nothing(material: str) -> None:
    anchor = bench.anchor(Kind.NPM, pin(LISTS[0]), material=material)

    assert judge_real(REAL[3], bench.pins(anchor)).result is Result.UNTRUSTED_KEY


def test_a_pinned_list_that_is_not_at_hand_is_said_so() -> None:
    finding = judge_real(REAL[3], trust())

    assert finding.result is Result.UNTRUSTED_KEY
    assert f"pinned key list sha256:'{pin(LISTS[0])}' is not at hand" in finding.got


def test_a_carried_list_that_nobody_pinned_proves_nothing() -> None:
    finding = judge_real(REAL[3], bench.pins(), listing())

    assert (finding.result, finding.identity) == (Result.UNTRUSTED_KEY, NEW)
    assert finding.proof is not None
    assert f"--kind npm-keys --pin '{pin(LISTS[0])}'" in finding.proof.hint


def test_a_wrong_signature_is_wrong_whoever_pinned_what() -> None:
    other = {**REAL[3], "version": "9.9.9"}

    assert judge_real(other, bench.pins(), listing()).result is Result.FAILED


def test_a_key_in_no_list_is_unknown() -> None:
    finding = judge_real({**REAL[3], "signatures": [{"keyid": "SHA256:\x1b[2J", "sig": "AA=="}]}, trust(), listing())

    assert (finding.result, finding.got) == (Result.UNTRUSTED_KEY, r"the key 'SHA256:\x1b[2J'")


def test_a_withdrawn_key_vouches_for_nothing() -> None:
    key = Key.parse(base64.b64decode(json.loads(LISTS[0])["keys"][1]["key"]))

    finding = judge_real(REAL[3], trust(revoked={key.key_id: "stolen"}), listing())

    assert (finding.result, finding.got) == (Result.REVOKED, "revoked: 'stolen'")


def test_a_list_with_a_broken_key_is_no_list() -> None:
    broken = LISTS[0].replace(b"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1", b"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2")

    assert judge_real(REAL[3], trust(broken), listing(broken)).result is Result.UNTRUSTED_KEY


# -- the document ------------------------------------------------------------------------------------------------------


def made(tmp_path: Path, **changes: Any) -> tuple[Subject, dict[str, Any], bytes]:
    """An artifact, its document by a registry of our own, and the registry's key list."""
    private = ec.generate_private_key(ec.SECP256R1())
    spki = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    name = npm_keys.key_name(Key.parse(spki))
    said = {
        "name": "@scope/pkg",
        "version": "1.0.0+a",
        "integrity": "sha512-" + base64.b64encode(hashlib.sha512(TARBALL).digest()).decode(),
        **changes,
    }
    text = f"{said['name']}@{said['version']}:{said['integrity']}".encode("utf-8", "surrogatepass")
    signature = base64.b64encode(private.sign(text, ec.ECDSA(hashes.SHA256()))).decode()
    keys = {"keys": [{"keyid": name, "keytype": "ecdsa-sha2-nistp256", "scheme": "ecdsa-sha2-nistp256", "key": b64(spki)}]}
    said.setdefault("signatures", [{"keyid": name, "sig": signature}])
    return bench.subject(tmp_path, TARBALL, purl="pkg:npm/%40scope/pkg@1.0.0%2Ba"), said, json.dumps(keys).encode()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def judge(subject: Subject, said: Any, keys: bytes) -> Finding:
    (finding,) = npm.verify(subject, document(said), [listing(keys)], trust(keys))
    return finding


def test_a_package_with_a_scope_is_named_by_its_canonical_purl(tmp_path: Path) -> None:
    assert judge(*made(tmp_path)).result is Result.VERIFIED


def test_a_version_of_a_package_document_will_do(tmp_path: Path) -> None:
    subject, said, keys = made(tmp_path)
    version = {
        "name": said["name"],
        "version": said["version"],
        "dist": {"integrity": said["integrity"], "signatures": said["signatures"], "shasum": "0"},
        "time": {said["version"]: WHILE_VALID, "created": "x"},
    }

    finding = judge(subject, version, keys)

    assert finding.result is Result.VERIFIED
    assert finding.proof is not None
    assert (finding.proof.signed_at, finding.proof.note) == ("2023-02-01T00:00:00Z", "")


def test_each_signature_has_a_finding_of_its_own(tmp_path: Path) -> None:
    subject, said, keys = made(tmp_path)
    said["signatures"] += [{"keyid": said["signatures"][0]["keyid"], "sig": REAL[0]["signatures"][0]["sig"]}]
    said["signatures"] += [{"keyid": "SHA256:x", "sig": "AA=="}, {"keyid": said["signatures"][0]["keyid"], "sig": "A"}]

    findings = npm.verify(subject, document(said), [listing(keys)], trust(keys))

    assert [finding.result for finding in findings] == ["verified", "failed", "untrusted-key", "failed"]


def test_other_bytes_under_the_signed_integrity_are_found_out(tmp_path: Path) -> None:
    subject, said, keys = made(tmp_path)
    other = bench.subject(tmp_path, b"other bytes", purl=subject.purl)

    finding = judge(other, said, keys)

    assert finding.result is Result.FAILED
    assert finding.expected == f"sha512:{hashlib.sha512(b'other bytes').hexdigest()}"
    assert finding.got == f"a signature of sha512:{hashlib.sha512(TARBALL).hexdigest()}"


@pytest.mark.parametrize("purl", ["pkg:npm/%40scope/pkg@1.0.1", "pkg:npm/pkg@1.0.0%2Ba", "pkg:generic/a.tgz"])
def test_a_signature_of_another_package_or_version_is_found_out(tmp_path: Path, purl: str) -> None:
    _, said, keys = made(tmp_path)

    finding = judge(bench.subject(tmp_path, TARBALL, purl=purl), said, keys)

    assert (finding.result, finding.expected) == (Result.FAILED, f"a signature of {purl}")


def test_what_a_purl_says_beside_the_version_does_not_matter(tmp_path: Path) -> None:
    subject, said, keys = made(tmp_path)

    assert judge(bench.subject(tmp_path, TARBALL, purl=subject.purl + "?arch=any#x"), said, keys).result is Result.VERIFIED


def test_an_integrity_in_sha1_is_weak(tmp_path: Path) -> None:
    finding = judge(*made(tmp_path, integrity="sha1-" + b64(bytes(20))))

    assert finding.result is Result.WEAK_ALGORITHM


SHORT = "sha512-" + b64(bytes(63))


@pytest.mark.parametrize(
    "integrity", ["sha384-AA==", SHORT, "sha512-!", "sha512-" + b64(bytes(64)).rstrip("="), "", "\xe4"]
)
def test_an_integrity_that_is_not_one_sha512_is_refused(tmp_path: Path, integrity: str) -> None:
    finding = judge(*made(tmp_path, integrity=integrity))

    assert (finding.result, finding.expected) == (Result.FAILED, "an integrity in sha512")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"name": ""},
        {"version": "1:sha512-x"},
        {"version": "1@2"},
        {"name": "a@1"},
        {"name": "\ud800"},
        {"version": ""},
        {"version": "\xe4"},
        {"version": 1},
        {"dist": []},
        {"integrity": 1},
        {"signatures": []},
        {"signatures": {}},
        {"signatures": ["x"]},
        {"signatures": [{"keyid": "x"}]},
        {"signatures": [{"keyid": "x", "sig": 1}]},
        {"signatures": [{"keyid": "x", "sig": "AA=="}] * 17},
        {"time": "yesterday"},
        {"time": "2025-01-01T00:00:00"},
        {"time": "0001-01-01T00:00:00+23:00"},
        {"time": {"1.0.0+a": 5}},
    ],
    ids=str,
)
def test_other_documents_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    finding = judge(*made(tmp_path, **changes))

    assert (finding.result, finding.expected) == (Result.FAILED, "an npm registry signature")


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"name":"a","name":"b"}', b"\xff", b"[" * 100_000])
def test_what_is_no_strict_json_is_refused(tmp_path: Path, raw: bytes) -> None:
    (finding,) = npm.verify(bench.subject(tmp_path, TARBALL), bench.piece("a", raw), [], trust())

    assert finding.result is Result.FAILED


# -- the list ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", LISTS)
def test_a_list_is_pinned_by_its_digest_and_shown_with_its_keys(raw: bytes) -> None:
    pinned = npm.read_pin(raw)

    assert (pinned.pin, pinned.fingerprint) == (pin(raw), f"sha256:{pin(raw)}")
    assert pinned.identity == f"{NEW}, {OLD}"


def entry(**changes: Any) -> dict[str, Any]:
    return {**json.loads(LISTS[0])["keys"][1], **changes}


def target(**changes: Any) -> dict[str, Any]:
    known = json.loads(LISTS[1])["keys"][0]
    return {**known, "publicKey": {**known["publicKey"], **changes}}


ED = ed25519.Ed25519PrivateKey.generate().public_key()
ED_SPKI = b64(ED.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize(
    "keys",
    [
        None,
        [],
        ["x"],
        [entry(key=None)],
        [entry(key="AA==")],
        [entry(key=ED_SPKI)],
        [entry(keyid=OLD)],
        [entry(keyid=None)],
        [entry(expires="never")],
        [entry()] * 257,
        [{"publicKey": "x"}],
        [target(validFor=[])],
        [target(rawBytes=None)],
        [entry(keytype="ed25519")],
        [entry(scheme="ed25519")],
        [target(keyDetails="PKIX_ED25519")],
    ],
    ids=lambda keys: str(keys)[:60],
)
def test_other_lists_are_not_pinned(keys: Any) -> None:
    with pytest.raises(FormatError, match=r"^(key list|public key|time): expected"):
        npm.read_pin(json.dumps({"keys": keys}).encode())


def test_a_list_beyond_any_sense_is_not_read() -> None:
    with pytest.raises(FormatError, match="key list: expected at most 262144 bytes"):
        npm_keys.parse_list(b" " * 262145)


def test_a_list_stays_readable_when_the_registry_adds_a_key_of_a_new_kind() -> None:
    (known,) = npm_keys.parse_list(json.dumps({"keys": [entry(keytype="ml-dsa", scheme="ml-dsa"), entry()]}).encode())

    assert known.name == NEW


def test_keys_are_used_only_for_what_the_list_says() -> None:
    signing = json.dumps(
        {"keys": [k for k in json.loads(LISTS[1])["keys"] if k["keyUsage"] == "npm:attestations"]}
    ).encode()

    assert judge_real(REAL[3], trust(signing), listing(signing)).result is Result.UNTRUSTED_KEY


def test_of_two_pinned_lists_the_one_with_the_longer_validity_decides() -> None:
    ended = json.loads(LISTS[0])
    ended["keys"][1]["expires"] = "2020-01-01T00:00:00.000Z"
    short = json.dumps(ended).encode()
    pins = bench.pins(bench.anchor(Kind.NPM, pin(short)), bench.anchor(Kind.NPM, pin(LISTS[0]), name="second"))

    finding = judge_real({**REAL[3], "time": WHILE_VALID}, pins, listing(short), listing())

    assert (finding.result, finding.proof and finding.proof.anchor) == (Result.VERIFIED, "second")


def test_a_key_list_is_not_mistaken_for_one_when_it_is_not() -> None:
    chaff = [bench.piece("x", b'"keys" but no JSON', role=Role.KEY), bench.piece("y", b" " * 300_000)]

    assert judge_real(REAL[3], bench.pins(), *chaff).result is Result.UNTRUSTED_KEY


# -- oracle ------------------------------------------------------------------------------------------------------------


@pytest.mark.online
def test_the_real_signature_is_about_the_tarball_that_the_registry_serves(tmp_path: Path) -> None:
    subprocess.run(["npm", "pack", "--silent", "sigstore@1.0.0"], cwd=tmp_path, check=True, capture_output=True)
    content = (tmp_path / "sigstore-1.0.0.tgz").read_bytes()
    subject = bench.subject(tmp_path, content, purl="pkg:npm/sigstore@1.0.0")
    said = {**REAL[1], "time": WHILE_VALID}

    (finding,) = npm.verify(subject, document(said), [listing()], trust())
    (changed,) = npm.verify(
        bench.subject(tmp_path, content + b"\0", purl=subject.purl), document(said), [listing()], trust()
    )

    assert (finding.result, changed.result) == (Result.VERIFIED, Result.FAILED)


@pytest.mark.online
def test_openssl_says_the_same_about_every_real_signature(tmp_path: Path) -> None:
    keys = {item["keyid"]: item["key"] for item in json.loads(LISTS[0])["keys"]}
    for said in REAL:
        (signature,) = said["signatures"]
        (tmp_path / "key.der").write_bytes(base64.b64decode(keys[signature["keyid"]]))
        (tmp_path / "sig").write_bytes(base64.b64decode(signature["sig"]))
        for version, code in ((said["version"], 0), ("6.6.6", 1)):
            (tmp_path / "text").write_text(f"{said['name']}@{version}:{said['integrity']}")
            command = "openssl dgst -sha256 -keyform DER -verify key.der -signature sig text"
            assert subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode == code


def test_times_of_registries_are_read() -> None:
    assert npm_keys.read_time("2024-12-07T08:02:23.892000+00:00") == datetime(2024, 12, 7, 8, 2, 23, 892000, UTC)


def test_anchors_of_other_kinds_do_not_help() -> None:
    anchor = Anchor(name="x", kind=Kind.PEM, pin=pin(LISTS[0]), artifacts=("pkg:*",))

    assert judge_real(REAL[3], bench.pins(anchor), listing()).result is Result.UNTRUSTED_KEY
