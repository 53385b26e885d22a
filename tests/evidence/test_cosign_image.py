"""cosign's classic image signatures, made here in its format: by keys, and by certificates of a Sigstore instance."""

import hashlib
import json
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from airgap.core.anchors import Kind
from airgap.core.entries import Role
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence import cosign_image
from airgap.evidence.pubkey import Key
from airgap.evidence.subject import Piece, Pins, Subject
from tests.evidence import bench, sigstore_forge
from tests.evidence.sigstore_forge import Content

IMAGE = b'{"schemaVersion":2,"config":{},"layers":[]}'
REFERENCE = "registry.example/team/app"
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"


def spki(private: Any) -> bytes:
    der: bytes = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return der


def pem(private: Any) -> bytes:
    text: bytes = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return text


PRODUCER = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
PIN = cosign_image.read_pin(pem(PRODUCER)).pin


def payload(
    digest: str = "", reference: str = REFERENCE, kind: Any = "cosign container image signature", **critical: Any
) -> bytes:
    said = {
        "identity": {"docker-reference": reference},
        "image": {"docker-manifest-digest": digest or f"sha256:{hashlib.sha256(IMAGE).hexdigest()}"},
        "type": kind,
        **critical,
    }
    return json.dumps({"critical": said, "optional": None}).encode()


class Signed(NamedTuple):
    """A layer, and its payload."""

    layer: Mapping[str, Any]
    content: bytes


def sign(content: bytes, private: Any = PRODUCER, *, algorithm: Any = None, **notes: Any) -> Signed:
    chosen = algorithm or hashes.SHA256()
    match private:
        case ec.EllipticCurvePrivateKey():
            signature = private.sign(content, ec.ECDSA(chosen))
        case rsa.RSAPrivateKey():
            signature = private.sign(content, PKCS1v15(), chosen)
        case _:
            signature = private.sign(content)
    return Signed(
        {
            "mediaType": SIMPLE,
            "size": len(content),
            "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
            "annotations": {"dev.cosignproject.cosign/signature": b64encode(signature).decode(), **notes},
        },
        content,
    )


def manifest(*layers: Any) -> Piece:
    said = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": list(layers)}
    return bench.piece("image.cosign.json", json.dumps(said).encode())


def image(tmp_path: Path, content: bytes = IMAGE) -> Subject:
    return bench.subject(tmp_path, content, name="manifest.json", purl="pkg:oci/app@sha256%3Aab")


def trust(*, revoked: Mapping[str, str] | None = None, **settings: str) -> Pins:
    return bench.pins(bench.anchor(Kind.COSIGN, PIN, **settings), revoked=revoked)


def judge(tmp_path: Path, signed: Signed, pins: Pins, *beside: Piece, content: bytes = IMAGE) -> Finding:
    (finding,) = judge_all(tmp_path, [signed], pins, *beside, content=content)
    return finding


def judge_all(
    tmp_path: Path, signed: Sequence[Signed], pins: Pins, *beside: Piece, content: bytes = IMAGE
) -> list[Finding]:
    blobs = [bench.piece(f"blob{at}", one.content, role=Role.ANCHOR_DATA) for at, one in enumerate(signed)]
    return cosign_image.verify(image(tmp_path, content), manifest(*(one.layer for one in signed)), [*blobs, *beside], pins)


# -- by a key ----------------------------------------------------------------------------------------------------------


def test_a_signature_by_the_pinned_key_vouches_for_the_image(tmp_path: Path) -> None:
    finding = judge(tmp_path, sign(payload()), trust(reference=REFERENCE))

    assert (finding.result, finding.identity) == (
        Result.VERIFIED,
        f"ecdsa-p256 key {Key.parse(spki(PRODUCER)).key_id[:16]}",
    )
    assert finding.proof is not None
    assert (finding.proof.anchor, finding.proof.vouches) == ("producer", Vouches.PUBLISHER)
    assert finding.proof.algorithm == "ecdsa-p256/sha256"
    assert finding.proof.covers == f"sha256:{hashlib.sha256(IMAGE).hexdigest()}"


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP384R1()), hashes.SHA256()),
        (ec.generate_private_key(ec.SECP384R1()), hashes.SHA384()),
        (rsa.generate_private_key(65537, 2048), hashes.SHA256()),
        (ed25519.Ed25519PrivateKey.generate(), None),
    ],
)
def test_all_kinds_of_keys_that_cosign_takes_will_do(tmp_path: Path, private: Any, algorithm: Any) -> None:
    pins = bench.pins(bench.anchor(Kind.COSIGN, cosign_image.read_pin(pem(private)).pin))

    assert judge(tmp_path, sign(payload(), private, algorithm=algorithm), pins).result is Result.VERIFIED


def test_a_signature_of_another_image_is_found_out(tmp_path: Path) -> None:
    finding = judge(tmp_path, sign(payload()), trust(), content=b"another image")

    assert (finding.result, finding.expected) == (Result.FAILED, "a signature of this image")
    assert finding.got == (
        f"expected sha256:{hashlib.sha256(b'another image').hexdigest()}, "
        f"got a signature of 'sha256:{hashlib.sha256(IMAGE).hexdigest()}'"
    )


def test_a_signature_of_the_same_image_under_another_name_is_found_out(tmp_path: Path) -> None:
    finding = judge(tmp_path, sign(payload(reference="evil.example/app")), trust(reference=REFERENCE))

    assert (finding.result, finding.got) == (Result.FAILED, f"expected the image '{REFERENCE}', got 'evil.example/app'")


def test_without_an_expected_name_any_name_will_do(tmp_path: Path) -> None:
    assert judge(tmp_path, sign(payload(reference="evil.example/app")), trust()).result is Result.VERIFIED


def test_two_anchors_for_one_key_allow_two_names(tmp_path: Path) -> None:
    pins = bench.pins(
        bench.anchor(Kind.COSIGN, PIN, reference="a.example/x"),
        bench.anchor(Kind.COSIGN, PIN, name="b", reference=REFERENCE),
    )

    finding = judge(tmp_path, sign(payload()), pins)

    assert (finding.result, finding.proof and finding.proof.anchor) == (Result.VERIFIED, "b")


def test_a_signature_made_for_another_purpose_is_found_out(tmp_path: Path) -> None:
    finding = judge(tmp_path, sign(payload(kind="atomic container signature")), trust())

    assert finding.result is Result.FAILED
    assert finding.got == "expected the type 'cosign container image signature', got 'atomic container signature'"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"critical": 1}',
        payload().replace(b'"optional"', b'"critical"'),
        payload(image=[]),
        payload(image={"docker-manifest-digest": 5}),
        payload(identity={}),
    ],
)
def test_a_signed_payload_that_is_none_is_found_out(tmp_path: Path, content: bytes) -> None:
    finding = judge(tmp_path, sign(content), trust())

    assert (finding.result, finding.expected) == (Result.FAILED, "a signature of this image")


def test_a_changed_payload_is_found_out(tmp_path: Path) -> None:
    signed = sign(payload())
    other = signed.content + b" "
    layer = {**signed.layer, "digest": f"sha256:{hashlib.sha256(other).hexdigest()}"}

    finding = judge(tmp_path, Signed(layer, other), trust())

    assert (finding.result, finding.got) == (Result.FAILED, "one that does not hold")
    assert finding.expected.startswith("a signature of this image by ecdsa-p256 key ")


def test_a_broken_signature_under_several_pinned_keys_names_their_number(tmp_path: Path) -> None:
    other = bench.anchor(Kind.COSIGN, cosign_image.read_pin(pem(OTHER)).pin, name="other")
    third = ec.generate_private_key(ec.SECP256R1())

    finding = judge(tmp_path, sign(payload(), third), bench.pins(bench.anchor(Kind.COSIGN, PIN), other))

    assert (finding.result, finding.expected) == (Result.FAILED, "a signature of this image by one of 2 keys")


def test_a_second_signer_beside_the_pinned_one_is_merely_unknown(tmp_path: Path) -> None:
    findings = judge_all(tmp_path, [sign(payload(), OTHER), sign(payload())], trust())

    assert [finding.result for finding in findings] == [Result.UNTRUSTED_KEY, Result.VERIFIED]


def test_a_carried_key_proves_nothing(tmp_path: Path) -> None:
    finding = judge(tmp_path, sign(payload()), bench.pins(), bench.piece("cosign.pub", pem(PRODUCER), role=Role.KEY))

    assert finding.result is Result.UNTRUSTED_KEY
    assert finding.proof is not None
    assert f"--kind cosign --pin '{PIN}'" in finding.proof.hint


def test_without_any_key_nothing_is_said(tmp_path: Path) -> None:
    finding = judge(tmp_path, sign(payload()), bench.pins())

    assert (finding.result, finding.got) == (Result.UNTRUSTED_KEY, "a signature by an unknown key")


def test_a_withdrawn_key_vouches_for_nothing(tmp_path: Path) -> None:
    key = Key.parse(spki(PRODUCER))

    assert judge(tmp_path, sign(payload()), trust(revoked={key.key_id: "lost"})).result is Result.REVOKED


# -- the layers --------------------------------------------------------------------------------------------------------


def test_a_payload_that_did_not_come_along_is_missed(tmp_path: Path) -> None:
    signed = sign(payload())

    (finding,) = cosign_image.verify(image(tmp_path), manifest(signed.layer), [], trust())

    assert finding.result is Result.FAILED
    assert (
        finding.got == f"layer: expected the payload {signed.layer['digest']} of at most 65536 bytes, got no such document"
    )


def test_a_payload_beyond_any_sense_is_not_read(tmp_path: Path) -> None:
    assert judge(tmp_path, sign(b" " * 65537), trust()).result is Result.FAILED


@pytest.mark.parametrize("kind", ["application/vnd.dsse.envelope.v1+json", None])
def test_layers_of_another_type_are_left_to_others(tmp_path: Path, kind: str | None) -> None:
    signed = sign(payload())

    finding = judge(tmp_path, Signed({**signed.layer, "mediaType": kind}, signed.content), trust())

    assert (finding.result, finding.got) == (Result.UNSUPPORTED, repr(kind))


def test_a_layer_that_is_no_object_is_left_to_others(tmp_path: Path) -> None:
    (finding,) = cosign_image.verify(image(tmp_path), manifest("x"), [], trust())

    assert finding.result is Result.UNSUPPORTED


@pytest.mark.parametrize(
    "changes",
    [
        {"annotations": None},
        {"annotations": {}},
        {"annotations": {"dev.cosignproject.cosign/signature": "AA"}},
        {"digest": None},
        {"digest": "sha512:" + "0" * 128},
        {"digest": "sha256:0"},
    ],
    ids=str,
)
def test_malformed_layers_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    signed = sign(payload())

    finding = judge(tmp_path, Signed({**signed.layer, **changes}, signed.content), trust())

    assert (finding.result, finding.expected) == (Result.FAILED, "a cosign signature")


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"schemaVersion":1,"layers":[1]}', b'{"schemaVersion":2,"layers":[]}']
)
def test_other_manifests_are_refused(tmp_path: Path, raw: bytes) -> None:
    (finding,) = cosign_image.verify(image(tmp_path), bench.piece("m.json", raw), [], trust())

    assert (finding.result, finding.expected) == (Result.FAILED, "the manifest of cosign signatures")


def test_more_layers_than_anybody_signs_with_are_refused(tmp_path: Path) -> None:
    (finding,) = cosign_image.verify(image(tmp_path), manifest(*[1] * 65), [], trust())

    assert finding.result is Result.FAILED


# -- by a certificate --------------------------------------------------------------------------------------------------

MINI = sigstore_forge.instance()
ROOT = MINI.trusted_root()


def keyless(
    content: bytes,
    *,
    logged_for: bytes | None = None,
    edit: Callable[[Any], None] = lambda _: None,
    signer: sigstore_forge.Signer | None = None,
) -> Signed:
    """A layer as cosign wrote it with a Sigstore identity; ``logged_for`` takes the log's entry of another signature."""
    signer = signer or MINI.signer()
    signature = signer.sign(content)
    own = MINI.bundle(signer, Content(message=content), version=1, has_proof=False, signature=signature)
    other = MINI.bundle(signer, Content(message=logged_for or b""), version=1, has_proof=False)
    entry = (other if logged_for is not None else own)["verificationMaterial"]["tlogEntries"][0]
    logged = {
        "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
        "Payload": {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logIndex": int(entry["logIndex"]),
            "logID": MINI.rekor.log_id.hex(),
        },
    }
    edit(logged)
    notes = {
        "dev.cosignproject.cosign/signature": b64encode(signature).decode(),
        "dev.sigstore.cosign/certificate": signer.pem.decode(),
        "dev.sigstore.cosign/chain": "not looked at",
        "dev.sigstore.cosign/bundle": json.dumps(logged),
    }
    return sign(content, **notes)


def publisher(**settings: str) -> Pins:
    said = {"issuer": sigstore_forge.ISSUER, "repository": sigstore_forge.REPOSITORY, **settings}
    return bench.pins(bench.anchor(Kind.SIGSTORE, hashlib.sha256(ROOT).hexdigest(), **said))


def root() -> Piece:
    return bench.piece("trusted_root.json", ROOT, role=Role.ANCHOR_DATA)


def test_a_pinned_publisher_vouches_for_the_image_at_the_logged_time(tmp_path: Path) -> None:
    finding = judge(tmp_path, keyless(payload()), publisher(), root())

    assert (finding.result, finding.kind) == (Result.VERIFIED, "cosign-image")
    assert finding.proof is not None
    assert (finding.proof.time_proof, finding.proof.signed_at) == ("log", "2026-03-01T12:00:00Z")


def test_another_publisher_does_not_vouch(tmp_path: Path) -> None:
    finding = judge(tmp_path, keyless(payload()), publisher(repository="evil/widget"), root())

    assert finding.result is Result.FAILED
    assert "evil/widget" in finding.expected


def test_a_second_publisher_beside_the_pinned_one_is_merely_unknown(tmp_path: Path) -> None:
    other = keyless(payload(), signer=MINI.signer("robot@elsewhere.example"))
    wrong = keyless(payload(f"sha256:{'0' * 64}"), signer=MINI.signer("robot@elsewhere.example"))

    findings = judge_all(tmp_path, [other, keyless(payload()), wrong, sign(payload(), OTHER)], publisher(), root())

    assert [finding.result for finding in findings] == ["untrusted-key", "verified", "failed", "untrusted-key"]
    assert judge(tmp_path, other, publisher(), root()).result is Result.FAILED


def test_a_pinned_keys_signature_of_another_image_stays_a_failure(tmp_path: Path) -> None:
    findings = judge_all(tmp_path, [sign(payload()), sign(payload(f"sha256:{'0' * 64}"))], trust())

    assert [finding.result for finding in findings] == [Result.VERIFIED, Result.FAILED]


def test_a_publishers_signature_of_another_image_is_found_out(tmp_path: Path) -> None:
    finding = judge(tmp_path, keyless(payload(f"sha256:{'0' * 64}")), publisher(), root())

    assert (finding.result, finding.got) == (Result.FAILED, f"a signature of 'sha256:{'0' * 64}'")


def test_a_valid_entry_about_another_signature_will_not_do(tmp_path: Path) -> None:
    """T133, CVE-2026-22703: any entry of the log was accepted."""
    finding = judge(tmp_path, keyless(payload(), logged_for=b"another payload"), publisher(), root())

    assert finding.result is Result.FAILED
    assert finding.got == "another one"


def test_without_a_pinned_publisher_nothing_is_proven(tmp_path: Path) -> None:
    finding = judge(tmp_path, keyless(payload()), bench.pins(), root())

    assert finding.result is Result.UNTRUSTED_KEY


def test_a_signature_that_the_certificates_key_did_not_make_is_found_out(tmp_path: Path) -> None:
    good = keyless(payload())
    notes = {**good.layer["annotations"], "dev.cosignproject.cosign/signature": sign(payload()).layer["annotations"][
        "dev.cosignproject.cosign/signature"]}  # fmt: skip

    finding = judge(tmp_path, Signed({**good.layer, "annotations": notes}, good.content), publisher(), root())

    assert finding.result is Result.FAILED


def earlier(logged: Any) -> None:
    logged["Payload"]["integratedTime"] -= 1


@pytest.mark.parametrize(
    "edit",
    [
        earlier,
        lambda logged: logged.pop("SignedEntryTimestamp"),
        lambda logged: logged.update(more=1),
        lambda logged: logged["Payload"].update(logID="00"),
        lambda logged: logged["Payload"].update(logID="0" * 64),
        lambda logged: logged["Payload"].update(body="AA=="),
        lambda logged: logged["Payload"].update(body=5),
        lambda logged: logged["Payload"].update(logIndex=-1),
        lambda logged: logged["Payload"].update(integratedTime="x"),
        lambda logged: logged.update(SignedEntryTimestamp=5),
    ],
)
def test_an_entry_that_no_pinned_log_promised_is_found_out(tmp_path: Path, edit: Callable[[Any], None]) -> None:
    assert judge(tmp_path, keyless(payload(), edit=edit), publisher(), root()).result is Result.FAILED


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dev.sigstore.cosign/bundle", ""),
        ("dev.sigstore.cosign/bundle", "[]"),
        ("dev.sigstore.cosign/certificate", "x"),
        ("dev.sigstore.cosign/certificate", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"),
        ("dev.sigstore.cosign/certificate", MINI.signer().pem.decode() * 2),
        ("dev.sigstore.cosign/certificate", 5),
    ],
)
def test_malformed_annotations_are_refused(tmp_path: Path, name: str, text: Any) -> None:
    good = keyless(payload())
    layer = {**good.layer, "annotations": {**good.layer["annotations"], name: text}}

    finding = judge(tmp_path, Signed(layer, good.content), publisher(), root())

    assert (finding.result, finding.expected) == (Result.FAILED, "a cosign signature")


# -- oracle ------------------------------------------------------------------------------------------------------------


@pytest.mark.online
def test_openssl_says_the_same_about_the_signature_of_a_payload(tmp_path: Path) -> None:
    """cosign itself is in no registry at hand; what it computes with a key is this and the comparison of one digest."""
    (tmp_path / "cosign.pub").write_bytes(pem(PRODUCER))
    for content, changed in ((payload(), payload()), (payload(), payload() + b" ")):
        signed = sign(content)
        text = signed.layer["annotations"]["dev.cosignproject.cosign/signature"]
        (tmp_path / "signature").write_bytes(b64decode(text))
        (tmp_path / "payload").write_bytes(changed)
        command = "openssl dgst -sha256 -verify cosign.pub -signature signature payload"
        is_good = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0
        layer = {**signed.layer, "digest": f"sha256:{hashlib.sha256(changed).hexdigest()}"}
        assert (judge(tmp_path, Signed(layer, changed), trust()).result is Result.VERIFIED) == is_good
        assert is_good == (content == changed)
