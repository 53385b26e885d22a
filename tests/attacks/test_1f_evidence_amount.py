"""Threats 1f against producers' evidence: more than anybody should check, and exporters who sign what they did not read.

T142 counts what is computed and measures no time.
"""

# ruff: noqa: N802 -- the number of the threat is part of a test's name

import json
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms as asn1_cms  # type: ignore[import-untyped]

from airgap.core.entries import Role
from airgap.core.reasons import Reason
from airgap.core.verdict import Result, Standing
from airgap.evidence import pubkey
from airgap.evidence.pgp.packets import read_signatures
from tests.attacks.certified import authority, certified, cms
from tests.attacks.forms import Form, edited, larger, plain
from tests.forge.build import Bundle, bundle
from tests.forge.keys import ALICE, BOB, key
from tests.forge.site import make_store, refused, take
from tests.forge.trust import document, trust_file

FORMS = {form.kind: form for form in (*plain(), *larger(), *certified())}

MANY = 5000
FEWER = 500
"""Of what is large: more than 16 MiB would not be read at all."""


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of signatures of keys that were computed, in a list of one."""
    calls = [0]
    holds = pubkey.Key._holds

    def count(*given: Any) -> bool:
        calls[0] += 1
        return holds(*given)

    monkeypatch.setattr(pubkey.Key, "_holds", count)
    return calls


def bogus(kind: str) -> bytes:
    """A piece with thousands of signatures in it."""
    good = FORMS[kind].good
    match kind:
        case "cms":
            return cms(authority("ca"), "ca", change_document=_multiply)
        case "openpgp":
            (packet,) = read_signatures(good, limit=1)
            return packet.raw * MANY
        case "pep740":
            attestations = [json.loads(good)] * FEWER
            return json.dumps({"attestation_bundles": [{"publisher": {}, "attestations": attestations}]}).encode()
        case "sigstore":
            entry = json.loads(good)["verificationMaterial"]["tlogEntries"][0]
            return edited(good, "verificationMaterial", "tlogEntries", to=[entry] * FEWER)
        case "model-signing":
            return edited(good, "dsseEnvelope", "signatures", to=json.loads(good)["dsseEnvelope"]["signatures"] * MANY)
        case _:
            member = "layers" if kind == "cosign-image" else "signatures"
            return edited(good, member, to=json.loads(good)[member] * MANY)


def _multiply(said: Any) -> None:
    said["signer_infos"] = asn1_cms.SignerInfos([said["signer_infos"][0]] * MANY)


@pytest.mark.parametrize(
    "kind", ["dsse", "npm-signature", "cosign-image", "model-signing", "pep740", "sigstore", "cms", "openpgp"]
)
def test_T142_thousands_of_signatures_in_one_piece_are_refused_by_their_number(
    tmp_path: Path, kind: str, counted: list[int]
) -> None:
    (finding,) = FORMS[kind].prove(tmp_path, bogus(kind))

    assert (finding.result, finding.reason) == (Result.FAILED, Reason.EVIDENCE_FAILED)
    assert counted == [0]


def test_T142_thousands_of_envelopes_in_one_piece_are_refused_by_their_number(tmp_path: Path, counted: list[int]) -> None:
    (finding,) = FORMS["dsse"].prove(tmp_path, (FORMS["dsse"].good + b"\n") * MANY)

    assert (finding.result, finding.reason) == (Result.FAILED, Reason.EVIDENCE_FAILED)
    assert counted == [0]


def test_T142_hundreds_of_keys_beside_a_signature_are_not_all_tried(tmp_path: Path, counted: list[int]) -> None:
    form = FORMS["raw"]
    crowd = {f"keys/{number}.pem": (key(f"{number}").public.pem, Role.KEY) for number in range(FEWER)}

    form.prove(tmp_path, form.good[::-1], beside=crowd)

    assert 0 < counted[0] < 100


# -- T143 --------------------------------------------------------------------------------------------------------------


def sealed(form: Form, content: bytes) -> Bundle:
    """The genuine evidence beside some content, as two exporters sign it who read neither."""
    pieces = {form.place: (form.good, form.role), **form.beside}
    roles = {f"documents/{path}": role for path, (_, role) in pieces.items()}

    def put_together(manifest: Any) -> Any:
        manifest["artifacts"][0] |= {"purl": form.purl, "evidence": sorted(roles)}
        for entry in manifest["documents"]:
            entry["role"] = roles[entry["path"]]
        return manifest

    return bundle(
        {f"artifacts/files/{form.name}": content},
        documents={f"documents/{path}": raw for path, (raw, _) in pieces.items()},
        keys=[ALICE, BOB],
        on_manifest=put_together,
    )


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_T143_exporters_who_sign_what_they_did_not_read_do_not_make_it_the_producer_s(tmp_path: Path, form: Form) -> None:
    channel = {"signers": ["alice", "bob"], "threshold": 2, "artifacts": ["pkg:*"], "destinations": []}
    trust = trust_file(document(anchors=[form.anchor], channels={"main": channel}))
    store = make_store(tmp_path / "store", trust=trust)

    found = refused(store, sealed(form, b"evil\n").write(tmp_path / "evil"))

    assert (found.reason, found.subject) == (Reason.EVIDENCE_FAILED, f"artifacts/files/{form.name}")
    assert found.proof is not None
    assert found.proof.document == f"documents/{form.place}"
    good = take(store, sealed(form, form.content).write(tmp_path / "good")).verdict
    assert good.standing is Standing.ACCEPTED
    assert [item.result for item in good.findings if item.proof] == [Result.VERIFIED]
