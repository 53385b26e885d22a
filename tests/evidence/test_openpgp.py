"""OpenPGP signatures of every good and bad kind, made by GnuPG (tests/evidence/vectors/openpgp) or by Sequoia here."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pysequoia
import pytest

from airgap.core.anchors import Anchor, Kind
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.verdict import Finding, Result
from airgap.evidence import openpgp
from airgap.evidence.pgp.certificates import gather_certificates
from airgap.evidence.subject import Bench, Piece, Pins, Subject
from tests.evidence.bench import anchor, piece, pins, subject

VECTORS = Path(__file__).parent / "vectors" / "openpgp"
MESSAGE = (VECTORS / "message.txt").read_bytes()
V, F, U = Result.VERIFIED, Result.FAILED, Result.UNTRUSTED_KEY
WEAK, REVOKED, EXPIRED = Result.WEAK_ALGORITHM, Result.REVOKED, Result.EXPIRED_AT_SIGNING
LENIENT = {"tier": "pinned-lenient", "reason": "the maintainer vanished in 2016"}


def raw(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def key(name: str) -> Piece:
    return piece(f"{name}.pgp", raw(f"{name}.pgp"), role=Role.KEY)


def pin_of(*names: str) -> str:
    return openpgp.read_pin(b"".join(raw(f"{name}.pgp") for name in names)).pin


def pinned(*names: str, **settings: str) -> Anchor:
    return anchor(Kind.OPENPGP, pin_of(*names), **settings)


@pytest.fixture
def message(tmp_path: Path) -> Subject:
    return subject(tmp_path, MESSAGE, name="message.txt")


def judge(message: Subject, signature: bytes, beside: Sequence[Piece], at: Pins) -> list[Finding]:
    return openpgp.verify(message, piece("message.txt.asc", signature), beside, at)


def one(message: Subject, signature: bytes, name: str, **settings: str) -> Finding:
    """The finding under a pinned certificate that lies beside."""
    (finding,) = judge(message, signature, [key(name)], pins(pinned(name, **settings)))
    return finding


STRICT = [
    ("ed25519.sig", "ed25519", V, "", "ed25519/sha256"),
    ("ed25519.asc", "ed25519", V, "", "ed25519/sha256"),
    ("rsa3072.sig", "rsa3072", V, "", "rsa-3072/sha512"),
    ("rsa3072-text.sig", "rsa3072", V, "as text: how its lines end is not covered", "rsa-3072/sha512"),
    ("rsa3072-sha224.sig", "rsa3072", V, "", "rsa-3072/sha224"),
    ("p256.sig", "p256", V, "", "ecdsa-p256/sha256"),
    ("p384.sig", "p384", V, "", "ecdsa-p384/sha384"),
    ("p521.sig", "p521", V, "", "ecdsa-p521/sha512"),
    ("subkey.sig", "subkey", V, "with its subkey", "ed25519/sha256"),
    ("rsa1024.sig", "rsa1024", WEAK, "rsa-1024", "rsa-1024/sha512"),
    ("dsa1024.sig", "dsa1024", WEAK, "dsa-1024", "dsa-1024/sha256"),
    ("rsa3072-sha1.sig", "rsa3072", WEAK, "sha1", "rsa-3072/sha1"),
    ("rsa3072-md5.sig", "rsa3072", WEAK, "md5", "rsa-3072/md5"),
    ("rsa3072-ripemd160.sig", "rsa3072", WEAK, "ripemd160", "rsa-3072/ripemd160"),
    ("old.sig", "old", WEAK, "binds with sha1 only", "rsa-2048/sha512"),
    ("oldsub.sig", "oldsub", WEAK, "binds with sha1 only", "rsa-2048/sha512"),
    ("olded.sig", "olded", WEAK, "binds with sha1 only", "ed25519/sha256"),
    ("ended.sig", "ended", V, "", "ed25519/sha256"),
    ("ended-late.sig", "ended", EXPIRED, "expired on 2023-01-01, before the signature of 2024-04-01", "ed25519/sha256"),
    ("revoked.sig", "revoked", REVOKED, "its certificate revokes", "rsa-3072/sha512"),
    ("revoked-late.sig", "revoked", REVOKED, "its certificate revokes", "rsa-3072/sha512"),
    ("superseded.sig", "superseded", V, "", "rsa-3072/sha512"),
    ("superseded-late.sig", "superseded", REVOKED, "its certificate revokes", "rsa-3072/sha512"),
    ("retired.sig", "retired", V, "", "rsa-3072/sha512"),
    ("retired-late.sig", "retired", REVOKED, "its certificate revokes", "rsa-3072/sha512"),
    ("ed25519-future.sig", "ed25519", F, "dated 2100-01-01", "ed25519/sha256"),
    ("ed25519-ended.sig", "ed25519", F, "expired on 2023-04-08", "ed25519/sha256"),
    ("ed25519-early.sig", "ed25519", F, "2021-01-01", "ed25519/sha256"),
]


@pytest.mark.parametrize(("file", "name", "result", "words", "algorithm"), STRICT, ids=[row[0] for row in STRICT])
def test_every_kind_of_signature_gets_its_own_answer(
    message: Subject, file: str, name: str, result: Result, words: str, algorithm: str
) -> None:
    finding = one(message, raw(file), name)

    assert (finding.result, words in finding.got) == (result, True), finding.got
    assert finding.proof
    assert (finding.proof.algorithm, finding.proof.time_proof) == (algorithm, "claimed")
    assert finding.proof.fingerprint == f"openpgp:{pin_of(name)}"
    assert finding.proof.tier == ("strict" if result is V else "")


LENIENTLY = [
    ("old.sig", "old", V, "signed by"),
    ("old-text.sig", "old", V, "as text"),
    ("oldsub.sig", "oldsub", V, "with its subkey"),
    ("olded.sig", "olded", V, "signed by"),
    ("oldended.sig", "oldended", V, "signed by"),
    ("oldlate.sig", "oldlate", EXPIRED, "expired on 2023-01-01, before the signature"),
    ("oldrevoked.sig", "oldrevoked", REVOKED, "its certificate revokes"),
    ("oldrevoked-late.sig", "oldrevoked", REVOKED, "its certificate revokes"),
    ("rsa3072-sha1.sig", "rsa3072", WEAK, "sha1"),
    ("rsa3072-md5.sig", "rsa3072", WEAK, "md5"),
    ("rsa1024.sig", "rsa1024", WEAK, "rsa-1024"),
    ("dsa1024.sig", "dsa1024", WEAK, "dsa-1024"),
    ("revoked.sig", "revoked", REVOKED, "its certificate revokes"),
    ("superseded-late.sig", "superseded", REVOKED, "its certificate revokes"),
    ("ended-late.sig", "ended", EXPIRED, "expired on 2023-01-01"),
    ("ed25519-future.sig", "ed25519", F, "dated 2100-01-01"),
    ("ed25519-ended.sig", "ed25519", F, "expired on 2023-04-08"),
    ("ed25519-early.sig", "ed25519", F, "2021-01-01"),
]


@pytest.mark.parametrize(("file", "name", "result", "words"), LENIENTLY, ids=[row[0] for row in LENIENTLY])
def test_the_lenient_tier_overlooks_old_self_signatures_and_nothing_else(
    message: Subject, file: str, name: str, result: Result, words: str
) -> None:
    finding = one(message, raw(file), name, **LENIENT)

    assert (finding.result, words in finding.got) == (result, True), finding.got
    assert finding.proof
    if result is V:
        assert (finding.proof.tier, finding.proof.note) == ("pinned-lenient", LENIENT["reason"])


@pytest.mark.parametrize("settings", [{"tier": "pinned-lenient"}, {"reason": "why"}, {"tier": "lenient", "reason": "why"}])
def test_leniency_needs_its_tier_and_a_reason(message: Subject, settings: dict[str, str]) -> None:
    assert one(message, raw("old.sig"), "old", **settings).result is WEAK


def test_what_sequoia_accepts_stays_strict_under_a_lenient_pin(message: Subject) -> None:
    finding = one(message, raw("ed25519.sig"), "ed25519", **LENIENT)

    assert finding.proof
    assert (finding.result, finding.proof.tier, finding.proof.note) == (V, "strict", "")


@pytest.mark.parametrize(
    ("file", "name", "now"),
    [
        ("ed25519.sig", "ed25519", "valid"),
        ("ended.sig", "ended", "expired"),
        ("superseded.sig", "superseded", "revoked"),
        ("retired.sig", "retired", "revoked"),
        ("oldended.sig", "oldended", "expired"),
    ],
)
def test_a_key_that_went_out_of_use_later_is_told_apart(message: Subject, file: str, name: str, now: str) -> None:
    finding = one(message, raw(file), name, **LENIENT)

    assert finding.proof
    assert (finding.result, finding.proof.key_then, finding.proof.key_now) == (V, "valid", now)


SOUND = [row for row in STRICT if row[2] is V or row[1].startswith("old")]


@pytest.mark.parametrize(("file", "name"), [row[:2] for row in SOUND], ids=[row[0] for row in SOUND])
def test_a_changed_byte_fails_in_both_tiers(tmp_path: Path, file: str, name: str) -> None:
    other = subject(tmp_path, MESSAGE.replace(b"last", b"lost"), name="message.txt")

    for settings in ({}, LENIENT):
        finding = one(other, raw(file), name, **settings)
        assert (finding.result, finding.got) == (F, "one that does not hold")


def test_each_of_several_signatures_gets_its_own_finding(message: Subject) -> None:
    beside = [key("ed25519"), key("rsa3072")]

    both = judge(message, raw("both.sig"), beside, pins(pinned("ed25519", "rsa3072")))
    half = judge(message, raw("both.sig"), beside, pins(pinned("rsa3072")))

    assert [finding.result for finding in both] == [V, V]
    assert sorted(finding.result for finding in half) == sorted([U, V])


def test_armored_blocks_one_after_the_other_are_all_read(message: Subject) -> None:
    blocks = raw("ed25519.asc") + pysequoia.armor(raw("rsa3072.sig"), pysequoia.ArmorKind.Signature).encode()

    found = judge(message, blocks, [key("ed25519"), key("rsa3072")], pins(pinned("ed25519", "rsa3072")))

    assert [finding.result for finding in found] == [V, V]


def test_the_old_name_of_an_armored_signature_is_understood(message: Subject) -> None:
    assert one(message, raw("ed25519.asc").replace(b"PGP SIGNATURE", b"PGP MESSAGE"), "ed25519").result is V


def test_a_key_that_nobody_pins_proves_nothing(message: Subject) -> None:
    (finding,) = judge(message, raw("ed25519.sig"), [key("ed25519")], pins(pinned("rsa3072")))

    assert finding.proof
    assert (finding.result, finding.identity) == (U, "ed25519 <ed25519@airgap.test>")
    assert f"--kind openpgp --pin '{pin_of('ed25519')}'" in finding.proof.hint
    assert finding.proof.fingerprint == f"openpgp:{pin_of('ed25519')}"


def test_a_wrong_signature_by_a_carried_key_is_wrong_whoever_pins_it(tmp_path: Path) -> None:
    (finding,) = judge(subject(tmp_path, b"other"), raw("ed25519.sig"), [key("ed25519")], pins())

    assert (finding.result, finding.got) == (F, "one that does not hold")


def test_a_weak_signature_that_nobody_asked_about_accuses_nobody(message: Subject) -> None:
    for file in ("rsa3072-sha1.sig", "rsa3072-md5.sig"):
        (finding,) = judge(message, raw(file), [key("rsa3072")], pins())
        assert finding.result is U


def test_without_the_certificate_a_pin_is_named_but_nothing_is_proven(message: Subject) -> None:
    (pinned_one,) = judge(message, raw("ed25519.sig"), [key("rsa3072")], pins(pinned("ed25519")))
    (stranger,) = judge(message, raw("ed25519.sig"), [], pins(pinned("rsa3072")))

    assert pinned_one.expected == f"the certificate of the pinned key {pin_of('ed25519')}"
    assert pinned_one.got == "a signature in its name, and no such certificate among the 1 here"
    assert stranger.got == f"a signature in the name of {pin_of('ed25519')}, whose certificate is not here"
    assert {pinned_one.result, stranger.result} == {U}


def test_an_anchor_may_hold_the_certificate_itself(message: Subject) -> None:
    import base64

    held = base64.b64encode(raw("ed25519.pgp")).decode()
    broken = anchor(Kind.OPENPGP, pin_of("rsa3072"), material="no base64!")

    (finding,) = judge(message, raw("ed25519.sig"), [], pins(broken, pinned("ed25519", material=held)))

    assert finding.result is V


def test_a_certificate_in_any_piece_is_found_by_how_it_starts(message: Subject) -> None:
    armored = pysequoia.armor(raw("ed25519.pgp"), pysequoia.ArmorKind.PublicKey).encode()
    beside = [piece("KEYS", b"\n" + armored, role=Role.INDEX), piece("x", raw("ed25519.pgp"), role=Role.INDEX)]

    (finding,) = judge(message, raw("ed25519.sig"), beside, pins(pinned("ed25519")))

    assert finding.result is V


@pytest.mark.parametrize("pin", ["", "FB6F72D8F50412CD", "f" * 40, "\x00", "  "])
def test_a_pin_that_is_no_full_fingerprint_matches_nothing(message: Subject, pin: str) -> None:
    short = pin_of("ed25519")[-16:]
    for written in (pin, short, pin_of("ed25519").upper(), f"{pin_of('ed25519')}\n"):
        (finding,) = judge(message, raw("ed25519.sig"), [key("ed25519")], pins(anchor(Kind.OPENPGP, written)))
        assert finding.result is U


def test_a_debian_anchor_does_not_vouch_for_plain_signatures(message: Subject) -> None:
    only = anchor(Kind.DEBIAN, pin_of("ed25519"))

    (plain,) = judge(message, raw("ed25519.sig"), [key("ed25519")], pins(only))
    bench = Bench.of(message, piece("Release.gpg", b""), "debian-archive")
    (asked,) = openpgp.judge(message, raw("ed25519.sig"), [raw("ed25519.pgp")], [only], pins(only), bench)

    assert (plain.result, asked.result, asked.kind) == (U, V, "debian-archive")


def test_a_refreshed_copy_of_a_pinned_certificate_revokes_it(message: Subject) -> None:
    before = piece("before.pgp", raw("revoked-before.pgp"), role=Role.KEY)
    at = pins(pinned("revoked"))

    (unaware,) = judge(message, raw("revoked.sig"), [before], at)
    (aware,) = judge(message, raw("revoked.sig"), [before, key("revoked")], at)
    (turned,) = judge(message, raw("revoked.sig"), [key("revoked"), before], at)

    assert (unaware.result, aware.result, turned.result) == (V, REVOKED, REVOKED)
    assert aware.proof
    assert aware.proof.key_then == "revoked"


@pytest.mark.parametrize("which", [0, 1], ids=["primary", "subkey"])
def test_a_key_that_the_site_revoked_counts_no_more(message: Subject, which: int) -> None:
    (certificate,) = gather_certificates(raw("subkey.pgp"))
    withdrawn = {certificate.keys[which].fingerprint: "stolen"}

    (finding,) = judge(message, raw("subkey.sig"), [key("subkey")], pins(pinned("subkey"), revoked=withdrawn))
    (unpinned,) = judge(message, raw("subkey.sig"), [key("subkey")], pins(revoked=withdrawn))

    assert (finding.result, unpinned.result) == (REVOKED, REVOKED)
    assert finding.got == f"{next(iter(withdrawn))} is revoked: 'stolen'"


def test_a_revoked_key_is_refused_by_its_name_alone(message: Subject) -> None:
    (finding,) = judge(message, raw("ed25519.sig"), [], pins(revoked={pin_of("ed25519"): "stolen"}))

    assert finding.result is REVOKED


def test_time_is_the_sites_and_not_only_the_machines(message: Subject) -> None:
    early = pins(pinned("ed25519"), at=datetime(2023, 3, 30, tzinfo=UTC))
    day_before = pins(pinned("ed25519"), at=datetime(2023, 3, 31, 12, tzinfo=UTC))

    (future,) = judge(message, raw("ed25519.sig"), [key("ed25519")], early)
    (near,) = judge(message, raw("ed25519.sig"), [key("ed25519")], day_before)

    assert (future.result, future.expected, future.got) == (
        F,
        "a signature made by now, 2023-03-30",
        "one that is dated 2023-04-01",
    )
    assert near.result is V


@pytest.mark.parametrize(
    ("suite", "profile", "algorithm"),
    [
        (pysequoia.CipherSuite.Cv25519, pysequoia.Profile.RFC4880, "ed25519/sha512"),
        (pysequoia.CipherSuite.Cv448, pysequoia.Profile.RFC4880, "ed448/sha512"),
        (pysequoia.CipherSuite.Cv25519, pysequoia.Profile.RFC9580, "ed25519/sha512"),
        (pysequoia.CipherSuite.Cv448, pysequoia.Profile.RFC9580, "ed448/sha512"),
        (pysequoia.CipherSuite.MLDSA65_Ed25519, pysequoia.Profile.RFC9580, "ml-dsa-65+ed25519/sha512"),
    ],
    ids=["v4-ed25519", "v4-ed448", "v6-ed25519", "v6-ed448", "v6-ml-dsa-65"],
)
def test_keys_of_sequoia_of_today_are_verified(
    tmp_path: Path, suite: pysequoia.CipherSuite, profile: pysequoia.Profile, algorithm: str
) -> None:
    made = pysequoia.Tsk.generate(user_id="Ann", cipher_suite=suite, profile=profile)
    signature = pysequoia.sign(made.signer(), MESSAGE, mode=pysequoia.SignatureMode.DETACHED)
    certificate = bytes(made.extract_certificate())
    beside = [piece("ann.pgp", certificate, role=Role.KEY)]
    at = pins(anchor(Kind.OPENPGP, openpgp.read_pin(certificate).pin), at=datetime.now(UTC))

    (good,) = judge(subject(tmp_path, MESSAGE), signature, beside, at)
    (bad,) = judge(subject(tmp_path, b"other"), signature, beside, at)
    (unpinned,) = judge(subject(tmp_path, MESSAGE), signature, beside, pins())

    assert good.proof
    assert (good.result, bad.result, unpinned.result) == (V, F, U), (good.got, bad.got)
    assert (good.proof.algorithm, good.proof.key_now) == (algorithm, "valid")


def test_a_pin_is_read_from_a_key_file_with_what_to_compare() -> None:
    read = openpgp.read_pin(raw("rsa3072.pgp") + raw("ed25519.pgp"))

    assert read.pin == f"{pin_of('rsa3072')} {pin_of('ed25519')}"
    assert "ed25519@airgap.test" in read.identity
    assert read.settings == {}


def test_dsa_of_2048_bits_is_understood_though_its_days_are_counted(tmp_path: Path) -> None:
    (right,) = judge(subject(tmp_path, MESSAGE), raw("dsa2048.sig"), [key("dsa2048")], pins())
    (wrong,) = judge(subject(tmp_path, b"other"), raw("dsa2048.sig"), [key("dsa2048")], pins())

    assert right.proof
    assert (right.result, wrong.result, right.proof.algorithm) == (U, F, "dsa-2048/sha256")
    assert right.got == f"one by {pin_of('dsa2048')}"


def test_an_anchor_holds_the_pinned_certificates_and_no_others(message: Subject) -> None:
    import base64

    ring = raw("rsa3072.pgp") + raw("ed25519.pgp") + raw("p256.pgp")
    armored = pysequoia.armor(ring, pysequoia.ArmorKind.PublicKey).encode()

    held = openpgp.trim(pin_of("ed25519", "p256"), armored)

    assert openpgp.read_pin(held).pin == pin_of("ed25519", "p256")
    (finding,) = judge(message, raw("ed25519.sig"), [], pins(pinned("ed25519", material=base64.b64encode(held).decode())))
    assert finding.result is V
    with pytest.raises(FormatError, match=f"expected the key {pin_of('old')}, got others"):
        openpgp.trim(pin_of("old"), ring)
