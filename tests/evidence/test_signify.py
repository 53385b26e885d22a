"""signify signatures, made by signify-openbsd (vectors) and by these tests (forgeries)."""

import base64
import subprocess
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
from airgap.evidence.signify import read_pin, verify
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

KEY = vector("signify/key.pub")
GOOD = vector("signify/a.txt.sig")
LIST = vector("signify/SHA256.sig")
PINNED = anchor(Kind.SIGNIFY, read_pin(KEY).pin)
MAKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NUMBER = b"12345678"


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return subject(tmp_path_factory.mktemp("signify"), TEXT)


def judge(about: Subject, content: bytes, known: Pins | None = None, *, carried: bytes | None = None) -> Finding:
    beside = [piece("key.pub", carried, role=Role.KEY)] if carried is not None else []
    (finding,) = verify(about, piece("a.txt.sig", content), beside, pins(PINNED) if known is None else known)
    return finding


def pack(signature: bytes, *, algorithm: bytes = b"Ed") -> bytes:
    return b"untrusted comment: x\n%b\n" % base64.b64encode(algorithm + NUMBER + signature)


def pin_of(raw: bytes) -> Anchor:
    return anchor(Kind.SIGNIFY, base64.b64encode(b"Ed" + NUMBER + raw).decode())


OURS = pins(pin_of(MAKER.public_key().public_bytes_raw()))


def test_a_signature_by_a_pinned_key_is_verified(text: Subject) -> None:
    found = judge(text, GOOD)

    assert (found.result, found.kind, found.reason) == (Result.VERIFIED, "signify", None)
    assert found.identity == read_pin(KEY).identity
    assert found.proof is not None
    assert (found.proof.anchor, found.proof.algorithm) == ("producer", "ed25519")
    assert found.proof.fingerprint == read_pin(KEY).fingerprint


def test_an_empty_file_is_signed_like_any_other(tmp_path: Path) -> None:
    assert judge(subject(tmp_path, b""), pack(MAKER.sign(b"")), OURS).result is Result.VERIFIED


def test_t132_a_signature_of_another_file_fails(tmp_path: Path) -> None:
    found = judge(subject(tmp_path, b"other"), GOOD)

    assert (found.result, found.reason) == (Result.FAILED, Reason.EVIDENCE_FAILED)


def test_a_key_that_nobody_pinned_is_untrusted(text: Subject) -> None:
    found = judge(text, GOOD, pins(), carried=KEY)

    assert found.result is Result.UNTRUSTED_KEY
    assert found.proof is not None
    assert f"--kind signify --pin '{read_pin(KEY).pin}'" in found.proof.hint


def test_a_key_with_another_number_is_not_tried(text: Subject) -> None:
    raw = base64.b64decode(read_pin(KEY).pin)
    renumbered = anchor(Kind.SIGNIFY, base64.b64encode(b"Ed" + NUMBER + raw[10:]).decode())

    assert judge(text, GOOD, pins(renumbered)).result is Result.UNTRUSTED_KEY


def test_a_carried_key_shows_that_the_mathematics_is_broken(tmp_path: Path) -> None:
    assert judge(subject(tmp_path, b"other"), GOOD, pins(), carried=KEY).result is Result.FAILED


def test_t141_a_revoked_key_is_revoked(text: Subject) -> None:
    withdrawn = {read_pin(KEY).fingerprint.removeprefix("sha256:"): "lost"}

    assert judge(text, GOOD, pins(PINNED, revoked=withdrawn)).result is Result.REVOKED
    assert judge(text, LIST, pins(PINNED, revoked=withdrawn)).result is Result.REVOKED


def test_a_list_behind_its_signature_vouches_for_the_artifact_that_it_names(text: Subject) -> None:
    found = judge(text, LIST)

    assert (found.result, found.kind) == (Result.VERIFIED, "sums")
    assert found.identity == read_pin(KEY).identity
    assert found.proof is not None
    assert (found.proof.anchor, found.proof.covers) == ("producer", text.covers)


def test_a_list_behind_its_signature_speaks_against_other_bytes_and_other_names(tmp_path: Path) -> None:
    assert judge(subject(tmp_path, b"other"), LIST).result is Result.FAILED
    assert judge(subject(tmp_path, TEXT, name="b.txt"), LIST).result is Result.FAILED


def test_a_list_that_was_changed_after_it_was_signed_fails(text: Subject) -> None:
    for _, bad in changed(LIST[LIST.index(b"SHA256 (") :]):
        if bad:
            found = judge(text, LIST[: LIST.index(b"SHA256 (")] + bad)
            assert (found.result, found.kind) == (Result.FAILED, "signify")


def test_t130_a_signature_of_the_list_does_not_hold_for_the_list_as_a_whole(tmp_path: Path) -> None:
    listed = LIST[LIST.index(b"SHA256 (") :]
    detached = LIST[: LIST.index(b"SHA256 (")]

    assert judge(subject(tmp_path, listed, name="SHA256"), detached).result is Result.VERIFIED
    assert judge(subject(tmp_path, LIST, name="SHA256.sig"), detached).result is Result.FAILED


def test_no_single_changed_byte_verifies_but_in_the_comment_that_nothing_covers(text: Subject) -> None:
    # signify itself accepts any text there but NUL: the line is for people
    free = range(len(b"untrusted comment: "), GOOD.index(b"\n"))
    verified = {at for at, bad in changed(GOOD) if judge(text, bad).result is Result.VERIFIED}

    assert verified <= set(free)


def test_t131_base64_has_one_spelling(text: Subject) -> None:
    comment, line, _ = GOOD.decode().split("\n")
    for what, spelling in base64_variants(line).items():
        assert judge(text, f"{comment}\n{spelling}\n".encode()).result is Result.FAILED, what


def test_t136_a_signature_with_a_larger_s_fails(text: Subject) -> None:
    assert judge(text, pack(MAKER.sign(TEXT)), OURS).result is Result.VERIFIED
    assert judge(text, pack(with_larger_s(MAKER.sign(TEXT))), OURS).result is Result.FAILED


@pytest.mark.parametrize("size", [0, 63, 65])
def test_t137_a_signature_of_another_length_fails(text: Subject, size: int) -> None:
    assert judge(text, pack(MAKER.sign(TEXT).ljust(size, b"\0")[:size]), OURS).result is Result.FAILED


def test_t138_an_r_that_is_not_canonical_fails(text: Subject) -> None:
    strange = with_strange_r(MAKER, TEXT, bytes.fromhex("ee" + "ff" * 30 + "7f"))

    assert judge(text, pack(strange), OURS).result is Result.FAILED


@pytest.mark.parametrize("point", SMALL_ORDER, ids=bytes.hex)
def test_t139_a_key_of_small_order_is_neither_pinned_nor_tried(text: Subject, point: bytes) -> None:
    pinned = pin_of(point)

    assert judge(text, pack(ANYTHING), pins(pinned), carried=pinned.pin.encode()).result is Result.UNTRUSTED_KEY
    with pytest.raises(FormatError):
        read_pin(pinned.pin.encode())


@pytest.mark.parametrize("algorithm", [b"ED", b"RS", b"\0\0"])
def test_t128_an_algorithm_that_signify_never_had_fails(text: Subject, algorithm: bytes) -> None:
    assert judge(text, pack(MAKER.sign(TEXT), algorithm=algorithm), OURS).result is Result.FAILED


@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_there_is_a_finding(text: Subject, content: bytes) -> None:
    assert judge(text, content, carried=content).result is not Result.VERIFIED
    assert judge(text, GOOD + content).result is not Result.VERIFIED or not content


def test_a_key_file_gives_the_pin() -> None:
    assert read_pin(KEY).pin == KEY.split(b"\n")[1].decode()
    assert read_pin(KEY).identity.startswith("signify key ")


@pytest.mark.online
def test_signify_and_this_verifier_agree(tmp_path: Path) -> None:
    def run(*args: str) -> int:
        return subprocess.run(["signify-openbsd", *args], cwd=tmp_path, capture_output=True, check=False).returncode

    about = subject(tmp_path, TEXT)
    (tmp_path / "a.txt").write_bytes(TEXT)
    assert run("-G", "-n", "-p", "k.pub", "-s", "k.sec") == 0
    assert run("-S", "-s", "k.sec", "-m", "a.txt", "-x", "s") == 0
    good = (tmp_path / "s").read_bytes()
    known = pins(anchor(Kind.SIGNIFY, read_pin((tmp_path / "k.pub").read_bytes()).pin))
    assert judge(about, good, known).result is Result.VERIFIED
    for at, bad in list(changed(good))[::7]:
        (tmp_path / "s").write_bytes(bad)
        theirs = run("-V", "-p", "k.pub", "-m", "a.txt", "-x", "s") == 0
        ours = judge(about, bad, known).result is Result.VERIFIED
        # signify is laxer in one point: it does not look at what follows the signature
        assert ours == theirs or (theirs and at == len(good)), at
