"""CMS signatures by certificates of a pinned authority."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import algos, cms, core  # type: ignore[import-untyped]
from asn1crypto.crl import CertificateList  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from airgap.core.anchors import Anchor, Kind
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.verdict import Finding, Result
from airgap.evidence.cms import read_pin, verify
from airgap.evidence.subject import Piece
from airgap.evidence.x509.certificates import der_of, key_of, pin_of, read_certificates
from airgap.evidence.x509.signed_data import SignedData
from airgap.evidence.x509.signer import Held, check_signer
from tests.evidence.bench import NOW, anchor, piece, pins, subject
from tests.evidence.issuing import CODE, DAY, NOON, STAMP, authority, issue, key, name, purpose
from tests.evidence.signing import attribute, bound, make, raw_attribute, stamp

VECTORS = Path(__file__).parent / "vectors" / "cms"
CONTENT = (VECTORS / "content").read_bytes()
(ROOT,) = read_certificates((VECTORS / "root.pem").read_bytes())
(SIGNER,) = read_certificates((VECTORS / "signer.pem").read_bytes())
ECDSA = ec.ECDSA(hashes.SHA256())
LATER = datetime(2028, 1, 1, tzinfo=UTC)
"""When the signer's certificate is over and its authority's is not."""

OWN_ROOT_KEY, OWN_KEY = key(name="own root"), key(name="own")
OWN_ROOT = authority("own root", OWN_ROOT_KEY, end=NOW + DAY)
OWN = issue("own", OWN_KEY, OWN_ROOT, OWN_ROOT_KEY, extensions=[purpose(CODE)], end=NOW + DAY)


def pinned(root: x509.Certificate = ROOT, who: str = "producer", **settings: str) -> Anchor:
    """An anchor that holds its certificate; of the vectors' signer, when nobody else is named."""
    if not settings.keys() & {"subject", "email", "nobody"}:
        settings["subject"] = "CN=signer"
    return anchor(Kind.X509, pin_of(root), name=who, material=base64.b64encode(der_of(root)).decode(), **settings)


def vector(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def judged(
    folder: Path,
    signature: bytes,
    *anchors: Anchor,
    content: bytes = CONTENT,
    beside: Sequence[Piece] = (),
    at: datetime = NOW,
    revoked: dict[str, str] | None = None,
) -> list[Finding]:
    signed = piece("a.txt.p7s", signature)
    return verify(subject(folder, content), signed, beside, pins(*anchors, at=at, revoked=revoked))


def one(folder: Path, signature: bytes, *anchors: Anchor, **more: Any) -> Finding:
    (finding,) = judged(folder, signature, *(anchors or (pinned(),)), **more)
    return finding


def own(folder: Path, signature: bytes, **more: Any) -> Finding:
    """The same for a document that the test made."""
    return one(folder, signature, pinned(OWN_ROOT, subject="CN=own"), content=b"made here", **more)


@pytest.mark.parametrize(
    ("signature", "algorithm"),
    [
        ("plain.p7s", "ecdsa-p256/sha256"),
        ("bare.p7s", "ecdsa-p256/sha256"),
        ("key-identifier.p7s", "ecdsa-p256/sha256"),
        ("sha512.p7s", "ecdsa-p256/sha512"),
        ("embedded.p7m", "ecdsa-p256/sha256"),
        ("armored.p7s", "ecdsa-p256/sha256"),
        ("smime.p7s", "ecdsa-p256/sha256"),
        ("rsa.p7s", "rsa-2048/sha256"),
        ("rsa-bare.p7s", "rsa-2048/sha256"),
        ("pss.p7s", "rsa-2048/sha256"),
    ],
)
def test_what_openssl_signed_is_verified(tmp_path: Path, signature: str, algorithm: str) -> None:
    who = "rsa" if algorithm.startswith("rsa") else "signer"
    finding = one(tmp_path, vector(signature), pinned(subject=f"CN={who}"))

    assert finding.result is Result.VERIFIED
    assert finding.identity == f"CN={who}"
    assert finding.proof is not None
    assert (finding.proof.anchor, finding.proof.algorithm) == ("producer", algorithm)
    assert (finding.proof.key_then, finding.proof.key_now, finding.proof.vouches) == ("valid", "valid", "publisher")
    is_bare = "bare" in signature
    assert (finding.proof.signed_at, finding.proof.time_proof) == (
        ("", "") if is_bare else ("2026-06-01T12:00:00Z", "claimed")
    )


@pytest.mark.parametrize("signature", ["plain.p7s", "bare.p7s", "embedded.p7m", "pss.p7s", "rsa-bare.p7s"])
def test_the_same_signature_over_other_content_fails(tmp_path: Path, signature: str) -> None:
    finding = one(tmp_path, vector(signature), content=CONTENT + b"!")
    assert finding.result is Result.FAILED
    assert finding.expected == "a CMS signature of this file that holds"


def test_each_signature_of_a_document_has_its_finding(tmp_path: Path) -> None:
    found = judged(tmp_path, vector("two.p7s"), pinned(who="one"), pinned(who="other", subject="CN=rsa"))
    assert sorted((f.identity, f.result, f.proof.anchor) for f in found if f.proof) == [
        ("CN=rsa", Result.VERIFIED, "other"),
        ("CN=signer", Result.VERIFIED, "one"),
    ]


def test_an_authority_that_nobody_pinned_is_named_with_the_command_that_would_pin_it(tmp_path: Path) -> None:
    finding = one(tmp_path, vector("plain.p7s"), anchor(Kind.X509, "0" * 64, subject="CN=signer"))
    (middle,) = read_certificates(vector("middle.pem"))

    assert finding.result is Result.UNTRUSTED_KEY
    assert finding.got == f"CN=signer, issued by CN=Middle, {key_of(SIGNER).fingerprint}"
    assert finding.proof is not None
    assert f"--kind x509 --pin '{pin_of(middle)}'" in finding.proof.hint
    assert finding.proof.hint.endswith("--set 'subject=CN=signer'")


def test_the_pinned_certificate_may_travel_beside_the_artifact(tmp_path: Path) -> None:
    bare = anchor(Kind.X509, pin_of(ROOT), subject="CN=signer")
    assert one(tmp_path, vector("plain.p7s"), bare).result is Result.UNTRUSTED_KEY
    for role in (Role.KEY, Role.ANCHOR_DATA):
        beside = [piece("root.pem", vector("root.pem"), role=role)]
        assert one(tmp_path, vector("plain.p7s"), bare, beside=beside).result is Result.VERIFIED
    other = [piece("root.pem", authority("Root", key()).public_bytes(Encoding.PEM), role=Role.KEY)]
    assert one(tmp_path, vector("plain.p7s"), bare, beside=other).result is Result.UNTRUSTED_KEY


def test_certificates_that_the_document_lacks_may_lie_beside_it(tmp_path: Path) -> None:
    lonely = one(tmp_path, vector("without-certificates.p7s"))
    assert (lonely.result, lonely.got) == (Result.UNTRUSTED_KEY, "a signature, and not the certificate that it names")
    beside = [piece("signer.pem", vector("signer.pem"), role=Role.KEY), piece("x", b"no certificate", role=Role.KEY)]
    assert one(tmp_path, vector("without-certificates.p7s"), beside=beside).result is Result.VERIFIED


def test_a_pin_or_material_that_cannot_be_read_matches_nothing(tmp_path: Path) -> None:
    for pin, material in (("?", ""), (pin_of(ROOT), "?"), (pin_of(ROOT), "AAAA"), ("", "")):
        bad = anchor(Kind.X509, pin, material=material, subject="CN=signer")
        assert one(tmp_path, vector("plain.p7s"), bad).result is Result.UNTRUSTED_KEY


@pytest.mark.parametrize("subject", ["CN=somebody", "CN=signer,O=more", "signer", "", "C=Nowhere"])
def test_another_name_under_the_same_authority_fails(tmp_path: Path, subject: str) -> None:
    finding = one(tmp_path, vector("plain.p7s"), pinned(subject=subject))
    assert (finding.result, finding.got) == (Result.FAILED, "CN=signer")
    assert finding.expected == f"a certificate of {subject!a}"


@pytest.mark.parametrize(("email", "result"), [("b@a.EXAMPLE", "verified"), ("B@a.example", "failed"), ("@", "failed")])
def test_a_signer_may_be_named_by_mail_address(tmp_path: Path, email: str, result: str) -> None:
    finding = one(tmp_path, vector("mail.p7s"), pinned(email=email, eku="email-protection"))
    assert finding.result == result
    assert "b@a.example" in finding.got or finding.result is Result.VERIFIED


def test_a_certificate_without_an_address_is_nobody_s(tmp_path: Path) -> None:
    finding = one(tmp_path, vector("plain.p7s"), pinned(email="b@a.example"))
    assert (finding.result, finding.got) == (Result.FAILED, "one of no address")


def test_an_anchor_that_names_nobody_vouches_for_nobody(tmp_path: Path) -> None:
    finding = one(tmp_path, vector("plain.p7s"), pinned(nobody="x"))
    assert (finding.result, finding.got) == (Result.FAILED, "producer, which names neither")


@pytest.mark.parametrize(
    ("signature", "eku", "result"),
    [
        ("mail.p7s", "code-signing", Result.FAILED),
        ("mail.p7s", "email-protection", Result.VERIFIED),
        ("mail.p7s", "any", Result.VERIFIED),
        ("plain.p7s", "email-protection", Result.FAILED),
        ("plain.p7s", "sorcery", Result.UNTRUSTED_KEY),
    ],
)
def test_the_certificate_has_to_be_for_the_purpose_of_the_anchor(
    tmp_path: Path, signature: str, eku: str, result: Result
) -> None:
    who = "CN=mail" if signature == "mail.p7s" else "CN=signer"
    assert one(tmp_path, vector(signature), pinned(subject=who, eku=eku)).result is result


def test_a_certificate_that_only_claims_the_pinned_issuer_fails(tmp_path: Path) -> None:
    thief = authority("own root", key(name="thief"), end=NOW + DAY)
    leaf = issue("own", OWN_KEY, thief, key(name="thief"), extensions=[purpose(CODE)], end=NOW + DAY)
    finding = own(tmp_path, make(b"made here", leaf, OWN_KEY))
    assert finding.result is Result.FAILED
    assert finding.expected == "a certificate that the pinned authority vouches for"


def test_without_a_proven_time_an_expired_certificate_is_not_believed(tmp_path: Path) -> None:
    finding = one(tmp_path, vector("plain.p7s"), at=LATER)
    assert finding.result is Result.EXPIRED_AT_SIGNING
    assert finding.expected == "a chain that is valid, or a proven time"
    assert finding.proof is not None
    assert (finding.proof.key_then, finding.proof.key_now, finding.proof.time_proof) == ("expired", "expired", "claimed")


def test_a_timestamp_proves_that_an_expired_certificate_was_valid(tmp_path: Path) -> None:
    finding = one(tmp_path, vector("stamped.p7s"), at=LATER)
    assert finding.result is Result.VERIFIED
    assert finding.proof is not None
    assert (finding.proof.signed_at, finding.proof.time_proof) == ("2026-06-01T12:00:00Z", "timestamp")
    assert (finding.proof.key_then, finding.proof.key_now, finding.proof.note) == ("valid", "expired", "")


def test_a_timestamp_of_something_else_proves_nothing(tmp_path: Path) -> None:
    finding = one(tmp_path, vector("stamped-elsewhere.p7s"), at=LATER)
    assert finding.result is Result.EXPIRED_AT_SIGNING
    assert finding.proof is not None
    assert finding.proof.note == "timestamp ignored: timestamp: expected one of this message, got one of another"


def stamped(content: bytes, tsa: x509.Certificate, tsa_key: Any, at: datetime, **more: Any) -> bytes:
    """A signature of the test with a timestamp in it."""

    def change(signer: Any) -> None:
        token = stamp(signer["signature"].native, tsa, tsa_key, at=at, **more)
        signer["unsigned_attrs"] = [attribute("signature_time_stamp_token", cms.ContentInfo.load(token))]

    return make(content, OWN, OWN_KEY, change_signer=change)


def test_a_timestamp_by_an_authority_that_nobody_pinned_proves_nothing(tmp_path: Path) -> None:
    tsa_key = key(name="tsa")
    tsa = issue("tsa", tsa_key, extensions=[purpose(STAMP, critical=True)], end=NOW + 99 * DAY)
    document = stamped(b"made here", tsa, tsa_key, NOON)
    assert own(tmp_path, document, at=NOW + 2 * DAY).result is Result.EXPIRED_AT_SIGNING
    found = judged(
        tmp_path, document, pinned(OWN_ROOT, subject="CN=own"), pinned(tsa), content=b"made here", at=NOW + 2 * DAY
    )
    assert found[0].result is Result.VERIFIED


def test_a_timestamp_from_before_the_certificate_was_issued_refutes_it(tmp_path: Path) -> None:
    tsa_key = key(name="tsa")
    tsa = issue("tsa", tsa_key, extensions=[purpose(STAMP, critical=True)], start=NOON - 900 * DAY)
    document = stamped(b"made here", tsa, tsa_key, NOON - 800 * DAY)
    found = judged(tmp_path, document, pinned(OWN_ROOT, subject="CN=own"), pinned(tsa), content=b"made here")
    assert found[0].result is Result.EXPIRED_AT_SIGNING
    assert found[0].proof is not None
    assert found[0].proof.key_then == "not-yet-valid"


def test_a_timestamp_by_a_revoked_authority_proves_nothing(tmp_path: Path) -> None:
    tsa_key = key(name="tsa")
    tsa = issue("tsa", tsa_key, extensions=[purpose(STAMP, critical=True)])
    document = stamped(b"made here", tsa, tsa_key, NOON)
    anchors = (pinned(OWN_ROOT, subject="CN=own"), pinned(tsa))
    (finding,) = judged(tmp_path, document, *anchors, content=b"made here", revoked={key_of(tsa).key_id: "stolen"})
    assert finding.proof is not None
    assert (finding.proof.time_proof, finding.proof.note) == ("", "timestamp ignored: its authority was revoked")


@pytest.mark.parametrize(("ahead", "proof"), [(23, "timestamp"), (25, "")])
def test_a_timestamp_that_has_not_come_yet_proves_nothing(tmp_path: Path, ahead: int, proof: str) -> None:
    tsa_key = key(name="tsa")
    tsa = issue("tsa", tsa_key, extensions=[purpose(STAMP, critical=True)], end=NOW + 99 * DAY)
    document = stamped(b"made here", tsa, tsa_key, NOON)
    anchors = (pinned(OWN_ROOT, subject="CN=own"), pinned(tsa))
    (finding,) = judged(tmp_path, document, *anchors, content=b"made here", at=NOON - DAY * ahead / 24)
    assert finding.proof is not None
    assert finding.proof.time_proof == proof


def test_two_tokens_prove_nothing(tmp_path: Path) -> None:
    def change(signer: Any) -> None:
        token = cms.ContentInfo.load(stamp(signer["signature"].native, OWN, OWN_KEY))
        signer["unsigned_attrs"] = [attribute("signature_time_stamp_token", token, token)]

    finding = own(tmp_path, make(b"made here", OWN, OWN_KEY, change_signer=change))
    assert finding.proof is not None
    assert "one value" in finding.proof.note


def test_a_withdrawn_key_is_revoked_wherever_it_stands_in_the_chain(tmp_path: Path) -> None:
    (middle,) = read_certificates(vector("middle.pem"))
    for certificate in (SIGNER, middle, ROOT):
        finding = one(tmp_path, vector("stamped.p7s"), revoked={key_of(certificate).key_id: "lost\x1b"})
        assert finding.result is Result.REVOKED
        assert finding.got == "revoked: 'lost\\x1b'"
        assert finding.proof is not None
        assert finding.proof.key_now == "revoked"


def listed(raw: bytes, name: str = "middle.crl") -> list[Piece]:
    return [piece(name, raw, role=Role.ANCHOR_DATA)]


def test_a_list_of_the_issuer_revokes(tmp_path: Path) -> None:
    for signature in ("plain.p7s", "stamped.p7s"):
        finding = one(tmp_path, vector(signature), beside=listed(vector("revoking.crl")))
        assert finding.result is Result.REVOKED
        assert finding.got == "revoked at 2026-07-01T12:00:00Z (keyCompromise): CN=signer"


def test_a_list_in_pem_is_found_by_its_content(tmp_path: Path) -> None:
    pem = x509.load_der_x509_crl(vector("revoking.crl")).public_bytes(Encoding.PEM)
    assert one(tmp_path, vector("plain.p7s"), beside=listed(pem, "list")).result is Result.REVOKED


def test_a_list_inside_the_document_revokes(tmp_path: Path) -> None:
    listing = CertificateList.load(revocations(OWN_ROOT_KEY, "own root", OWN.serial_number))

    def change(document: Any) -> None:
        document["crls"] = [cms.RevocationInfoChoice(name="crl", value=listing)]

    assert own(tmp_path, make(b"made here", OWN, OWN_KEY, change_document=change)).result is Result.REVOKED


def test_a_list_that_names_nobody_here_changes_nothing(tmp_path: Path) -> None:
    finding = one(tmp_path, vector("plain.p7s"), beside=listed(vector("empty.crl")))
    assert finding.result is Result.VERIFIED
    assert finding.proof is not None
    assert finding.proof.note == ""


def revocations(
    signer: Any,
    issuer: str,
    *serials: int,
    at: datetime = NOON,
    due: datetime = NOW + DAY,
    reason: x509.ReasonFlags | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> bytes:
    builder = x509.CertificateRevocationListBuilder().issuer_name(name(issuer)).last_update(at).next_update(due)
    for serial in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
        if reason:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.DER)


POINT: dict[str, Any] = {
    "full_name": None,
    "relative_name": None,
    "only_contains_user_certs": False,
    "only_contains_ca_certs": False,
    "only_some_reasons": None,
    "only_contains_attribute_certs": False,
}


def own_listed(folder: Path, raw: bytes) -> Finding:
    return own(folder, make(b"made here", OWN, OWN_KEY), beside=listed(raw))


# ecdsa-with-SHA256, made into an algorithm that nobody knows
UNKNOWN = revocations(OWN_ROOT_KEY, "own root").replace(
    bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d04030f")
)
FUTURE = revocations(OWN_ROOT_KEY, "own root", at=NOW + DAY, due=NOW + 2 * DAY)
STRANGE = revocations(key("rsa2048"), "own root", OWN.serial_number)


@pytest.mark.parametrize(
    ("raw", "note"),
    [
        (b"", "revocation list 1: ignored, it cannot be read"),
        (UNKNOWN, "revocation list 1: ignored, its signature does not hold"),
        (revocations(OWN_KEY, "own root", OWN.serial_number), "revocation list 1: ignored, its signature does not hold"),
        (
            revocations(key("rsa2048"), "own root", OWN.serial_number),
            "revocation list 1: ignored, its signature does not hold",
        ),
        (revocations(OWN_KEY, "another", OWN.serial_number), "revocation list 1: ignored, of another issuer"),
        (
            revocations(OWN_ROOT_KEY, "own root", at=NOW + DAY, due=NOW + 2 * DAY),
            "revocation list 1: ignored, from the future",
        ),
        (
            revocations(OWN_ROOT_KEY, "own root", due=NOON + DAY),
            "revocation list 1: of 2026-03-01T12:00:00Z, a newer one was due",
        ),
        (
            revocations(
                OWN_ROOT_KEY,
                "own root",
                OWN.serial_number,
                extensions=[(x509.IssuingDistributionPoint(**POINT, indirect_crl=True), True)],
            ),
            "revocation list 1: ignored, it speaks for other issuers",
        ),
        (revocations(OWN_ROOT_KEY, "own root", OWN.serial_number, reason=x509.ReasonFlags.remove_from_crl), ""),
    ],
)
def test_a_list_that_does_not_count_is_named(tmp_path: Path, raw: bytes, note: str) -> None:
    finding = own_listed(tmp_path, raw)
    assert finding.result is Result.VERIFIED
    assert finding.proof is not None
    assert finding.proof.note == note


def test_a_partial_list_still_revokes(tmp_path: Path) -> None:
    point = x509.IssuingDistributionPoint(**{**POINT, "only_contains_user_certs": True}, indirect_crl=False)
    raw = revocations(OWN_ROOT_KEY, "own root", OWN.serial_number, extensions=[(point, True)])
    assert own_listed(tmp_path, raw).got == "revoked at 2026-03-01T12:00:00Z (unspecified): CN=own"


def test_more_lists_than_anybody_needs_are_not_read(tmp_path: Path) -> None:
    finding = own(tmp_path, make(b"made here", OWN, OWN_KEY), beside=listed(b"") * 17)
    assert finding.proof is not None
    assert finding.proof.note.startswith("only 16 of 17 revocation lists were read; revocation list 1: ignored")


def test_a_revocation_counts_more_than_another_anchor_that_knows_of_none(tmp_path: Path) -> None:
    twin = issue("own root", OWN_ROOT_KEY, extensions=[(x509.BasicConstraints(ca=True, path_length=None), True)])
    other = authority("else", key(name="else"), end=NOW + DAY)
    anchors = [pinned(twin, who="one", subject="CN=own"), pinned(OWN_ROOT, who="two", subject="CN=nobody"), pinned(other)]
    document = make(b"made here", OWN, OWN_KEY)
    (finding,) = judged(tmp_path, document, *anchors, content=b"made here", at=NOON)
    assert (finding.result, finding.proof and finding.proof.anchor) == (Result.VERIFIED, "one")
    beside = listed(revocations(OWN_ROOT_KEY, "own root", OWN.serial_number))
    (finding,) = judged(tmp_path, document, *anchors, content=b"made here", at=NOON, beside=beside)
    assert finding.result is Result.REVOKED


def test_sha_1_is_weak_wherever_it_stands(tmp_path: Path) -> None:
    assert one(tmp_path, vector("sha1.p7s")).result is Result.WEAK_ALGORITHM

    def change(signer: Any) -> None:
        signer["signature_algorithm"] = {"algorithm": "sha1_ecdsa"}

    assert own(tmp_path, make(b"made here", OWN, OWN_KEY, change_signer=change)).result is Result.WEAK_ALGORITHM


def test_a_weak_key_is_weak(tmp_path: Path) -> None:
    weak = key("rsa1024")
    leaf = issue("own", weak, OWN_ROOT, OWN_ROOT_KEY, extensions=[purpose(CODE)])
    assert own(tmp_path, make(b"made here", leaf, weak)).result is Result.WEAK_ALGORITHM


def test_unknown_algorithms_are_unsupported(tmp_path: Path) -> None:
    def change(signer: Any) -> None:
        signer["signature_algorithm"] = {"algorithm": "sha3_256_ecdsa"}

    assert own(tmp_path, make(b"made here", OWN, OWN_KEY, digest="sha224")).result is Result.UNSUPPORTED
    assert own(tmp_path, make(b"made here", OWN, OWN_KEY, change_signer=change)).result is Result.UNSUPPORTED


def test_ber_is_unsupported_and_the_finding_says_what_to_do(tmp_path: Path) -> None:
    finding = one(tmp_path, vector("streamed.p7s"))
    assert finding.result is Result.UNSUPPORTED
    assert finding.got.endswith("ask the producer to sign without streaming")


def test_ed25519_signs_the_message_or_its_attributes(tmp_path: Path) -> None:
    plain = key("ed25519")
    leaf = issue("own", plain, OWN_ROOT, OWN_ROOT_KEY, extensions=[purpose(CODE)], end=NOW + DAY)
    for is_plain in (True, False):
        document = make(b"made here", leaf, plain, digest="sha512", plain=is_plain)
        finding = own(tmp_path, document)
        assert (finding.result, finding.proof and finding.proof.algorithm) == (Result.VERIFIED, "ed25519/sha512")
        assert one(tmp_path, document, pinned(OWN_ROOT, subject="CN=own"), content=b"else").result is Result.FAILED


def test_what_the_cryptography_package_signs_is_verified(tmp_path: Path) -> None:
    for options in ([], [pkcs7.PKCS7Options.NoAttributes], [pkcs7.PKCS7Options.NoCapabilities]):
        builder = pkcs7.PKCS7SignatureBuilder().set_data(b"made here").add_signer(OWN, OWN_KEY, hashes.SHA384())
        chosen = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, *options]
        assert own(tmp_path, builder.sign(Encoding.DER, chosen)).result is Result.VERIFIED


def pss(mask: str = "sha256", digest: str = "sha256", **more: Any) -> Any:
    def change(signer: Any) -> None:
        parameters = {
            "hash_algorithm": {"algorithm": digest},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": mask}},
            "salt_length": 32,
            **more,
        }
        scheme = {"algorithm": "rsassa_pss", "parameters": algos.RSASSAPSSParams(parameters)}
        signer["signature_algorithm"] = scheme
        signed = signer["signed_attrs"].untag().dump()
        signer["signature"] = key("rsa2048").sign(signed, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())

    return change


def test_rsa_pss_has_one_hash_for_everything(tmp_path: Path) -> None:
    def verdict(change: Any) -> Result:
        leaf = issue("own", key("rsa2048"), OWN_ROOT, OWN_ROOT_KEY, extensions=[purpose(CODE)], end=NOW + DAY)
        return own(tmp_path, make(b"made here", leaf, key("rsa2048"), change_signer=change)).result

    def without(signer: Any) -> None:
        signer["signature_algorithm"] = {"algorithm": "rsassa_pss"}

    assert verdict(pss()) is Result.VERIFIED
    assert verdict(pss("sha512")) is Result.FAILED
    assert verdict(pss("sha1")) is Result.WEAK_ALGORITHM
    assert verdict(pss(digest="sha512", mask="sha512")) is Result.FAILED
    assert verdict(pss(salt_length=20)) is Result.FAILED
    assert verdict(pss(salt_length=-1)) is Result.FAILED
    assert verdict(pss(salt_length=3000)) is Result.FAILED
    assert verdict(pss(trailer_field=2)) is Result.FAILED
    assert verdict(without) is Result.FAILED


def test_parameters_where_none_belong_fail(tmp_path: Path) -> None:
    def change(signer: Any) -> None:
        signer["signature_algorithm"] = algos.SignedDigestAlgorithm(
            {"algorithm": "sha256_ecdsa", "parameters": core.Null()}
        )

    assert "no parameters" in own(tmp_path, make(b"made here", OWN, OWN_KEY, change_signer=change)).got


def test_the_algorithm_is_that_of_the_certificate_s_key(tmp_path: Path) -> None:
    for scheme, words in (("sha256_rsa", "got one of another kind"), ("sha512_ecdsa", "got sha512")):

        def change(signer: Any, scheme: str = scheme) -> None:
            signer["signature_algorithm"] = {"algorithm": scheme}

        assert words in own(tmp_path, make(b"made here", OWN, OWN_KEY, change_signer=change)).got


def test_signed_attributes_have_to_say_type_and_digest_once(tmp_path: Path) -> None:
    def no_type(attributes: list[Any]) -> None:
        del attributes[0]

    def no_digest(attributes: list[Any]) -> None:
        del attributes[1]

    def other_type(attributes: list[Any]) -> None:
        attributes[0] = attribute("content_type", "signed_data")

    def two_digests(attributes: list[Any]) -> None:
        attributes.append(attributes[1])

    def no_value(attributes: list[Any]) -> None:
        attributes[1] = raw_attribute("1.2.840.113549.1.9.4")

    for change in (no_type, no_digest, other_type, two_digests, no_value):
        finding = own(tmp_path, make(b"made here", OWN, OWN_KEY, change_attributes=change))
        assert (finding.result, "attribute" in finding.got) == (Result.FAILED, True)


def test_signed_attributes_out_of_order_are_refused(tmp_path: Path) -> None:
    def change(signer: Any) -> None:
        found = [bytes(one.dump()) for one in signer["signed_attrs"]][::-1]
        signer["signed_attrs"] = cms.CMSAttributes(contents=b"".join(found))
        signer["signature"] = OWN_KEY.sign(core.SetOf(contents=b"".join(found), spec=core.Any).dump(), ECDSA)

    assert "strict DER" in own(tmp_path, make(b"made here", OWN, OWN_KEY, change_signer=change)).got


def test_a_signature_that_names_another_certificate_by_hash_fails(tmp_path: Path) -> None:
    other = issue("own", OWN_KEY, OWN_ROOT, OWN_ROOT_KEY, extensions=[purpose(CODE)])
    assert own(tmp_path, make(b"made here", OWN, OWN_KEY, extra=[bound(OWN)])).result is Result.VERIFIED
    assert "another" in own(tmp_path, make(b"made here", OWN, OWN_KEY, extra=[bound(other)])).got


def test_a_signature_over_attributes_is_none_over_a_file_of_them(tmp_path: Path) -> None:
    made: list[Any] = []
    make(b"made here", OWN, OWN_KEY, change_signer=made.append)
    attributes = made[0]["signed_attrs"].untag().dump()

    def steal(signer: Any) -> None:
        signer["signature"] = made[0]["signature"].native

    document = make(attributes, OWN, OWN_KEY, plain=True, change_signer=steal)
    finding = one(tmp_path, document, pinned(OWN_ROOT, subject="CN=own"), content=attributes)
    assert (finding.result, finding.got.endswith("the attributes of another signature")) == (Result.FAILED, True)


def test_the_empty_file_can_be_signed(tmp_path: Path) -> None:
    for is_plain in (True, False):
        document = make(b"", OWN, OWN_KEY, plain=is_plain)
        assert one(tmp_path, document, pinned(OWN_ROOT, subject="CN=own"), content=b"").result is Result.VERIFIED


def test_a_signing_time_in_either_form_is_a_claim(tmp_path: Path) -> None:
    for value in (core.UTCTime(NOON), core.GeneralizedTime(NOON)):
        raw = raw_attribute("1.2.840.113549.1.9.5", value.dump())
        finding = own(tmp_path, make(b"made here", OWN, OWN_KEY, extra=[raw]))
        assert finding.proof is not None
        assert (finding.proof.signed_at, finding.proof.time_proof) == ("2026-03-01T12:00:00Z", "claimed")
    raw = raw_attribute("1.2.840.113549.1.9.5", b"\x02\x01\x05")
    assert own(tmp_path, make(b"made here", OWN, OWN_KEY, extra=[raw])).result is Result.FAILED


def test_a_document_of_another_shape_is_no_signature(tmp_path: Path) -> None:
    def version(document: Any) -> None:
        document["version"] = "v5"

    def nobody(document: Any) -> None:
        document["signer_infos"] = []

    def crowd(document: Any) -> None:
        document["signer_infos"] = [document["signer_infos"][0]] * 17

    def baggage(document: Any) -> None:
        document["certificates"] = [document["certificates"][0]] * 33

    def foreign(document: Any) -> None:
        document["certificates"] = [cms.CertificateChoices("other", cms.OtherCertificateFormat({
            "other_cert_format": "1.2.3", "other_cert": core.Null()}))]  # fmt: skip

    def unlisted(document: Any) -> None:
        document["digest_algorithms"] = [algos.DigestAlgorithm({"algorithm": "sha512"})]

    for change, words in (
        (version, "of the version"),
        (nobody, "without any"),
        (crowd, "at most 16 signers, got 17"),
        (baggage, "at most 32 certificates, got 33"),
        (foreign, "another kind"),
        (unlisted, "digest algorithms"),
    ):
        finding = own(tmp_path, make(b"made here", OWN, OWN_KEY, change_document=change))
        assert (finding.result, words in finding.got) == (Result.FAILED, True), finding.got


def test_signers_of_another_version_fail(tmp_path: Path) -> None:
    def change(signer: Any) -> None:
        signer["version"] = "v3"

    def both(document: Any) -> None:
        document["version"] = "v3"

    assert "version 1" in own(tmp_path, make(b"made here", OWN, OWN_KEY, change_signer=change, change_document=both)).got


def test_more_attributes_than_anybody_needs_are_not_read(tmp_path: Path) -> None:
    extra = [raw_attribute(f"1.2.3.{number}", b"\x05\x00") for number in range(31)]
    assert "at most 32 attributes, got 33" in own(tmp_path, make(b"made here", OWN, OWN_KEY, extra=extra)).got


def test_other_types_of_content_are_unsupported_or_refused(tmp_path: Path) -> None:
    finding = own(tmp_path, make(b"\x30\x00", OWN, OWN_KEY, kind="tst_info", embedded=True))
    assert finding.result is Result.UNSUPPORTED
    assert own(tmp_path, bytes(cms.ContentInfo({"content_type": "data", "content": b"x"}).dump())).result is Result.FAILED


@pytest.mark.parametrize(
    "text",
    [
        b"-----BEGIN CMS-----\n-----END CMS-----\n",
        b"-----BEGIN CMS-----\nAAAA\n-----END PKCS7-----\n",
        b"-----BEGIN CMS-----\n?\n-----END CMS-----\n",
        b"-----BEGIN CMS-----",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"",
        b"\x30",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30" * 100_000,
    ],
)
def test_other_bytes_are_no_signature(tmp_path: Path, text: bytes) -> None:
    assert one(tmp_path, text).result is Result.FAILED


def test_armor_with_text_around_it_is_refused(tmp_path: Path) -> None:
    armored = vector("armored.p7s")
    assert one(tmp_path, armored.replace(b"\n", b"\r\n")).result is Result.VERIFIED
    for text in (armored + b"\nmore\n", armored + armored):
        assert one(tmp_path, text).result is Result.FAILED


def test_a_pin_is_read_from_a_certificate() -> None:
    read = read_pin(vector("root.pem"))
    assert (read.pin, read.fingerprint) == (pin_of(ROOT), f"sha256:{pin_of(ROOT)}")
    assert (read.identity, read.settings) == ("CN=Root", {})
    assert read_pin(der_of(ROOT)) == read


@pytest.mark.parametrize(
    "raw", [b"", vector("root.pem") * 2, der_of(issue("weak", key("rsa1024"))), b"-----BEGIN X-----\n"]
)
def test_no_pin_is_read_from_anything_else(raw: bytes) -> None:
    with pytest.raises(FormatError):
        read_pin(raw)


def test_names_of_others_are_escaped(tmp_path: Path) -> None:
    leaf = issue("evil\x1b[2J" + "x" * 40, OWN_KEY, OWN_ROOT, OWN_ROOT_KEY, extensions=[purpose(CODE)], end=NOW + DAY)
    finding = own(tmp_path, make(b"made here", leaf, OWN_KEY))
    assert "\x1b" not in finding.got + finding.identity
    assert "evil\\x1b[2J" in finding.identity


@pytest.mark.parametrize("signature", ["plain.p7s", "bare.p7s"])
def test_no_change_of_one_byte_verifies(tmp_path: Path, signature: str) -> None:
    document, about, known = vector(signature), subject(tmp_path, CONTENT), pins(pinned())
    for place in range(len(document)):
        for flip in (0x01, 0x02, 0x80, 0xFF):
            changed = bytearray(document)
            changed[place] ^= flip
            found = verify(about, piece("a.txt.p7s", bytes(changed)), (), known)
            assert [finding.result for finding in found if finding.result is Result.VERIFIED] == [], place


def test_a_change_in_a_timestamp_costs_the_proof(tmp_path: Path) -> None:
    """Whoever carries the file may drop or break unsigned attributes; only what nobody needs may change unnoticed.

    Here that is the token's own copy of the authority in the middle, which stands among the signature's certificates too.
    """
    document, about, known = vector("stamped.p7s"), subject(tmp_path, CONTENT), pins(pinned(), at=LATER)
    start = document.index(bytes.fromhex("060b2a864886f70d010910020e"))
    spare = der_of(read_certificates(vector("middle.pem"))[0])
    first = document.index(spare, start)
    for place in range(start, len(document)):
        changed = bytearray(document)
        changed[place] ^= 0x01
        found = verify(about, piece("a.txt.p7s", bytes(changed)), (), known)
        if not first <= place < first + len(spare):
            assert {finding.result for finding in found} <= {Result.EXPIRED_AT_SIGNING, Result.FAILED}, place


def test_no_cut_of_a_document_raises(tmp_path: Path) -> None:
    document, about, known = vector("stamped.p7s"), subject(tmp_path, CONTENT), pins(pinned())
    for size in range(0, len(document), 7):
        assert verify(about, piece("a.txt.p7s", document[:size]), (), known)[0].result is Result.FAILED


def test_without_attributes_nothing_says_that_the_content_is_no_data() -> None:
    data = SignedData.parse(make(b"x", OWN, OWN_KEY, plain=True))
    with pytest.raises(FormatError, match="not plain data"):
        check_signer(data.signers[0], OWN, "1.2.3", Held(b"x"))


def test_a_long_row_of_issuers_ends(tmp_path: Path) -> None:
    row = [authority(f"authority {number}", OWN_KEY, authority(f"authority {number + 1}", OWN_KEY)) for number in range(12)]
    leaf = issue("own", OWN_KEY, row[0], OWN_KEY)
    finding = own(tmp_path, make(b"made here", leaf, OWN_KEY, carried=[leaf, *row]))
    assert finding.result is Result.UNTRUSTED_KEY


def test_other_pieces_are_no_certificates(tmp_path: Path) -> None:
    beside = [piece("root.pem", vector("root.pem"), role=Role.SBOM)]
    assert one(tmp_path, vector("plain.p7s"), anchor(Kind.X509, pin_of(ROOT)), beside=beside).result is Result.UNTRUSTED_KEY
