"""What the verdict about an OpenPGP signature rests on: mathematics, clocks, the library's answer, the content."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pysequoia
import pytest

from airgap.core.verdict import Result
from airgap.evidence.pgp import judge as openpgp_judge
from airgap.evidence.pgp.certificates import Certificate, gather_certificates
from airgap.evidence.pgp.mathematics import is_signed, is_weak, name_of
from airgap.evidence.pgp.packets import Key, Packet, packets
from airgap.evidence.pgp.signature import Signature
from airgap.evidence.subject import Subject
from tests.evidence.bench import subject
from tests.evidence.test_openpgp import LENIENT, MESSAGE, F, V, one, raw


@pytest.fixture
def message(tmp_path: Path) -> Subject:
    return subject(tmp_path, MESSAGE, name="message.txt")


def packet_of(name: str) -> Packet:
    (only,) = packets(raw(name))
    return only


def certificate_of(name: str) -> Certificate:
    (only,) = gather_certificates(raw(name))
    return only


def number(value: int) -> bytes:
    return value.bit_length().to_bytes(2, "big") + value.to_bytes((value.bit_length() + 7) // 8, "big")


@pytest.mark.parametrize(
    ("algorithm", "material", "name"),
    [
        (1, b"", "broken-1"),
        (1, number(2**16999 + 1) + number(65537), "rsa-17000"),
        (1, number(2**2047) + number(2), "rsa-2048"),
        (17, number(15) + number(5) + number(2) + number(3), "dsa-4"),
        (17, number(2**2047 + 1) + number(2**255 + 1) + number(2) + number(3), "dsa-2048"),
        (19, b"\x03abc\x00\x00", "ecdsa-other"),
        (19, b"\x08" + bytes.fromhex("2a8648ce3d030107") + b"\x00\x08\x04", "ecdsa-p256"),
        (22, b"\x09" + bytes.fromhex("2b06010401da470f01") + b"\x00\x08\x41", "ed25519"),
        (22, b"\x03abc\x00\x00", "algorithm-22"),
        (27, bytes(32), "ed25519"),
        (27, b"short", "ed25519"),
        (99, b"", "algorithm-99"),
    ],
)
def test_no_key_material_whatever_makes_a_signature_hold(algorithm: int, material: bytes, name: str) -> None:
    weak = Key.parse(b"\x04" + bytes(4) + bytes((algorithm,)) + material)
    template = Signature.parse(packet_of("ed25519.sig"))

    from dataclasses import replace

    for values in (b"", bytes(64), number(1) + number(1), number(2**300) * 2):
        signature = replace(template, algorithm=algorithm, values=values)
        assert not is_signed(signature, weak, lambda update: (update(MESSAGE), None)[1])
    assert name_of(weak) == name
    assert is_weak(weak) == (name == "dsa-4")


def test_a_signature_of_another_version_or_algorithm_than_its_key_does_not_hold() -> None:
    mine = certificate_of("ed25519.pgp").primary
    template = Signature.parse(packet_of("ed25519.sig"))

    from dataclasses import replace

    for other in (replace(template, version=6), replace(template, algorithm=27)):
        assert is_signed(other, mine, lambda update: (update(MESSAGE), None)[1]) is False


def test_what_neither_holds_nor_can_be_explained_fails(message: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sequoia refuses a signature whose hash is unknown here: refused is refused."""
    body = packet_of("ed25519.sig").body
    unknown = Packet(2, body[:3] + b"\x63" + body[4:])

    finding = one(message, unknown.raw, "ed25519", **LENIENT)

    assert (finding.result, finding.expected, finding.got) == (
        F,
        "a signature that Sequoia accepts",
        "a refused one of ed25519/99",
    )


def test_a_right_signature_that_the_policy_of_the_day_refuses_is_said_to_be_weak(
    message: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In February 2030 Sequoia's policy stops to accept DSA; the lenient tier is there for such changes."""

    def refuse(**_: object) -> None:
        raise RuntimeError("no valid signatures")

    monkeypatch.setattr(pysequoia, "verify", refuse)

    strict, lenient = one(message, raw("ed25519.sig"), "ed25519"), one(message, raw("ed25519.sig"), "ed25519", **LENIENT)

    assert (strict.result, lenient.result) == (Result.WEAK_ALGORITHM, V)
    assert strict.expected == "a signature that Sequoia's policy of today accepts"


def test_a_dead_clock_is_named_as_what_it_is(message: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sequoia reads the machine's clock and cannot be told another time."""

    class Dead(datetime):
        @classmethod
        def now(cls, _: object = None, /) -> datetime:  # type: ignore[override]
            return datetime(1970, 1, 1, tzinfo=UTC)

    def refuse(**_: object) -> None:
        raise RuntimeError("no valid signatures")

    monkeypatch.setattr(pysequoia, "verify", refuse)
    monkeypatch.setattr(openpgp_judge, "datetime", Dead)

    finding = one(message, raw("ed25519.sig"), "ed25519")

    assert (finding.result, finding.expected) == (F, "a signature made by now, 1970-01-01 on this machine")


def test_a_valid_answer_about_another_key_is_no_answer(message: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer:
        class _Valid:
            certificate = signing_key = "f" * 40

        valid_sigs = (_Valid,)

    monkeypatch.setattr(pysequoia, "verify", lambda **_: Answer)
    assert one(message, raw("old.sig"), "old").result is Result.WEAK_ALGORITHM


def test_content_that_is_not_at_hand_is_not_called_wrong(tmp_path: Path) -> None:
    without = Subject(path="a", purl="pkg:generic/a", size=5, digests={"sha256": bytes(32)}, file="")

    assert one(without, raw("ed25519.sig"), "ed25519").result is Result.NOT_CHECKED


@pytest.mark.parametrize("text", [b"", b"\r", b"a\rb\r\nc\n", b"\r\n" * 3, b"x\r\r\n"])
def test_text_is_hashed_with_whole_line_ends_wherever_it_is_cut(
    tmp_path: Path, text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airgap.evidence.pgp import message as openpgp_message

    signature = Signature.parse(packet_of("rsa3072-text.sig"))
    expected = text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    for size in (1, 2, 3, 64):
        monkeypatch.setattr(openpgp_message, "_CHUNK", size)
        seen: list[bytes | memoryview] = []
        openpgp_message.Detached(subject(tmp_path, text)).feed(signature)(seen.append)
        assert b"".join(seen) == expected


LARGE = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from tests.evidence.bench import anchor, piece, pins
from airgap.core.anchors import Kind
from airgap.core.entries import Role
from airgap.evidence import openpgp
from airgap.evidence.subject import Subject
import pysequoia
file, signature, certificate = sys.argv[1:4]
size = Path(file).stat().st_size
large = Subject(path="a", purl="pkg:generic/a", size=size, digests={"sha256": bytes(32)}, file=file)
raw = Path(certificate).read_bytes()
beside = [piece("k", raw, role=Role.KEY)]
pinned = pins(anchor(Kind.OPENPGP, openpgp.read_pin(raw).pin), at=datetime.now(UTC))
resource.setrlimit(resource.RLIMIT_DATA, (128 << 20, 128 << 20))
for at in (pinned, pins(at=datetime.now(UTC))):
    (finding,) = openpgp.verify(large, piece("a.sig", Path(signature).read_bytes()), beside, at)
    print(finding.result)
"""


def test_a_large_artifact_is_mapped_and_not_read_into_memory(tmp_path: Path) -> None:
    """Judged twice, by Sequoia and by the own mathematics, where no more than 128 MiB of memory may be had."""
    large, signature, certificate = tmp_path / "large", tmp_path / "large.sig", tmp_path / "key.pgp"
    with large.open("wb") as stream:
        stream.truncate(200 << 20)
    made = pysequoia.Tsk.generate(user_id="Ann")
    pysequoia.sign_file(made.signer(), str(large), str(signature), mode=pysequoia.SignatureMode.DETACHED)
    certificate.write_bytes(bytes(made.extract_certificate()))

    command = [sys.executable, "-c", LARGE, str(large), str(signature), str(certificate)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])

    assert (done.stdout.split(), done.stderr) == (["verified", "untrusted-key"], "")


@pytest.mark.parametrize("name", ["rsa3072-sha1.sig", "rsa1024.sig"])
def test_a_machine_whose_clock_is_years_behind_lets_no_weak_signature_in(
    message: Subject, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Sequoia's policy goes by that clock: in 2012 it took SHA-1 and RSA of 1024 bits."""
    monkeypatch.setattr(openpgp_judge.Case, "_is_accepted", lambda *_: True)

    assert one(message, raw(name), name.partition("-")[0].removesuffix(".sig")).result is Result.WEAK_ALGORITHM
