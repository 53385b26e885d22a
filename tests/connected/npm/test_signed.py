"""What the collector carries is what the verifiers on both sides read: signatures made here, and judged from its files."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from airgap.core.anchors import Kind
from airgap.core.entries import Role
from airgap.core.verdict import Finding, Result
from airgap.evidence import npm, npm_keys
from airgap.evidence.pubkey import Key
from airgap.evidence.recognise import needs
from airgap.evidence.subject import Piece
from tests.connected.npm.registry import Bench, lock_of, sri, tarball
from tests.evidence import bench as evidence_bench

A = "@s/a/-/a-1.0.0+x.tgz"
PRIVATE = ec.generate_private_key(ec.SECP256R1())
SPKI = PRIVATE.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
KEY_ID = npm_keys.key_name(Key.parse(SPKI))
KIND = "ecdsa-sha2-nistp256"
KEYS = {"keys": [{"keyid": KEY_ID, "keytype": KIND, "scheme": KIND, "key": base64.b64encode(SPKI).decode()}]}


def signed(name: str, version: str) -> dict[str, Any]:
    text = f"{name}@{version}:{sri(tarball('@s/a', '1.0.0+x'))}".encode()
    signature = PRIVATE.sign(text, ec.ECDSA(hashes.SHA256()))
    return {"signatures": [{"keyid": KEY_ID, "sig": base64.b64encode(signature).decode()}]}


def judge(bench: Bench, tmp_path: Path, dist: dict[str, Any]) -> Finding:
    """What the verifier finds in the files that the collector hands over, the registry's list pinned."""
    bench.registry.publish("@s/a", "1.0.0+x", dist=dist)
    keys = bench.registry.answer("-/npm/v1/keys", KEYS)
    (artifact,) = bench.collect(lock_of(("@s/a", "1.0.0+x"))).artifacts.values()
    pieces = [Piece(s.path, role, media, Path(s.file).read_bytes()) for s, role, media in artifact.evidence]
    subject = evidence_bench.subject(tmp_path, Path(artifact.source.file).read_bytes(), purl=artifact.purl)
    pins = evidence_bench.pins(evidence_bench.anchor(Kind.NPM, hashlib.sha256(keys).hexdigest()))
    (signature,) = [piece for piece in pieces if piece.role is Role.SIGNATURE]
    (finding,) = npm.verify(subject, signature, [piece for piece in pieces if piece is not signature], pins)
    return finding


def test_a_registrys_signature_holds_on_the_other_side(bench: Bench, tmp_path: Path) -> None:
    finding = judge(bench, tmp_path, signed("@s/a", "1.0.0+x"))

    assert (finding.result, finding.identity) == (Result.VERIFIED, KEY_ID)


@pytest.mark.parametrize(("name", "version"), [("@s/a", "1.0.1"), ("@s/b", "1.0.0+x")])
def test_a_signature_of_another_release_is_found_out(bench: Bench, tmp_path: Path, name: str, version: str) -> None:
    assert judge(bench, tmp_path, signed(name, version)).result is Result.FAILED


def test_the_documents_are_recognised_for_what_they_are(bench: Bench) -> None:
    attested = {"attestations": {"url": "https://upstream.invalid/x"}}
    bench.registry.publish("@s/a", "1.0.0+x", dist={**signed("@s/a", "1.0.0+x"), **attested})
    vectors = Path(__file__).parents[2] / "evidence/vectors/npm_attestations"
    real = json.loads(next(vectors.glob("*.json")).read_bytes())
    bench.registry.answer("-/npm/v1/attestations/@s%2fa@1.0.0+x", real)
    bench.registry.answer("-/npm/v1/attestations/@s%2fa@1.0.0%2Bx", real)
    (artifact,) = bench.collect(lock_of(("@s/a", "1.0.0+x"))).artifacts.values()

    asked = {
        source.path.removeprefix(f"documents/npm/{A}"): needs(
            Piece(source.path, role, media, Path(source.file).read_bytes(), source.file)
        ).digests
        for source, role, media in artifact.evidence
    }
    assert asked == {".npm-signature.json": {"sha512"}, ".attestations.json": {"sha512"}}
