"""Model signatures: made by the model_signing command, by a forge in its format, and by a Sigstore identity."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from airgap.core.anchors import Kind
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence import model_manifest, model_signing
from airgap.evidence.pubkey import read_key
from airgap.evidence.subject import Piece, Pins, Subject
from airgap.evidence.x509.certificates import pin_of, read_certificates
from tests.evidence import bench, sigstore_forge

VECTORS = Path(__file__).parent / "vectors/model_signing"
CURVES = ["P-256", "P-384", "P-521"]
WEIGHTS = b"weights\n"
Change = Callable[[dict[str, Any]], None]


def vector(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def a_file(name: str = "weights.bin", content: bytes = WEIGHTS, *, folder: str = "artifacts/files/m") -> Subject:
    return Subject(
        path=f"{folder}/{name}",
        purl="pkg:huggingface/a/m@1",
        size=1,
        digests={"sha256": hashlib.sha256(content).digest()},
        file="",
    )


def signature(content: bytes, *, folder: str = "documents/files/m") -> Piece:
    return Piece(f"{folder}/model.sig", Role.SIGNATURE, "application/json", content)


def trust(public: bytes | None = None, **more: Any) -> Pins:
    return bench.pins(bench.anchor(Kind.MODEL, model_signing.read_pin(public or vector("P-256.pub")).pin), **more)


def judge(content: bytes, pins: Pins, *beside: Piece, subject: Subject | None = None) -> Finding:
    (finding,) = model_signing.verify(subject or a_file(), signature(content), beside, pins)
    return finding


# -- by a key ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("name", ["weights.bin", "sub/config.json"])
def test_every_file_that_the_signature_names_is_covered(curve: str, name: str) -> None:
    public = vector(f"{curve}.pub")

    finding = judge(vector(f"{curve}.sig"), trust(public), subject=a_file(name, vector(f"model/{name}")))

    key = read_key(public)
    assert (finding.result, finding.identity) == (Result.VERIFIED, f"{key.algorithm} key {key.key_id[:16]}")
    assert finding.proof is not None
    assert (finding.proof.algorithm, finding.proof.vouches) == (f"{key.algorithm}/{key.own_hash}", Vouches.PUBLISHER)


def test_a_file_that_the_signer_passed_over_is_covered_by_nothing() -> None:
    finding = judge(vector("P-256.sig"), trust(), subject=a_file("notes.txt", vector("model/notes.txt")))

    assert (finding.result, finding.expected) == (Result.FAILED, "a file that the model's signature covers")
    assert finding.got == "'notes.txt', which it ignores"


@pytest.mark.parametrize("name", [".git/config", ".gitignore"])
def test_files_of_version_control_are_covered_by_nothing(name: str) -> None:
    finding = judge(vector("P-256.sig"), trust(), subject=a_file(name))

    assert finding.got == f"'{name}', which it ignores"


@pytest.mark.parametrize("name", ["extra.bin", "sub/weights.bin", "Weights.bin", ".gitignores", "weights.bin/x"])
def test_a_file_that_the_signature_does_not_name_is_covered_by_nothing(name: str) -> None:
    finding = judge(vector("P-256.sig"), trust(), subject=a_file(name))

    assert (finding.result, finding.got) == (Result.FAILED, f"'{name}', which it does not name")


def test_a_changed_file_is_found_out() -> None:
    finding = judge(vector("P-256.sig"), trust(), subject=a_file(content=b"others\n"))

    assert finding.result is Result.FAILED
    assert finding.expected == f"'weights.bin' with sha256:{hashlib.sha256(WEIGHTS).hexdigest()}"
    assert finding.got == f"sha256:{hashlib.sha256(b'others' + bytes([10])).hexdigest()}"


def test_two_files_of_a_model_do_not_trade_places() -> None:
    finding = judge(vector("P-256.sig"), trust(), subject=a_file("weights.bin", vector("model/sub/config.json")))

    assert finding.result is Result.FAILED


def test_a_file_outside_of_the_models_folder_is_covered_by_nothing() -> None:
    finding = judge(vector("P-256.sig"), trust(), subject=a_file(folder="artifacts/files/mm"))

    assert (finding.result, finding.expected) == (Result.FAILED, "a file below 'files/m'")


def test_a_model_may_lie_at_the_root_of_a_bundle() -> None:
    root = signature(vector("P-256.sig"), folder="documents")

    (finding,) = model_signing.verify(a_file(folder="artifacts"), root, [], trust())

    assert finding.result is Result.VERIFIED


def test_a_model_of_a_single_file_is_that_file_only() -> None:
    good, other = (judge(vector("single.sig"), trust(), subject=a_file(name)) for name in ("weights.bin", "other.bin"))

    assert (good.result, other.result) == (Result.VERIFIED, Result.FAILED)
    assert other.got == "'other.bin', which it does not name"


def test_a_signature_by_another_pinned_key_is_not_this_ones() -> None:
    finding = judge(vector("P-256.sig"), trust(vector("P-384.pub")))

    assert finding.result is Result.UNTRUSTED_KEY
    assert finding.got == f"the key whose PEM has sha256 '{hashlib.sha256(vector('P-256.pub')).hexdigest()}'"


def test_a_carried_key_proves_nothing() -> None:
    finding = judge(vector("P-256.sig"), bench.pins(), bench.piece("k.pub", vector("P-256.pub"), role=Role.KEY))

    assert finding.result is Result.UNTRUSTED_KEY
    assert finding.proof is not None
    assert "--kind model-signing" in finding.proof.hint


def test_a_withdrawn_key_vouches_for_nothing() -> None:
    revoked = {read_key(vector("P-256.pub")).key_id: "lost"}

    assert judge(vector("P-256.sig"), trust(revoked=revoked)).result is Result.REVOKED


def changed(name: str, change: Change) -> bytes:
    said = json.loads(vector(name))
    change(said)
    return json.dumps(said).encode()


def as_before_1_0(said: dict[str, Any], public: bytes) -> None:
    said["verificationMaterial"] = {
        "publicKey": {"rawBytes": base64.b64encode(public).decode(), "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    }
    said["dsseEnvelope"]["signatures"][0]["keyid"] = None


def test_versions_before_1_0_carry_the_key_itself_which_counts_only_when_it_is_pinned() -> None:
    old = changed("P-256.sig", lambda said: as_before_1_0(said, vector("P-256.pub")))

    assert judge(old, trust()).result is Result.VERIFIED
    assert judge(old, bench.pins()).result is Result.UNTRUSTED_KEY
    assert judge(old, trust(vector("P-384.pub"))).result is Result.UNTRUSTED_KEY


def test_a_carried_key_that_did_not_sign_is_found_out() -> None:
    old = changed("P-256.sig", lambda said: as_before_1_0(said, vector("P-384.pub")))

    assert judge(old, trust()).result is Result.FAILED


def test_a_carried_key_that_cannot_be_read_names_nobody() -> None:
    old = changed("P-256.sig", lambda said: as_before_1_0(said, b"no key"))

    assert judge(old, trust()).result is Result.UNTRUSTED_KEY


def test_a_signature_that_names_no_key_is_tried_with_those_that_are_pinned() -> None:
    nameless = changed("P-256.sig", lambda said: said["verificationMaterial"].update(publicKey={}))

    assert judge(nameless, trust()).result is Result.VERIFIED
    assert judge(nameless, trust(vector("P-384.pub"))).result is Result.FAILED


def edit_payload(said: dict[str, Any]) -> None:
    payload = base64.b64decode(said["dsseEnvelope"]["payload"]).replace(b"weights.bin", b"weights.bun")
    said["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()


def test_a_changed_statement_is_found_out() -> None:
    finding = judge(changed("P-256.sig", edit_payload), trust())

    assert (finding.result, finding.got) == (Result.FAILED, "one that does not hold")


def test_a_changed_payload_type_is_found_out() -> None:
    other = changed("P-256.sig", lambda said: said["dsseEnvelope"].update(payloadType="application/x"))

    assert judge(other, trust()).result is Result.FAILED


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said.pop("verificationMaterial"),
        lambda said: said.pop("dsseEnvelope"),
        lambda said: said["dsseEnvelope"].update(signatures=[]),
        lambda said: said["dsseEnvelope"].update(signatures=said["dsseEnvelope"]["signatures"] * 2),
        lambda said: said["dsseEnvelope"]["signatures"][0].update(sig="AA"),
        lambda said: said["dsseEnvelope"].update(more=1),
        lambda said: said["verificationMaterial"].update(publicKey=[]),
        lambda said: said["verificationMaterial"]["publicKey"].update(hint=5),
    ],
)
def test_malformed_signatures_are_refused(change: Change) -> None:
    finding = judge(changed("P-256.sig", change), trust())

    assert (finding.result, finding.expected) == (Result.FAILED, "a model signature")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"a":1,"a":1}'])
def test_what_is_no_strict_json_is_refused(raw: bytes) -> None:
    assert judge(raw, trust()).result is Result.FAILED


def test_only_keys_that_sign_models_are_pinned() -> None:
    pem = (
        ed25519.Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )

    with pytest.raises(FormatError, match="expected ECDSA"):
        model_signing.read_pin(pem)


# -- what is signed ----------------------------------------------------------------------------------------------------

FORGER = ec.generate_private_key(ec.SECP256R1())
FORGER_PEM = FORGER.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
DIGEST = hashlib.sha256(WEIGHTS)


def a_statement() -> dict[str, Any]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "m", "digest": {"sha256": hashlib.sha256(DIGEST.digest()).hexdigest()}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False},
            "resources": [{"name": "weights.bin", "algorithm": "sha256", "digest": DIGEST.hexdigest()}],
        },
    }


def forged(change: Change = lambda _: None, *, kind: str = "application/vnd.in-toto+json") -> bytes:
    """A signature by the forger's key, whose hint is its PEM's digest."""
    said = a_statement()
    change(said)
    payload = json.dumps(said).encode()
    sig = FORGER.sign(sigstore_forge.pae(kind, payload), ec.ECDSA(hashes.SHA256()))
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": hashlib.sha256(FORGER_PEM).hexdigest()}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": kind,
            "signatures": [{"sig": base64.b64encode(sig).decode(), "keyid": ""}],
        },
    }
    return json.dumps(bundle).encode()


def test_the_forge_makes_what_the_command_makes() -> None:
    assert judge(forged(), trust(FORGER_PEM)).result is Result.VERIFIED


def predicate(**changes: Any) -> Change:
    return lambda said: said["predicate"].update(changes)


def serialization_is(**changes: Any) -> Change:
    return lambda said: said["predicate"]["serialization"].update(changes)


def resource_is(**changes: Any) -> Change:
    return lambda said: said["predicate"]["resources"][0].update(changes)


@pytest.mark.parametrize(
    "change",
    [
        serialization_is(method="shards", shard_size=1_000_000),
        serialization_is(hash_type="blake2b"),
        serialization_is(hash_type=None),
        resource_is(algorithm="blake2b"),
        lambda said: said.update(predicateType="https://model_signing/Digests/v0.1"),
        lambda said: said.update(_type="https://in-toto.io/Statement/v0.1"),
    ],
)
def test_other_forms_of_model_signatures_are_left_alone(change: Change) -> None:
    finding = judge(forged(change), trust(FORGER_PEM))

    assert (finding.result, finding.expected) == (Result.UNSUPPORTED, "a model signature that can be checked")


@pytest.mark.parametrize(
    "change",
    [
        predicate(serialization=None),
        serialization_is(ignore_paths="x"),
        serialization_is(ignore_paths=[1]),
        predicate(resources=[]),
        predicate(resources={}),
        predicate(resources=["x"]),
        lambda said: said["predicate"]["resources"].append(said["predicate"]["resources"][0]),
        resource_is(name=""),
        resource_is(name=None),
        resource_is(digest=None),
        resource_is(digest=DIGEST.hexdigest().upper()),
        lambda said: said["subject"][0]["digest"].update(sha256="0" * 64),
        lambda said: said["subject"].append({"name": "n", "digest": said["subject"][0]["digest"]}),
        lambda said: said.update(subject=[]),
        lambda said: said.update(_type="x"),
    ],
)
def test_a_signed_statement_that_contradicts_itself_covers_nothing(change: Change) -> None:
    finding = judge(forged(change), trust(FORGER_PEM))

    assert (finding.result, finding.expected) == (Result.FAILED, "a model signature")


def test_an_envelope_for_another_purpose_covers_nothing() -> None:
    finding = judge(forged(kind="text/plain"), trust(FORGER_PEM))

    assert (finding.result, finding.expected) == (Result.FAILED, "a model signature")


def test_a_manifest_is_read_once_for_all_files_of_a_model() -> None:
    model_manifest._parse.cache_clear()
    for _ in range(3):
        judge(forged(), trust(FORGER_PEM))

    assert model_manifest._parse.cache_info().misses <= 3
    judge(vector("P-256.sig"), trust())
    judge(vector("P-256.sig"), trust(), subject=a_file("sub/config.json", vector("model/sub/config.json")))
    assert model_manifest._parse.cache_info().hits >= 1


# -- by a certificate --------------------------------------------------------------------------------------------------

CA = read_certificates((VECTORS / "ca.pem").read_bytes())[0]
SIGNER = "CN=Example Model Signer"


def authority(subject: str = SIGNER, *, year: int = 2027) -> Pins:
    return bench.pins(bench.anchor(Kind.X509, pin_of(CA), subject=subject), at=datetime(year, 1, 1, tzinfo=UTC))


def test_a_certificate_of_the_pinned_authority_vouches_for_the_model() -> None:
    finding = judge(vector("chain.sig"), authority())

    assert (finding.result, finding.identity) == (Result.VERIFIED, SIGNER)
    assert finding.proof is not None
    assert (finding.proof.anchor, finding.proof.algorithm) == ("producer", "ecdsa-p256/sha256")


def test_the_covering_file_matters_with_certificates_too() -> None:
    assert judge(vector("chain.sig"), authority(), subject=a_file("extra")).result is Result.FAILED


def test_another_name_than_the_anchors_is_found_out() -> None:
    assert judge(vector("chain.sig"), authority("CN=Somebody Else")).result is Result.FAILED


def test_a_chain_to_nobody_that_is_pinned_proves_nothing() -> None:
    finding = judge(vector("chain.sig"), bench.pins())

    assert finding.result is Result.UNTRUSTED_KEY


def test_certificates_that_ended_need_a_proven_time() -> None:
    finding = judge(vector("chain.sig"), authority(year=2200))

    assert finding.result is Result.EXPIRED_AT_SIGNING


def test_a_statement_that_the_certificates_key_did_not_sign_is_found_out() -> None:
    finding = judge(changed("chain.sig", edit_payload), authority())

    assert (finding.result, finding.expected) == (Result.FAILED, f"a signature by the certificate of {SIGNER}")


@pytest.mark.parametrize(
    "chain", [[], {"certificates": []}, {"certificates": [{"rawBytes": "AA=="}]}, {"certificates": [{}] * 33}]
)
def test_malformed_chains_are_refused(chain: Any) -> None:
    other = changed("chain.sig", lambda said: said["verificationMaterial"].update(x509CertificateChain=chain))

    assert judge(other, authority()).result is Result.FAILED


# -- by a Sigstore identity --------------------------------------------------------------------------------------------


def sigstore_signed(change: Change = lambda _: None) -> tuple[bytes, bytes]:
    """A model signature by a workflow, and the trusted root of its instance."""
    mini = sigstore_forge.instance()
    said = a_statement()
    change(said)
    content = sigstore_forge.Content(payload=json.dumps(said).encode())
    return json.dumps(mini.bundle(mini.signer(), content, ("dsse", "0.0.1"))).encode(), mini.trusted_root()


def publisher(root: bytes, **settings: str) -> Pins:
    said = {"issuer": sigstore_forge.ISSUER, "repository": sigstore_forge.REPOSITORY, **settings}
    return bench.pins(bench.anchor(Kind.SIGSTORE, hashlib.sha256(root).hexdigest(), **said))


def root_piece(root: bytes) -> Piece:
    return bench.piece("trusted_root.json", root, role=Role.ANCHOR_DATA)


def test_a_sigstore_identity_vouches_for_the_model() -> None:
    signed, root = sigstore_signed()

    finding = judge(signed, publisher(root), root_piece(root))

    assert finding.result is Result.VERIFIED
    assert finding.proof is not None
    assert (finding.proof.time_proof, finding.kind) == ("log", "model-signing")


def test_another_repository_does_not() -> None:
    signed, root = sigstore_signed()

    assert judge(signed, publisher(root, repository="evil/widget"), root_piece(root)).result is Result.FAILED


@pytest.mark.parametrize(
    ("change", "result"),
    [(serialization_is(method="shards"), Result.UNSUPPORTED), (resource_is(digest="0" * 64), Result.FAILED)],
)
def test_what_a_sigstore_identity_signed_is_held_to_the_file_as_well(change: Change, result: Result) -> None:
    signed, root = sigstore_signed(change)

    assert judge(signed, publisher(root), root_piece(root)).result is result


# -- oracle ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The model_signing command in an environment of its own; pyOpenSSL is needed and not declared."""
    folder = tmp_path_factory.mktemp("oracle")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
    wanted = ["model-signing==1.1.1", "pyOpenSSL"]
    subprocess.run([folder / "bin/pip", "install", "--quiet", *wanted], check=True, capture_output=True)
    return str(folder / "bin/model_signing")


def oracle_says(command: str, model: Path, signed: Path, *more: str | Path) -> bool:
    call = [command, "verify", *map(str, more), "--signature", str(signed), str(model)]
    return (
        subprocess.run(call, capture_output=True, check=False, env={**os.environ, "HOME": str(signed.parent)}).returncode
        == 0
    )


@pytest.mark.online
def test_the_command_says_the_same(command: str, tmp_path: Path) -> None:
    model = tmp_path / "m"
    for name in ("weights.bin", "sub/config.json"):
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_bytes(vector(f"model/{name}"))
    key, ca = VECTORS / "P-256.pub", VECTORS / "ca.pem"
    (tmp_path / "forged.sig").write_bytes(forged())
    (tmp_path / "forger.pub").write_bytes(FORGER_PEM)
    (tmp_path / "changed.sig").write_bytes(changed("P-256.sig", edit_payload))
    weights = a_file()

    assert oracle_says(command, model, VECTORS / "P-256.sig", "key", "--public_key", key)
    assert judge(vector("P-256.sig"), trust(), subject=weights).result is Result.VERIFIED
    assert oracle_says(command, model, VECTORS / "chain.sig", "certificate", "--certificate_chain", ca)
    assert judge(vector("chain.sig"), authority(), subject=weights).result is Result.VERIFIED
    # the command believes certificates at the time that they name themselves, for ever; we ask for a proof or for today
    assert judge(vector("chain.sig"), authority(year=2200), subject=weights).result is Result.EXPIRED_AT_SIGNING
    assert not oracle_says(command, model, tmp_path / "changed.sig", "key", "--public_key", key)
    assert judge((tmp_path / "changed.sig").read_bytes(), trust(), subject=weights).result is Result.FAILED
    assert not oracle_says(command, model, VECTORS / "P-256.sig", "key", "--public_key", VECTORS / "P-384.pub")
    (model / "sub/config.json").unlink()
    assert oracle_says(command, model, tmp_path / "forged.sig", "key", "--public_key", tmp_path / "forger.pub")
    (model / "extra.bin").write_bytes(b"")
    assert not oracle_says(command, model, tmp_path / "forged.sig", "key", "--public_key", tmp_path / "forger.pub")
    assert judge(forged(), trust(FORGER_PEM), subject=a_file("extra.bin", b"")).result is Result.FAILED


@pytest.mark.online
def test_the_command_lets_files_pass_that_it_was_told_to_ignore_and_we_do_not(command: str, tmp_path: Path) -> None:
    model = tmp_path / "m"
    model.mkdir()
    (model / "weights.bin").write_bytes(WEIGHTS)
    (model / "extra.bin").write_bytes(b"")
    (tmp_path / "forged.sig").write_bytes(forged())
    (tmp_path / "forger.pub").write_bytes(FORGER_PEM)
    options = ("key", "--ignore_unsigned_files", "--public_key", tmp_path / "forger.pub")

    assert oracle_says(command, model, tmp_path / "forged.sig", *options)
    assert judge(forged(), trust(FORGER_PEM), subject=a_file("extra.bin", b"")).result is Result.FAILED
