"""Laws of evidence: whatever is carried gets findings and no exception, and nothing is verified that nobody pinned."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.core import canonical
from airgap.core.entries import Artifact, Document, Role
from airgap.core.trust import open_trust
from airgap.core.verdict import Result
from airgap.evidence.prove import Prover
from tests.forge.producers import attestation, minisig, minisign_anchor, pem_anchor, raw_signature
from tests.forge.text import NOW
from tests.forge.trust import document, trust_file

CONTENT = b"content\n"
NAMES = ("a.asc", "a.sig", "a.minisig", "a.p7s", "a.sigstore.json", "a.intoto.jsonl", "SHA256SUMS", "SHA256SUMS.asc",
         "InRelease", "Release", "Release.gpg", "Packages.xz", "model.sig", "a.cosign.json", "a.provenance")  # fmt: skip
STARTS = (b"", b"-----BEGIN PGP SIGNATURE-----\n\n", b"-----BEGIN PGP SIGNED MESSAGE-----\n\n", b"untrusted comment: x\n",
          b"-----BEGIN SSH SIGNATURE-----\n", b"-----BEGIN CMS-----\n", b"\x30\x82", b"\x89\x00\x03\x04")  # fmt: skip
MEMBERS = ("verificationMaterial", "dsseEnvelope", "messageSignature", "payload", "payloadType", "signatures", "mediaType",
           "attestation_bundles", "verification_material", "envelope", "attestations", "integrity", "dist", "name",
           "version", "base64Signature", "cert", "layers", "schemaVersion", "annotations", "sig")  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(("", "AAAA", "e30=", "\ud800")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5),
    max_leaves=12,
)
CONTENTS = (
    st.binary(max_size=200)
    | st.tuples(st.sampled_from(STARTS), st.binary(max_size=120)).map(b"".join)
    | VALUES.map(lambda value: json.dumps(value).encode())
)
PIECES = st.dictionaries(st.sampled_from(NAMES), st.tuples(CONTENTS, st.sampled_from(list(Role))), max_size=4)


def prove(folder: Path, pieces: Mapping[str, tuple[bytes, Role]], *anchors: Mapping[str, Any]) -> list[Any]:
    stored = []
    for name, (content, role) in sorted(pieces.items()):
        file = folder / name
        file.write_bytes(content)
        digest = hashlib.sha256(content).digest()
        stored.append((Document(f"documents/files/{name}", len(content), digest, role, "x/y"), str(file)))
    (folder / "a").write_bytes(CONTENT)
    artifact = Artifact("artifacts/files/a", len(CONTENT), hashlib.sha256(CONTENT).digest(), "pkg:generic/a")
    prover = Prover(open_trust(trust_file(document(anchors=list(anchors)))).trust, NOW)
    prover.needs(artifact, stored)
    return prover.prove(artifact, stored, {}, str(folder / "a"))


@given(pieces=PIECES)
def test_whatever_is_carried_is_judged_and_never_verified(
    tmp_path_factory: pytest.TempPathFactory, pieces: Mapping[str, tuple[bytes, Role]]
) -> None:
    found = prove(tmp_path_factory.mktemp("law"), pieces, pem_anchor(), minisign_anchor())

    assert all(finding.result is not Result.VERIFIED for finding in found)
    canonical.encode([finding.value() for finding in found])


GOOD = {"a.sig": raw_signature(CONTENT), "a.minisig": minisig(CONTENT), "a.intoto.json": attestation(CONTENT, "a")}


@given(pieces=PIECES, name=st.sampled_from(sorted(GOOD)))
def test_what_lies_beside_makes_no_good_signature_worse_in_its_own_finding(
    tmp_path_factory: pytest.TempPathFactory, pieces: Mapping[str, tuple[bytes, Role]], name: str
) -> None:
    whole = {**pieces, name: (GOOD[name], Role.SIGNATURE)}
    found = prove(tmp_path_factory.mktemp("law"), whole, pem_anchor(), minisign_anchor())

    own = [finding for finding in found if finding.proof and finding.proof.document == f"documents/files/{name}"]
    assert [finding.result for finding in own] == [Result.VERIFIED]
