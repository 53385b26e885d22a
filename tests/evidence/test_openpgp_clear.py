"""Clearsigned text: only what was signed is handed out, and there is one way to read it."""

from pathlib import Path

import pysequoia
import pytest

from airgap.core.anchors import Kind
from airgap.core.entries import Role
from airgap.core.verdict import Finding, Result
from airgap.evidence import openpgp
from tests.evidence.bench import anchor, piece, pins, subject
from tests.evidence.test_openpgp import LENIENT, key, pinned, raw

BOTH = raw("both.txt.asc")
TEXT = b"first line\n- a dash\nlast line"
V, F, U = Result.VERIFIED, Result.FAILED, Result.UNTRUSTED_KEY


def read(tmp_path: Path, message: bytes, *names: str, **settings: str) -> tuple[bytes | None, list[Finding]]:
    beside = [key("ed25519"), key("rsa3072"), key("old")]
    at = pins(*(pinned(name, **settings) for name in names))
    return openpgp.read_clear(subject(tmp_path, b"the artifact"), piece("SHA256SUMS.asc", message), beside, at)


def test_the_text_comes_back_without_its_escapes(tmp_path: Path) -> None:
    text, findings = read(tmp_path, BOTH, "ed25519", "rsa3072")

    assert text == TEXT
    assert [finding.result for finding in findings] == [V, V]
    assert {finding.kind for finding in findings} == {"openpgp"}


def test_one_verified_signature_is_enough_for_the_text_and_the_others_are_named(tmp_path: Path) -> None:
    text, findings = read(tmp_path, BOTH, "rsa3072")

    assert text == TEXT
    assert sorted(finding.result for finding in findings) == sorted([U, V])


def test_text_that_no_pinned_key_signed_is_not_handed_out(tmp_path: Path) -> None:
    text, findings = read(tmp_path, BOTH, "old")

    assert text is None
    assert [finding.result for finding in findings] == [U, U]


def test_an_old_key_signs_text_in_the_lenient_tier_only(tmp_path: Path) -> None:
    strict, (refused,) = read(tmp_path, raw("old.txt.asc"), "old")
    lenient, (overlooked,) = read(tmp_path, raw("old.txt.asc"), "old", **LENIENT)
    changed, (failed,) = read(tmp_path, raw("old.txt.asc").replace(b"last", b"lost"), "old", **LENIENT)

    assert (strict, refused.result) == (None, Result.WEAK_ALGORITHM)
    assert (lenient, overlooked.result) == (TEXT, V)
    assert (changed, failed.result) == (None, F)


@pytest.mark.parametrize(
    "changed",
    [
        BOTH.replace(b"\n", b"\r\n"),
        BOTH.replace(b"last line", b"last line \t "),
        BOTH.replace(b"Hash: SHA256,SHA512\n", b""),
        BOTH.replace(b"last line", b"- last line"),
        BOTH.removesuffix(b"\n"),
    ],
    ids=["line-ends", "blanks", "no-hash-header", "needless-escape", "no-last-newline"],
)
def test_what_no_signature_covers_does_not_change_the_text(tmp_path: Path, changed: bytes) -> None:
    assert changed != BOTH
    text, findings = read(tmp_path, changed, "ed25519", "rsa3072")

    assert (text, {finding.result for finding in findings}) == (TEXT, {V})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (b"evil\n" + BOTH, "expected to start with its BEGIN line"),
        (b"\n" + BOTH, "expected to start with its BEGIN line"),
        (BOTH + b"evil\n", "expected to end with its one END line"),
        (BOTH + b" \n", "expected to end with its one END line"),
        (BOTH + BOTH, "expected to end with its one END line"),
        (BOTH.replace(b"\n\n", b"\nComment: evil\n\n", 1), "expected Hash headers"),
        (BOTH.replace(b"- - a dash", b"- a dash\n-evil"), "expected a dash that is escaped"),
        (BOTH.replace(b"last line", b"last\rline"), "got a lone carriage return"),
        (BOTH.replace(b"-----BEGIN PGP SIGNATURE-----", b""), "expected an empty line, the text and a signature"),
        (BOTH.replace(b"-----END PGP SIGNATURE-----", b""), "expected to end with its one END line"),
        (BOTH.split(b"\n\n")[0] + b"\n-----BEGIN PGP SIGNATURE-----\n\n", "expected Hash headers"),
        (b"", "expected to start with its BEGIN line"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_a_message_that_could_be_read_in_two_ways_is_refused(tmp_path: Path, changed: bytes, words: str) -> None:
    text, (finding,) = read(tmp_path, changed, "ed25519", "rsa3072")

    assert (text, finding.result) == (None, F)
    assert words in finding.got


def test_a_signature_of_a_file_is_no_signature_of_text(tmp_path: Path) -> None:
    begin, end = BOTH.index(b"-----BEGIN PGP SIGNATURE"), BOTH.index(b"-----END")
    block = pysequoia.armor(raw("ed25519.sig"), pysequoia.ArmorKind.Signature).encode()
    assert BOTH[begin:end] not in block

    text, (finding,) = read(tmp_path, BOTH[:begin] + block, "ed25519")

    assert (text, finding.expected, finding.got) == (None, "a signature of text", "one of type 0x00")


def test_two_programs_that_read_a_message_in_two_ways_are_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other:
        bytes = b"another text"

    monkeypatch.setattr(pysequoia, "verify", lambda **_: Other)
    text, findings = read(tmp_path, BOTH, "ed25519")

    assert text is None
    assert F in {finding.result for finding in findings}
    assert "clearsigned text: expected one way to read it, got two" in {finding.got for finding in findings}


def test_a_message_that_sequoia_signs_is_read(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    made = pysequoia.Tsk.generate(user_id="Ann", profile=pysequoia.Profile.RFC9580)
    signed = pysequoia.sign(made.signer(), b"\n\n-x\n  y\n\n", mode=pysequoia.SignatureMode.CLEAR)
    certificate = bytes(made.extract_certificate())
    at = pins(anchor(Kind.OPENPGP, openpgp.read_pin(certificate).pin), at=datetime.now(UTC))
    beside = [piece("ann.pgp", certificate, role=Role.KEY)]

    text, (finding,) = openpgp.read_clear(subject(tmp_path, b""), piece("x.asc", signed), beside, at)

    assert (finding.result, text) == (V, b"\n\n-x\n  y\n\n")
