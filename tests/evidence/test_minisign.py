"""minisign signatures, made by minisign 0.11 (vectors) and by these tests (forgeries)."""

import base64
import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from airgap.core.anchors import Anchor, Kind
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.verdict import Finding, Result
from airgap.evidence.minisign import read_pin, verify
from airgap.evidence.subject import Pins, Subject
from tests.evidence.bench import anchor, piece, pins, subject
from tests.evidence.plain import (
    ANYTHING,
    SMALL_ORDER,
    TEXT,
    base64_variants,
    changed,
    vector,
    with_larger_s,
    with_strange_r,
)

KEY = vector("minisign/key.pub")
GOOD = vector("minisign/a.txt.minisig")
PINNED = anchor(Kind.MINISIGN, read_pin(KEY).pin)
MAKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NUMBER = b"12345678"
PURL = "pkg:generic/a.txt"


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return subject(tmp_path_factory.mktemp("minisign"), TEXT)


def judge(about: Subject, content: bytes, known: Pins | None = None, *, carried: bytes | None = None) -> Finding:
    beside = [piece("key.pub", carried, role=Role.KEY)] if carried is not None else []
    (finding,) = verify(about, piece("a.txt.minisig", content), beside, pins(PINNED) if known is None else known)
    return finding


def pack(first: bytes, comment: bytes, overall: bytes, *, algorithm: bytes = b"ED") -> bytes:
    line = base64.b64encode(algorithm + NUMBER + first)
    return b"untrusted comment: x\n%b\ntrusted comment: %b\n%b\n" % (line, comment, base64.b64encode(overall))


def sign(key: Ed25519PrivateKey, content: bytes, comment: bytes = b"file:a.txt") -> bytes:
    first = key.sign(hashlib.blake2b(content).digest())
    return pack(first, comment, key.sign(first + comment))


def pin_of(raw: bytes) -> Anchor:
    return anchor(Kind.MINISIGN, base64.b64encode(b"Ed" + NUMBER + raw).decode())


OURS = pins(pin_of(MAKER.public_key().public_bytes_raw()))


def test_a_signature_by_a_pinned_key_is_verified_with_all_that_is_known_about_it(text: Subject) -> None:
    found = judge(text, GOOD)

    assert found.result is Result.VERIFIED
    assert found.reason is None
    assert found.kind == "minisign"
    assert found.identity == f"minisign key {key_number()}"
    assert found.proof is not None
    assert found.proof.anchor == "producer"
    assert found.proof.fingerprint == read_pin(KEY).fingerprint
    assert found.proof.algorithm == "ed25519/blake2b"
    assert found.proof.vouches == "publisher"
    assert (found.proof.key_then, found.proof.key_now) == ("valid", "valid")
    assert (found.proof.signed_at, found.proof.time_proof) == ("2025-11-24T16:00:00Z", "claimed")
    assert found.proof.covers == text.covers


def key_number() -> str:
    """As minisign wrote it into the comment of its public key."""
    return KEY.split(b"\n")[0].split()[-1].decode()


def test_a_key_that_is_pinned_and_carried_as_well_counts_as_pinned(text: Subject) -> None:
    assert judge(text, GOOD, carried=KEY).result is Result.VERIFIED


def test_a_trusted_comment_without_a_time_and_a_name_gives_neither(text: Subject) -> None:
    found = judge(text, vector("minisign/plain-comment.minisig"))

    assert found.result is Result.VERIFIED
    assert found.proof is not None
    assert found.proof.signed_at == ""


@pytest.mark.parametrize("stamp", [b"", b"-1", b"1e9", b"999999999999", b"9" * 4000, b"1\ttimestamp:2"])
def test_a_time_that_is_none_is_left_out(text: Subject, stamp: bytes) -> None:
    found = judge(text, sign(MAKER, TEXT, b"timestamp:" + stamp), OURS)

    assert found.result is Result.VERIFIED
    assert found.proof is not None
    assert found.proof.signed_at == ""


def test_a_signature_of_another_file_fails(tmp_path: Path) -> None:
    found = judge(subject(tmp_path, b"other"), GOOD)

    assert found.result is Result.FAILED
    assert found.reason is Reason.EVIDENCE_FAILED
    assert found.expected == f"a signature of these bytes by minisign key {key_number()}"


def test_t132_a_signature_for_another_name_fails_though_the_bytes_are_the_same(tmp_path: Path) -> None:
    found = judge(subject(tmp_path, TEXT, name="b.txt"), GOOD)

    assert found.result is Result.FAILED
    assert (found.expected, found.got) == ("a signature of 'b.txt'", "one of a file named b'a.txt'")


def test_a_changed_trusted_comment_fails(text: Subject) -> None:
    found = judge(text, GOOD.replace(b"timestamp:1764000000", b"timestamp:1764000001"))

    assert found.result is Result.FAILED


def test_a_second_signature_alone_is_not_enough(text: Subject) -> None:
    forged = Ed25519PrivateKey.generate().sign(text.digest("blake2b"))

    assert judge(text, pack(forged, b"c", MAKER.sign(forged + b"c")), OURS).result is Result.FAILED


def test_the_legacy_format_is_not_taken_and_the_finding_says_what_to_do(text: Subject) -> None:
    found = judge(text, vector("minisign/legacy.minisig"))

    assert found.result is Result.UNSUPPORTED
    assert "legacy" in found.got


def test_t128_a_legacy_signature_of_a_digest_is_no_prehashed_signature_of_the_file_behind_it(tmp_path: Path) -> None:
    digest = hashlib.blake2b(TEXT).digest()
    first = MAKER.sign(digest)
    twisted = pack(first, b"c", MAKER.sign(first + b"c"), algorithm=b"Ed")

    assert judge(subject(tmp_path, digest), twisted, OURS).result is Result.UNSUPPORTED


def test_a_key_that_nobody_pinned_is_untrusted_and_the_finding_names_the_command(text: Subject) -> None:
    found = judge(text, GOOD, pins(), carried=KEY)

    assert found.result is Result.UNTRUSTED_KEY
    assert found.proof is not None
    assert found.proof.anchor == ""
    assert read_pin(KEY).fingerprint in found.got
    assert f"--kind minisign --pin '{read_pin(KEY).pin}' --artifacts '{PURL}'" in found.proof.hint


def test_a_signature_without_any_key_is_untrusted(text: Subject) -> None:
    assert judge(text, GOOD, pins()).got == "a signature, and no key to check it with"


def test_a_carried_key_shows_that_the_mathematics_is_broken(tmp_path: Path) -> None:
    assert judge(subject(tmp_path, b"other"), GOOD, pins(), carried=KEY).result is Result.FAILED


def test_a_pin_with_the_same_number_and_another_key_fails(text: Subject) -> None:
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    raw = base64.b64decode(read_pin(KEY).pin)
    pinned = anchor(Kind.MINISIGN, base64.b64encode(raw[:10] + other).decode())

    assert judge(text, GOOD, pins(pinned)).result is Result.FAILED
    both = judge(text, GOOD, pins(pinned, replace(PINNED, name="right")))
    assert both.proof is not None
    assert (both.result, both.proof.anchor) == (Result.VERIFIED, "right")
    assert judge(text, GOOD, pins(pinned), carried=KEY).result is Result.UNTRUSTED_KEY


def test_two_pinned_keys_with_one_number_and_a_signature_by_neither_fail(tmp_path: Path) -> None:
    raw = base64.b64decode(read_pin(KEY).pin)
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    pinned = anchor(Kind.MINISIGN, base64.b64encode(raw[:10] + other).decode())

    found = judge(subject(tmp_path, b"other"), GOOD, pins(pinned, PINNED))

    assert (found.result, found.expected) == (Result.FAILED, "a signature of these bytes by one of 2 keys")


def test_t141_a_revoked_key_is_revoked_whether_pinned_or_carried(text: Subject) -> None:
    withdrawn = {read_pin(KEY).fingerprint.removeprefix("sha256:"): "lost"}

    for found in (
        judge(text, GOOD, pins(PINNED, revoked=withdrawn)),
        judge(text, GOOD, pins(revoked=withdrawn), carried=KEY),
    ):
        assert (found.result, found.reason) == (Result.REVOKED, Reason.EVIDENCE_REVOKED)
        assert found.got == "revoked: 'lost'"
        assert found.proof is not None
        assert found.proof.key_now == "revoked"


def test_no_single_changed_byte_verifies_but_in_the_comment_that_nothing_covers(text: Subject) -> None:
    # minisign itself accepts any text there: the line is for people, and "untrusted comment: " before it is checked
    free = range(len(b"untrusted comment: "), GOOD.index(b"\n"))
    whole = GOOD.removesuffix(b"\n")
    verified = {at for at, bad in changed(GOOD) if bad != whole and judge(text, bad).result is Result.VERIFIED}

    assert verified <= set(free)


@pytest.mark.parametrize("line", [1, 3])
def test_t131_base64_has_one_spelling(text: Subject, line: int) -> None:
    lines = GOOD.decode().split("\n")
    for what, spelling in base64_variants(lines[line]).items():
        bad = "\n".join([*lines[:line], spelling, *lines[line + 1 :]])
        assert judge(text, bad.encode()).result is Result.FAILED, what


def test_t136_a_signature_with_a_larger_s_fails(text: Subject) -> None:
    first = MAKER.sign(text.digest("blake2b"))
    twin = with_larger_s(first)

    assert judge(text, pack(first, b"c", MAKER.sign(first + b"c")), OURS).result is Result.VERIFIED
    assert judge(text, pack(twin, b"c", MAKER.sign(twin + b"c")), OURS).result is Result.FAILED
    assert judge(text, pack(first, b"c", with_larger_s(MAKER.sign(first + b"c"))), OURS).result is Result.FAILED


@pytest.mark.parametrize("size", [0, 63, 65])
def test_t137_a_signature_of_another_length_fails(text: Subject, size: int) -> None:
    first = MAKER.sign(text.digest("blake2b"))
    other = first.ljust(size, b"\0")[:size]

    assert judge(text, pack(other, b"c", MAKER.sign(other + b"c")), OURS).result is Result.FAILED
    assert judge(text, pack(first, b"c", MAKER.sign(first + b"c").ljust(size)[:size]), OURS).result is Result.FAILED


def test_t138_an_r_that_is_not_canonical_fails(text: Subject) -> None:
    first = with_strange_r(MAKER, text.digest("blake2b"), bytes.fromhex("ee" + "ff" * 30 + "7f"))

    assert judge(text, pack(first, b"c", MAKER.sign(first + b"c")), OURS).result is Result.FAILED


@pytest.mark.parametrize("point", SMALL_ORDER, ids=bytes.hex)
def test_t139_a_pinned_key_of_small_order_matches_nothing(text: Subject, point: bytes) -> None:
    assert judge(text, pack(ANYTHING, b"c", ANYTHING), pins(pin_of(point))).result is Result.UNTRUSTED_KEY


@pytest.mark.parametrize("pin", ["", "RW", "é", "\ud800", "RWQ=", base64.b64encode(b"EX" + bytes(40)).decode()])
def test_a_pin_that_cannot_be_read_matches_nothing(text: Subject, pin: str) -> None:
    assert judge(text, GOOD, pins(anchor(Kind.MINISIGN, pin))).result is Result.UNTRUSTED_KEY


def test_an_anchor_of_another_kind_matches_nothing(text: Subject) -> None:
    assert judge(text, GOOD, pins(anchor(Kind.SIGNIFY, read_pin(KEY).pin))).result is Result.UNTRUSTED_KEY


def test_an_algorithm_that_never_was_fails(text: Subject) -> None:
    assert judge(text, pack(bytes(64), b"c", bytes(64), algorithm=b"EE")).result is Result.FAILED


@given(st.binary(max_size=400))
def test_whatever_the_bytes_are_there_is_a_finding(text: Subject, content: bytes) -> None:
    assert judge(text, content, carried=content).result is not Result.VERIFIED


def test_a_key_file_is_read_with_and_without_its_comment() -> None:
    line = KEY.split(b"\n")[1]

    assert read_pin(KEY) == read_pin(line) == read_pin(line + b"\n")
    assert read_pin(KEY).pin == line.decode()
    assert read_pin(KEY).identity == f"minisign key {key_number()}"


@pytest.mark.parametrize("raw", [b"", b"x", KEY + b"more\n", b"\xff\n", GOOD, KEY.replace(b"RW", b"RX")])
def test_what_is_no_key_file_is_refused(raw: bytes) -> None:
    with pytest.raises(FormatError, match="public key"):
        read_pin(raw)


@pytest.mark.online
def test_minisign_and_this_verifier_agree(tmp_path: Path) -> None:
    def run(*args: str) -> int:
        return subprocess.run(["minisign", *args], cwd=tmp_path, capture_output=True, check=False).returncode

    about = subject(tmp_path, TEXT)
    (tmp_path / "a.txt").write_bytes(TEXT)
    assert run("-G", "-W", "-p", "k.pub", "-s", "k.key") == 0
    assert run("-S", "-s", "k.key", "-m", "a.txt", "-x", "s") == 0
    good = (tmp_path / "s").read_bytes()
    known = pins(anchor(Kind.MINISIGN, read_pin((tmp_path / "k.pub").read_bytes()).pin))
    assert judge(about, good, known).result is Result.VERIFIED
    for at, bad in list(changed(good))[::7]:
        (tmp_path / "s").write_bytes(bad)
        theirs = run("-V", "-p", "k.pub", "-m", "a.txt", "-x", "s") == 0
        ours = judge(about, bad, known).result is Result.VERIFIED
        # minisign is laxer in one point: it does not look at what follows the last line
        assert ours == theirs or (theirs and at >= len(good) - 1), at
