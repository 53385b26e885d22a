"""Threats 1f: signatures and keys."""

# ruff: noqa: N802 -- the number of the threat is part of a test's name

import base64
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from airgap.core.errors import FormatError
from airgap.core.keys import Algorithm
from airgap.core.policy import PRESETS
from airgap.core.reasons import Reason
from airgap.core.trust import open_trust
from airgap.core.verdict import Standing
from tests.attacks.conftest import Refuse
from tests.forge.build import Bundle, bundle
from tests.forge.caps import within
from tests.forge.edit import drop, put
from tests.forge.keys import ALICE, BOB, MALLORY, ROOT, hybrid, key
from tests.forge.site import fault, look_at, make_store, refused, take, tree
from tests.forge.text import CREATED, NOW, STATEMENT, base64_of, encode, envelope
from tests.forge.trust import ENDS, ISSUED, SIGNERS, document, revoked, signer, trust_envelope, trust_file

ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of the base point of edwards25519. Source: RFC 8032, 5.1."""
SPKI = bytes.fromhex("302a300506032b6570032100")
"""The bytes in front of an Ed25519 key. Source: RFC 8410."""
FIELD = 2**255 - 19


def sealed_as(what: Any) -> Bundle:
    """A bundle with another envelope."""
    return bundle(on_envelope=lambda _: what)


def resigned(edit: Any) -> Bundle:
    """A bundle whose only signature has other bytes."""

    def change(sealed: Any) -> Any:
        raw = base64.b64decode(sealed["signatures"][0]["sig"])
        return put("signatures", 0, "sig", to=base64_of(edit(raw)))(sealed)

    return bundle(on_envelope=change)


def trust_refused(value: dict[str, Any], keys: Any = (ROOT,)) -> FormatError:
    with pytest.raises(FormatError) as caught:
        open_trust(trust_file(value, keys))
    return caught.value


def test_T120_T121_a_bundle_without_signatures_is_refused(refuse: Refuse) -> None:
    found = refuse(bundle(keys=()))

    assert (found.reason, found.expected, found.got) == (Reason.UNSIGNED, "a signature", "none")


def test_T120_a_blank_envelope_is_refused(refuse: Refuse) -> None:
    assert refuse(bundle(on_envelope_text=lambda _: b"")).reason is Reason.MALFORMED


@pytest.mark.parametrize("threshold", [0, -1, 3])
@pytest.mark.parametrize("where", [("roles", "trust"), ("channels", "main")])
def test_T122_a_threshold_that_nobody_or_everybody_reaches_is_refused(where: tuple[str, str], threshold: int) -> None:
    value: dict[str, Any] = put(*where, "threshold", to=threshold)(document())

    assert "threshold" in str(trust_refused(value)) or "minimum" in str(trust_refused(value))


def test_T123_a_signature_that_is_repeated_is_refused(refuse: Refuse) -> None:
    found = refuse(bundle(on_envelope=lambda e: put("signatures", 1, to=e["signatures"][0])(e)))

    assert (found.reason, found.expected) == (Reason.MALFORMED, "one signature per key")


def test_T123_one_signer_does_not_reach_a_threshold_of_two_with_a_key_of_somebody_else(tmp_path: Path) -> None:
    value = put("channels", "main", "threshold", to=2)(document())
    store = make_store(tmp_path / "store", trust=trust_file(value))
    found = refused(store, bundle(keys=(ALICE, ROOT)).write(tmp_path / "x"))

    assert (found.reason, found.got) == (Reason.THRESHOLD, "alice")


def test_T124_one_key_under_two_names_is_refused() -> None:
    error = trust_refused(document(signers={**SIGNERS, "bob": [ALICE]}))

    assert error.message == "trust document: expected every key once, got one key twice"


@pytest.mark.parametrize("spki", [ALICE.public.spki + b"\0", ALICE.public.spki[:-1], b"\x30\x80" + ALICE.public.spki[2:]])
def test_T125_a_key_in_another_encoding_is_refused(spki: bytes) -> None:
    value = put("signers", "bob", "keys", to=[base64_of(spki)])(document())

    assert "public key: expected" in str(trust_refused(value))


def test_T125_a_compressed_point_is_refused_as_another_encoding_of_a_key() -> None:
    spki = key("carol", Algorithm.ECDSA_P256).public.spki
    point = bytes([2 + (spki[-1] & 1)]) + spki[-64:-32]
    other = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point
    value = put("signers", "bob", "keys", to=[base64_of(other)])(document())

    assert "canonical DER" in str(trust_refused(value))


def test_T126_a_key_id_is_no_reason_to_trust(refuse: Refuse) -> None:
    made = bundle(keys=(MALLORY,), on_envelope=put("signatures", 0, "keyid", to=ALICE.public.key_id))
    found = refuse(made)

    assert found.reason is Reason.BAD_SIGNATURE
    assert found.got == "one that does not hold"


def test_T127_a_key_that_travels_with_the_bundle_is_not_trusted_because_it_verifies(refuse: Refuse) -> None:
    pem = MALLORY.public.pem
    made = bundle(
        keys=(MALLORY,),
        documents={"documents/keys/mallory.pem": pem},
        on_manifest=put("documents", 0, "role", to="key"),
        updates=[trust_envelope(document(2, {"root": [MALLORY], "alice": [ALICE], "bob": [BOB]}), [MALLORY])],
    )
    assert refuse(made).reason in {Reason.UNKNOWN_SIGNER, Reason.THRESHOLD}
    made = bundle(keys=(MALLORY,), documents={"documents/keys/mallory.pem": pem})
    assert refuse(made).reason is Reason.UNKNOWN_SIGNER


@pytest.mark.parametrize("member", ["alg", "algorithm", "cert"])
def test_T128_a_message_that_names_its_algorithm_is_refused(refuse: Refuse, member: str) -> None:
    assert refuse(bundle(on_envelope=put("signatures", 0, member, to="none"))).reason is Reason.MALFORMED


def test_T128_a_signature_of_another_algorithm_under_a_known_key_id_is_refused(refuse: Refuse) -> None:
    other = key("alice", Algorithm.ECDSA_P256)
    made = bundle(keys=(other,), on_envelope=put("signatures", 0, "keyid", to=ALICE.public.key_id))

    assert refuse(made).reason is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("kind", ["application/vnd.airgap.trust+json", "application/json", "x"])
def test_T129_another_payload_type_is_refused(refuse: Refuse, kind: str) -> None:
    found = refuse(bundle(on_envelope=put("payloadType", to=kind)))

    assert (found.reason, found.check) == (Reason.MALFORMED, "signature")
    assert found.expected == "payload type application/vnd.in-toto+json"


def test_T129_a_trust_document_is_no_statement_and_a_statement_is_no_trust_document(refuse: Refuse) -> None:
    signed = trust_envelope(keys=[ALICE])
    assert refuse(sealed_as(signed)).reason is Reason.MALFORMED
    relabelled = {**signed, "payloadType": STATEMENT}
    assert refuse(sealed_as(relabelled)).reason is Reason.BAD_SIGNATURE
    statement = envelope(STATEMENT, encode(document(2)), [ROOT])
    assert refuse(bundle(updates=[statement])).reason is Reason.TRUST_UPDATE


def test_T130_bytes_that_were_not_signed_are_not_parsed(refuse: Refuse) -> None:
    def change(sealed: Any) -> Any:
        said = base64.b64decode(sealed["payload"]).replace(b'"sequence":1', b'"sequence":1 ')
        return put("payload", to=base64_of(said))(sealed)

    assert refuse(bundle(on_envelope=change)).reason is Reason.BAD_SIGNATURE


def test_T130_a_manifest_that_was_not_signed_is_not_parsed(refuse: Refuse) -> None:
    made = bundle(on_areas=lambda areas: (*areas[:2], areas[2].replace(b'"format":1', b'"format":[')))
    found = refuse(made)

    assert (found.reason, found.check) == (Reason.MANIFEST_MISMATCH, "manifest")


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text[:10] + "\n" + text[10:],
        lambda text: " " + text,
        lambda text: text.rstrip("="),
        lambda text: text + "=",
        lambda text: text + "====",
        lambda text: text[:-3] + chr(ord(text[-3]) + 1) + "==" if text.endswith("==") else text + "A",
        lambda text: text.replace("+", "-", 1).replace("/", "_", 1) + ("" if set("+/") & set(text) else "-"),
    ],
)
@pytest.mark.parametrize("where", [("payload",), ("signatures", 0, "sig")])
def test_T131_another_base64_of_the_same_bytes_is_refused(refuse: Refuse, where: Any, edit: Any) -> None:
    def change(sealed: Any) -> Any:
        at = sealed
        for step in where:
            at = at[step]
        return put(*where, to=edit(at))(sealed)

    assert refuse(bundle(on_envelope=change)).reason is Reason.MALFORMED


def test_T132_the_envelope_of_another_bundle_is_refused(refuse: Refuse) -> None:
    other = bundle({"artifacts/files/other": b"x"})
    made = bundle(on_areas=lambda areas: (areas[0], other.areas[1], areas[2]))

    assert refuse(made).reason is Reason.MANIFEST_MISMATCH


def test_T132_a_signature_over_another_statement_is_refused(refuse: Refuse) -> None:
    other = base64.b64encode(ALICE.sign(b"another statement")).decode()

    assert refuse(bundle(on_envelope=put("signatures", 0, "sig", to=other))).reason is Reason.BAD_SIGNATURE


def _with_s_plus_order(raw: bytes) -> bytes:
    return raw[:32] + (int.from_bytes(raw[32:], "little") + ORDER).to_bytes(32, "little")


@pytest.mark.parametrize(
    "edit",
    [
        _with_s_plus_order,
        lambda raw: raw[:63],
        lambda raw: raw + b"\0",
        lambda raw: raw[:32],
        lambda raw: raw * 2,
        lambda _: bytes(64),
        lambda _: bytes([1]) + bytes(63),
        lambda raw: (FIELD + 1).to_bytes(32, "little") + raw[32:],
    ],
)
def test_T136_T137_T138_a_malleable_or_cut_signature_is_refused(refuse: Refuse, edit: Any) -> None:
    assert refuse(resigned(edit)).reason is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("y", [FIELD, FIELD + 1, FIELD + 2, 2**255 - 1])
def test_T138_a_key_that_is_not_canonical_is_refused(y: int) -> None:
    value = put("signers", "bob", "keys", to=[base64_of(SPKI + y.to_bytes(32, "little"))])(document())

    assert trust_refused(value).reason is Reason.WEAK_KEY


EIGHT = int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little")
"""y of the points of order 8; the other one is its negative."""


@pytest.mark.parametrize("y", [0, 1, FIELD - 1, EIGHT, FIELD - EIGHT])
@pytest.mark.parametrize("sign", [0, 1])
def test_T139_a_key_of_low_order_is_refused(y: int, sign: int) -> None:
    value = put("signers", "bob", "keys", to=[base64_of(SPKI + (y | sign << 255).to_bytes(32, "little"))])(document())
    error = trust_refused(value)

    # OpenSSL itself refuses some of the encodings that are not canonical
    assert error.reason is Reason.WEAK_KEY or "public key" in error.message


def test_T140_the_twin_of_an_ecdsa_signature_is_no_second_bundle(tmp_path: Path) -> None:
    own = key("alice", Algorithm.ECDSA_P256)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

    def twin(sealed: Any) -> Any:
        r, s = decode_dss_signature(base64.b64decode(sealed["signatures"][0]["sig"]))
        return put("signatures", 0, "sig", to=base64_of(encode_dss_signature(r, order - s)))(sealed)

    store = make_store(tmp_path / "store", trust=trust_file(document(signers={**SIGNERS, "alice": [own]})))
    first, second = bundle(keys=(own,)), bundle(keys=(own,), on_envelope=twin)
    assert first.raw != second.raw
    take(store, first.write(tmp_path / "x"))
    before = tree(store.layout.root, leave_out=())
    outcome = take(store, second.write(tmp_path / "y"))

    assert (outcome.verdict.standing, outcome.admitted) == (Standing.ACCEPTED, None)
    assert tree(store.layout.root, leave_out=()) == before


def test_T141_a_revoked_key_is_refused(tmp_path: Path) -> None:
    trust = trust_file(document(revoked=revoked(keys=ALICE.public.key_id)))
    found = fault(look_at(bundle().write(tmp_path / "x"), trust=trust).verdict)

    assert found.reason is Reason.REVOKED_KEY
    assert found.got == f"key {ALICE.public.key_id[:16]}, which is revoked"


@pytest.mark.parametrize(("start", "end"), [(ISSUED, CREATED), (ISSUED, NOW), (ENDS, ENDS)])
def test_T141_a_signer_before_or_after_its_time_is_refused(tmp_path: Path, start: Any, end: Any) -> None:
    trust = trust_file(put("signers", "alice", to=signer([ALICE], start, end))(document()))
    found = fault(look_at(bundle().write(tmp_path / "x"), trust=trust).verdict)

    assert found.reason is Reason.SIGNER_NOT_VALID
    assert "signer alice between" in found.expected


@pytest.mark.parametrize("pattern", ["pkg:npm/*", "pkg:generic/b*", "pkg:generic/a.txt.", "*.TXT", "pkg:generic/a?txt"])
def test_T141_an_artifact_outside_the_channels_scope_is_refused(tmp_path: Path, pattern: str) -> None:
    trust = trust_file(put("channels", "main", "artifacts", to=[pattern])(document()))
    found = fault(look_at(bundle().write(tmp_path / "x"), trust=trust).verdict)

    assert (found.reason, found.expected) == (Reason.OUT_OF_SCOPE, "artifacts of channel main")


def test_T141_a_signer_of_the_document_who_is_no_exporter_is_refused(refuse: Refuse) -> None:
    found = refuse(bundle(keys=(ROOT,)))

    assert (found.reason, found.expected) == (Reason.THRESHOLD, "signatures of 1 of alice, bob")


@pytest.mark.parametrize("kind", ["digests", "artifacts"])
def test_T141_a_recalled_artifact_is_refused(tmp_path: Path, kind: str) -> None:
    made = bundle()
    what = {"digests": made.manifest["artifacts"][0]["sha256"], "artifacts": "pkg:generic/a.*"}[kind]
    trust = trust_file(document(revoked=revoked(**{kind: what})))
    found = fault(look_at(made.write(tmp_path / "x"), trust=trust).verdict)

    assert (found.reason, found.subject) == (Reason.REVOKED_ARTIFACT, "pkg:generic/a.txt")


@pytest.mark.parametrize("missing", [0, 1])
def test_T141_half_of_a_hybrid_signer_is_refused(tmp_path: Path, missing: int) -> None:
    keys = hybrid("alice")
    trust = trust_file(document(signers={**SIGNERS, "alice": keys}))
    made = bundle(keys=keys[missing : missing + 1])
    found = fault(look_at(made.write(tmp_path / "x"), trust=trust).verdict)

    assert (found.reason, found.expected, found.got) == (Reason.INCOMPLETE_SIGNER, "all 2 keys of signer alice", "1")


@pytest.mark.parametrize("count", [17, 1000, 2500])
def test_T142_signatures_made_to_cost_time_are_refused_by_their_number(refuse: Refuse, count: int) -> None:
    many = [{"keyid": f"{n:064x}", "sig": "AAAA"} for n in range(count)]
    with within(seconds=2):
        found = refuse(bundle(room=240_000, on_envelope=put("signatures", to=many)))

    assert found.reason in {Reason.MALFORMED, Reason.TOO_LARGE}


def test_T143_one_of_two_exporters_is_not_enough(tmp_path: Path) -> None:
    trust = trust_file(put("channels", "main", "threshold", to=2)(document()))
    one = fault(look_at(bundle().write(tmp_path / "x"), trust=trust).verdict)
    both = look_at(bundle(keys=(ALICE, BOB)).write(tmp_path / "y"), trust=trust)

    assert (one.reason, one.expected, one.got) == (Reason.THRESHOLD, "signatures of 2 of alice, bob", "alice")
    assert both.verdict.standing is Standing.ACCEPTED


APPROVED = """
[[require]]
artifacts = "pkg:*"
evidence = "exporter-only"
approvals = 1
"""


def test_T143_an_approval_that_the_policy_wants_has_to_come_from_another_exporter(tmp_path: Path) -> None:
    one = fault(look_at(bundle().write(tmp_path / "x"), policy=APPROVED).verdict)
    root = fault(look_at(bundle(keys=(ALICE, ROOT)).write(tmp_path / "z"), policy=APPROVED).verdict)
    both = look_at(bundle(keys=(ALICE, BOB)).write(tmp_path / "y"), policy=APPROVED)

    assert (one.reason, one.expected, one.got) == (Reason.APPROVALS_MISSING, "1 approvals", "0")
    assert root.reason is Reason.APPROVALS_MISSING
    assert both.verdict.standing is Standing.ACCEPTED


def test_an_unknown_signature_beside_a_good_one_is_refused(refuse: Refuse) -> None:
    assert refuse(bundle(keys=(ALICE, MALLORY))).reason is Reason.UNKNOWN_SIGNER


@pytest.mark.parametrize(
    ("rule", "standing", "reason"),
    [
        ('evidence = "any-signature"\non_missing = "reject"', Standing.REJECTED, Reason.EVIDENCE_UNTRUSTED),
        ('evidence = "publisher"\non_missing = "hold"', Standing.HELD, Reason.EVIDENCE_UNTRUSTED),
        ('evidence = "exporter-only"\non_missing = "reject"', Standing.ACCEPTED, None),
    ],
)
def test_T143_evidence_by_a_key_that_nobody_pinned_is_not_what_a_policy_demands(
    tmp_path: Path, rule: str, standing: Standing, reason: Reason | None
) -> None:
    policy = f'[[require]]\nartifacts = "pkg:*"\n{rule}\n'
    verdict = look_at(bundle().write(tmp_path / "x"), policy=policy).verdict

    assert (verdict.standing, verdict.reason) == (standing, reason)


def test_T143_an_artifact_that_no_rule_of_the_policy_covers_is_refused(tmp_path: Path) -> None:
    policy = PRESETS["standard"].replace("pkg:*", "pkg:npm/*")
    found = fault(look_at(bundle().write(tmp_path / "x"), policy=policy).verdict)

    assert (found.reason, found.expected) == (Reason.EVIDENCE_MISSING, "a rule of the policy")


def test_an_envelope_without_one_of_its_members_is_refused(refuse: Refuse) -> None:
    assert refuse(bundle(on_envelope=drop("signatures", 0, "keyid"))).reason is Reason.MALFORMED
