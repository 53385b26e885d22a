"""in-toto attestations in DSSE envelopes: vectors signed by openssl, forgeries signed here."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from airgap.core.anchors import Anchor, Kind
from airgap.core.entries import Role
from airgap.core.envelope import pae
from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.reasons import Reason
from airgap.core.verdict import Finding, Result
from airgap.evidence.dsse import STRONG, match_subject, open_statement, read_pin, verify
from airgap.evidence.recognise import needs
from airgap.evidence.subject import Pins, Subject
from tests.evidence.bench import anchor, piece, pins, subject
from tests.evidence.plain import TEXT, base64_variants, changed, vector, with_high_s

TYPE = "application/vnd.in-toto+json"
ONE = vector("dsse/one.json")
TWO = vector("dsse/two.json")
MAKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def spki(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pinned(raw: bytes, kind: Kind = Kind.PEM, **settings: str) -> Anchor:
    found = read_pin(raw)
    return anchor(kind, found.pin, name=found.identity.split()[0], **settings)


P256, ED25519 = pinned(vector("dsse/p256.pub")), pinned(vector("dsse/ed25519.pub"))
OURS = pins(pinned(spki(MAKER)))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return subject(tmp_path_factory.mktemp("dsse"), TEXT)


def judge_all(about: Subject, content: bytes, known: Pins, *, carried: bytes | None = None) -> list[Finding]:
    beside = [piece("key.pub", carried, role=Role.KEY)] if carried is not None else []
    return verify(about, piece("a.txt.intoto.jsonl", content), beside, known)


def judge(about: Subject, content: bytes, known: Pins = OURS, *, carried: bytes | None = None) -> Finding:
    (finding,) = judge_all(about, content, known, carried=carried)
    return finding


def statement(about: Subject, **other: Any) -> dict[str, Any]:
    digest = {"sha256": about.digests["sha256"].hex()}
    said = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "a.txt", "digest": digest}]}
    return said | {"predicateType": "https://example.org/p/v1", "predicate": {}} | other


def envelope(payload: bytes, *keys: Ed25519PrivateKey, kind: str = TYPE, keyid: str = "", **other: Any) -> bytes:
    signatures = [{"keyid": keyid, "sig": base64.b64encode(key.sign(pae(kind, payload))).decode()} | other for key in keys]
    text = base64.b64encode(payload).decode()
    return json.dumps({"payloadType": kind, "payload": text, "signatures": signatures}).encode()


def signed(value: Any) -> bytes:
    return envelope(json.dumps(value).encode(), MAKER)


def test_an_attestation_by_a_pinned_key_is_verified_and_its_type_is_told(text: Subject) -> None:
    found = judge(text, ONE, pins(P256))

    assert (found.result, found.kind, found.reason) == (Result.VERIFIED, "dsse", None)
    assert found.got.startswith("'https://slsa.dev/provenance/v1', signed by ecdsa-p256 key ")
    assert found.proof is not None
    assert (found.proof.anchor, found.proof.algorithm) == ("ecdsa-p256", "ecdsa-p256/sha256")
    assert found.proof.covers == text.covers


def test_pem_anchors_count_when_they_are_not_for_another_format(text: Subject) -> None:
    assert judge(text, ONE, pins(pinned(vector("dsse/p256.pub"), format="dsse"))).result is Result.VERIFIED
    assert judge(text, ONE, pins(pinned(vector("dsse/p256.pub"), format="raw"))).result is Result.UNTRUSTED_KEY


def test_a_pinned_cosign_key_counts_too(text: Subject) -> None:
    assert judge(text, ONE, pins(pinned(vector("dsse/p256.pub"), Kind.COSIGN))).result is Result.VERIFIED


def test_both_signatures_of_one_envelope_are_found(text: Subject) -> None:
    found = judge_all(text, TWO, pins(P256, ED25519))

    assert [f.proof.anchor for f in found if f.proof] == ["ecdsa-p256", "ed25519"]
    assert {f.result for f in found} == {Result.VERIFIED}


def test_a_signature_by_a_stranger_beside_one_that_holds_is_untrusted(text: Subject) -> None:
    assert [f.result for f in judge_all(text, TWO, pins(P256))] == [Result.VERIFIED, Result.UNTRUSTED_KEY]
    nameless = envelope(json.dumps(statement(text)).encode(), OTHER, MAKER)
    assert [f.result for f in judge_all(text, nameless, OURS)] == [Result.VERIFIED, Result.UNTRUSTED_KEY]


def test_each_line_is_an_envelope_of_its_own(text: Subject) -> None:
    lines = vector("dsse/lines.intoto.jsonl")

    assert [f.result for f in judge_all(text, lines, pins(P256, ED25519))] == [Result.VERIFIED] * 2
    broken = lines.replace(b'"payloadType"', b'"payloadTipe"', 1)
    assert [f.result for f in judge_all(text, broken, pins(P256, ED25519))] == [Result.FAILED, Result.VERIFIED]


def test_t142_the_number_of_lines_and_of_signatures_is_bounded(text: Subject) -> None:
    line = signed(statement(text))

    assert len(judge_all(text, b"\n".join([line] * 64), OURS)) == 64
    found = judge(text, b"\n".join([line] * 65))
    assert (found.result, found.got) == (Result.FAILED, "more")
    payload = json.dumps(statement(text)).encode()
    assert judge(text, envelope(payload, *[MAKER] * 16)).result is Result.VERIFIED
    assert judge(text, envelope(payload, *[MAKER] * 17)).result is Result.FAILED
    assert len(judge_all(text, b"\n".join([envelope(payload, *[MAKER] * 16)] * 4), OURS)) == 4
    assert judge(text, b"\n".join([envelope(payload, *[MAKER] * 13)] * 5)).got == "more"


def test_t123_t124_one_key_under_two_ids_signed_once(text: Subject) -> None:
    value = json.loads(envelope(json.dumps(statement(text)).encode(), MAKER, MAKER))
    value["signatures"][0]["keyid"], value["signatures"][1]["keyid"] = "one", "two"

    assert len(judge_all(text, json.dumps(value).encode(), OURS)) == 1


def test_t126_a_key_id_is_a_hint_and_a_wrong_one_changes_nothing(text: Subject) -> None:
    assert judge(text, envelope(json.dumps(statement(text)).encode(), MAKER, keyid="0" * 64)).result is Result.VERIFIED


def test_t132_an_attestation_of_another_file_fails(tmp_path: Path) -> None:
    other = subject(tmp_path, b"other")
    found = judge(other, ONE, pins(P256))

    assert (found.result, found.reason) == (Result.FAILED, Reason.EVIDENCE_FAILED)
    assert found.got == f"expected a subject with {other.covers}, got 1 with other digests"
    assert found.identity.startswith("ecdsa-p256 key ")


def test_a_changed_payload_fails_by_whatever_hint(text: Subject) -> None:
    for keyid in ("", read_pin(spki(MAKER)).fingerprint.removeprefix("sha256:")):
        value = json.loads(envelope(json.dumps(statement(text)).encode(), OTHER, keyid=keyid))
        assert judge(text, json.dumps(value).encode()).result is Result.FAILED


def test_a_signature_by_a_key_with_another_id_is_untrusted(text: Subject) -> None:
    found = judge(text, envelope(json.dumps(statement(text)).encode(), OTHER, keyid="release\n"))

    assert (found.result, found.got) == (Result.UNTRUSTED_KEY, "a signature by the key 'release\\n'")


def test_a_signature_without_any_key_is_untrusted(text: Subject) -> None:
    assert judge(text, ONE, pins()).got == "an unknown key"


def test_t127_a_carried_key_gives_untrusted_or_failed_and_never_verified(text: Subject) -> None:
    found = judge(text, ONE, pins(), carried=vector("dsse/p256.pub"))

    assert found.result is Result.UNTRUSTED_KEY
    assert found.proof is not None
    assert f"--kind pem --pin '{P256.pin}'" in found.proof.hint
    assert judge(text, ONE, pins(), carried=vector("dsse/ed25519.pub")).result is Result.FAILED


def test_t141_a_revoked_key_is_revoked(text: Subject) -> None:
    withdrawn = {read_pin(vector("dsse/p256.pub")).fingerprint.removeprefix("sha256:"): "lost"}

    assert judge(text, ONE, pins(P256, revoked=withdrawn)).result is Result.REVOKED


def test_t129_a_signature_over_another_payload_type_is_no_attestation(text: Subject) -> None:
    payload = json.dumps(statement(text)).encode()
    found = judge(text, envelope(payload, MAKER, kind="application/x"))

    assert (found.result, found.expected, found.got) == (Result.UNSUPPORTED, TYPE, "'application/x'")
    retyped = envelope(payload, MAKER, kind="application/x").replace(b"application/x", TYPE.encode())
    assert judge(text, retyped).result is Result.FAILED


def test_a_signature_with_a_certificate_is_not_taken_and_the_finding_says_what_to_ask_for(text: Subject) -> None:
    content = envelope(json.dumps(statement(text)).encode(), OTHER, cert="-----BEGIN CERTIFICATE-----")
    found = judge(text, content, pins())

    assert found.result is Result.UNSUPPORTED
    assert "Sigstore bundle v0.3" in found.got


def test_a_sigstore_bundle_among_the_lines_is_left_to_its_own_verifier(text: Subject) -> None:
    lines = signed(statement(text)) + b'\n{"mediaType":"x","dsseEnvelope":{}}\n'

    assert [f.result for f in judge_all(text, lines, OURS)] == [Result.VERIFIED, Result.UNSUPPORTED]


def test_a_changed_byte_verifies_only_where_nothing_that_is_signed_changed(text: Subject) -> None:
    def covered(raw: bytes) -> tuple[Any, ...]:
        value = json.loads(raw)
        return value["payloadType"], value["payload"], [s["sig"] for s in value["signatures"]]

    for at, bad in changed(ONE):
        for found in judge_all(text, bad, pins(P256)):
            assert found.result is not Result.VERIFIED or covered(bad) == covered(ONE), at


def test_t131_base64_has_one_spelling(text: Subject) -> None:
    value = json.loads(signed(statement(text, predicate={"a": "b"})))
    for what, spelling in base64_variants(value["signatures"][0]["sig"]).items():
        bad = value | {"signatures": [{"sig": spelling}]}
        assert judge(text, json.dumps(bad).encode()).result is Result.FAILED, what
    for what, spelling in base64_variants(value["payload"]).items():
        assert judge(text, json.dumps(value | {"payload": spelling}).encode()).result is Result.FAILED, what


def test_t140_the_high_s_twin_holds_and_looks_the_same(text: Subject) -> None:
    value = json.loads(ONE)
    value["signatures"][0]["sig"] = base64.b64encode(with_high_s(base64.b64decode(value["signatures"][0]["sig"]))).decode()

    assert judge(text, json.dumps(value).encode(), pins(P256)) == judge(text, ONE, pins(P256))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"x"',
        b"\xef\xbb\xbf{}",
        b'{"payload":"","payloadType":"x"}',
        b'{"payload":"","payloadType":"x","signatures":{}}',
        b'{"payload":"","payloadType":"x","signatures":[]}',
        b'{"payload":"","payloadType":"x","signatures":["x"]}',
        b'{"payload":"","payloadType":"x","signatures":[{}]}',
        b'{"payload":"","payloadType":"x","signatures":[{"sig":null}]}',
        b'{"payload":"","payloadType":"x","signatures":[{"sig":"","keyid":null}]}',
        b'{"payload":"","payloadType":1,"signatures":[{"sig":""}]}',
        b'{"payload":"","payloadType":"\\ud800","signatures":[{"sig":""}]}',
        b'{"payload":1,"payloadType":"x","signatures":[{"sig":""}]}',
        b'{"payload":"","payload":"","payloadType":"x","signatures":[{"sig":""}]}',
        b'{"payload":"","payloadType":"x","signatures":[{"sig":""}],"x":NaN}',
        b'{"payload":"","payloadType":"x","signatures":[{"sig":""}],"x":1e999}',
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"x":' + b"[" * 64 + b"]" * 64 + b"}",
        b'{"x":' + b'{"x":' * 64 + b"1" + b"}" * 65,
        b'{"x":' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_envelope_fails(text: Subject, content: bytes) -> None:
    assert judge(text, content).result is Result.FAILED


@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_there_is_a_finding(text: Subject, content: bytes) -> None:
    for found in judge_all(text, content, OURS, carried=content):
        assert found.result is Result.FAILED
    assert judge(text, envelope(content, MAKER)).result is Result.FAILED


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_whatever_the_members_are_there_is_a_finding(text: Subject, value: Any) -> None:
    for name in ("_type", "subject"):
        assert judge(text, signed(statement(text) | {name: value})).result is Result.FAILED
    assert judge(text, signed(statement(text) | {"predicateType": value, "predicate": []})).result is Result.FAILED
    for name in ("payload", "payloadType", "signatures"):
        bad = json.loads(signed(statement(text))) | {name: value}
        assert judge_all(text, json.dumps(bad).encode(), OURS)[0].result is Result.FAILED


@pytest.mark.parametrize(
    "other",
    [
        {"_type": "https://in-toto.io/Statement/v2"},
        {"_type": ["https://in-toto.io/Statement/v1"]},
        {"subject": []},
        {"subject": None},
        {"subject": ["a.txt"]},
        {"subject": [{"name": "a.txt"}]},
        {"subject": [{"name": "a.txt", "digest": {}}]},
        {"subject": [{"name": "a.txt", "digest": {"sha256": 1}}]},
        {"subject": [{"name": 1, "digest": {"sha256": "00"}}]},
        {"subject": [{"name": "a", "digest": {"sha256": "00"}}, {"name": "a", "digest": {"sha256": "11"}}]},
        {"predicateType": ""},
        {"predicateType": None},
        {"predicate": []},
    ],
)
def test_a_statement_that_is_none_fails_though_it_is_signed(text: Subject, other: dict[str, Any]) -> None:
    found = judge(text, signed(statement(text, **other)))

    assert (found.result, found.expected) == (Result.FAILED, "a statement about this artifact")


def test_a_statement_of_version_0_1_is_read_as_well(text: Subject) -> None:
    said = statement(text, _type="https://in-toto.io/Statement/v0.1")

    assert judge(text, signed(said)).result is Result.VERIFIED


def test_a_statement_without_a_predicate_says_its_type_alone(text: Subject) -> None:
    said = statement(text)
    del said["predicate"]

    assert open_statement(json.dumps(said).encode()).predicate == {}
    assert open_statement(json.dumps(said | {"predicate": None}).encode()).predicate == {}


def match(about: Subject, *digests: dict[str, str]) -> str | None:
    subjects = [{"name": f"{i}", "digest": digest} for i, digest in enumerate(digests)]
    return match_subject(open_statement(json.dumps(statement(about, subject=subjects)).encode()), about)


def test_one_strong_digest_of_the_artifact_is_enough(text: Subject) -> None:
    for name in ("sha256", "sha384", "sha512"):
        assert match(text, {name: text.digest(name).hex()}) is None
        assert match(text, {"sha256": "00" * 32}, {name: text.digest(name).hex(), "sha1": "00"}) is None


def test_whatever_a_statement_may_ask_for_is_foreseen() -> None:
    assert needs(piece("a.intoto.jsonl", ONE)).digests >= set(STRONG) - {"sha256"}


def test_digests_of_one_subject_that_contradict_each_other_fail(text: Subject) -> None:
    good = {name: text.digest(name).hex() for name in ("sha256", "sha512")}

    assert match(text, good) is None
    assert match(text, good | {"sha512": "00"}) == (
        f"expected sha512:{good['sha512']}, got '00' beside another digest that agrees"
    )
    assert match(text, good, good | {"sha256": "00"}) is not None


@pytest.mark.parametrize("digest", [{"sha1": "00"}, {"md5": "00"}, {"gitCommit": "00"}, {"SHA256": "00"}])
def test_weak_and_unknown_digests_bind_nothing(text: Subject, digest: dict[str, str]) -> None:
    assert match(text, digest) == "expected a subject with a sha256, sha384 or sha512 digest, got none"


def test_a_digest_is_compared_as_it_is_written(text: Subject) -> None:
    assert match(text, {"sha256": text.digests["sha256"].hex().upper()}) is not None
    assert match(text, {"sha256": text.digests["sha256"].hex() + " "}) is not None


def test_t142_a_statement_cannot_make_us_read_the_content_for_each_subject(tmp_path: Path) -> None:
    about = subject(tmp_path, TEXT)
    asked = []

    class Counting(Subject):
        def digest(self, algorithm: str) -> bytes:
            asked.append(algorithm)
            return super().digest(algorithm)

    members = {name: getattr(about, name) for name in ("path", "purl", "size", "digests", "file")}
    assert match(Counting(**members), *({"sha384": "00"} for _ in range(100))) is not None
    assert asked == ["sha384"]


def test_json_has_to_be_an_object_with_text_that_can_be_written_again() -> None:
    assert load_object('{"a": [1.5, "é", {}]}'.encode(), what="x") == {"a": [1.5, "é", {}]}
    for bad in (b'{"\\udc00": 1}', b'{"a": ["\\ud800"]}', b"{} {}", b'{"a": Infinity}', b"\xff\xfe{\0}\0", b"[]"):
        with pytest.raises(FormatError, match="x: expected"):
            load_object(bad, what="x")
