"""Signatures of files by a cosign key. The mathematics is openssl's; the old bundle is put together as cosign 2 did."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from airgap.core.anchors import Kind
from airgap.core.entries import Role
from airgap.core.verdict import Finding, Result
from airgap.evidence.cosign_blob import read_pin, verify
from airgap.evidence.subject import Pins, Subject
from tests.evidence.bench import anchor, piece, pins, subject
from tests.evidence.plain import TEXT, base64_variants, changed, vector, with_high_s

KEY = vector("cosign_blob/cosign.pub")
GOOD = vector("cosign_blob/a.txt.sig")
BUNDLE = vector("cosign_blob/key.bundle")
KNOWN = pins(anchor(Kind.COSIGN, read_pin(KEY).pin))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return subject(tmp_path_factory.mktemp("cosign"), TEXT)


def judge(about: Subject, content: bytes, known: Pins = KNOWN, *, carried: bytes | None = None) -> Finding:
    beside = [piece("cosign.pub", carried, role=Role.KEY)] if carried is not None else []
    (finding,) = verify(about, piece("a.txt.sig", content), beside, known)
    return finding


@pytest.mark.parametrize("content", [GOOD, GOOD + b"\n", BUNDLE])
def test_a_signature_by_a_pinned_key_is_verified_alone_and_in_an_old_bundle(text: Subject, content: bytes) -> None:
    found = judge(text, content)

    assert (found.result, found.kind, found.reason) == (Result.VERIFIED, "cosign-blob", None)
    assert found.proof is not None
    assert (found.proof.anchor, found.proof.algorithm) == ("producer", "ecdsa-p256/sha256")


@pytest.mark.parametrize("content", [GOOD, BUNDLE])
def test_t132_a_signature_of_another_file_fails(tmp_path: Path, content: bytes) -> None:
    assert judge(subject(tmp_path, b"other"), content).result is Result.FAILED
    assert judge(subject(tmp_path, b"other"), content, pins(), carried=KEY).result is Result.FAILED


def test_no_single_changed_byte_of_a_signature_verifies(text: Subject) -> None:
    for at, bad in changed(GOOD):
        assert judge(text, bad).result is Result.FAILED or bad == GOOD + b"\n", at


def test_a_changed_byte_of_a_bundle_verifies_only_where_the_signature_is_the_same(text: Subject) -> None:
    signature = json.loads(BUNDLE)["base64Signature"]
    for at, bad in changed(BUNDLE):
        found = judge(text, bad)
        assert found.result is not Result.VERIFIED or json.loads(bad)["base64Signature"] == signature, at


@pytest.mark.parametrize("content", [GOOD, BUNDLE])
def test_t127_a_carried_key_is_untrusted(text: Subject, content: bytes) -> None:
    found = judge(text, content, pins(), carried=KEY)

    assert found.result is Result.UNTRUSTED_KEY
    assert found.proof is not None
    assert f"--kind cosign --pin '{read_pin(KEY).pin}'" in found.proof.hint


def test_the_key_in_an_old_bundle_is_a_carried_key(text: Subject, tmp_path: Path) -> None:
    assert read_pin(KEY).fingerprint in judge(text, BUNDLE, pins()).got
    assert judge(subject(tmp_path, b"other"), BUNDLE, pins()).result is Result.FAILED


def test_a_bundle_with_a_certificate_is_not_taken_and_the_finding_says_what_to_ask_for(text: Subject) -> None:
    found = judge(text, vector("cosign_blob/certificate.bundle"))

    assert found.result is Result.UNSUPPORTED
    assert "Sigstore bundle v0.3" in found.got


def test_t141_a_revoked_key_is_revoked(text: Subject) -> None:
    withdrawn = {read_pin(KEY).fingerprint.removeprefix("sha256:"): "lost"}

    assert judge(text, GOOD, pins(*KNOWN.anchors, revoked=withdrawn)).result is Result.REVOKED


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384()])
def test_a_larger_curve_may_come_with_sha256_or_with_its_own_hash(text: Subject, algorithm: hashes.HashAlgorithm) -> None:
    key = ec.derive_private_key(7, ec.SECP384R1())
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    known = pins(anchor(Kind.COSIGN, base64.b64encode(spki).decode()))
    found = judge(text, base64.b64encode(key.sign(TEXT, ec.ECDSA(algorithm))), known)

    assert found.proof is not None
    assert (found.result, found.proof.algorithm) == (Result.VERIFIED, f"ecdsa-p384/{algorithm.name}")
    assert judge(text, base64.b64encode(key.sign(TEXT, ec.ECDSA(hashes.SHA512()))), known).result is Result.FAILED


def test_t131_base64_has_one_spelling(text: Subject) -> None:
    for what, spelling in base64_variants(GOOD.decode()).items():
        assert judge(text, spelling.encode()).result is Result.FAILED, what


def test_t140_the_high_s_twin_holds_and_looks_the_same(text: Subject) -> None:
    twin = base64.b64encode(with_high_s(base64.b64decode(GOOD)))

    assert judge(text, twin) == judge(text, GOOD)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{}",
        b"[]",
        b'{"base64Signature":1}',
        b'{"base64Signature":"%b","base64Signature":"%b"}' % (GOOD, GOOD),
        b'{"base64Signature":"%b","cert":7}' % GOOD,
        b'{"base64Signature":"%b","cert":"!"}' % GOOD,
        b'{"base64Signature":"%b","x":NaN}' % GOOD,
        b" " * (1024 * 1024 + 1),
        base64.b64decode(GOOD),
    ],
)
def test_what_is_no_cosign_signature_fails(text: Subject, content: bytes) -> None:
    assert judge(text, content).result is Result.FAILED


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_there_is_a_finding(text: Subject, content: bytes) -> None:
    assert judge(text, content, carried=content).result is Result.FAILED
    assert judge(text, b'{"base64Signature":"' + content).result is Result.FAILED
