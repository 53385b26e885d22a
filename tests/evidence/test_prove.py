"""Which verifier judges what, and how what signs a list reaches the artifacts in it."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airgap.core import canonical
from airgap.core.anchors import Kind
from airgap.core.entries import Artifact, Document, Role
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.trust import open_trust
from airgap.core.verdict import Finding, Result
from airgap.core.vouching import Vouching
from airgap.evidence import openpgp
from airgap.evidence.expectation import ANCHORS
from airgap.evidence.prove import MAX_PIECES, MODULES, Prover
from airgap.evidence.pubkey import Key
from airgap.evidence.recognise import Format, needs, recognise
from airgap.evidence.subject import MAX_PIECE, Bench, Piece, Subject, encodable, pin_hint
from tests.evidence.bench import piece
from tests.forge.producers import CAROL, EVE, MINA, attestation, minisig, minisign_anchor, pem_anchor, raw_signature
from tests.forge.trust import document, trust_file

CLIENTS = Path(__file__).parents[1] / "clients" / "vectors"
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
A, B = b"alpha\n", b"beta\n"
SUMS = "".join(f"{hashlib.sha256(c).hexdigest()}  {n}\n" for n, c in (("a", A), ("dir/b", B))).encode()


def prove(folder: Path, name: str, content: bytes, pieces: Mapping[str, Any], *anchors: Mapping[str, Any]) -> list[Finding]:
    """The findings about one artifact; a piece is its content, or its content and role."""
    prover = Prover(open_trust(trust_file(document(anchors=list(anchors)))).trust, NOW)
    return _prove(prover, folder, name, content, pieces)


def _prove(prover: Prover, folder: Path, name: str, content: bytes, pieces: Mapping[str, Any]) -> list[Finding]:
    stored = []
    for path, said in sorted(pieces.items()):
        raw, role = said if isinstance(said, tuple) else (said, Role.SIGNATURE)
        file = folder / path.replace("/", "_")
        file.write_bytes(raw)
        stored.append((Document(f"documents/files/{path}", len(raw), hashlib.sha256(raw).digest(), role, "x/y"), str(file)))
    file = folder / "content"
    file.write_bytes(content)
    artifact = Artifact(f"artifacts/files/{name}", len(content), hashlib.sha256(content).digest(), f"pkg:generic/{name}")
    return prover.prove(artifact, stored, {}, str(file))


def results(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.kind, finding.result) for finding in findings]


def test_every_piece_gets_the_verifier_of_its_format(tmp_path: Path) -> None:
    pieces = {"a.sig": raw_signature(A), "a.minisig": minisig(A), "a.intoto.json": (attestation(A, "a"), Role.ATTESTATION)}

    found = prove(tmp_path, "a", A, pieces, pem_anchor(), minisign_anchor())

    assert results(found) == [("dsse", "verified"), ("minisign", "verified"), ("raw", "verified")]
    assert {finding.subject for finding in found} == {"artifacts/files/a"}
    assert Vouching.of("artifacts/files/a", found).vouches == {"publisher"}


def test_a_signed_list_vouches_for_the_artifacts_in_it(tmp_path: Path) -> None:
    pieces = {"SHA256SUMS": (SUMS, Role.ATTESTATION), "SHA256SUMS.sig": raw_signature(SUMS)}

    one = prove(tmp_path, "a", A, pieces, pem_anchor())
    deeper = prove(tmp_path, "dir/b", B, pieces, pem_anchor())
    changed = prove(tmp_path, "a", A + b"!", pieces, pem_anchor())
    missing = prove(tmp_path, "c", A, pieces, pem_anchor())

    assert results(one) == results(deeper) == [("sums", "verified")]
    assert one[0].proof is not None
    assert one[0].proof.anchor == "carol"
    assert results(changed) == results(missing) == [("sums", "failed")]
    assert changed[0].reason is Reason.EVIDENCE_FAILED


def test_a_list_that_was_changed_or_signed_by_somebody_else_vouches_for_nothing(tmp_path: Path) -> None:
    evil = SUMS.replace(hashlib.sha256(A).hexdigest().encode(), hashlib.sha256(B).hexdigest().encode())
    changed = {"SHA256SUMS": (evil, Role.ATTESTATION), "SHA256SUMS.sig": raw_signature(SUMS)}
    theirs = {"SHA256SUMS": (evil, Role.ATTESTATION), "SHA256SUMS.sig": raw_signature(evil, by=EVE)}
    nobodys = {"SHA256SUMS": (SUMS, Role.ATTESTATION)}

    for pieces in (changed, theirs):
        (finding,) = prove(tmp_path, "a", B, pieces, pem_anchor())
        assert finding.result in {Result.FAILED, Result.UNTRUSTED_KEY}
        assert finding.reason in {Reason.EVIDENCE_FAILED, Reason.EVIDENCE_UNTRUSTED}
    (finding,) = prove(tmp_path, "a", A, nobodys, pem_anchor())
    assert (finding.result, finding.reason) == (Result.UNSUPPORTED, None)
    assert "nobody signed" in finding.got


def test_the_signature_of_a_list_is_judged_once_for_all_artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airgap.evidence import raw

    calls: list[str] = []
    verify = raw.verify

    def counted(subject: Subject, *given: Any) -> list[Finding]:
        calls.append(subject.path)
        return verify(subject, *given)

    monkeypatch.setattr(raw, "verify", counted)
    prover = Prover(open_trust(trust_file(document(anchors=[pem_anchor()]))).trust, NOW)
    pieces = {"SHA256SUMS": (SUMS, Role.ATTESTATION), "SHA256SUMS.sig": raw_signature(SUMS)}

    for name, content in (("a", A), ("dir/b", B)):
        assert results(_prove(prover, tmp_path, name, content, pieces)) == [("sums", "verified")]

    assert calls == ["documents/files/SHA256SUMS"]


def test_a_clearsigned_list_is_judged_by_its_own_text_also_where_the_plain_list_lies_beside(tmp_path: Path) -> None:
    text, clear, certificate = ((CLIENTS / name).read_bytes() for name in ("a.txt", "SHA256SUMS.asc", "releases.pgp"))
    plain = f"{hashlib.sha256(text).hexdigest()}  a.txt\n".encode()
    pieces = {"SHA256SUMS.asc": clear, "releases.pgp": (certificate, Role.KEY)}
    pin = openpgp.read_pin(certificate).pin
    anchor = {"name": "releases", "kind": "openpgp", "pin": pin, "artifacts": ["pkg:*"], "settings": {}}

    alone = prove(tmp_path, "a.txt", text, pieces, anchor)
    beside = prove(tmp_path, "a.txt", text, pieces | {"SHA256SUMS": (plain, Role.ATTESTATION)}, anchor)
    changed = prove(tmp_path, "a.txt", text + b"!", pieces | {"SHA256SUMS": (plain, Role.ATTESTATION)}, anchor)

    assert results(alone) == [("sums", "verified")]
    assert results(beside) == [("attestation", "unsupported"), ("sums", "verified")]
    assert changed[1].reason is Reason.EVIDENCE_FAILED


def test_lists_of_one_name_from_several_bundles_are_judged_each_by_its_content(tmp_path: Path) -> None:
    prover = Prover(open_trust(trust_file(document(anchors=[pem_anchor()]))).trust, NOW)
    evil = SUMS.replace(hashlib.sha256(A).hexdigest().encode(), hashlib.sha256(B).hexdigest().encode())
    good = {"SHA256SUMS": (SUMS, Role.ATTESTATION), "SHA256SUMS.sig": raw_signature(SUMS)}

    assert results(_prove(prover, tmp_path, "a", A, good)) == [("sums", "verified")]
    (finding,) = _prove(prover, tmp_path, "a", B, {**good, "SHA256SUMS": (evil, Role.ATTESTATION)})
    assert finding.result is Result.FAILED


def test_a_signature_of_a_signature_says_nothing_about_the_artifact(tmp_path: Path) -> None:
    signature = raw_signature(A, by=EVE)
    found = prove(tmp_path, "a", A, {"a.sig": signature, "a.sig.sig": raw_signature(signature)}, pem_anchor())

    assert [(finding.subject, finding.result) for finding in found] == [
        ("artifacts/files/a", "failed"),
        ("documents/files/a.sig", "verified"),
    ]
    assert Vouching.of("artifacts/files/a", found).vouches == frozenset()


def test_another_thing_that_the_producer_signed_does_not_excuse_a_substituted_key(tmp_path: Path) -> None:
    # an older release and its signature, put beside the artifact under names that make them evidence
    decoy = {"a.att": (B, Role.ATTESTATION), "a.att.sig": raw_signature(B)}
    theirs = {"a.sig": raw_signature(A, by=EVE), "key.pem": (EVE.public.pem, Role.KEY)}

    found = prove(tmp_path, "a", A, decoy | theirs, pem_anchor())

    against = [(finding.subject, finding.result) for finding in found if finding.reason is Reason.EVIDENCE_UNTRUSTED]
    assert against == [("artifacts/files/a", Result.UNTRUSTED_KEY)]
    assert Result.VERIFIED in {finding.result for finding in found}


def test_what_no_verifier_knows_is_carried_and_said(tmp_path: Path) -> None:
    pieces = {"a.att": (b'{"unknown": 1}', Role.ATTESTATION), "a.sig": b"x" * 5000, "key.asc": (b"key", Role.KEY)}

    found = prove(tmp_path, "a", A, pieces, minisign_anchor())

    assert results(found) == [("attestation", "unsupported"), ("signature", "unsupported")]
    assert all(finding.reason is None for finding in found)


@pytest.mark.parametrize("at", range(0, 30, 3))
def test_a_changed_byte_is_not_as_good_as_no_signature_where_one_is_expected(tmp_path: Path, at: int) -> None:
    whole = minisig(A)
    changed = whole[:at] + bytes([whole[at] ^ 0x80]) + whole[at + 1 :]

    expected = prove(tmp_path, "a", A, {"a.minisig": changed}, minisign_anchor())
    unexpected = prove(tmp_path, "a", A, {"a.minisig": changed})

    assert [f.reason for f in expected if f.result is not Result.VERIFIED] in (
        [Reason.EVIDENCE_UNSUPPORTED],
        [Reason.EVIDENCE_UNTRUSTED],
        [Reason.EVIDENCE_FAILED],
        [],  # a byte of the untrusted comment, which nothing covers
    )
    assert at >= 19 or expected[0].reason is not None
    assert all(f.reason in {None, Reason.EVIDENCE_FAILED} for f in unexpected)


def test_a_piece_that_is_not_what_the_manifest_signed_is_not_read(tmp_path: Path) -> None:
    signature = raw_signature(A)
    file = tmp_path / "a.sig"
    file.write_bytes(signature)
    content = tmp_path / "a"
    content.write_bytes(A)
    prover = Prover(open_trust(trust_file(document(anchors=[pem_anchor()]))).trust, NOW)
    artifact = Artifact("artifacts/files/a", len(A), hashlib.sha256(A).digest(), "pkg:generic/a")
    whole = Document("documents/files/a.sig", len(signature), hashlib.sha256(signature).digest(), Role.SIGNATURE, "x/y")

    for document_, name in (
        (whole._replace(sha256=bytes(32)), str(file)),
        (whole._replace(size=MAX_PIECE + 1), str(file)),
        (whole, ""),
    ):
        assert results(prover.prove(artifact, [(document_, name)], {}, str(content))) == [("signature", "unsupported")]
    assert results(prover.prove(artifact, [(whole, str(file))], {}, str(content))) == [("raw", "verified")]


def test_without_the_content_that_a_signature_needs_nothing_is_verified(tmp_path: Path) -> None:
    prover = Prover(open_trust(trust_file(document(anchors=[pem_anchor()]))).trust, NOW)
    signature = raw_signature(A)
    file = tmp_path / "a.sig"
    file.write_bytes(signature)
    one = Document("documents/files/a.sig", len(signature), hashlib.sha256(signature).digest(), Role.SIGNATURE, "x/y")
    artifact = Artifact("artifacts/files/a", len(A), hashlib.sha256(A).digest(), "pkg:generic/a")

    (finding,) = prover.prove(artifact, [(one._replace(path="documents/files/a.sig"), str(file))], {}, "")
    assert finding.result in {Result.VERIFIED, Result.FAILED}  # ECDSA needs the digest only
    minisign = minisig(A)
    file.write_bytes(minisign)
    two = Document("documents/files/a.minisig", len(minisign), hashlib.sha256(minisign).digest(), Role.SIGNATURE, "x/y")
    prover = Prover(open_trust(trust_file(document(anchors=[minisign_anchor()]))).trust, NOW)
    (finding,) = prover.prove(artifact, [(two, str(file))], {}, "")
    assert (finding.result, finding.reason) == (Result.FAILED, Reason.EVIDENCE_FAILED)


def test_a_judge_without_a_trust_document_verifies_nothing_and_still_refutes(tmp_path: Path) -> None:
    prover = Prover(None, NOW)

    pieces = {"a.sig": raw_signature(A), "carol.pem": (CAROL.public.pem, Role.KEY)}
    (good,) = _prove(prover, tmp_path, "a", A, pieces)
    (bad,) = _prove(prover, tmp_path, "a", B, pieces)

    assert (good.result, good.reason) == (Result.UNTRUSTED_KEY, None)
    assert (bad.result, bad.reason) == (Result.FAILED, Reason.EVIDENCE_FAILED)


CLEAR = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
JSON = {
    Format.SIGSTORE: b'{"verificationMaterial": {}, "messageSignature": {}}',
    Format.DSSE: b'{"payload": "", "payloadType": "x", "signatures": []}',
    Format.PEP740: b'{"version": 1, "attestation_bundles": []}',
    Format.NPM_ATTESTATION: b'{"attestations": []}',
    Format.NPM_SIGNATURE: b'{"name": "a", "version": "1", "integrity": "x", "signatures": []}',
    Format.COSIGN_BLOB: b'{"base64Signature": "x"}',
    Format.COSIGN_IMAGE: b'{"schemaVersion": 2, "layers": []}',
    Format.MODEL_SIGNING: (
        b'{"verificationMaterial": {}, "dsseEnvelope": {"payload": '
        b'"eyJwcmVkaWNhdGVUeXBlIjoiaHR0cHM6Ly9tb2RlbF9zaWduaW5nL3NpZ25hdHVyZS92MS4wIn0="}}'
    ),
}


@pytest.mark.parametrize(("format_", "content"), JSON.items())
def test_json_is_told_apart_by_its_members(format_: Format, content: bytes) -> None:
    assert recognise(piece("x.json", content)) is format_


def test_a_model_s_signature_with_a_broken_statement_is_one_still() -> None:
    broken = JSON[Format.MODEL_SIGNING].replace(b"eyJw", b"eyJx")

    assert recognise(piece("m/model.sig", broken)) is Format.MODEL_SIGNING
    assert recognise(piece("x.sigstore.json", broken)) is Format.SIGSTORE


@pytest.mark.parametrize(
    ("name", "content", "format_"),
    [
        ("a.asc", b"-----BEGIN PGP SIGNATURE-----\n", Format.OPENPGP),
        ("a.asc", b"\n\n-----BEGIN PGP SIGNATURE-----\n", Format.OPENPGP),
        ("a.gpg", b"\x89\x00\x03\x04ab", Format.OPENPGP),
        ("a.sig", b"\x88\x03\x04ab\x88\x02\x06a", Format.OPENPGP),
        ("a.sig", b"\x8a\x00\x00\x00\x03\x04ab", Format.OPENPGP),
        ("a.sig", b"\xc2\x03\x04ab", Format.OPENPGP),
        ("a.sig", b"\xc2\xc0\x00\x04" + bytes(191), Format.OPENPGP),
        ("a.sig", b"\xc2\xff\x00\x00\x00\x03\x04ab", Format.OPENPGP),
        ("a.sig", b"\xc2\xe0\x04ab", Format.RAW),
        ("a.sig", b"\xc2\x03", Format.RAW),
        ("a.sig", b"\x89\x02\x33", Format.RAW),
        ("a.sig", b"\x88\x03\x04abc", Format.RAW),
        ("a.sig", b"\x88\x03\x09ab", Format.RAW),
        ("SHA256SUMS.asc", CLEAR, Format.OPENPGP_CLEAR),
        ("InRelease", CLEAR, Format.DEBIAN),
        ("Release", b"Origin: Debian\n", Format.DEBIAN),
        ("a.sig", b"-----BEGIN SSH SIGNATURE-----\n", Format.SSHSIG),
        ("a.sig", b"untrusted comment: x\nRUQ=\n", Format.SIGNIFY),
        ("a.minisig", b"untrusted comment: x\nRUQ=\ntrusted comment: y\nAA==\n", Format.MINISIGN),
        ("a.p7s", b"-----BEGIN CMS-----\n", Format.CMS),
        ("a.p7s", bytes.fromhex("3082012306092a864886f70d010702a0820114"), Format.CMS),
        ("a.intoto.jsonl", b'{"payload": "", "payloadType": ""}\n{"payload": "", "payloadType": ""}\n', Format.DSSE),
        ("a.json", b"[1]", None),
        ("a.json", b'{"a": ', None),
        ("a.json", b'{"a": \xff}', Format.RAW),
        ("a.json", b"[" * 100_000, None),
        ("a.sig", b"", None),
    ],
)
def test_a_format_is_recognised_by_what_is_in_it(name: str, content: bytes, format_: Format | None) -> None:
    assert recognise(piece(name, content)) is format_


def test_keys_and_data_are_no_evidence_of_their_own() -> None:
    for role in (Role.KEY, Role.ANCHOR_DATA, Role.INDEX):
        one = Piece("documents/keys/a.asc", role, "x/y", b"-----BEGIN PGP SIGNATURE-----\n")
        assert recognise(one) is None
        assert not needs(one).digests
        assert not needs(one).is_message


def test_every_format_has_a_verifier_and_anchors_that_say_whose_signature_is_expected() -> None:
    assert MODULES.keys() == ANCHORS.keys() == set(Format) - {Format.OPENPGP_CLEAR, Format.SUMS}
    assert CAROL.public.key_id != EVE.public.key_id


@pytest.mark.parametrize("fault", [ValueError("x"), OSError(5, "x"), RecursionError(), KeyError("x")])
def test_a_verifier_that_raises_has_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    from airgap.evidence import raw
    from airgap.evidence import sums as lists

    def fail(*_: Any) -> Any:
        raise fault

    for module, name in ((raw, "verify"), (lists, "verify_list"), (openpgp, "read_clear")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, fail)
            given: dict[str, dict[str, Any]] = {
                "verify": {"a.sig": raw_signature(A)},
                "verify_list": {"SHA256SUMS": (SUMS, Role.ATTESTATION), "SHA256SUMS.sig": raw_signature(SUMS)},
                "read_clear": {"SHA256SUMS.asc": CLEAR},
            }
            (finding,) = prove(tmp_path, "a", A, given[name], pem_anchor())
        assert (finding.result, finding.reason) == (Result.FAILED, Reason.EVIDENCE_FAILED)
        assert finding.got.startswith("a fault of its verifier")


class PanicException(BaseException):
    """As pyo3 raises it where Rust panics."""


def test_a_library_that_panics_has_refused_and_who_stops_the_program_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airgap.evidence import raw

    def fail(*_: Any) -> Any:
        raise fault

    monkeypatch.setattr(raw, "verify", fail)
    fault: BaseException = PanicException("called `Option::unwrap()` on a `None` value")
    (finding,) = prove(tmp_path, "a", A, {"a.sig": raw_signature(A)}, pem_anchor())
    assert (finding.result, finding.reason) == (Result.FAILED, Reason.EVIDENCE_FAILED)

    fault = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        prove(tmp_path, "a", A, {"a.sig": raw_signature(A)}, pem_anchor())


def test_a_registry_s_attestation_under_another_heading_is_still_the_registry_s(tmp_path: Path) -> None:
    one = b'{"attestations": [{"predicateType": "%b", "bundle": {"verificationMaterial": {"publicKey": {}}}}]}'
    pieces = {"a.attestations.json": (one % b"https://example.com/new/v1", Role.ATTESTATION)}
    anchor = {"name": "npm", "kind": "npm-keys", "pin": "0" * 64, "artifacts": ["pkg:*"], "settings": {}}

    (expected,) = prove(tmp_path, "a", A, pieces, anchor)
    (unexpected,) = prove(tmp_path, "a", A, pieces, minisign_anchor())

    assert (expected.result, expected.reason) == (Result.UNSUPPORTED, Reason.EVIDENCE_UNSUPPORTED)
    assert unexpected.reason is None


def test_a_raw_signature_is_never_taken_for_another_format() -> None:
    # one in fifty begins like an OpenPGP packet, JSON or a blank
    for number in range(20_000):
        content = hashlib.sha512(b"%d" % number).digest()
        assert recognise(piece("a.sig", content)) is Format.RAW


def test_the_command_that_would_pin_a_key_runs_nothing_that_others_wrote() -> None:
    import shlex

    hint = pin_hint(Kind.X509, "ab", "pkg:generic/a", subject="CN='; touch x; '$(id)")

    assert shlex.split(hint)[-1] == "subject=CN='; touch x; '$(id)"
    assert shlex.split(hint)[:4] == ["airgap", "trust", "anchor", "add"]


def test_halves_of_characters_that_others_wrote_are_spelled_out(tmp_path: Path) -> None:
    subject_ = Subject(path="artifacts/files/a", purl="pkg:generic/a", size=0, digests={"sha256": bytes(32)}, file="")
    bench = Bench.of(subject_, piece("a.sig", b""), "raw", note="\ud800", fingerprint="sha256:ab")
    odd = bench.failed("\udfff", "fine", identity="\ud800x")

    plain = encodable(odd)

    assert (plain.expected, plain.got, plain.identity) == ("'\\udfff'", "fine", "'\\ud800x'")
    assert plain.proof is not None
    assert (plain.proof.note, plain.proof.fingerprint) == ("'\\ud800'", "sha256:ab")
    assert encodable(plain) is plain
    canonical.encode(plain.value())
    assert encodable(replace(odd, proof=None)).proof is None


def test_a_clearsigned_text_that_is_no_list_is_carried_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airgap.evidence import openpgp

    def read(subject: Subject, one: Piece, *_: Any) -> tuple[bytes, list[Finding]]:
        return b"release notes\n", [Bench.of(subject, one, "openpgp").verified("carol")]

    monkeypatch.setattr(openpgp, "read_clear", read)
    (finding,) = prove(tmp_path, "a", A, {"a.asc": CLEAR})

    assert (finding.result, finding.reason) == (Result.UNSUPPORTED, None)
    assert finding.got.endswith("a clearsigned text that is no checksum list")


def test_an_ed25519_key_signs_messages_and_no_digests() -> None:
    with pytest.raises(FormatError, match="expected RSA or ECDSA for a digest, got ed25519"):
        Key.parse(MINA.public.spki).is_digest_signed(bytes(32), bytes(64))


GENUINE, EVIL = b"genuine release\n", b"evil release\n"


@pytest.mark.parametrize("role", [Role.KEY, Role.INDEX, Role.SIGNATURE, Role.ATTESTATION])
@pytest.mark.parametrize("content", [GENUINE, SUMS])
def test_a_piece_with_a_shorter_name_does_not_take_the_artifact_s_signature_away(
    tmp_path: Path, role: Role, content: bytes
) -> None:
    decoy = {"tool.tar": (content, role), "tool.tar.gz.sig": raw_signature(GENUINE)}

    against = [finding for finding in prove(tmp_path, "tool.tar.gz", EVIL, decoy, pem_anchor()) if finding.reason]

    assert ("artifacts/files/tool.tar.gz", Result.FAILED) in [(finding.subject, finding.result) for finding in against]


def test_a_signature_is_about_the_piece_with_the_longest_name(tmp_path: Path) -> None:
    signature = raw_signature(SUMS)
    pieces = {
        "SHA256SUMS": (SUMS, Role.ATTESTATION),
        "SHA256SUMS.sig": signature,
        "SHA256SUMS.sig.sig": raw_signature(signature),
    }

    found = prove(tmp_path, "a", A, pieces, pem_anchor())

    assert [(finding.subject, finding.result) for finding in found] == [
        ("artifacts/files/a", Result.VERIFIED),
        ("documents/files/SHA256SUMS.sig", Result.VERIFIED),
    ]


def test_what_signs_a_list_that_is_carried_as_mere_data_is_judged_still(tmp_path: Path) -> None:
    for by, result in ((CAROL, Result.VERIFIED), (EVE, Result.FAILED)):
        pieces = {"SHA256SUMS": (SUMS, Role.INDEX), "SHA256SUMS.sig": raw_signature(SUMS, by=by)}
        (finding,) = prove(tmp_path, "a", EVIL, pieces, pem_anchor())
        assert (finding.subject, finding.result) == ("documents/files/SHA256SUMS", result)


@pytest.mark.parametrize("other", ["b/Release", "Releases"])
def test_only_the_release_beside_it_explains_a_release_gpg(tmp_path: Path, other: str) -> None:
    pieces = {"Release.gpg": raw_signature(GENUINE), other: (b"x", Role.INDEX)}

    (finding,) = prove(tmp_path, "a", EVIL, pieces, pem_anchor())

    assert finding.reason is Reason.EVIDENCE_FAILED


def test_a_list_is_judged_anew_where_other_keys_lie_beside_it(tmp_path: Path) -> None:
    prover = Prover(None, NOW)
    changed = {"SHA256SUMS": (SUMS, Role.ATTESTATION), "SHA256SUMS.sig": raw_signature(GENUINE, by=EVE)}

    (without,) = _prove(prover, tmp_path, "a", A, changed)
    (with_key,) = _prove(prover, tmp_path, "dir/b", B, changed | {"eve.pem": (EVE.public.pem, Role.KEY)})

    assert (without.result, without.reason) == (Result.UNTRUSTED_KEY, None)
    assert (with_key.result, with_key.reason) == (Result.FAILED, Reason.EVIDENCE_FAILED)


def test_evidence_that_a_bundle_repeats_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airgap.evidence.prove.MAX_EVIDENCE", 3000)
    filler = {f"a.sig{number}.att": (b"x" * 1000, Role.ATTESTATION) for number in range(5)}
    signature = {"a.sig": raw_signature(A, by=EVE)}

    found = prove(tmp_path, "a", A, filler | signature, pem_anchor())

    assert {(f.proof.document, f.result, f.reason) for f in found if f.reason and f.proof} == {
        ("documents/files/a.sig", Result.FAILED, Reason.EVIDENCE_FAILED)
    }
    read = []

    def counted(one: Piece) -> Any:
        read.append(len(one.content))
        return needs(one)

    prover = Prover(None, NOW)
    monkeypatch.setattr("airgap.evidence.prove.needs", counted)
    documents = []
    for name, (content, role) in filler.items():
        sha256 = hashlib.sha256(content).digest()
        documents.append((Document(f"documents/files/{name}", 1000, sha256, role, "x/y"), str(tmp_path / name)))
    prover.needs(Artifact("artifacts/files/a", len(A), bytes(32), "pkg:generic/a"), documents)
    assert read == [1000, 1000, 1000, 0, 0]


def test_five_million_packets_are_told_to_be_openpgp_by_the_first_of_them() -> None:
    broken_late = b"\x88\x01\x04" * (MAX_PIECE // 3 - 1) + b"\xff"

    assert recognise(piece("a.sig", broken_late)) is Format.OPENPGP


def test_more_evidence_than_anybody_needs_is_refused(tmp_path: Path) -> None:
    prover = Prover(open_trust(trust_file(document(anchors=[pem_anchor()]))).trust, NOW)
    file = tmp_path / "a.sig"
    file.write_bytes(raw_signature(A))
    one = Document("documents/files/a.sig", 1, bytes(32), Role.SIGNATURE, "x/y")
    stored = [(one._replace(path=f"documents/files/a.{number}.sig"), str(file)) for number in range(MAX_PIECES + 1)]
    artifact = Artifact("artifacts/files/a", len(A), hashlib.sha256(A).digest(), "pkg:generic/a")

    prover.needs(artifact, stored)
    (finding,) = prover.prove(artifact, stored, {}, str(file))

    assert (finding.reason, finding.got) == (Reason.EVIDENCE_FAILED, f"{MAX_PIECES + 1}")
    assert len(prover.prove(artifact, stored[:-1], {}, str(file))) == MAX_PIECES
