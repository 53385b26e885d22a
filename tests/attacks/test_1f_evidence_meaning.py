"""Threats 1f against producers' evidence: what was signed, by which rules, for which purpose, and when."""

# ruff: noqa: N802 -- the number of the threat is part of a test's name

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pysequoia
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from airgap.core.entries import Role
from airgap.core.reasons import Reason
from airgap.core.verdict import Result
from airgap.evidence import openpgp
from tests.attacks.certified import (
    REPOSITORY,
    authority,
    authority_piece,
    bundle,
    ca_anchor,
    certified,
    cms,
    publisher,
)
from tests.attacks.forms import CONTENT, Form, by_key, edited, larger, pinned, plain, sshsig, vouches
from tests.boundaries.producers import workflow
from tests.evidence.issuing import CODE, DAY, NOON, purpose
from tests.evidence.issuing import authority as issue_authority
from tests.evidence.sigstore_forge import Content, Instance, instance, statement
from tests.forge.keys import key
from tests.forge.producers import CAROL, MINA, minisig, pem_anchor, raw_signature
from tests.forge.text import base64_of, encode, envelope, pae

FORMS = {form.kind: form for form in (*plain(), *larger(), *certified())}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
EVIL = b"evil\n"


def result(form: Form, folder: Path, piece: bytes | None = None, **more: Any) -> Result:
    """The one result about a piece; nobody vouches unless it is verified."""
    (finding,) = found = form.prove(folder, piece, **more)
    assert bool(vouches(form, found)) == (finding.result is Result.VERIFIED)
    return finding.result


def over_sha512() -> bytes:
    """Carol's signature over SHA-512, which does not belong to her curve."""
    private = serialization.load_pem_private_key(CAROL.pem(None), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return private.sign(CONTENT, ec.ECDSA(hashes.SHA512()))


def test_T128_the_anchor_says_the_hash_and_not_the_signature(tmp_path: Path) -> None:
    stronger = {**pem_anchor(), "settings": {"hash": "sha512"}}

    assert result(FORMS["raw"], tmp_path, over_sha512()) is Result.FAILED
    assert result(FORMS["raw"], tmp_path, over_sha512(), anchors=[stronger]) is Result.VERIFIED
    assert result(FORMS["raw"], tmp_path, anchors=[stronger]) is Result.FAILED


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_T128_a_public_key_is_no_secret_of_a_mac_and_no_algorithm_is_none(tmp_path: Path, algorithm: str) -> None:
    said = json.loads(FORMS["dsse"].good)
    payload = base64.b64decode(said["payload"])
    mac = hmac.digest(CAROL.public.spki, pae(said["payloadType"], payload), "sha256") if algorithm == "HS256" else b"\0"
    one = {"alg": algorithm, "keyid": CAROL.public.key_id, "sig": base64_of(mac)}

    assert result(FORMS["dsse"], tmp_path, edited(FORMS["dsse"].good, "signatures", to=[one])) is Result.FAILED


OTHER_ALGORITHMS = [
    ("sshsig", sshsig(CONTENT, MINA, algorithm=b"rsa-sha2-512"), Result.FAILED),
    ("sshsig", sshsig(CONTENT, MINA, algorithm=b"ssh-rsa"), Result.WEAK_ALGORITHM),
    ("npm-signature", edited(FORMS["npm-signature"].good, "integrity", to="sha1-AAAA"), Result.WEAK_ALGORITHM),
    ("npm-signature", edited(FORMS["npm-signature"].good, "integrity", to="sha256-AAAA"), Result.FAILED),
    ("sigstore", edited(FORMS["sigstore"].good, "messageSignature", "messageDigest", "algorithm", to="MD5"), Result.FAILED),
    ("minisign", minisig(CONTENT).replace(base64.b64encode(b"ED")[:2], base64.b64encode(b"Ed")[:2]), Result.UNSUPPORTED),
    ("signify", FORMS["signify"].good.replace(b"RW", b"RU"), Result.FAILED),
    ("cms", cms(authority("ca"), "ca", digest="sha1"), Result.WEAK_ALGORITHM),
    ("raw", raw_signature(CONTENT, by=key("carol, but ed25519")), Result.FAILED),
]


@pytest.mark.parametrize(("kind", "piece", "expected"), OTHER_ALGORITHMS)
def test_T128_another_algorithm_than_the_key_s_vouches_for_nothing(
    tmp_path: Path, kind: str, piece: bytes, expected: Result
) -> None:
    assert result(FORMS[kind], tmp_path, piece) is expected


def test_T129_another_payload_type_is_no_statement_whether_it_was_signed_or_written_over_it(tmp_path: Path) -> None:
    payload = base64.b64decode(json.loads(FORMS["dsse"].good)["payload"])
    signed = encode(envelope("application/vnd.example+json", payload, [CAROL]))

    assert result(FORMS["dsse"], tmp_path, signed) is Result.UNSUPPORTED
    relabelled = edited(FORMS["dsse"].good, "payloadType", to="application/vnd.example+json")
    assert result(FORMS["dsse"], tmp_path, relabelled) is Result.FAILED


def test_T129_a_signature_for_another_purpose_vouches_for_nothing(tmp_path: Path) -> None:
    said = Content(payload=statement("a.txt", CONTENT), payload_type="text/plain")
    signer = workflow("mini", REPOSITORY, "2.0")
    other_type = json.dumps(instance("mini").bundle(signer, said, ("dsse", "0.0.1"))).encode()

    assert result(FORMS["sigstore"], tmp_path, other_type) is Result.FAILED
    assert result(FORMS["sshsig"], tmp_path, sshsig(CONTENT, MINA, b"git")) is Result.FAILED
    model = edited(FORMS["model-signing"].good, "dsseEnvelope", "payloadType", to="text/plain")
    assert result(FORMS["model-signing"], tmp_path, model) is Result.FAILED


@pytest.mark.parametrize("settings", [{}, {"format": "raw"}, {"format": "dsse"}])
def test_T129_what_a_key_signed_in_an_envelope_is_no_file(tmp_path: Path, settings: dict[str, str]) -> None:
    # one key for both is the producer's choice, and a bare signature has no room for its purpose
    said = json.loads(FORMS["dsse"].good)
    content = pae(said["payloadType"], base64.b64decode(said["payload"]))
    piece = base64.b64decode(said["signatures"][0]["sig"])
    anchor = {**pem_anchor(), "settings": settings}

    assert result(FORMS["raw"], tmp_path, piece, content=content, anchors=[anchor]) is Result.FAILED


@pytest.mark.parametrize("kind", ["dsse", "sigstore", "npm-signature", "model-signing", "cosign-blob", "pep740"])
def test_T130_a_piece_that_two_readers_read_differently_is_refused(tmp_path: Path, kind: str) -> None:
    piece = FORMS[kind].good
    name = next(iter(json.loads(piece)))
    twice = piece.replace(b"{", b'{"%b": null, ' % name.encode(), 1)

    assert json.loads(twice) == json.loads(piece)
    assert result(FORMS[kind], tmp_path, twice) is Result.FAILED


def listing(content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  a.txt\n".encode()


def test_T130_lines_around_a_clearsigned_list_promise_nothing(tmp_path: Path) -> None:
    maker = pysequoia.Tsk.generate(user_id="Ann", cipher_suite=pysequoia.CipherSuite.Cv25519)
    clear = pysequoia.sign(maker.signer(), listing(CONTENT), mode=pysequoia.SignatureMode.CLEAR)
    certificate = bytes(maker.extract_certificate())
    form = Form(
        kind="sums",
        place="files/SHA256SUMS.asc",
        good=clear,
        forged=b"",
        anchor=pinned("openpgp", openpgp.read_pin(certificate).pin),
        beside=by_key(certificate),
        key_id="",
    )
    inside = clear.replace(b"\n\n", b"\n\n" + listing(EVIL), 1)
    at = datetime.now(UTC) + timedelta(minutes=1)

    assert result(form, tmp_path, at=at) is Result.VERIFIED
    for piece in (listing(EVIL) + clear, clear + listing(EVIL), inside, clear.replace(b"Hash:", b"Note: x\nHash:")):
        for content in (CONTENT, EVIL):
            found = form.prove(tmp_path, piece, content=content, at=at)
            assert vouches(form, found) == frozenset()


def test_T130_lines_behind_a_signify_list_that_were_not_signed_promise_nothing(tmp_path: Path) -> None:
    form = replace(FORMS["signify"], place="files/SHA256.sig")
    signature = FORMS["signify"].good.split(b"\n")[0] + b"\n"
    packed = base64.b64decode(FORMS["signify"].good.split(b"\n")[1])
    signed = signature + base64.b64encode(packed[:10] + MINA.sign(listing(CONTENT))) + b"\n" + listing(CONTENT)

    assert result(form, tmp_path, signed) is Result.VERIFIED
    for content in (CONTENT, EVIL):
        assert result(form, tmp_path, signed + listing(EVIL), content=content) is Result.FAILED


@every_form
def test_T132_a_signature_of_another_file_speaks_against_this_one(tmp_path: Path, form: Form) -> None:
    (finding,) = found = form.prove(tmp_path, content=EVIL)

    assert (finding.result, finding.reason) == (Result.FAILED, Reason.EVIDENCE_FAILED)
    assert finding.subject == f"artifacts/files/{form.name}"
    assert finding.proof is not None
    assert finding.proof.document == f"documents/{form.place}"
    assert vouches(form, found) == frozenset()


@pytest.mark.parametrize("kind", ["npm-signature", "pep740", "model-signing"])
def test_T132_the_same_bytes_under_another_name_are_not_what_was_signed(tmp_path: Path, kind: str) -> None:
    form = FORMS[kind]
    other = replace(form, name=form.name.replace("w", "v"), purl=form.purl.replace("widget", "vidget"))

    assert result(other, tmp_path) is Result.FAILED


def test_T132_a_minisign_comment_that_names_another_file_speaks_against_this_one(tmp_path: Path) -> None:
    assert result(FORMS["minisign"], tmp_path, minisig(CONTENT, comment=b"file:a.txt")) is Result.VERIFIED
    assert result(FORMS["minisign"], tmp_path, minisig(CONTENT, comment=b"file:b.txt")) is Result.FAILED


@pytest.mark.parametrize("kind", ["raw", "dsse", "cosign-blob", "signify", "sshsig", "sigstore", "cms"])
def test_T132_other_forms_name_no_file_so_the_same_bytes_may_have_another_name(tmp_path: Path, kind: str) -> None:
    other = replace(FORMS[kind], name="b.txt", purl="pkg:generic/b.txt")

    assert result(other, tmp_path) is Result.VERIFIED


def test_T133_a_log_entry_of_another_artifact_is_no_proof_for_this_one(tmp_path: Path) -> None:
    ours, other = (json.loads(json.dumps(bundle(content=content))) for content in (CONTENT, EVIL))
    entries = ours["verificationMaterial"]["tlogEntries"], other["verificationMaterial"]["tlogEntries"]

    for logged in (entries[1], [*entries[0], *entries[1]]):
        piece = edited(FORMS["sigstore"].good, "verificationMaterial", "tlogEntries", to=logged)
        assert result(FORMS["sigstore"], tmp_path, piece) is Result.FAILED
    piece = edited(FORMS["pep740"].good, "verification_material", "transparency_entries", to=entries[0])
    assert result(FORMS["pep740"], tmp_path, piece) is Result.FAILED


@pytest.mark.parametrize("is_stamped", [True, False])
def test_T134_a_bundle_that_no_log_vouches_for_is_refused_unless_the_anchor_knows_of_none(
    tmp_path: Path, is_stamped: bool
) -> None:
    signer = workflow("mini", REPOSITORY, "2.0")
    unlogged = instance("mini").bundle(signer, Content(message=CONTENT), None, is_stamped=is_stamped)
    piece = json.dumps(unlogged).encode()

    assert result(FORMS["sigstore"], tmp_path, piece) is Result.FAILED
    private = publisher(**{"tsa-only": "yes"})
    assert result(FORMS["sigstore"], tmp_path, piece, anchors=[private]) is (
        Result.VERIFIED if is_stamped else Result.FAILED
    )


@pytest.mark.parametrize(("end", "expected"), [(NOON + DAY, Result.VERIFIED), (NOON - DAY, Result.FAILED)])
def test_T135_an_issuer_that_expired_before_its_leaf_signed_vouches_for_nothing(
    tmp_path: Path, end: datetime, expected: Result
) -> None:
    short = Instance("short")
    skid = x509.SubjectKeyIdentifier.from_public_key(short.ca_key.public_key())
    short.ca = issue_authority(
        "short intermediate",
        short.ca_key,
        short.root,
        short.root_key,
        length=0,
        extensions=[purpose(CODE), (skid, False)],
        start=NOON - 9 * DAY,
        end=end,
    )
    piece = json.dumps(short.bundle(short.signer(), Content(message=CONTENT))).encode()
    root = short.trusted_root()
    anchor = {**publisher(), "pin": hashlib.sha256(root).hexdigest()}

    (finding,) = FORMS["sigstore"].prove(
        tmp_path, piece, beside={"keys/root.json": (root, Role.ANCHOR_DATA)}, anchors=[anchor]
    )

    assert finding.result is expected
    assert ("not valid at validation time" in finding.got) == (expected is Result.FAILED)


def test_T135_an_authority_that_expired_vouches_for_no_leaf_that_did_not(tmp_path: Path) -> None:
    gone = authority("ca", end=-DAY)
    known = {"beside": authority_piece(gone), "anchors": [ca_anchor(gone)]}

    assert result(FORMS["cms"], tmp_path, cms(gone, "ca"), **known) is Result.EXPIRED_AT_SIGNING


@every_form
def test_T141_a_revoked_key_speaks_against_what_it_signed(tmp_path: Path, form: Form) -> None:
    (finding,) = found = form.prove(tmp_path, withdrawn=form.key_id)

    assert (finding.result, finding.reason) == (Result.REVOKED, Reason.EVIDENCE_REVOKED)
    assert "stolen" in finding.got
    assert vouches(form, found) == frozenset()


@every_form
def test_T141_a_key_vouches_for_nothing_outside_of_its_anchor_s_patterns(tmp_path: Path, form: Form) -> None:
    elsewhere = {**form.anchor, "artifacts": ["pkg:generic/other"]}

    (finding,) = found = form.prove(tmp_path, anchors=[elsewhere])

    assert (finding.result, finding.reason) == (Result.UNTRUSTED_KEY, None)
    assert vouches(form, found) == frozenset()
