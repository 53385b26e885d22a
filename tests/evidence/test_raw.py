"""Detached signatures as openssl writes them (vectors), and forgeries of them."""

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from airgap.core.anchors import Anchor, Kind
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.verdict import Finding, Result
from airgap.evidence.raw import read_pin, verify
from airgap.evidence.subject import Pins, Subject
from tests.evidence.bench import anchor, piece, pins, subject
from tests.evidence.plain import (
    ANYTHING,
    SMALL_ORDER,
    TEXT,
    base64_variants,
    changed,
    vector,
    with_high_s,
    with_larger_s,
    with_strange_r,
)

SAMPLES = [
    ("rsa", "rsa-sha256", {}, "rsa-2048/sha256"),
    ("rsa", "rsa-sha512", {"hash": "sha512"}, "rsa-2048/sha512"),
    ("p256", "p256-sha256", {}, "ecdsa-p256/sha256"),
    ("p384", "p384-sha384", {}, "ecdsa-p384/sha384"),
    ("ed25519", "ed25519", {}, "ed25519"),
]
ED_PREFIX = bytes.fromhex("302a300506032b6570032100")
MAKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def pinned(name: str, **settings: str) -> Anchor:
    return anchor(Kind.PEM, read_pin(vector(f"raw/{name}.pub")).pin, name=name, **settings)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return subject(tmp_path_factory.mktemp("raw"), TEXT)


def judge(about: Subject, content: bytes, known: Pins, *carried: bytes) -> Finding:
    beside = [piece(f"key{i}.pub", key, role=Role.KEY) for i, key in enumerate(carried)]
    (finding,) = verify(about, piece("a.txt.sig", content), beside, known)
    return finding


@pytest.mark.parametrize(("key", "name", "settings", "algorithm"), SAMPLES)
def test_a_signature_by_a_pinned_key_is_verified_in_binary_and_in_base64(
    text: Subject, key: str, name: str, settings: dict[str, str], algorithm: str
) -> None:
    good = vector(f"raw/{name}.sig")
    for content in (good, base64.b64encode(good), base64.encodebytes(good)):
        found = judge(text, content, pins(pinned(key, **settings)))

        assert (found.result, found.kind, found.reason) == (Result.VERIFIED, "raw", None)
        assert found.proof is not None
        assert (found.proof.anchor, found.proof.algorithm) == (key, algorithm)
        assert found.proof.fingerprint == read_pin(vector(f"raw/{key}.pub")).fingerprint


@pytest.mark.parametrize(("key", "name", "settings", "_"), SAMPLES)
def test_no_single_changed_byte_verifies(text: Subject, key: str, name: str, settings: dict[str, str], _: str) -> None:
    good, known = vector(f"raw/{name}.sig"), pins(pinned(key, **settings))
    for content in (good, base64.b64encode(good)):
        for at, bad in changed(content):
            is_same = bad.replace(b"\n", b"") == content  # a line end after base64 changes nothing
            assert is_same or judge(text, bad, known).result is Result.FAILED, at


def test_every_pinned_key_is_tried(text: Subject) -> None:
    known = pins(*(pinned(key) for key in ("rsa", "p384", "ed25519", "p256")))

    found = judge(text, vector("raw/p256-sha256.sig"), known)
    assert found.proof is not None
    assert (found.result, found.proof.anchor) == (Result.VERIFIED, "p256")


def test_t132_a_signature_of_another_file_fails(tmp_path: Path) -> None:
    found = judge(subject(tmp_path, b"other"), vector("raw/p256-sha256.sig"), pins(pinned("p256"), pinned("rsa")))

    assert (found.result, found.reason) == (Result.FAILED, Reason.EVIDENCE_FAILED)
    assert found.expected == "a signature of these bytes by one of 2 keys"


@pytest.mark.parametrize("settings", [{"hash": "sha256"}, {"hash": "sha384"}, {"hash": "md5"}, {"hash": "sha1"}, {}])
def test_t128_the_anchor_says_which_hash_and_the_signature_never_does(text: Subject, settings: dict[str, str]) -> None:
    assert judge(text, vector("raw/rsa-sha512.sig"), pins(pinned("rsa", **settings))).result is Result.FAILED


@pytest.mark.parametrize("settings", [{"format": "dsse"}, {"format": "other"}])
def test_an_anchor_for_another_format_matches_nothing(text: Subject, settings: dict[str, str]) -> None:
    assert judge(text, vector("raw/p256-sha256.sig"), pins(pinned("p256", **settings))).result is Result.UNTRUSTED_KEY
    assert judge(text, vector("raw/p256-sha256.sig"), pins(pinned("p256", format="raw"))).result is Result.VERIFIED


def test_a_pinned_cosign_key_counts_too(text: Subject) -> None:
    known = pins(anchor(Kind.COSIGN, read_pin(vector("raw/p256.pub")).pin))

    assert judge(text, base64.b64encode(vector("raw/p256-sha256.sig")), known).result is Result.VERIFIED


@pytest.mark.parametrize(("key", "name", "_settings", "algorithm"), SAMPLES)
def test_t127_a_carried_key_gives_untrusted_or_failed_and_never_verified(
    text: Subject, tmp_path: Path, key: str, name: str, _settings: dict[str, str], algorithm: str
) -> None:
    carried = vector(f"raw/{key}.pub")
    found = judge(text, vector(f"raw/{name}.sig"), pins(), carried, b"no key", vector("raw/p256.pub"))

    assert found.result is Result.UNTRUSTED_KEY
    assert found.proof is not None
    assert found.proof.algorithm == algorithm
    assert f"--kind pem --pin '{read_pin(carried).pin}'" in found.proof.hint
    assert judge(subject(tmp_path, b"other"), vector(f"raw/{name}.sig"), pins(), carried).result is Result.FAILED


def test_a_signature_by_a_carried_key_is_untrusted_though_another_is_pinned(text: Subject) -> None:
    found = judge(text, vector("raw/p256-sha256.sig"), pins(pinned("rsa")), vector("raw/p256.pub"))

    assert found.result is Result.UNTRUSTED_KEY


def test_t142_only_so_many_carried_keys_are_tried(text: Subject) -> None:
    others = [b"x"] * 8

    assert judge(text, vector("raw/p256-sha256.sig"), pins(), *others, vector("raw/p256.pub")).proof is not None
    assert "no key" in judge(text, vector("raw/p256-sha256.sig"), pins(), *others, vector("raw/p256.pub")).got
    assert "no key" in judge(text, vector("raw/p256-sha256.sig"), pins(), b"x" * 70000).got


def test_t141_a_revoked_key_is_revoked(text: Subject) -> None:
    withdrawn = {read_pin(vector("raw/p256.pub")).fingerprint.removeprefix("sha256:"): "lost"}

    assert judge(text, vector("raw/p256-sha256.sig"), pins(pinned("p256"), revoked=withdrawn)).result is Result.REVOKED


def test_t131_base64_has_one_spelling(text: Subject) -> None:
    for what, spelling in base64_variants(base64.b64encode(vector("raw/ed25519.sig")).decode()).items():
        assert judge(text, spelling.encode(), pins(pinned("ed25519"))).result is Result.FAILED, what


def test_t136_t137_t138_forms_of_ed25519_that_are_not_canonical_fail(text: Subject) -> None:
    key = MAKER.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    known = pins(anchor(Kind.PEM, base64.b64encode(key).decode()))
    good = MAKER.sign(TEXT)
    strange = with_strange_r(MAKER, TEXT, bytes.fromhex("ee" + "ff" * 30 + "7f"))

    assert judge(text, good, known).result is Result.VERIFIED
    for bad in (with_larger_s(good), good[:-1], good + b"\0", strange):
        assert judge(text, bad, known).result is Result.FAILED


@pytest.mark.parametrize("point", SMALL_ORDER, ids=bytes.hex)
def test_t139_a_key_of_small_order_is_neither_pinned_nor_tried(text: Subject, point: bytes) -> None:
    known = pins(anchor(Kind.PEM, base64.b64encode(ED_PREFIX + point).decode()))

    assert judge(text, ANYTHING, known, ED_PREFIX + point).result is Result.UNTRUSTED_KEY
    with pytest.raises(FormatError):
        read_pin(ED_PREFIX + point)


def test_t140_the_high_s_twin_holds_and_looks_the_same(text: Subject) -> None:
    good, known = vector("raw/p256-sha256.sig"), pins(pinned("p256"))

    assert with_high_s(good) != good
    assert judge(text, with_high_s(good), known) == judge(text, good, known)


def test_an_ecdsa_signature_has_one_encoding(text: Subject) -> None:
    good, known = vector("raw/p256-sha256.sig"), pins(pinned("p256"))
    long_form = b"\x30\x81" + good[1:]
    padded = b"\x30" + bytes([good[1] + 1]) + b"\x02" + bytes([good[3] + 1]) + b"\0" + good[4:]

    assert judge(text, long_form, known).result is Result.FAILED
    assert judge(text, padded, known).result is Result.FAILED
    assert judge(text, good + b"\0", known).result is Result.FAILED


def test_rsa_with_sha1_or_with_pss_fails(text: Subject) -> None:
    key = rsa.generate_private_key(65537, 2048)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    known = pins(anchor(Kind.PEM, base64.b64encode(spki).decode()))
    by_sha1 = key.sign(TEXT, padding.PKCS1v15(), hashes.SHA1())
    by_pss = key.sign(TEXT, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())

    assert judge(text, by_sha1, known, spki).result is Result.FAILED
    assert judge(text, by_pss, known, spki).result is Result.FAILED


@pytest.mark.parametrize("content", [b"", b"x" * 4097])
def test_what_has_no_signatures_size_fails(text: Subject, content: bytes) -> None:
    assert judge(text, content, pins()).result is Result.FAILED


@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_there_is_a_finding(text: Subject, content: bytes) -> None:
    assert judge(text, content, pins(pinned("p256"), pinned("rsa")), content).result is Result.FAILED
    assert judge(text, content, pins(), content).result in (Result.FAILED, Result.UNTRUSTED_KEY)


def test_a_weak_or_foreign_key_cannot_be_pinned(text: Subject) -> None:
    short = rsa.generate_private_key(65537, 1024).public_key()
    koblitz = ec.generate_private_key(ec.SECP256K1()).public_key()
    for key in (short, koblitz):
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(FormatError):
            read_pin(spki)
        known = pins(anchor(Kind.PEM, base64.b64encode(spki).decode()))
        assert judge(text, vector("raw/p256-sha256.sig"), known).result is Result.UNTRUSTED_KEY


def test_a_key_file_gives_the_pin_and_a_name() -> None:
    found = read_pin(vector("raw/p256.pub"))

    assert found.pin == "".join(vector("raw/p256.pub").decode().splitlines()[1:-1])
    assert found.identity == f"ecdsa-p256 key {found.fingerprint.removeprefix('sha256:')[:16]}"
    assert found.settings == {}


@pytest.mark.online
@pytest.mark.parametrize(
    ("key", "name", "digest"),
    [("rsa", "rsa-sha256", "sha256"), ("p256", "p256-sha256", "sha256"), ("p384", "p384-sha384", "sha384")],
)
def test_openssl_and_this_verifier_agree(tmp_path: Path, key: str, name: str, digest: str) -> None:
    (tmp_path / "k.pub").write_bytes(vector(f"raw/{key}.pub"))
    (tmp_path / "a.txt").write_bytes(TEXT)
    about, good = subject(tmp_path, TEXT), vector(f"raw/{name}.sig")
    for at, bad in [(0, good), *list(changed(good))[::23]]:
        (tmp_path / "s").write_bytes(bad)
        command = ["openssl", "dgst", f"-{digest}", "-verify", "k.pub", "-signature", "s", "a.txt"]
        theirs = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
        assert (judge(about, bad, pins(pinned(key))).result is Result.VERIFIED) == theirs, at


@pytest.mark.online
def test_fresh_signatures_of_openssl_are_verified(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(TEXT)

    def run(command: str) -> None:
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)

    run("openssl genpkey -algorithm ED25519 -out k.pem")
    run("openssl pkey -in k.pem -pubout -out k.pub")
    run("openssl pkeyutl -sign -rawin -inkey k.pem -in a.txt -out s")
    known = pins(anchor(Kind.PEM, read_pin((tmp_path / "k.pub").read_bytes()).pin))

    assert judge(subject(tmp_path, TEXT), (tmp_path / "s").read_bytes(), known).result is Result.VERIFIED


@pytest.mark.parametrize("start", [b"DSSEv1 28 application/vnd.in-toto+json 2 {}", b"SSHSIG\0\0\0\4file"])
def test_what_another_format_signs_is_no_file(tmp_path: Path, start: bytes) -> None:
    # T129: the key may sign attestations and SSH signatures too
    private = ec.generate_private_key(ec.SECP256R1())
    spki = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(spki).decode()

    def judged(content: bytes) -> Result:
        signature = private.sign(content, ec.ECDSA(hashes.SHA256()))
        (finding,) = verify(subject(tmp_path, content), piece("a.txt.sig", signature), [], pins(anchor(Kind.PEM, pin)))
        return finding.result

    assert judged(start) is Result.FAILED
    assert judged(b" " + start) is Result.VERIFIED
