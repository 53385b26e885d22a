"""Bytes that somebody wrote to break the reader: every one gives a finding, none gives an exception or a wrong answer."""

import random
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pysequoia
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from airgap.core.anchors import Kind
from airgap.core.digest import sha256
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.verdict import Result
from airgap.evidence import openpgp
from airgap.evidence.pgp import book
from airgap.evidence.pgp.book import MAX_OTHERS
from airgap.evidence.pgp.certificates import MAX_PARTS, Certificate, gather_certificates
from airgap.evidence.pgp.lenient import History, examine
from airgap.evidence.pgp.packets import MAX_PACKETS, Key, Packet, packets, read_signatures
from airgap.evidence.pgp.signature import Signature
from airgap.evidence.subject import Subject
from tests.evidence.bench import NOW, anchor, piece, pins, subject
from tests.evidence.test_openpgp import LENIENT, MESSAGE, F, U, V, judge, key, one, pin_of, pinned, raw


@pytest.fixture
def message(tmp_path: Path) -> Subject:
    return subject(tmp_path, MESSAGE, name="message.txt")


def packet_of(name: str) -> Packet:
    (only,) = packets(raw(name))
    return only


def certificate_of(name: str) -> Certificate:
    (only,) = gather_certificates(raw(name))
    return only


def subpacket(kind: int, body: bytes) -> bytes:
    return bytes((len(body) + 1, kind)) + body


def with_hashed(packet: Packet, extra: bytes) -> Packet:
    """A signature packet of version 4 with more hashed subpackets; its mathematics does not hold any more."""
    size = int.from_bytes(packet.body[4:6], "big")
    hashed = packet.body[6 : 6 + size] + extra
    return Packet(2, packet.body[:4] + len(hashed).to_bytes(2, "big") + hashed + packet.body[6 + size :])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected at least one, got none"),
        (b"plain text", "expected a packet's first octet, got 0x70"),
        (b"\xff" * 40, "expected 4294967295 more bytes, got 34"),
        (b"\xc2\xe0" + bytes(40), "expected a whole length, got a partial one"),
        (b"\x8b" + bytes(40), "expected a stated length, got an open one"),
        (b"\xc2\xff\xff\xff\xff\xff", "expected 4294967295 more bytes, got 0"),
        (Packet(8, b"\x01" + bytes(40)).raw, "expected signature packets only, got one with tag 8"),
        (Packet(11, b"b\x00\x00\x00\x00\x00x").raw, "got one with tag 11"),
        (b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n", "expected an END line"),
        (b"-----BEGIN PGP SIGNATURE-----\nAAAA\n-----END PGP SIGNATURE-----\n", "expected an empty line after its headers"),
        (b"-----BEGIN PGP SIGNATURE-----\n\nA A\n-----END PGP SIGNATURE-----\n", "expected base64"),
        (b"-----BEGIN PGP SIGNATURE-----\n\n\xe9\n-----END PGP SIGNATURE-----\n", "expected base64, got other bytes"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n", "expected at least one, got none"),
        (raw("ed25519.sig") * 65, "expected at most 64 in a file, got more"),
    ],
    ids=lambda it: it[:40] if isinstance(it, str) else "",
)
def test_what_is_no_signature_is_refused_in_words(message: Subject, content: bytes, words: str) -> None:
    finding = one(message, content, "ed25519")

    assert (finding.result, words in finding.got) == (F, True), finding.got


def test_lengths_are_read_in_all_their_forms() -> None:
    body = bytes(300)
    forms = [b"\xca\xc0\x6c", b"\xca\xff\x00\x00\x01\x2c", b"\xa9\x01\x2c", b"\xaa\x00\x00\x01\x2c"]

    assert [list(packets(head + body)) for head in forms] == [[Packet(10, body)]] * 4
    assert list(packets(b"\xca\x03abc\xa8\x02xy")) == [Packet(10, b"abc"), Packet(10, b"xy")]


def test_packets_without_end_are_not_read_to_it() -> None:
    with pytest.raises(FormatError, match=f"expected at most {MAX_PACKETS}, got more"):
        list(packets(b"\xca\x00" * (MAX_PACKETS + 1)))


@pytest.mark.parametrize(
    ("body", "result", "words"),
    [
        (b"", Result.UNSUPPORTED, "an empty packet"),
        (b"\x05" + bytes(20), Result.UNSUPPORTED, "version 5"),
        (b"\x03\x05\x00" + bytes(30), Result.UNSUPPORTED, "version 3"),
        (b"\x04\x00\x01\x08", F, "expected 2 more bytes"),
        (b"\x04\x00\x01\x08\x00\x01\x00", F, "expected a subpacket's type, got none"),
        (b"\x04\x00\x01\x08\x00\x04\x03\x02ab\x00\x00\x00\x00", F, "expected four octets of time in subpacket 2, got 2"),
        (b"\x04\x00\x01\x08\x00\xc2\xc0\x00" + bytes(192), F, "expected 2 more bytes"),
        (b"\x04\x00\x01\x08\x00\x05\xff\x00\x00\x00\x09", F, "expected 9 more bytes"),
        (b"\x04\x00\x01\x08\xff\xff", F, "expected 65535 more bytes"),
        (b"\x06\x00\x01\x08\x00\x00\x00\x00\x00\x00\x00\x00ab\x01", F, "expected 1 more bytes"),
    ],
)
def test_broken_and_unknown_signature_packets_are_named(message: Subject, body: bytes, result: Result, words: str) -> None:
    finding = one(message, Packet(2, body).raw, "ed25519")

    assert (finding.result, words in finding.got) == (result, True), finding.got


@pytest.mark.parametrize("kind", [0x02, 0x10, 0x13, 0x18, 0x19, 0x1F, 0x20, 0x28, 0x40, 0x50])
def test_signatures_of_anything_but_documents_are_refused(message: Subject, kind: int) -> None:
    packet = packet_of("ed25519.sig")
    forged = Packet(2, bytes((packet.body[0], kind)) + packet.body[2:])

    finding = one(message, forged.raw, "ed25519", **LENIENT)

    assert (finding.result, finding.got) == (F, f"one of type 0x{kind:02x}")


def test_a_certification_out_of_a_certificate_is_no_signature_of_a_document(message: Subject) -> None:
    certification = next(packet for packet in packets(raw("ed25519.pgp")) if packet.tag == 2)

    assert one(message, certification.raw, "ed25519").got == "one of type 0x13"


def test_a_subpacket_that_decides_must_not_come_twice(message: Subject) -> None:
    twice = with_hashed(packet_of("ed25519.sig"), subpacket(2, bytes(4)))

    assert "expected subpacket 2 once, got it twice" in one(message, twice.raw, "ed25519").got


def test_a_signature_that_names_no_key_is_nobodys(message: Subject) -> None:
    body = packet_of("ed25519.sig").body
    bare = Packet(2, body[:4] + b"\x00\x06" + subpacket(2, bytes(4)) + b"\x00\x00" + body[-70:])

    finding = one(message, bare.raw, "ed25519")

    assert (finding.result, finding.got) == (U, "a signature that names no key")


def test_a_key_id_alone_is_enough_to_find_the_certificate_but_never_to_believe(message: Subject) -> None:
    """The unhashed issuer may be rewritten by anybody; the mathematics may not."""
    packet = packet_of("ed25519.sig")
    other = certificate_of("rsa3072.pgp").primary
    mine = certificate_of("ed25519.pgp").primary
    assert bytes.fromhex(mine.key_id) in packet.body
    start = int.from_bytes(packet.body[4:6], "big") + 6
    renamed = packet.body[:start] + packet.body[start:].replace(bytes.fromhex(mine.key_id), bytes.fromhex(other.key_id))

    (finding,) = judge(message, Packet(2, renamed).raw, [key("ed25519"), key("rsa3072")], pins(pinned("rsa3072")))

    assert finding.result is U
    assert finding.proof
    assert finding.proof.fingerprint == f"openpgp:{mine.fingerprint}"


def signed_by_hand(
    private: rsa.RSAPrivateKey, key_id: str, *hashed: bytes, kind: int = 0, number: int = 8, content: bytes = MESSAGE
) -> bytes:
    """A version 4 signature of the message, as old programs wrote it: with a key id and no fingerprint."""
    area = b"".join(hashed)
    head = bytes((4, kind, 1, number)) + len(area).to_bytes(2, "big") + area
    signed = content + head + b"\x04\xff" + len(head).to_bytes(4, "big")
    value, prefix = private.sign(signed, padding.PKCS1v15(), hashes.SHA256()), sha256(signed)[:2]
    issuer = subpacket(16, bytes.fromhex(key_id))
    integer = int.from_bytes(value, "big").bit_length().to_bytes(2, "big") + value.lstrip(b"\x00")
    return Packet(2, head + len(issuer).to_bytes(2, "big") + issuer + prefix + integer).raw


@pytest.fixture(scope="module")
def bare() -> tuple[rsa.RSAPrivateKey, bytes, Key]:
    """A key in a certificate without any signature."""
    private = rsa.generate_private_key(65537, 2048)
    numbers = private.public_key().public_numbers()
    material = b"".join(
        number.bit_length().to_bytes(2, "big") + number.to_bytes((number.bit_length() + 7) // 8, "big")
        for number in (numbers.n, numbers.e)
    )
    body = b"\x04" + (1_600_000_000).to_bytes(4, "big") + b"\x01" + material
    return private, Packet(6, body).raw + Packet(13, b"Ann").raw, Key.parse(body)


MADE = subpacket(2, (1_650_000_000).to_bytes(4, "big"))
LATER = subpacket(2, (1_660_000_000).to_bytes(4, "big"))


@pytest.mark.parametrize(
    ("hashed", "words"),
    [
        ((MADE,), "one without a signature of the primary key"),
        ((), "one without a time"),
        ((MADE, subpacket(0x80 | 99, b"x")), "critical subpackets [99]"),
        ((MADE, subpacket(99, b"x")), "one without a signature of the primary key"),
    ],
    ids=["unbound", "no-time", "critical", "not-critical"],
)
def test_a_key_without_any_binding_signs_nothing_even_leniently(
    message: Subject, bare: tuple[rsa.RSAPrivateKey, bytes, Key], hashed: tuple[bytes, ...], words: str
) -> None:
    private, certificate, made = bare
    at = pins(anchor(Kind.OPENPGP, made.fingerprint, **LENIENT))

    (finding,) = judge(message, signed_by_hand(private, made.key_id, *hashed), [piece("k", certificate, role=Role.KEY)], at)

    assert (finding.result, words in finding.got) == (F, True), finding.got


def test_old_signatures_with_a_key_id_only_are_understood(
    message: Subject, bare: tuple[rsa.RSAPrivateKey, bytes, Key]
) -> None:
    private, certificate, made = bare
    signature = signed_by_hand(private, made.key_id, MADE)

    (unpinned,) = judge(message, signature, [piece("k", certificate, role=Role.KEY)], pins())
    (missing,) = judge(message, signature, [], pins(anchor(Kind.OPENPGP, made.fingerprint)))

    assert (unpinned.result, unpinned.got, unpinned.identity) == (U, f"one by {made.fingerprint}", made.fingerprint)
    assert missing.expected == f"the certificate of the pinned key {made.fingerprint}"


def test_a_subkey_that_does_not_say_whose_it_is_signs_for_nobody(message: Subject) -> None:
    """Without the signature back (type 0x19) anybody could bind another's subkey and claim what it signed."""
    certificate = certificate_of("subkey.pgp")
    (subkey,) = certificate.subkeys
    history = History.of(certificate)
    (binding,) = history.bindings[subkey.fingerprint]
    (signature,) = (Signature.parse(it) for it in read_signatures(raw("subkey.sig"), limit=1))

    def verdict(changed: Signature) -> str:
        bindings = {**history.bindings, subkey.fingerprint: [changed]}
        other = History(bindings, history.revocations, history.user_ids)
        fault = examine(signature, certificate, other, subkey, lambda update: (update(MESSAGE), None)[1], NOW)
        return fault.got if fault else ""

    from dataclasses import replace

    unsigned = "one that its certificate binds for other uses"
    assert verdict(binding) == ""
    assert verdict(replace(binding, embedded=b"")) == unsigned
    assert verdict(replace(binding, embedded=signature.packet.body)) == unsigned
    assert verdict(replace(binding, said={**binding.said, 27: b"\x0c"})) == unsigned
    assert verdict(replace(binding, said={it: value for it, value in binding.said.items() if it != 27})) == unsigned


def test_another_keys_subkey_in_a_pinned_certificate_is_refused(message: Subject) -> None:
    """The thief has no signature of the pinned key over it, so it belongs to nobody."""
    stolen = certificate_of("subkey.pgp")
    (part,) = (part for part in stolen.parts if part.tag == 14)
    taken = raw("ed25519.pgp") + part.raw + b"".join(it.raw for it in stolen.parts[part])

    for settings in ({}, LENIENT):
        at = pins(pinned("ed25519", **settings))
        (finding,) = judge(message, raw("subkey.sig"), [piece("k", taken, role=Role.KEY)], at)
        assert (finding.result, finding.got) == (F, "one without a signature of the primary key")


def test_more_signatures_than_can_be_checked_are_left_unchecked_and_say_so(message: Subject) -> None:
    found = judge(message, raw("ed25519.sig") * 20, [key("ed25519")], pins(pinned("ed25519")))

    assert [finding.result for finding in found] == [V] * 16 + [Result.UNSUPPORTED] * 4


def test_a_flooded_certificate_is_not_looked_at(message: Subject) -> None:
    flood = raw("ed25519.pgp") + b"".join(Packet(13, str(number).encode()).raw for number in range(MAX_PARTS))

    with pytest.raises(FormatError, match=f"at most {MAX_PARTS} parts of its own"):
        gather_certificates(flood)
    (finding,) = judge(message, raw("ed25519.sig"), [piece("k", flood, role=Role.KEY)], pins(pinned("ed25519")))
    assert finding.result is U


def test_signatures_by_others_on_a_certificate_are_left_out() -> None:
    own = [packet for packet in packets(raw("ed25519.pgp")) if packet.tag == 2]
    others = [packet for packet in packets(raw("rsa3072.pgp")) if packet.tag == 2]
    attribute = Packet(17, b"\x02\x01x").raw + others[0].raw
    mixed = raw("ed25519.pgp") + b"".join(packet.raw for packet in others) + Packet(12, b"\x00").raw + attribute
    broken = Packet(2, b"\x09").raw

    (certificate,) = gather_certificates(mixed + broken)

    assert [it for signed in certificate.parts.values() for it in signed] == own
    assert pysequoia.Cert.from_bytes(certificate.raw).fingerprint == pin_of("ed25519")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected at least one of version 4 or 6, got none"),
        (Packet(6, b"\x03" + bytes(20)).raw + raw("ed25519.sig"), "expected at least one of version 4 or 6"),
        (Packet(5, b"\x04" + bytes(20)).raw, "expected public keys only, got a packet with tag 5"),
        (Packet(8, b"\x01x").raw, "expected public keys only, got a packet with tag 8"),
        (b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n", "got none"),
        (Packet(6, b"\x06" + bytes(9) + b"more").raw, "got none"),
    ],
    ids=["empty", "version-3", "secret", "compressed", "private-block", "broken-6"],
)
def test_a_file_without_public_keys_gives_no_pin(content: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        openpgp.read_pin(content)


def test_an_old_key_before_a_good_one_does_not_hide_it() -> None:
    old = Packet(6, b"\x03" + bytes(20)).raw + Packet(13, b"old").raw + packet_of("ed25519.sig").raw

    assert openpgp.read_pin(raw("rsa3072.pgp") + old + raw("ed25519.pgp")).pin == pin_of("rsa3072", "ed25519")


def test_a_file_of_armored_keys_with_text_between_is_read() -> None:
    blocks = [pysequoia.armor(raw(f"{name}.pgp"), pysequoia.ArmorKind.PublicKey).encode() for name in ("p256", "p384")]

    assert openpgp.read_pin(b"KEYS\n" + b"\npub 256 Ann\n".join(blocks)).pin == pin_of("p256", "p384")


def mutants(content: bytes, count: int, seed: int) -> Iterator[bytes]:
    rnd = random.Random(seed)
    for _ in range(count):
        at, changed = rnd.randrange(len(content)), bytearray(content)
        changed[at] ^= 1 << rnd.randrange(8)
        yield bytes(changed)
        yield content[:at]


@pytest.mark.parametrize("name", ["ed25519", "rsa3072", "p256", "subkey", "old", "oldsub", "retired"])
def test_no_changed_bit_raises_or_lets_another_message_in(message: Subject, tmp_path: Path, name: str) -> None:
    other = subject(tmp_path, b"another message")
    at = pins(pinned(name, **LENIENT))
    for signature in mutants(raw(f"{name}.sig"), 60, 1):
        assert judge(message, signature, [key(name)], at)
        assert V not in {finding.result for finding in judge(other, signature, [key(name)], at)}
    for certificate in mutants(raw(f"{name}.pgp"), 60, 2):
        carried = piece("k", certificate, role=Role.KEY)
        assert judge(message, raw(f"{name}.sig"), [carried], at)
        assert V not in {finding.result for finding in judge(other, raw(f"{name}.sig"), [carried], at)}


def test_a_signature_on_the_wrong_part_of_a_certificate_says_nothing(message: Subject) -> None:
    """A revocation that was moved, and a self-signature of version 3, are no words of the key about itself."""
    certificate = certificate_of("subkey.pgp")
    (subkey,) = certificate.subkeys
    binding = next(it for part, signed in certificate.parts.items() if part.tag == 14 for it in signed)
    old = Packet(2, b"\x03\x05\x10" + bytes(4) + bytes.fromhex(certificate.primary.key_id) + bytes(20))
    parts = {part: (*signed, binding, old) for part, signed in certificate.parts.items()}

    (mixed,) = gather_certificates(b"".join(it.raw for part, signed in parts.items() for it in (part, *signed)))

    assert History.of(mixed) == History.of(certificate)
    assert [len(found) for found in History.of(mixed).bindings.values()] == [1, 1]
    assert subkey.fingerprint in History.of(mixed).bindings


UID = b"Ann"


def bound(bare: tuple[rsa.RSAPrivateKey, bytes, Key], *said: bytes, direct: bytes = b"") -> bytes:
    """The certificate with a user id that its key signed, and perhaps a signature of the key alone."""
    private, _, made = bare
    framed = made.framed + b"\xb4" + len(UID).to_bytes(4, "big") + UID
    own = signed_by_hand(private, made.key_id, MADE, *said, kind=0x13, content=framed)
    return Packet(6, made.body).raw + direct + Packet(13, UID).raw + own


SIGNS, CERTIFIES = subpacket(27, b"\x03"), subpacket(27, b"\x01")
NOTATION = subpacket(0x80 | 20, b"\x80\x00\x00\x00\x00\x01\x00\x01ab")


def verdicts(message: Subject, certificate: bytes, made: Key, signature: bytes) -> list[Result]:
    """In the strict tier and in the lenient one."""
    keys = [piece("k", certificate, role=Role.KEY)]
    anchors = (anchor(Kind.OPENPGP, made.fingerprint), anchor(Kind.OPENPGP, made.fingerprint, **LENIENT))
    return [judge(message, signature, keys, pins(one))[0].result for one in anchors]


@pytest.mark.parametrize(
    ("said", "hashed", "result"),
    [((SIGNS,), (), V), ((SIGNS,), (NOTATION,), F), ((SIGNS, NOTATION), (), F), ((CERTIFIES,), (), F)],
    ids=["plain", "signature", "binding", "certifies-only"],
)
def test_no_tier_overlooks_a_critical_notation_or_what_a_key_is_for(
    message: Subject,
    bare: tuple[rsa.RSAPrivateKey, bytes, Key],
    said: tuple[bytes, ...],
    hashed: tuple[bytes, ...],
    result: Result,
) -> None:
    """gpgv and sqv refuse these too."""
    private, _, made = bare
    signature = signed_by_hand(private, made.key_id, LATER, *hashed)

    assert verdicts(message, bound(bare, *said), made, signature) == [result, result]


@pytest.mark.parametrize(
    ("said", "result"),
    [((CERTIFIES,), F), ((SIGNS, subpacket(9, (50_000_001).to_bytes(4, "big"))), Result.EXPIRED_AT_SIGNING), ((SIGNS,), V)],
    ids=["certifies-only", "expired", "plain"],
)
def test_a_later_signature_of_the_key_alone_takes_nothing_back(
    message: Subject, bare: tuple[rsa.RSAPrivateKey, bytes, Key], said: tuple[bytes, ...], result: Result
) -> None:
    """Such as gpg makes to name a revoker: it says nothing of expiry and flags."""
    private, _, made = bare
    direct = signed_by_hand(private, made.key_id, LATER, kind=0x1F, content=made.framed)
    signature = signed_by_hand(private, made.key_id, subpacket(2, (1_670_000_000).to_bytes(4, "big")))

    assert verdicts(message, bound(bare, *said, direct=direct), made, signature) == [result, result]


def test_a_revocation_under_unknown_conditions_is_a_revocation(
    message: Subject, bare: tuple[rsa.RSAPrivateKey, bytes, Key]
) -> None:
    private, _, made = bare
    revoked = signed_by_hand(private, made.key_id, LATER, NOTATION, kind=0x20, content=made.framed)
    (certificate,) = gather_certificates(bound(bare, SIGNS, direct=revoked))

    assert History.of(certificate).is_revoked(made, NOW)


def test_a_key_too_long_to_have_a_fingerprint_is_passed_over(message: Subject) -> None:
    body = b"\x04" + bytes(4) + b"\x63" + bytes(0x10000)
    for tag in (6, 14):
        beside = [piece("k", raw("ed25519.pgp") + Packet(tag, body).raw, role=Role.KEY)]
        (finding,) = judge(message, raw("ed25519.sig"), beside, pins(pinned("ed25519")))
        assert finding.result is V


def test_a_key_below_many_strangers_costs_a_look_at_a_few(message: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may put the producer's public key below primary keys of his own."""
    mine = certificate_of("ed25519.pgp").primary
    fakes = b"".join(
        Packet(6, b"\x04" + number.to_bytes(4, "big") + b"\x63").raw + Packet(14, mine.body).raw for number in range(100)
    )
    beside, site = [piece("f", fakes, role=Role.KEY), key("ed25519")], pins(pinned("ed25519"))
    gather = Mock(side_effect=Certificate.gather)
    monkeypatch.setattr(Certificate, "gather", gather)

    (finding,) = judge(message, raw("ed25519.sig"), beside, site)

    assert finding.result is V
    assert gather.call_count == 1 + MAX_OTHERS


def test_more_keys_than_anybody_has_are_not_kept(message: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "MAX_HELD", 3)
    beside = [key("rsa3072"), key("ed25519")]

    (finding,) = judge(message, raw("ed25519.sig"), beside, pins(pinned("ed25519")))

    assert finding.result is U
