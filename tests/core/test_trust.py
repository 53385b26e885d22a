import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from airgap.core.authentic import Authentic
from airgap.core.envelope import Envelope
from airgap.core.errors import FormatError
from airgap.core.keys import PrivateKey
from airgap.core.reasons import Reason
from airgap.core.trust import MAX_SIZE, Role, Trust, apply_update, check_threshold, open_trust, read_unsigned
from tests.forge.edit import Edit, drop, flip, put
from tests.forge.keys import ALICE, BOB, MALLORY, ROOT, hybrid, key
from tests.forge.text import STATEMENT, base64_of, encode, envelope
from tests.forge.trust import ENDS, ISSUED, SIGNERS, document, revoked, signer, trust_envelope, trust_file

NEW_ROOT = key("new root")
PAIR = hybrid("pair")
ANCHOR = {
    "name": "upstream",
    "kind": "minisign",
    "pin": "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
    "artifacts": ["pkg:generic/*"],
    "settings": {"comment": "é"},
}
FULL = document(
    anchors=[ANCHOR],
    revoked=revoked(keys="ab" * 32, digests="cd" * 32, artifacts="pkg:generic/evil*"),
    channels={
        "main": {"signers": ["alice", "bob"], "threshold": 2, "artifacts": ["pkg:generic/*"], "destinations": ["a", "lab"]}
    },
)


def trust(**changes: Any) -> Trust:
    return Trust.parse(encode(document(**changes)))


def refusal(value: Any) -> FormatError:
    with pytest.raises(FormatError) as caught:
        Trust.parse(encode(value))
    return caught.value


def signed_by(*keys: PrivateKey) -> Authentic:
    return Authentic(b"", frozenset(k.public.key_id for k in keys))


def test_a_trust_document_is_read_as_it_is_written() -> None:
    read = Trust.parse(encode(FULL))

    assert read.encode() == encode(FULL)
    assert (read.version, read.issued, read.expires) == (1, ISSUED, ENDS)
    assert read.channels["main"].role == Role(frozenset({"alice", "bob"}), 2)
    assert read.channels["main"].destinations == {"a", "lab"}
    assert read.anchors == (ANCHOR,)
    assert read.keys == {k.public.key_id: k.public for k in (ROOT, ALICE, BOB)}


@pytest.mark.parametrize(
    ("edit", "got"),
    [
        pytest.param(put("more", to=1), "additionalProperties", id="T089 a member more"),
        pytest.param(drop("expires"), "required", id="T089 no expiry"),
        pytest.param(put("version", to=0), "minimum 1 at 'version'", id="version 0"),
        pytest.param(put("roles", "trust", "threshold", to=0), "minimum 1 at 'roles.trust.threshold'", id="T122 0"),
        pytest.param(put("roles", "trust", "threshold", to=-1), "minimum 1 at 'roles.trust.threshold'", id="T122 -1"),
        pytest.param(put("roles", "trust", "signers", to=[]), "minItems 1 at 'roles.trust.signers'", id="nobody"),
        pytest.param(put("channels", "main", "signers", to=["bob", "bob"]), "uniqueItems", id="T123 named twice"),
        pytest.param(put("channels", "main", "artifacts", to=[]), "minItems 1", id="a channel for nothing"),
        pytest.param(put("signers", "root", "keys", to=[]), "minItems 1", id="a signer without keys"),
        pytest.param(put("signers", "root", "keys", 0, to="QUJD\n"), "pattern", id="T131 newline"),
        pytest.param(put("anchors", to=[{**ANCHOR, "kind": "other"}]), "enum", id="unknown anchor"),
        pytest.param(put("revoked", to=revoked(digests="cd" * 32 + "\n")), "pattern", id="digest with a newline"),
        pytest.param(put("revoked", to=revoked(digests="cd" * 20)), "pattern", id="digest of 40 digits"),
        pytest.param(put("revoked", to=revoked(keys="cd" * 20 + "\n")), "pattern", id="fingerprint with a newline"),
        pytest.param(put("revoked", to=revoked(keys="CD" * 20)), "pattern", id="fingerprint in upper case"),
        pytest.param(put("revoked", to=revoked(keys="cd" * 26)), "pattern", id="neither key id nor fingerprint"),
    ],
)
def test_a_trust_document_of_another_shape_is_refused(edit: Edit[Any], got: str) -> None:
    assert refusal(edit(document())).message.startswith(f"trust document: expected {got}")


SPKI = ROOT.public.spki


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        pytest.param(
            put("roles", "trust", "threshold", to=2),
            "role trust: expected a threshold from 1 to 1, got 2",
            id="T122 nobody can reach it",
        ),
        pytest.param(
            put("channels", "main", "threshold", to=3),
            "channel main: expected a threshold from 1 to 2, got 3",
            id="T122 no exporter can reach it",
        ),
        pytest.param(
            put("roles", "trust", "signers", to=["nobody"]),
            "role trust: expected distinct signers of the document, got others",
            id="unknown signer",
        ),
        pytest.param(
            put("signers", "again", to=signer([ROOT])),
            "trust document: expected every key once, got one key twice",
            id="T124 one key, two names",
        ),
        pytest.param(
            put("signers", "root", to=signer([ROOT, ROOT])),
            "trust document: expected every key once, got one key twice",
            id="T124 one key twice",
        ),
        pytest.param(
            put("signers", "root", "keys", 0, to=base64_of(SPKI)[:-1]),
            "signer root: expected keys in base64, got other text",
            id="T131 padding missing",
        ),
        pytest.param(
            put("signers", "root", "keys", 0, to=base64_of(SPKI)[:-2] + chr(ord(base64_of(SPKI)[-2]) + 1) + "="),
            "signer root: expected canonical base64, got another encoding",
            id="T125 stray bits",
        ),
        pytest.param(
            put("signers", "root", "keys", 0, to=base64_of(SPKI + b"x")),
            "public key: expected a SubjectPublicKeyInfo, got other bytes",
            id="T125 bytes behind",
        ),
        pytest.param(
            put("channels", "main", "signers", to=["bob", "alice"]),
            "trust document: expected sorted lists and nothing revoked twice, got another encoding",
            id="T091 another order",
        ),
        pytest.param(
            put("channels", "main", "destinations", to=["lab", "a"]),
            "trust document: expected sorted lists and nothing revoked twice, got another encoding",
            id="T091 another order of sites",
        ),
        pytest.param(
            put("anchors", to=[ANCHOR, {**ANCHOR, "pin": "another"}]),
            "trust document: expected every anchor name once, got one name twice",
            id="two anchors of one name",
        ),
        pytest.param(
            put("revoked", "digests", to=revoked(digests="cd" * 32)["digests"] * 2),
            "trust document: expected sorted lists and nothing revoked twice, got another encoding",
            id="revoked twice",
        ),
    ],
)
def test_a_trust_document_that_contradicts_itself_is_refused(edit: Edit[Any], said: str) -> None:
    error = refusal(edit(document()))

    assert (error.reason, error.message) == (Reason.MALFORMED, said)


def test_t139_a_weak_key_never_enters_a_trust_document() -> None:
    weak = SPKI[:12] + (1).to_bytes(32, "little")

    assert refusal(put("signers", "root", "keys", 0, to=base64_of(weak))(document())).reason is Reason.WEAK_KEY


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (put("signers", "a..b", to=signer([MALLORY])), "signer"),
        (put("channels", to={"a..b": document()["channels"]["main"]}), "channel"),
        (put("channels", "main", "destinations", to=["a..b"]), "destination"),
    ],
)
def test_t022_a_name_that_could_leave_its_folder_is_refused(edit: Edit[Any], what: str) -> None:
    error = refusal(edit(document()))

    assert error.reason is Reason.BAD_NAME
    assert error.message == f"{what}: expected 1 to 64 of a-z 0-9 . _ -, got 'a..b'"


def test_who_signed_is_told_by_name() -> None:
    assert trust().signers_of(signed_by(ALICE, ROOT, MALLORY), at=None) == {"alice", "root"}
    assert trust().signers_of(signed_by(), at=None) == frozenset()


@pytest.mark.parametrize("missing", [0, 1])
def test_half_of_a_hybrid_is_no_signer(missing: int) -> None:
    document_ = trust(signers={**SIGNERS, "pair": PAIR})

    assert document_.signers_of(signed_by(*PAIR), at=None) == {"pair"}
    with pytest.raises(FormatError) as caught:
        document_.signers_of(signed_by(PAIR[missing]), at=None)
    assert caught.value.reason is Reason.INCOMPLETE_SIGNER
    assert caught.value.message == "signature: expected all 2 keys of signer pair, got 1"


@pytest.mark.parametrize(
    ("at", "valid"),
    [
        (ISSUED - timedelta(seconds=1), False),
        (ISSUED, True),
        (ENDS - timedelta(seconds=1), True),
        (ENDS, False),
    ],
)
def test_t141_a_signer_is_valid_from_its_first_second_until_before_its_last(at: datetime, valid: bool) -> None:
    if valid:
        assert trust().signers_of(signed_by(ALICE), at=at) == {"alice"}
        return
    with pytest.raises(FormatError) as caught:
        trust().signers_of(signed_by(ALICE), at=at)
    assert caught.value.reason is Reason.SIGNER_NOT_VALID
    assert caught.value.message == (
        "signature: expected signer alice between 2026-11-01T00:00:00Z and 2027-11-01T00:00:00Z, "
        f"got {at:%Y-%m-%dT%H:%M:%SZ}"
    )


def test_t141_a_revoked_key_makes_every_signature_beside_it_worthless() -> None:
    stolen = trust(revoked=revoked(keys=ALICE.public.key_id))

    assert stolen.signers_of(signed_by(BOB), at=None) == {"bob"}
    with pytest.raises(FormatError) as caught:
        stolen.signers_of(signed_by(ALICE, BOB), at=None)
    assert caught.value.reason is Reason.REVOKED_KEY
    assert caught.value.message == (
        f"signature: expected keys in force, got key {ALICE.public.key_id[:16]}, which is revoked"
    )


@pytest.mark.parametrize("what", ["ab" * 20, "ab" * 32])
def test_a_producers_key_is_revoked_by_fingerprint_or_key_id(what: str) -> None:
    read = trust(revoked=revoked(keys=what))

    assert read.revoked_keys[what].reason == "stolen"
    assert read.signers_of(signed_by(ALICE), at=None) == {"alice"}


def test_an_artifact_is_revoked_by_digest_or_by_pattern() -> None:
    read = Trust.parse(encode(FULL))

    for purl, digest, what in (
        ("pkg:generic/good", b"\xcd" * 32, "cd" * 32),
        ("pkg:generic/evil@1", bytes(32), "pkg:generic/evil*"),
    ):
        found = read.revocation_of(purl, digest)
        assert found is not None
        assert (found.what, found.reason, found.date) == (what, "stolen", ISSUED)
    assert read.revocation_of("pkg:generic/good", bytes(32)) is None


ROLE = Role(frozenset({"alice", "bob", "carol"}), 2)


def test_a_threshold_counts_signers_of_the_role_only() -> None:
    check_threshold({"alice", "carol"}, ROLE, what="channel main")

    for names, got in ((set(), "none of them"), ({"alice", "root", "mallory"}, "alice")):
        with pytest.raises(FormatError) as caught:
            check_threshold(names, ROLE, what="channel main")
        assert caught.value.reason is Reason.THRESHOLD
        assert caught.value.message == f"channel main: expected signatures of 2 of alice, bob, carol, got {got}"


def unbelieved(raw: bytes) -> FormatError:
    with pytest.raises(FormatError) as caught:
        open_trust(raw)
    return caught.value


def test_a_document_signed_by_its_own_trust_role_is_believed() -> None:
    believed = open_trust(trust_file())

    assert believed.trust == trust()
    assert believed.envelope == Envelope.from_value(trust_envelope())


def test_a_document_its_own_trust_role_did_not_sign_is_not_believed() -> None:
    error = unbelieved(trust_file(keys=[ALICE, BOB]))

    assert error.reason is Reason.THRESHOLD
    assert error.message == "trust document, version 1: expected signatures of 1 of root, got none of them"


def test_a_document_that_somebody_signed_who_left_with_it_is_believed_by_its_own_signers() -> None:
    assert open_trust(trust_file(keys=[ROOT, MALLORY])).trust == trust()


def test_a_document_that_only_strangers_signed_is_not_believed() -> None:
    assert unbelieved(trust_file(keys=[MALLORY])).reason is Reason.UNSIGNED


def test_a_document_with_a_broken_signature_is_not_believed() -> None:
    sig = trust_envelope()["signatures"][0]["sig"]
    broken = put("signatures", 0, "sig", to=base64_of(flip(base64.b64decode(sig), 10)))

    assert unbelieved(trust_file(edit=broken)).reason is Reason.BAD_SIGNATURE


def test_a_document_that_revokes_its_own_root_is_not_believed() -> None:
    assert unbelieved(trust_file(document(revoked=revoked(keys=ROOT.public.key_id)))).reason is Reason.REVOKED_KEY


def test_a_trust_file_ends_with_one_newline_at_most() -> None:
    assert open_trust(trust_file().removesuffix(b"\n")).trust == trust()
    assert unbelieved(trust_file() + b"\n").reason is Reason.MALFORMED


def test_a_trust_file_beyond_a_mebibyte_is_not_read() -> None:
    error = unbelieved(b" " * (MAX_SIZE + 1))

    assert error.reason is Reason.TOO_LARGE
    assert error.message == "trust document: expected at most 1 MiB, got more"


def test_t129_a_statement_is_no_trust_document() -> None:
    raw = encode(envelope(STATEMENT, encode(document()), [ROOT]))

    said = "trust document: expected payload type application/vnd.airgap.trust+json, got another"

    assert (unbelieved(raw).reason, unbelieved(raw).message) == (Reason.MALFORMED, said)
    with pytest.raises(FormatError) as caught:
        read_unsigned(raw)
    assert caught.value.message == said


def test_a_document_still_without_signatures_can_be_read_but_not_believed() -> None:
    raw = trust_file(keys=[])

    assert read_unsigned(raw) == (trust(), Envelope.from_value(trust_envelope(keys=[])))
    assert unbelieved(raw).reason is Reason.UNSIGNED


OLD = trust()
NEXT = document(2)
ROTATED = document(2, {**SIGNERS, "root": [NEW_ROOT]})


def update(value: Mapping[str, Any], keys: Sequence[PrivateKey] = (ROOT,)) -> Envelope:
    return Envelope.from_value(trust_envelope(value, keys))


def not_applied(sealed: Envelope, old: Trust = OLD) -> FormatError:
    with pytest.raises(FormatError) as caught:
        apply_update(old, sealed)
    return caught.value


def test_the_next_version_signed_by_both_thresholds_is_believed() -> None:
    assert apply_update(OLD, update(NEXT)).trust == Trust.parse(encode(NEXT))
    assert apply_update(OLD, update(ROTATED, [ROOT, NEW_ROOT])).trust.keys[NEW_ROOT.public.key_id] == NEW_ROOT.public


@pytest.mark.parametrize(
    ("keys", "version"), [([ROOT], 2), ([NEW_ROOT], 1)], ids=["without the new root", "without the old root"]
)
def test_t159_a_rotation_needs_the_old_root_and_the_new_one(keys: list[PrivateKey], version: int) -> None:
    error = not_applied(update(ROTATED, keys))

    assert error.reason is Reason.THRESHOLD
    assert error.message == f"trust document, version {version}: expected signatures of 1 of root, got none of them"


@pytest.mark.parametrize("version", [1, 3, 2**53 - 1])
def test_t159_no_version_is_skipped_or_repeated(version: int) -> None:
    error = not_applied(update(document(version)))

    assert (error.reason, error.message) == (Reason.TRUST_UPDATE, f"trust update: expected version 2, got {version}")


def test_an_update_is_not_older_than_what_it_follows() -> None:
    error = not_applied(update({**NEXT, "issued": "2026-10-31T23:59:59Z"}))

    assert error.reason is Reason.TRUST_UPDATE
    assert error.message == "trust update: expected a later time of issue, got an earlier one"


def test_an_update_of_another_type_is_refused() -> None:
    error = not_applied(Envelope.from_value(envelope(STATEMENT, encode(NEXT), [ROOT])))

    assert error.reason is Reason.TRUST_UPDATE
    assert error.message == "trust update: expected payload type application/vnd.airgap.trust+json, got another"


def test_an_update_with_a_signature_that_neither_document_knows_is_refused() -> None:
    assert not_applied(update(NEXT, [ROOT, MALLORY])).reason is Reason.UNKNOWN_SIGNER


def test_a_root_that_the_old_document_revoked_cannot_update_it() -> None:
    old = trust(revoked=revoked(keys=ROOT.public.key_id))

    assert not_applied(update(NEXT), old).reason is Reason.REVOKED_KEY


def test_a_root_that_the_new_document_revokes_cannot_sign_it() -> None:
    assert not_applied(update({**NEXT, "revoked": revoked(keys=ROOT.public.key_id)})).reason is Reason.REVOKED_KEY


def test_t158_a_failed_update_leaves_the_old_document_as_it_was() -> None:
    before = OLD.encode()
    not_applied(update(ROTATED, [NEW_ROOT]))

    assert OLD.encode() == before
    assert apply_update(OLD, update(NEXT)).trust.version == 2
